# SPDX-License-Identifier: Apache-2.0
"""Terminals in the foreground: `run` and `exec --tty` as a person at a terminal sees them."""
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios

import pytest
from orlop import eventually, read_terminal


class Person:
    """Runs a program on a terminal of its own, as its controlling one."""

    def __init__(self, argv, rows=24, columns=80):
        self.fd, slave = pty.openpty()
        self.resize(rows, columns)
        self.slave = os.dup(slave)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text)

    def reads(self, until):
        return read_terminal(self.fd, until)

    def ends(self):
        """The exit status; and the terminal is as it was before."""
        status = self.process.wait(20)
        assert termios.tcgetattr(self.slave) == self.before
        return status

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)
        os.close(self.slave)
        os.close(self.fd)


@pytest.fixture(params=["run", "exec"])
def on_terminal(request, box):
    """Starts a shell script on a terminal, by run or by exec."""
    people = []

    def start(script, *more, **size):
        b = box.bundle(["sh", "-c", script] if request.param == "run" else ["sleep", "100"])
        b.config["process"]["terminal"] = request.param == "run"
        b.config["process"].update(more[0] if more else {})
        b.save()
        if request.param == "run":
            argv = box.command("run", "--bundle", b.path, "c")
        else:
            box.run(b, "-d")
            argv = box.command("exec", "--tty", "c", "sh", "-c", script)
        people.append(Person(argv, **size))
        return people[-1]
    start.by = request.param
    yield start
    for p in people:
        p.close()
    box.delete()


def test_it_is_a_terminal(on_terminal):
    p = on_terminal("test -t 0 && test -t 1 && test -t 2 && tty; exit 5")
    assert "/dev/pts/" in p.reads("/dev/pts/") and p.ends() == 5


def test_lines_are_edited_inside(on_terminal):
    """What is typed is echoed once, by the container's terminal: the person's own is raw meanwhile."""
    p = on_terminal("echo ready; read line; echo got=$line")
    p.reads("ready\r\n")
    p.type(b"wrod\x7f\x7f\x7ford\n")
    text = p.reads("got=word")
    assert text.count("wrod") == 1 and p.ends() == 0


def test_size_and_its_changes(on_terminal):
    p = on_terminal("stty size; trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done", rows=31, columns=97)
    assert "31 97" in p.reads("ready")
    p.resize(40, 111)
    assert "40 111" in p.reads("40 111") and p.ends() == 3


def test_interrupt_key(on_terminal):
    p = on_terminal("trap 'echo interrupted; exit 6' INT; echo ready; while :; do sleep 0.05; done")
    p.reads("ready")
    p.type(b"\x03")
    p.reads("interrupted")
    assert p.ends() == 6


def test_end_of_input_key(on_terminal):
    p = on_terminal("echo ready; cat; echo end; exit 4")
    p.reads("ready")
    p.type(b"line\n\x04")
    assert "line" in p.reads("end") and p.ends() == 4


def test_no_output_is_lost(on_terminal):
    p = on_terminal("seq 1 20000; echo last; exit 2")
    text = p.reads("last\r\n")
    assert text.count("\n") == 20001 and p.ends() == 2


def test_background_process_does_not_hold_it(on_terminal):
    p = on_terminal("sleep 100 & echo done; exit 1")
    p.reads("done")
    assert p.ends() == 1


def test_hang_up(box, on_terminal):
    """The person is gone: the program is told, by the signal that the runtime passes on."""
    p = on_terminal("trap 'echo x > /hung; exit 1' HUP; echo ready; while :; do sleep 0.05; done")
    p.reads("ready")
    p.process.send_signal(signal.SIGHUP)
    assert p.ends() == 1


def test_controlling_terminal(on_terminal):
    p = on_terminal("echo via-tty > /dev/tty; ps -o pid,tty,comm | head -3; exit 0")
    assert "via-tty" in p.reads("via-tty") and p.ends() == 0


def test_size_of_the_persons_terminal_wins(box):
    """As with runc: process.consoleSize is for terminals that nobody looks at yet."""
    b = box.bundle(["stty", "size"])
    b.config["process"].update(terminal=True, consoleSize={"height": 10, "width": 20})
    b.save()
    p = Person(box.command("run", "--bundle", b.path, "c"))
    text = p.reads("\r\n")
    assert p.ends() == 0
    p.close()
    assert text.split() == ["24", "80"]


def test_standard_input_is_no_terminal(box):
    """process.terminal with pipes outside: the container has its terminal all the same."""
    b = box.bundle(["sh", "-c", "tty; stty size; read x; echo got=$x"])
    b.config["process"].update(terminal=True, consoleSize={"height": 10, "width": 20})
    b.save()
    done = subprocess.run(box.command("run", "--bundle", b.path, "c"), input=b"word\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == 0, done.stderr
    assert b"/dev/pts/" in done.stdout and b"10 20" in done.stdout and b"got=word" in done.stdout


def test_two_terminals_of_one_container(box):
    box.run(box.bundle(["sleep", "100"]), "-d")
    people = [Person(box.command("exec", "-t", "c", "sh", "-c", "tty; read x")) for _ in range(2)]
    names = [p.reads("\r\n").strip() for p in people]
    assert len(set(names)) == 2
    for p in people:
        p.type(b"\n")
        eventually(lambda p=p: p.process.poll() is not None, "it ends")
        p.close()
    box.delete()
