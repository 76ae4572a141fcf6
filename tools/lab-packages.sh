#!/bin/sh
# Installs what the tests run beside us, with no service started: Postfix and Dovecot for the
# mail lab, Prometheus for its promtool, which judges our metrics, strace to kill or starve the
# daemon in a chosen system call, and faketime to set its clock.
# Where that is not possible it says so and succeeds: those tests are skipped then.
set -eu
cd "$(dirname "$0")/.."

packages="postfix dovecot-imapd dovecot-lmtpd dovecot-sieve prometheus strace faketime"

say() { printf '==> %s\n' "$*"; }
is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=
for package in $packages; do
    is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    say "No mail lab: that needs root. Its tests will be skipped."
elif ! command -v apt-get >/dev/null; then
    say "No mail lab: this system has no apt-get. Its tests will be skipped."
else
    say "Installing for the tests:$missing"
    # Without an answer, Postfix would ask, and then make a configuration for this machine.
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
    # shellcheck disable=SC2086 # a list of words
    sh tools/apt-install.sh $missing || say "No mail lab: apt-get failed. Its tests will be skipped."
fi
