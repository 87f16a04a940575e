# SPDX-License-Identifier: Apache-2.0
"""update: limits of a container that is there, changed, and read back from the kernel's files.  Each limit by itself: test_properties.py."""
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


@pytest.mark.parametrize("before, change", [({"shares": 512}, {"idle": 1}), ({"idle": 1}, {"idle": 0, "shares": 700})], ids=["idle", "not idle"])
def test_idleness_is_set_back(box, before, change):
    """With the weight, which a cgroup that becomes idle loses."""
    if VIEW == "v2":
        needs_v2("cpu")
    else:
        needs_v1("cpu")
    b = made(box, {"cpu": before})
    if read(b, "cpu.idle") is None:
        pytest.skip("cpu.idle needs Linux 5.15")
    old = state_of(b)
    for bad in ({"cpu": {**change, "cpus": "4095"}}, {"cpu": change, **({"unified": {"cgroup.max.depth": "x"}} if v2_root() else {"pids": {"limit": 1 << 40}})}):
        update(box, bad, status=1)
        assert state_of(b) == old
    update(box, {"cpu": change})
    assert state_of(b) != old
    box.delete()


def test_idle_again(box):
    """Engines send all limits with each update; an idle cgroup takes no shares."""
    if VIEW == "v2":
        needs_v2("cpu")
    else:
        needs_v1("cpu")
    b = made(box)
    if read(b, "cpu.idle") is None:
        pytest.skip("cpu.idle needs Linux 5.15")
    for _ in range(2):
        update(box, {"cpu": {"idle": 1, "shares": 512}})
        assert first(b, "cpu.idle") == "1"
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


def test_subtree_control_is_set_back(box):
    """By its words: what it says are none that could be written."""
    if v2_root() is None:
        pytest.skip("no cgroup v2 in this view")
    b = made(box, {"unified": {"cgroup.max.depth": "4"}})
    file = f"{v2_root()}{b.cgroup}/cgroup.subtree_control"
    with open(f"{os.path.dirname(file)}/cgroup.controllers") as f:
        name = next((c for c in ("pids", "cpu", "perf_event") if c in f.read().split()), None)
    if name is None:
        box.delete()
        pytest.skip("no controller of cgroup v2 that a cgroup with processes could hand on")
    update(box, {"unified": {"cgroup.subtree_control": f"+{name}", "cgroup.max.depth": "x"}}, status=1)
    with open(file) as f:
        assert f.read().split() == []
    update(box, {"unified": {"cgroup.subtree_control": f"+{name}"}})
    update(box, {"unified": {"cgroup.subtree_control": f"-{name}", "cgroup.max.descendants": "x"}}, status=1)
    with open(file) as f:
        assert f.read().split() == [name]
    box.delete()


def test_throttle_is_set_back(box):
    if "blkio" not in hierarchies():
        needs_v2("io")
    if block_device() is None:
        pytest.skip("this machine has no block device")
    major, minor = block_device()
    b = made(box, {"blockIO": {"throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": 888}]}})
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
    if "memory" in hierarchies():
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


# --- documents that would change nothing

@pytest.mark.parametrize("text, words", [
    ('{"linux": {"resources": {"pids": {"limit": 5}}}}', [":1:11: linux: ", "without that around it"]),
    ('{\n "resources": {"pids": {"limit": 5}}}', [":2:15: resources: ", "without that around it"]),
    ('{"ociVersion": "1.2.0", "linux": {"resources": {"pids": {"limit": 5}}}}', [": ociVersion: ", "without that around it"]),
    ('{"pid": {"limit": 5}}', [":1:9: pid: ", "nothing else is asked for"]),
    ('{"pids": {"limits": 5}}', [":1:21: pids.limits: ", "nothing else is asked for"]),
    ('{"cpu": {"shares": 0}, "x": 1}', [":1:29: x: "]),
])
def test_nothing_but_unknown(box, text, words):
    b = made(box)
    before = state_of(b)
    err = update(box, text, status=1).err
    for word in ["resources.json", *words]:
        assert word in err, err
    assert state_of(b) == before
    box.delete()


def test_unknown_beside_known(box):
    b, some = made(box), Some()
    update(box, {**some.resources(61), "x": {"y": 1}})
    assert some.is_at(b, 61)
    box.delete()


def test_empty_name_of_document(box):
    made(box)
    err = box.orlop("update", "--resources", "", "c", status=1).err
    assert "the name of the document with the limits is empty" in err, err
    box.delete()


@pytest.mark.parametrize("name", ["cpus", "mems"])
def test_lists_are_checked_without_controller(box, name):
    """-1 is no list, and not what limits nothing, either."""
    b = made(box)
    before = state_of(b)
    err = update(box, {"cpu": {name: "-1"}}, status=1).err
    assert f": cpu.{name}: must be a list of numbers and ranges" in err, err
    assert state_of(b) == before
    box.delete()
    b = box.bundle(SLEEP)
    b.config["linux"]["resources"] = {"cpu": {name: "0-"}}
    err = box.create(b, id="d", status=1).err
    assert f"linux.resources.cpu.{name}: must be a list of numbers and ranges" in err, err
