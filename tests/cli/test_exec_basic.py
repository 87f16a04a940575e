# SPDX-License-Identifier: Apache-2.0
"""exec: one more process in a running container."""
import json
import os
import subprocess
import sys

import pytest
from orlop import eventually


@pytest.fixture
def running(box):
    b = box.bundle(["sleep", "100"])
    box.run(b, "-d")
    yield box
    box.delete()


def test_output_and_status(running):
    assert running.orlop("exec", "c", "echo", "hi").out == "hi\n"
    running.orlop("exec", "c", "sh", "-c", "exit 7", status=7)
    running.orlop("exec", "c", "sh", "-c", "kill -9 $$", status=137)


def test_missing_program(running):
    r = running.orlop("exec", "c", "nope", status=255)
    assert "executable file not found in $PATH" in r.err
    assert "no such file or directory" in running.orlop("exec", "c", "/nope", status=255).err


def test_user_env_cwd(running):
    r = running.orlop("exec", "--user", "1000:1001", "--env", "A=b", "--cwd", "/tmp", "c", "sh", "-c", "id -u; id -g; pwd; echo $A; echo $HOME")
    assert r.out.split() == ["1000", "1001", "/tmp", "b", "/home"]


@pytest.mark.parametrize("user", ["1:", ":1", "0x1", "-1", "4294967295", "4294967296", " 1", "1x", "root", ""])
def test_user_strict(running, user):
    assert "invalid user" in running.orlop("exec", "--user", user, "c", "id", status=255).err


def test_same_namespaces_and_cgroup(running):
    pid = running.state()["pid"]
    for ns in ("pid", "net", "ipc", "uts", "mnt"):
        assert running.orlop("exec", "c", "readlink", f"/proc/self/ns/{ns}").out.strip() == os.readlink(f"/proc/{pid}/ns/{ns}")
    assert running.orlop("exec", "c", "cat", "/proc/self/cgroup").out == running.orlop("exec", "c", "cat", "/proc/1/cgroup").out


def test_detached_with_pid_file(running):
    pid_file = os.path.join(running.dir, "pid")
    running.orlop("exec", "--detach", "--pid-file", pid_file, "c", "sleep", "50")
    with open(f"/proc/{int(open(pid_file).read())}/cmdline") as f:
        assert f.read() == "sleep\0" + "50\0"


def test_process_document(running):
    path = os.path.join(running.dir, "process.json")
    with open(path, "w") as f:
        json.dump({"args": ["sh", "-c", "id -u; echo $X; pwd"], "env": ["PATH=/bin", "X=y"], "cwd": "/tmp", "user": {"uid": 3, "gid": 4}}, f)
    assert running.orlop("exec", "--process", path, "c").out.split() == ["3", "y", "/tmp"]


def test_capabilities(running):
    text = running.orlop("exec", "--cap", "CAP_NET_ADMIN", "c", "cat", "/proc/self/status").out
    caps = {line.split()[0]: int(line.split()[1], 16) for line in text.splitlines() if line.startswith("Cap")}
    assert caps["CapEff:"] >> 12 & 1 and caps["CapBnd:"] >> 12 & 1 and caps["CapInh:"] == 0


def test_descriptors(running):
    assert running.orlop("exec", "c", "ls", "/proc/self/fd").out.split() == ["0", "1", "2", "3"]  # 3 is ls's own


def test_in_created_container(box):
    box.create(box.bundle(["true"]))
    assert box.orlop("exec", "c", "echo", "x").out == "x\n"
    box.delete()


def test_parent_that_does_not_collect(box):
    """A detached exec is left to a parent that never waits for it: the container is deleted all the same."""
    b = box.bundle(["sleep", "100"])
    b.save()
    script = """
import ctypes, json, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans are ours, and we let them lie
base = json.loads(sys.argv[1])
quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
subprocess.run([*base, "run", "-d", "--bundle", sys.argv[2], "c"], check=True, **quiet)
subprocess.run([*base, "exec", "-d", "c", "sleep", "100"], check=True, **quiet)
subprocess.run([*base, "delete", "--force", "c"], check=True, **quiet)
"""
    done = subprocess.run([sys.executable, "-c", script, json.dumps(box.command()), b.path], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert box.orlop("list", "-q").out == ""


def test_processes_end_with_container(box):
    box.run(box.bundle(["sleep", "100"]), "-d")
    box.orlop("exec", "-d", "c", "sleep", "100")
    assert len(box.processes()) == 2
    box.delete()
    eventually(lambda: not box.processes(), "ended")
