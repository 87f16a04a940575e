# SPDX-License-Identifier: Apache-2.0
"""A room for a program that nobody here wrote and that runs containers as root: what it may leave behind, or take away, is its own.

Namespaces of its own (pid, mount, network, ipc, uts, cgroup), an empty /run, and of every hierarchy of cgroup v1 a subtree that looks like the
whole.  When the program ends, everything in it is killed, and its cgroups are removed."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

VIEW = pathlib.Path(__file__).resolve().parents[1] / "lib/view.sh"
CGROUP = pathlib.Path("/sys/fs/cgroup")
# $1 is what every hierarchy's subtree is called.
ENTER = """
for dir in /sys/fs/cgroup/*/"$1"; do [ -L "${dir%/*}" ] || echo $$ >"$dir/cgroup.procs" || exit 78; done
shift
exec "$@"
"""
# crun gives the program's standard streams to its user, the machine's /dev/null, too: here it is another.
OWN_NULL = """
d=$(mktemp -d) && mount -t tmpfs tmpfs "$d" && mknod -m 666 "$d/null" c 1 3 && mount --bind "$d/null" /dev/null \\
  && umount -l "$d" && rmdir "$d" || exit 78
"""
# Within the namespaces, with a network device that programs may name.
SETUP = OWN_NULL + """
mount -t tmpfs tmpfs /run
ip link set lo up
ip link add name eth0 type veth peer name eth0-peer
for dir in /sys/fs/cgroup/*/"$1"; do [ -L "${dir%/*}" ] || mount --bind "$dir" "${dir%/*}" || exit 78; done
shift
exec "$@" </dev/null
"""


class Impossible(Exception):
    """This machine has no such rooms; says why."""


def hierarchies():
    """Of cgroup v1, each once: some have a second name that is a link."""
    return [d for d in sorted(CGROUP.iterdir()) if not d.is_symlink() and (d / "cgroup.procs").exists() and not (d / "cgroup.controllers").exists()]


def check():
    if os.geteuid() != 0:
        raise Impossible("containers of these programs need root")
    if not hierarchies():
        raise Impossible("this machine has no cgroup v1, which these programs look into")


def copy_cpuset(made):
    """A new cpuset may be entered once it has processors and memory."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (made / name).exists():
            (made / name).write_text((made.parent / name).read_text())


def clear(top, seconds=10):
    """Removes a cgroup with all below it, once what was killed in it has ended."""
    end = time.monotonic() + seconds
    while True:
        for directory, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(directory)
            except OSError as e:
                why = e
        if not top.exists():
            return
        if time.monotonic() > end:
            raise why
        time.sleep(0.05)


class Room:
    def __enter__(self):
        self.tmp = tempfile.mkdtemp(prefix="orlop-room-")
        os.chmod(self.tmp, 0o755)
        self.name = os.path.basename(self.tmp)
        self.cgroups = [d / self.name for d in hierarchies()]
        for made in self.cgroups:
            made.mkdir()
            copy_cpuset(made)
        return self

    def __exit__(self, *_):
        for made in self.cgroups:
            clear(made)
        shutil.rmtree(self.tmp, ignore_errors=True)

    def run(self, argv, cwd, seconds, **env):
        """Runs a program; returns its status (124: not in time), and what it said on standard output and error."""
        room = ["sh", "-c", ENTER, "enter", self.name, "unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
                "sh", "-c", SETUP, "room", self.name, str(VIEW), "v1", *argv]
        with subprocess.Popen(room, cwd=cwd, env=dict(os.environ, TMPDIR=self.tmp, **env), start_new_session=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            try:
                out, err = child.communicate(timeout=seconds)
                return child.returncode, out, err
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)  # unshare, and with it the first process of the pid namespace, and so all
                out, err = child.communicate()
                return 124, out, f"{err}\nnot in {seconds} s"
