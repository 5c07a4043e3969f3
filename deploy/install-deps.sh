#!/bin/sh
# Installs the Debian packages that Lormas needs here, or says how to.
#
#   install-deps.sh run     what "make run" needs
#   install-deps.sh test    that, and what "make test" needs besides
#
# Where everything is there it does nothing, and fast. It installs programs
# only: no service is started now or enabled for the next boot, because Lormas
# starts its own private ones.
set -eu

# have PROGRAM: is it installed? Some live outside an ordinary user's PATH.
have() {
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1
}

have_postgres() {
    for program in /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$program" ] && return 0
    done
    return 1
}

missing=
need() {
    missing="$missing $1"
}

find_missing() {
    have_postgres || need postgresql
    have redis-server || need redis-server
    have dockerd || have docker || need docker.io
    have iptables || need iptables
    [ "$1" = test ] || return 0
    have dockerd || need docker.io # another machine's engine is no help to tests
    have mosquitto || need mosquitto
    have mosquitto_sub || need mosquitto-clients
    have nats-server || need nats-server
    have ip || need iproute2
    have ps || need procps
    [ -x /lib/systemd/systemd ] || need systemd # the install line is tested on it
    [ -x /bin/busybox ] || have busybox || need busybox-static
    have chromium || need chromium
}

# keep_postgres_quiet stops Debian's package from making and starting a
# cluster of its own.
keep_postgres_quiet() {
    conf=/etc/postgresql-common/createcluster.conf
    [ -e "$conf" ] && return 0
    mkdir -p "${conf%/*}"
    echo "create_main_cluster = false" >"$conf"
}

# deny_starts keeps packages from starting their services while they are
# installed; allow_starts ends that. A policy that is there already is left.
policy=/usr/sbin/policy-rc.d
ours=
deny_starts() {
    [ -e "$policy" ] && return 0
    ours=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}
allow_starts() {
    [ -z "$ours" ] || rm -f "$policy"
}

install() {
    export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1
    # shellcheck disable=SC2086 # a list of words
    apt-get install -y -q --no-install-recommends $missing
}

# disable undoes what the packages just enabled for the next boot: a Redis or
# a Mosquitto of the system would take the ports.
disable() {
    have systemctl || return 0
    for package in $missing; do
        case $package in
        redis-server) systemctl disable --quiet redis-server ;;
        mosquitto) systemctl disable --quiet mosquitto ;;
        nats-server) systemctl disable --quiet nats-server ;;
        postgresql) systemctl disable --quiet postgresql ;;
        docker.io) systemctl disable --quiet docker.service docker.socket containerd ;;
        esac || true # where systemd is not running there is nothing to disable
    done
}

set_for=${1:-run}
case $set_for in
run | test) ;;
*)
    echo "usage: $0 run|test" >&2
    exit 2
    ;;
esac

find_missing "$set_for"
[ -n "$missing" ] || exit 0

if ! have apt-get; then
    echo "Missing here, and there is no apt-get to install it with (Debian package names):$missing" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "Some Debian packages are missing. Install them with this and run make again:" >&2
    echo "    sudo $0 $set_for" >&2
    echo "which amounts to: sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing Debian packages:$missing"
trap allow_starts EXIT
trap 'exit 1' INT TERM
deny_starts
keep_postgres_quiet
# Lists of packages that are old or missing are the usual reason to fail.
install || { apt-get update -q && install; } || {
    echo "Installing failed. Is the network there, and the disk not full?" >&2
    exit 1
}
disable
