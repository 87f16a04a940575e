# SPDX-License-Identifier: Apache-2.0
"""pause and resume: every process of a container held still, and what may be done to it meanwhile."""
import json
import os
import subprocess
import threading

import pytest
from orlop import eventually, pid_gone

COUNT = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i > /tmp/n; usleep 1000; done"]


class Counter:
    """A container that counts in a file."""

    def __init__(self, box):
        self.box = box
        self.bundle = box.bundle(COUNT)
        box.run(self.bundle, "-d")
        self.file = os.path.join(self.bundle.rootfs, "tmp/n")
        eventually(self.read, "it counts")

    def read(self):
        try:
            with open(self.file) as f:
                return f.read()
        except OSError:
            return ""

    def goes_on(self):
        """Waits until it counts; returns."""
        before = self.read()
        eventually(lambda: self.read() not in ("", before), "it counts again")

    def stands(self):
        """True if all of its processes are frozen, as the kernel says."""
        for group in ("/sys/fs/cgroup/freezer", "/sys/fs/cgroup"):
            path = group + self.bundle.cgroup
            for name, word in (("freezer.state", "FROZEN"), ("cgroup.events", "frozen 1")):
                if os.path.exists(f"{path}/{name}"):
                    with open(f"{path}/{name}") as f:
                        return word in f.read()
        raise AssertionError("no freezer")


@pytest.fixture
def counter(box):
    yield Counter(box)
    box.delete()


@pytest.mark.spec(4)
def test_pause_and_resume(counter):
    box = counter.box
    box.orlop("pause", "c")
    assert counter.stands() and box.status() == "paused"
    assert box.state()["pid"] > 0
    assert json.loads(box.orlop("list", "-f", "json").out)[0]["status"] == "paused"
    assert " paused " in box.orlop("list").out
    box.orlop("resume", "c")
    assert not counter.stands() and box.status() == "running"
    counter.goes_on()


def test_only_once(counter):
    box = counter.box
    assert "container not paused" in box.orlop("resume", "c", status=1).err
    box.orlop("pause", "c")
    assert "paused already" in box.orlop("pause", "c", status=1).err
    box.orlop("resume", "c")


def test_stopped_and_unknown(box):
    for deed in "pause", "resume":
        assert 'container "c" does not exist' in box.orlop(deed, "c", status=1).err
    box.run(box.bundle(["true"]), "--keep")
    assert "container not running" in box.orlop("pause", "c", status=1).err
    assert "container not paused" in box.orlop("resume", "c", status=1).err
    box.delete()


def test_kill_of_a_paused_one(counter):
    """Ends at once, also where what is frozen cannot die (cgroup v1)."""
    box = counter.box
    pid = box.state()["pid"]
    box.orlop("pause", "c")
    box.orlop("kill", "c", "KILL")
    eventually(lambda: pid_gone(pid), "dead")
    assert box.status() == "stopped"


@pytest.mark.parametrize("all", [False, True])
def test_signals_wait(box, all):
    b = box.bundle(["sh", "-c", "trap 'echo caught; exit 3' TERM; echo ready; while :; do usleep 1000; done"])
    out = box.create(b).out
    box.orlop("start", "c")
    eventually(lambda: open(out).read() == "ready\n", "trap")
    box.orlop("pause", "c")
    box.orlop("kill", *(["--all"] if all else []), "c", "TERM")
    assert box.status() == "paused" and open(out).read() == "ready\n"
    box.orlop("resume", "c")
    eventually(lambda: "caught\n" in open(out).read(), "trap")  # (the shell also tells of its child's end)
    box.wait("stopped")
    box.delete(force=False)


def test_delete_of_a_paused_one(counter):
    box = counter.box
    pid = box.state()["pid"]
    box.orlop("pause", "c")
    assert "not stopped: paused" in box.orlop("delete", "c", status=1).err
    assert box.status() == "paused"
    box.orlop("delete", "--force", "c")
    assert pid_gone(pid)
    box.orlop("state", "c", status=1)


def test_exec_in_a_paused_one(counter):
    box = counter.box
    box.orlop("pause", "c")
    assert "cannot exec in a paused container" in box.orlop("exec", "c", "true", status=255).err
    p = subprocess.Popen(box.command("exec", "--ignore-paused", "c", "echo", "hi"), stdout=subprocess.PIPE, text=True)
    eventually(lambda: len(json.loads(box.orlop("ps", "-f", "json", "c").out)) >= 2, "it is there")
    assert p.poll() is None and counter.stands()
    box.orlop("resume", "c")
    assert p.communicate(timeout=20)[0] == "hi\n" and p.returncode == 0


@pytest.mark.spec(31)
def test_created_one(box):
    b = box.bundle(["echo", "started"])
    out = box.create(b).out
    box.orlop("pause", "c")
    assert box.status() == "paused"
    assert "in the paused state" in box.orlop("start", "c", status=1).err
    box.orlop("resume", "c")
    assert box.status() == "created"
    box.orlop("start", "c")
    eventually(lambda: open(out).read() == "started\n", "output")
    box.delete()


def test_run_in_the_foreground(box):
    """Another command may pause, resume and delete what `run` waits for."""
    b = box.bundle(["sleep", "100"])
    b.save()
    p = subprocess.Popen(box.command("run", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL)
    eventually(lambda: os.path.isdir(os.path.join(box.root, "c")) and box.orlop("state", "c", status=None).out.count('"running"'), "running")
    box.orlop("pause", "c")
    box.orlop("resume", "c")
    box.orlop("delete", "--force", "c")
    assert p.wait(20) == 137
    assert box.orlop("list", "-q").out == ""


def test_without_a_cgroup(box):
    b = box.bundle(["sleep", "100"])
    b.save()
    box.orlop("--cgroup-manager", "disabled", "run", "-d", "--bundle", b.path, "c")
    r = box.orlop("pause", "c", status=1)
    assert "no cgroup of its own" in r.err
    box.delete()


def test_forking(box):
    """Nobody escapes by forking while the freezer is at work."""
    b = box.bundle(["sh", "-c", "while :; do (:; :) & (:; :) & wait; done"])
    box.run(b, "-d")
    for _ in range(5):
        box.orlop("pause", "c")
        assert box.status() == "paused"
        first = box.orlop("ps", "-f", "json", "c").out
        assert box.orlop("ps", "-f", "json", "c").out == first
        box.orlop("resume", "c")
    box.orlop("pause", "c")
    box.delete()


def test_pauses_at_the_same_time(counter):
    """Of several at once at least one pauses; the rest say that it is paused. Nothing hangs."""
    box, results = counter.box, []

    def pause():
        results.append(box.orlop("pause", "c", status=None))
    threads = [threading.Thread(target=pause) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert any(r.status == 0 for r in results)
    assert all(r.status == 0 or "paused already" in r.err for r in results)
    assert box.status() == "paused"
    box.orlop("resume", "c")
    counter.goes_on()
