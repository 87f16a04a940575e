# SPDX-License-Identifier: Apache-2.0
"""Containers in cgroups whose parents have processes, or are threaded (cgroups(7))."""
import json
import os
import subprocess

import pytest
from checkpoints import COUNT, c, goes_on, program, starts_counting  # noqa: F401 - fixtures, too
from limits import VIEW, hierarchies, v2_controllers, v2_root
from orlop import eventually, needs_cgroupfs

LIMITS = {"memory": {"memory.high": "1073741824"}, "hugetlb": {"hugetlb.2MB.max": "4194304"}}  # of controllers that no threaded cgroup has


@pytest.fixture
def parent(box):
    """A cgroup with a process in it."""
    needs_cgroupfs("a scope's parent is a slice, which has no processes")
    if v2_root() is None:
        pytest.skip("no cgroup v2 in this view")
    path = f"{v2_root()}{box.cgroup}-parent"
    os.mkdir(path)
    process = subprocess.Popen(["sleep", "100"])
    try:
        write(f"{path}/cgroup.procs", process.pid)
        yield path
    finally:
        process.kill()
        process.wait()
        for dir, _, _ in os.walk(path, topdown=False):
            eventually(lambda: gone(dir), f"{dir} without processes")


def write(path, text):
    with open(path, "w") as f:
        f.write(str(text))


def read(path):
    with open(path) as f:
        return f.read().strip()


def gone(dir):
    try:
        os.rmdir(dir)
    except OSError:
        return False
    return True


def below(box, parent, path, args=("true",), **resources):
    b = box.bundle(args)
    b.config["linux"].update(cgroupsPath=f"{parent.removeprefix(v2_root())}/{path}", resources=resources)
    return b


def a_limit():
    for controller, limit in LIMITS.items():
        if controller in v2_controllers() and controller not in hierarchies() and (controller != "hugetlb" or os.path.isdir("/sys/kernel/mm/hugepages/hugepages-2048kB")):
            return limit
    return pytest.skip(f"none of the controllers {', '.join(LIMITS)} is in the v2 hierarchy")


def test_processes_in_the_parent(box, parent):
    """Without limits there is nothing that the parent could not hand down."""
    box.run(below(box, parent, "c"))
    assert os.listdir(parent) and not os.path.exists(f"{parent}/c")


@pytest.mark.parametrize("path", ["c", "x/c"], ids=["its parent", "further up"])
def test_processes_in_the_parent_with_a_limit(box, parent, path):
    r = box.run(below(box, parent, path, unified=a_limit()), status=1)
    assert "cgroup that has processes" in r.err and f"{parent}/cgroup.subtree_control" in r.err and "(hint: " in r.err
    assert not [d for d in os.listdir(parent) if os.path.isdir(f"{parent}/{d}")] and read(f"{parent}/cgroup.subtree_control") == ""


def threaded(parent):
    os.mkdir(f"{parent}/t")
    write(f"{parent}/t/cgroup.type", "threaded")
    assert read(f"{parent}/cgroup.type") == "domain threaded"


@pytest.mark.parametrize("path", ["c", "t/c", "t/x/c"], ids=["beside a threaded one", "in a threaded one", "and below it"])
def test_threaded(box, parent, path):
    """Where a cgroup can have processes only if it is threaded, the container's is, and all goes on as elsewhere."""
    if VIEW != "v2":
        pytest.skip("beside cgroup v1 it is refused")
    threaded(parent)
    b = below(box, parent, path, ["sh", "-c", "sleep 100 & exec sleep 100"])
    box.run(b, "-d")
    assert read(f"{parent}/{path}/cgroup.type") == "threaded"
    eventually(lambda: len(json.loads(box.orlop("ps", "--format", "json", "c").out)) == 2, "two processes")
    assert "\n0::/\n" in "\n" + box.orlop("exec", "c", "cat", "/proc/self/cgroup").out
    box.orlop("pause", "c")
    assert box.status() == "paused"
    box.orlop("resume", "c")
    assert json.loads(box.orlop("events", "--stats", "c").out)["id"] == "c"
    box.orlop("kill", "--all", "c", "KILL")
    box.wait("stopped")
    box.delete(force=False)
    assert sorted(d for d in os.listdir(parent) if os.path.isdir(f"{parent}/{d}")) == ["t"]
    assert not os.path.exists(f"{parent}/t/{'x' if 'x' in path else 'c'}")


@pytest.mark.parametrize("path", ["c", "t/x/c"], ids=["beside a threaded one", "below one"])
def test_threaded_restored(box, parent, path, c):  # noqa: F811
    if VIEW != "v2":
        pytest.skip("beside cgroup v1 it is refused")
    threaded(parent)
    b = below(box, parent, path, ["sh", "-c", COUNT])
    c.run(b)
    starts_counting(b)
    c.checkpoint()
    assert sorted(d for d in os.listdir(parent) if os.path.isdir(f"{parent}/{d}")) == ["t"]
    c.restore(b)
    goes_on(b)
    assert read(f"{parent}/{path}/cgroup.type") == "threaded"
    with open(f"/proc/{box.state()['pid']}/cgroup") as f:
        assert f.read().endswith(f"::{b.cgroup}\n")
    assert "\n0::/\n" in "\n" + box.orlop("exec", "c", "cat", "/proc/self/cgroup").out
    box.delete()


@pytest.mark.parametrize("path", ["c", "t/c"], ids=["beside a threaded one", "in a threaded one"])
def test_threaded_with_a_limit(box, parent, path):
    """A domain's controller cannot be had there."""
    limit = a_limit()
    threaded(parent)
    r = box.run(below(box, parent, path, unified=limit), status=1)
    assert f"{parent}/cgroup.subtree_control" in r.err and "(hint: see cgroup.type" in r.err
    assert not os.path.exists(f"{parent}/{path}")


def test_threaded_beside_v1(box, parent):
    """The child itself finds out; what it says is told, whichever of its failure and our message is first."""
    if VIEW != "hybrid" or not hierarchies():
        pytest.skip("no cgroup v1 beside v2 in this view")
    threaded(parent)
    b = below(box, parent, "t/c")
    for _ in range(10):
        r = box.run(b, status=1)
        assert "Operation not supported (hint: beside cgroup v1 no container can be below a threaded cgroup" in r.err
    assert not os.path.exists(f"{parent}/t/c")
