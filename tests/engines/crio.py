#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: crio.py RUNTIME DIRECTORY [OPERATION...]

Calls RUNTIME as CRI-O does (see rig.py): by conmon, and directly, with what the example for CRI-O says of paths.  No release of Debian that this
is tested with has CRI-O itself."""
import json
import os
import subprocess
import sys
import tomllib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
from operations import COUNT, SHARES_512  # noqa: E402
from rig import Operations, call, check, eventually, goes_on, stands_still  # noqa: E402

TRAP = ("sh", "-c", "echo started; trap 'exit 3' TERM; trap 'echo got usr1' USR1; while :; do sleep 0.1; done")


class Container:
    """A container's directories, as CRI-O lays them out."""

    def __init__(self, p, *args, terminal=False, pod=None):
        p.n += 1
        self.p, self.id, self.terminal = p, f"{p.n:064x}", terminal
        self.dir = p.path(f"c{p.n}")
        os.makedirs(self.dir)
        call(p.real, "spec", "--bundle", self.dir)
        with open(self.file("config.json"), encoding="utf-8") as f:
            self.config = json.load(f)
        self.config["process"].update(args=args, terminal=terminal)
        self.config["process"].pop("rlimits", None)
        self.config["root"] = {"path": p.rootfs()[0]}
        self.config["linux"]["cgroupsPath"] = f"{p.parent}/{self.id}"
        self.config["annotations"] = {"io.kubernetes.cri-o.ContainerType": "container" if pod else "sandbox"}
        if pod:
            for name, proc in (("network", "net"), ("ipc", "ipc"), ("uts", "uts")):
                next(n for n in self.config["linux"]["namespaces"] if n["type"] == name)["path"] = f"/proc/{pod.pid}/ns/{proc}"
            self.config.pop("hostname", None)

    def file(self, name):
        return os.path.join(self.dir, name)

    def text(self, name):
        with open(self.file(name), encoding="utf-8") as f:
            return f.read()

    def save(self):
        with open(self.file("config.json"), "w", encoding="utf-8") as f:
            json.dump(self.config, f)

    def conmon(self, *words):
        """Starts a conmon, lets it go on, and returns what it says."""
        told, tell = os.pipe()
        wait, go = os.pipe()
        os.write(go, b"\0")
        argv = [self.p.handler["monitor_path"], "--syslog", "-c", self.id, "-n", "name", "-u", self.id, "-r", self.p.handler["runtime_path"],
                "--runtime-arg", f"--root={self.p.handler['runtime_root']}", "--socket-dir-path", self.dir, "--log-level", "info", *words]
        env = {"_OCI_SYNCPIPE": str(tell), "_OCI_STARTPIPE": str(wait), "PATH": os.environ["PATH"]}
        null = subprocess.DEVNULL
        conmon = subprocess.Popen(argv, stdin=null, stdout=null, stderr=null, pass_fds=(tell, wait), env=env)
        for fd in (tell, wait, go):
            os.close(fd)
        with os.fdopen(told, encoding="utf-8") as f:
            line = f.readline()
        conmon.wait(30)  # the first process; the monitor goes on behind it
        check(line, f"conmon said nothing: {' '.join(argv)}")
        return json.loads(line)

    def create(self, *more):
        self.save()
        words = ["-b", self.dir, "--persist-dir", self.dir, "--exit-dir", self.p.path("exits"), "-p", self.file("pidfile"), "-P", self.file("conmon.pid"),
                 "-l", self.file("log")]
        said = self.conmon(*words, *(["-t"] if self.terminal else []), *more)
        self.pid = said.get("pid", -1)
        return said

    def start(self):
        said = self.create()
        check(self.pid > 0, said)
        self.call("start")
        return self

    def call(self, *words, **more):
        """A direct call about this container."""
        return self.p.call(*words, self.id, **more)

    def state(self):
        return json.loads(self.call("state"))

    def wrote(self):
        """The lines in its log, without time and stream."""
        return [line.split(" ", 3)[3].strip() for line in self.text("log").splitlines()]

    def exit_code(self):
        path = os.path.join(self.p.path("exits"), self.id)
        eventually(lambda: os.path.exists(path) and os.path.getsize(path) > 0, "the end")
        with open(path, encoding="ascii") as f:
            return int(f.read())

    def process(self, *args, **more):
        """The file of a process for exec."""
        with open(self.file("process"), "w", encoding="utf-8") as f:
            json.dump({**self.config["process"], "args": args, "terminal": False, **more}, f)
        return self.file("process")

    def exec_sync(self, *args, timeout=10):
        self.p.n += 1
        log = self.file(f"exec{self.p.n}.log")
        said = self.conmon("-p", self.file(f"exec{self.p.n}.pid"), "-e", "-l", log, "-T", str(timeout), "--exec-process-spec", self.process(*args))
        return said, log

    def delete(self):
        self.call("delete", "--force")


class Crio(rig.Engine):
    states = ("/run/orlop/*",)

    def start(self):
        config = tomllib.loads(self.example("crio.conf"))["crio"]["runtime"]
        self.handler = config["runtimes"][config["default_runtime"]]
        check(self.handler["runtime_type"] == "oci", config)
        os.makedirs(self.path("exits"))

    def call(self, *words, **more):
        return self.run([self.handler["runtime_path"], "--root", self.handler["runtime_root"], *words], **more)

    def clean(self):
        for c in json.loads(self.call("list", "--format", "json")) or []:
            self.call("delete", "--force", c["id"], status=None)


operation = Operations()


@operation
def image_import(p):
    check(os.path.exists(p.rootfs()[0]), "no root file system")


@operation
def features(p):
    """At CRI-O's start: both streams together are one document."""
    got = json.loads(p.run([p.handler["runtime_path"], "features"]))
    check(got["ociVersionMin"] and got["ociVersionMax"] and "rro" in got["mountOptions"], got)


@operation
def run(p):
    c = Container(p, "echo", "hello").start()
    check(c.exit_code() == 0 and c.wrote() == ["hello"], c.text("log"))
    check(c.state()["status"] == "stopped" and "T" in c.state()["created"], c.state())
    c.delete()
    check(any(f"--root={p.handler['runtime_root']} create " in f"{line} " for line in p.called()), p.called())


@operation
def run_status(p):
    c = Container(p, "sh", "-c", "exit 7").start()
    check(c.exit_code() == 7, "status")
    c.delete()


@operation
def run_not_found(p):
    """What CRI-O tells the kubelet is what the runtime wrote."""
    c = Container(p, "nowhere")
    said = c.create()
    check(c.pid == -1 and "executable file not found in $PATH" in said["message"], said)
    c.call("state", status=1)
    c.delete()


@operation
def run_terminal(p):
    c = Container(p, "tty", terminal=True).start()
    check(c.exit_code() == 0 and c.wrote()[0].startswith("/dev/"), c.text("log"))
    c.delete()


@operation
def logs(p):
    c = Container(p, "sh", "-c", "echo out; echo err >&2").start()
    check(c.exit_code() == 0, "status")
    check(sorted(line.split()[1:] for line in c.text("log").splitlines()) == [["stderr", "F", "err"], ["stdout", "F", "out"]], c.text("log"))
    c.delete()


@operation
def exec_(p):
    """As ExecSync, by a conmon of its own, and as Exec, directly."""
    c = Container(p, *TRAP).start()
    said, log = c.exec_sync("sh", "-c", "echo inside; exit 5")
    check(said["exit_code"] == 5, said)
    with open(log, encoding="utf-8") as f:
        check(f.read().strip().endswith("stdout F inside"), log)
    said, _ = c.exec_sync("nowhere")
    check("executable file not found in $PATH" in said.get("message", ""), said)
    said, _ = c.exec_sync("sleep", "1000", timeout=1)
    check("timed out" in said.get("message", ""), said)
    check(c.call("exec", "--process", c.process("cat"), stdin="through\n") == "through\n", "output")
    c.call("exec", "--process", c.process("sh", "-c", "exit 6"), status=6)
    c.delete()


@operation
def kill_signal(p):
    c = Container(p, *TRAP).start()
    eventually(lambda: "started" in c.wrote(), "its first words")
    p.call("kill", c.id, "SIGUSR1")
    eventually(lambda: "got usr1" in c.wrote(), "the signal")
    p.call("kill", c.id, "TERM")
    check(c.exit_code() == 3, "status")
    check("not running" in p.call("kill", c.id, "KILL", status=1), "words")
    c.delete()


@operation
def kill(p):
    c = Container(p, *TRAP).start()
    p.call("kill", c.id, "KILL")
    check(c.exit_code() == 137, "status")
    c.delete()


@operation
def pause(p):
    c = Container(p, *COUNT).start()
    written = f"/proc/{c.pid}/root/numbers"
    eventually(lambda: os.path.exists(written), "the first number")
    goes_on(written)
    c.call("pause")
    check(c.state()["status"] == "paused", c.state())
    stands_still(written)
    c.call("resume")
    goes_on(written)
    c.delete()
    os.unlink(os.path.join(p.rootfs()[0], "numbers"))


@operation
def limits_update(p):
    c = Container(p, *TRAP).start()
    p.call("update", "--resources", "-", c.id, stdin=json.dumps({"memory": {"limit": 96 << 20}, "cpu": {"quota": 50000, "period": 100000, "shares": 512}}))

    def setting(*names):
        paths = [f"/sys/fs/cgroup/{name.format(p.parent + '/' + c.id)}" for name in names]
        return next(open(path, encoding="ascii").read().strip() for path in paths if os.path.exists(path))
    check(setting("memory{}/memory.limit_in_bytes", "{}/memory.max") == str(96 << 20), "memory")
    check(setting("cpu{}/cpu.cfs_quota_us", "{}/cpu.max") in ("50000", "50000 100000"), "quota")
    check(setting("cpu{}/cpu.shares", "{}/cpu.weight") in SHARES_512, "shares")
    c.delete()


@operation
def pod(p):
    """A container in the network, ipc and uts namespaces of the pod's."""
    ask = ("sh", "-c", "for n in net ipc uts pid; do readlink /proc/self/ns/$n; done")
    first = Container(p, *TRAP).start()
    c = Container(p, *ask, pod=first).start()
    check(c.exit_code() == 0, "status")
    theirs = [os.readlink(f"/proc/{first.pid}/ns/{n}") for n in ("net", "ipc", "uts", "pid")]
    check(c.wrote()[:3] == theirs[:3] and c.wrote()[3] != theirs[3], c.wrote())
    c.delete()
    first.delete()


@operation
def checkpoint(p):
    """A counting program goes on counting, from images that are restored by conmon."""
    p.in_path("criu", rig.criu())
    path = {"PATH": p.path("path") + ":" + os.environ["PATH"]}
    c = Container(p, *COUNT).start()
    written = os.path.join(p.rootfs()[0], "numbers")
    eventually(lambda: os.path.exists(written), "the first number")
    goes_on(written)
    c.call("checkpoint", "--file-locks", "--image-path", c.file("images"), "--work-path", c.dir, "--leave-running", env=path)
    goes_on(written)
    c.call("checkpoint", "--file-locks", "--image-path", c.file("images"), "--work-path", c.dir, env=path)
    stands_still(written)
    os.environ.update(path)
    said = c.create("--restore", c.file("images"), "--runtime-opt", "--file-locks")
    check(c.pid > 0, said)
    goes_on(written)
    with open(written, encoding="ascii") as f:
        counted = [int(n) for n in f.read().split()]
    check(counted == list(range(1, len(counted) + 1)), counted)
    c.delete()
    os.unlink(written)


@operation
def nothing_left(p):
    check(not json.loads(p.call("list", "--format", "json")), "containers are left")
    eventually(lambda: not p.left(), p.left, 10)


if __name__ == "__main__":
    sys.exit(rig.main(Crio, operation))
