#!/bin/sh
# Makes a base image from Debian packages, for machines that reach no image registry.
# Needs root, buildah and debootstrap. Does nothing when the image is there.
# usage: tools/image-base.sh NAME
set -eu
name=${1:?usage: tools/image-base.sh NAME}
suite=bookworm

buildah inspect --type image "$name" >/dev/null 2>&1 && exit 0

work=$(mktemp -d)
container=
clean() {
    [ -z "$container" ] || buildah rm "$container" >/dev/null
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

printf '==> %s\n' "Making the base image $name from Debian $suite (about a minute)"
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
    "$suite" "$work/root" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
# What apt fetched and what only people read.
rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* "$work"/root/var/log/* \
    "$work"/root/usr/share/man/* "$work"/root/usr/share/locale/*
# Names and addresses of the building machine, which debootstrap copies.
: >"$work/root/etc/hostname"
: >"$work/root/etc/resolv.conf"

container=$(buildah from scratch)
buildah copy -q "$container" "$work/root" / >/dev/null
buildah commit -q "$container" "$name" >/dev/null
