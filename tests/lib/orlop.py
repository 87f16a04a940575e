# SPDX-License-Identifier: Apache-2.0
"""What tests of the program stand on.

    def test_something(box):              # `box` makes bundles and runs the program, and checks afterwards that nothing is left
        b = box.bundle(["id", "-u"])      # a bundle whose program is busybox
        b.config["process"]["user"] = {"uid": 5, "gid": 6}
        assert box.run(b).out == "5\\n"

A box has a state directory and cgroup parent of its own.  `box.orlop(*words)` runs the program with them; it returns status, out and
err, and fails the test unless the status is the expected one.  After the test, containers, processes (those in its cgroups, and every
orphan), mounts, cgroups and links that the test made and that are still there fail it."""
import array
import ctypes
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PROGRAM = os.environ.get("ORLOP", "build/orlop")
DRIVER = os.environ.get("ORLOP_DRIVER", "cgroupfs")  # who makes the cgroups of containers: "systemd" where there is one
USER = os.environ.get("ORLOP_USER")  # the ordinary user that the tests run as (tests/vm/as-tester)
PATIENCE = int(os.environ.get("ORLOP_TEST_PATIENCE", "1"))  # a guest is slow
TIMEOUT = 20 * PATIENCE


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"status {self.status}\nout: {self.out}\nerr: {self.err}"


def busybox():
    for path in ("/bin/busybox", "/usr/bin/busybox"):
        if os.path.exists(path):
            return path
    raise RuntimeError("busybox is missing")


APPLETS = """sh cat ls id env echo true false sleep hostname mount ps pwd stat readlink touch mkdir head grep stty tty test
kill printf umask dd od wc ip setsid timeout seq mknod tail cut tr usleep chmod rm ln sysctl dnsdomainname""".split()


def make_rootfs(path):
    """A root file system of one static busybox."""
    for d in ("bin", "etc", "proc", "sys", "dev", "tmp", "root", "home", "var"):
        os.makedirs(os.path.join(path, d))
    shutil.copy(busybox(), os.path.join(path, "bin/busybox"))
    for applet in APPLETS:
        os.symlink("busybox", os.path.join(path, "bin", applet))
    with open(os.path.join(path, "etc/passwd"), "w") as f:
        f.write("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n")


class Bundle:
    def __init__(self, path, config, base=""):
        self.path, self.config, self.base = path, config, base

    @property
    def rootfs(self):
        return os.path.join(self.path, "rootfs")

    @property
    def cgroup(self):
        """Where the container's cgroup is, in each hierarchy."""
        path = self.config["linux"]["cgroupsPath"]
        slice, colon, name = path.partition(":")
        return path if not colon else self.base + f"/{slice}/{name.replace(':', '-')}.scope".replace("/-.slice", "")

    def save(self):
        with open(os.path.join(self.path, "config.json"), "w") as f:
            json.dump(self.config, f, indent=1)

    def namespace(self, kind, path=None):
        """Replaces (or adds) a namespace; path=False takes it out."""
        spaces = self.config["linux"]["namespaces"]
        spaces[:] = [n for n in spaces if n["type"] != kind]
        if path is not False:
            spaces.append({"type": kind, **({"path": path} if path else {})})

    def join(self, kind, path):
        """Lets the container join a namespace; an ordinary user's can do that as root of the user namespace alone that this belongs to."""
        self.namespace(kind, path)
        if USER:
            self.join_user(os.path.join(os.path.dirname(path), "user"))

    def join_user(self, path):
        """Lets the container join a user namespace, whose maps then are its own."""
        self.namespace("user", path)
        for kind in ("uid", "gid"):
            self.config["linux"].pop(f"{kind}Mappings", None)

    def mount(self, destination, source=None, type="bind", options=()):
        m = {"destination": destination, "type": type, "options": list(options)}
        if source:
            m["source"] = source
        self.config["mounts"].append(m)
        return m


def mounts_below(path):
    """The mount points below PATH, as a list."""
    with open("/proc/self/mountinfo") as f:
        return [point for point in (line.split()[4] for line in f) if point.startswith(path + "/")]


def base():
    """The cgroup below which containers are: an ordinary user has what his systemd manages, and what that gave to the service that the tests run in."""
    if not USER:
        return ""
    with open("/proc/self/cgroup") as f:
        own = re.search("^0::(.*)", f.read(), re.M)[1]
    return re.match(r".*/user@\d+\.service", own)[0] if DRIVER == "systemd" else os.path.dirname(own)


def subordinate(kind):
    """The first of the many ids that the user may map besides his own, and how many they are."""
    with open(f"/etc/sub{kind}") as f:
        return next([int(x) for x in line.split(":")[1:]] for line in f if line.startswith(f"{USER}:"))


def give_ids(config, own_alone):
    """Lets an ordinary user's container have as many ids as his system lets him map, and a network of its own, as root's has."""
    for kind, own in (("uid", os.getuid()), ("gid", os.getgid())):
        first, size = subordinate(kind)
        more = [] if own_alone else [{"containerID": 1, "hostID": first, "size": size}]
        config["linux"][f"{kind}Mappings"] = [{"containerID": 0, "hostID": own, "size": 1}, *more]
    config["linux"]["namespaces"].append({"type": "network"})


def give_user_namespace(b, size=1000, chown=True):
    """Gives a bundle's container a user namespace, whose root has its files: one that an ordinary user's has already.  Returns its maps."""
    if not USER:
        b.namespace("user")
        b.config["linux"]["uidMappings"] = b.config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": size}]
        if chown:
            give_files(b)
        os.chmod(os.path.dirname(b.path), 0o755)
    return b.config["linux"]["uidMappings"]


def give_files(b):
    """Gives the bundle's files to the root of the user namespace that containers have or join here."""
    if not USER:
        subprocess.run(["chown", "-Rh", "100000:100000", b.rootfs], check=True)


def host_ids(b, *ids):
    """Ids of the container, as the host sees them."""
    maps = b.config["linux"].get("uidMappings") or [{"containerID": 0, "hostID": 0, "size": 1 << 32}]
    return [id - m["containerID"] + m["hostID"] for id in ids for m in maps if 0 <= id - m["containerID"] < m["size"]]


def uid_map(maps):
    """The words of /proc/PID/uid_map for maps."""
    return [str(m[key]) for m in maps for key in ("containerID", "hostID", "size")]


def remove(path):
    """Removes a tree, in which an ordinary user's container may have left files of ids that are only its own."""
    shutil.rmtree(path, ignore_errors=True)
    if USER and os.path.exists(path):
        subprocess.run(["unshare", "--user", "--map-auto", "--map-root-user", "rm", "-rf", path], check=False)


class Box:
    count = 0

    def __init__(self):
        Box.count += 1
        self.dir = tempfile.mkdtemp(prefix="orlop-test-")
        self.root = os.path.join(self.dir, "state")
        self.name = f"orlop-test-{os.getpid()}-{Box.count}"
        self.base = base()
        self.cgroup = f"{self.base}/{self.name}"
        self.n = 0
        self.prefix, self.program = [], PROGRAM  # what the program is started by; where it is
        self.own_id_alone = False  # of an ordinary user: newuidmap, which maps others, has no privilege where it is traced or was filtered
        self.before, self.orphans_before = self.snapshot(), set(orphans())

    # --- bundles

    def bundle(self, args=("true",), **process):
        self.n += 1
        path = os.path.join(self.dir, f"bundle{self.n}")
        os.makedirs(os.path.join(path, "rootfs"))
        make_rootfs(os.path.join(path, "rootfs"))
        self.orlop("spec", *(["--rootless"] if USER else []), "--bundle", path)
        with open(os.path.join(path, "config.json")) as f:
            config = json.load(f)
        config["process"].update(terminal=False, args=list(args), **process)
        config["root"]["readonly"] = False
        config["linux"]["cgroupsPath"] = f"{self.cgroup}-{self.n}" if DRIVER == "cgroupfs" else f"-.slice:{self.name}:{self.n}"
        if USER:
            give_ids(config, self.own_id_alone)
        return Bundle(path, config, self.base)

    # --- the program

    def command(self, *words):
        driver = [] if DRIVER == "cgroupfs" else ["--cgroup-manager", DRIVER]
        return [*self.prefix, self.program, "--root", self.root, *driver, *words]

    def orlop(self, *words, status=0, env=None, **more):
        # files, not pipes: a detached container keeps them open
        with tempfile.TemporaryFile("w+", errors="replace") as out, tempfile.TemporaryFile("w+", errors="replace") as err:
            done = subprocess.run(self.command(*words), stdin=more.pop("stdin", subprocess.DEVNULL), stdout=out, stderr=err,
                                  timeout=TIMEOUT, env=dict(os.environ, **(env or {})), **more)
            for stream, name in ((out, "stdout"), (err, "stderr")):
                stream.seek(0)
                setattr(done, name, stream.read())
        result = Result(done)
        if status is not None:
            assert done.returncode == status, result
        return result

    def run(self, b, *options, id="c", status=0, **more):
        b.save()
        return self.orlop("run", "--bundle", b.path, *options, id, status=status, **more)

    def create(self, b, *options, id="c", status=0, **more):
        """Creates; the container's output goes to files, whose paths are returned in .out and .err."""
        b.save()
        out = os.path.join(b.path, f"{id}.out")
        with open(out, "w") as f:
            done = subprocess.run(self.command("create", "--bundle", b.path, *options, id), stdin=subprocess.DEVNULL,
                                  stdout=f, stderr=subprocess.PIPE if status else f, text=True, timeout=TIMEOUT, **more)
        with open(out) as f:
            text = f.read()
        assert status is None or done.returncode == status, text or done.stderr
        done.stdout = out
        return Result(done)

    def state(self, id="c", status=0):
        r = self.orlop("state", id, status=status)
        return json.loads(r.out) if status == 0 else r

    def status(self, id="c"):
        return self.state(id)["status"]

    def wait(self, status, id="c", seconds=20):
        """Waits until the container has the status."""
        return eventually(lambda: self.status(id) == status, f"container {id} {status}", seconds)

    def delete(self, id="c", force=True):
        return self.orlop("delete", *(["--force"] if force else []), id)

    # --- what is left

    def snapshot(self):
        with open("/proc/self/mountinfo") as f:
            mounts = sorted(line.split()[4] for line in f)
        cgroups = sorted(p for h in ("/sys/fs/cgroup", *glob.glob("/sys/fs/cgroup/*"))
                         for p in glob.glob(f"{h}{self.cgroup}*"))
        return {"mounts": mounts, "cgroups": cgroups, "links": sorted(os.listdir("/sys/class/net"))}

    def processes(self):
        """Processes whose command line or root speaks of this box."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cgroup") as f:
                    if self.cgroup in f.read() and not pid_gone(pid): # (a zombie's parent is not ours to wake)
                        with open(f"/proc/{pid}/cmdline") as g:
                            found.append(f"{pid} {g.read()}")
            except OSError:
                pass
        return found

    def orphans(self):
        """Processes that this test left to the reaper."""
        return [f"{pid} {command_line(pid)}" for pid in orphans() if pid not in self.orphans_before and not pid_gone(pid)]

    def left_over(self):
        """Processes of this test that do not end: to be killed and to be gone are two things, and the first one of a pid namespace waits
        until the reaper has collected the others."""
        end = time.monotonic() + 2
        while True:
            alive = self.processes() + self.orphans()
            if not alive or time.monotonic() > end:
                return alive
            time.sleep(0.02)

    def close(self):
        left = [n for n in os.listdir(self.root) if n[0] != "."] if os.path.isdir(self.root) else [] # (the cache of filters stays)
        for id in left:
            subprocess.run(self.command("delete", "--force", id), capture_output=True, timeout=TIMEOUT)
        processes = self.left_over()
        after = self.snapshot()
        remove(self.dir)
        assert not left, f"containers left: {left}"
        assert not processes, f"processes left: {processes}"
        assert after == self.before, f"left behind: {[(k, [x for x in after[k] if x not in self.before[k]]) for k in after]}"


def needs_cgroupfs(why):
    if DRIVER != "cgroupfs":
        import pytest
        pytest.skip(f"with the cgroup driver {DRIVER} {why}")


def needs_root_or_tester():
    if os.geteuid() != 0 and not USER:
        import pytest
        pytest.skip("containers of this suite need root, or an ordinary user that tests/vm/as-tester made")


def kernel():
    """(6, 1)"""
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))


def needs_linux(major, minor, what):
    """Skips the test on a kernel that is older."""
    import pytest
    if kernel() < (major, minor):
        pytest.skip(f"{what} needs Linux {major}.{minor}, this is {os.uname().release}")


def eventually(true, what, seconds=20):
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        got = true()
        if got:
            return got
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def under_reaper():
    """Goes on in a child whose parent adopts and reaps every orphan, as an engine's monitor does, so that none is out of sight."""
    if "ORLOP_REAPER" in os.environ:
        return
    prctl = ctypes.CDLL(None).prctl
    prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    reaper, child = os.getpid(), os.fork()
    if child == 0:
        prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
        os.environ["ORLOP_REAPER"] = str(reaper)
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) % 256)


def orphans():
    """Pids that the reaper adopted."""
    reaper = os.environ.get("ORLOP_REAPER")
    if not reaper:
        return []
    with open(f"/proc/{reaper}/task/{reaper}/children") as f:
        return [pid for pid in map(int, f.read().split()) if pid != os.getpid()]


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            return f.read().replace("\0", " ").strip()
    except OSError:
        return ""


def pid_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


class ConsoleSocket:
    """Receives the terminal that the runtime sends."""

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        cwd = os.getcwd()  # the path may be longer than an address
        os.chdir(os.path.dirname(path))
        self.listener.bind(os.path.basename(path))
        os.chdir(cwd)
        self.listener.listen(1)
        self.listener.settimeout(20)

    def receive(self):
        connection, _ = self.listener.accept()
        fds = array.array("i")
        data, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4 * 8))
        for level, kind, payload in control:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(payload[:len(payload) - len(payload) % 4])
        connection.close()
        assert len(fds) == 1 and data, (data, list(fds))
        return fds[0]


def read_terminal(fd, until, seconds=20):
    """Reads from a terminal until a text appears."""
    import select
    text, end = "", time.monotonic() + seconds * PATIENCE
    while until not in text and time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                chunk = os.read(fd, 4096)
            except OSError:
                break
            if not chunk:
                break
            text += chunk.decode(errors="replace")
    assert until in text, text
    return text
