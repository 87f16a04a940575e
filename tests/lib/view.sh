#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: view.sh hybrid|v1|v2 COMMAND [ARG...]
# Runs COMMAND in mount and cgroup namespaces of its own that show cgroups in one of three ways:
#   hybrid  what the machine has: on a v1 machine its hierarchies and the v2 one at unified, else v2 itself
#   v1      the same without v2
#   v2      cgroup v2 alone
# Ends with 77 and a reason when the machine cannot show that.
set -eu
view=$1
shift
case $view in hybrid | v1 | v2) ;; *) echo "view.sh: unknown view $view" >&2; exit 2 ;; esac
if [ -z "${ORLOP_IN_VIEW-}" ]; then
  # The root of the new cgroup namespace is where we are.  On a v2 machine that may be a service, whose own processes would keep
  # it from having children with controllers; the real root, which alone has no type, is exempt from that (cgroups(7)).
  if [ -e /sys/fs/cgroup/cgroup.controllers ] && [ ! -e /sys/fs/cgroup/cgroup.type ]; then
    echo 0 >/sys/fs/cgroup/cgroup.procs
  fi
  ORLOP_IN_VIEW=1 exec unshare --mount --cgroup --propagation private "$0" "$view" "$@"
fi
unset ORLOP_IN_VIEW
root=/sys/fs/cgroup
if [ -e $root/cgroup.controllers ]; then # a v2 machine
  if [ "$view" = v1 ]; then echo "this machine has no cgroup v1"; exit 77; fi
  umount -R -l $root && mount -t cgroup2 cgroup2 $root
  exec "$@"
fi
if [ "$view" = v2 ]; then
  umount -R -l $root && mount -t cgroup2 cgroup2 $root
  exec "$@"
fi
# A tmpfs of our own keeps stray directories off the machine's; the hierarchies are bound into it.
new=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$new"
for dir in "$root"/*; do
  name=${dir##*/}
  if [ -L "$dir" ]; then
    ln -s "$(readlink "$dir")" "$new/$name"
  elif [ "$name" != unified ] || [ "$view" = hybrid ]; then
    mkdir "$new/$name" && mount --bind "$dir" "$new/$name"
  fi
done
umount -R -l $root && mount --move "$new" $root && rmdir "$new"
exec "$@"
