#!/bin/sh
# Make the checkout ready to work in: `.venv` with everything pyproject.toml asks for, and the system's programs that
# the caller names. Does nothing when all is there already; asks no questions.
#
#   sh tests/setup.sh [PROGRAM...]      e.g. sh tests/setup.sh sshd sftp strace
#
# A missing program is installed through apt where that is possible (root, Debian or a relative); where it is not, the
# script says what is missing and goes on: what needs the program will say so itself.
set -eu
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/sbin:/sbin"
umask 022
unset PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
[ -n "${HOME:-}" ] || export PIP_NO_CACHE_DIR=1

say() { printf 'setup: %s\n' "$*" >&2; }
present() { command -v "$1" >/dev/null 2>&1; }
may_install() { [ "$(id -u)" = 0 ] && present apt-get; }

# apt_install PACKAGE...: quiet unless it fails; starts none of the services that come with the packages.
apt_install() {
    say "installing $* ..."
    output=$(mktemp)
    guard=/usr/sbin/policy-rc.d
    if [ -e "$guard" ]; then
        guard=
    else
        trap 'rm -f "$guard"' EXIT INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$guard" && chmod 755 "$guard"
    fi
    status=0
    { apt-get -q -y install --no-install-recommends "$@" ||
        { apt-get -q update && apt-get -q -y install --no-install-recommends "$@"; }; } >"$output" 2>&1 || status=$?
    [ -z "$guard" ] || rm -f "$guard"
    [ "$status" = 0 ] || { say "could not install $*:" && tail -n 20 "$output" >&2; }
    rm -f "$output"
    return "$status"
}

package_of() {
    case $1 in
    sshd) echo openssh-server ;;
    sftp) echo openssh-client ;;
    dovecot) echo dovecot-imapd ;;
    *) echo "$1" ;;
    esac
}

# ProFTPD's packages exclude those of vsftpd, and the tests want both. So it is unpacked, with the libraries that this
# machine has not, below .venv and installed nowhere; tests/ftp_servers.py finds it there.
unpack_proftpd() {
    place=.venv/servers/proftpd
    [ ! -x "$place/usr/sbin/proftpd" ] || return 0
    if ! may_install || ! present dpkg-deb; then
        say "please install: proftpd-core proftpd-mod-crypto (what needs them fails)"
        return 0
    fi
    say "unpacking proftpd ..."
    fetched=$(mktemp -d)
    mkdir "$fetched/partial"
    { fetch_proftpd || { apt-get -q update && fetch_proftpd; }; } >"$fetched/said" 2>&1 &&
        rm -rf "$place" "$place.partial" && mkdir -p "$place.partial" &&
        for package in "$fetched"/*.deb; do dpkg-deb -x "$package" "$place.partial"; done &&
        [ -e "$place.partial/usr/lib/proftpd/mod_tls.so" ] && mv "$place.partial" "$place" ||
        { say "could not unpack proftpd:" && tail -n 20 "$fetched/said" >&2; }
    rm -rf "$fetched"
}

# What would have to be installed, without doing it: nothing is removed either.
fetch_proftpd() {
    apt-get -q -y --download-only --no-install-recommends -o APT::Sandbox::User=root \
        -o Dir::Cache::Archives="$fetched" install proftpd-core proftpd-mod-crypto
}

programs() {
    missing=
    for program; do
        case $program in
        proftpd) present proftpd || unpack_proftpd ;;
        *) present "$program" || missing="$missing $(package_of "$program")" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086  # a list of packages
    if may_install; then apt_install $missing || true; else say "please install:$missing (what needs them fails)"; fi
}

suitable='import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'
find_python() {
    for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if present "$python" && "$python" -c "$suitable" >/dev/null 2>&1; then
            echo "$python" && return 0
        fi
    done
    return 1
}

environment() {
    # What the environment was made from: another Python, another place or other dependencies make it anew.
    wanted="$(pwd) $(cksum <pyproject.toml)"
    if [ "$(cat .venv/made-from 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c 'import agent' 2>/dev/null; then
        return 0
    fi
    python=$(find_python) || { may_install && apt_install python3 python3-venv && python=$(find_python); } || {
        say "Python 3.11 or newer with its venv module is needed and was not found."
        say "On Debian or Ubuntu: apt-get install python3 python3-venv. Or name one: make PYTHON=/path/to/python3 ..."
        exit 1
    }
    say "making .venv with $("$python" --version) ..."
    rm -f .venv/made-from
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install -qq -e '.[dev]'
    printf '%s\n' "$wanted" >.venv/made-from
}

# Two makes at once: the second waits for the first.
if present flock; then exec 9<pyproject.toml && flock 9; fi
environment
programs "$@"
