#!/bin/sh
# Builds the container image, and proves it: starts the demo in it as the image's own user, with a
# read-only root, and waits until the image's own healthcheck is content.
# usage: tools/image.sh [NAME]      the image's name, default mailprobe
#
# With docker or podman where one runs; else, as root, with buildah on a base made of Debian
# packages. Proxy, certificates and package index of this machine are lent to the build as
# secrets, mounts and build arguments; nothing of them stays in the image.
set -eu
cd "$(dirname "$0")/.."
image=${1:-mailprobe}
# For buildah: what works without an engine, overlayfs and user namespaces.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot

say() { printf '==> %s\n' "$*"; }
fail() { printf 'mailprobe: %s\n' "$*" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

find_engine() {
    for engine in docker podman; do
        ! "$engine" info >/dev/null 2>&1 || return 0
    done
    engine=buildah
    command -v buildah debootstrap >/dev/null && [ "$(id -u)" -eq 0 ] && return
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null ||
        fail "no container engine runs here. Start docker or podman, or run this as root on Debian."
    say "No container engine: installing buildah and debootstrap"
    sh tools/apt-install.sh buildah debootstrap
}

# How pip gets its packages on this machine.
pip_setting() {
    printenv "PIP_$(echo "$1" | tr 'a-z-' 'A-Z_')" ||
        python3 -m pip config get "global.$1" 2>/dev/null
}

write_pip_conf() {
    echo "[global]"
    for key in index-url extra-index-url find-links trusted-host proxy timeout; do
        ! value=$(pip_setting "$key" | tr '\n' ' ') || [ -z "$value" ] || echo "$key = $value"
    done
    [ ! -e "$work/ca.pem" ] || echo "cert = /run/secrets/ca.pem"
}

# Sets $lent: options that lend the build what this machine needs.
lend() {
    authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    lent=
    if [ -r "$authorities" ]; then
        cp "$authorities" "$work/ca.pem"
        lent="--secret id=ca.pem,src=$work/ca.pem"
    fi
    write_pip_conf >"$work/pip.conf"
    lent="$lent --secret id=pip.conf,src=$work/pip.conf"
    for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        ! printenv "$variable" >/dev/null || lent="$lent --build-arg $variable"
    done
    [ "$engine" != docker ] || return 0 # it cannot mount directories into a build
    for word in $(sed -n 's/^[a-z-]* = //p' "$work/pip.conf"); do
        directory=${word#file://}
        directory=${directory%/simple} # an index links to the files beside it (PEP 503)
        [ ! -d "$directory" ] || lent="$lent --volume $directory:$directory:ro"
    done
}

build() {
    lend
    set -- --build-arg "VERSION=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' probe/__init__.py)" \
        --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || :)" --tag "$image" .
    say "Building $image with $engine"
    # shellcheck disable=SC2086 # a list of options; mktemp's names hold no blanks
    case $engine in
    buildah)
        sh tools/image-base.sh localhost/mailprobe-base
        buildah bud --format docker --network host $lent \
            --build-arg BASE=localhost/mailprobe-base "$@"
        ;;
    podman) podman build --format docker $lent "$@" ;;
    docker) DOCKER_BUILDKIT=1 docker build $lent "$@" ;;
    esac
}

find_engine
build
sh tools/image-prove.sh "$engine" "$image"
