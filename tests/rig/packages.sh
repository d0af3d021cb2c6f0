#!/bin/sh
# Installs the servers that the tests talk to, from Debian's packages, when they are missing and we may.
# Starts no service, removes no package, asks nothing. Where it cannot help it says so in one line and goes on:
# the tests that need these servers then skip visibly (or fail, with MAILD_TEST_REQUIRE=all).
set -eu

wanted="dovecot-imapd postfix clamav-daemon strace faketime"
policy=/usr/sbin/policy-rc.d

say() { echo "tests/rig/packages.sh: $*" >&2; }

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "not a Debian system: install Dovecot, Postfix, clamd, strace and faketime yourself, or their tests skip"
    exit 0
fi

missing=""
for package in $wanted; do
    is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    say "not root, so these stay missing and their tests skip:$missing (remedy: apt-get install$missing)"
    exit 0
fi

# Debian's maintainer scripts ask policy-rc.d before they start a service; 101 means "no".
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

# The tests run Postfix from folders of their own: the machine's own configuration is left unwritten.
if command -v debconf-set-selections >/dev/null; then
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
fi

export DEBIAN_FRONTEND=noninteractive
say "installing$missing"
# shellcheck disable=SC2086 # a list of package names
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends --no-remove \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 $missing; } </dev/null >&2; then
    say "apt-get failed (see above): the tests that need$missing skip"
    exit 0
fi

# What came for the tests' sake does not start at the next boot either.
if command -v systemctl >/dev/null; then
    for package in $missing; do
        case "$package" in
            dovecot-imapd) systemctl --quiet disable dovecot.service || say "dovecot.service stays enabled" ;;
            clamav-daemon)
                for unit in clamav-daemon.service clamav-daemon.socket clamav-freshclam.service; do
                    systemctl --quiet disable "$unit" || say "$unit stays enabled"
                done
                ;;
            postfix) systemctl --quiet disable postfix.service || say "postfix.service stays enabled" ;;
        esac
    done
fi
