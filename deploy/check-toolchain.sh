#!/bin/sh
# Says what to do when Go or Node are missing or too old, before they fail in
# their own words. Debian 12 packages neither in a version that is new enough.
#
#   check-toolchain.sh go | node
set -eu

# at_least WANT HAVE: compares versions of two numbers, such as 1.26.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

# too_old NAME WANT HAVE WHERE
too_old() {
    echo "Lormas needs $1 $2 or newer; this machine has ${3:-none in the PATH}. Debian's own is too old: get it from $4" >&2
    exit 1
}

case ${1:-} in
go)
    # Inside the workspace a Go that is a little older fetches the right one itself.
    have=$(go env GOVERSION 2>/dev/null | sed 's/^go//') || have=
    [ -n "$have" ] && at_least 1.26 "$have" || too_old Go 1.26 "$have" https://go.dev/dl/
    ;;
node)
    have=$(node --version 2>/dev/null | sed 's/^v//') || have=
    [ -n "$have" ] && at_least 20.0 "$have" || too_old Node 20 "$have" "https://nodejs.org/ (with npm)"
    command -v npm >/dev/null || too_old npm 10 "" "https://nodejs.org/ (it comes with Node)"
    ;;
*)
    echo "usage: $0 go|node" >&2
    exit 2
    ;;
esac
