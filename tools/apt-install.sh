#!/bin/sh
# Installs Debian packages without starting their services. Needs root.
# usage: tools/apt-install.sh PACKAGE...
set -eu

# While this file says 101, no package may start or stop a service (invoke-rc.d(8)).
guard=/usr/sbin/policy-rc.d
if [ ! -e "$guard" ]; then
    trap 'rm -f "$guard"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 755 "$guard"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get -q update || echo "apt-get update failed; trying with what apt already knows" >&2
apt-get -q -y -o DPkg::Lock::Timeout=300 -o APT::Install-Recommends=false install "$@"
