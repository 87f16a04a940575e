# SPDX-License-Identifier: Apache-2.0
"""What a command is asked to print and cannot is an error that says so, not a success without output."""
import json
import os
import subprocess

import pytest

COMMANDS = {
    "version": ["--version"], "help": ["--help"], "command help": ["help"], "help of a command": ["help", "run"], "--help of a command": ["run", "--help"],
    "features": ["features"], "list": ["list"], "list of names": ["list", "-q"], "list as json": ["list", "-f", "json"], "metrics": ["metrics"],
    "state": ["state", "c"], "ps": ["ps", "c"], "ps as json": ["ps", "-f", "json", "c"], "mounts": ["mounts", "list", "c"],
    "events": ["events", "--stats", "c"], "all events": ["events", "c"], "stats": ["stats", "--no-stream", "c"], "all stats": ["stats", "c"],
}


@pytest.fixture(scope="module")
def full():
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    with open("/dev/full", "w", encoding="utf-8") as f:
        yield f


@pytest.mark.parametrize("json", [False, True], ids=["text", "json"])
def test_full(box, full, json):
    box.run(box.bundle(["sleep", "100"]), "-d")
    for name, words in COMMANDS.items():
        log = ["--log-format", "json"] if json else []
        done = subprocess.run(box.command(*log, *words), stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        assert done.returncode == 1 and "writing to standard output: No space left on device" in done.stderr, (name, done)
        assert done.stderr.count("\n") == 1, (name, done)
    box.delete()


def test_dry_run(box, full):
    b = box.bundle(["true"])
    b.save()
    done = subprocess.run(box.command("create", "--dry-run", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                          text=True, timeout=60, check=False)
    assert done.returncode == 1 and "writing to standard output" in done.stderr, done


def test_closed(box):
    done = subprocess.run(["/bin/sh", "-c", 'exec "$@" >&-', "sh", *box.command("--version")], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1 and "writing to standard output: Bad file descriptor" in done.stderr, done


def test_failing_version_as_json(box):
    """As any other failure with this form of the log."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(box.command("--log-format", "json", "--version"), stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and "No space left" in json.loads(done.stderr)["msg"], done
