# SPDX-License-Identifier: Apache-2.0
"""What a service manager hands on: descriptors (LISTEN_FDS) and a socket for notifications (NOTIFY_SOCKET); and pidfds for who asks."""
import os
import select
import shutil
import socket
import subprocess
import sys

import pytest
from orlop import eventually, give_user_namespace


# --- LISTEN_FDS

def with_fds(box, words, n, listen=None, pid=None, names=None, **more):
    """Runs orlop with N descriptors from 3 on, the i-th of which is a pipe that says "fd<i>"; LISTEN_PID is its own unless given."""
    script = """
import os, sys
n, base = int(sys.argv[1]), int(sys.argv[2])
for i in range(n):
    r, w = os.pipe()
    os.write(w, b"fd%d\\n" % i)
    os.dup2(r, 100 + i)
    os.close(w)
for i in range(n):
    os.dup2(100 + i, 3 + i)
os.closerange(3 + n, 200)
if os.environ.get("LISTEN_PID") == "self":
    os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[3], sys.argv[3:])
"""
    more = more or {"capture_output": True}
    env = dict(os.environ)
    if listen is not None:
        env.update(LISTEN_FDS=str(listen), LISTEN_PID=pid or "self")
    if names:
        env["LISTEN_FDNAMES"] = names
    return subprocess.run([sys.executable, "-c", script, str(n), "0", os.path.abspath(box.command()[0]), *box.command(*words)[1:]],
                          env=env, stdin=subprocess.DEVNULL, text=True, timeout=20,
                          **more)


def program(n):
    """Prints its variables, and what can be read from descriptors 3 on."""
    return ["sh", "-c", "env | grep LISTEN | sort; " + " ".join(f"head -n1 <&{3 + i};" for i in range(n)) + " ls /proc/self/fd | wc -l"]


@pytest.mark.spec(42, 43)
def test_listen_fds(box):
    b = box.bundle(program(2))
    b.save()
    r = with_fds(box, ["run", "--bundle", b.path, "c"], 3, listen=2, names="http:https")
    assert r.returncode == 0, r.stderr
    assert r.stdout.split() == ["LISTEN_FDNAMES=http:https", "LISTEN_FDS=2", "LISTEN_PID=1", "fd0", "fd1", "6"]  # the third is not passed


def test_preserved_come_after(box):
    b = box.bundle(program(3))
    b.save()
    r = with_fds(box, ["run", "--preserve-fds", "2", "--bundle", b.path, "c"], 3, listen=1)
    assert r.stdout.split() == ["LISTEN_FDS=1", "LISTEN_PID=1", "fd0", "fd1", "fd2", "7"], r.stderr


@pytest.mark.parametrize("pid", ["1", "0", "", "x", "-1"])
def test_meant_for_another(box, pid):
    b = box.bundle(program(0))
    b.save()
    r = with_fds(box, ["run", "--bundle", b.path, "c"], 1, listen=1, pid=pid or "0")
    assert r.stdout.split() == ["4"], r.stderr


@pytest.mark.parametrize("listen, words", [("x", "no number"), ("-1", "no number"), ("9999999999", "no number"), ("5", "is not open")])
def test_wrong_number(box, listen, words):
    b = box.bundle(program(0))
    b.save()
    r = with_fds(box, ["run", "--bundle", b.path, "c"], 1, listen=listen)
    assert r.returncode == 1 and words in r.stderr and not os.path.exists(f"{box.root}/c")


def test_created_container(box):
    b = box.bundle(["sh", "-c", "head -n1 <&3 > /tmp/out"])
    b.save()
    r = with_fds(box, ["create", "--bundle", b.path, "c"], 1, listen=1, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert r.returncode == 0
    box.orlop("start", "c")
    box.wait("stopped")
    assert open(f"{b.rootfs}/tmp/out").read() == "fd0\n"
    box.delete()


# --- pidfds

def receive(listener):
    connection, _ = listener.socket.accept()
    data, fds, _, _ = socket.recv_fds(connection, 4096, 4)
    assert 1 <= len(data) < 4096 and len(fds) == 1 and connection.recv(1) == b""
    connection.close()
    return fds[0]


def pid_of(fd):
    with open(f"/proc/self/fdinfo/{fd}") as f:
        return int(next(line.split()[1] for line in f if line.startswith("Pid:")))


class Listener:
    def __init__(self, path):
        self.path, self.socket = path, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(path)
        self.socket.listen(1)
        self.socket.settimeout(20)


@pytest.fixture
def listener(tmp_path):
    s = Listener(f"{tmp_path}/pidfd.sock")
    yield s
    s.socket.close()


@pytest.mark.parametrize("spaces", ["direct", pytest.param("staged", marks=pytest.mark.root("joins the host's pid namespace"))])
def test_pidfd_of_create(box, listener, spaces):
    b = box.bundle(["sleep", "100"])
    if spaces == "staged":
        b.namespace("pid", "/proc/self/ns/pid")
    box.create(b, "--pidfd-socket", listener.path)
    fd = receive(listener)
    assert pid_of(fd) == box.state()["pid"]
    box.delete()
    assert select.select([fd], [], [], 20)[0]
    os.close(fd)


def test_pidfd_of_run_and_exec(box, listener):
    box.run(box.bundle(["sleep", "100"]), "-d", f"--pidfd-socket={listener.path}")
    fd = receive(listener)
    assert pid_of(fd) == box.state()["pid"]
    os.close(fd)
    pid_file = os.path.join(box.dir, "pid")
    box.orlop("exec", "-d", "--pid-file", pid_file, "--pidfd-socket", listener.path, "c", "sleep", "50")
    fd = receive(listener)
    assert pid_of(fd) == int(open(pid_file).read())
    os.close(fd)
    box.delete()


@pytest.mark.spec(20)
def test_nobody_takes_the_pidfd(box, tmp_path):
    r = box.create(box.bundle(["true"]), "--pidfd-socket", f"{tmp_path}/none", status=1)
    assert "No such file" in r.err
    box.orlop("state", "c", status=1)
    box.run(box.bundle(["sleep", "100"]), "-d")
    pid_file = f"{tmp_path}/pid"
    box.orlop("exec", "--pid-file", pid_file, "--pidfd-socket", f"{tmp_path}/none", "c", "true", status=255)
    assert not os.path.exists(pid_file)
    box.delete()


# --- NOTIFY_SOCKET

class Manager:
    """The service manager's end."""

    def __init__(self, path):
        self.path, self.messages = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + path[1:] if path[0] == "@" else path)
        self.socket.settimeout(20)

    def take(self):
        """The next message; what comes with it is closed, as systemd does."""
        data, fds, _, _ = socket.recv_fds(self.socket, 4096, 4)
        for fd in fds:
            os.close(fd)
        return data.decode(), len(fds)

    def close(self):
        self.socket.close()
        if self.path[0] != "@":
            os.unlink(self.path)


def notifier(box, *messages, **more):
    """A bundle whose program says MESSAGES to its NOTIFY_SOCKET (by a static helper), when /tmp/go is there."""
    helper = shutil.which("gcc")
    if not helper:
        pytest.skip("gcc is not installed: the program that speaks sd_notify cannot be built")
    b = box.bundle(["/say", *messages], **more)
    source = os.path.join(box.dir, "say.c")
    with open(source, "w") as f:
        f.write(r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
int main (int argc, char **argv)
{
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  int s = socket (AF_UNIX, SOCK_DGRAM, 0);
  strncpy (a.sun_path, getenv ("NOTIFY_SOCKET") ? getenv ("NOTIFY_SOCKET") : "", sizeof a.sun_path - 1);
  while (access ("/tmp/go", F_OK) < 0)
    usleep (1000);
  for (int i = 1; i < argc; i++)
    if (strcmp (argv[i], "end") == 0)
      return 0;
    else if (sendto (s, argv[i], strlen (argv[i]), 0, (struct sockaddr *) &a, sizeof a) < 0)
      {
        perror (a.sun_path);
        return 7;
      }
  pause ();
}
""")
    subprocess.run([helper, "-static", "-o", f"{b.rootfs}/say", source], check=True, timeout=60)
    os.chmod(f"{b.rootfs}/tmp", 0o777)
    return b


def go(b):
    open(f"{b.rootfs}/tmp/go", "w").close()


@pytest.fixture
def manager(tmp_path):
    m = Manager(f"{tmp_path}/host.sock")
    yield m
    m.close()


def start(box, path, id="c"):
    return subprocess.Popen(box.command("start", id), env=dict(os.environ, NOTIFY_SOCKET=path), stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("user", [0, 1000])
def test_start_waits_until_ready(box, manager, user):
    b = notifier(box, "STATUS=soon", "X=1\nREADY=1\nMAINPID=1", user={"uid": user, "gid": user})
    box.create(b, env=dict(os.environ, NOTIFY_SOCKET=manager.path))
    p = start(box, manager.path)
    box.wait("running")
    box.orlop("exec", "c", "test", "-S", "/run/notify/notify.sock")
    assert p.poll() is None
    go(b)
    assert manager.take() == (f"READY=1\nMAINPID={box.state()['pid']}\n", 0)
    assert manager.take() == ("BARRIER=1", 1)
    assert p.wait(20) == 0 and p.stderr.read() == ""
    box.delete()


def test_abstract_socket(box):
    m = Manager(f"@orlop-test-{os.getpid()}")
    b = notifier(box, "READY=1")
    go(b)
    box.create(b, env=dict(os.environ, NOTIFY_SOCKET=m.path))
    p = start(box, m.path)
    assert m.take()[0].startswith("READY=1\nMAINPID=")
    assert m.take() == ("BARRIER=1", 1)
    assert p.wait(20) == 0
    box.delete()
    m.close()


def test_user_namespace(box, manager):
    """The runtime's directory is out of reach of the container's root, and what is bound of it is not."""
    b = notifier(box, "READY=1")
    give_user_namespace(b, 65536)
    box.create(b, env=dict(os.environ, NOTIFY_SOCKET=manager.path))
    p = start(box, manager.path)
    go(b)
    assert manager.take()[0].startswith("READY=1")
    manager.take()
    assert p.wait(20) == 0
    box.delete()


def test_manager_that_makes_its_socket_anew(box, tmp_path):
    """The socket is connected to when there is something to say, and waited for a moment."""
    first = Manager(f"{tmp_path}/host.sock")
    b = notifier(box, "READY=1")
    box.create(b, env=dict(os.environ, NOTIFY_SOCKET=first.path))
    p = start(box, first.path)
    box.wait("running")
    first.close()
    go(b)
    second = Manager(first.path)
    assert second.take()[0].startswith("READY=1")
    second.take()
    assert p.wait(20) == 0
    second.close()
    box.delete()


def test_manager_that_is_gone(box, tmp_path):
    b = notifier(box, "READY=1")
    go(b)
    path = f"{tmp_path}/none"
    box.create(b, env=dict(os.environ, NOTIFY_SOCKET=path))
    r = box.orlop("--log-level", "warning", "start", "c", env={"NOTIFY_SOCKET": path})
    assert "could not be told: No such file" in r.err
    assert box.status() == "running"
    box.delete()


def test_program_that_ends_without_a_word(box, manager):
    b = notifier(box, "STATUS=never", "end")
    go(b)
    box.create(b, env=dict(os.environ, NOTIFY_SOCKET=manager.path))
    assert start(box, manager.path).wait(20) == 0
    box.wait("stopped")
    box.delete()


def test_stopped_while_it_waits(box, manager):
    b = notifier(box, "READY=1")
    box.create(b, env=dict(os.environ, NOTIFY_SOCKET=manager.path))
    p = start(box, manager.path)
    box.wait("running")
    box.orlop("delete", "--force", "c")
    assert p.wait(20) == 0


def test_start_killed_while_it_waits(box, manager):
    """The container is as any that runs; its program has nobody to speak to."""
    b = notifier(box, "READY=1")
    out = box.create(b, env=dict(os.environ, NOTIFY_SOCKET=manager.path)).out
    p = start(box, manager.path)
    box.wait("running")
    box.orlop("exec", "c", "test", "-S", "/run/notify/notify.sock")
    p.kill()
    p.wait(20)
    assert box.status() == "running"
    assert "already running" in box.orlop("start", "c", status=1).err
    go(b)
    box.wait("stopped")
    with open(out) as f:
        assert f.read() == "/run/notify/notify.sock: Connection refused\n"
    box.delete(force=False)


def test_start_without_manager(box, manager):
    """Nobody waits; the program has nobody to speak to."""
    b = notifier(box, "READY=1")
    box.create(b, env=dict(os.environ, NOTIFY_SOCKET=manager.path))
    box.orlop("start", "c")
    box.delete()


def test_created_without_manager(box, manager):
    b = box.bundle(["sh", "-c", "env; sleep 100"])
    out = box.create(b).out
    assert start(box, manager.path).wait(20) == 0
    eventually(lambda: "PATH" in open(out).read(), "its environment")
    assert "NOTIFY" not in open(out).read()
    box.delete()


@pytest.mark.parametrize("detach", [False, True])
def test_run(box, manager, detach):
    b = notifier(box, "READY=1")
    b.save()
    p = subprocess.Popen(box.command("run", *(["-d"] if detach else []), "--bundle", b.path, "c"), stdin=subprocess.DEVNULL,
                         env=dict(os.environ, NOTIFY_SOCKET=manager.path))
    eventually(lambda: os.path.exists(f"{box.root}/c/state.json"), "its record")
    box.wait("running")
    go(b)
    assert manager.take()[0] == f"READY=1\nMAINPID={box.state()['pid']}\n"
    assert manager.take() == ("BARRIER=1", 1)
    if detach:
        assert p.wait(20) == 0
        box.delete()
    else:
        box.orlop("kill", "c", "KILL")
        assert p.wait(20) == 137


def test_what_is_bound(box, manager):
    """A directory that the container cannot write to, without programs or devices; gone with the container."""
    b = box.bundle(["sh", "-c", "echo $NOTIFY_SOCKET; grep /run/notify /proc/mounts; ls -ld /run/notify; touch /run/notify/x"])
    b.save()
    r = box.orlop("run", "--bundle", b.path, "c", status=1, env={"NOTIFY_SOCKET": manager.path}, umask=0o077)
    lines = r.out.splitlines()
    assert lines[0] == "/run/notify/notify.sock"
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(lines[1].split()[3].split(","))
    assert lines[2].startswith("drwxr-xr-x") and "Read-only file system" in r.err
    assert not os.path.exists(f"{box.root}/c")


@pytest.mark.parametrize("path", ["relative", "vsock:2:3"])
def test_no_socket_name(box, path):
    b = box.bundle(["true"])
    b.save()
    assert "neither an absolute path nor" in box.orlop("run", "--bundle", b.path, "c", status=1, env={"NOTIFY_SOCKET": path}).err
    box.run(b, env={"NOTIFY_SOCKET": ""})


def test_relative_root(box, manager):
    b = notifier(box, "READY=1")
    b.save()
    go(b)
    program = os.path.abspath(box.command()[0])
    p = subprocess.Popen([program, "--root", "state", "run", "-d", "--bundle", b.path, "c"], cwd=box.dir, stdin=subprocess.DEVNULL,
                         env=dict(os.environ, NOTIFY_SOCKET=manager.path))
    assert manager.take()[0].startswith("READY=1")
    manager.take()
    assert p.wait(20) == 0
    box.delete()
