#!/bin/sh
# Installs agent and guard as services of systemd and starts them:
#
#   LORMAS_AGENT_TOKEN='…' deploy/install-agent.sh mqtt://lormas.example:1883
#
# The programs are taken from bin/ (make build). Running it again updates them:
# the guard counts on over its restart, and containers run on. With DESTDIR the
# files are put there, and nothing is started.
set -eu

controller=${1:?"name the controller, such as mqtt://lormas.example:1883"}
root=${DESTDIR:-}
here=$(cd "$(dirname "$0")" && pwd)
bin=${LORMAS_BIN:-$here/../bin}
[ -n "$root" ] || [ "$(id -u)" = 0 ] || { echo "This needs root: sudo -E $0 $*" >&2; exit 1; }

install -d "$root/usr/local/bin" "$root/etc/systemd/system"
install -d -m 0700 "$root/etc/lormas"
for program in lormas-agent lormas-guard; do
    install -m 0755 "$bin/$program" "$root/usr/local/bin/$program"
    install -m 0644 "$here/systemd/$program.service" "$root/etc/systemd/system/$program.service"
done

settings=$root/etc/lormas/agent.env
if [ -n "${LORMAS_AGENT_TOKEN:-}" ] || [ ! -e "$settings" ]; then
    umask 077
    rm -f "$settings" # an older one may be open to others
    echo "LORMAS_AGENT_CONTROLLER=$controller" >"$settings"
    # The agent keeps it; later starts need none.
    [ -z "${LORMAS_AGENT_TOKEN:-}" ] || echo "LORMAS_AGENT_TOKEN=$LORMAS_AGENT_TOKEN" >>"$settings"
fi

[ -z "$root" ] || exit 0
systemctl daemon-reload
systemctl enable lormas-guard lormas-agent
systemctl restart lormas-guard lormas-agent
echo "Agent and guard run: journalctl -u lormas-agent -u lormas-guard"
