#!/bin/sh
# Sets up what `make` needs, and nothing else.
#   setup.sh environment FOLDER REQUIREMENT   a virtual environment with the project in it (editable, pinned versions,
#                                             the installer's among them)
#   setup.sh browser FOLDER                   Chromium for the browser tests, where it can be installed
#   setup.sh compiler FOLDER                  g++ and the Python library for the tests of NEURON, where they can be installed;
#                                             FOLDER is the environment
set -eu

say() { printf '%s\n' "snnviz set-up: $*" >&2; }

apt_install() { # as root on Debian and Ubuntu; quiet unless it fails
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    say "installing $* with apt-get"
    log=$(mktemp)
    if (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@") >"$log" 2>&1; then
        rm -f "$log"
    else
        tail -n 20 "$log" >&2
        rm -f "$log"
        return 1
    fi
}

find_python() { # the first Python that TensorFlow has wheels for
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 &&
            "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
            echo "$name"
            return
        fi
    done
    say "Python 3.11, 3.12 or 3.13 is needed. Found: $(python3 --version 2>&1 || echo none)"
    exit 1
}

environment() {
    folder=$1
    requirement=$2
    if [ ! -x "$folder/bin/python" ]; then
        python=$(find_python)
        if ! "$python" -c 'import ensurepip' 2>/dev/null; then
            version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
            apt_install "python$version-venv" || {
                say "Python's venv module is missing; run: apt-get install python$version-venv"
                exit 1
            }
        fi
        "$python" -m venv "$folder"
    fi
    say "stage 1 of 2: the installer ($(grep -E '^(pip|setuptools|wheel)==' constraints.txt | tr '\n' ' '))"
    # First, and in older environments too: the pip that Python brings may be too old to resolve the project's extras.
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
        pip setuptools wheel
    say "stage 2 of 2: the packages of $requirement (the first time this takes some minutes)"
    # Packages that come as source are built with the pinned setuptools, too.
    "$folder/bin/python" -m pip install --disable-pip-version-check --constraint constraints.txt \
        --build-constraint constraints.txt --editable "$requirement"
}

browser() {
    chromium_runs "$1" || { apt_install chromium && chromium_runs "$1"; } ||
        say "no Chromium here, so the browser tests will be skipped; to run them: apt-get install chromium (Debian)," \
            "or $1/bin/python -m playwright install --with-deps chromium"
}

chromium_runs() { # Ubuntu's package is a script that asks for another package
    for name in chromium chromium-browser google-chrome; do
        if "$name" --version >/dev/null 2>&1; then return 0; fi
    done
    "$1/bin/python" -c 'import sys, os; from playwright.sync_api import sync_playwright
with sync_playwright() as one: sys.exit(not os.path.exists(one.chromium.executable_path))'
}

compiler() {
    # what Debian calls it; NEURON's compiler loads Python from it
    library=$("$1/bin/python" -c 'import find_libpython, sys
print("" if find_libpython.find_libpython() else "libpython%d.%d" % sys.version_info[:2])')
    program=$(command -v g++ >/dev/null 2>&1 || echo g++)
    [ -z "$program$library" ] || apt_install $program $library ||
        say "the tests of NEURON will be skipped; to run them: apt-get install $program $library"
}

case ${1-} in
environment) environment "$2" "$3" ;;
browser) browser "$2" ;;
compiler) compiler "$2" ;;
*)
    say "usage: setup.sh environment FOLDER REQUIREMENT | setup.sh browser|compiler FOLDER"
    exit 2
    ;;
esac
