# SPDX-License-Identifier: Apache-2.0
"""The cgroup driver `systemd` with the hierarchies of cgroup v1, whether systemd has its units in one of them or in that of v2 (hybrid)."""
import glob
import json
import os
import signal
import subprocess

import pytest
from limits import block_device
from units import loaded, show, shown, systemctl

import orlop

ROOT, M = "/sys/fs/cgroup", 1 << 20


def cgroups(b):
    """The container's cgroups, by the hierarchies' directories."""
    return {path.split("/")[4]: path for path in glob.glob(f"{ROOT}/*/system.slice/{b.unit}")}


def hierarchies():
    """Those that are mounted."""
    return {os.path.dirname(p)[len(ROOT) + 1:] for p in glob.glob(f"{ROOT}/*/cgroup.procs")}


def read(b, file):
    """What FILE says, in the hierarchy of its controller; "" if it is not there."""
    path = f"{ROOT}/{file.split('.')[0]}/system.slice/{b.unit}/{file}"
    if not os.path.exists(path):
        return ""
    with open(path) as f:
        return f.read().strip()


def gone(b):
    return not loaded(b.unit) and cgroups(b) == {}


def test_where_systemd_has_its_units():
    """The rig shows what was asked for, and this systemd is on v1."""
    assert os.path.exists(f"{ROOT}/systemd/system.slice/orlop-test.service/cgroup.procs") and not os.path.exists(f"{ROOT}/cgroup.controllers")
    assert os.path.exists(f"{ROOT}/unified/system.slice") == (os.environ["ORLOP_VIEW"] == "hybrid")


def test_life(sd):
    b = sd.bundle()
    sd.create(b)
    pid = sd.box.state()["pid"]
    assert cgroups(b).keys() == hierarchies(), "the container is in the unit's cgroup in every hierarchy"
    for path in cgroups(b).values():
        with open(f"{path}/cgroup.procs") as f:
            assert f.read().split() == [str(pid)], path
    wanted = {"ActiveState": "active", "Slice": "system.slice", "Delegate": "yes", "ControlGroup": f"/system.slice/{b.unit}", "DevicePolicy": "strict",
              "Description": f"orlop container c of {sd.box.root}", "MemoryAccounting": "yes", "TasksAccounting": "yes"}
    assert shown(b.unit, wanted) == wanted
    sd.box.orlop("start", "c")
    assert sd.box.status() == "running"
    sd.box.orlop("pause", "c")
    assert sd.box.status() == "paused" and read(b, "freezer.state") == "FROZEN"
    sd.box.orlop("resume", "c")
    sd.box.orlop("exec", "--detach", "c", "sleep", "1000")
    for path in cgroups(b).values():
        with open(f"{path}/cgroup.procs") as f:
            assert len(f.read().split()) == 2, path
    assert len(json.loads(sd.box.orlop("ps", "--format", "json", "c").out)) == 2
    sd.box.orlop("kill", "--all", "c", "KILL")
    sd.box.wait("stopped")
    sd.box.orlop("delete", "c")
    assert gone(b)


def test_nothing_is_left(sd):
    """Of slices neither: those that systemd does not know in a hierarchy are ours to remove there."""
    b = sd.bundle(["true"], slice="orlop-a-b.slice")
    before = {h: sorted(os.listdir(f"{ROOT}/{h}")) for h in hierarchies()}
    sd.run(b)
    assert not loaded(b.unit)
    systemctl("stop", "orlop.slice")
    left = {h: [d for d in os.listdir(f"{ROOT}/{h}") if d not in before[h] and os.path.isdir(f"{ROOT}/{h}/{d}")] for h in hierarchies()}
    assert not any(left.values()), left


def test_slice_by_annotation(sd):
    """It goes before that of the path, in all hierarchies."""
    b = sd.bundle()
    b.config["annotations"] = {"org.systemd.property.Slice": "'orlop-test.slice'"}
    sd.create(b)
    pid = str(sd.box.state()["pid"])
    for h in hierarchies():
        with open(f"{ROOT}/{h}/orlop.slice/orlop-test.slice/{b.unit}/cgroup.procs") as f:
            assert f.read().split() == [pid], h
    sd.box.delete()
    assert gone(b) and glob.glob(f"{ROOT}/*/orlop.slice/orlop-test.slice/*.scope") == []
    systemctl("stop", "orlop.slice")


def test_stopped_by_systemctl(sd):
    """The unit is gone before the container is: what of v1 systemd does not know is removed by delete."""
    b = sd.stopped_by_systemctl()
    orlop.eventually(lambda: not loaded(b.unit), "the unit goes")
    assert cgroups(b), "systemd has removed cgroups that it does not know"
    sd.box.delete(force=False)
    assert gone(b)


def test_subgroup(sd):
    b = sd.bundle()
    b.config["annotations"] = {"run.oci.systemd.subgroup": "container"}
    sd.create(b)
    pid = str(sd.box.state()["pid"])
    for path in cgroups(b).values():
        with open(f"{path}/container/cgroup.procs") as f:
            assert f.read().split() == [pid], path
    sd.box.delete()
    assert gone(b)


@pytest.mark.parametrize("what", ["hook", "limit"])
def test_failed_create_leaves_nothing(sd, what):
    b = sd.bundle()
    if what == "hook":
        b.config["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    else:
        b.config["linux"]["resources"] = {"cpu": {"cpus": "1000"}}
    sd.create(b, status=1)
    assert gone(b) and not os.path.exists(f"{sd.box.root}/c")


def test_running_unit_is_left_alone(sd):
    b = sd.bundle()
    with subprocess.Popen(["systemd-run", "--scope", "--quiet", f"--unit={b.unit}", "sleep", "1000"]) as other:
        orlop.eventually(lambda: show(b.unit, "ActiveState") == "active", "the other's scope")
        r = sd.create(b, status=1)
        assert b.unit in r.err and "already" in r.err, r
        assert other.poll() is None and show(b.unit, "ActiveState") == "active"
        other.kill()
    systemctl("stop", b.unit, check=False)
    orlop.eventually(lambda: not loaded(b.unit), "the other's scope ends")


def test_ordinary_user_is_refused(sd):
    b = sd.bundle()
    b.save()
    os.chmod(sd.box.dir, 0o755)
    done = subprocess.run(["setpriv", "--reuid=6000", "--regid=6000", "--clear-groups", orlop.PROGRAM, "--root", "/tmp/orlop-none", "--systemd-cgroup", "create",
                           "--bundle", b.path, "c"], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 1 and "of an ordinary user needs cgroup v2" in done.stderr, done.stderr


# --- limits: unit and file say the same, still do when systemd has read and written all again, and follow an update

def device():
    if block_device() is None:
        pytest.skip("this machine has no block device")
    return dict(zip(("major", "minor"), block_device()))


LIMITS = [  # id, at create, then by update, {property: what systemctl shows, each time}, {file: text, each time}
    ("memory", {"memory": {"limit": 64 * M}}, {"memory": {"limit": 32 * M}}, {"MemoryLimit": (64 * M, 32 * M)}, {"memory.limit_in_bytes": (64 * M, 32 * M)}),
    ("memory-none", {"memory": {"limit": 64 * M}}, {"memory": {"limit": -1}}, {"MemoryLimit": (64 * M, "infinity")},
     {"memory.limit_in_bytes": (64 * M, 0x7ffffffffffff000)}),
    ("reservation", {"memory": {"reservation": 8 * M}}, {"memory": {"reservation": 4 * M}}, {}, {"memory.soft_limit_in_bytes": (8 * M, 4 * M)}),
    ("shares", {"cpu": {"shares": 512}}, {"cpu": {"shares": 3000}}, {"CPUShares": (512, 3000)}, {"cpu.shares": (512, 3000)}),
    ("shares-out-of-range", {"cpu": {"shares": 1}}, {"cpu": {"shares": 300000}}, {"CPUShares": (2, 262144)}, {"cpu.shares": (2, 262144)}),
    ("quota", {"cpu": {"quota": 40000, "period": 80000}}, {"cpu": {"quota": 20000}},
     {"CPUQuotaPerSecUSec": ("500ms", "250ms"), "CPUQuotaPeriodUSec": ("80ms", "80ms")}, {"cpu.cfs_quota_us": (40000, 20000), "cpu.cfs_period_us": (80000, 80000)}),
    ("period", {"cpu": {"quota": 40000, "period": 80000}}, {"cpu": {"period": 100000}},
     {"CPUQuotaPerSecUSec": ("500ms", "400ms"), "CPUQuotaPeriodUSec": ("80ms", "100ms")},
     {"cpu.cfs_quota_us": (40000, 40000), "cpu.cfs_period_us": (80000, 100000)}),
    ("quota-none", {"cpu": {"quota": 40000}}, {"cpu": {"quota": -1}}, {"CPUQuotaPerSecUSec": ("400ms", "infinity")}, {"cpu.cfs_quota_us": (40000, -1)}),
    ("quota-negative", {"cpu": {"quota": 40000}}, {"cpu": {"quota": -5}}, {"CPUQuotaPerSecUSec": ("400ms", "infinity")}, {"cpu.cfs_quota_us": (40000, -1)}),
    ("cpuset", {"cpu": {"cpus": "0", "mems": "0"}}, {"cpu": {"cpus": "0-1"}}, {}, {"cpuset.cpus": ("0", "0-1"), "cpuset.mems": ("0", "0")}),
    ("pids", {"pids": {"limit": 2048}}, {"pids": {"limit": 9}}, {"TasksMax": (2048, 9)}, {"pids.max": (2048, 9)}),
    ("pids-few", {"pids": {"limit": 7}}, {"pids": {"limit": -1}}, {"TasksMax": (7, "infinity")}, {"pids.max": (7, "max")}),
    ("pids-0", {"pids": {"limit": 0}}, {"pids": {"limit": 5}}, {"TasksMax": (1, 5)}, {"pids.max": (None, 5)}),
]


def check(b, properties, files, at):
    for again in range(2):
        wanted = {name: str(values[at]) for name, values in properties.items()}
        assert shown(b.unit, wanted) == wanted, f"reload {again}"
        assert {f: read(b, f) for f, values in files.items() if values[at] is not None} == {f: str(v[at]) for f, v in files.items() if v[at] is not None}, again
        systemctl("daemon-reload")


def update(sd, b, resources, **more):
    document = os.path.join(b.path, "resources.json")
    with open(document, "w") as f:
        json.dump(resources, f)
    return sd.box.orlop("update", "--resources", document, "c", **more)


@pytest.mark.parametrize("create,then,properties,files", [x[1:] for x in LIMITS], ids=[x[0] for x in LIMITS])
def test_limit_and_update(sd, create, then, properties, files):
    if "0-1" in str(then) and os.cpu_count() < 2:
        pytest.skip("this machine has one processor")
    b = sd.bundle()
    b.config["linux"]["resources"] = create
    sd.create(b)
    check(b, properties, files, 0)
    update(sd, b, then)
    check(b, properties, files, 1)
    sd.box.delete()
    assert gone(b)


@pytest.mark.parametrize("key,name,file", [("throttleReadBpsDevice", "BlockIOReadBandwidth", "read_bps"), ("throttleWriteBpsDevice", "BlockIOWriteBandwidth", "write_bps"),
                                           ("throttleReadIOPSDevice", None, "read_iops"), ("throttleWriteIOPSDevice", None, "write_iops")])
def test_throttle(sd, key, name, file):
    d, b = device(), sd.bundle()
    node = f"/dev/block/{d['major']}:{d['minor']}"
    b.config["linux"]["resources"] = {"blockIO": {key: [{**d, "rate": 12345}]}}
    sd.create(b)
    line = f"{d['major']}:{d['minor']}"
    assert name is None or show(b.unit, name) == f"{node} 12345"
    assert read(b, f"blkio.throttle.{file}_device") == f"{line} 12345"
    update(sd, b, {"blockIO": {key: [{**d, "rate": 777}]}})
    assert name is None or show(b.unit, name) == f"{node} 777"
    assert read(b, f"blkio.throttle.{file}_device") == f"{line} 777"
    update(sd, b, {"blockIO": {key: [{**d, "rate": 0}]}})
    assert name is None or show(b.unit, name) in ("", f"{node} infinity", f"{node} 18446744073709551615")
    assert read(b, f"blkio.throttle.{file}_device") == ""
    sd.box.delete()


@pytest.mark.parametrize("first,then,left", [(50, 181, 181), (150, 100, 100), (101, 1000, 181)])
def test_weight(sd, first, then, left):
    """LEFT: of THEN after a reload; systemd cannot say all."""
    b = sd.bundle()
    b.config["linux"]["resources"] = {"blockIO": {"weight": first}}
    if not os.path.exists(f"{ROOT}/blkio/blkio.bfq.io_serviced"):  # which the root has, too
        pytest.skip("the kernel has no blkio.bfq.weight (CONFIG_BFQ_GROUP_IOSCHED)")
    sd.create(b)
    assert shown(b.unit, ["IOAccounting", "BlockIOAccounting"]) == {"IOAccounting": "no", "BlockIOAccounting": "yes"}
    assert read(b, "blkio.bfq.weight") == str(first)
    systemctl("daemon-reload")
    assert read(b, "blkio.bfq.weight") == str(first)
    update(sd, b, {"blockIO": {"weight": then}})
    assert read(b, "blkio.bfq.weight") == str(then)
    systemctl("daemon-reload")
    assert read(b, "blkio.bfq.weight") == str(left)
    sd.box.delete()


# --- devices

RULE = {"allow": True, "type": "c", "major": 4, "minor": 255, "access": "rw"}


def listed(b):
    return sorted(read(b, "devices.list").splitlines())


def test_device_rules_outlive_what_systemd_writes(sd):
    """Systemd writes its own over ours whenever it sets anything, so they say the same."""
    b = sd.bundle()
    b.config["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}, RULE, {"allow": True, "type": "b", "major": 7, "access": "r"}]}
    sd.create(b)
    before = listed(b)
    assert "c 4:255 rw" in before and "b 7:* r" in before and "c 1:3 rwm" in before and "a *:* rwm" not in before
    for words in (["daemon-reload"], ["set-property", "--runtime", b.unit, "CPUShares=77"], ["daemon-reload"]):
        systemctl(*words)
        assert listed(b) == before, words
    sd.box.delete()


def test_device_rules_changed(sd):
    b = sd.bundle()
    sd.create(b)
    before = listed(b)
    update(sd, b, {"devices": [RULE]})
    for _ in range(2):
        assert listed(b) == sorted([*before, "c 4:255 rw"])
        systemctl("set-property", "--runtime", b.unit, "CPUShares=77")
    update(sd, b, {"devices": [{"allow": False, "access": "rwm"}]})
    systemctl("set-property", "--runtime", b.unit, "CPUShares=78")
    assert listed(b) == before
    sd.box.delete()


def test_update_that_fails_is_taken_back(sd):
    """Systemd takes all of it, and the kernel refuses the device rule, which the slice above does not have any more; in the unit, too, all is as before."""
    slice = f"{sd.name.replace('-', '_')}.slice"
    b = sd.bundle(slice=slice)
    b.config["linux"]["resources"] = {"memory": {"limit": 64 * M}, "cpu": {"quota": 40000, "period": 80000, "shares": 512}, "pids": {"limit": 100}}
    sd.create(b)
    paths = {h: p.replace("system.slice", slice) for h, p in ((h, f"{ROOT}/{h}/system.slice/{b.unit}") for h in ("memory", "cpu", "pids", "devices"))}
    with open(f"{os.path.dirname(paths['devices'])}/devices.deny", "w") as f:
        f.write("c 4:255 rw")

    def all_of_it():
        files = {}
        for h, names in (("memory", ["memory.limit_in_bytes"]), ("cpu", ["cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares"]), ("pids", ["pids.max"]),
                         ("devices", ["devices.list"])):
            for name in names:
                with open(f"{paths[h]}/{name}") as f:
                    files[name] = sorted(f.read().split("\n"))
        unit = shown(b.unit, ["MemoryLimit", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec", "CPUShares", "TasksMax", "DevicePolicy"])
        return files, unit, sorted(show(b.unit, "DeviceAllow").splitlines())
    before = all_of_it()
    more = {"memory": {"limit": 32 * M}, "cpu": {"quota": 10000, "period": 50000, "shares": 99}, "pids": {"limit": 5}}
    r = update(sd, b, {**more, "devices": [RULE]}, status=1)
    assert "devices.allow: c 4:255 rw" in r.err, r
    assert all_of_it() == before
    systemctl("daemon-reload")
    assert all_of_it() == before
    update(sd, b, more)  # without that rule it can be
    assert show(b.unit, "MemoryLimit") == str(32 * M)
    sd.box.delete()
    systemctl("stop", slice)
    assert gone(b)


def test_everything_allowed(sd):
    b = sd.bundle()
    b.config["linux"]["resources"] = {"devices": [{"allow": True, "access": "rwm"}]}
    sd.create(b)
    assert show(b.unit, "DevicePolicy") == "auto" and listed(b) == ["a *:* rwm"]
    update(sd, b, {"devices": [RULE]})
    assert show(b.unit, "DevicePolicy") == "strict" and "a *:* rwm" not in listed(b)
    sd.box.delete()


@pytest.mark.parametrize("rules", [[{"allow": True, "access": "rwm"}, {"allow": False, "type": "c", "major": 4, "access": "rwm"}],
                                   [{"allow": True, "type": "c", "minor": 9, "access": "rw"}]], ids=["denied", "minor"])
def test_device_rules_that_systemd_cannot_say(sd, rules):
    b = sd.bundle()
    b.config["linux"]["resources"] = {"devices": rules}
    r = sd.create(b, status=1)
    assert "linux.resources.devices" in r.err and "on cgroup v1 systemd cannot" in r.err and "cgroupfs" in r.err, r
    assert gone(b)


@pytest.mark.parametrize("name,value", [("DevicePolicy", "'closed'"), ("DeviceAllow", "[('/dev/null', 'rw')]")])
def test_device_rules_by_annotations(sd, name, value):
    b = sd.bundle()
    b.config["annotations"] = {f"org.systemd.property.{name}": value}
    assert f"annotations[\"org.systemd.property.{name}\"]" in sd.create(b, status=1).err
    assert gone(b)


def test_no_moment_without_devices(sd):
    """While systemd writes its rules anew, which begin with a denial of all, the container holds still."""
    b = sd.bundle(["sh", "-c", "while :; do : </dev/null || echo refused; done"])
    b.save()
    with open(f"{b.path}/out", "w") as out:
        subprocess.run(sd.box.command("--systemd-cgroup", "run", "--detach", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True)
    for n in range(20):
        update(sd, b, {"cpu": {"shares": 100 + n}})
    sd.box.orlop("pause", "c")
    update(sd, b, {"cpu": {"shares": 99}})
    assert sd.box.status() == "paused"
    sd.box.delete()
    with open(f"{b.path}/out") as f:
        assert f.read() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_ended_while_it_holds_still(sd, number):
    """Who ends an update in that moment does not leave the container frozen."""
    b = sd.bundle()
    sd.create(b)
    sd.box.orlop("start", "c")
    met = 0
    for n in range(300):
        with subprocess.Popen(sd.box.command("update", f"--cpu-share={100 + n}", "c"), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as update:
            while update.poll() is None and read(b, "freezer.state") == "THAWED":
                pass
            update.send_signal(number)
        met += update.returncode == -number
        assert read(b, "freezer.state") == "THAWED"
        if met == 3:
            break
    assert met == 3, "updates that ended by the signal"
    sd.box.delete()


@pytest.mark.parametrize("resources,name,value", [({"memory": {"limit": 64 << 20}}, "MemoryMax", "uint64 33554432"), ({"memory": {"limit": 64 << 20}}, "MemoryHigh", "uint64 33554432"),
                                                  ({"cpu": {"shares": 512}}, "CPUWeight", "uint64 50"),
                                                  ({"blockIO": {"weight": 150}}, "IOAccounting", "true")])
def test_annotation_over_which_a_limit_is_forgotten(sd, resources, name, value):
    """systemd looks at its words for v1 only when it has none of those for v2."""
    b = sd.bundle()
    b.config["linux"]["resources"] = resources
    b.config["annotations"] = {f"org.systemd.property.{name}": value}
    err = sd.create(b, status=1).err
    assert f'annotations["org.systemd.property.{name}"]: on cgroup v1 systemd would forget linux.resources.' in err, err
    assert gone(b)


def test_limit_beside_an_annotation_outlives_a_reload(sd):
    b = sd.bundle()
    b.config["linux"]["resources"] = {"memory": {"limit": 64 << 20}, "cpu": {"shares": 512}}
    b.config["annotations"] = {"org.systemd.property.TasksMax": "uint64 900", "org.systemd.property.CPUQuotaPerSecUSec": "uint64 500000"}
    sd.create(b)
    systemctl("daemon-reload")
    systemctl("set-property", "--runtime", b.unit, "TasksMax=77")
    assert (read(b, "memory.limit_in_bytes"), read(b, "cpu.shares"), read(b, "pids.max")) == (str(64 << 20), "512", "77")
    sd.box.delete()


def test_update_beside_an_annotation_over_which_it_would_be_forgotten(sd):
    """Refused as at create, before anything is written; what the annotation does not touch is changed."""
    b = sd.bundle()
    b.config["annotations"] = {"org.systemd.property.MemoryMax": "uint64 67108864", "org.systemd.property.CPUWeight": "uint64 50"}
    sd.create(b)
    before = read(b, "memory.limit_in_bytes"), read(b, "cpu.shares")
    for resources, name in (({"memory": {"limit": 32 * M}}, "MemoryMax"), ({"cpu": {"shares": 512}}, "CPUWeight")):
        r = update(sd, b, {**resources, "pids": {"limit": 9}}, status=1)
        assert f'annotations["org.systemd.property.{name}"]: on cgroup v1 systemd would forget linux.resources.' in r.err, r
    assert (read(b, "memory.limit_in_bytes"), read(b, "cpu.shares")) == before and read(b, "pids.max") != "9"
    update(sd, b, {"pids": {"limit": 9}})
    assert read(b, "pids.max") == "9"
    sd.box.delete()
