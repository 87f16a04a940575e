# SPDX-License-Identifier: Apache-2.0
"""What is around a container when it is dumped and restored: namespaces of its own and of others, users, other runtimes."""
import os
import re
import shutil
import stat
import subprocess

import pytest
from checkpoints import COUNT, c, cgroups_of, counter, delete_all, goes_on, may_ask_limits, program, starts_counting  # noqa: F401 - fixtures, too

NULL = subprocess.DEVNULL


# --- namespaces

def mounts(c):
    """The mounts of the container without what a new one is numbered by, and without the source, which for cgroups is any word."""
    return sorted(re.sub(r"( - cgroup2? )\S+", r"\1", line.split(" ", 3)[3]) for line in c.exec("cat", "/proc/self/mountinfo").splitlines())


@pytest.mark.parametrize("cgroup", [True, False], ids=["cgroup namespace", "cgroup namespace of the host"])
def test_user_namespace(box, c, cgroup):
    """Ids, mounts and cgroups are what they were; the images are closed to others before and after."""
    b = box.bundle(["sh", "-c", COUNT])
    b.namespace("user")
    b.namespace("cgroup", None if cgroup else False)
    b.config["linux"]["uidMappings"] = b.config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    subprocess.run(["chown", "-Rh", "100000:100000", b.rootfs], check=True)
    os.chmod(box.dir, 0o755)
    c.run(b)
    starts_counting(b)

    # in the host's cgroup of v2, files alone: directories are the cgroups of others, who come and go
    names = "cd /sys/fs/cgroup && if [ -e cgroup.controllers ]; then ls -p | grep -v /; else ls; fi"

    def look():
        return (c.exec("cat", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/1/cgroup"), mounts(c), c.exec("sh", "-c", "stat -c '%n %F %u %g %t %T %a' /dev/*"),
                c.exec("sh", "-c", names), cgroups_of(box))
    before = look()
    assert "100000" in before[0]
    c.checkpoint()
    c.restore(b)
    goes_on(b)
    for was, now in zip(before, look()):
        assert now == was
    st = os.stat(c.images)
    assert (stat.S_IMODE(st.st_mode), st.st_gid) == (0o700, os.getegid())


@pytest.mark.parametrize("kind, proc", [("ipc", "ipc"), ("uts", "uts"), ("pid", "pid")])
def test_namespace_of_another(box, c, kind, proc):
    """Each is joined again: that of the bundle at the restore."""
    holders = [subprocess.Popen(["unshare", f"--{kind}", "--fork", "sh", "-c", "echo ready; exec sleep 1000"], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        pids = []
        for h in holders:
            assert h.stdout.readline() == "ready\n"
            with open(f"/proc/{h.pid}/task/{h.pid}/children") as f:
                pids.append(int(f.read()))
        b = box.bundle(["sh", "-c", COUNT])
        if kind == "uts":
            b.config.pop("hostname", None)
        b.namespace(kind, f"/proc/{pids[0]}/ns/{proc}")
        c.run(b)
        starts_counting(b)
        c.checkpoint()
        b.namespace(kind, f"/proc/{pids[1]}/ns/{proc}")
        c.restore(b)
        goes_on(b)
        assert os.stat(f"/proc/{box.state()['pid']}/ns/{proc}").st_ino == os.stat(f"/proc/{pids[1]}/ns/{proc}").st_ino
        box.delete()
    finally:
        for pid in pids:
            os.kill(pid, 9)
        for h in holders:
            h.wait()
            h.stdout.close()


# --- users

def test_ordinary_user_inside(box, c):
    """A program of user 1000; where CRIU may not ask for his limits, that is what the error says, and the container goes on."""
    b = box.bundle(["sh", "-c", COUNT], user={"uid": 1000, "gid": 1000, "additionalGids": [7]})
    os.chmod(os.path.join(b.rootfs, "tmp"), 0o777)
    c.run(b)
    starts_counting(b)
    if not may_ask_limits():
        assert "rlimit" in c.checkpoint(status=1).err
        goes_on(b)
        pytest.skip("CRIU may not ask for the limits of another user's process here: that takes CAP_SYS_RESOURCE")
    before = c.exec("grep", "-E", "^(Uid|Gid|Groups|Cap)", "/proc/1/status")
    assert "1000" in before
    c.checkpoint()
    c.restore(b)
    goes_on(b)
    assert c.exec("grep", "-E", "^(Uid|Gid|Groups|Cap)", "/proc/1/status") == before


@pytest.mark.root("becomes another user")
@pytest.mark.parametrize("command", ["checkpoint", "restore"])
def test_ordinary_user_outside(box, command):
    """CRIU needs root, and that is said before anything is looked at."""
    home = os.path.join(box.dir, "home")
    os.makedirs(home)
    os.chmod(box.dir, 0o711)
    os.chown(home, 1000, 1000)
    program = shutil.copy(box.program, os.path.join(home, "orlop"))
    r = subprocess.run(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", program, "--root", os.path.join(home, "state"), command, "c"],
                       cwd=home, stdin=NULL, capture_output=True, text=True, check=False)
    assert r.returncode == 1 and "checkpoint and restore need root, since CRIU does" in r.stderr
    assert os.listdir(home) == ["orlop"]


# --- words of engines

def test_accepted_without_effect(box, c):
    """go-runc says -no-subreaper with one dash."""
    b = counter(box, c)
    c.checkpoint()
    c.restore(b, "--no-pivot", "-no-subreaper")
    goes_on(b)


@pytest.mark.parametrize("mode", ["full", "strict"])
def test_cgroup_modes(box, c, mode):
    """What the caller says CRIU does, where it reaches the container's cgroups alone."""
    b = counter(box, c)
    with open(f"/proc/{box.state()['pid']}/cgroup") as f:
        others = [line.strip() for line in f if line.strip().split(":", 2)[2] != b.cgroup]
    if others:
        pytest.skip(f"there are hierarchies of cgroups here that the container has no cgroup in: {' '.join(others)}")
    before = cgroups_of(box)
    c.checkpoint("--manage-cgroups-mode", mode)
    r = c.restore(b, "--manage-cgroups-mode", mode, status=None)
    if mode == "strict":  # which wants to make what orlop has made
        assert r.status == 1 and "restore" in r.err and cgroups_of(box) == set()
        return
    assert r.status == 0, r
    goes_on(b)
    assert cgroups_of(box) == before


def options_of_cgroups():
    """What the machine's cgroup v2 is mounted with."""
    with open("/proc/self/mountinfo") as f:
        found = [line.split() for line in f if " - cgroup2 " in line]
    return found[0][-1] if found else ""


@pytest.mark.parametrize("mode", ["soft", "ignore"])
def test_options_of_cgroups_stay(box, c, mode):
    """CRIU mounts cgroup v2 without its options, and so takes them from the whole machine."""
    before = options_of_cgroups()
    if "," not in before:
        pytest.skip(f"cgroup v2 has no options here that could get lost: {before or 'it is not mounted'}")
    b = counter(box, c)
    c.checkpoint("--manage-cgroups-mode", mode)
    assert options_of_cgroups() == before
    c.restore(b, "--manage-cgroups-mode", mode)
    assert options_of_cgroups() == before
    goes_on(b)


def test_work_path_of_a_restore(box, c):
    b = counter(box, c)
    c.checkpoint()
    work = os.path.join(box.dir, "work")
    c.restore(b, "--work-path", work)
    goes_on(b)
    assert os.path.exists(os.path.join(work, "restore.log")) and not os.path.exists(os.path.join(c.images, "restore.log"))


# --- other runtimes

def runc_of(box, c):
    """runc's command, and an environment in which it finds CRIU."""
    runc = shutil.which("runc") or pytest.skip("runc is missing")
    return [runc, "--root", os.path.join(box.dir, "runc")], dict(os.environ, PATH=f"{os.path.dirname(c.program)}:{os.environ['PATH']}")


def for_runc(box):
    """A bundle that runc can run here, too.  It knows nothing of a cgroup v2 beside v1, and so of no mount of it."""
    b = box.bundle(["sh", "-c", COUNT], rlimits=[])
    b.config["mounts"] = [m for m in b.config["mounts"] if m["type"] != "cgroup"]
    return b


def test_images_of_runc(box, c):
    """What runc dumped is restored."""
    (command, env), b = runc_of(box, c), for_runc(box)
    b.save()
    try:
        subprocess.run([*command, "run", "--detach", "--bundle", b.path, "c"], stdin=NULL, stdout=NULL, stderr=NULL, check=True)
        starts_counting(b)
        done = subprocess.run([*command, "checkpoint", "--image-path", c.images, "c"], stdin=NULL, capture_output=True, text=True, env=env, check=False)
        if not os.path.exists(os.path.join(c.images, "inventory.img")):
            pytest.skip(f"runc cannot dump it here: {done.stderr.strip()}")
        subprocess.run([*command, "delete", "--force", "c"], capture_output=True, check=False)
        c.restore(b)
        goes_on(b)
    finally:
        subprocess.run([*command, "delete", "--force", "c"], capture_output=True, check=False)


def test_images_for_runc(box, c):
    """What is dumped here runc restores."""
    (command, env), b = runc_of(box, c), for_runc(box)
    c.run(b)
    starts_counting(b)
    with open(f"/proc/{box.state()['pid']}/cgroup") as f:
        above = [line.strip() for line in f if "/../" in line]
    if above:
        pytest.skip(f"CRIU finds no cgroups that begin above where this machine's do: {' '.join(above)}")
    c.checkpoint()
    try:
        done = subprocess.run([*command, "restore", "--detach", "--bundle", b.path, "--image-path", c.images, "--work-path", box.dir, "c"],
                              stdin=NULL, stdout=NULL, stderr=NULL, env=env, check=False)
        with open(os.path.join(box.dir, "restore.log")) as f:
            assert done.returncode == 0, [line for line in f if "Error" in line]
        goes_on(b)
    finally:
        subprocess.run([*command, "delete", "--force", "c"], capture_output=True, check=False)
