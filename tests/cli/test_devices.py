# SPDX-License-Identifier: Apache-2.0
"""linux.devices: nodes of every type, made, or bound where a user namespace may not make any."""
import os
import stat

import pytest
from orlop import give_user_namespace

DEFAULTS = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


def bundle(box, *devices, user=False, tmpfs=True, args=("true",)):
    b = box.bundle(args)
    b.config["linux"]["devices"] = list(devices)
    if not tmpfs:
        b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    if user:
        give_user_namespace(b)
    return b


def device(path, type, major=None, minor=None, **more):
    return {"path": path, "type": type, **({} if major is None else {"major": major, "minor": minor}), **more}


def listing(text):
    """Name -> (kind, numbers, mode, uid, gid), of `stat -c '%n %F %t:%T %a %u %g'`."""
    found = {}
    for line in text.splitlines():
        name, rest = line.split(" ", 1)
        kind, numbers, mode, uid, gid = rest.rsplit(" ", 4)
        found[name] = (kind.split()[0], tuple(int(n, 16) for n in numbers.split(":")), mode, int(uid), int(gid))
    return found


STAT = ["sh", "-c", 'stat -c "%n %F %t:%T %a %u %g" "$@"', "-"]


@pytest.mark.root("no user namespace may make a node of a device")
@pytest.mark.spec(105, 107)
@pytest.mark.parametrize("tmpfs", [True, False], ids=["tmpfs", "image"])
def test_every_type(box, tmpfs):
    wanted = {
        "/dev/mine": (device("/dev/mine", "c", 1, 3), ("character", (1, 3), "666", 0, 0)),
        "/dev/unbuffered": (device("/dev/unbuffered", "u", 1, 5, fileMode=0o600), ("character", (1, 5), "600", 0, 0)),
        "/dev/disk": (device("/dev/disk", "b", 7, 250, uid=3, gid=4, fileMode=0o640), ("block", (7, 250), "640", 3, 4)),
        "/dev/sub/dir/large": (device("/dev/sub/dir/large", "b", 259, 70000, fileMode=0o444), ("block", (259, 70000), "444", 0, 0)),
        "/dev/pipe": (device("/dev/pipe", "p", fileMode=0o622, uid=5), ("fifo", (0, 0), "622", 5, 0)),
        "/elsewhere": (device("/elsewhere", "c", 1, 7, fileMode=stat.S_IFCHR | 0o4711), ("character", (1, 7), "4711", 0, 0)),
        "/dev/./x/../zz": (device("/dev/./x/../zz", "p"), ("fifo", (0, 0), "666", 0, 0)),
    }
    b = bundle(box, *(d for d, _ in wanted.values()), tmpfs=tmpfs, args=[*STAT, *(w for w in wanted if w != "/dev/./x/../zz"), "/dev/zz"])
    found = listing(box.run(b).out)
    for path, (_, expected) in wanted.items():
        assert found["/dev/zz" if path.endswith("zz") else path] == expected, path


@pytest.mark.spec(109, 110)
@pytest.mark.parametrize("user", [False, True], ids=["root", "userns"])
def test_default_ones_and_no_other(box, user):
    b = bundle(box, user=user, args=["sh", "-c", "cd /dev; find . -type c -o -type b | sort; stat -c '%n %t:%T %a' null zero full random urandom tty"])
    os.symlink("busybox", f"{b.rootfs}/bin/find")
    os.symlink("busybox", f"{b.rootfs}/bin/sort")
    out = box.run(b).out.splitlines()
    assert out[:-6] == sorted(f"./{n}" for n in (*DEFAULTS, "pts/ptmx"))
    assert out[-6:] == [f"{n} {a:x}:{i:x} 666" for n, (a, i) in DEFAULTS.items()]


@pytest.mark.root("no user namespace may make a node of a device")
@pytest.mark.spec(105)
def test_listed_one_takes_the_place_of_a_default(box):
    b = bundle(box, device("/dev/null", "c", 1, 3, fileMode=0o600, uid=7), args=[*STAT, "/dev/null"])
    assert listing(box.run(b).out)["/dev/null"] == ("character", (1, 3), "600", 7, 0)


@pytest.mark.spec(106)
@pytest.mark.parametrize("user", [False, True], ids=["root", "userns"])
@pytest.mark.parametrize("there", ["file", "directory", "fifo", "link"])
def test_something_else_is_there(box, there, user):
    b = bundle(box, device("/dev/zero", "c", 1, 5), tmpfs=False)
    os.makedirs(f"{b.rootfs}/dev", exist_ok=True)
    path = f"{b.rootfs}/dev/zero"
    {"file": lambda: open(path, "w").write("x"), "directory": lambda: os.mkdir(path), "fifo": lambda: os.mkfifo(path),
     "link": lambda: os.symlink("/bin/busybox", path)}[there]()
    if user:
        give_user_namespace(b)
    before = os.lstat(path)
    err = box.run(b, status=1).err
    assert "linux.devices[0]" in err and "something else than this device" in err, err
    after = os.lstat(path)
    assert (after.st_ino, after.st_mode, after.st_size) == (before.st_ino, before.st_mode, before.st_size)


@pytest.mark.root("makes a node of a device before it runs")
@pytest.mark.spec(106)
@pytest.mark.parametrize("wrong", [(stat.S_IFCHR, 1, 3), (stat.S_IFBLK, 1, 5)])
def test_another_device_is_there(box, wrong):
    b = bundle(box, device("/dev/zero", "c", 1, 5), tmpfs=False)
    os.mknod(f"{b.rootfs}/dev/zero", wrong[0] | 0o600, os.makedev(*wrong[1:]))
    assert "something else than this device" in box.run(b, status=1).err


@pytest.mark.root("makes a node of a device before it runs")
@pytest.mark.spec(106)
def test_the_device_itself_is_there(box):
    b = bundle(box, device("/dev/zero", "c", 1, 5, fileMode=0o640, gid=9), tmpfs=False, args=[*STAT, "/dev/zero"])
    os.mknod(f"{b.rootfs}/dev/zero", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    assert listing(box.run(b).out)["/dev/zero"] == ("character", (1, 5), "640", 0, 9)
    assert listing(box.run(b).out)["/dev/zero"] == ("character", (1, 5), "640", 0, 9)


@pytest.mark.spec(105, 106)
def test_bound_in_a_user_namespace(box):
    """Again and again: the empty files that are left in the image are mount points."""
    b = bundle(box, device("/dev/zero", "c", 1, 5), device("/dev/pipe", "p", fileMode=0o600), user=True, tmpfs=False,
               args=["sh", "-c", "head -c 2 /dev/zero | wc -c; stat -c '%F %t:%T' /dev/zero /dev/pipe"])
    for _ in range(2):
        assert box.run(b).out.splitlines() == ["2", "character special file 1:5", "fifo 0:0"]
    assert stat.S_ISREG(os.lstat(f"{b.rootfs}/dev/zero").st_mode)


@pytest.mark.spec(105)
@pytest.mark.parametrize("how", ["create", "run"])
def test_bound_one_has_the_hosts_mode_and_owner(box, how):
    """What is asked and not so is told, each by its place; what is so anyway, or made, is not."""
    host = os.stat("/dev/zero")
    mode = stat.S_IMODE(host.st_mode)
    b = bundle(box, device("/dev/full", "c", 1, 7, fileMode=stat.S_IMODE(os.stat("/dev/full").st_mode), uid=65534, gid=65534),
               device("/dev/zero", "c", 1, 5, fileMode=mode ^ 0o22, uid=3, gid=4), device("/dev/random", "c", 1, 8),
               device("/dev/pipe", "p", fileMode=0o640, uid=5, gid=6), user=True,
               args=["sh", "-c", "stat -c '%a %u %g' /dev/zero /dev/pipe"])
    assert host.st_uid == host.st_gid == 0, "of the host's devices it is assumed that they are root's"
    b.save()
    done = box.orlop("--log-level", "warning", how, "--bundle", b.path, "c")
    why = "does nothing, as the container gets the host's /dev/zero, which it sees with"
    told = {f"linux.devices[1].{name}: {why} {value}" for name, value in (("fileMode", f"0{mode:o}"), ("uid", 65534), ("gid", 65534))}
    assert {line.split('msg="')[1].rstrip('"') for line in done.err.splitlines()} == told, done.err
    if how == "create":
        box.delete()
    else:
        assert done.out.splitlines() == [f"{mode:o} 65534 65534", "640 5 6"]


@pytest.mark.root("no user namespace may make a node of a device")
@pytest.mark.spec(105)
def test_made_one_has_what_is_asked(box):
    b = bundle(box, device("/dev/zero", "c", 1, 5, fileMode=0o640, uid=3, gid=4), args=["stat", "-c", "%a %u %g", "/dev/zero"])
    b.save()
    done = box.orlop("--log-level", "warning", "run", "--bundle", b.path, "c")
    assert (done.out, done.err) == ("640 3 4\n", "")


@pytest.mark.parametrize("user", [False, True], ids=["root", "userns"])
def test_in_a_dev_that_is_read_only(box, user):
    """It becomes so when all that lies in it is made: devices, or mount points for the host's."""
    b = bundle(box, user=user, args=["sh", "-c", "head -c 2 /dev/zero | wc -c; echo x >/dev/null && echo written; touch /dev/x 2>/dev/null || echo ro"])
    next(m for m in b.config["mounts"] if m["destination"] == "/dev")["options"].append("ro")
    assert box.run(b).out.splitlines() == ["2", "written", "ro"]


@pytest.mark.spec(105, 28)
def test_bound_one_that_the_host_lacks(box):
    b = bundle(box, device("/dev/is-not-here", "c", 1, 5), user=True)
    err = box.run(b, status=1).err
    assert "linux.devices[0]" in err and "/dev/is-not-here" in err, err


@pytest.mark.spec(105, 28)
def test_bound_one_that_is_another_on_the_host(box):
    b = bundle(box, device("/dev/zero", "c", 1, 7), user=True)
    err = box.run(b, status=1).err
    assert "linux.devices[0]" in err and "/dev/zero of the host is not the device 1:7" in err, err


@pytest.mark.spec(107, 91)
@pytest.mark.parametrize("d, word", [
    (device("/dev/x", "q", 1, 3), "linux.devices[0].type"),
    (device("/dev/x", "a", 1, 3), "linux.devices[0].type"),
    ({"path": "/dev/x"}, "type"),
    ({"type": "c", "major": 1, "minor": 3}, "path"),
    (device("/dev/x", "c"), "linux.devices[0].major"),
    ({"path": "/dev/x", "type": "b", "major": 1}, "linux.devices[0].minor"),
    (device("/dev/x", "c", -1, 3), "linux.devices[0].major"),
    (device("/dev/x", "c", 1, 1 << 20), "linux.devices[0].minor"),
    (device("dev/x", "c", 1, 3), "linux.devices[0].path"),
    (device("/", "c", 1, 3), "linux.devices[0]"),
    (device("/dev/x", "c", 1, 3, uid=2 ** 32 - 1), "linux.devices[0].uid"),
    (device("/dev/x", "p", gid=2 ** 32 - 1), "linux.devices[0].gid"),
])
def test_impossible_ones(box, d, word):
    assert word in box.run(bundle(box, d), status=1).err


@pytest.mark.root("no user namespace may make a node of a device")
@pytest.mark.spec(106, 108)
def test_one_path_for_two_devices(box):
    b = bundle(box, device("/dev/x", "c", 1, 3), device("/dev/y", "c", 1, 3), device("/dev//x", "c", 1, 5))
    err = box.run(b, status=1).err
    assert "linux.devices[2].path: linux.devices[0] is listed as another device" in err, err
    # one device under two names, and one listed twice, are fine
    b.config["linux"]["devices"][2] = device("/dev/x", "c", 1, 3, fileMode=0o600)
    b.config["process"]["args"] = [*STAT, "/dev/x", "/dev/y"]
    found = listing(box.run(b).out)
    assert found["/dev/x"] == ("character", (1, 3), "600", 0, 0) and found["/dev/y"][1] == (1, 3)


@pytest.mark.root("makes a node of a device before it runs")
@pytest.mark.spec(110)
@pytest.mark.parametrize("user", [False, True], ids=["root", "userns"])
def test_ptmx_is_the_containers(box, user):
    b = bundle(box, user=user, tmpfs=False, args=["sh", "-c", "readlink /dev/ptmx"])
    os.mknod(f"{b.rootfs}/dev/ptmx", stat.S_IFCHR | 0o666, os.makedev(5, 2))
    if user:
        give_user_namespace(b)
    assert box.run(b).out == "pts/ptmx\n"
