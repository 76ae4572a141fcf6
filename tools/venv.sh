#!/bin/sh
# Makes .venv with mailprobe and the packages of an extra: dev (which includes demo) or demo.
# Does nothing, at once, when neither pyproject.toml nor the place has changed.
# usage: tools/venv.sh dev|demo
set -eu
cd "$(dirname "$0")/.."
extra=${1:?usage: tools/venv.sh dev|demo}

say() { printf '==> %s\n' "$*"; }
fail() { printf 'mailprobe: %s\n' "$*" >&2; exit 1; }

# A virtual environment is bound to its place, so the place is part of the stamp.
wanted() { pwd && cat pyproject.toml; }
installed() { wanted | cmp -s - ".venv/.installed-$1" 2>/dev/null; }

# It was made in this place, and its python still runs.
is_whole() {
    grep -qsF -- "$(pwd)/.venv" .venv/pyvenv.cfg &&
        .venv/bin/python -m pip --version >/dev/null 2>&1
}

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return
        fi
    done
    found=$(python3 -V 2>&1) || found="no python3 at all"
    fail "needs Python 3.11 or newer, and here is $found. Install python3.11 and python3.11-venv."
}

# Debian and Ubuntu ship python3 without the modules that make a virtual environment.
need_venv_module() {
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        say "Installing $python-venv, which Debian's python3 comes without"
        sh tools/apt-install.sh "$python-venv"
    else
        fail "this $python cannot make virtual environments. Run: sudo apt-get install $python-venv"
    fi
}

if installed dev || { [ "$extra" = demo ] && installed demo; }; then
    exit 0
fi

find_python
need_venv_module
if ! is_whole; then
    say "Making .venv with $("$python" -V)"
    "$python" -m venv --clear .venv
fi
say "Installing mailprobe[$extra] into .venv (the first time takes a minute)"
.venv/bin/python -m pip install --disable-pip-version-check --editable ".[$extra]"
wanted >".venv/.installed-$extra"
say ".venv is ready"
