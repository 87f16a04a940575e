# SPDX-License-Identifier: Apache-2.0
"""stats: a table of what containers use; once, again and again, on a terminal, as JSON."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from limits import hierarchies, v2_controllers
from orlop import DRIVER, PATIENCE, eventually

MB = 1 << 20
TITLES = ["ID", "CPU %", "MEMORY", "LIMIT", "MEM %", "PIDS", "DISK READ", "WRITTEN", "NET RECEIVED", "SENT"]
NUMBERS = {"cpu_percent": float, "memory_percent": float, **dict.fromkeys(
    ("cpu_ns", "memory", "memory_limit", "pids", "pids_limit", "io_read", "io_written", "net_received", "net_sent"), int)}


def has(controller):
    return controller in hierarchies() or controller in v2_controllers()


def running(box, args=("sleep", "100"), resources=None, id="c"):
    b = box.bundle(args)
    b.config["linux"]["resources"] = {c: r for c, r in (resources or {}).items() if has(c)}
    box.run(b, "-d", id=id)
    return b


def rows(text):
    """A table as rows of cells by title."""
    lines = text.splitlines()
    assert re.split(r"  +", lines[0].strip()) == TITLES
    return {line.split()[0]: dict(zip(TITLES, line.split())) for line in lines[1:]}


# --- once

def test_json(box):
    running(box, resources={"memory": {"limit": 64 * MB}, "pids": {"limit": 20}})
    running(box, id="d")
    found = json.loads(box.orlop("stats", "--no-stream", "-f", "json", "--interval=100ms").out)
    assert [row["id"] for row in found] == ["c", "d"]
    for row in found:
        assert all(type(value) is NUMBERS[name] for name, value in row.items() if name != "id")
        assert row["cpu_percent"] >= 0 and row["cpu_ns"] > 0 and row["pids"] == 1
    assert found[0].get("memory_limit") == (64 * MB if has("memory") else None)
    assert found[0].get("pids_limit") == (20 if has("pids") else None)
    assert "memory_limit" not in found[1]
    assert "pids_limit" not in found[1] or DRIVER == "systemd" # which has a default of its own, DefaultTasksMax
    assert [row["id"] for row in json.loads(box.orlop("stats", "--no-stream", "-f", "json", "--interval=1ms", "d", "c").out)] == ["d", "c"]
    box.delete()
    box.delete("d")


def test_json_agrees_with_events(box):
    """Of a container that stands still."""
    running(box, resources={"memory": {"limit": 64 * MB}})
    box.orlop("pause", "c")

    def settled():
        before = json.loads(box.orlop("events", "--stats", "c").out)["data"]
        row = json.loads(box.orlop("stats", "--no-stream", "-f", "json", "--interval=1ms").out)[0]
        after = json.loads(box.orlop("events", "--stats", "c").out)["data"]
        return before["memory"]["usage"] == after["memory"]["usage"] and before["cpu"]["usage"] == after["cpu"]["usage"] and (row, after)
    row, data = eventually(settled, "numbers that hold still")
    assert row["cpu_ns"] == data["cpu"]["usage"]["total"] and row["cpu_percent"] == 0
    assert row.get("memory") == data["memory"]["usage"].get("usage")
    if has("memory"):
        assert row["memory_percent"] == pytest.approx(100 * row["memory"] / (64 * MB), abs=0.01)
    box.orlop("resume", "c")
    box.delete()


def test_table(box):
    running(box, resources={"memory": {"limit": 64 * MB}}, id="a-rather-long-id-of-a-container")
    table = rows(box.orlop("stats", "--no-stream", "--interval=1ms").out)
    assert list(table) == ["a-rather-long-id-of-a-container"]
    row = table["a-rather-long-id-of-a-container"]
    assert row["LIMIT"] == ("64.0MiB" if has("memory") else "-") and row["PIDS"] == "1" and re.fullmatch(r"\d+\.\d\d", row["CPU %"])
    box.delete("a-rather-long-id-of-a-container")


def test_a_hog_shows(box):
    """In parts of one processor; how many is the machine's affair."""
    running(box, ["sh", "-c", "while :; do :; done"])
    first = json.loads(box.orlop("stats", "--no-stream", "-f", "json", "--interval=200ms", "c").out)[0]
    assert first["cpu_percent"] > 0
    box.delete()


def test_nobody(box):
    assert rows(box.orlop("stats", "--no-stream", "--interval=1ms").out) == {}
    assert box.orlop("stats", "--no-stream", "--interval=1ms", "--format", "json").out == "[]\n"


def test_stopped(box):
    """Those that have ended are not shown, unless they were asked for, which is an error."""
    box.run(box.bundle(["true"]), "--keep")
    assert rows(box.orlop("stats", "--no-stream", "--interval=1ms").out) == {}
    assert "container not running" in box.orlop("stats", "--no-stream", "c", status=1).err
    assert 'container "x" does not exist' in box.orlop("stats", "x", status=1).err
    box.delete()


def test_without_a_cgroup(box):
    b = box.bundle(["sleep", "100"])
    b.save()
    box.orlop("--cgroup-manager", "disabled", "run", "-d", "--bundle", b.path, "c")
    assert set(rows(box.orlop("stats", "--no-stream", "--interval=1ms").out)["c"].values()) == {"c", "-"}
    assert json.loads(box.orlop("stats", "--no-stream", "-f", "json", "--interval=1ms").out) == [{"id": "c"}]
    box.delete()


def test_wrong_words(box):
    for words, message in ((["--format=xml"], "invalid format"), (["--interval=1"], "invalid duration"), (["--interval=0s"], "more than 0")):
        r = box.orlop("stats", *words, status=1)
        assert message in r.err and r.out == ""


# --- again and again

def test_pipe(box):
    """Without a terminal frames are parted by an empty line; the end of all that were named is the end."""
    running(box)
    running(box, id="d")
    process = subprocess.Popen(box.command("stats", "--interval=50ms", "c"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline() for _ in range(5)]
    box.delete()
    text = "".join(lines) + process.stdout.read()
    assert process.wait() == 0
    frames = text.split("\n\n")
    assert "\033" not in text and len(frames) >= 2
    assert [rows(frame)["c"]["CPU %"] == "-" for frame in frames] == [True] + [False] * (len(frames) - 1)
    box.delete("d")


def test_json_stream(box):
    running(box)
    process = subprocess.Popen(box.command("stats", "--interval=50ms", "--format=json"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert all("cpu_percent" in json.loads(process.stdout.readline())[0] for _ in range(3))
    running(box, id="new")
    while len(frame := json.loads(process.stdout.readline())) < 2:
        pass
    assert [row["id"] for row in frame] == ["c", "new"]
    process.terminate()
    process.wait()
    process.stdout.close()
    box.delete()
    box.delete("new")


class Terminal:
    """`orlop stats` on a terminal of its own, which controls it."""

    def __init__(self, box, *words, columns=200, lines=24):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            for number in (signal.SIGINT, signal.SIGQUIT):  # a suite in the background has them ignored
                signal.signal(number, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            argv = box.command("stats", *words)
            os.execv(argv[0], argv)
        self.text = ""

    def resize(self, columns, lines):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def frame(self):
        """The lines of the next frame; each begins at the top left and clears what is below it."""
        end = time.monotonic() + 20 * PATIENCE
        while not (whole := re.match(r".*?\x1b\[H(.*?)\x1b\[J(?!ID)", self.text, re.S)):
            assert time.monotonic() < end, self.text
            if select.select([self.fd], [], [], 1)[0]:
                self.text += os.read(self.fd, 65536).decode()
        self.text = self.text[whole.end():]
        return whole.group(1).replace("\x1b[J", "").replace("\x1b[K", "").split("\r\n")[:-1]

    def end(self):
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return status


def test_terminal(box):
    """Frames are drawn over each other; Ctrl-C ends it as any program, and leaves the terminal as it was."""
    for id in "cde":
        running(box, id=id)
    t = Terminal(box, "--interval=50ms")
    before = termios.tcgetattr(t.fd)
    for _ in range(3):
        frame = t.frame()
        assert frame[0].startswith("ID") and [line[0] for line in frame[1:]] == ["c", "d", "e"]
    os.write(t.fd, b"\x03")
    assert termios.tcgetattr(t.fd) == before
    status = t.end()
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT
    for id in "cde":
        box.delete(id)


def test_resize(box):
    """Shown again at once in the new size, without a new reading: the next one is an hour away."""
    for id in "cde":
        running(box, id=id)
    t = Terminal(box, "--interval=1h")
    assert len(t.frame()) == 4
    t.resize(30, 24)
    frame = t.frame()
    assert len(frame) == 4 and {len(line) for line in frame} == {30}
    t.resize(100, 4)
    frame = t.frame()
    assert [line[:1] for line in frame] == ["I", "c", "d"] and max(map(len, frame)) <= 100
    os.write(t.fd, b"\x03")
    assert os.WTERMSIG(t.end()) == signal.SIGINT
    for id in "cde":
        box.delete(id)
