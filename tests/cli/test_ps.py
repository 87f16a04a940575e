# SPDX-License-Identifier: Apache-2.0
"""ps: the processes of a container, by number and as rows of the host's ps."""
import json
import os
import shutil
import subprocess

import pytest
from orlop import eventually

needs_ps = pytest.mark.skipif(not shutil.which("ps"), reason="the host has no ps")


@pytest.fixture
def three(box):
    """A container of three processes."""
    box.run(box.bundle(["sh", "-c", "sleep 111 & sleep 222 & wait"]), "-d")
    eventually(lambda: programs(pids(box)) == ["sh", "sleep", "sleep"], "a shell and what it starts")
    yield box
    box.delete()


def pids(box, id="c"):
    return json.loads(box.orlop("ps", "--format", "json", id).out)


def programs(found):
    names = []
    for pid in found:
        with open(f"/proc/{pid}/cmdline") as f:
            names.append(f.read().split("\0")[0])
    return sorted(names)


def test_json(three):
    found = pids(three)
    assert found == sorted(found) and three.state()["pid"] in found
    assert programs(found) == ["sh", "sleep", "sleep"]
    assert three.orlop("ps", "-f=json", "c").out == three.orlop("ps", "--format=json", "c").out


def test_json_of_a_stopped_one(box):
    box.run(box.bundle(["true"]), "--keep")
    assert box.orlop("ps", "-f", "json", "c").out == "[]\n"
    box.delete()


@needs_ps
def test_table(three):
    lines = three.orlop("ps", "c").out.splitlines()
    assert "PID" in lines[0].split() and "PPID" in lines[0].split()
    column = lines[0].split().index("PID")
    assert sorted(int(line.split()[column]) for line in lines[1:]) == pids(three)
    assert any(line.endswith("sleep 111") for line in lines)


@needs_ps
def test_options_of_ps(three):
    """What follows the container is for ps, and the column is found by its title."""
    lines = three.orlop("ps", "c", "-e", "-o", "ppid,pid,comm").out.splitlines()
    assert lines[0].split() == ["PPID", "PID", "COMMAND"]
    assert sorted(int(line.split()[1]) for line in lines[1:]) == pids(three)
    assert three.orlop("ps", "c", "aux").out.splitlines()[0].split()[:2] == ["USER", "PID"]


@needs_ps
def test_ps_that_fails(three):
    assert "no column PID" in three.orlop("ps", "c", "-e", "-o", "ppid,comm", status=1).err
    r = three.orlop("ps", "c", "--no-such-option", status=1)
    assert "ps failed with status 1" in r.err and r.out == ""


def test_no_ps(three, tmp_path):
    r = three.orlop("ps", "c", status=1, env={"PATH": str(tmp_path)})
    assert "ps failed with status 127: No such file" in r.err


def test_without_path(three):
    """Engines call with next to no environment."""
    if not any(os.path.exists(f"{d}/ps") for d in ("/bin", "/usr/bin")):
        pytest.skip("the host has no ps")
    done = subprocess.run(three.command("ps", "c"), env={"XDG_RUNTIME_DIR": "/x"}, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "PID" in done.stdout


def test_wrong_words(three):
    assert "invalid format" in three.orlop("ps", "--format", "xml", "c", status=1).err
    assert "an operand is missing" in three.orlop("ps", status=1).err
    assert 'container "x" does not exist' in three.orlop("ps", "x", status=1).err


def test_without_a_cgroup(box):
    b = box.bundle(["sleep", "100"])
    b.save()
    box.orlop("--cgroup-manager", "disabled", "run", "-d", "--bundle", b.path, "c")
    assert "no cgroup of its own" in box.orlop("ps", "c", status=1).err
    box.delete()
