# SPDX-License-Identifier: Apache-2.0
"""What the drivers of engines share.

A driver is a program, `DRIVER.py RUNTIME DIRECTORY [OPERATION...]`: it drives one engine over RUNTIME and prints a line of JSON for every
operation: {"name", "ok", "why", "skip", "seconds"}.  It starts itself anew in namespaces of its own (mounts, network, processes, ipc,
names), with a /run of its own, /etc, /opt and /var/lib in which nothing that it writes lasts, /proc/sys read-only but for the network, and
all of the engine's data in DIRECTORY: no mount, bridge, rule, file, setting or process of the engine's reaches the machine, and all end with
the first process here.  Only cgroups are the machine's, below parents of one name that are removed at the end.  With ORLOP_ENGINE_ROOT
the system in that directory is the driver's root directory, and stays as it is."""
import glob
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests/lib"))
import fcntl  # noqa: E402

import orlop  # noqa: E402
from orlop import eventually  # noqa: E402

INSIDE = "ORLOP_IN_ENGINE"
ROOT = os.environ.get("ORLOP_ENGINE_ROOT", "")  # a directory with another system and its engines, or none: this one's (see root.py)
ENTERED = "ORLOP_IN_ROOT"
EXAMPLES = os.path.join(TOP, "packaging/examples")
GET_CRIU = os.path.join(TOP, "tests/lib/get-criu")
UNSHARE = "unshare -m -n -u -i -p -f --kill-child --mount-proc --propagation private".split()

# A child runs out of memory, a while after the start and before the end: engines begin to listen when `start` is done, and hear of the end on another way.
HOG = "sh", "-c", "sleep 2; tail -c 100000000 /dev/zero; s=$?; sleep 2; exit $s"

# says so until it has read a line
WAIT = "sh", "-c", "until read -t 1 x; do echo waiting; done; echo got $x; exit 6"


class Failed(Exception):
    pass


class Skipped(Exception):
    """What the machine or the engine cannot do, whatever the runtime."""


def criu():
    """A CRIU that works on this machine."""
    found = subprocess.run([GET_CRIU], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if found.returncode == 77:
        raise Skipped(found.stdout.strip())
    check(found.returncode == 0, found)
    return found.stdout.strip()


def check(true, why):
    if not true:
        raise Failed(str(why))


def call(*words, **more):
    """Runs a program of the machine's; its output is returned, its failure fails the operation."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                          errors="replace", check=False, **more)
    check(done.returncode == 0, f"{' '.join(words)}: status {done.returncode}: {done.stdout.strip()[-400:]}")
    return done.stdout


def stands_still(path):
    """Nothing is written to PATH, which a program appends to while it runs."""
    size = os.path.getsize(path)
    time.sleep(0.5)
    check(os.path.getsize(path) == size, f"{path} grows on")


def goes_on(path):
    size = os.path.getsize(path)
    eventually(lambda: os.path.getsize(path) > size, f"{path} grows")


class Operations(list):
    """The operations of a driver, in order: a decorator.  Those marked `slow` are left to the whole run."""

    def __call__(self, function=None, slow=False):
        def add(f):
            f.slow = slow
            self.append(f)
            return f
        return add(function) if function else add


def name_of(function):
    return function.__name__.strip("_")


class Engine:
    """An engine's command line.  A driver's own class says how it is configured and started, and what of it differs."""
    program = None
    at = ()          # how each command begins
    interface = "eth0"
    states = ()      # where the runtime keeps what it knows of containers
    lacks = {}       # operations that this engine does not have: name -> why

    def __init__(self, runtime, work):
        self.real, self.work, self.n, self.daemons = runtime, work, 0, {}
        self.parent = "/" + os.environ[INSIDE]
        self.calls = os.path.join(work, "calls")
        os.environ.update(HOME=os.path.join(work, "home"), TMPDIR=os.path.join(work, "tmp"), LC_ALL="C.UTF-8",
                          PATH="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin")  # the system's engines come first
        os.chdir(work)  # a conmon leaves files where it is started
        os.chmod(work, 0o711)  # for users of user namespaces
        for d in ("home", "tmp", "bin"):
            os.makedirs(os.path.join(work, d))
        # writes down each call, so that it is seen that the engine does call what it shall
        self.runtime = self.use(runtime)
        self.file("calls", "", 0o666)
        self.start()

    # --- for a driver's own class

    def start(self):
        """Configures and starts the engine."""

    def command(self, *words):
        return [self.program, *self.at, *words]

    def clean(self):
        """Removes what a failed operation left."""

    def brief(self):
        """The shortest that runs a container."""

    # --- for operations

    def path(self, name):
        return os.path.join(self.work, name)

    def file(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def use(self, runtime):
        """From now on RUNTIME is called."""
        self.file("bin/orlop", f'#!/bin/sh\necho "$*" >>{self.calls}\nexec {runtime} "$@"\n', 0o755)
        return self.path("bin/orlop")

    def example(self, name, **more):
        """A drop-in file that is installed as an example, with the tested runtime in the place of the installed one."""
        with open(os.path.join(EXAMPLES, name)) as f:
            text = f.read()
        check("@bindir@/orlop" in text, f"{name} does not name the runtime")
        for old, new in {"@bindir@/orlop": self.runtime, **more}.items():
            text = text.replace(old, new)
        return text

    def in_path(self, name, program):
        """Makes PROGRAM what a daemon finds as NAME, if its path begins so."""
        return self.file(f"path/{name}", f'#!/bin/sh\nexec {program} "$@"\n', 0o755)

    def called(self):
        """The command lines that the runtime has been called with."""
        with open(self.calls) as f:
            return f.read().splitlines()

    def run(self, argv, status=0, stdin=None, env=None, timeout=90):
        """Runs a program; its output is returned; another exit status than expected fails the operation."""
        self.n += 1
        out = self.path(f"tmp/out{self.n}")  # a file: what an engine leaves running keeps it open
        with open(out, "w") as f:
            done = subprocess.run(argv, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL, stdout=f,
                                  stderr=subprocess.STDOUT, text=True, timeout=timeout, env={**os.environ, **(env or {})}, check=False)
        with open(out, errors="replace") as f:
            text = f.read()
        check(status is None or done.returncode == status,
              f"{' '.join(argv)}: status {done.returncode}, not {status}: {text.strip()[-600:]}")
        return text

    def __call__(self, *words, **more):
        return self.run(self.command(*words), **more)

    def terminal(self, *words, send=(), size=None):
        """Runs a command of the engine on a terminal, types a line whenever its prompt appears; returns status and all that was shown."""
        argv = self.command(*words)
        pid, fd = pty.fork()
        if pid == 0:
            try:
                if size:
                    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", *size, 0, 0))
                os.execvp(argv[0], argv)
            finally:
                os._exit(127)
        shown, send, end = "", list(send), time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([fd], [], [], 0.5)[0]:
                continue
            try:
                chunk = os.read(fd, 4096)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk.decode(errors="replace")
            if send and re.search(send[0][0], shown):
                os.write(fd, send.pop(0)[1].encode())
        else:
            os.kill(pid, signal.SIGKILL)
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown

    def shared(self):
        """A directory whose mount is shared."""
        return "/run/shared"

    def left(self):
        """State and cgroups of containers."""
        found = [path for pattern in self.states for path in glob.glob(pattern)]
        for top in glob.glob(f"/sys/fs/cgroup{self.parent}*") + glob.glob(f"/sys/fs/cgroup/*{self.parent}*"):
            found += [os.path.join(top, d) for d in os.listdir(top) if os.path.isdir(os.path.join(top, d)) and d != "conmon"]
        return found

    # --- daemons

    def daemon(self, name, argv, answers, env=None):
        """Starts a daemon and waits until the command ANSWERS succeeds."""
        with open(self.path(f"{name}.log"), "a") as log:
            self.daemons[name] = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})})

        def ready():
            check(self.daemons[name].poll() is None, f"{name} ended: {self.log(name)}")
            return subprocess.run(answers, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False).returncode == 0
        try:
            eventually(ready, f"{name} answers", 60)
        except AssertionError as e:
            raise Failed(f"{e}: {self.log(name)}") from e

    def log(self, name, size=1500):
        with open(self.path(f"{name}.log"), errors="replace") as f:
            return f.read()[-size:]

    def end(self, name):
        daemon = self.daemons.pop(name)
        daemon.terminate()
        try:
            daemon.wait(30)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def rootfs(self):
        """A directory and an archive with a small root file system."""
        root, tar = self.path("image"), self.path("image.tar")
        if not os.path.exists(tar):
            os.makedirs(root)
            orlop.make_rootfs(root)
            call("tar", "-C", root, "-cf", tar, ".")
        return root, tar


def enter(root, *shared):
    """Makes the system in ROOT this process's, with the machine's devices and kernel file systems and the directories SHARED."""
    call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for name in ("new", "upper", "work"):
        os.mkdir(f"/run/{name}")
    call("mount", "-t", "overlay", "-o", f"lowerdir={root},upperdir=/run/upper,workdir=/run/work", "overlay", "/run/new")
    for path in ("/dev", "/proc", "/sys", *shared):
        os.makedirs("/run/new" + path, exist_ok=True)
        call("mount", "--rbind", path, "/run/new" + path)
    os.mkdir("/run/new/old")
    call("pivot_root", "/run/new", "/run/new/old")
    os.chdir("/")
    call("umount", "-l", "/old")


def private():
    """Makes what engines write to outside of their data directories this run's own."""
    call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for path in ("/etc", "/opt", "/var/lib"):
        if os.path.isdir(path):
            for kind in ("upper", "work"):
                os.makedirs(f"/run/private{path}/{kind}")
            call("mount", "-t", "overlay", "-o", f"lowerdir={path},upperdir=/run/private{path}/upper,workdir=/run/private{path}/work",
                 "overlay", path)
    # a user namespace may mount proc only where a whole one is in sight
    os.makedirs("/run/private/proc")
    call("mount", "-t", "proc", "proc", "/run/private/proc")
    call("mount", "--bind", "/proc/sys", "/proc/sys")
    call("mount", "-o", "remount,bind,ro", "/proc/sys")
    call("mount", "--bind", "/run/private/proc/sys/net", "/proc/sys/net")
    os.makedirs("/run/shared")
    call("mount", "-t", "tmpfs", "tmpfs", "/run/shared")
    call("mount", "--make-shared", "/run/shared")
    call("ip", "link", "set", "lo", "up")


def perform(engine, operation):
    """One operation's result."""
    began, why, skip = time.monotonic(), "", ""
    try:
        if name_of(operation) in engine.lacks:
            raise Skipped(engine.lacks[name_of(operation)])
        operation(engine)
    except Skipped as e:
        skip = str(e)
    except (Failed, AssertionError, OSError, IndexError, KeyError, ValueError, subprocess.SubprocessError) as e:
        at = [f.lineno for f in traceback.extract_tb(e.__traceback__) if f.name == operation.__name__]
        why = f"{str(e) or type(e).__name__} (line {at[-1] if at else '?'})"
        try:
            engine.clean()
        except (Failed, subprocess.SubprocessError) as more:
            why += f"; and then: {more}"
    return {"name": name_of(operation), "ok": not why, "why": why, "skip": skip, "seconds": round(time.monotonic() - began, 2)}


def pairs(engine, turns, runtimes):
    """Prints what `brief` takes over each runtime, turn by turn."""
    for turn in range(turns + 1):
        seconds = [0.0] * len(runtimes)
        for i in range(len(runtimes)):
            which = (i + turn) % len(runtimes)
            engine.use(runtimes[which])
            began = time.monotonic()
            engine.brief()
            seconds[which] = time.monotonic() - began
        if turn:  # the first warms up
            print(json.dumps(seconds), flush=True)


def inside(kind, operations, runtime, work, names):
    try:
        engine = kind(runtime, work)
    except (Failed, Skipped, AssertionError, OSError, ImportError, subprocess.SubprocessError) as e:
        skip = str(e) if isinstance(e, Skipped) else ""
        print(json.dumps({"name": "start", "ok": False, "why": str(e), "skip": skip, "seconds": 0}), flush=True)
        return
    for f in operations:
        if not names or name_of(f) in names:
            print(json.dumps(perform(engine, f)), flush=True)
    if "ORLOP_ENGINE_PAIRS" in os.environ:
        pairs(engine, *json.loads(os.environ["ORLOP_ENGINE_PAIRS"]))
    if "ORLOP_ENGINE_LOGS" in os.environ:
        for log in glob.glob(os.path.join(work, "*.log")) + [engine.calls]:
            shutil.copy(log, os.environ["ORLOP_ENGINE_LOGS"])


def remove_cgroups(name):
    """Removes the parents in every hierarchy, deepest first, once their processes have ended."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        tops = glob.glob(f"/sys/fs/cgroup/{name}*") + glob.glob(f"/sys/fs/cgroup/*/{name}*")
        if not tops:
            return
        for top in tops:
            for path, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass
        time.sleep(0.05)


def main_of_guest(kind, operations):
    """For machines that are made for tests, whose systemd is needed: nothing is private."""
    os.environ[INSIDE] = f"orlop-engine-{os.getpid()}"
    inside(kind, operations, os.path.realpath(sys.argv[1]), sys.argv[2], sys.argv[3:])
    return 0


def main(kind, operations, more=()):
    """MORE: options of unshare."""
    sys.argv[1] = os.path.abspath(sys.argv[1])
    runtime, work, names = os.path.realpath(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if INSIDE in os.environ:
        if ROOT and ENTERED not in os.environ:
            theirs = os.path.exists(ROOT + sys.argv[1])
            logs = [os.environ["ORLOP_ENGINE_LOGS"]] if "ORLOP_ENGINE_LOGS" in os.environ else []
            enter(ROOT, TOP, work, os.path.dirname(os.path.dirname(ROOT)), *([] if theirs else [os.path.dirname(runtime)]), *logs)
            os.execve("/usr/bin/python3", ["python3", os.path.join(HERE, os.path.basename(sys.argv[0])), *sys.argv[1:]], {**os.environ, ENTERED: "1"})
        private()
        inside(kind, operations, runtime, work, names)
        return 0
    name = f"orlop-engine-{os.getpid()}"
    if any(name_of(f).startswith("checkpoint") and (not names or name_of(f) in names) for f in operations):
        subprocess.run([GET_CRIU], stdout=subprocess.DEVNULL, check=False)  # which may have to fetch it: inside there is no network
    try:
        return subprocess.run([*UNSHARE, *more, sys.executable, *sys.argv], env={**os.environ, INSIDE: name}, check=False).returncode
    finally:
        remove_cgroups(name)
        shutil.rmtree(work, ignore_errors=True)
