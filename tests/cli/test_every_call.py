# SPDX-License-Identifier: Apache-2.0
"""create, with the runtime or its child killed at each system call it makes, and with each call failing: nothing is left, and a failure says
where.  One view of cgroups takes every call, the others take some of them."""
import os
import platform
import shutil
import subprocess

import pytest
from orlop import USER, eventually, needs_cgroupfs

HERE = os.path.dirname(os.path.abspath(__file__))
VIEW = os.environ.get("ORLOP_VIEW", "hybrid")
STRIDE = 1 if VIEW == "v2" else 6
EIO = 5
# Calls that return no errno: brk(2) returns the old break, and the C library would take an errno for the new one.
NO_ERRNO = {12: "brk", 231: "exit_group"}
GETEUID = 107

# Calls whose failure create survives, by number, and why.
CAN_DO_WITHOUT = {
    "parent": {3: "close: it is closed anyway at the end", 9: "mmap: the plan may lie elsewhere, and malloc has brk",
               318: "getrandom: of the C library", 89: "readlink: the path as it was given", GETEUID: "cannot fail",
               157: "prctl: the last capability as the headers have it", 262: "newfstatat: of /proc/self/ns/user: as in the first one",
               439: "faccessat2: an unknown cgroup is taken for one that was there"},
    "child": {0: "read: of /etc/passwd, HOME is / then", 4: "stat: the next directory of PATH", 5: "fstat: of /etc/passwd",
              14: "rt_sigprocmask: cannot fail", 436: "close_range: each is closed by itself then", 95: "umask: cannot fail", 203: "sched_setaffinity: the processors of the caller, then",
              218: "set_tid_address: the C library's, cannot fail",
              (437, 5): "openat2, then fstat: of /etc/passwd", 429: "move_mount: to a plain name; it is walked to then"},
}
if USER:
    CAN_DO_WITHOUT["parent"][108] = "getegid: cannot fail"
    CAN_DO_WITHOUT["parent"][442] = "mount_setattr: the question whether there is one; the older calls are taken then"
    CAN_DO_WITHOUT["child"][3] = "close: of its copies of pipes, while the parent writes its maps of ids"

# With these the child waits for the record and for start, after it was said to be ready: create is over, whatever becomes of it.
WAITS = {47: "recvmsg", 288: "accept4"}


@pytest.fixture(scope="module")
def nth(tmp_path_factory):
    if platform.machine() != "x86_64":
        pytest.skip("the tool that stops at a system call knows x86-64 alone")
    if not shutil.which("cc"):
        pytest.skip("cc is not installed")
    program = str(tmp_path_factory.mktemp("nth") / "nth")
    subprocess.run(["cc", "-O2", "-o", program, os.path.join(HERE, "../lib/nth.c")], check=True, timeout=60)
    return program


@pytest.fixture
def user_namespace():
    """One to join, kept by a process of its own."""
    holding = ["sh", "-c", "exec 9</proc/self/ns/user; exec sleep 1000"]  # its own as a descriptor, too
    maps = ["--map-root-user", "--map-auto"] if USER else []
    with subprocess.Popen(["unshare", "--user", *maps, *holding], stdin=subprocess.DEVNULL) as keeper:
        try:
            eventually(lambda: os.readlink(f"/proc/{keeper.pid}/ns/user") != os.readlink("/proc/self/ns/user"), "a user namespace")
            for kind in ("uid_map", "gid_map") if not USER else ():
                with open(f"/proc/{keeper.pid}/{kind}", "w") as f:
                    f.write("0 0 65536")
            eventually(lambda: os.path.exists(f"/proc/{keeper.pid}/fd/9"), "its descriptor")
            yield f"/proc/{keeper.pid}/ns/user"
        finally:
            keeper.kill()


def direct(b, box, _):
    """A user namespace of its own, whose maps the runtime writes; hooks of both sides; a pid file."""
    if not USER:
        b.namespace("user")
        b.config["linux"]["uidMappings"] = b.config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 65536}]
    b.config["hooks"] = {name: [{"path": "/bin/true"}] for name in ("prestart", "createRuntime", "createContainer")}
    return ["--pid-file", os.path.join(box.dir, "pid")]


def staged(b, _, user_namespace):
    """A user namespace that is joined: the child goes on as a child of its own."""
    b.join_user(user_namespace)
    return []


def opened(b, box, user_namespace):
    """The same by a path that names no member of it: a process of its own looks what ids it maps."""
    return staged(b, box, os.path.join(os.path.dirname(os.path.dirname(user_namespace)), "fd/9"))


class Create:
    """create of one bundle, again and again, under the tool."""

    def __init__(self, box, nth, who, shape=None, user_namespace=None):
        self.box, self.nth, self.who = box, nth, who
        box.own_id_alone = True
        self.bundle = box.bundle(["sleep", "100"])
        self.bundle.config["linux"]["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "99"}
        self.bundle.config["process"]["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
        self.options = shape(self.bundle, box, user_namespace) if shape else []
        self.bundle.save()
        self.out = os.path.join(box.dir, "nth.out")
        os.makedirs(box.root, exist_ok=True)

    def __call__(self, n, action):
        """Returns status, standard error, and the number of the N-th call (None: there are fewer)."""
        argv = [self.nth, self.out, self.who, str(n), str(action), *self.box.command("create", "--bundle", self.bundle.path, *self.options, "c")]
        with open(os.path.join(self.box.dir, "err"), "w+") as err:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, timeout=20)
            err.seek(0)
            text = err.read()
        with open(self.out) as f:
            called = f.read().split()
        return done.returncode, text, int(called[0]) if called else None

    def calls(self):
        """Numbers of all calls, counted from 1."""
        status, text, _ = self(0, "kill")
        assert status == 0, text
        with open(self.out) as f:
            numbers = [int(w) for w in f.read().split()]
        self.box.delete()
        return numbers

    def clean(self, what):
        """Nothing is left of the container."""
        assert os.listdir(self.box.root) == [], what
        eventually(lambda: not self.box.processes(), f"processes end: {what}", 5)
        assert self.box.snapshot() == self.box.before, what


def chosen(numbers, first):
    """Which calls: every STRIDE-th from FIRST (counted from 1) on."""
    picked = range(first, len(numbers) + 1, STRIDE)
    print(f"{len(picked)} of {len(numbers) - first + 1} calls in view {VIEW}")
    return picked


@pytest.mark.parametrize("shape, who", [(None, "parent"), (None, "child"), (direct, "parent"), (direct, "child"),
                                        # the go-between and the first process
                                        (staged, "parent"), (staged, "child"), (staged, "child2"), (opened, "child")])
def test_killed(box, nth, user_namespace, who, shape):
    create = Create(box, nth, who, shape, user_namespace)
    numbers = create.calls()
    # the process that only looks is ended once it has answered, which may be before its last call
    assert len(numbers) > {(opened, "child"): 4, (staged, "child"): 10}.get((shape, who), 60)
    for n in chosen(numbers, numbers.index(GETEUID) + 1 if who == "parent" else 1):
        status, text, called = create(n, "kill")
        what = f"{who} killed at call {n} (number {called}): status {status}: {text}"
        if called is None:
            assert status == 0, what
        elif who == "parent":
            assert status == 137, what
        elif status == 1:  # the child's death is reported, and create has cleaned up by itself
            words = ("linux.namespaces[",) if shape is opened else ("child", "ended")
            assert any(word in text for word in words), what
            create.clean(what)
        else:  # it was created already, and its first process died
            assert status == 0, what
        box.delete()
        create.clean(what)
    box.run(create.bundle, "-d")
    assert box.status() == "running"
    box.delete()


@pytest.mark.parametrize("who", ["parent", "child"])
def test_failing_call(box, nth, who):
    """Each call fails with EIO.  create fails, saying step and call, and leaves nothing; or it can do without."""
    needs_cgroupfs("libsystemd passes over failures of its own")
    create = Create(box, nth, who)
    numbers = create.calls()
    failed = 0
    for n in chosen(numbers, numbers.index(GETEUID) + 1 if who == "parent" else 1):
        if numbers[n - 1] in NO_ERRNO:
            continue
        status, text, called = create(n, EIO)
        if called in NO_ERRNO: # the calls of the C library may shift by one
            box.orlop("delete", "--force", "c")
            continue
        what = f"{who}'s call {n} (number {called}) fails: status {status}: {text}"
        if called is not None and status != 0:
            failed += 1
            assert status == 1 and len(text.splitlines()) in (1, 2) and text.startswith("orlop: create: "), what
            create.clean(what)
        else:
            pair = (called, *numbers[n:n + 1])
            assert status == 0 and (called is None or {called, pair} & (CAN_DO_WITHOUT[who].keys() | WAITS.keys())), what
            box.delete()
            create.clean(what)
    assert failed > (20 if STRIDE == 1 else 5)


def test_start_killed(box, nth):
    """Whatever start was killed at, the container is as its state says: it runs, or can be started."""
    b = box.bundle(["sh", "-c", "echo started; exec sleep 100"])
    record = os.path.join(box.dir, "nth.out")

    def start(n):
        """The container's output, and the number of the N-th call of start."""
        out = box.create(b).out
        subprocess.run([nth, record, "parent", str(n), "kill", *box.command("start", "c")], stdin=subprocess.DEVNULL, timeout=20)
        with open(record) as f:
            return out, [int(w) for w in f.read().split()]

    numbers = start(0)[1]
    box.delete()
    for n in chosen(numbers, numbers.index(GETEUID) + 1):
        out, called = start(n)
        what = f"start killed at call {n} ({called})"
        if box.status() == "created":
            r = box.orlop("start", "c", status=None)
            assert r.status == 0 or "already running" in r.err, (what, r)  # it was just beginning to
        eventually(lambda: box.status() == "running", what)
        eventually(lambda out=out: open(out).read() == "started\n", what)
        assert "already running" in box.orlop("start", "c", status=1).err
        box.delete()
