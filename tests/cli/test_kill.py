# SPDX-License-Identifier: Apache-2.0
"""kill and delete beyond the first process: all of a container, several containers, what outlives the first process."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from orlop import eventually, pid_gone


def pids(box, id="c"):
    return json.loads(box.orlop("ps", "--format", "json", id).out)


@pytest.fixture
def shared(box):
    """A container without a pid namespace of its own, of three processes; ends with the first's."""
    b = box.bundle(["sh", "-c", "sleep 111 & sleep 222 & exec sleep 333"])
    b.namespace("pid", False)
    box.run(b, "-d")
    eventually(lambda: len(pids(box)) == 3, "three processes")
    yield box
    box.delete()


def traps(box, n=3, **more):
    """A container of n processes that note the signal they get."""
    inner = "trap 'echo caught >> /tmp/notes; exit 0' TERM; echo x >> /tmp/ready; while :; do usleep 1000; done"
    b = box.bundle(["sh", "-c", " ".join(f"sh -c \"{inner}\" &" for _ in range(n - 1)) + inner], **more)
    box.run(b, "-d")
    tmp = os.path.join(b.rootfs, "tmp")
    eventually(lambda: os.path.exists(f"{tmp}/ready") and open(f"{tmp}/ready").read().count("x") == n, "traps")
    return lambda: open(f"{tmp}/notes").read().count("caught") if os.path.exists(f"{tmp}/notes") else 0


@pytest.mark.spec(36)
def test_only_the_first(box):
    notes = traps(box)
    box.orlop("kill", "c", "TERM")
    box.wait("stopped")
    assert notes() == 1  # the others were ended with their pid namespace
    box.delete()


@pytest.mark.parametrize("word", ["--all", "-a", "--all=true", "-a=true"])
def test_all(box, word):
    notes = traps(box)
    box.orlop("kill", word, "c", "15")
    box.wait("stopped")
    assert notes() >= 1
    box.delete()


def test_all_each_once(box):
    """Without a pid namespace nothing but the signal ends them: each has noted it exactly once."""
    inner = "trap 'echo caught >> /tmp/notes; exit 0' TERM; echo x >> /tmp/ready; while :; do usleep 1000; done"
    b = box.bundle(["sh", "-c", f"for i in 1 2 3 4 5; do sh -c \"{inner}\" & done; {inner}"])
    b.namespace("pid", False)
    box.run(b, "-d")
    tmp = os.path.join(b.rootfs, "tmp")
    eventually(lambda: os.path.exists(f"{tmp}/ready") and open(f"{tmp}/ready").read().count("x") == 6, "traps")
    box.orlop("kill", "--all", "c")
    eventually(lambda: os.path.exists(f"{tmp}/notes") and open(f"{tmp}/notes").read().count("caught") == 6, "all caught it")
    eventually(lambda: not pids(box), "ended")
    box.delete()


def test_more_than_one_batch(box):
    b = box.bundle(["sh", "-c", "i=0; while [ $i -lt 150 ]; do sleep 100 & i=$((i+1)); done; exec sleep 100"])
    b.namespace("pid", False)
    box.run(b, "-d")
    eventually(lambda: len(pids(box)) == 151, "150 processes")
    box.orlop("kill", "--all", "c", "TERM")
    eventually(lambda: not pids(box), "ended")
    box.delete(force=False)


def test_kill_without_pid_namespace(shared):
    """The end of the first process would not be that of the others."""
    shared.orlop("kill", "c", "KILL")
    eventually(lambda: not pids(shared), "all ended")


def test_other_signals_are_the_first_ones(shared):
    first = shared.state()["pid"]
    shared.orlop("kill", "c", "TERM")
    eventually(lambda: pid_gone(first), "ended")
    assert len(pids(shared)) == 2


@pytest.mark.spec(35)
def test_what_outlives_the_first(shared):
    first = shared.state()["pid"]
    shared.orlop("kill", "c", "TERM")
    eventually(lambda: pid_gone(first), "ended")
    state = shared.state()
    assert state["status"] == "stopped" and state["pid"] == 0  # "the container process has exited" (runtime.md)
    left = pids(shared)
    assert len(left) == 2 and first not in left
    assert "container not running" in shared.orlop("kill", "c", "KILL", status=1).err
    assert pids(shared) == left
    shared.orlop("kill", "--all", "c", "TERM")
    eventually(lambda: not pids(shared), "ended")
    shared.orlop("kill", "--all", "c", "KILL")  # with none left it is no error


@pytest.mark.spec(39)
@pytest.mark.parametrize("force", [True, False])
def test_delete_takes_what_outlives(box, force):
    b = box.bundle(["sh", "-c", "sleep 111 & sleep 222 & exec sleep 333"])
    b.namespace("pid", False)
    box.run(b, "-d")
    eventually(lambda: len(pids(box)) == 3, "three processes")
    box.orlop("kill", "c", "TERM")
    box.wait("stopped")
    left = pids(box)
    box.delete(force=force)
    assert len(left) == 2 and all(pid_gone(p) for p in left)


def test_delete_force_without_pid_namespace(shared):
    all = pids(shared)
    shared.delete()
    assert all and [p for p in all if not pid_gone(p)] == []


def test_number_of_another_process(box):
    """A process that has the number by now, but started at another time, is not the container's."""
    box.run(box.bundle(["true"]), "--keep")
    path = os.path.join(box.root, "c/state.json")
    time.sleep(0.05)  # another start is one of another clock tick, of which there are a hundred in a second
    other = subprocess.Popen(["sleep", "100"])
    try:
        with open(path) as f:
            record = json.load(f)
        record["pid"] = other.pid
        with open(path, "w") as f:
            json.dump(record, f)
        assert box.status() == "stopped"
        assert "container not running" in box.orlop("kill", "c", "KILL", status=1).err
        box.delete()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


# --- several

def three(box):
    for id in ("web1", "web2", "db"):
        box.run(box.bundle(["sleep", "100"]), "-d", id=id)


def test_kill_regex(box):
    three(box)
    box.orlop("kill", "--regex", "^web[0-9]$", "KILL")
    box.wait("stopped", "web1")
    box.wait("stopped", "web2")
    assert box.status("db") == "running"
    box.orlop("kill", "-r", "web", "KILL")  # the stopped ones are passed over
    box.orlop("kill", "-r", "nothing", "KILL")
    for id in ("web1", "web2", "db"):
        box.delete(id)


def test_delete_regex(box):
    three(box)
    r = box.orlop("delete", "--regex", "web", status=1)
    assert "not stopped: running" in r.err and r.err.count("\n") == 1
    box.orlop("delete", "--force", "--regex", "web.")
    assert box.orlop("list", "-q").out == "db\n"
    box.orlop("delete", "-f", "-r", ".")
    assert box.orlop("list", "-q").out == ""
    box.orlop("delete", "-f", "-r", ".")


def test_wrong_regex(box):
    for deed in "kill", "delete":
        assert "invalid regular expression" in box.orlop(deed, "--regex", "web(", status=1).err
    assert "takes one expression" in box.orlop("delete", "--regex", "a", "b", status=1).err


def test_delete_several(box):
    three(box)
    box.orlop("kill", "web1", "KILL")
    box.orlop("kill", "db", "KILL")
    box.wait("stopped", "web1")
    box.wait("stopped", "db")
    r = box.orlop("delete", "web1", "web2", "unknown", "db", status=1)  # all are tried, the first failure is told
    assert "web2 that is not stopped" in r.err and r.err.count("\n") == 1
    assert box.orlop("list", "-q").out == "web2\n"
    box.orlop("delete", "--force", "unknown", "web2")
    assert box.orlop("list", "-q").out == ""


@pytest.mark.parametrize("words", [["c", "KILL"], ["--all", "c", "KILL"]])
@pytest.mark.parametrize("own_pids", [True, False], ids=["pids of its own", "pids of the host"])
def test_without_a_cgroup(box, own_pids, words):
    """The others are known by the pid namespace, which ends with its first process, and without that by nothing."""
    b = box.bundle(["sh", "-c", "sleep 100 & echo $! > /tmp/pid; exec sleep 100"])
    del b.config["linux"]["cgroupsPath"]
    b.config["linux"]["resources"] = {}
    b.namespace("pid", None if own_pids else False)
    b.save()
    box.orlop("--cgroup-manager", "disabled", "run", "-d", "--bundle", b.path, "c")
    first = box.state()["pid"]
    other = eventually(lambda: children(first), "its child")[0]
    fd = os.pidfd_open(other)
    box.orlop("kill", *words)
    box.wait("stopped")
    if own_pids:
        eventually(lambda: pid_gone(other), "it is gone")
    else:
        assert not pid_gone(other)
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        eventually(lambda: pid_gone(other), "it is gone")
    os.close(fd)
    box.delete()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


# --- against those who fork

FORKS = 10_000


@pytest.fixture(scope="module")
def forks(tmp_path_factory):
    compiler = shutil.which(os.environ.get("CC", "cc")) or pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("forks") / "forks"
    subprocess.run([compiler, "-O2", "-static", "-o", program, os.path.join(os.path.dirname(__file__), "../lib/forks.c")], check=True, timeout=60)
    return program


@pytest.mark.parametrize("deed", ["kill", "delete"])
@pytest.mark.parametrize("own_pids", [False, True], ids=["pids of the host", "pids of its own"])
def test_all_against_forks(box, forks, own_pids, deed):
    """Ten thousand forks, while one container after the other is killed, or deleted by force: none leaves a process or a cgroup.  Without a pid namespace
    nothing but its cgroup holds the processes together."""
    b = box.bundle(["/bin/forks", "/tmp/count"])
    if not own_pids:
        b.namespace("pid", False)
    shutil.copy(forks, os.path.join(b.rootfs, "bin/forks"))
    counter = os.path.join(b.rootfs, "tmp/count")
    total = 0

    def forked():
        with open(counter, "rb") as f:
            return int.from_bytes(f.read(), sys.byteorder)
    while total < FORKS:
        with open(counter, "wb") as f:
            f.write(bytes(8))
        box.run(b, "-d")
        eventually(lambda: forked() >= FORKS // 10, "a thousand forks", 60)
        if deed == "kill":
            box.orlop("kill", "--all", "c", "KILL")
            eventually(lambda: not pids(box), "ended")
            box.wait("stopped")
        box.delete(force=deed == "delete")
        after = forked()
        eventually(lambda: not box.processes(), "no process")
        assert not glob.glob(f"/sys/fs/cgroup{b.cgroup}") + glob.glob(f"/sys/fs/cgroup/*{b.cgroup}")
        assert forked() == after # nobody outside of the cgroup goes on
        total += after
