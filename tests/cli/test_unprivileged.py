# SPDX-License-Identifier: Apache-2.0
"""Containers of a user without privilege, whose ids are his own alone: what of `process` he may have, and what the error says where not."""
import ctypes
import json
import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.root("becomes another user")

UID = 54321


class User:
    """A box's directory that belongs to the user, and the program run as he."""

    def __init__(self, box):
        self.box, self.dir = box, os.path.join(box.dir, "user")
        os.chmod(box.dir, 0o755)
        os.makedirs(self.dir)
        os.chown(self.dir, UID, UID)
        # the program where the user can read it
        self.program = os.path.join(box.dir, "orlop")
        shutil.copy(os.path.realpath(box.command()[0]), self.program)
        os.chmod(self.program, 0o755)
        self.root = os.path.join(self.dir, "state")

    def bundle(self, args, **process):
        b = self.box.bundle(args)
        made = subprocess.run([self.program, "spec", "--rootless", "--bundle", self.dir], user=UID, group=UID, extra_groups=[], check=False,
                              capture_output=True, text=True, timeout=20)
        assert made.returncode == 0, made.stderr
        path = os.path.join(self.dir, "config.json")
        with open(path) as f:
            b.config = json.load(f)
        os.remove(path)
        b.config["process"].update(args=args, **{"terminal": False, **process})
        b.config["root"]["readonly"] = False
        b.save()
        subprocess.run(["chown", "-R", f"{UID}:{UID}", b.path], check=True)
        return b

    def call(self, *words, status=0, **more):
        with open(os.path.join(self.box.dir, "out"), "w+") as out, open(os.path.join(self.box.dir, "err"), "w+") as err:
            done = subprocess.run([self.program, "--root", self.root, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                  user=UID, group=UID, extra_groups=[], timeout=20, check=False, **more)
            out.seek(0)
            err.seek(0)
            done.out, done.err = out.read(), err.read()
        assert done.returncode == status, done.out + done.err
        return done

    def run(self, b, *options, status=0, **more):
        return self.call("run", "--bundle", b.path, *options, "c", status=status, **more)

    def pid(self):
        return json.loads(self.call("state", "c").out)["pid"]


def unshare_refused():
    """Why a user without privilege gets no user namespace here, or None."""
    pid = os.fork()
    if pid == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        os.setgroups([])
        os.setresgid(UID, UID, UID)
        os.setresuid(UID, UID, UID)
        os._exit(0 if libc.unshare(0x10000000) == 0 else ctypes.get_errno())
    number = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return os.strerror(number) if number else None


@pytest.fixture
def user(box):
    why = unshare_refused()
    if why:
        pytest.skip(f"a user without privilege gets no user namespace: {why}")
    u = User(box)
    yield u
    subprocess.run([u.program, "--root", u.root, "delete", "--force", "c"], user=UID, group=UID, extra_groups=[], check=False, capture_output=True, timeout=20)


def test_runs(user):
    assert user.run(user.bundle(["sh", "-c", "id -u; echo $HOME"])).out == "0\n/root\n"


@pytest.mark.spec(67)
def test_oom_score(user):
    """Lowering it takes a privilege: left as it is, with a warning; raising it takes none."""
    read = ["cat", "/proc/self/oom_score_adj"]
    with open("/proc/self/oom_score_adj") as f:
        ours = int(f.read())
    b = user.bundle(read, oomScoreAdj=ours - 100)
    r = user.call("--log-level", "warning", "run", "--bundle", b.path, "c")
    assert r.out == f"{ours}\n" and f"process.oomScoreAdj: {ours - 100} may not be set" in r.err
    assert user.run(user.bundle(read, oomScoreAdj=ours + 10)).out == f"{ours + 10}\n"


@pytest.mark.spec(68)
def test_scheduler(user):
    nice = min(os.getpriority(os.PRIO_PROCESS, 0) + 5, 19)
    user.run(user.bundle(["sleep", "100"], scheduler={"policy": "SCHED_BATCH", "nice": nice}), "-d")
    assert os.sched_getscheduler(user.pid()) == os.SCHED_BATCH and os.getpriority(os.PRIO_PROCESS, user.pid()) == nice
    user.call("delete", "--force", "c")
    for scheduler in ({"policy": "SCHED_OTHER", "nice": -5}, {"policy": "SCHED_FIFO", "priority": 5}):
        err = user.run(user.bundle(["true"], scheduler=scheduler), status=1).err
        assert "process.scheduler: process.scheduling: sched_setattr" in err and "RLIMIT_RTPRIO" in err


@pytest.mark.spec(69)
def test_io_priority(user):
    user.run(user.bundle(["true"], ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 7}))
    err = user.run(user.bundle(["true"], ioPriority={"class": "IOPRIO_CLASS_RT", "priority": 0}), status=1).err
    assert "process.ioPriority: process.scheduling: ioprio_set" in err and "CAP_SYS_NICE" in err


@pytest.mark.spec(64)
def test_limits(user):
    b = user.bundle(["sh", "-c", "ulimit -n; ulimit -Hn"], rlimits=[{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60}])
    assert user.run(b).out == "50\n60\n"
    b.config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 2 ** 30 - 1, "hard": 2 ** 30 - 1}]
    b.save()
    err = user.run(b, status=1).err
    assert "process.rlimits[0]" in err and "prlimit" in err


def test_groups(user):
    err = user.run(user.bundle(["true"], user={"uid": 0, "gid": 0, "additionalGids": [5]}), status=1).err
    assert "process.user.additionalGids" in err


def test_memory_policy_personality_and_processors(user):
    b = user.bundle(["sleep", "100"])
    b.config["linux"].update(personality={"domain": "LINUX32"}, memoryPolicy={"mode": "MPOL_LOCAL"})
    b.save()
    user.run(b, "-d")
    with open(f"/proc/{user.pid()}/personality") as f:
        assert int(f.read(), 16) == 8
    cpu = str(min(os.sched_getaffinity(0)))
    path = os.path.join(user.dir, "process.json")
    with open(path, "w") as f:
        json.dump({"args": ["/bin/grep", "Cpus_allowed_list", "/proc/self/status"], "cwd": "/", "execCPUAffinity": {"final": cpu}}, f)
    os.chmod(path, 0o644)
    assert user.call("exec", "--process", path, "c").out.split() == ["Cpus_allowed_list:", cpu]


def test_capabilities_are_those_of_the_namespace(user):
    names = ["CAP_SYS_RESOURCE", "CAP_KILL"]
    b = user.bundle(["grep", "CapEff", "/proc/self/status"], capabilities={k: names for k in ("bounding", "effective", "permitted")})
    assert int(user.run(b).out.split()[1], 16) == 1 << 24 | 1 << 5
