# SPDX-License-Identifier: Apache-2.0
"""update: limits of a container that is there, changed, and read back from the kernel's files."""
import json
import os
import subprocess

import pytest
from limits import SLEEP, VIEW, Some, block_device, first, hierarchies, needs_v1, needs_v2, read, state_of, update, v2_root
from orlop import eventually

MB = 1 << 20


def made(box, resources=None, id="c"):
    b = box.bundle(SLEEP)
    b.config["linux"]["resources"] = resources or {}
    box.run(b, "-d", id=id)
    return b


# Each: what is set at create, and what by update; as resources, as options (None: there are none), and what files of v1 and of v2 say then
def memory(**limits):
    return {"memory": limits}


def cpu(**limits):
    return {"cpu": limits}


V1_NONE = "9223372036854771712"
PROPERTIES = {
    "memory": [
        (memory(limit=32 * MB), ["--memory", "32m"], ("memory.limit_in_bytes", "33554432"), ("memory.max", "33554432")),
        (memory(limit=64 * MB), ["--memory=67108864"], "67108864", "67108864")],
    "memory none": [
        (memory(limit=32 * MB), ["--memory", "32M"], ("memory.limit_in_bytes", "33554432"), ("memory.max", "33554432")),
        (memory(limit=-1), ["--memory", "-1"], V1_NONE, "max")],
    "reservation": [
        (memory(reservation=8 * MB), ["--memory-reservation", "8MiB"], ("memory.soft_limit_in_bytes", "8388608"), ("memory.low", "8388608")),
        (memory(reservation=12 * MB), ["--memory-reservation", "12mb"], "12582912", "12582912")],
    "swap": [
        (memory(limit=32 * MB, swap=48 * MB), ["--memory=32m", "--memory-swap=48m"],
         ("memory.memsw.limit_in_bytes", "50331648"), ("memory.swap.max", "16777216")),
        (memory(limit=64 * MB, swap=96 * MB), ["--memory=64m", "--memory-swap=96m"], "100663296", "33554432")],
    "swap alone": [
        (memory(limit=32 * MB, swap=48 * MB), ["--memory=32m", "--memory-swap=48m"],
         ("memory.memsw.limit_in_bytes", "50331648"), ("memory.swap.max", "16777216")),
        (memory(swap=40 * MB), ["--memory-swap=40m"], "41943040", "8388608")],
    "swap none": [
        (memory(limit=32 * MB, swap=48 * MB), ["--memory=32m", "--memory-swap=48m"],
         ("memory.memsw.limit_in_bytes", "50331648"), ("memory.swap.max", "16777216")),
        (memory(swap=-1), ["--memory-swap", "-1"], V1_NONE, "max")],
    "tcp": [
        (memory(kernelTCP=8 * MB), ["--kernel-memory-tcp", "8m"], ("memory.kmem.tcp.limit_in_bytes", "8388608"), None),
        (memory(kernelTCP=4 * MB), ["--kernel-memory-tcp", "4m"], "4194304", None)],
    "swappiness": [
        (memory(swappiness=10), None, ("memory.swappiness", "10"), None), (memory(swappiness=0), None, "0", None)],
    "oom": [
        (memory(disableOOMKiller=True), None, ("memory.oom_control", "oom_kill_disable 1"), None),
        (memory(disableOOMKiller=False), None, "oom_kill_disable 0", None)],
    "shares": [
        (cpu(shares=512), ["--cpu-share", "512"], ("cpu.shares", "512"), ("cpu.weight", "59")),
        (cpu(shares=1024), ["--cpu-share=1024"], "1024", "100")],
    "idle": [
        (cpu(idle=1), ["--cpu-idle", "1"], ("cpu.idle", "1"), ("cpu.idle", "1")),
        (cpu(idle=0, shares=512), ["--cpu-idle=0", "--cpu-share=512"], "0", "0")],
    "quota": [
        (cpu(quota=30000), ["--cpu-quota", "30000"], ("cpu.cfs_quota_us", "30000"), ("cpu.max", "30000 100000")),
        (cpu(quota=-1), ["--cpu-quota", "-1"], "-1", "max 100000")],
    "period": [
        (cpu(period=60000, quota=30000), ["--cpu-period=60000", "--cpu-quota=30000"], ("cpu.cfs_period_us", "60000"), ("cpu.max", "30000 60000")),
        (cpu(period=50000), ["--cpu-period=50000"], "50000", "30000 50000")],
    "quota of a period": [
        (cpu(period=60000, quota=30000), ["--cpu-period=60000", "--cpu-quota=30000"], ("cpu.cfs_quota_us", "30000"), ("cpu.max", "30000 60000")),
        (cpu(quota=20000), ["--cpu-quota=20000"], "20000", "20000 60000")],
    "burst": [
        (cpu(quota=40000, burst=20000), ["--cpu-quota=40000", "--cpu-burst", "20000"], ("cpu.cfs_burst_us", "20000"), ("cpu.max.burst", "20000")),
        (cpu(quota=80000, burst=60000), ["--cpu-quota=80000", "--cpu-burst=60000"], "60000", "60000")],
    "burst none": [
        (cpu(quota=40000, burst=20000), ["--cpu-quota=40000", "--cpu-burst", "20000"], ("cpu.cfs_burst_us", "20000"), ("cpu.max.burst", "20000")),
        (cpu(burst=0), ["--cpu-burst=0"], "0", "0")],
    "real-time period": [
        (cpu(realtimePeriod=500000), ["--cpu-rt-period", "500000"], ("cpu.rt_period_us", "500000"), None),
        (cpu(realtimePeriod=600000), ["--cpu-rt-period", "600000"], "600000", None)],
    "real-time runtime": [
        (cpu(realtimeRuntime=1000), ["--cpu-rt-runtime", "1000"], ("cpu.rt_runtime_us", "1000"), None),
        (cpu(realtimeRuntime=2000), ["--cpu-rt-runtime", "2000"], "2000", None)],
    "cpus": [
        (cpu(cpus="0"), ["--cpuset-cpus", "0"], ("cpuset.cpus", "0"), ("cpuset.cpus", "0")),
        (cpu(cpus="0-1"), ["--cpuset-cpus", "0,1"], "0-1", "0-1")],
    "mems": [
        (cpu(mems="0"), ["--cpuset-mems", "0"], ("cpuset.mems", "0"), ("cpuset.mems", "0")),
        (cpu(mems="0-0"), ["--cpuset-mems", "0-0"], "0", "0")],
    "pids": [
        ({"pids": {"limit": 50}}, ["--pids-limit", "50"], ("pids.max", "50"), ("pids.max", "50")),
        ({"pids": {"limit": 0}}, ["--pids-limit", "0"], "0", "0")],
    "pids none": [
        ({"pids": {"limit": 50}}, ["--pids-limit", "50"], ("pids.max", "50"), ("pids.max", "50")),
        ({"pids": {"limit": -1}}, ["--pids-limit", "-1"], "max", "max")],
    "huge pages": [
        ({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MB}]}, None, ("hugetlb.2MB.limit_in_bytes", "4194304"), ("hugetlb.2MB.max", "4194304")),
        ({"hugepageLimits": [{"pageSize": "2MB", "limit": 2 * MB}]}, None, "2097152", "2097152")],
    "class": [
        ({"network": {"classID": 7}}, None, ("net_cls.classid", "7"), None), ({"network": {"classID": 9}}, None, "9", None)],
    "priority": [
        ({"network": {"priorities": [{"name": "lo", "priority": 3}]}}, None, ("net_prio.ifpriomap", "lo 3"), None),
        ({"network": {"priorities": [{"name": "lo", "priority": 4}]}}, None, "lo 4", None)],
    "unified": [
        ({"unified": {"cgroup.max.depth": "3"}}, None, None, ("cgroup.max.depth", "3")),
        ({"unified": {"cgroup.max.depth": "5"}}, None, None, "5")],
}
MAY_LACK = {"cpu.rt_period_us": "a kernel without CONFIG_RT_GROUP_SCHED", "cpu.rt_runtime_us": "a kernel without CONFIG_RT_GROUP_SCHED",
            "cpu.idle": "needs Linux 5.15", "cpu.cfs_burst_us": "needs Linux 5.14", "cpu.max.burst": "needs Linux 5.14",
            "memory.swap.max": "a kernel that does not account swap", "memory.memsw.limit_in_bytes": "a kernel that does not account swap"}


def version(property):
    """2 or 3, where in the rows of the property this view's files are; skips where it cannot be."""
    v1, v2 = PROPERTIES[property][0][2:]
    controller = (v1 or v2)[0].split(".")[0]
    if v1 and controller in hierarchies():
        if v1[0].startswith("cpu.rt_") and not os.path.exists(f"{hierarchies()[controller]}/{v1[0]}"):
            pytest.skip(MAY_LACK[v1[0]])
        return 2
    if v2 is None:
        pytest.skip(f"no {controller} controller of cgroup v1 in this view")
    if controller != "cgroup":
        needs_v2(v2[0].split(".")[0])
    elif v2_root() is None:
        pytest.skip("no cgroup v2 in this view")
    return 3


def says(b, file, text):
    """One line of FILE is TEXT, the first where it is no list."""
    lines = read(b, file).split("\n")
    return text in lines if file == "net_prio.ifpriomap" else text == lines[0]


@pytest.mark.parametrize("how", ["options", "document"])
@pytest.mark.parametrize("property", PROPERTIES)
def test_property(box, property, how):
    which = version(property)
    before, after = PROPERTIES[property]
    file, was = before[which]
    if how == "options" and after[1] is None:
        pytest.skip("it has no option of its own")
    if property == "cpus" and os.cpu_count() < 2:
        pytest.skip("this machine has one processor")
    b = made(box, before[0])
    if file in MAY_LACK and read(b, file) is None:
        box.delete()
        pytest.skip(MAY_LACK[file])
    assert says(b, file, was)
    for resources, options, text in ((*after[:2], after[which]), (*before[:2], was)):  # there, and back: what has risen falls
        if how == "options":
            box.orlop("update", *options, "c")
        else:
            update(box, resources)
        assert says(b, file, text), (read(b, file), text)
    box.delete()


@pytest.mark.parametrize("key, file, word", [
    ("throttleReadBpsDevice", "read_bps", "rbps"), ("throttleWriteBpsDevice", "write_bps", "wbps"),
    ("throttleReadIOPSDevice", "read_iops", "riops"), ("throttleWriteIOPSDevice", "write_iops", "wiops")])
def test_throttle(box, key, file, word):
    if "blkio" not in hierarchies():
        needs_v2("io")
    if block_device() is None:
        pytest.skip("this machine has no block device")
    major, minor = block_device()
    resources = {"blockIO": {key: [{"major": major, "minor": minor, "rate": 12345}]}}
    b = made(box, resources)
    for rate in (54321, 0):
        resources["blockIO"][key][0]["rate"] = rate
        update(box, resources)
        if "blkio" in hierarchies():
            assert read(b, f"blkio.throttle.{file}_device") == (f"{major}:{minor} {rate}\n" if rate else "")
        else:
            assert (f"{word}={rate}" in read(b, "io.max").split()) == bool(rate)
    box.delete()


def test_weight(box):
    if "blkio" not in hierarchies():
        needs_v2("io")
    b = box.bundle(SLEEP)
    b.config["linux"]["resources"] = {"blockIO": {"weight": 321}}
    r = box.run(b, "-d", status=None)
    if r.status:
        assert "weights need" in r.err, r
        pytest.skip("the kernel has no block I/O weights")
    file = next(f for f in ("blkio.weight", "blkio.bfq.weight", "io.bfq.weight", "io.weight") if read(b, f))
    box.orlop("update", "--blkio-weight=500", "c")
    assert first(b, file).split()[-1] == ("4950" if file == "io.weight" else "500")
    box.delete()


# --- what is there stays

def test_what_is_not_given_stays(box):
    needs_v1("memory", "cpu", "pids")
    b = made(box, {"memory": {"limit": 32 * MB, "reservation": 8 * MB}, "cpu": {"shares": 512, "quota": 30000, "period": 60000},
                   "pids": {"limit": 50}})
    files = {"memory.limit_in_bytes": "33554432", "memory.soft_limit_in_bytes": "8388608", "cpu.shares": "512", "cpu.cfs_quota_us": "30000",
             "cpu.cfs_period_us": "60000", "pids.max": "50"}
    # as engines write what was not asked for
    for resources in ({}, {"memory": {}, "cpu": {}, "pids": {}, "blockIO": {}}, {"cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""},
                      "memory": {"limit": 0, "swap": 0, "reservation": 0}, "blockIO": {"weight": 0}}, {"pids": None, "memory": None}):
        update(box, resources)
        assert {f: first(b, f) for f in files} == files, resources
    box.orlop("update", "--cpu-share", "600", "c")
    assert {f: first(b, f) for f in files} == {**files, "cpu.shares": "600"}
    box.delete()


def test_created_running_paused(box):
    b, some = box.bundle(SLEEP), Some()
    box.create(b)
    for n, (command, status) in enumerate([(None, "created"), ("start", "running"), ("pause", "paused"), ("resume", "running")]):
        if command:
            box.orlop(command, "c")
        assert box.status() == status
        update(box, some.resources(100 + n))
        assert some.is_at(b, 100 + n) and box.status() == status
    box.delete()


def test_foreground_run(box):
    """Its runtime holds the container's lock."""
    b, some = box.bundle(SLEEP), Some()
    b.save()
    run = subprocess.Popen(box.command("run", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: "running" in box.orlop("list", status=None).out, "it runs")
        update(box, some.resources(77))
        assert some.is_at(b, 77)
    finally:
        box.orlop("kill", "c", "KILL", status=None)
        run.wait(timeout=20)


def test_stopped(box):
    made(box)
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    for words in (["--pids-limit", "5"], ["--memory", "1g"]):
        err = box.orlop("update", *words, "c", status=1).err
        assert "cannot update a container that has stopped: container not running" in err, err
    box.delete()


def test_unknown(box):
    assert 'container "nobody" does not exist' in box.orlop("update", "--memory", "1g", "nobody", status=1).err


def test_without_cgroup(box):
    b = box.bundle(SLEEP)
    del b.config["linux"]["cgroupsPath"]
    b.config["linux"]["resources"] = {}
    b.save()
    box.orlop("--cgroup-manager", "disabled", "run", "-d", "--bundle", b.path, "c")
    err = box.orlop("update", "--pids-limit", "5", "c", status=1).err
    assert "no cgroup of its own whose limits could be changed" in err, err
    update(box, {})  # asks for nothing
    box.delete()


# --- documents

@pytest.mark.parametrize("words", [["--resources", "-"], ["--resources=-"], ["-r", "-"], ["-resources=-"]])
def test_standard_input(box, words):
    b, some = made(box), Some()
    with open(f"{box.dir}/in", "w+") as f:
        json.dump(some.resources(61), f)
        f.seek(0)
        box.orlop("update", *words, "c", stdin=f)
    assert some.is_at(b, 61)
    subprocess.run(box.command("update", *words, "c"), input=json.dumps(some.resources(62)), text=True, check=True, timeout=20)  # a pipe
    assert some.is_at(b, 62)
    box.delete()


@pytest.mark.parametrize("text, words", [
    ('{"memory": {"limit": "32m"}}', [":1:22: memory.limit: ", "expected number, got string"]),
    ('{"memory":\n {"limit": -5}}', [":2:12: memory.limit: ", "must be -1 (unlimited) or more"]),
    ('{"cpu": {"period": -1}}', [":1:20: cpu.period"]),
    ('{"cpu": {"quota": 1000,\n "burst": 2000}}', [":2:11: cpu.burst: ", "must not be above cpu.quota"]),
    ('{"cpu": {"quota": 1.5}}', [":1:19: cpu.quota"]),
    ('{"memory": {"limit": 5000, "swap": 1000}}', [":1:36: memory.swap: "]),
    ('{"pids": {"limit": 5}', [":1:"]),
    ('{"pids": {"limit": 5}} x', [":1:24: "]),
    ('', [":1:1: "]),
    ('[]', [":1:1: ", "expected object"]),
    ('{"blockIO": {"weight": 5}}', [":1:24: blockIO.weight: ", "10 to 1000"]),
    ('{"unified": {"../x": "1"}}', [':1:22: unified["../x"]: ']),
    ('{"pids": {"limit": 5, "limit": 6}}', [":1:23: pids.limit: given twice"]),
    ('{"hugepageLimits": [{"pageSize": "2M", "limit": 1}]}', [":1:34: hugepageLimits[0].pageSize: "]),
])
def test_faulty_documents(box, text, words):
    b = made(box)
    before = state_of(b)
    err = update(box, text, status=1).err
    for word in ["resources.json", *words]:
        assert word in err, err
    with open(f"{box.dir}/in", "w+") as f:
        f.write(text)
        f.seek(0)
        assert "standard input" + words[0] in box.orlop("update", "-r", "-", "c", status=1, stdin=f).err
    assert state_of(b) == before
    box.delete()


def test_no_such_document(box):
    made(box)
    err = box.orlop("update", "--resources", f"{box.dir}/none", "c", status=1).err
    assert f'{box.dir}/none' in err and "No such file" in err, err
    assert "Is a directory" in box.orlop("update", "--resources", box.dir, "c", status=1).err
    box.delete()


@pytest.mark.parametrize("words, said", [
    ([], "nothing to change is given"),
    (["--memory", "1g", "--resources", "-"], "either options or in the document"),
    (["--memory", "1x"], '--memory takes bytes, as in 64m, or -1, not "1x"'),
    (["--memory", "-2"], "--memory takes bytes"),
    (["--memory", ""], "--memory takes bytes"),
    (["--memory", "1.g"], "--memory takes bytes"),
    (["--memory", "m"], "--memory takes bytes"),
    (["--memory", "0x10"], "--memory takes bytes"),
    (["--memory-swap", "9999999t"], "--memory-swap: 9999999t is too much"),
    (["--cpu-quota", "1.5"], "--cpu-quota takes a number"),
    (["--cpu-period", "-1"], "--cpu-period takes a number"),
    (["--cpu-share", "99999999999999999999"], "--cpu-share: 99999999999999999999 is too much"),
    (["--pids-limit", "many"], "--pids-limit takes a number"),
    (["--cpuset-cpus", '0", "x'], "--cpuset-cpus takes a list"),
    (["--blkio-weight", "70000"], "blockIO.weight"),
    (["--cpu-idle", "2"], "cpu.idle: must be 0 or 1"),
    (["--pids-limit", "-2"], "pids.limit: must be -1"),
    (["--no-such"], "unknown option --no-such"),
])
def test_bad_values(box, words, said):
    b = made(box)
    before = state_of(b)
    err = box.orlop("update", *words, "c", status=1).err
    assert said in err and ":1:" not in err, err
    assert state_of(b) == before
    box.delete()


# --- nothing half done

def test_refused_values_are_set_back(box):
    """The kernel refuses the last of several."""
    needs_v1("memory", "cpu", "cpuset", "pids")
    b = made(box, {"memory": {"limit": 32 * MB, "swap": 48 * MB}, "cpu": {"shares": 512, "quota": 30000, "burst": 10000, "cpus": "0"}, "pids": {"limit": 50}})
    before = state_of(b)
    changes = {"memory": {"limit": 64 * MB, "swap": 96 * MB, "reservation": 10 * MB, "swappiness": 7, "disableOOMKiller": True},
               "cpu": {"shares": 700, "quota": 70000, "burst": 50000, "period": 90000, "cpus": "0,4095"}, "pids": {"limit": 51}}
    err = update(box, changes, status=1).err
    assert "cpu.cpus: " in err and 'cannot be set to "0,4095"' in err, err
    assert state_of(b) == before
    changes["cpu"]["cpus"] = "0"
    update(box, changes)
    assert state_of(b) != before
    box.delete()


def test_refused_values_are_set_back_v2(box):
    needs_v2("memory", "cpu", "cpuset", "pids")
    b = made(box, {"memory": {"limit": 32 * MB, "swap": 48 * MB}, "cpu": {"shares": 512, "quota": 30000, "cpus": "0"}, "pids": {"limit": 50}})
    before = state_of(b)
    changes = {"memory": {"limit": 64 * MB, "swap": 96 * MB, "reservation": 10 * MB}, "cpu": {"shares": 700, "quota": 70000, "period": 90000, "cpus": "0"},
               "pids": {"limit": 51}, "unified": {"cgroup.max.depth": "no number"}}
    err = update(box, changes, status=1).err
    assert 'unified["cgroup.max.depth"]: ' in err, err
    assert state_of(b) == before
    del changes["unified"]
    update(box, changes)
    assert state_of(b) != before
    box.delete()


def test_unified_is_set_back(box):
    if v2_root() is None:
        pytest.skip("no cgroup v2 in this view")
    b = made(box, {"unified": {"cgroup.max.depth": "4"}})
    before = state_of(b)
    for bad in ("cgroup.no_such_file", "cgroup.max.descendants"):
        err = update(box, {"unified": {"cgroup.max.depth": "7", bad: "x"}}, status=1).err
        assert f'unified["{bad}"]: ' in err, err
        assert state_of(b) == before
    box.delete()


def test_throttle_is_set_back(box):
    if "blkio" not in hierarchies():
        needs_v2("io")
    if block_device() is None:
        pytest.skip("this machine has no block device")
    major, minor = block_device()
    b = made(box)
    before = state_of(b)
    bad = {"blockIO": {"throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": 777}, {"major": 4095, "minor": 7, "rate": 1}]}}
    err = update(box, bad, status=1).err
    assert "blockIO.throttleReadBpsDevice[1]: " in err and "block devices that exist" in err, err
    assert state_of(b) == before
    box.delete()


def test_checked_before_anything(box):
    """A controller that is missing, or a property that the hierarchy cannot have, is found before the first is written."""
    b = made(box, {"pids": {"limit": 40}} if "pids" in hierarchies() else {})
    before = state_of(b)
    err = update(box, {"pids": {"limit": 41}, "rdma": {"mlx5_1": {"hcaHandles": 3}}, "unified": {"nosuch.max": "1"}}, status=1).err
    assert "is not available on this machine" in err or "no cgroup v2" in err, err
    assert state_of(b) == before
    box.delete()


@pytest.mark.spec(125)
def test_check_before_update(box):
    """The limit is below what is used: refused by us if asked for, and by the kernel, which cannot reclaim it, on v1."""
    if "memory" not in hierarchies():
        needs_v2("memory")
    b = box.bundle(["sh", "-c", "head -c 20000000 /dev/zero > /dev/shm/x; echo; exec sleep 100"])
    b.config["linux"]["resources"] = {"memory": {"limit": 64 * MB, "swap": 64 * MB}}
    box.create(b)
    box.orlop("start", "c")
    usage = "memory.usage_in_bytes" if "memory" in hierarchies() else "memory.current"
    eventually(lambda: int(read(b, usage)) > 20000000, "it uses memory")
    before = state_of(b)
    err = update(box, {"memory": {"limit": 10 * MB, "checkBeforeUpdate": True}}, status=1).err
    assert "memory.checkBeforeUpdate" in err and "not below the new limit of 10485760" in err, err
    assert state_of(b) == before
    update(box, {"memory": {"limit": 60 * MB, "checkBeforeUpdate": True}})
    assert state_of(b) != before
    box.delete()


@pytest.mark.parametrize("controller", ["memory"])
def test_swap_needs_a_limit(box, controller):
    if controller not in hierarchies():
        needs_v2(controller)
    b = made(box)
    before = state_of(b)
    err = box.orlop("update", "--memory-swap", "40m", "c", status=1).err
    assert "memory.swap: " in err and "memory.limit must be set too" in err, err
    assert state_of(b) == before
    box.orlop("update", "--memory", "40m", "--memory-swap", "40m", "c")
    # the limit alone cannot rise above both together
    if VIEW != "v2":
        before = state_of(b)
        err = box.orlop("update", "--memory", "50m", "c", status=1).err
        assert "memory.limit: " in err and "set memory.swap too" in err, err
        assert state_of(b) == before
    box.delete()


def test_two_at_once(box):
    b, some = made(box), Some()
    both = [subprocess.Popen(box.command("update", "-r", "-", "c"), stdin=subprocess.PIPE) for _ in range(4)]
    for n, p in enumerate(both):
        p.stdin.write(json.dumps(some.resources(201 + n)).encode())
        p.stdin.close()
    assert [p.wait(timeout=30) for p in both] == [0, 0, 0, 0]
    assert first(b, some.file) in ("201", "202", "203", "204")
    box.delete()


@pytest.mark.parametrize("file", ["cgroup.procs", "cgroup.threads", "cgroup.freeze", "cgroup.kill"])
def test_unified_is_not_for_processes(box, file):
    """A number there would be that of any process of the host; a frozen container would never begin."""
    made(box)
    host = subprocess.Popen(["sleep", "100"])
    try:
        with open(f"/proc/{host.pid}/cgroup") as f:
            before = f.read()
        value = str(host.pid) if file in ("cgroup.procs", "cgroup.threads") else "1"
        assert f'unified["{file}"]: is no limit' in update(box, {"unified": {file: value}}, status=1).err
        with open(f"/proc/{host.pid}/cgroup") as f:
            assert f.read() == before
        assert box.status() == "running"
        b = box.bundle()
        b.config["linux"]["resources"] = {"unified": {file: value}}
        assert f'linux.resources.unified["{file}"]: is no limit' in box.run(b, id="d", status=1).err
    finally:
        host.kill()
        host.wait()
    box.delete()
