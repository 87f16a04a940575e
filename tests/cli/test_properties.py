# SPDX-License-Identifier: Apache-2.0
"""Every limit, one by one (tests/lib/properties.py): set at create, read back from the kernel's file, updated, read, and updated back."""
import json
import os
import subprocess

import pytest
from limits import SLEEP, block_device, hierarchies, needs_v1, needs_v2, read, update, v2_controllers, v2_root
from orlop import USER
from properties import ADAPTER, GONE, MAY_LACK, MB, PROPERTIES, V1_NONE

GUEST = "ORLOP_GUEST" in os.environ  # whose disks are ours
LISTS = ("net_prio.ifpriomap", "io.max", "weight", "_device", "rdma.max")  # files of a line for each device


def files(case):
    """Those of this view's hierarchy; skips where it has no such controller."""
    for rows, have in ((case.v1, hierarchies()), (case.v2, v2_controllers())):
        controller = rows[0][0].split(".")[0] if rows else None
        if controller in have or controller == "cgroup" and v2_root():
            return rows
    names = dict.fromkeys(f"{rows[0][0].split('.')[0]} of cgroup {v}" for v, rows in (("v1", case.v1), ("v2", case.v2)) if rows)
    return pytest.skip(f"this view has no controller {' or '.join(names)}")


def filled(what, device):
    """WHAT, a text or a document, with the device's number."""
    text = json.dumps(what).replace('"MAJOR"', str(device[0])).replace('"MINOR"', str(device[1]))
    return json.loads(text.replace("DEV ", f"{device[0]}:{device[1]} "))


def says(b, name, text, device):
    """A line of a list has the words of TEXT, the first line of another file is TEXT."""
    lines = [line.split() for line in read(b, name).split("\n")]
    if text is GONE:
        return not [line for line in lines if line[:1] == [f"{device[0]}:{device[1]}"]]
    words = filled(text, device).split()
    if words[0] == "default" and lines[0][:1] != ["default"]:
        words = words[1:]
    if not name.endswith(LISTS):
        return lines[0] == words
    return any(line[:1] == words[:1] and set(words) <= set(line) for line in lines)


def there(b, case, rows):
    """Those of ROWS that the kernel has; skips if there is none, and says why."""
    have = [row for row in rows if read(b, row[0]) is not None]
    lacks = [row[0] for row in rows if row not in have and not case.either]
    assert all(name in MAY_LACK for name in lacks), lacks
    return have[:1] if case.either else have


def set_and_updated(box, case, rows, how):
    device = block_device()
    b = box.bundle(SLEEP)
    b.config["linux"]["resources"] = filled(case.before, device)
    box.run(b, "-d")
    have = there(b, case, rows)
    for name, text, _ in have:
        assert says(b, name, text, device), (name, read(b, name))
    for at, resources in ((1, case.after), (0, case.before)):  # there, and back: what has risen falls
        if how == "options":
            box.orlop("update", *case.options[at], "c")
        else:
            update(box, filled(resources, device))
        for row in have:
            assert says(b, row[0], row[1 + at], device), (row[0], read(b, row[0]), row[1 + at])
    box.delete()
    if not have:
        pytest.skip("; ".join(f"{row[0]}: {MAY_LACK[row[0]]}" for row in rows))
    return [row[0] for row in have]


HOW = [(name, how) for name, case in PROPERTIES.items() for how in ("options", "document") if how == "document" or case.options]


@pytest.mark.parametrize("name, how", [x for x in HOW if not PROPERTIES[x[0]].policy and "rdma" not in PROPERTIES[x[0]].before])
def test_property(box, name, how):
    case = PROPERTIES[name]
    rows = files(case)
    if name == "cpus" and os.cpu_count() < 2:
        pytest.skip("this machine has one processor")
    if "MAJOR" in json.dumps(case.before) and block_device() is None:
        pytest.skip("this machine has no block device")
    if rows[0][0].startswith("cpu.rt_") and not os.path.exists(f"{hierarchies()['cpu']}/{rows[0][0]}"):
        pytest.skip(MAY_LACK[rows[0][0]])
    set_and_updated(box, case, rows, how)


@pytest.mark.parametrize("key, file", [("cpus", "cpuset.cpus"), ("mems", "cpuset.mems")])
def test_cpuset_by_update(box, key, file):
    """Of a machine with one processor or memory node no other list can be asked for; but on v2 a cgroup begins with none."""
    needs_v2("cpuset")
    b = box.bundle(SLEEP)
    b.config["linux"]["resources"] = {"unified": {"cgroup.max.depth": "9"}}
    box.run(b, "-d")
    assert (read(b, file) or "").strip() == ""
    update(box, {"cpu": {key: "0"}})
    assert read(b, file).strip() == "0"
    box.delete()


# --- weights, which are for a scheduler or controller of the block layer

def write(path, text):
    with open(path, "w") as f:
        f.write(text)


@pytest.fixture(params=["iocost", "bfq"])
def policy(request):
    """Switches one on for the device: in a guest, since the machine's disks are the machine's.  BFQ last: io.weight gives way to its file."""
    if not GUEST:
        pytest.skip(f"a weight needs {request.param} at the machine's own disk; tests/run vm-short does it in a guest")
    major, minor = block_device()
    if USER:
        pytest.skip("as root alone: switches the policy on before it runs")
    if request.param == "iocost":
        needs_v2("io")
        if not os.path.exists(f"{v2_root()}/io.cost.qos"):
            pytest.skip("a kernel without CONFIG_BLK_CGROUP_IOCOST")
        switch, on, off = f"{v2_root()}/io.cost.qos", f"{major}:{minor} enable=1", f"{major}:{minor} enable=0"
    else:
        subprocess.run(["modprobe", "bfq"], check=False, capture_output=True)
        switch, on = f"/sys/dev/block/{major}:{minor}/queue/scheduler", "bfq"
        with open(switch) as f:
            have = f.read().replace("[", " [").split()
        if on not in [x.strip("[]") for x in have]:
            pytest.skip("a kernel without BFQ")
        off = next(x for x in have if x[0] == "[").strip("[]")
    write(switch, on)
    yield request.param
    write(switch, off)
    if request.param == "bfq":
        subprocess.run(["modprobe", "-r", "bfq"], check=True)


@pytest.mark.parametrize("name, how", [x for x in HOW if PROPERTIES[x[0]].policy])
def test_weight(box, policy, name, how):
    case = PROPERTIES[name]
    done = set_and_updated(box, case, files(case), how)
    assert ("bfq" in done[0]) == (policy == "bfq"), done


def test_weight_of_all_devices(box):
    """The cgroup's own needs nothing of a device but the kernel's word for it."""
    case = PROPERTIES["weight"]
    rows = files(case)
    b = box.bundle(SLEEP)
    b.config["linux"]["resources"] = case.before
    r = box.run(b, "-d", status=None)
    if r.status:
        assert "weights need" in r.err, r
        pytest.skip("the kernel has no block I/O weights")
    name, was, then = there(b, case, rows)[0]
    assert says(b, name, was, (0, 0))
    box.orlop("update", *case.options[1], "c")
    assert says(b, name, then, (0, 0))
    box.delete()


def refused(box, resources, *words):
    """At create and by update; and nothing is left of it."""
    b = box.bundle(SLEEP)
    b.config["linux"]["resources"] = resources
    err = box.run(b, status=1).err
    assert all(w in err for w in words), err
    b.config["linux"]["resources"] = {}
    box.run(b, "-d")
    err = update(box, resources, status=1).err
    assert all(w in err for w in words), err
    box.delete()


def test_leaf_weight(box):
    needs_v1("blkio")
    if os.path.exists(f"{hierarchies()['blkio']}/blkio.leaf_weight"):
        pytest.skip("a kernel with CFQ")
    refused(box, {"blockIO": {"leafWeight": 300}}, "blockIO.leafWeight: ", "blkio.leaf_weight")
    refused(box, filled({"blockIO": {"weightDevice": [{"major": "MAJOR", "minor": "MINOR", "leafWeight": 300}]}}, block_device() or (8, 0)),
            "blockIO.weightDevice[0].leafWeight: ", "blkio.leaf_weight_device")


def test_kernel_memory(box):
    """Since Linux 5.16 the kernel takes it for nothing, and some refuse it: what the file says is what holds, or it is said."""
    needs_v1("memory")
    b = box.bundle(SLEEP)
    b.config["linux"]["resources"] = {"memory": {"kernel": 32 * MB}}
    r = box.run(b, "-d", status=None)
    if r.status:
        assert "linux.resources.memory.kernel: " in r.err and "memory.kmem.limit_in_bytes" in r.err, r
        return
    for limit in (32 * MB, 64 * MB):
        update(box, {"memory": {"kernel": limit}})
        assert read(b, "memory.kmem.limit_in_bytes").strip() in (V1_NONE, str(limit))
    box.delete()


@pytest.mark.parametrize("name", [name for name, case in PROPERTIES.items() if "rdma" in case.before])
def test_rdma(box, adapter, name):
    case = PROPERTIES[name]
    before, after, rows = json.loads(json.dumps([case.before, case.after, files(case)]).replace(ADAPTER, adapter))
    set_and_updated(box, case._replace(before=before, after=after), rows, "document")


def test_rdma_of_no_adapter(box):
    if "rdma" not in [*hierarchies(), *v2_controllers()]:
        pytest.skip("no controller rdma in this view")
    refused(box, {"rdma": {"no_such": {"hcaHandles": 3, "hcaObjects": 10000}}}, 'rdma["no_such"]: ', "rdma.max", "no_such hca_handle=3 hca_object=10000")
