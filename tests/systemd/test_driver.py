# SPDX-License-Identifier: Apache-2.0
"""The cgroup driver `systemd`: what systemd says of the unit, and what the kernel says of the cgroup."""
import glob
import json
import os
import shutil
import signal
import subprocess
import types

import pytest
from limits import block_device, state_of

import orlop
from units import SLEEP, loaded, show, shown, systemctl

def directory(b):
    return "/sys/fs/cgroup" + show(b.unit, "ControlGroup")


def read(b, file):
    with open(f"{directory(b)}/{file}") as f:
        return f.read().strip()


def own(pid):
    with open(f"/proc/{pid}/cgroup") as f:
        return [line[3:].strip() for line in f if line.startswith("0::")][0]


def test_life(sd):
    b = sd.bundle()
    sd.create(b)
    pid = sd.box.state()["pid"]
    path = f"/system.slice/{b.unit}"
    assert own(pid) == path
    wanted = {"ActiveState": "active", "Slice": "system.slice", "Delegate": "yes", "ControlGroup": path, "DefaultDependencies": "no",
              "Description": f"orlop container c of {sd.box.root}", "CPUAccounting": "yes", "MemoryAccounting": "yes", "TasksAccounting": "yes",
              "IOAccounting": "yes", "CollectMode": "inactive-or-failed", "Transient": "yes"}
    assert {name: show(b.unit, name) for name in wanted} == wanted
    sd.box.orlop("start", "c")
    assert sd.box.status() == "running"
    assert json.loads(sd.box.orlop("ps", "--format", "json", "c").out) == [pid]
    sd.box.orlop("pause", "c")
    assert sd.box.status() == "paused" and read(b, "cgroup.freeze") == "1"
    sd.box.orlop("resume", "c")
    sd.box.orlop("exec", "--detach", "c", *SLEEP)
    assert len(read(b, "cgroup.procs").split()) == 2
    sd.box.orlop("kill", "--all", "c", "KILL")
    sd.box.wait("stopped")
    sd.box.orlop("delete", "c")
    assert not loaded(b.unit) and not os.path.exists(f"/sys/fs/cgroup{path}")


def test_run_in_the_foreground(sd):
    b = sd.bundle(["cat", "/proc/self/cgroup"])
    assert "0::/\n" in sd.run(b).out
    assert not loaded(b.unit)


@pytest.mark.parametrize("slice,path", [("orlop-a-b.slice", "/orlop.slice/orlop-a.slice/orlop-a-b.slice/"), ("-.slice", "/"), ("", "/system.slice/")])
def test_slice(sd, slice, path):
    b = sd.bundle(slice=slice)
    sd.create(b)
    assert own(sd.box.state()["pid"]) == path + b.unit
    sd.box.delete()
    assert not loaded(b.unit)


def test_without_a_path_and_with_an_id_to_escape(sd):
    b = sd.bundle()
    del b.config["linux"]["cgroupsPath"]
    id = f"{sd.name}+1"
    sd.create(b, id=id)
    assert own(sd.box.state(id)["pid"]) == f"/system.slice/orlop-{sd.name}\\x2b1.scope"
    sd.box.delete(id)
    assert f"{sd.name}" not in systemctl("list-units", "--all", "--plain", "--no-legend")


def test_name_that_cgroupfs_has_for_files(sd):
    b = sd.bundle()
    b.config["linux"]["cgroupsPath"] = f"system.slice:cgroup.{sd.name}:1"
    b.unit = f"cgroup.{sd.name}-1.scope"
    sd.create(b)
    assert own(sd.box.state()["pid"]) == f"/system.slice/_{b.unit}"
    sd.box.orlop("exec", "c", "true", status=None)
    sd.box.delete()
    assert not loaded(b.unit)


@pytest.mark.parametrize("path", ["/system.slice/x", "x", "a:b:c", "system.slice:a:b.slice"])
def test_path_that_names_no_unit(sd, path):
    b = sd.bundle()
    b.config["linux"]["cgroupsPath"] = path
    r = sd.create(b, status=1)
    assert "linux.cgroupsPath" in r.err and "slice" in r.err, r


# --- limits

def controllers():
    with open("/sys/fs/cgroup/cgroup.controllers") as f:
        return f.read().split()


def possible_cpus():
    with open("/sys/devices/system/cpu/possible") as f:
        return f.read().strip()


M = 1 << 20
ALL_CPUS = possible_cpus()
LIMITS = [  # at create, by update, controllers, {property: what systemctl shows before and after}, {file: its text before and after}
    ({"memory": {"limit": 64 * M}}, {"memory": {"limit": 32 * M}}, "memory", {"MemoryMax": (64 * M, 32 * M)}, {"memory.max": (64 * M, 32 * M)}),
    ({"memory": {"limit": -1}}, {"memory": {"limit": 32 * M}}, "memory", {"MemoryMax": ("infinity", 32 * M)}, {"memory.max": ("max", 32 * M)}),
    ({"memory": {"limit": 64 * M}}, {"memory": {"limit": -1}}, "memory", {"MemoryMax": (64 * M, "infinity")}, {"memory.max": (64 * M, "max")}),
    ({"memory": {"reservation": 32 * M}}, {"memory": {"reservation": 16 * M}}, "memory", {"MemoryLow": (32 * M, 16 * M)}, {"memory.low": (32 * M, 16 * M)}),
    ({"memory": {"limit": 64 * M, "swap": 96 * M}}, {"memory": {"swap": 128 * M}}, "memory", {"MemorySwapMax": (32 * M, 64 * M)},
     {"memory.swap.max": (32 * M, 64 * M)}),
    ({"unified": {"memory.high": f"{16 * M}", "memory.min": f"{4 * M}"}}, {"unified": {"memory.high": "max", "memory.min": "0"}}, "memory",
     {"MemoryHigh": (16 * M, "infinity"), "MemoryMin": (4 * M, 0)}, {"memory.high": (16 * M, "max"), "memory.min": (4 * M, 0)}),
    ({"cpu": {"shares": 2048}}, {"cpu": {"shares": 1024}}, "cpu", {"CPUWeight": (174, 100)}, {"cpu.weight": (174, 100)}),
    ({"cpu": {"idle": 1}}, {"cpu": {"idle": 0, "shares": 2048}}, "cpu", {"CPUWeight": ("idle", 174)}, {"cpu.idle": (1, 0)}),
    ({"cpu": {"quota": 40000, "period": 80000}}, {"cpu": {"quota": 20000}}, "cpu", {"CPUQuotaPerSecUSec": ("500ms", "250ms"), "CPUQuotaPeriodUSec": ("80ms", "80ms")},
     {"cpu.max": ("40000 80000", "20000 80000")}),
    ({"cpu": {"quota": 40000}}, {"cpu": {"period": 50000}}, "cpu", {"CPUQuotaPerSecUSec": ("400ms", "800ms"), "CPUQuotaPeriodUSec": ("100ms", "50ms")},
     {"cpu.max": ("40000 100000", "40000 50000")}),
    ({"cpu": {"cpus": "0", "mems": "0"}}, {"cpu": {"cpus": "0-1"}}, "cpuset", {"AllowedCPUs": ("0", "0-1"), "AllowedMemoryNodes": ("0", "0")},
     {"cpuset.cpus": ("0", "0-1"), "cpuset.mems": ("0", "0")}),
    ({"cpu": {"cpus": "0,,0 0-N:1/1,", "mems": "0,"}}, {"cpu": {"cpus": "0-0:1/2,"}}, "cpuset", {"AllowedCPUs": (ALL_CPUS, "0"), "AllowedMemoryNodes": ("0", "0")},
     {"cpuset.cpus": (ALL_CPUS, "0"), "cpuset.mems": ("0", "0")}),
    ({"pids": {"limit": 2048}}, {"pids": {"limit": 4096}}, "pids", {"TasksMax": (2048, 4096)}, {"pids.max": (2048, 4096)}),
    ({"pids": {"limit": 7}}, {"pids": {"limit": 5}}, "pids", {"TasksMax": (7, 5)}, {"pids.max": (7, 5)}),
    ({"pids": {"limit": -1}}, {"pids": {"limit": 5}}, "pids", {"TasksMax": ("infinity", 5)}, {"pids.max": ("max", 5)}),
    ({"pids": {"limit": 3}, "cpu": {"quota": 40000, "period": 100000, "shares": 512}, "memory": {"limit": 64 * M}}, {"memory": {"limit": 32 * M}}, "pids cpu memory",
     {"TasksMax": (3, 3), "MemoryMax": (64 * M, 32 * M)}, {"pids.max": (3, 3), "memory.max": (64 * M, 32 * M), "cpu.max": ("40000 100000", "40000 100000")}),
    ({"blockIO": {"weight": 100}}, {"blockIO": {"weight": 1000}}, "io", {"IOWeight": (910, 10000)}, {"io.weight": ("default 910", "default 10000")}),
    *(({"blockIO": {key: [{"rate": 4096}]}}, {"blockIO": {key: [{"rate": 8192}]}}, "io", {name: ("{node} 4096", "{node} 8192")},
       {"io.max": (f"{word}=4096", f"{word}=8192")})
      for key, name, word in (("throttleReadBpsDevice", "IOReadBandwidthMax", "rbps"), ("throttleWriteBpsDevice", "IOWriteBandwidthMax", "wbps"),
                              ("throttleReadIOPSDevice", "IOReadIOPSMax", "riops"), ("throttleWriteIOPSDevice", "IOWriteIOPSMax", "wiops"))),
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * M}]}, {"hugepageLimits": [{"pageSize": "2MB", "limit": 2 * M}]}, "hugetlb", {},
     {"hugetlb.2MB.max": (4 * M, 2 * M)}),
]


def needs(controller, create, then, files):
    """Skips what this machine cannot have."""
    missing = [c for c in controller.split() if c not in controllers()]
    if missing:
        pytest.skip(f"cgroup v2 has no controller {' '.join(missing)} here")
    if "0-1" in str(then) and os.cpu_count() < 2:
        pytest.skip("this machine has one processor")
    if "rate" in str(create) and block_device() is None:
        pytest.skip("this machine has no block device")
    for file in files:
        if file == "io.weight" and not glob.glob("/sys/fs/cgroup/*/io.weight"):
            pytest.skip("the kernel has no io.weight")
        if file == "memory.swap.max" and not glob.glob("/sys/fs/cgroup/*/memory.swap.max"):
            pytest.skip("the kernel has no memory.swap.max")


def with_device(resources):
    """RESOURCES with the numbers of a device where there is a rate."""
    rates = [rate for value in resources.get("blockIO", {}).values() if isinstance(value, list) for rate in value]
    for rate in rates:
        rate["major"], rate["minor"] = block_device()
    return resources


def says(got, wanted):
    """A file says a line, or, of a device, has a word."""
    return wanted in got.split() if "=" in wanted else got == wanted


def check(b, properties, files, at):
    """Unit and cgroup say the same, and still do when systemd has read everything again, and written what it writes."""
    node = "/dev/block/%s:%s" % (block_device() or ("", ""))
    for again in range(2):
        wanted = {name: str(values[at]).replace("{node}", node) for name, values in properties.items()}
        assert {p: show(b.unit, p) for p in properties} == wanted, f"reload {again}"
        got = {f: read(b, f) for f in files}
        assert all(says(got[f], str(values[at])) for f, values in files.items()), (f"reload {again}", got)
        systemctl("daemon-reload")


def update(sd, b, resources, **more):
    document = os.path.join(b.path, "resources.json")
    with open(document, "w") as f:
        json.dump(resources, f)
    return sd.box.orlop("update", "--resources", document, "c", **more)


@pytest.mark.parametrize("create,then,controller,properties,files", LIMITS, ids=[json.dumps(x[0])[:40] for x in LIMITS])
def test_limit_and_update(sd, create, then, controller, properties, files):
    needs(controller, create, then, files)
    b = sd.bundle()
    b.config["linux"]["resources"] = with_device(create)
    sd.create(b)
    check(b, properties, files, 0)
    update(sd, b, with_device(then))
    check(b, properties, files, 1)
    sd.box.delete()
    assert not loaded(b.unit)


def test_oom_group(sd):
    """systemd writes this file by OOMPolicy, which scopes have since its version 253; with an older one the container is made all the same."""
    if "memory" not in controllers():
        pytest.skip("cgroup v2 has no controller memory here")
    version = int(subprocess.run(["systemctl", "--version"], check=True, capture_output=True, text=True).stdout.split()[1])
    b = sd.bundle()
    b.config["linux"]["resources"] = {"unified": {"memory.oom.group": "1"}}
    sd.create(b)
    assert read(b, "memory.oom.group") == "1"
    if version >= 253:
        assert show(b.unit, "OOMPolicy") == "kill"
        systemctl("daemon-reload")
        assert read(b, "memory.oom.group") == "1"
    sd.box.delete()
    if version < 253:
        pytest.skip(f"systemd {version} has no OOMPolicy of scopes: after a reload there is nothing to see")


def test_update_of_what_systemd_has_no_words_for(sd):
    if "hugetlb" not in controllers():
        pytest.skip("cgroup v2 has no controller hugetlb here")
    b = sd.bundle()
    sd.create(b)
    update(sd, b, {"hugepageLimits": [{"pageSize": "2MB", "limit": 2 * M}]})
    assert read(b, "hugetlb.2MB.max") == f"{2 * M}"
    sd.box.delete()


# --- devices

def tries(sd, b, major, minor):
    """What happens to an open of a device in the container."""
    node = f"/tmp/{major}-{minor}"
    done = sd.box.orlop("exec", "--cap", "CAP_MKNOD", "c", "sh", "-c", f"test -c {node} || mknod {node} c {major} {minor}; : <{node} && echo opened", status=None)
    return "opened" if "opened" in done.out else done.err.strip().rsplit(": ", 1)[-1]


def test_device_rules_outlive_a_reload(sd):
    b = sd.bundle()
    b.config["process"]["capabilities"]["bounding"] = ["CAP_MKNOD"]
    b.config["process"]["capabilities"]["permitted"] = b.config["process"]["capabilities"]["effective"] = ["CAP_MKNOD"]
    b.config["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 4, "minor": 255, "access": "r"}]}
    sd.create(b)
    sd.box.orlop("start", "c")
    for _ in range(2):
        assert tries(sd, b, 1, 3) == "opened"
        assert tries(sd, b, 1, 1) == "Operation not permitted"  # memory
        assert tries(sd, b, 4, 255) != "Operation not permitted"  # asked for, though there is none
        systemctl("daemon-reload")
    sd.box.delete()


def test_device_rules_of_systemd_beside_ours(sd):
    """Both programs must agree, whichever was attached last."""
    b = sd.bundle()
    b.config["process"]["capabilities"]["bounding"] = ["CAP_MKNOD"]
    b.config["process"]["capabilities"]["permitted"] = b.config["process"]["capabilities"]["effective"] = ["CAP_MKNOD"]
    b.config["annotations"] = {"org.systemd.property.DevicePolicy": "'strict'",
                               "org.systemd.property.DeviceAllow": "[('/dev/null', 'rwm'), ('char-*', 'm')]"}
    sd.create(b)
    sd.box.orlop("start", "c")
    for _ in range(2):
        assert tries(sd, b, 1, 3) == "opened"
        assert tries(sd, b, 1, 5) == "Operation not permitted"  # zero: ours would allow it
        assert tries(sd, b, 1, 1) == "Operation not permitted"
        systemctl("daemon-reload")
    sd.box.delete()


def test_device_rules_changed(sd):
    b = sd.bundle()
    b.config["process"]["capabilities"]["bounding"] = ["CAP_MKNOD"]
    b.config["process"]["capabilities"]["permitted"] = b.config["process"]["capabilities"]["effective"] = ["CAP_MKNOD"]
    sd.create(b)
    sd.box.orlop("start", "c")
    assert tries(sd, b, 4, 255) == "Operation not permitted"
    update(sd, b, {"devices": [{"allow": True, "type": "c", "major": 4, "minor": 255, "access": "rwm"}]})
    for _ in range(2):
        assert tries(sd, b, 4, 255) != "Operation not permitted"
        assert tries(sd, b, 1, 1) == "Operation not permitted"
        systemctl("daemon-reload")
    sd.box.delete()


# --- an update that fails halfway

def update_without_programs(sd, b, resources):
    """With device rules, whose program the kernel does not take (strace sees to that): by then it has taken all limits, and systemd all properties."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    with open(f"{b.path}/resources.json", "w") as f:
        json.dump({**resources, "devices": [{"allow": True, "type": "c", "major": 4, "minor": 255, "access": "rw"}]}, f)
    done = subprocess.run(["strace", "-qq", "-o", f"{b.path}/calls", "-e", "trace=bpf", "-e", "inject=bpf:error=ENOSPC",
                           *sd.box.command("update", "--resources", f"{b.path}/resources.json", "c")], capture_output=True, text=True, timeout=orlop.TIMEOUT, check=False)
    assert done.returncode == 1 and "No space left" in done.stderr, done


PROPERTIES = [  # controller, at create, by update, properties of the unit that change
    ("", {"unified": {"cgroup.max.depth": "5"}}, {"unified": {"cgroup.max.depth": "9"}}, ""),
    ("memory", {"memory": {"limit": 64 * M}}, {"memory": {"limit": 32 * M}}, "MemoryMax"),
    ("memory", {"unified": {"memory.high": f"{16 * M}"}}, {"unified": {"memory.high": f"{8 * M}"}}, "MemoryHigh"),
    ("cpu", {"cpu": {"quota": 40000, "period": 80000}}, {"cpu": {"quota": 10000, "period": 50000}}, "CPUQuotaPerSecUSec CPUQuotaPeriodUSec"),
    ("cpu", {"cpu": {"shares": 512}}, {"cpu": {"idle": 1}}, "CPUWeight"),
    ("cpuset", {"cpu": {"mems": "0"}}, {"cpu": {"cpus": "0"}}, "AllowedCPUs"),
    ("pids", {"pids": {"limit": 100}}, {"pids": {"limit": 50}}, "TasksMax"),
    ("hugetlb", {"hugepageLimits": [{"pageSize": "2MB", "limit": 2 * M}]}, {"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * M}]}, ""),
]


def limits_of(b):
    """What all files of limits say, and, where that is nothing, which processors and nodes there are in effect."""
    path = show(b.unit, "ControlGroup")
    found = state_of(types.SimpleNamespace(cgroup=path))
    for name in ("cpuset.cpus", "cpuset.mems"):
        if found.get(f"/sys/fs/cgroup/{name}") == "\n":
            found[f"/sys/fs/cgroup/{name}"] = read(b, f"{name}.effective") + "\n"
    return found


@pytest.mark.parametrize("controller,create,then,properties", PROPERTIES, ids=[json.dumps(x[2])[:40] for x in PROPERTIES])
def test_update_that_fails_is_taken_back(sd, controller, create, then, properties):
    """In the unit, too; and so it stays when systemd reads and writes everything anew."""
    needs(controller, create, then, [])
    names = properties.split()
    b = sd.bundle()
    b.config["linux"]["resources"] = create
    sd.create(b)
    before = limits_of(b), shown(b.unit, names)
    update_without_programs(sd, b, then)
    assert (limits_of(b), shown(b.unit, names)) == before
    systemctl("daemon-reload")
    assert (limits_of(b), shown(b.unit, names)) == before
    update(sd, b, then)
    after = shown(b.unit, names)
    assert (limits_of(b), after) != before and all(after[name] != before[1][name] for name in names)
    sd.box.delete()


def test_weight_of_a_device_is_taken_back(sd):
    """The unit had none of it; then it has none again."""
    qos = "/sys/fs/cgroup/io.cost.qos"
    if "ORLOP_GUEST" not in os.environ or "io" not in controllers() or not os.path.exists(qos):
        pytest.skip("a weight needs iocost at the machine's own disk; a guest with CONFIG_BLK_CGROUP_IOCOST has a disk of its own")
    major, minor = block_device()
    with open(qos, "w") as f:
        f.write(f"{major}:{minor} enable=1")
    b = sd.bundle()
    sd.create(b)
    before = read(b, "io.weight"), show(b.unit, "IODeviceWeight")
    weight = {"blockIO": {"weightDevice": [{"major": major, "minor": minor, "weight": 321}]}}
    update_without_programs(sd, b, weight)
    assert (read(b, "io.weight"), show(b.unit, "IODeviceWeight")) == before
    update(sd, b, weight)
    assert "3142" in show(b.unit, "IODeviceWeight") and "3142" in read(b, "io.weight")
    sd.box.delete()
    with open(qos, "w") as f:
        f.write(f"{major}:{minor} enable=0")


# --- annotations

def test_annotations(sd):
    b = sd.bundle()
    b.config["annotations"] = {"org.systemd.property.TimeoutStopUSec": "uint64 7000000", "org.systemd.property.CollectMode": "'inactive'",
                               "org.systemd.property.Documentation": "['man:orlop(1)', 'https://example.org/']",
                               "org.systemd.property.RuntimeMaxSec": "1000.0", "org.systemd.property.SendSIGHUP": "true",
                               "org.systemd.property.Description": "'a container'"}
    sd.create(b)
    wanted = {"TimeoutStopUSec": "7s", "CollectMode": "inactive", "Documentation": '"man:orlop(1)" https://example.org/', "RuntimeMaxUSec": "16min 40s",
              "SendSIGHUP": "yes", "Description": "a container"}
    got = {name: show(b.unit, name) for name in wanted}
    got["Documentation"] = got["Documentation"].replace('"https://example.org/"', "https://example.org/")
    assert got == wanted
    sd.box.delete()
    assert not loaded(b.unit)


@pytest.mark.parametrize("name,value,says", [("Abc", "1", "Abc"), ("TimeoutStopSec", "'x'", "seconds"), ("PIDs", "@au [1]", "own"), ("Documentation", "5", ""),
                                             ("Slice", "'nosuch'", 'annotations["org.systemd.property.Slice"]'), ("Slice", "5", 'annotations["org.systemd.property.Slice"]')])
def test_annotation_that_cannot_be(sd, name, value, says):
    b = sd.bundle()
    b.config["annotations"] = {f"org.systemd.property.{name}": value}
    assert says in sd.create(b, status=1).err
    assert not loaded(b.unit) and not os.path.exists(f"{sd.box.root}/c")


def test_slice_by_annotation(sd):
    """It goes before that of the path."""
    b = sd.bundle()
    b.config["annotations"] = {"org.systemd.property.Slice": "'orlop-test.slice'"}
    sd.create(b)
    assert own(sd.box.state()["pid"]) == f"/orlop.slice/orlop-test.slice/{b.unit}"
    assert show(b.unit, "Slice") == "orlop-test.slice"
    sd.box.delete()
    assert not loaded(b.unit)


def test_subgroup(sd):
    b = sd.bundle()
    b.config["annotations"] = {"run.oci.systemd.subgroup": "container"}
    sd.create(b)
    pid = sd.box.state()["pid"]
    assert own(pid) == f"/system.slice/{b.unit}/container"
    sd.box.orlop("start", "c")
    assert "0::/\n" in sd.box.orlop("exec", "c", "cat", "/proc/self/cgroup").out
    sd.box.delete()
    assert not loaded(b.unit)


def test_subgroup_called_like_a_file(sd):
    b = sd.bundle()
    b.config["annotations"] = {"run.oci.systemd.subgroup": "cgroup.procs"}
    assert "Not a directory" in sd.create(b, status=1).err
    assert not loaded(b.unit) and not os.path.exists(f"{sd.box.root}/c")


# --- units that are there already

def test_failed_unit_is_forgotten(sd):
    b = sd.bundle()
    subprocess.run(["systemd-run", "--scope", "--quiet", f"--unit={b.unit}", "--property=RuntimeMaxSec=100ms", *SLEEP], capture_output=True, check=False,
                   timeout=orlop.TIMEOUT)
    orlop.eventually(lambda: show(b.unit, "ActiveState") == "failed", "the scope of the test fails")
    sd.create(b)
    assert show(b.unit, "ActiveState") == "active"
    sd.box.delete()
    assert not loaded(b.unit)


def test_running_unit_is_left_alone(sd):
    b = sd.bundle()
    with subprocess.Popen(["systemd-run", "--scope", "--quiet", f"--unit={b.unit}", *SLEEP]) as other:
        orlop.eventually(lambda: show(b.unit, "ActiveState") == "active", "the other's scope")
        r = sd.create(b, status=1)
        assert b.unit in r.err and "already" in r.err, r
        assert other.poll() is None and show(b.unit, "ActiveState") == "active"
        assert not os.path.exists(f"{sd.box.root}/c")
        other.kill()
    orlop.eventually(lambda: not loaded(b.unit), "the other's scope ends")


def test_one_name_for_two_containers(sd):
    one, two = sd.bundle(), sd.bundle()
    two.config["linux"]["cgroupsPath"] = one.config["linux"]["cgroupsPath"]
    sd.create(one)
    assert one.unit in sd.create(two, id="d", status=1).err
    assert sd.box.status() == "created"
    sd.box.delete()


# --- what goes wrong

def test_failed_create_leaves_no_unit(sd):
    b = sd.bundle()
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    sd.create(b, status=1)
    assert not loaded(b.unit) and not os.path.exists(f"/sys/fs/cgroup/system.slice/{b.unit}")
    assert not os.path.exists(f"{sd.box.root}/c")


def test_refused_limit_leaves_no_unit(sd):
    if "cpuset" not in controllers():
        pytest.skip("cgroup v2 has no controller cpuset here")
    b = sd.bundle()
    b.config["linux"]["resources"] = {"cpu": {"cpus": "1000"}}
    sd.create(b, status=1)
    assert not loaded(b.unit)


def kill_in_create(sd, b, id):
    """Kills `create` while a hook runs."""
    mark = os.path.join(b.path, "mark")
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f"touch {mark}; exec sleep 1000"]}]}
    b.save()
    with subprocess.Popen(sd.box.command("--systemd-cgroup", "create", "--bundle", b.path, id), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True) as create:
        orlop.eventually(lambda: os.path.exists(mark), "the hook runs")
        assert show(b.unit, "ActiveState") == "active"
        os.killpg(create.pid, signal.SIGKILL)


def test_killed_in_create(sd):
    b = sd.bundle()
    kill_in_create(sd, b, "c")
    sd.box.delete()
    assert not loaded(b.unit) and not os.path.exists(f"/sys/fs/cgroup/system.slice/{b.unit}")


def test_delete_does_not_stop_anothers_unit(sd):
    """The unit of a container whose creator was killed has ended, and another has taken its name."""
    one, two = sd.bundle(), sd.bundle()
    kill_in_create(sd, one, "c")
    orlop.eventually(lambda: not loaded(one.unit), "the unit of the killed create ends")
    two.config["linux"]["cgroupsPath"], two.unit = one.config["linux"]["cgroupsPath"], one.unit
    sd.create(two, id="d")
    sd.box.delete("c")
    assert sd.box.status("d") == "created" and show(two.unit, "ActiveState") == "active"
    sd.box.delete("d")


def test_anothers_unit_of_the_name_is_left_alone(sd):
    """A unit goes with its processes, and its name is free while the container's record is still there."""
    one, two = sd.bundle(), sd.bundle()
    two.config["linux"]["cgroupsPath"], two.unit = one.config["linux"]["cgroupsPath"], one.unit
    one.namespace("pid", False)
    sd.create(one)
    sd.box.orlop("kill", "c", "KILL")
    sd.box.wait("stopped")
    orlop.eventually(lambda: not loaded(one.unit), "the unit goes")
    sd.create(two, id="d")
    assert json.loads(sd.box.orlop("ps", "--format", "json", "c").out) in ([], None)
    sd.box.orlop("kill", "--all", "c", "KILL")
    assert sd.box.status("d") == "created"
    sd.box.delete("c")
    assert sd.box.status("d") == "created" and show(two.unit, "ActiveState") == "active"
    sd.box.delete("d")


def test_stopped_by_systemctl(sd):
    b = sd.stopped_by_systemctl()
    sd.box.delete(force=False)
    assert not loaded(b.unit)


def test_ended_by_itself(sd):
    b = sd.bundle(["true"])
    sd.create(b)
    sd.box.orlop("start", "c")
    sd.box.wait("stopped")
    sd.box.delete(force=False)
    sd.create(b)  # the name is free at once
    sd.box.delete()
    assert not loaded(b.unit)


def hide(*paths):
    """Starts a program with other files in the place of PATHS."""
    return ["unshare", "--mount", "sh", "-c", "; ".join(f"mount --bind /dev/null {p}" for p in paths) + '; exec "$@"', "sh"]


def test_by_the_system_bus(sd):
    b = sd.bundle()
    sd.box.prefix = hide("/run/systemd/private")
    sd.create(b)
    assert show(b.unit, "ActiveState") == "active"
    sd.box.delete()
    sd.box.prefix = []
    assert not loaded(b.unit)


def test_without_systemd(sd):
    b = sd.bundle()
    sd.box.prefix = hide("/run/systemd/private", "/run/dbus/system_bus_socket")
    r = sd.create(b, status=1)
    assert "systemd cannot be reached" in r.err, r
    sd.box.prefix = []
    assert not os.path.exists(f"{sd.box.root}/c")


def test_without_libsystemd(sd):
    b = sd.bundle()
    sd.box.prefix = hide(*{os.path.realpath(p) for p in glob.glob("/usr/lib/*/libsystemd.so.0")})
    r = sd.create(b, status=1)
    assert "libsystemd.so.0" in r.err and "libsystemd0" in r.err, r
    assert not os.path.exists(f"{sd.box.root}/c")
    assert sd.box.run(sd.box.bundle(["echo", "well"])).out == "well\n"  # without the driver it is not needed
    sd.box.prefix = []


def test_features(box):
    cgroup = json.loads(box.orlop("features").out)["linux"]["cgroup"]
    assert cgroup["systemd"] and cgroup["systemdUser"]


def test_checkpoint_and_restore(sd):
    """The unit ends with the checkpoint; restore makes it anew for CRIU, and what that restores is in it."""
    found = subprocess.run([os.path.join(os.path.dirname(orlop.__file__), "get-criu")], capture_output=True, text=True, check=False)
    if found.returncode == 77:
        pytest.skip(found.stdout.strip())
    assert found.returncode == 0, found
    criu, images = found.stdout.strip(), os.path.join(sd.box.dir, "images")
    b = sd.bundle(["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >>/tmp/numbers; usleep 20000; done"])
    null = subprocess.DEVNULL
    b.save()
    subprocess.run(sd.box.command("--systemd-cgroup", "run", "--detach", "--bundle", b.path, "c"), stdin=null, stdout=null, stderr=null, check=True)

    def count():
        path = os.path.join(b.rootfs, "tmp/numbers")
        return len(open(path).read().split()) if os.path.exists(path) else 0
    orlop.eventually(lambda: count() > 2, "it counts")
    sd.box.orlop("--criu", criu, "checkpoint", "--image-path", images, "c")
    orlop.eventually(lambda: not loaded(b.unit), "the unit has ended")
    n = count()
    sd.box.orlop("--criu", criu, "--systemd-cgroup", "restore", "--detach", "--bundle", b.path, "--image-path", images, "c")
    orlop.eventually(lambda: count() > n + 2, "it counts on")
    assert own(sd.box.state()["pid"]) == f"/system.slice/{b.unit}"  # the others come and go
    assert show(b.unit, "ActiveState") == "active"
    sd.box.delete()
    orlop.eventually(lambda: not loaded(b.unit), "the unit has ended")


@pytest.mark.parametrize("wrong", [{"Abc": "1"}, {"KillMode": "'nosuch'"}, {"CPUWeight": "uint64 999999"}, {"Documentation": "5"}, {"WatchdogSec": "5"},
                                   {"KillMode": "'mixed'", "Abc": "1"}])
def test_annotation_that_systemd_refuses_is_named(sd, wrong):
    b = sd.bundle()
    b.config["annotations"] = {f"org.systemd.property.{name}": value for name, value in wrong.items()}
    r = sd.create(b, status=1)
    name = list(wrong)[-1]
    assert f'annotations["org.systemd.property.{name}"]: ' in r.err and "config.json:" in r.err and "cgroupsPath" not in r.err, r
    assert not loaded(b.unit) and not os.path.exists(f"{sd.box.root}/c")


def test_annotations_of_which_systemd_names_none(sd):
    b = sd.bundle()
    b.config["annotations"] = {"org.systemd.property.Documentation": "5", "org.systemd.property.KillMode": "'mixed'"}
    err = sd.create(b, status=1).err
    assert ": annotations: " in err and "which of these properties" in err, err
    assert not loaded(b.unit)
