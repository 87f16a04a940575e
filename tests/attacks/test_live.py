# SPDX-License-Identifier: Apache-2.0
"""What is done to a container that runs already, or again: mounts, devices, a restore; and roots that are entered in other ways."""
import json
import os
import shutil
import subprocess
import time

import orlop
import pytest
from checkpoints import COUNT, program  # noqa: F401 - a fixture
from test_paths import SECONDS, Sibling, names
from test_processes import EXECS, container_of_the_attacker

CHROOT = ["CAP_SYS_CHROOT", "CAP_DAC_OVERRIDE", "CAP_SETUID", "CAP_SETGID"]


def running(victim, args=("sleep", "1000")):
    """A container whose /vol is a volume of the attacker's, with a directory and a link to a directory of the host."""
    outside = victim.folder("outside")
    os.chmod(outside, 0o777)
    volume = victim.folder("volume")
    os.makedirs(f"{volume}/dir")
    os.symlink(outside, f"{volume}/link")
    subprocess.run(["chown", "-hR", f"{victim.owner}:{victim.owner}", volume], check=True)
    b = victim.bundle(list(args))
    b.mount("/vol", volume, options=["bind"])
    b.config["process"]["terminal"] = False
    victim.run(b, "-d")
    return b, volume, outside


def rounds(victim, once, look):
    """Does it for some time, and what the attacker got in the first round that gave him something."""
    end, done = time.monotonic() + SECONDS * (20 if victim.naive else 1), 0
    while time.monotonic() < end:
        done += once(done).status == 0
        if look():
            return look()
    assert done, "it was never done"
    return []


def add_mounts(victim, *destinations, kind="tmpfs", enter=None):
    file = victim.file("mounts.json", json.dumps([{"destination": d, "type": kind, "source": kind} for d in destinations]))
    return victim.box.orlop("mounts", "add", "c", file, status=None, env={"NAIVE_ENTER": enter or victim.tools.enter})


def add_device(victim, path, host="/dev/full"):
    return victim.box.orlop("update", "--device", f"{host}:{path}", "c", status=None)


LIVE = pytest.mark.only("root", "user namespace", "rootless", "naive", why="older kernels have no mounts in a running container")


@pytest.mark.attack("L1")
@LIVE
@pytest.mark.parametrize("at", ["/vol/link/made", "/vol/link"])
def test_link_at_an_added_mount(victim, at):
    b, volume, outside = running(victim)
    add_mounts(victim, at)
    victim.box.delete()
    # of the last component the naive one makes nothing, for it is there
    victim.judge(names(outside), bites=at != "/vol/link")


@pytest.mark.attack("L1")
@LIVE
def test_race_for_an_added_mount(victim):
    """A process of the container, or a sibling, swaps a directory on the way for a link while mounts are added."""
    b, volume, outside = running(victim)
    with Sibling(victim, f"{volume}/dir", f"{volume}/link"):
        got = rounds(victim, lambda n: add_mounts(victim, f"/vol/dir/made{n}"), lambda: names(outside))
    victim.box.delete()
    victim.judge(got)


DEVICES = pytest.mark.only("root", "user namespace", "older kernel", "naive", why="devices are for containers of root")


@pytest.mark.attack("L2")
@DEVICES
def test_link_at_an_added_device(victim):
    """A directory on the way is a link, and so is the node itself: to a file of the host, which keeps its mode."""
    b, volume, outside = running(victim)
    secret = victim.file("secret/file", "secret")
    os.chmod(secret, 0o600)
    os.symlink(secret, f"{volume}/node")
    add_device(victim, "/vol/link/made")
    add_device(victim, "/vol/node")
    victim.box.delete()
    victim.judge([*names(outside), *["the mode of the file"] * (os.stat(secret).st_mode & 0o777 != 0o600)])


@pytest.mark.attack("L2")
@DEVICES
def test_race_for_an_added_device(victim):
    b, volume, outside = running(victim)
    with Sibling(victim, f"{volume}/dir", f"{volume}/link"):
        got = rounds(victim, lambda n: add_device(victim, f"/vol/dir/made{n}"), lambda: names(outside))
    victim.box.delete()
    victim.judge(got)


@pytest.mark.attack("L3")
@LIVE
def test_who_changes_mounts_is_watched(victim):
    """A new procfs shows the container's pid namespace, so who mounts it must enter that, and is seen from inside."""
    b = victim.bundle(["peek"])
    b.config["linux"]["maskedPaths"] = b.config["linux"]["readonlyPaths"] = []  # or a user namespace could mount none
    out = container_of_the_attacker(victim, b)
    enter = shutil.copy(victim.tools.enter, os.path.join(victim.dir, "enter"))  # which the attacker overwrites
    for n in range(EXECS // 4):
        r = add_mounts(victim, "/proc", kind="proc", enter=enter)
        assert victim.naive or r.status == 0, r
        if not victim.naive:
            victim.box.orlop("mounts", "remove", "c", victim.file("remove.json", '[{"destination": "/proc"}]'))
        if victim.kind == "root" and n % 4 == 0:
            add_device(victim, f"/dev/made{n}")
    with open(f"{b.rootfs}/stop", "w"):
        pass
    orlop.eventually(lambda: "looked" in open(out).read(), "the end of peek")
    victim.box.delete()
    victim.judge(sorted({line for line in open(out).read().splitlines() if not line.startswith(("ready", "looked"))}))


@pytest.mark.attack("L4")
@pytest.mark.only("root", "naive", why="CRIU needs root")
def test_links_in_images_and_in_the_root(victim, program):  # noqa: F811
    """What an archive of images and a root file system may hold: names that the restore will write, as links to files of the host."""
    outside = victim.folder("outside")
    marker = victim.file("outside/marker", "marker")
    volume, images = victim.folder("volume"), os.path.join(victim.dir, "images")
    b = victim.bundle(["sh", "-c", COUNT])
    b.mount("/vol/dir", volume, options=["bind"])
    b.save()
    null = subprocess.DEVNULL
    subprocess.run(victim.box.command("run", "-d", "--bundle", b.path, "c"), stdin=null, stdout=null, stderr=null, check=True)
    if victim.naive:
        os.makedirs(images)
        victim.box.delete()
    else:
        victim.box.orlop("--criu", program, "checkpoint", "--image-path", images, "c")
    shutil.rmtree(f"{b.rootfs}/vol")
    os.symlink(outside, f"{b.rootfs}/vol")
    for name in ("restore.log", "stats-restore"):
        if os.path.lexists(f"{images}/{name}"):
            os.unlink(f"{images}/{name}")
        os.symlink(marker, f"{images}/{name}")
    words = [] if victim.naive else ["--criu", program]
    victim.box.orlop(*words, "restore", "-d", "--bundle", b.path, "--image-path", images, "c", status=None)
    if not victim.naive and os.path.exists(os.path.join(victim.box.root, "c")):
        victim.box.delete()
    victim.judge([*names(outside), *["the marker"] * (open(marker).read() != "marker")], may=["marker"])


@pytest.mark.attack("P1")
def test_host_below_the_root(victim):
    """With --no-pivot the host's root stays below the container's: without CAP_SYS_ADMIN nothing leads there, not even a user namespace."""
    marker = victim.file("outside/marker", "marker")
    b = victim.bundle(["escape", marker])
    b.config["process"]["noNewPrivileges"] = False
    b.config["process"]["capabilities"] = {kind: CHROOT for kind in ("bounding", "permitted", "effective")}
    victim.put(b, "bin/escape", program=victim.tools.escape)
    out = victim.run(b, *[] if victim.naive else ["--no-pivot"]).out
    assert "tried" in out, out
    victim.judge([line for line in out.splitlines() if line != "tried"])


@pytest.mark.attack("P2")
@pytest.mark.only("root", "naive", why="who joins needs the rights of who made it")
def test_mount_namespace_of_the_attacker(victim):
    """A container joins the mount namespace of another, which has there, by the very names of the host, a root and a volume of its own making."""
    evil = victim.bundle(["sleep", "1000"])
    b = victim.bundle(["cat", "/mark", "/vol/mark"])
    volume = victim.folder("volume")
    b.mount("/vol", volume, options=["bind"])
    for path in (b.rootfs, volume):
        with open(f"{path}/mark", "w") as f:
            f.write("true\n")
        shutil.copytree(path, evil.rootfs + path, symlinks=True)
        with open(f"{evil.rootfs}{path}/mark", "w") as f:
            f.write("evil\n")
    os.makedirs(f"{evil.rootfs}/tmp", exist_ok=True)
    evil.config["mounts"] = [m for m in evil.config["mounts"] if m["destination"] != "/tmp"]
    runtime, victim.box.program = victim.box.program, orlop.PROGRAM  # the naive one does not pivot: its mount namespaces begin at the host's root
    victim.run(evil, "-d", id="evil")
    b.namespace("mount", f"/proc/{victim.pid('evil')}/ns/mnt")
    victim.box.program = runtime
    out = victim.run(b, status=None).out
    victim.box.program = orlop.PROGRAM
    victim.box.delete("evil")
    assert victim.naive or out == "true\ntrue\n", out
    victim.judge(["what it brought along"] * ("evil" in out))
