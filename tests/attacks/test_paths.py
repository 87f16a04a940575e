# SPDX-License-Identifier: Apache-2.0
"""Paths in the root: links that the image has, and links that a sibling swaps while the container is made."""
import itertools
import os
import shutil
import stat
import subprocess
import time

import orlop
import pytest

SECONDS = float(os.environ.get("ORLOP_ATTACK_SECONDS", "1"))  # for one race


def names(path):
    """Everything below a directory of the host."""
    return sorted(os.path.relpath(os.path.join(d, n), path) for d, dirs, files in os.walk(path) for n in [*dirs, *files])


def without_dev(b):
    """No mount covers the image's own /dev."""
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    return b


class Sibling:
    """A process that exchanges two names for as long as the block runs."""

    def __init__(self, victim, *paths):
        self.argv = [victim.tools.swap, *paths]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "go\n"
        return self

    def __exit__(self, *_):
        assert self.process.poll() is None, "the sibling gave up"
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


CALLS = "mknodat,mkdirat,move_mount,open_tree,fchmodat,?fchmodat2,fchownat,openat2,symlinkat,unlinkat"
SLOWLY = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}", "-e", f"inject={CALLS}:delay_enter=400"]


def rounds(victim, b, look):
    """Runs the container again and again, every other time with a pause before each call that could lose the race; what the attacker got in
    the first round that gave him something."""
    end, done, prefix = time.monotonic() + SECONDS, 0, victim.box.prefix
    for i in itertools.count():
        slow = i % 2 == 0 and time.monotonic() < end and not victim.naive and shutil.which("strace")
        victim.box.prefix = [*prefix, *SLOWLY] if slow else prefix
        r = victim.run(b, status=None)
        victim.box.prefix = prefix
        done += r.status == 0
        got = look(r)
        if got:
            return got
        if time.monotonic() > end + (0 if done and not victim.naive else 20 * orlop.PATIENCE):
            break
    assert done, f"no container came into being: {r}"
    return []


@pytest.mark.attack("T10")
@pytest.mark.parametrize("link", ["absolute", "relative", "of its parent"])
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_link_at_a_mount_point(victim, link, kind):
    outside = victim.folder("outside")
    source = victim.file("source/file", "text")
    b = victim.bundle(["true"])
    to = outside if link != "relative" else "../" * 12 + outside.lstrip("/")
    victim.put(b, "etc" if link == "of its parent" else "etc/hosts", link=to)
    if kind == "file":
        if link != "of its parent":
            victim.put(b, "etc/hosts", link=to + "/hosts")
        b.mount("/etc/hosts", source, options=["bind"])
    else:
        b.mount("/etc/hosts/deep/er", os.path.dirname(source), options=["bind"])
    victim.run(b, status=None)
    victim.judge(names(outside))


def sysfs(b):
    """/sys as a mount of its own, or the runtime's own stand-in for it, where an ordinary user's document binds the host's."""
    for m in b.config["mounts"]:
        if m["destination"] == "/sys":
            m.update(type="sysfs", source="sysfs", options=["nosuid", "noexec", "nodev", "ro"])


@pytest.mark.attack("T11")
@pytest.mark.parametrize("name, kind", [("proc", "proc"), ("sys", "sysfs")])
def test_link_in_place_of_proc_and_sys(victim, name, kind):
    """A mount of proc or sysfs elsewhere than at a true directory leaves what the image has at its place."""
    b = victim.bundle(["sh", "-c", "cat /proc/self/mountinfo || cat /elsewhere/self/mountinfo"])
    sysfs(b)
    victim.put(b, name, link="/elsewhere")
    os.makedirs(f"{b.rootfs}/elsewhere")
    outside = victim.folder("outside")
    if victim.naive:  # which follows it on the host
        victim.put(b, name, link=outside)
        b.config["process"]["args"] = ["sh", "-c", f"test -e /{name}/self || echo {kind} is not there"]
    r = victim.run(b, status=None)
    victim.judge([r.out] if r.status == 0 else [])


@pytest.mark.attack("T11", "T13")
@pytest.mark.parametrize("name, kind", [("proc", "proc"), ("sys", "sysfs")])
def test_race_for_proc_and_sys(victim, name, kind):
    """Two containers share a root; the one swaps /proc for a link to a directory of the host while the other begins."""
    outside = victim.folder("outside")
    mark = {"proc": "self/mountinfo", "sys": "kernel"}[name]
    # which moves on with the name that it is mounted on, as long as the sibling goes on
    b = victim.bundle(["sh", "-c", f"for i in $(seq 200); do test -e /{name}/{mark} -o -e /away/{mark} && exit; done; echo {name} is not there"])
    sysfs(b)
    victim.put(b, "away", link=outside)
    os.chmod(outside, 0o777)

    def look(r):
        return names(outside) or ([r.out] if r.status == 0 and r.out else [])
    victim.ready(b)  # chown would lose that race as well
    with Sibling(victim, f"{b.rootfs}/{name}", f"{b.rootfs}/away"):
        got = rounds(victim, b, look)
    victim.judge(got)


def shared_volume(victim):
    """A bundle whose /vol two containers have, with a directory and a link to a directory of the host to be swapped."""
    outside = victim.folder("outside")
    os.chmod(outside, 0o777)
    b = victim.bundle(["cat", "/proc/self/mountinfo"])
    volume = victim.folder("volume")
    os.makedirs(f"{volume}/dir/target")
    os.symlink(outside, f"{volume}/link")
    subprocess.run(["chown", "-hR", f"{victim.owner}:{victim.owner}", volume], check=True)
    b.mount("/vol", volume, options=["bind"])
    return b, volume, outside


@pytest.mark.attack("T13", "N1")
def test_race_for_a_mount_point(victim):
    """The last component of a mount's destination is swapped for a link."""
    b, volume, outside = shared_volume(victim)
    b.mount("/vol/dir", "tmpfs", "tmpfs", ["size=64k"])
    os.makedirs(f"{outside}/target")

    def look(r):
        return ["a mount that is not in the container"] if r.status == 0 and "size=64k" not in r.out else []
    with Sibling(victim, f"{volume}/dir", f"{volume}/link"):
        got = rounds(victim, b, look)
    victim.judge([*got, *names(outside)], may=["target"])


@pytest.mark.attack("T21", "N1")
def test_race_for_a_parent_of_a_mount_point(victim):
    """What is missing of a destination is made: below the root, whatever its parents are swapped for."""
    b, volume, outside = shared_volume(victim)
    for n in range(6):
        b.mount(f"/vol/dir/new{n}/target", "tmpfs", "tmpfs", ["size=64k"])
    with Sibling(victim, f"{volume}/dir", f"{volume}/link"):
        got = rounds(victim, b, lambda r: names(outside))
    victim.judge(got)


@pytest.mark.attack("T13", "N1")
def test_race_for_a_file_to_be_bound_on(victim):
    b, volume, outside = shared_volume(victim)
    source = victim.file("source/file", "text")
    b.config["process"]["args"] = ["true"]
    for n in range(6):
        b.mount(f"/vol/dir/file{n}", source, options=["bind"])
    with Sibling(victim, f"{volume}/dir", f"{volume}/link"):
        got = rounds(victim, b, lambda r: names(outside))
    victim.judge(got)


@pytest.mark.attack("T22", "T28")
@pytest.mark.parametrize("how", ["absolute", "relative"])
@pytest.mark.parametrize("then", ["run", "create"])
def test_dev_is_a_link(victim, how, then):
    """Nothing of /dev is made, and no ptmx removed, in a directory of the host."""
    outside = victim.folder("outside")
    os.chmod(outside, 0o777)
    marker = victim.file("outside/ptmx", "marker")
    b = without_dev(victim.bundle(["true"]))
    victim.put(b, "dev", link=outside if how == "absolute" else "../" * 12 + outside.lstrip("/"))
    if then == "run":
        victim.run(b, status=None)
    else:
        r = victim.create(b, status=None)
        if r.status == 0:
            victim.box.orlop("start", "c", status=None)
            time.sleep(0.5 if victim.naive else 0)
            victim.box.delete()
    got = names(outside)
    if os.path.islink(marker) or not os.path.exists(marker) or open(marker).read() != "marker":
        got.append("the marker")
    victim.judge(got, may=["ptmx"])


@pytest.mark.attack("T22", "T10")
@pytest.mark.parametrize("path", ["dev/null", "dev/full", "dev/ptmx", "dev/pts", "dev/shm", "dev/mqueue", "etc/resolv.conf", "run/secrets"])
def test_whatever_is_made_in_the_root_is_a_link(victim, path):
    """Every name that a runtime makes or opens in the root, planted as a link to a file of the host: which keeps its text, mode and owner."""
    secret = victim.file("outside/secret", "secret")
    os.chmod(secret, 0o600)
    before = os.stat(secret)
    outside = os.path.dirname(secret)
    b = victim.bundle(["sh", "-c", f"cat /{path} /proc/self/fd/0"])
    if path.startswith("dev/") and path.count("/") == 1:
        without_dev(b)
    is_dir = path in ("dev/pts", "dev/shm", "dev/mqueue", "run/secrets")
    victim.put(b, path, link=outside if is_dir else secret)
    if is_dir:
        b.mount(f"/{path}/made", "tmpfs", "tmpfs")
    elif path.startswith("etc"):
        b.mount(f"/{path}", victim.file("source/file", "text"), options=["bind"])
    r = victim.run(b, status=None)
    after = os.stat(secret)
    got = [x for x in names(outside) if x != "secret"]
    got += [name for name in ("st_mode", "st_uid", "st_gid", "st_mtime") if getattr(before, name) != getattr(after, name)]
    if "secret" in r.out:
        got.append("the text of the file")
    # the naive one replaces ptmx as it should, and what it binds onto the link's end is seen in its own mount namespace alone
    victim.judge(got, bites=path not in ("dev/ptmx", "etc/resolv.conf"))


@pytest.mark.attack("T29")
@pytest.mark.parametrize("root", ["rw", "ro"])
def test_console_is_a_link(victim, root):
    """/dev/console is a link to a name of the host that is not there yet."""
    outside = victim.folder("outside")
    os.chmod(outside, 0o777)
    b = without_dev(victim.bundle(["true"], terminal=True))
    b.config["root"]["readonly"] = root == "ro"
    b.mount("/dev/pts", "devpts", "devpts", ["newinstance", "ptmxmode=0666", "mode=0620"])
    victim.put(b, "dev/console", link=f"{outside}/made")
    console = orlop.ConsoleSocket(os.path.join(victim.dir, "console.sock"))
    if victim.kind == "rootless":
        os.chmod(console.path, 0o777)
    victim.run(b, "-d", "--console-socket", console.path, status=None)
    if os.path.exists(os.path.join(victim.box.root, "c")):
        time.sleep(0.5 if victim.naive else 0)
        victim.box.delete()
    console.listener.close()
    victim.judge(names(outside))


@pytest.mark.attack("T22")
@pytest.mark.only("root", "naive", why="in a user namespace devices are bound, and what is there is changed by nobody")
def test_race_for_a_device(victim):
    """The image has the device itself, with another mode: what is put in its place meanwhile keeps its own."""
    secret = victim.file("outside/secret", "secret")
    os.chmod(secret, 0o600)
    b = without_dev(victim.bundle(["true"]))
    devices = {"full": 7, "random": 8}
    pairs = []
    for name, minor in devices.items():
        os.mknod(f"{b.rootfs}/dev/{name}", 0o20600, os.makedev(1, minor))
        os.symlink(secret, f"{b.rootfs}/{name}")
        pairs += [f"{b.rootfs}/dev/{name}", f"{b.rootfs}/{name}"]

    def look(r):
        for path in pairs:
            fd = os.open(path, os.O_PATH | os.O_NOFOLLOW)
            if stat.S_ISCHR(os.fstat(fd).st_mode):
                os.chmod(f"/proc/self/fd/{fd}", 0o600)
            os.close(fd)
        return [oct(os.stat(secret).st_mode)] if os.stat(secret).st_mode & 0o777 != 0o600 else []
    with Sibling(victim, *pairs):
        got = rounds(victim, b, look)
    victim.judge(got)
