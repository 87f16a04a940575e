# SPDX-License-Identifier: Apache-2.0
"""update: device rules, and single devices that come and go with node and rule."""
import ctypes
import json
import os
import stat
import struct
import subprocess

import pytest
from limits import SLEEP, VIEW, Some, hierarchies, read, state_of, update, v2_root, where
from orlop import give_user_namespace, needs_cgroupfs

# --- device rules

ODD = {"path": "/dev/odd", "type": "c", "major": 250, "minor": 1}  # of no driver: who may open it finds nothing there
EVEN = {"path": "/dev/even", "type": "c", "major": 250, "minor": 2}
DENY = {"allow": False, "access": "rwm"}


def rule(minor, access="rwm", allow=True):
    return {"allow": allow, "type": "c", "major": 250, "minor": minor, "access": access}


def with_devices(box, *rules, **more):
    b = box.bundle(SLEEP)
    b.config["linux"]["devices"] = [ODD, EVEN]
    b.config["linux"]["resources"] = {"devices": [DENY, *rules], **more}
    box.run(b, "-d")
    return b


def may(box, name, how="<"):
    """Whether the rules let an open for reading (<) or writing (>) pass."""
    said = box.orlop("exec", "c", "sh", "-c", f": {how} /dev/{name}", status=None).err
    assert "not permitted" in said or "No such device" in said, said
    return "No such device" in said


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_rules(box):
    b = with_devices(box)
    assert not may(box, "odd") and not may(box, "even")
    update(box, {"devices": [DENY, rule(1)]})
    assert may(box, "odd") and may(box, "odd", ">") and not may(box, "even")
    update(box, {"devices": [DENY, rule(1, "r"), rule(2)]})
    assert may(box, "odd") and not may(box, "odd", ">") and may(box, "even")
    # an update of something else leaves them
    update(box, Some().resources(90))
    update(box, {"devices": []})
    update(box, {"devices": None})
    assert may(box, "odd") and not may(box, "odd", ">") and may(box, "even")
    update(box, {"devices": [DENY]})
    assert not may(box, "odd") and not may(box, "even")
    assert box.orlop("exec", "c", "sh", "-c", "echo x > /dev/null && head -c 1 /dev/zero | wc -c").out == "1\n"
    assert read(b, "devices.list") is None or read(b, "devices.list").count("\n") == 12  # nothing piles up
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_rules_open_and_closed(box):
    if "devices" in hierarchies():
        needs_cgroupfs("on v1 it cannot deny single devices among allowed ones")
    with_devices(box, rule(1))
    update(box, {"devices": [{"allow": True, "access": "rwm"}]})
    assert may(box, "odd") and may(box, "even")
    update(box, {"devices": [{"allow": True, "access": "rwm"}, rule(2, "w", False)]})
    assert may(box, "odd", ">") and may(box, "even") and not may(box, "even", ">")
    update(box, {"devices": [DENY, rule(2)]})
    assert not may(box, "odd") and may(box, "even", ">")
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_rules_of_an_engine(box):
    """All of linux.resources again, as containerd sends it; and what is open all the time is never refused meanwhile."""
    b = with_devices(box, rule(1))
    watch = subprocess.Popen(box.command("exec", "c", "sh", "-c", "while :; do head -c 1 /dev/zero > /dev/null || exit 9; done"), stdin=subprocess.DEVNULL)
    for n in range(10):
        update(box, {**b.config["linux"]["resources"], **Some().resources(80 + n)})
    assert watch.poll() is None and may(box, "odd") and not may(box, "even")
    watch.terminate()
    box.delete()
    watch.wait(timeout=20)


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_rules_refused(box):
    """Nothing is changed by what cannot be, and by what another limit of the same update is in the way of."""
    b = with_devices(box, rule(1))
    before = state_of(b)
    err = update(box, '{"devices": [{"allow": true, "access": "rx"}]}', status=1).err
    assert "resources.json:1:14: devices[0]: access must be" in err, err
    if "devices" in hierarchies():
        err = update(box, {"devices": [DENY, {**rule(1), "minor": None}, rule(2, allow=False)]}, status=1).err
        assert "devices: cgroup v1 cannot deny a part" in err, err
    if v2_root():
        err = update(box, {"devices": [DENY, rule(2)], "unified": {"cgroup.max.depth": "x"}}, status=1).err
        assert 'unified["cgroup.max.depth"]' in err, err
    assert may(box, "odd") and not may(box, "even") and state_of(b) == before
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_rules_with_cgroups_inside(box):
    """A container that has made cgroups below its own: v1 would take no rule for all devices any more."""
    b = with_devices(box, rule(1))
    below = where(b, "devices") + "/below"
    os.mkdir(below)
    update(box, {"devices": [DENY, rule(2)]})
    assert not may(box, "odd") and may(box, "even")
    if "devices" in hierarchies():
        with open(f"{below}/devices.list") as f:
            assert "250:1" not in f.read()
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_programs(box):
    """On v2 there is one program after any number of updates, and none where all is allowed."""
    if VIEW != "v2":
        pytest.skip("cgroup v1 in this view")
    b = with_devices(box)
    for n in range(3):
        update(box, {"devices": [DENY, rule(n)]})
    assert len(programs(where(b, "devices"))) == 1
    update(box, {"devices": [{"allow": True, "access": "rwm"}]})
    assert programs(where(b, "devices")) == []
    update(box, {"devices": [DENY, rule(1)]})
    assert len(programs(where(b, "devices"))) == 1 and may(box, "odd") and not may(box, "even")
    box.delete()


def programs(path):
    """Numbers of the device programs that are attached to the cgroup (bpf(2), BPF_PROG_QUERY)."""
    fd = os.open(path, os.O_RDONLY)
    ids = (ctypes.c_uint32 * 64)()
    query = struct.pack("=IIIIQII", fd, 6, 0, 0, ctypes.addressof(ids), 64, 0)  # BPF_CGROUP_DEVICE
    attr = ctypes.create_string_buffer(query, 128)
    numbers = {"x86_64": 321, "aarch64": 280}
    if os.uname().machine not in numbers:
        pytest.skip("the number of bpf(2) is not known here")
    if ctypes.CDLL(None, use_errno=True).syscall(numbers[os.uname().machine], 16, attr, 64) < 0:
        raise OSError(ctypes.get_errno(), "BPF_PROG_QUERY")
    os.close(fd)
    return list(ids[:struct.unpack_from("=I", attr, 24)[0]])


# --- devices: nodes and rules

def host_device(box, name="odd", minor=1, mode=0o640, uid=7, gid=8):
    path = f"{box.dir}/{name}"
    os.mknod(path, stat.S_IFCHR | mode, os.makedev(250, minor))
    os.chmod(path, mode)
    os.chown(path, uid, gid)
    return path


def container(box, user=False, rules=(), devices=()):
    b = box.bundle(SLEEP)
    if user:
        give_user_namespace(b)
    b.config["linux"]["resources"] = {"devices": [DENY, *rules]}
    b.config["linux"]["devices"] = list(devices)
    box.run(b, "-d")
    return b


def sh(box, script, **more):
    return box.orlop("exec", "c", "sh", "-c", script, **more)


both = pytest.mark.parametrize("user", [False, True], ids=["root", "userns"])


@pytest.mark.root("an ordinary user has no rules of devices")
@both
def test_device_added_and_removed(box, user):
    host = host_device(box, mode=0o666)
    container(box, user)
    for _ in range(2):
        assert sh(box, "ls /dev/odd", status=1).out == ""
        box.orlop("update", "--device", f"{host}:/dev/odd", "c")
        assert sh(box, "stat -c '%F %t:%T %a' /dev/odd").out == "character special file fa:1 666\n"
        assert may(box, "odd") and may(box, "odd", ">")
        box.orlop("update", "--device", f"{host}:/dev/odd:r", "c")  # there already: the rule alone changes
        assert may(box, "odd") and not may(box, "odd", ">")
        box.orlop("update", "--device-remove", f"{host}:/dev/odd", "c")
        assert sh(box, "ls /dev/odd", status=1).out == "" and "odd" not in sh(box, "cat /proc/self/mounts").out
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
@both
def test_device_removed_may_not_be_used(box, user):
    """Whoever keeps a node of his own has nothing of it."""
    host = host_device(box, mode=0o666)
    container(box, user)
    box.orlop("update", "--device", f"{host}:/dev/odd", "--device", f"{host}:/dev/kept:rw", "c")
    assert may(box, "kept")
    box.orlop("update", "--device-remove", f"{host}:/dev/odd", "c")
    assert not may(box, "kept")
    box.orlop("update", "--device-remove", f"{host}:/dev/nothing/there", "c")
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_owner_and_place(box):
    host = host_device(box)
    b = container(box)
    box.orlop("update", "--device", host, "--device", f"{host}:/dev/sub/dir/odd", "c")
    for path in (host, "/dev/sub/dir/odd"):
        assert sh(box, f"stat -c '%F %t:%T %a %u %g' {path}").out == "character special file fa:1 640 7 8\n"
    box.orlop("update", "--device-remove", host, "c")
    assert not os.path.exists(b.rootfs + host)
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_rules_are_kept(box):
    """Those of create, of updates by a document, and of devices that came one by one."""
    one, two = host_device(box, "one", 1), host_device(box, "two", 2)
    container(box, rules=[rule(3)], devices=[{"path": f"/dev/n{n}", "type": "c", "major": 250, "minor": n} for n in (1, 2, 3, 4)])

    def allowed():
        return [n for n in (1, 2, 3, 4) if may(box, f"n{n}")]
    assert allowed() == [3]
    box.orlop("update", "--device", one, "c")
    box.orlop("update", "--device", two, "c")
    assert allowed() == [1, 2, 3]
    box.orlop("update", "--device-remove", one, "c")
    assert allowed() == [2, 3]
    update(box, {"devices": [DENY, rule(4)]})
    assert allowed() == [4]
    box.orlop("update", "--device", one, "c")
    assert allowed() == [1, 4]
    with open(f"{box.dir}/in", "w+") as f:
        json.dump({"devices": [DENY, rule(3)]}, f)
        f.seek(0)
        box.orlop("update", "--device", two, "-r", "-", "c", stdin=f)
    assert allowed() == [2, 3]
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
@both
@pytest.mark.parametrize("there", ["file", "directory", "link", "device"])
def test_device_in_the_place_of_something(box, there, user):
    """All or nothing: the first of two devices is taken away again, and so is its rule."""
    one, two = host_device(box, "one", 1, 0o666), host_device(box, "two", 2, 0o666)
    b = container(box, user)
    make = {"file": "echo text > /dev/two", "directory": "mkdir /dev/two", "link": "ln -s /etc/passwd /dev/two",
            "device": "mknod /dev/two p"}[there]
    sh(box, make)
    before, shown = state_of(b), sh(box, "ls -l /dev /etc; cat /etc/passwd /proc/self/mounts").out
    err = box.orlop("update", "--device", f"{one}:/dev/one", "--device", f"{two}:/dev/two", "c", status=1).err
    assert "something else than this device is there already" in err and "/dev/two" in err, err
    assert state_of(b) == before and sh(box, "ls -l /dev /etc; cat /etc/passwd /proc/self/mounts").out == shown
    box.orlop("update", "--device-remove", f"{two}:/dev/two", "c")  # is not there
    assert sh(box, "ls -l /dev /etc; cat /etc/passwd /proc/self/mounts").out == shown
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
@both
def test_device_with_a_refused_limit(box, user):
    if v2_root() is None:
        pytest.skip("no cgroup v2 in this view")
    host = host_device(box, mode=0o666)
    b = container(box, user)
    before, shown = state_of(b), sh(box, "ls -l /dev; cat /proc/self/mounts").out
    with open(f"{box.dir}/in", "w+") as f:
        f.write('{"unified": {"cgroup.max.depth": "x"}}')
        f.seek(0)
        box.orlop("update", "--device", f"{host}:/dev/odd", "-r", "-", "c", stdin=f, status=1)
    assert state_of(b) == before and sh(box, "ls -l /dev; cat /proc/self/mounts").out == shown
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
@both
def test_device_path_of_an_attacker(box, user):
    """Links and mounts of the container lead nowhere but into itself."""
    host = host_device(box, mode=0o666)
    b = container(box, user)
    os.mkdir(f"{box.dir}/outside")
    sh(box, f"mkdir -p /tmp/in; ln -s ../../../../../../../..{box.dir}/outside /dev/up; ln -s /proc/1/root{box.dir}/outside /dev/magic; ln -s /tmp/in /dev/link")
    box.orlop("update", "--device", f"{host}:/dev/link/odd", "c")
    assert sh(box, "ls /tmp/in").out == "odd\n"
    box.orlop("update", "--device-remove", f"{host}:/dev/link/odd", "c")
    assert sh(box, "ls /tmp/in").out == ""
    for path in ("/dev/up/odd", "/dev/magic/odd", f"/../../../..{box.dir}/outside/odd"):
        box.orlop("update", "--device", f"{host}:{path}", "c", status=None)
        assert os.listdir(f"{box.dir}/outside") == []
    assert sh(box, f"ls {box.dir}/outside/odd", status=None).out in ("", f"{box.dir}/outside/odd\n") and b
    box.delete()


def test_device_where_nobody_answers(box):
    """A file system of the container's, here a FUSE without a server, holds the runtime up, but not for ever."""
    if VIEW != "hybrid":
        pytest.skip("as in the view hybrid, and it takes 10 s")
    if not os.path.exists("/dev/fuse") or "\tfuse\n" not in open("/proc/filesystems").read():
        pytest.skip("the kernel has no FUSE")
    host = host_device(box, mode=0o666)
    container(box)
    sh(box, "mkdir /tmp/hangs")
    script = ("import ctypes, os, sys; c = ctypes.CDLL(None, use_errno=True); f = os.open('/dev/fuse', os.O_RDWR)\n"
              "ns = os.open(f'/proc/{sys.argv[1]}/ns/mnt', os.O_RDONLY)\n"
              "assert c.setns(ns, 0) == 0 and c.mount(b'x', b'/tmp/hangs', b'fuse', 0, f'fd={f},rootmode=40000,user_id=0,group_id=0'.encode()) == 0\n"
              "print('mounted', flush=True); sys.stdin.read()")
    silent = subprocess.Popen(["/usr/bin/python3", "-c", script, str(box.state()["pid"])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert silent.stdout.readline() == "mounted\n"
        err = box.orlop("update", "--device", f"{host}:/tmp/hangs/odd", "c", status=1).err
        assert "file systems do not answer within 10 s" in err, err
    finally:
        silent.communicate("")
    box.delete()


@pytest.mark.parametrize("words, said", [
    (["--device", "dev/null"], "the path must be absolute"),
    (["--device", "/dev/does-not-exist"], "/dev/does-not-exist"),
    (["--device", "/etc/passwd"], "/etc/passwd is no device"),
    (["--device", "/dev/kmsg:/x:rx"], "letters of rwm"),
    (["--device", "/dev/null:/x:"], "letters of rwm"),
    (["--device", "/dev/null:rw:/x"], "letters of rwm"),
    (["--device", "/dev/null:/"], 'device "/dev/null:/": the root is no place for it'),
    (["--device-remove", "/dev/null:/x:r"], 'device "/dev/null:/x:r": after the device may come a path'),
    (["--device", ""], 'device "": the path of a device on the host is needed'),
    (["--device", ":"], 'device ":": the path of a device on the host is needed'),
    (["--device", ":/dev/x:r"], 'device ":/dev/x:r": the path of a device on the host is needed'),
    (["--device-remove", ""], 'device "": the path of a device on the host is needed'),
    (["--device", "/dev/kmsg:r", "--device-remove", "/dev/kmsg"], 'device "/dev/kmsg": one update cannot both give it and take it away'),
    (["--device-remove", "/dev/kmsg:/dev/x", "--device", "/dev/kmsg"], 'device "/dev/kmsg": one update cannot both give it and take it away'),
    pytest.param(["--device-remove", "/dev/null"], "/dev/null is one of the devices that every container may use", marks=pytest.mark.root("an ordinary user has no rules of devices")),
])
def test_bad_devices(box, words, said):
    b = container(box)
    before, shown = state_of(b), sh(box, "ls /; ls -l /dev").out
    err = box.orlop("update", *words, "c", status=1).err
    assert said in err, err
    assert state_of(b) == before and sh(box, "ls /; ls -l /dev").out == shown
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_without_cgroup(box):
    host = host_device(box)
    b = box.bundle(SLEEP)
    del b.config["linux"]["cgroupsPath"]
    b.config["linux"]["resources"] = {}
    b.save()
    box.orlop("--cgroup-manager", "disabled", "run", "-d", "--bundle", b.path, "c")
    err = box.orlop("update", "--device", f"{host}:/dev/sub/odd", "c", status=1).err
    assert "no cgroup of its own" in err and sh(box, "ls /dev/sub", status=1).out == "", err
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_of_a_created_container(box):
    host = host_device(box, mode=0o666)
    b = box.bundle(["sh", "-c", "cat /dev/odd; exec sleep 100"])
    box.create(b)
    box.orlop("update", "--device", f"{host}:/dev/odd", "c")
    box.orlop("start", "c")
    assert may(box, "odd")
    box.delete()


# --- many rules

def numbered(n):
    """All different, and none with every access: those the verifier of v2 finds hardest."""
    return [{"allow": True, "type": "c", "major": 300 + i, "minor": i, "access": "rw"} for i in range(n)]


@pytest.mark.root("an ordinary user has no rules of devices")
def test_many_device_rules(box):
    with_devices(box)
    update(box, {"devices": [DENY, *numbered(1980), rule(1)]})
    assert may(box, "odd") and not may(box, "even")
    if "devices" not in hierarchies():  # on v1 each rule is a write
        err = update(box, {"devices": [DENY, *numbered(5000), rule(2)]}, status=1).err
        assert "devices: 5013 device rules, the default ones included, are too many: the kernel takes 2000" in err, err
        assert may(box, "odd") and not may(box, "even")  # the old ones hold
    box.delete()
