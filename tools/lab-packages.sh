#!/bin/sh
# Installs what the mail lab of the tests runs: Postfix and Dovecot, with no service started.
# Where that is not possible it says so and succeeds: the tests of the lab are skipped then.
set -eu
cd "$(dirname "$0")/.."

packages="postfix postfix-pcre dovecot-imapd dovecot-lmtpd dovecot-sieve"

say() { printf '==> %s\n' "$*"; }
is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=
for package in $packages; do
    is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    say "No mail lab: it needs root. Its tests will be skipped."
elif ! command -v apt-get >/dev/null; then
    say "No mail lab: this system has no apt-get. Its tests will be skipped."
else
    say "Installing the mail lab:$missing"
    # Without an answer, Postfix would ask, and then make a configuration for this machine.
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
    # shellcheck disable=SC2086 # a list of words
    sh tools/apt-install.sh $missing || say "No mail lab: apt failed. Its tests will be skipped."
fi
