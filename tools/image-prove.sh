#!/bin/sh
# Proves an image: runs the demo in it as the image's own user, on a read-only root without
# capabilities, until the image's own healthcheck is content; stops it by SIGTERM; tells the size.
# usage: tools/image-prove.sh docker|podman|buildah IMAGE
set -eu
usage="usage: tools/image-prove.sh docker|podman|buildah IMAGE"
engine=${1:?$usage} image=${2:?$usage}
tries_at_most=90 # one a second; docker makes its first check after 30 seconds

say() { printf '==> %s\n' "$*"; }
fail() { printf 'mailprobe: %s\n' "$*" >&2; exit 1; }

undo=:
trap 'eval "$undo"' EXIT
trap 'exit 130' INT TERM

# Asks again and again until the demo is healthy, for a bounded time and while it lives.
wait_until_healthy() {
    tries=0
    until is_healthy >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt "$tries_at_most" ] && is_alive || return 1
        sleep 1
    done
}

start_with_engine() {
    container=$("$engine" run --detach --read-only --cap-drop ALL \
        --security-opt no-new-privileges "$image" demo)
    undo='"$engine" rm --force --volumes "$container" >/dev/null'
}

prove_with_engine() {
    is_alive() { [ "$("$engine" inspect --format '{{.State.Running}}' "$container")" = true ]; }
    is_healthy() {
        case $engine in
        docker) [ "$(docker inspect --format '{{.State.Health.Status}}' "$container")" = healthy ] ;;
        podman) podman healthcheck run "$container" ;;
        esac
    }
    start_with_engine
    wait_until_healthy || { "$engine" logs "$container" >&2; fail "the healthcheck never passed"; }
    "$engine" stop --time 15 "$container" >/dev/null
    status=$("$engine" inspect --format '{{.State.ExitCode}}' "$container")
    size=$("$engine" image inspect --format '{{.Size}}' "$image")
}

# What follows does by hand what an engine does with an image, as buildah has no `run --read-only`.
of_image() { buildah inspect --type image --format "$1" "$image"; }

free_port() {
    python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Runs a command by way of a wrapper with the image's environment, user and directory, and without
# any right of root. usage: in_image WRAPPER COMMAND...
in_image() {
    wrapper=$1
    shift
    set -- setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --bounding-set=-all \
        --inh-caps=-all --no-new-privs sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
    # shellcheck disable=SC2046 # no variable of the image holds a blank
    "$wrapper" env -i $(of_image '{{range .OCIv1.Config.Env}}{{println .}}{{end}}') \
        "MAILPROBE_HEALTH_URL=http://127.0.0.1:$port/healthz" chroot "$root" "$@"
}

# The root read-only, and the volume the only thing that can be written to.
in_new_namespace() {
    exec unshare --mount --propagation private sh -c '
        mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" &&
        mount -t proc none "$1/proc" && mount --rbind /dev "$1/dev" &&
        mount -t tmpfs -o "mode=0700,uid=$3,gid=$3" none "$1$2" || exit
        shift 3
        exec "$@"' sh "$root" "$directory" "${user%:*}" "$@"
}

in_its_namespace() { nsenter --mount="/proc/$pid/ns/mnt" "$@"; }

prove_by_hand() {
    container=$(buildah from "$image")
    undo='buildah rm "$container" >/dev/null'
    root=$(buildah mount "$container")
    user=$(of_image '{{.OCIv1.Config.User}}')
    directory=$(of_image '{{.OCIv1.Config.WorkingDir}}')
    port=$(free_port)
    [ "${user%:*}" -gt 0 ] || fail "the image runs as root"

    in_image in_new_namespace "$(of_image '{{index .OCIv1.Config.Entrypoint 0}}')" \
        demo --port "$port" &
    pid=$!
    undo='kill "$pid" 2>/dev/null; wait "$pid"; buildah rm "$container" >/dev/null'
    is_alive() { kill -0 "$pid"; }
    is_healthy() {
        in_image in_its_namespace \
            "$(of_image '{{index .Docker.Config.Healthcheck.Test 1}}')" \
            "$(of_image '{{index .Docker.Config.Healthcheck.Test 2}}')" \
            "$(of_image '{{index .Docker.Config.Healthcheck.Test 3}}')"
    }
    wait_until_healthy || fail "the healthcheck never passed"
    ! in_image in_its_namespace touch /opt/mailprobe/written 2>/dev/null ||
        fail "the root can be written to"
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    undo='buildah rm "$container" >/dev/null'
    size=$(du --summarize --bytes "$root" | cut -f 1)
}

say "Starting the demo in $image, read-only, not as root"
case $engine in
docker | podman) prove_with_engine ;;
buildah) prove_by_hand ;;
*) fail "$usage" ;;
esac
[ "$status" -eq 0 ] || fail "SIGTERM ended the demo with status $status"
say "$image: healthy after $tries s, stopped by SIGTERM in order, $((size / 1000000)) MB"
