# SPDX-License-Identifier: Apache-2.0
"""create, start, state, kill, delete, run, list: the way of a container, and its wrong turns."""
import json
import os
import re
import signal

import pytest
from orlop import eventually, pid_gone


def test_whole_way(box):
    b = box.bundle(["sh", "-c", "echo started; sleep 100"])
    out = box.create(b).out
    s = box.state()
    assert s["status"] == "created" and s["pid"] > 0 and s["id"] == "c"
    assert s["bundle"] == os.path.realpath(b.path) and s["rootfs"] == os.path.realpath(b.rootfs)
    assert s["ociVersion"] == "1.3.0" and re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z$", s["created"])
    assert open(out).read() == ""  # the program is not run by create
    box.orlop("start", "c")
    assert box.status() == "running"
    eventually(lambda: open(out).read() == "started\n", "output")
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    assert box.state()["pid"] == 0
    box.orlop("delete", "c")
    assert 'container "c" does not exist' in box.state(status=1).err


def test_run_passes_status(box):
    for status in (0, 1, 42, 255):
        box.run(box.bundle(["sh", "-c", f"exit {status}"]), status=status)


def test_run_signal_status(box):
    b = box.bundle(["sh", "-c", "kill -9 $$"])
    b.namespace("pid", False)  # the first process of a pid namespace is spared its own signals
    box.run(b, status=128 + 9)


def test_run_output(box):
    r = box.run(box.bundle(["sh", "-c", "echo out; echo err >&2"]))
    assert r.out == "out\n" and r.err == "err\n"


def test_run_keep(box):
    box.run(box.bundle(["true"]), "--keep")
    assert box.status() == "stopped"
    box.delete(force=False)


def test_run_detach_and_pid_file(box):
    b = box.bundle(["sleep", "100"])
    pid_file = os.path.join(b.path, "pid")
    box.run(b, "-d", "--pid-file", pid_file)
    text = open(pid_file).read()
    assert text == str(box.state()["pid"])  # decimal, no line feed
    box.delete()
    assert pid_gone(int(text))


def test_create_and_start_again(box):
    b = box.bundle(["sleep", "100"])
    box.create(b)
    r = box.create(b, status=1)
    assert "container with given ID already exists" in r.err
    box.orlop("start", "c")
    assert "cannot start an already running container" in box.orlop("start", "c", status=1).err
    r = box.orlop("delete", "c", status=1)
    assert "not stopped: running" in r.err
    box.orlop("kill", "c", "SIGKILL")
    box.wait("stopped")
    assert "cannot start a container that has stopped" in box.orlop("start", "c", status=1).err
    assert "container not running" in box.orlop("kill", "c", status=1).err
    assert "container not running" in box.orlop("exec", "c", "true", status=255).err
    box.delete(force=False)


def test_delete_created(box):
    box.create(box.bundle(["sleep", "100"]))
    pid = box.state()["pid"]
    box.delete(force=False)
    assert pid_gone(pid)


def test_kill_created(box):
    box.create(box.bundle(["sleep", "100"]))
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    box.delete(force=False)


def test_delete_force(box):
    box.run(box.bundle(["sleep", "100"]), "-d")
    box.delete()
    box.orlop("delete", "--force", "unknown")
    assert "does not exist" in box.orlop("delete", "unknown", status=1).err


@pytest.mark.parametrize("words", [("state", "x"), ("start", "x"), ("kill", "x"), ("delete", "x")])
def test_unknown_container(box, words):
    assert 'container "x" does not exist' in box.orlop(*words, status=1).err


@pytest.mark.parametrize("id", ["", ".", "..", "a/b", "../x", "a b", ".hidden", "é", "x" * 1025])
def test_invalid_id(box, id):
    b = box.bundle()
    r = box.create(b, id=id, status=1) if "/" not in id and len(id) < 200 and id else None
    b.save()
    r = box.orlop("create", "--bundle", b.path, id, status=1)
    assert "invalid container id" in r.err and len(r.err.splitlines()) == 1
    assert "invalid container id" in box.orlop("state", id, status=1).err


@pytest.mark.parametrize("name, number", [("TERM", 15), ("SIGTERM", 15), ("sigterm", 15), ("15", 15), ("HUP", 1), ("USR1", 10)])
def test_kill_signals(box, name, number):
    # the trap proves which signal arrived
    script = f"trap 'echo got {number}; exit 7' {number}; echo ready; while :; do sleep 0.1; done"
    b = box.bundle(["sh", "-c", script])
    out = box.create(b).out
    box.orlop("start", "c")
    eventually(lambda: "ready" in open(out).read(), "ready")
    box.orlop("kill", "c", name)
    eventually(lambda: f"got {number}" in open(out).read(), "signal")
    box.wait("stopped")
    box.delete(force=False)


def test_kill_bad_signal(box):
    box.create(box.bundle(["sleep", "100"]))
    for name in ("NOPE", "-1", "99", ""):
        assert "unknown signal" in box.orlop("kill", "c", "--", name, status=1).err
    box.delete()


def test_kill_all(box):
    b = box.bundle(["sh", "-c", "sleep 100 & sleep 100 & echo ready; wait"])
    b.namespace("pid", False)  # so that the others outlive the first
    out = box.create(b).out
    box.orlop("start", "c")
    eventually(lambda: "ready" in open(out).read(), "ready")
    assert len(box.processes()) == 3
    box.orlop("kill", "--all", "c", "KILL")
    eventually(lambda: not box.processes(), "all ended")
    box.delete()


def test_delete_force_shared_pid_namespace(box):
    b = box.bundle(["sh", "-c", "sleep 100 & exec sleep 100"])
    b.namespace("pid", False)
    box.run(b, "-d")
    eventually(lambda: len(box.processes()) == 2, "two processes")
    box.delete()
    assert not box.processes()


def test_list(box):
    assert box.orlop("list", "--format", "json").out == "null\n"
    b = box.bundle(["sleep", "100"])
    box.run(b, "-d", id="one")
    box.create(b, id="two", status=1)  # its cgroup is in use
    b2 = box.bundle(["sleep", "100"])
    box.create(b2, id="two")
    rows = {r["id"]: r for r in json.loads(box.orlop("list", "-f", "json").out)}
    assert rows["one"]["status"] == "running" and rows["two"]["status"] == "created"
    assert box.orlop("list", "-q").out == "one\ntwo\n"
    table = box.orlop("list").out.splitlines()
    assert table[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert table[1].split()[:3] == ["one", str(rows["one"]["pid"]), "running"]
    box.delete("one")
    box.delete("two")


def test_config_changed_after_create(box):
    b = box.bundle(["sh", "-c", "echo first; sleep 100"])
    out = box.create(b).out
    b.config["process"]["args"] = ["sh", "-c", "echo second"]
    b.save()
    box.orlop("start", "c")
    eventually(lambda: open(out).read() == "first\n", "the first program")
    box.delete()


def test_id_reusable(box):
    for _ in range(3):
        assert box.run(box.bundle(["echo", "again"])).out == "again\n"


def test_annotations(box):
    b = box.bundle(["sleep", "100"])
    b.config["annotations"] = {"org.example.a": "1", "org.example.b": ""}
    box.create(b)
    assert box.state()["annotations"] == b.config["annotations"]
    box.delete()


def test_dry_run_changes_nothing(box):
    b = box.bundle(["true"])
    b.save()
    text = box.orlop("create", "--dry-run", "--bundle", b.path, "c").out
    assert "proc" in text and not os.path.exists(box.root)


def test_no_process(box):
    b = box.bundle()
    del b.config["process"]
    box.create(b)
    assert "without a process" in box.orlop("start", "c", status=1).err
    box.delete()
    for option in ([], ["--detach"]):
        err = box.run(b, *option, status=1).err
        assert ": process: required" in err and "config.json:" in err, err


def test_signal_forwarded_by_run(box):
    import subprocess
    b = box.bundle(["sh", "-c", "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.1; done"])
    b.save()
    p = subprocess.Popen(box.command("run", "--bundle", b.path, "c"), stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "ready\n"
    p.send_signal(signal.SIGTERM)
    assert p.stdout.readline() == "caught\n" and p.wait(20) == 9
    p.stdout.close()


def test_delete_with_a_damaged_record(box):
    """What the container has is not known then: nothing is removed, and the error says what there is to remove."""
    b = box.bundle(["sleep", "100"])
    box.run(b, "-d")
    pid, record = box.state()["pid"], f"{box.root}/c/state.json"
    with open(record) as f:
        whole = f.read()
    for text in (whole[:40], "", None):
        os.unlink(record)
        if text is not None:
            with open(record, "w") as f:
                f.write(text)
        err = box.orlop("delete", "--force", "c", status=1).err
        for word in ("nothing was removed", b.config["linux"]["cgroupsPath"], f"{box.root}/c", "damaged" if text is not None else "missing"):
            assert word in err, err
        assert os.path.exists(f"/proc/{pid}") and os.path.exists(f"{box.root}/c/config.json")
        with open(record, "w") as f:
            f.write(whole)
    assert box.status() == "running"
    box.delete()
