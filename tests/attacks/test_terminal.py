# SPDX-License-Identifier: Apache-2.0
"""Terminals: the container's own, and the host's."""
import fcntl
import os
import pty
import subprocess
import termios
import time

import orlop
import pytest


def console(victim):
    c = orlop.ConsoleSocket(os.path.join(victim.dir, "console.sock"))
    os.chmod(c.path, 0o777)
    return c


@pytest.mark.attack("T24")
@pytest.mark.parametrize("planted", ["pts", "ptmx", "both"])
def test_terminal_of_the_image(victim, planted):
    """No devpts is mounted: what the image has as /dev/pts, its ptmx and its terminals is no terminal, and no file of the host is shown."""
    secret = victim.file("outside/secret", "secret\n")
    b = victim.bundle(["sh", "-c", "cat /dev/console; cat /dev/tty; cat; echo end"], terminal=True)
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    os.makedirs(f"{b.rootfs}/dev/pts")
    if planted in ("ptmx", "both"):
        victim.put(b, "dev/pts/ptmx", link=secret)
        victim.put(b, "dev/ptmx", link=secret)
    if planted in ("pts", "both"):
        for n in range(40):
            victim.put(b, f"dev/pts/{n}", link=secret)
    c = console(victim)
    r = victim.run(b, "-d", "--console-socket", c.path, status=None)
    text = r.out + r.err
    if os.path.exists(os.path.join(victim.box.root, "c")):
        try:
            fd = c.receive()
            os.write(fd, b"\x04\x04")
            text += orlop.read_terminal(fd, "end", 5)
            os.close(fd)
        except (OSError, AssertionError) as why:
            text += str(why)
        victim.box.delete()
    c.listener.close()
    victim.judge([text] if "secret\r" in text or "secret\n" in text else [], bites=planted != "ptmx")


SETTING = "/proc/sys/dev/tty/legacy_tiocsti"  # since Linux 6.2: 0 refuses TIOCSTI to everybody but CAP_SYS_ADMIN


def may_type():
    """True if the kernel has TIOCSTI for everybody."""
    return not os.path.exists(SETTING) or open(SETTING).read() == "1\n"


@pytest.mark.attack("T33")
def test_input_into_the_callers_terminal(victim):
    """A container that has the caller's terminal on its descriptors can neither take it as its own nor type into it (TIOCSTI)."""
    if "ORLOP_GUEST" in os.environ and not may_type():  # the setting is the whole machine's: changed in a guest only, which ends with the tests
        with open(SETTING, "w") as f:
            f.write("1")
    b = victim.bundle(["push"])
    victim.put(b, "bin/push", program=victim.tools.push)
    b.save()
    victim.ready(b)
    pid, master = pty.fork()
    if pid == 0:
        if victim.kind == "rootless":
            os.chmod(os.ttyname(0), 0o666)
        os.execvpe(victim.box.command()[0], victim.box.command("run", "--bundle", b.path, "c"), dict(os.environ, NAIVE_ENTER=victim.tools.enter))
    text, end = "", time.monotonic() + 20 * orlop.PATIENCE
    while "end" not in text and time.monotonic() < end:
        try:
            text += os.read(master, 4096).decode(errors="replace")
        except OSError:
            break
    os.close(master)
    os.waitpid(pid, 0)
    assert "end" in text, text
    victim.judge([text] if "typed" in text or "taken" in text else [], bites=may_type())


@pytest.mark.attack("T33")
@pytest.mark.only("root", "user namespace", "rootless", "older kernel", why="the naive runtime gives no terminal of devpts")
def test_terminal_is_the_containers(victim):
    """What a container has as its terminal is of its own devpts, and /dev/ptmx makes more there alone."""
    b = victim.bundle(["sh", "-c", "stat -c %t /dev/console; tty; cat /proc/self/stat | cut -d' ' -f7; (exec 3<>/dev/ptmx && ls /dev/pts); echo end; read x"], terminal=True)
    c = console(victim)
    victim.run(b, "-d", "--console-socket", c.path)
    fd = c.receive()
    text = orlop.read_terminal(fd, "end")
    os.close(fd)
    victim.box.delete()
    c.listener.close()
    lines = text.split()
    assert lines[:2] == ["88", "/dev/pts/0"] and lines[2] == str(136 << 8), text
    host = set(os.listdir("/dev/pts")) - {"ptmx", "0", "1"}
    victim.judge(sorted(host & set(lines[3:])))
