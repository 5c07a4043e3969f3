#!/bin/sh
# Boots a machine with systemd, in namespaces, over this machine's own root:
#
#   machine.sh NAME DIR
#
# NAME names its cgroups, DIR is an empty directory for its disk, which is in
# memory. The network is the one it is started in. It ends with the process.
set -eu
name=$1 dir=$2

if [ -z "${LORMAS_MACHINE_INSIDE:-}" ]; then
    # Below cgroups of its own, so that nothing of it is left among ours.
    for hierarchy in /sys/fs/cgroup $(awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts); do
        [ -e "$hierarchy/cgroup.procs" ] || continue
        mkdir -p "$hierarchy/$name"
        for set in cpuset.cpus cpuset.mems; do # empty at first, and then nobody may come in
            [ ! -w "$hierarchy/$name/$set" ] || [ -e "$hierarchy/cgroup.controllers" ] || cat "$hierarchy/$set" >"$hierarchy/$name/$set"
        done
        echo $$ >"$hierarchy/$name/cgroup.procs"
    done
    export LORMAS_MACHINE_INSIDE=yes
    exec unshare --pid --mount --uts --ipc --cgroup --propagation private --fork --kill-child -- "$0" "$name" "$dir"
fi

legacy=$(awk '$3 == "cgroup" { n = split($2, part, "/"); print part[n] }' /proc/mounts)
mount -t tmpfs tmpfs "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
cd "$dir/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
for memory in run tmp var/lib/docker; do
    mkdir -p $memory
    mount -t tmpfs tmpfs $memory
done
if [ -n "$legacy" ]; then
    mount -t tmpfs tmpfs sys/fs/cgroup
    for controller in $legacy; do
        mkdir -p "sys/fs/cgroup/$controller"
        case $controller in
        systemd) mount -t cgroup -o none,name=systemd,xattr cgroup sys/fs/cgroup/systemd ;;
        *) mount -t cgroup -o "$controller" cgroup "sys/fs/cgroup/$controller" ;;
        esac
    done
    mkdir sys/fs/cgroup/unified
    mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
else
    mount -t cgroup2 cgroup2 sys/fs/cgroup
fi
# What this machine starts at boot that one need not.
rm -f etc/systemd/system/*.wants/*
export container=lormas
exec chroot . /lib/systemd/systemd --unit=multi-user.target
