# SPDX-License-Identifier: Apache-2.0
"""Hooks that fail after create, where they run, and what they are given."""
import json
import os
import signal
import subprocess

import pytest
from orlop import eventually, pid_gone


def hook(script, **more):
    return {"path": "/bin/sh", "args": ["sh", "-c", script], **more}


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path) as f:
        return f.read()


def test_start_container_fails(box):
    """SPEC 15: the program is not run, the container is stopped and destroyed, and poststop hooks run."""
    log = os.path.join(box.dir, "log")
    b = box.bundle(["sh", "-c", "echo ran"])
    b.config["hooks"] = {"startContainer": [hook("echo because >&2; exit 4")], "poststop": [hook(f"echo poststop >> {log}")]}
    out = box.create(b).out
    err = box.orlop("start", "c", status=1).err
    assert "hooks.startContainer[0]" in err and "exit status 4" in err and "because" in err
    assert "ran" not in read(out)
    if box.orlop("list", "-q").out:  # whoever made it may still delete it
        box.wait("stopped")
        box.delete(force=False)
    assert read(log) == "poststop\n"


def test_poststart_fails(box):
    """SPEC 17: start fails, the container is stopped, and poststop hooks run."""
    log = os.path.join(box.dir, "log")
    b = box.bundle(["sleep", "100"])
    b.config["hooks"] = {"poststart": [hook(f"echo one >> {log}; exit 5"), hook(f"echo two >> {log}")], "poststop": [hook(f"echo poststop >> {log}")]}
    box.create(b)
    pid = box.state()["pid"]
    err = box.orlop("start", "c", status=1).err
    assert "hooks.poststart[0]" in err and "exit status 5" in err
    eventually(lambda: pid_gone(pid), "the program is stopped")
    if box.orlop("list", "-q").out:
        box.wait("stopped")
        box.delete(force=False)
    assert read(log) == "one\npoststop\n"


def test_poststop_fails(box):
    """SPEC 19: a warning; the other hooks run and delete succeeds."""
    log = os.path.join(box.dir, "log")
    b = box.bundle(["true"])
    b.config["hooks"] = {"poststop": [hook("exit 6"), hook(f"echo two >> {log}")]}
    box.run(b, "--keep")
    r = box.orlop("--log-level", "warning", "delete", "c")
    assert "hooks.poststop[0]" in r.err and read(log) == "two\n"
    assert box.orlop("list", "-q").out == ""


def test_where_they_run(box):
    """SPEC 74, 75, 76: the first two, poststart and poststop in the runtime's namespaces, the others in the container's; startContainer finds its
    program in the container's root, createContainer in the host's."""
    log = os.path.join(box.dir, "log")
    def spaces(name):
        return hook(f"cd /proc/self/ns; echo {name} $(readlink mnt) $(readlink net) >> {log}")
    b = box.bundle(["sleep", "100"])
    b.mount(box.dir, box.dir, options=["bind"])
    b.config["hooks"] = {n: [spaces(n)] for n in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")}
    b.config["hooks"]["startContainer"][0]["path"] = "/bin/only-inside"
    b.config["hooks"]["createContainer"].append({"path": os.path.join(box.dir, "only-outside")})
    os.symlink("busybox", f"{b.rootfs}/bin/only-inside")
    with open(os.path.join(box.dir, "only-outside"), "w") as f:
        f.write(f"#!/bin/sh\necho outside >> {log}\n")
    os.chmod(os.path.join(box.dir, "only-outside"), 0o755)
    b.config["hooks"]["startContainer"][0]["args"][0] = "sh"
    box.create(b)
    box.orlop("start", "c")
    ours = [os.readlink(f"/proc/self/ns/{n}") for n in ("mnt", "net")]
    theirs = [os.readlink(f"/proc/{box.state()['pid']}/ns/{n}") for n in ("mnt", "net")]
    box.delete()
    lines = dict(line.split(" ", 1) if " " in line else (line, "") for line in read(log).splitlines())
    for name in ("prestart", "createRuntime", "poststart", "poststop"):
        assert lines[name].split() == ours, name
    for name in ("createContainer", "startContainer"):
        assert lines[name].split() == theirs, name
    assert "outside" in lines


def test_state_on_standard_input(box):
    """SPEC 5, 78: a hook in the container is told the pid it has there; the others the runtime's."""
    b = box.bundle(["sleep", "100"])
    b.config["annotations"] = {"org.example": "x"}
    names = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    b.config["hooks"] = {n: [hook(f"cat > {box.dir}/{n}")] for n in names}
    box.create(b)
    pid = box.state()["pid"]
    box.orlop("start", "c")
    box.delete()
    states = {n: json.loads(read(os.path.join(box.dir, n))) for n in names}
    assert {n: s["status"] for n, s in states.items()} == {"prestart": "creating", "createRuntime": "creating", "createContainer": "creating",
                                                           "poststart": "running", "poststop": "stopped"}
    assert all(s["id"] == "c" and s["bundle"] == os.path.realpath(b.path) and s["annotations"] == {"org.example": "x"} and s["ociVersion"]
               for s in states.values())
    assert states["prestart"]["pid"] == states["createRuntime"]["pid"] == states["poststart"]["pid"] == pid
    assert states["createContainer"]["pid"] == 1


def test_program_that_is_not_there(box):
    b = box.bundle(["true"])
    b.config["hooks"] = {"createRuntime": [{"path": "/no/such/hook"}]}
    err = box.create(b, status=1).err
    assert "hooks.createRuntime[0]" in err and "/no/such/hook" in err and "no such file" in err.lower()


@pytest.mark.parametrize("point", ["createContainer", "startContainer", "poststart"])
def test_slow_hook(box, point):
    """SPEC 73: ended after its timeout, with all that it started."""
    b = box.bundle(["sleep", "100"])
    b.config["hooks"] = {point: [hook("sleep 77 & sleep 77", timeout=1)]}
    if point == "createContainer":
        assert "longer than its 1 s" in box.create(b, status=1).err
    else:
        box.create(b)
        assert "longer than its 1 s" in box.orlop("start", "c", status=1).err
        box.delete()


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_ends_by_a_signal_while_a_hook_hangs(box, kind, number):
    """Though `run` keeps signals for the container: there is none yet, or no more.  Nothing is left."""
    b = box.bundle(["true" if kind == "poststop" else "sleep", "100"])
    marker = os.path.join(box.dir, "marker") if kind not in ("createContainer", "startContainer") else f"{b.rootfs}/marker"
    inside = marker if kind != "startContainer" else "/marker"
    b.config["hooks"] = {kind: [hook(f"echo $$ > {inside}; exec sleep 100")]}
    b.save()
    with subprocess.Popen(box.command("run", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        eventually(lambda: read(marker).endswith("\n"), "the hook runs")
        run.send_signal(signal.SIGUSR1)  # ends nothing
        run.send_signal(number)
        err = run.stderr.read()
        status = run.wait(20)
    if kind == "poststop":
        assert (status, err) == (0, "")  # a warning, of a container that has ended well
    else:
        assert status == 1 and "a signal ended the waiting" in err, err
    assert os.listdir(box.root) == []
