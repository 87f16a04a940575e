# SPDX-License-Identifier: Apache-2.0
"""exec: which cgroup the process lands in."""
import glob
import os

import pytest
from limits import VIEW, hierarchies
from orlop import eventually, needs_cgroupfs


def dirs(b):
    """The container's cgroup in every hierarchy."""
    path = b.cgroup
    return [d for d in (f"/sys/fs/cgroup{path}", *glob.glob(f"/sys/fs/cgroup/*{path}")) if os.path.isdir(d) and not os.path.islink(os.path.dirname(d))]


def of(pid):
    """Hierarchy -> cgroup of a process, as the host sees it."""
    with open(f"/proc/{pid}/cgroup") as f:
        return dict(line.rstrip("\n").split(":", 2)[1:] for line in f)


def take_over_cpus(old, new):
    """A cpuset of cgroup v1 takes no process before it has cpus and memory."""
    for name in "cpuset.cpus", "cpuset.mems":
        if os.path.exists(f"{new}/tasks") and os.path.exists(f"{new}/{name}"):
            with open(f"{old}/{name}") as f, open(f"{new}/{name}", "w") as g:
                g.write(f.read())


def hierarchy(d):
    """The controllers of the hierarchy that holds the directory, as /proc/PID/cgroup names them."""
    top = os.path.relpath(d, "/sys/fs/cgroup").split("/")[0]
    return {"systemd": "name=systemd", "unified": ""}.get(top, "" if VIEW == "v2" else top)


def where(box, *options, status=0):
    """Hierarchy -> cgroup of a process that exec starts."""
    pid_file = os.path.join(box.dir, "pid")
    r = box.orlop("exec", "-d", "--pid-file", pid_file, *options, "c", "sleep", "50", status=status)
    if status:
        return r.err
    with open(pid_file) as f:
        return of(f.read())


@pytest.fixture
def running(box):
    b = box.bundle(["sleep", "100"])
    box.run(b, "-d")
    box.b = b
    yield box
    box.delete()


def ends_with(groups, suffix, n):
    return sum(p.endswith(suffix) for p in groups.values()) == n


def test_below(running):
    for d in dirs(running.b):
        for part in "a", "a/b":
            os.mkdir(f"{d}/{part}")
            take_over_cpus(d, f"{d}/{part}")
    n = len({os.path.realpath(d) for d in dirs(running.b)})
    for word in ("a/b", "/a/b", "/a//./b/", "./a/b"):
        assert ends_with(where(running, "--cgroup", word), running.b.cgroup + "/a/b", n)
    own = where(running)
    assert own == where(running, "--cgroup", "/") == where(running, "--cgroup=.") == of(running.state()["pid"])


@pytest.mark.parametrize("word", ["..", "../x", "a/..", "a/../..", "/../..", "a/b/../../../x"])
def test_no_way_out(running, word):
    for d in dirs(running.b):
        os.makedirs(f"{d}/a/b")
    assert 'must not contain ".."' in where(running, "--cgroup", word, status=255)


def test_links_lead_nowhere(running):
    """There are none in cgroupfs, so that none can lead out."""
    with pytest.raises(OSError):
        os.symlink("..", f"{dirs(running.b)[0]}/link")


def test_must_be_there(running):
    text = where(running, "--cgroup", "none", status=255)
    assert "no such cgroup" in text and "No such file" in text
    assert "File name too long" in where(running, "--cgroup", "x" * 300, status=255)
    assert not [d for d in dirs(running.b) if os.path.exists(f"{d}/none")]


@pytest.mark.skipif(VIEW == "v2", reason="controllers are named for cgroup v1, and this view has none of it")
def test_controllers(running):
    path = running.b.cgroup
    os.makedirs(f"/sys/fs/cgroup/pids{path}/p")
    os.makedirs(f"/sys/fs/cgroup/freezer{path}/f/g")
    os.makedirs(f"/sys/fs/cgroup/memory{path}/p")
    groups = where(running, "--cgroup", "pids,memory:p", "--cgroup", "freezer:/f/g")
    own = of(running.state()["pid"])
    assert groups["pids"] == own["pids"] + "/p" and groups["memory"] == own["memory"] + "/p"
    assert groups["freezer"] == own["freezer"] + "/f/g" and groups["devices"] == own["devices"]
    for words, message in ((["nothing:p"], 'controller "nothing"'), (["a:b:c"], 'controller "a"; what is to be given is [CONTROLLER[,CONTROLLER...]:]PATH'),
                           (["pids:p", "p"], "each needs its controllers"), ([":p"], 'controller ""'),
                           (["pids,:p"], 'controller ""'), (["pids:p", "pids:q"], "has another path already"), (["pids:q"], "no such cgroup"),
                           (["pids:../p"], 'must not contain ".."')):
        options = [o for w in words for o in ("--cgroup", w)]
        assert message in where(running, *options, status=255), words


@pytest.mark.skipif(VIEW != "v2", reason="of cgroup v2 alone")
def test_controllers_of_v2(running):
    os.makedirs(f"{dirs(running.b)[0]}/p")
    assert "no hierarchy of cgroup v1" in where(running, "--cgroup", "pids:p", status=255)
    assert "each needs its controllers" in where(running, "--cgroup", "p", "--cgroup", "p", status=255)


def v2_dir(b):
    found = [d for d in dirs(b) if os.path.exists(f"{d}/cgroup.subtree_control")]
    if not found:
        pytest.skip("this view has no cgroup v2")
    return found[0]


def test_first_process_in_an_inner_cgroup(running):
    """As systemd in a container does: it moves to a cgroup below and hands controllers on, so that none may join the container's own."""
    d, pid = v2_dir(running.b), running.state()["pid"]
    with open(f"{d}/cgroup.controllers") as f:
        controllers = f.read().split()
    if not controllers:
        pytest.skip("this machine has no controller of cgroup v2 to hand on")
    os.mkdir(f"{d}/init.scope")
    with open(f"{d}/init.scope/cgroup.procs", "w") as f:
        f.write(str(pid))
    with open(f"{d}/cgroup.subtree_control", "w") as f:
        f.write(f"+{controllers[0]}")
    assert where(running)[""] == of(pid)[""] and of(pid)[""].endswith("/init.scope")
    assert running.orlop("exec", "c", "echo", "hi").out == "hi\n"
    with open(f"{d}/cgroup.subtree_control", "w") as f:
        f.write(f"-{controllers[0]}")


def test_own_cgroup_is_gone(box):
    """The host's systemd may move a container, or an administrator; what was made for it is removed then."""
    if hierarchies():
        needs_cgroupfs("on v1 a unit keeps its cgroup in name=systemd")
    b = box.bundle(["sleep", "100"])
    box.run(b, "-d")
    pid, moved = box.state()["pid"], []
    for d in dirs(b):
        if not of(pid).get(hierarchy(d), "/..").startswith(f"{box.base}/orlop"):
            continue  # another cgroup namespace's: its paths say nothing
        other = d + "-other"
        os.mkdir(other)
        moved.append(other)
        take_over_cpus(d, other)
        with open(f"{other}/cgroup.procs", "w") as f:
            f.write(str(pid))
        eventually(lambda d=d: try_rmdir(d) or not os.path.exists(d), "empty")
    assert moved and sum(p.endswith("-other") for p in where(box).values()) == len(moved)
    assert where(box) == of(pid)
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    box.delete()
    for other in moved:
        eventually(lambda other=other: try_rmdir(other), "empty")


def try_rmdir(path):
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True
