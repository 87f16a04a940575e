# SPDX-License-Identifier: Apache-2.0
"""What tests of checkpoint and restore stand on: a CRIU that works here, and a program that counts.

    from checkpoints import c, counter, delete_all, goes_on, program

    def test_something(box, c):      # `c` runs checkpoint and restore
        b = counter(box, c)          # a container whose program counts into a file
        c.checkpoint()
        c.restore(b)
        goes_on(b)"""
import os
import subprocess

import pytest
from orlop import eventually

LIB = os.path.dirname(os.path.abspath(__file__))
COUNT = "i=0; while true; do i=$((i+1)); echo $i >>/tmp/numbers; usleep 20000; done"


@pytest.fixture(scope="session")
def program():
    """A CRIU that works on this machine."""
    done = subprocess.run([os.path.join(LIB, "get-criu")], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done
    return done.stdout.strip()


def major(program):
    """The first number of CRIU's version."""
    return int(subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split("Version: ")[1].split(".")[0])


def may_ask_limits():
    """True if CRIU may ask for the limits of a process of another user: that takes CAP_SYS_RESOURCE (prlimit(2))."""
    with open("/proc/self/status") as f:
        return int(f.read().split("CapEff:")[1].split()[0], 16) & 1 << 24 != 0


@pytest.fixture(autouse=True)
def delete_all(box):
    """What a test leaves running is ended; that all of it goes then, the box looks at."""
    yield
    for id in os.listdir(box.root) if os.path.isdir(box.root) else []:
        box.delete(id)


class Checkpoints:
    def __init__(self, box, program):
        self.box, self.program = box, program
        self.images = os.path.join(box.dir, "images")

    def orlop(self, *words, **more):
        return self.box.orlop("--criu", self.program, *words, **more)

    def run(self, b, *options, id="c"):
        """Detached, with nothing but the null device to read and write."""
        b.save()
        null = subprocess.DEVNULL
        subprocess.run(self.box.command("run", "--detach", "--bundle", b.path, *options, id), stdin=null, stdout=null, stderr=null, check=True)

    def checkpoint(self, *options, id="c", status=0):
        return self.orlop("checkpoint", "--image-path", self.images, *options, id, status=status)

    def restore(self, b, *options, id="c", status=0, **more):
        b.save()
        return self.orlop("restore", "--detach", "--bundle", b.path, "--image-path", self.images, *options, id, status=status, **more)

    def exec(self, *words, id="c"):
        return self.box.orlop("exec", id, *words).out

    def log(self, name):
        with open(os.path.join(self.images, name)) as f:
            return f.read()


@pytest.fixture
def c(box, program):
    return Checkpoints(box, program)


def numbers(b):
    with open(os.path.join(b.rootfs, "tmp/numbers")) as f:
        return [int(n) for n in f.read().split()]


def goes_on(b):
    """It counts further, from where it was, without a gap."""
    n = len(numbers(b))
    eventually(lambda: len(numbers(b)) > n + 3, "the program counts on")
    counted = numbers(b)
    assert counted == list(range(1, len(counted) + 1))


def starts_counting(b):
    path = os.path.join(b.rootfs, "tmp/numbers")
    eventually(lambda: os.path.exists(path) and len(numbers(b)) > 3, "the program counts")


def counter(box, c, *options, **more):
    b = box.bundle(["sh", "-c", COUNT], **more)
    c.run(b, *options)
    starts_counting(b)
    return b


def cgroups_of(box):
    """Every cgroup with the box's name anywhere in its path."""
    found = set()
    for top, dirs, _ in os.walk("/sys/fs/cgroup"):
        found.update(os.path.join(top, d) for d in dirs if box.cgroup[1:] in os.path.join(top, d))
    return found
