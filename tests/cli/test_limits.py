# SPDX-License-Identifier: Apache-2.0
"""Limits: set at create, and read back from the kernel's files."""
import json
import os

import pytest
from limits import ROOT, VIEW, block_device, hierarchies, needs_v1, needs_v2, read, v2_controllers, v2_root
from orlop import USER, base, needs_cgroupfs

def made(box, resources, program=("sleep", "100")):
    b = box.bundle(program)
    b.config["linux"]["resources"] = resources
    box.create(b)
    return b


# resources, controller, file, what it says afterwards
V1 = [
    pytest.param({"memory": {"limit": 16777216}}, "memory.limit_in_bytes", "16777216", marks=pytest.mark.spec(124)),
    ({"memory": {"limit": 16777216, "swap": 33554432}}, "memory.memsw.limit_in_bytes", "33554432"),
    ({"memory": {"limit": -1}}, "memory.limit_in_bytes", "9223372036854771712"),
    ({"memory": {"reservation": 8388608}}, "memory.soft_limit_in_bytes", "8388608"),
    ({"memory": {"kernelTCP": 8388608}}, "memory.kmem.tcp.limit_in_bytes", "8388608"),
    ({"memory": {"swappiness": 0}}, "memory.swappiness", "0"),
    ({"memory": {"swappiness": 100}}, "memory.swappiness", "100"),
    ({"memory": {"disableOOMKiller": True}}, "memory.oom_control", "oom_kill_disable 1"),
    ({"memory": {"disableOOMKiller": False}}, "memory.oom_control", "oom_kill_disable 0"),
    ({"memory": {"useHierarchy": True}}, "memory.use_hierarchy", "1"),
    ({"cpu": {"shares": 512}}, "cpu.shares", "512"),
    pytest.param({"cpu": {"shares": 512, "idle": 1}}, "cpu.idle", "1", marks=pytest.mark.spec(127)),
    ({"cpu": {"period": 60000, "quota": 30000}}, "cpu.cfs_period_us", "60000"),
    ({"cpu": {"period": 60000, "quota": 30000}}, "cpu.cfs_quota_us", "30000"),
    pytest.param({"cpu": {"quota": 50000, "burst": 50000}}, "cpu.cfs_burst_us", "50000", marks=pytest.mark.spec(126)),
    ({"cpu": {"realtimePeriod": 500000}}, "cpu.rt_period_us", "500000"),
    ({"cpu": {"cpus": "0"}}, "cpuset.cpus", "0"),
    ({"cpu": {"mems": "0"}}, "cpuset.mems", "0"),
    pytest.param({"pids": {"limit": 7}}, "pids.max", "7", marks=pytest.mark.spec(130)),
    pytest.param({"pids": {"limit": 0}}, "pids.max", "0", marks=pytest.mark.spec(130)),
    pytest.param({"pids": {"limit": -1}}, "pids.max", "max", marks=pytest.mark.spec(130)),
    pytest.param({"pids": {}}, "pids.max", "max", marks=pytest.mark.spec(130)),
]


@pytest.mark.parametrize("resources, file, text", V1)
def test_v1(box, resources, file, text):
    needs_v1(file.split(".")[0])
    if file.startswith("cpu.rt_") and not os.path.exists(f"{hierarchies()['cpu']}/cpu.rt_period_us"):
        pytest.skip("a kernel without CONFIG_RT_GROUP_SCHED")
    b = made(box, resources)
    assert read(b, file).splitlines()[0] == text
    box.delete()


@pytest.mark.parametrize("key, file", [("throttleReadBpsDevice", "read_bps"), ("throttleWriteBpsDevice", "write_bps"),
                                       ("throttleReadIOPSDevice", "read_iops"), ("throttleWriteIOPSDevice", "write_iops")])
def test_v1_throttle(box, key, file):
    needs_v1("blkio")
    if block_device() is None:
        pytest.skip("this machine has no block device")
    major, minor = block_device()
    b = made(box, {"blockIO": {key: [{"major": major, "minor": minor, "rate": 12345}]}})
    assert read(b, f"blkio.throttle.{file}_device") == f"{major}:{minor} 12345\n"
    box.delete()


# the same with cgroup v2
V2 = [
    pytest.param({"memory": {"limit": 16777216}}, "memory.max", "16777216", marks=pytest.mark.spec(124)),
    ({"memory": {"limit": 16777216, "swap": 33554432}}, "memory.swap.max", "16777216"),
    ({"memory": {"limit": -1}}, "memory.max", "max"),
    ({"memory": {"reservation": 8388608}}, "memory.low", "8388608"),
    ({"cpu": {"shares": 512}}, "cpu.weight", "59"),
    ({"cpu": {"shares": 1024}}, "cpu.weight", "100"),
    pytest.param({"cpu": {"shares": 512, "idle": 1}}, "cpu.idle", "1", marks=pytest.mark.spec(127)),
    ({"cpu": {"period": 60000, "quota": 30000}}, "cpu.max", "30000 60000"),
    ({"cpu": {"period": 60000}}, "cpu.max", "max 60000"),
    ({"cpu": {"quota": -1}}, "cpu.max", "max 100000"),
    pytest.param({"cpu": {"quota": 50000, "burst": 50000}}, "cpu.max.burst", "50000", marks=pytest.mark.spec(126)),
    ({"cpu": {"cpus": "0"}}, "cpuset.cpus", "0"),
    ({"cpu": {"mems": "0"}}, "cpuset.mems", "0"),
    pytest.param({"pids": {"limit": 7}}, "pids.max", "7", marks=pytest.mark.spec(130)),
    pytest.param({"pids": {"limit": 0}}, "pids.max", "0", marks=pytest.mark.spec(130)),
    pytest.param({"pids": {"limit": -1}, "unified": {"pids.max": "9"}}, "pids.max", "9", marks=pytest.mark.spec(130)),
]


@pytest.mark.parametrize("resources, file, text", V2)
def test_v2(box, resources, file, text):
    needs_v2(file.split(".")[0])
    b = made(box, resources)
    if read(b, file) is None and file in ("cpu.idle", "cpu.max.burst", "memory.swap.max"):
        pytest.skip(f"this kernel has no {file}")
    assert read(b, file).splitlines()[0] == text
    box.delete()


@pytest.mark.parametrize("key, word", [("throttleReadBpsDevice", "rbps"), ("throttleWriteBpsDevice", "wbps"),
                                       ("throttleReadIOPSDevice", "riops"), ("throttleWriteIOPSDevice", "wiops")])
def test_v2_throttle(box, key, word):
    needs_v2("io")
    if block_device() is None:
        pytest.skip("this machine has no block device")
    major, minor = block_device()
    b = made(box, {"blockIO": {key: [{"major": major, "minor": minor, "rate": 12345}]}})
    assert read(b, "io.max").startswith(f"{major}:{minor} ") and f"{word}=12345" in read(b, "io.max").split()
    box.delete()


def test_v2_weight(box):
    needs_v2("io")
    top = v2_root() + base()
    path = f"{top}/orlop-test-probe-{os.getpid()}"
    with open(f"{top}/cgroup.subtree_control", "w") as f:
        f.write("+io")
    os.mkdir(path)
    files = [f for f in ("io.bfq.weight", "io.weight") if os.path.exists(f"{path}/{f}")]
    os.rmdir(path)
    if not files:
        pytest.skip("the kernel has no block I/O weights")
    b = made(box, {"blockIO": {"weight": 500}})
    assert read(b, files[0]).splitlines()[0].split()[-1] == {"io.bfq.weight": "500", "io.weight": "4950"}[files[0]]
    box.delete()


def test_v1_throttle_without_device(box):
    needs_v1("blkio")
    b = box.bundle()
    b.config["linux"]["resources"] = {"blockIO": {"throttleReadBpsDevice": [{"major": 4095, "minor": 7, "rate": 1}]}}
    r = box.run(b, status=1)
    assert "linux.resources.blockIO.throttleReadBpsDevice[0]" in r.err and '"4095:7 1"' in r.err, r
    assert "block devices that exist" in r.err


def test_v1_weight(box):
    needs_v1("blkio")
    path = f"{hierarchies()['blkio']}/orlop-test-probe-{os.getpid()}"
    os.mkdir(path)
    files = [f for f in ("blkio.weight", "blkio.bfq.weight") if os.path.exists(f"{path}/{f}")]
    os.rmdir(path)
    if not files:
        pytest.skip("the kernel has no block I/O weights")
    b = made(box, {"blockIO": {"weight": 321}})
    assert read(b, files[0]).strip() in ("321", "default 321")
    box.delete()


@pytest.mark.spec(129)
def test_hugepages_v2(box):
    needs_v2("hugetlb")
    b = made(box, {"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]})
    assert read(b, "hugetlb.2MB.max") == "4194304\n"
    assert read(b, "hugetlb.2MB.rsvd.max") in ("4194304\n", None)  # Linux 5.7
    box.delete()


@pytest.mark.spec(129)
def test_hugepages_of_no_size(box):
    needs_v2("hugetlb")
    b = box.bundle()
    b.config["linux"]["resources"] = {"hugepageLimits": [{"pageSize": "2MB", "limit": 0}, {"pageSize": "3MB", "limit": 0}]}
    r = box.run(b, status=1)
    assert "linux.resources.hugepageLimits[1]" in r.err and "/sys/kernel/mm/hugepages" in r.err, r


@pytest.mark.spec(132, 133)
def test_unified_enables(box):
    if "hugetlb" not in v2_controllers():
        pytest.skip("no hugetlb controller of cgroup v2 in this view")
    b = made(box, {"unified": {"hugetlb.2MB.max": "2097152", "cgroup.max.depth": "3"}})
    assert read(b, "hugetlb.2MB.max") == "2097152\n"
    with open(f"{v2_root()}{b.cgroup}/cgroup.max.depth") as f:
        assert f.read() == "3\n"
    box.delete()


def test_unified_enables_for_no_limit(box):
    """"max" is a value like any other there."""
    if "hugetlb" not in v2_controllers():
        pytest.skip("no hugetlb controller of cgroup v2 in this view")
    b = made(box, {"unified": {"hugetlb.2MB.max": "max"}})
    assert read(b, "hugetlb.2MB.max") == "max\n"
    box.delete()


# resources, and where the fault is
NO_DEVICES = [
    ({"blockIO": {"throttleReadBpsDevice": [{"major": 4294967550, "minor": 0, "rate": 1000}]}}, "blockIO.throttleReadBpsDevice[0]"),
    ({"blockIO": {"throttleWriteIOPSDevice": [{"major": 8, "minor": 1048576, "rate": 1000}]}}, "blockIO.throttleWriteIOPSDevice[0]"),
    ({"blockIO": {"weightDevice": [{"major": 4096, "minor": 0, "weight": 100}]}}, "blockIO.weightDevice[0]"),
    ({"rdma": {"max0": {"hcaHandles": 5}}}, 'rdma["max0"]'),
    ({"devices": [{"allow": True, "access": "r"}] * 16385}, "devices"),
]


@pytest.mark.parametrize("resources,where", NO_DEVICES, ids=lambda x: x if isinstance(x, str) else "")
def test_devices_that_cannot_be(box, resources, where):
    """The kernel would wrap such numbers, and limit another device."""
    b = box.bundle()
    b.config["linux"]["resources"] = resources
    assert f"linux.resources.{where}: " in box.run(b, status=1).err
    if where == "devices" or "blockIO" in where:
        made(box, {})
        with open(os.path.join(box.dir, "update.json"), "w") as f:
            json.dump(resources, f)
        assert f"{where}: " in box.orlop("update", "--resources", f.name, "c", status=1).err
        box.delete()


@pytest.mark.parametrize("name", ["a/cgroup.procs", "a/cgroup.procs/b", "cgroup.procs"])
def test_a_file_in_the_place_of_the_cgroup(box, name):
    """Every cgroup has files, and nothing can be called like them: what was made above is gone again."""
    needs_cgroupfs("a path is the name of a unit")
    b = box.bundle()
    b.config["linux"]["cgroupsPath"] = f"{b.cgroup}/{name}"
    err = box.create(b, status=1).err
    assert "linux.cgroupsPath" in err and "Not a directory" in err, err
    for top in v2_root(), *(f"{ROOT}/{d}" for d in os.listdir(ROOT) if os.path.isdir(f"{ROOT}/{d}")):
        assert top is None or not os.path.exists(top + b.cgroup)


@pytest.mark.spec(133)
@pytest.mark.parametrize("name", ["cgroup.no_such_file", "no_such_file", "no_such.pressure"])
def test_unified_unknown_file(box, name):
    """It is missed itself, and no controller of a part of its name."""
    if v2_root() is None:
        pytest.skip("no cgroup v2 in this view")
    b = box.bundle()
    b.config["linux"]["resources"] = {"unified": {name: "1"}}
    r = box.run(b, status=1)
    assert f'linux.resources.unified["{name}"]' in r.err and f"/{name}" in r.err and "No such file" in r.err, r


def test_unified_unknown_controller(box):
    """No machine has it, and nothing is written."""
    if v2_root() is None:
        pytest.skip("no cgroup v2 in this view")
    b = box.bundle()
    b.config["linux"]["resources"] = {"unified": {"foo.bar": "3"}}
    assert 'linux.resources.unified["foo.bar"]: the cgroup controller "foo" is not available' in box.run(b, status=1).err


@pytest.mark.parametrize("key", ["../cgroup.procs", "a/b", "..", "."])
def test_unified_outside(box, key):
    b = box.bundle()
    b.config["linux"]["resources"] = {"unified": {key: "1"}}
    r = box.run(b, status=1)
    assert f'linux.resources.unified["{key}"]' in r.err and "must be the name of a file in the cgroup" in r.err, r


@pytest.mark.spec(134)
def test_missing_controller(box):
    have = set(hierarchies()) | set(v2_controllers())
    for controller, resources, where in [
            ("rdma", {"rdma": {"mlx5_1": {"hcaHandles": 3}}}, 'linux.resources.rdma["mlx5_1"]'),
            ("memory", {"memory": {"limit": 1 << 24}}, "linux.resources.memory.limit"),
            ("io", {"unified": {"io.max": "8:0 rbps=1"}}, 'linux.resources.unified["io.max"]')]:
        if controller in have or controller == "io" and v2_root() is None:
            continue
        b = box.bundle()
        b.config["linux"]["resources"] = resources
        r = box.run(b, status=1)
        said = f'"{controller}" is not available'
        if USER:  # that he was not given one of the machine's is another matter
            with open(f"{v2_root()}/cgroup.controllers") as f:
                said = "cgroup.subtree_control" if controller in f.read().split() else said
        assert where in r.err and said in r.err, r
        return
    pytest.skip("this machine has every controller")


@pytest.mark.spec(135)
def test_v1_only_on_v2(box):
    if VIEW != "v2":
        pytest.skip("cgroup v1 in this view")
    for resources, where in [({"memory": {"swappiness": 5}}, "memory.swappiness"), ({"memory": {"kernel": 5}}, "memory.kernel"),
                             ({"network": {"classID": 5}}, "network.classID"), ({"cpu": {"realtimePeriod": 5}}, "cpu.realtimePeriod")]:
        b = box.bundle()
        b.config["linux"]["resources"] = resources
        r = box.run(b, status=1)
        assert f"linux.resources.{where}: " in r.err and "cgroup v2" in r.err, r


@pytest.mark.spec(131, 128, 126, 127)
@pytest.mark.parametrize("resources, where", [
    ({"rdma": {"mlx5_1": {}}}, 'rdma["mlx5_1"]'),
    ({"blockIO": {"weightDevice": [{"major": 8, "minor": 0}]}}, "blockIO.weightDevice[0]"),
    ({"blockIO": {"weight": 5}}, "blockIO.weight"),
    ({"cpu": {"quota": 1000, "burst": 2000}}, "cpu.burst"),
    ({"cpu": {"idle": 2}}, "cpu.idle"),
    ({"memory": {"limit": 5000, "swap": 1000}}, "memory.swap"),
    ({"memory": {"swappiness": 101}}, "memory.swappiness"),
    ({"hugepageLimits": [{"pageSize": "../2MB", "limit": 1}]}, "hugepageLimits[0].pageSize"),
    ({"network": {"priorities": [{"name": "a b", "priority": 1}]}}, "network.priorities[0].name"),
])
def test_values_refused(box, resources, where):
    b = box.bundle()
    b.config["linux"]["resources"] = resources
    r = box.run(b, status=1)
    assert f"config.json:" in r.err and f"linux.resources.{where}: " in r.err, r


def test_refused_value_is_told(box):
    needs_v1("cpu")
    b = box.bundle()
    b.config["linux"]["resources"] = {"cpu": {"period": 1}}
    r = box.run(b, status=1)
    assert 'linux.resources.cpu.period: ' in r.err and 'cannot be set to "1"' in r.err and "1 s the longest period" in r.err, r


def test_too_little_memory(box):
    """It is said who ended the first process, and why, and nothing is left of it."""
    if "memory" not in [*hierarchies(), *v2_controllers()]:
        pytest.skip("no controller of memory in this view")
    needs_cgroupfs("it removes a scope that is empty, with its count of what was killed, when it likes")
    b = box.bundle()
    b.config["linux"]["resources"] = {"memory": {"limit": 65536, "swap": 65536}}
    r = box.run(b, status=1)
    assert "for want of memory" in r.err and "linux.resources.memory.limit must leave room" in r.err, r
    assert box.orlop("list", "-q").out == ""


# --- whose it is

def writable(b):
    m = next(m for m in b.config["mounts"] if m["destination"] == "/sys/fs/cgroup")
    m["options"].remove("ro")
    m["source"] = "cgroup"
    b.config["process"]["user"] = {"uid": 1234, "gid": 1234}
    b.namespace("cgroup")
    return m


def owners(b):
    top = f"{v2_root()}{b.cgroup}"
    return {n: os.stat(f"{top}/{n}").st_uid for n in [".", *os.listdir(top)]}


def delegated():
    try:
        with open("/sys/kernel/cgroup/delegate") as f:
            return set(f.read().split())
    except FileNotFoundError:
        return {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}


@pytest.mark.root("orlop gives a cgroup to another id than its own with root's privilege alone")
@pytest.mark.spec(119, 120, 121, 122)
def test_owner(box):
    if VIEW != "v2":
        pytest.skip("cgroup v1 in this view")
    b = box.bundle(["sleep", "100"])
    writable(b)
    box.create(b)
    have = owners(b)
    assert {n for n, uid in have.items() if uid == 1234} == {"."} | (delegated() & set(have))
    box.delete()


@pytest.mark.spec(119)
@pytest.mark.parametrize("why", ["ro", "source", "namespace"])
def test_owner_stays(box, why):
    if v2_root() is None:
        pytest.skip("no cgroup v2 in this view")
    b = box.bundle(["sleep", "100"])
    m = writable(b)
    if why == "ro":
        m["options"].append("ro")
    elif why == "source":
        m["source"] = "cgroup2"
    else:
        b.namespace("cgroup", False)
    box.create(b)
    assert set(owners(b).values()) == {os.getuid()}
    box.delete()


@pytest.mark.spec(119)
def test_owner_stays_on_v1(box):
    needs_v1("pids")
    b = box.bundle(["sleep", "100"])
    writable(b)
    box.create(b)
    assert os.stat(f"{hierarchies()['pids']}{b.cgroup}").st_uid == 0
    if v2_root():
        assert set(owners(b).values()) == {0}
    box.delete()


@pytest.mark.root("orlop gives a cgroup to another id than its own with root's privilege alone")
@pytest.mark.spec(119)
def test_container_makes_cgroups(box):
    """What the ownership is for."""
    if VIEW != "v2":
        pytest.skip("cgroup v1 in this view")
    b = box.bundle(["sh", "-c", "mkdir /sys/fs/cgroup/mine && echo $$ > /sys/fs/cgroup/mine/cgroup.procs && cat /proc/self/cgroup"])
    writable(b)
    assert box.run(b).out.endswith("::/mine\n")


# --- where it is

def test_names_of_features(box):
    assert json.loads(box.orlop("features").out)["linux"]["cgroup"]["rdma"] is True


@pytest.mark.spec(116)
def test_cgroup_of_others(box):
    b = made(box, {})
    other = box.bundle()
    other.config["linux"]["cgroupsPath"] = b.config["linux"]["cgroupsPath"]
    r = box.run(other, id="d", status=1)
    assert "linux.cgroupsPath" in r.err and ("cgroup is not empty" in r.err or "systemd has a unit" in r.err), r
    assert box.status() == "created"
    box.delete()


@pytest.mark.spec(116)
def test_frozen_cgroup(box):
    b = box.bundle()
    path = b.cgroup
    top, file, value = (ROOT, "cgroup.freeze", "1") if VIEW == "v2" else (hierarchies().get("freezer"), "freezer.state", "FROZEN")
    if top is None:
        pytest.skip("no freezer in this view")
    os.mkdir(f"{top}{path}")
    try:
        with open(f"{top}{path}/{file}", "w") as f:
            f.write(value)
        r = box.run(b, status=1)
        assert "linux.cgroupsPath" in r.err and "frozen" in r.err, r
    finally:
        os.rmdir(f"{top}{path}")


@pytest.mark.spec(117, 118)
def test_paths(box):
    needs_cgroupfs("a path is the name of a unit")
    first = next(iter(hierarchies().values()), ROOT)
    for path in ("/orlop-x//./y", "/orlop-x/y/"):
        b = box.bundle(["sleep", "100"])
        b.config["linux"]["cgroupsPath"] = path.replace("orlop-x", box.cgroup[1:])
        box.create(b)
        assert os.path.isdir(f"{first}{box.cgroup}/y")
        box.delete()
        assert not os.path.exists(f"{first}{box.cgroup}")
    for path in ("/a/../b", "..", "/", "/a\nb"):
        b = box.bundle()
        b.config["linux"]["cgroupsPath"] = path
        assert "linux.cgroupsPath" in box.run(b, status=1).err


# --- controllers for the cgroup's children

def test_controllers_that_leave_no_room_for_processes(box):
    needs_cgroupfs("the process is in its cgroup before this is written, which then is what is refused")
    if "hugetlb" not in v2_controllers():
        pytest.skip("no hugetlb controller of cgroup v2 in this view")
    b = box.bundle()
    b.config["linux"]["resources"] = {"unified": {"cgroup.subtree_control": "+hugetlb"}}
    err = box.run(b, status=1).err
    assert "Device or resource busy" in err and "see its cgroup.subtree_control, which linux.resources.unified may have set" in err, err


@pytest.mark.parametrize("words, says", [("hugetlb", "names of controllers with + or - before each"), ("+hugetlb -", "names of controllers with + or - before each"),
                                         ("+nosuch", "this kernel has no such controller")])
def test_words_that_are_no_controllers(box, words, says):
    if v2_root() is None:
        pytest.skip("no cgroup v2 in this view")
    b = box.bundle()
    b.config["linux"]["resources"] = {"unified": {"cgroup.subtree_control": words}}
    err = box.run(b, status=1).err
    assert 'linux.resources.unified["cgroup.subtree_control"]: ' in err and says in err, err
