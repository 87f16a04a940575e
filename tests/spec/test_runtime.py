# SPDX-License-Identifier: Apache-2.0
"""runtime.md and runtime-linux.md: the state, the operations and what a container finds."""
import json
import os
import re
import signal
import subprocess

import pytest
from orlop import eventually, pid_gone

pytestmark = pytest.mark.views


def read(path):
    with open(path) as f:
        return f.read()


def hook(script, **more):
    return {"path": "/bin/sh", "args": ["sh", "-c", script], **more}


# --- state

@pytest.mark.spec(1, 2, 4, 6, 8, 22, 23)
def test_state_through_a_life(box):
    b = box.bundle(["sleep", "100"])
    b.save()
    box.orlop("create", "--bundle", os.path.basename(b.path), "c", cwd=box.dir, stdin=None)
    seen = [box.state()]
    box.orlop("start", "c")
    seen.append(box.state())
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    seen.append(box.state())
    box.orlop("delete", "c")
    assert [s["status"] for s in seen] == ["created", "running", "stopped"]
    assert all(s["id"] == "c" and s["bundle"] == os.path.realpath(b.path) and re.match(r"1\.\d+\.\d+", s["ociVersion"]) for s in seen)
    assert seen[0]["pid"] == seen[1]["pid"] > 0
    # state-schema.json: names and kinds of the members
    kinds = {"ociVersion": str, "id": str, "status": str, "pid": int, "bundle": str, "annotations": dict}
    assert all(isinstance(s[name], kind) for s in seen for name, kind in kinds.items() if name in s)


@pytest.mark.spec(7)
@pytest.mark.parametrize("annotations", [None, {}, {"org.example.a": "1", "org.example.b": ""}])
def test_state_has_the_annotations(box, annotations):
    b = box.bundle(["sleep", "100"])
    if annotations is not None:
        b.config["annotations"] = annotations
    box.create(b)
    said = box.state().get("annotations", {})
    box.delete()
    assert {k: v for k, v in said.items() if k.startswith("org.example")} == (annotations or {})


@pytest.mark.spec(3, 25)
def test_id_in_use(box):
    box.create(box.bundle(["sleep", "100"]))
    before = box.state()
    b = box.bundle(["true"])
    assert box.create(b, status=None).status != 0
    assert box.state() == before
    box.delete()


@pytest.mark.spec(25)
@pytest.mark.parametrize("id", ["", ".", "..", "../x", "a/b", "a b"])
def test_invalid_id(box, id):
    b = box.bundle(["true"])
    b.save()
    assert box.fails("create", "--bundle", b.path, id)
    assert not os.path.isdir(box.root) or os.listdir(box.root) == []


@pytest.mark.spec(23, 24, 30, 34, 37)
@pytest.mark.parametrize("operation", ["state", "create", "start", "kill", "delete"])
def test_no_id(box, operation):
    assert box.fails(operation)


@pytest.mark.spec(23)
@pytest.mark.parametrize("operation", ["state", "start", "kill", "delete"])
def test_unknown_container(box, operation):
    assert box.fails(operation, "unknown")


# --- create

@pytest.mark.spec(24, 94)
def test_bundle_without_config(box):
    b = box.bundle(["true"])
    b.save()
    os.rename(f"{b.path}/config.json", f"{b.path}/Config.json")
    assert box.fails("create", "--bundle", b.path, "c")
    assert box.fails("create", "--bundle", f"{box.dir}/nowhere", "c")


@pytest.mark.spec(9, 10, 16, 26, 27, 32)
def test_program_waits_for_start(box):
    b = box.bundle(["sh", "-c", "echo ran > /ran; hostname > /host; sleep 100"])
    b.config["hostname"] = "inside"
    b.config["linux"]["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "99"}
    b.mount("/mnt", "tmpfs", "tmpfs", ["size=64k"])
    box.create(b)
    pid = box.state()["pid"]
    # the environment is there, and nothing of the program
    assert os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    assert [line.split()[4] for line in read(f"/proc/{pid}/mountinfo").splitlines()].count("/mnt") == 1
    look = ["nsenter", "--target", str(pid), "--uts", "--net", "sh", "-c", "uname -n; cat /proc/sys/net/ipv4/ip_unprivileged_port_start"]
    assert subprocess.run(look, capture_output=True, text=True, timeout=20, check=True).stdout == "inside\n99\n"
    assert not os.path.exists(f"{b.rootfs}/ran")
    box.orlop("start", "c")
    eventually(lambda: os.path.exists(f"{b.rootfs}/host") and read(f"{b.rootfs}/host") == "inside\n", "the program")
    box.delete()


@pytest.mark.spec(11)
def test_later_edits(box):
    b = box.bundle(["sh", "-c", "echo first > /out; sleep 100"])
    box.create(b)
    b.config["process"]["args"][2] = "echo second > /out"
    b.config["hooks"] = {"poststop": [hook(f"echo ran > {box.dir}/hook")]}
    b.save()
    box.orlop("start", "c")
    eventually(lambda: os.path.exists(f"{b.rootfs}/out") and read(f"{b.rootfs}/out") == "first\n", "the first program")
    box.delete()
    assert not os.path.exists(f"{box.dir}/hook")


IMPOSSIBLE = {
    "source of a mount": lambda b: b.mount("/mnt", "/does/not/exist", options=["bind"]),
    "file system": lambda b: b.mount("/mnt", "x", "no-such-file-system"),
    "data of a file system": lambda b: b.mount("/mnt", "tmpfs", "tmpfs", ["no-such-option"]),
    "path of a namespace": lambda b: b.namespace("network", "/does/not/exist"),
    "parameter": lambda b: b.config["linux"].update(sysctl={"net.ipv4.no_such_parameter": "1"}),
    "program": lambda b: b.config["process"].update(args=["/does/not/exist"]),
}


@pytest.mark.spec(9, 20, 28)
@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_impossible(box, what):
    """An error, no container; that nothing is left, the box looks after."""
    assert box.refuses(IMPOSSIBLE[what])


@pytest.mark.spec(20)
def test_failed_operations_change_nothing(box):
    box.create(box.bundle(["sleep", "100"]))
    before = box.state()
    assert box.fails("kill", "c", "NO-SUCH-SIGNAL")
    assert box.fails("create", "--bundle", f"{box.dir}/nowhere", "c")
    assert box.state() == before
    box.orlop("start", "c")
    before = box.state()
    assert box.fails("start", "c") and box.fails("delete", "c")
    assert box.state() == before
    box.delete()


@pytest.mark.spec(29)
def test_judged_before_anything_is_done(box):
    """No hook runs for a document that is not valid."""
    def change(b):
        b.config["hooks"] = {n: [hook(f"echo ran > {box.dir}/ran")] for n in ("prestart", "createRuntime", "poststop")}
        b.config["process"]["rlimits"] = [{"type": "RLIMIT_NOTHING", "soft": 1, "hard": 1}]
    assert box.refuses(change)
    assert not os.path.exists(f"{box.dir}/ran")


# --- start, kill, delete

@pytest.mark.spec(31)
def test_start_twice(box):
    b = box.bundle(["sh", "-c", "echo ran >> /out; sleep 100"])
    box.create(b)
    box.orlop("start", "c")
    eventually(lambda: os.path.exists(f"{b.rootfs}/out"), "the program")
    assert box.fails("start", "c") and box.status() == "running"
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    assert box.fails("start", "c") and box.status() == "stopped"
    box.delete(force=False)
    assert read(f"{b.rootfs}/out") == "ran\n"


@pytest.mark.spec(33)
def test_start_without_process(box):
    b = box.bundle()
    del b.config["process"]
    box.create(b)
    assert box.fails("start", "c")
    box.delete()


@pytest.mark.spec(35)
def test_kill_of_a_stopped_container(box):
    box.create(box.bundle(["true"]))
    box.orlop("start", "c")
    box.wait("stopped")
    assert box.fails("kill", "c", "KILL") and box.status() == "stopped"
    box.delete(force=False)


@pytest.mark.spec(36)
@pytest.mark.parametrize("name, number", [("HUP", 1), ("SIGUSR1", 10), ("12", 12), ("TERM", 15)])
def test_kill_sends_this_signal(box, name, number):
    script = "; ".join(f"trap 'echo {n} >> /got' {n}" for n in (1, 2, 10, 12, 15)) + "; echo > /ready; while :; do sleep 0.1; done"
    b = box.bundle(["sh", "-c", script])
    box.create(b)
    box.orlop("start", "c")
    eventually(lambda: os.path.exists(f"{b.rootfs}/ready"), "the traps")
    box.orlop("kill", "c", name)
    eventually(lambda: os.path.exists(f"{b.rootfs}/got") and read(f"{b.rootfs}/got"), "the signal")
    box.delete()
    assert read(f"{b.rootfs}/got") == f"{number}\n"


@pytest.mark.spec(36)
def test_kill_of_a_created_container(box):
    box.create(box.bundle(["sleep", "100"]))
    pid = box.state()["pid"]
    box.orlop("kill", "c", str(int(signal.SIGKILL)))
    box.wait("stopped")
    assert pid_gone(pid)
    box.delete(force=False)


@pytest.mark.spec(38)
def test_delete_of_a_running_container(box):
    box.create(box.bundle(["sleep", "100"]))
    box.orlop("start", "c")
    before = box.state()
    assert box.fails("delete", "c")
    assert box.state() == before and not pid_gone(before["pid"])
    box.delete()


@pytest.mark.spec(18, 39, 41)
def test_delete_removes_what_create_made(box):
    for _ in range(2):  # the ID may be used again
        b = box.bundle(["sleep", "100"])
        before = box.snapshot()
        box.create(b)
        pid = box.state()["pid"]
        made = box.snapshot()
        assert made["cgroups"] != before["cgroups"]
        box.orlop("start", "c")
        box.orlop("kill", "c", "KILL")
        box.wait("stopped")
        box.orlop("delete", "c")
        assert box.snapshot() == before and pid_gone(pid) and box.fails("state", "c")


@pytest.mark.spec(40)
def test_delete_leaves_what_create_found(box):
    outer = box.bundle(["sleep", "100"])
    box.run(outer, "-d", id="outer")
    pid = box.state("outer")["pid"]
    b = box.bundle(["true"])
    os.mkdir(f"{b.path}/data")
    os.mkdir(f"{b.rootfs}/mnt")
    b.namespace("network", f"/proc/{pid}/ns/net")
    b.mount("/mnt", f"{b.path}/data", options=["bind"])
    b.config["linux"]["cgroupsPath"] = outer.config["linux"]["cgroupsPath"] + "/inner"
    before, spaces = box.snapshot(), os.readlink(f"/proc/{pid}/ns/net")
    box.run(b)
    assert box.status("outer") == "running" and os.readlink(f"/proc/{pid}/ns/net") == spaces
    assert os.path.isdir(f"{b.path}/data") and os.path.isdir(f"{b.rootfs}/mnt") and box.snapshot() == before
    box.delete("outer")


@pytest.mark.spec(21)
def test_warning_changes_nothing(box):
    """Of two containers that differ in what is warned of alone, the programs see the same."""
    log = f"{box.dir}/log"
    level = ["--log-level", "warning"] if "--log-level" in box.orlop("--help").out else []
    seen = []
    for ambient in ([], ["CAP_NOT_YET_KNOWN"]):
        b = box.bundle(["sh", "-c", "grep Cap /proc/self/status; exit 5"])
        b.config["process"]["capabilities"]["ambient"] = ambient
        b.save()
        r = box.orlop("--log", log, *level, "run", "--bundle", b.path, "c", status=None)
        seen.append((r.status, r.out))
    assert seen[0] == seen[1] and seen[0][0] == 5 and "CAP_NOT_YET_KNOWN" in r.err + (read(log) if os.path.exists(log) else "")


# --- runtime-linux.md

@pytest.mark.spec(42)
def test_descriptors(box):
    r, w = os.pipe()
    b = box.bundle(["sh", "-c", "ls /proc/1/fd; true"])
    for fd in (r, w):
        os.set_inheritable(fd, True)
    b.save()
    out = box.orlop("run", "--bundle", b.path, "c", pass_fds=(r, w)).out
    os.close(r), os.close(w)
    assert out.split() == ["0", "1", "2"]


@pytest.mark.spec(43)
def test_preserved_descriptors(box):
    r, w = os.pipe()
    b = box.bundle(["sh", "-c", "echo through >&3"])
    b.save()
    out = box.orlop("run", "--preserve-fds", "1", "--bundle", b.path, "c", pass_fds=(3,), preexec_fn=lambda: os.dup2(w, 3)).out
    os.close(w)
    with os.fdopen(r) as f:
        assert f.read() == "through\n" and out == ""


LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}


@pytest.mark.spec(44)
def test_links_in_dev(box):
    out = box.sh("cd /dev; for i in " + " ".join(LINKS) + "; do readlink $i; done")
    assert out.split() == list(LINKS.values())


# --- what others read

@pytest.mark.spec(5, 78)
def test_state_that_hooks_read(box):
    b = box.bundle(["sleep", "100"])
    names = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    b.config["hooks"] = {n: [hook(f"cat > {box.dir}/{n}")] for n in names}
    b.config["hooks"]["startContainer"] = [hook("cat > /told")]  # which sees the container's files alone
    box.create(b)
    pid = box.state()["pid"]
    box.orlop("start", "c")
    box.delete()
    seen = {n: json.loads(read(f"{box.dir}/{n}")) for n in names}
    seen["startContainer"] = json.loads(read(f"{b.rootfs}/told"))
    assert all(s["id"] == "c" and s["bundle"] == os.path.realpath(b.path) and s["ociVersion"] for s in seen.values())
    assert [seen[n]["pid"] for n in ("prestart", "createRuntime", "poststart")] == [pid] * 3
    assert seen["createContainer"]["pid"] == seen["startContainer"]["pid"] == 1  # as seen in the container
