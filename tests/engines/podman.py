#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: podman.py RUNTIME DIRECTORY

Drives Podman over RUNTIME and prints a line of JSON for every operation: {"name", "ok", "why"}.  Starts itself anew in namespaces of
its own (mounts, network, processes, ipc, names), with a /run of its own and all of Podman's data in DIRECTORY, so that no mount,
bridge, rule or process of Podman's reaches the machine: all end with the first process here.  Only cgroups are the machine's, below
one parent that is removed at the end."""
import glob
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import orlop  # noqa: E402

INSIDE = "ORLOP_IN_ENGINE"
RUN = ["run"]
NPROC = "nproc=1024:1024"
OPERATIONS = []


class Failed(Exception):
    pass


def operation(function):
    OPERATIONS.append(function)
    return function


def check(true, why):
    if not true:
        raise Failed(str(why))


class Podman:
    def __init__(self, runtime, work):
        self.runtime, self.work, self.n = runtime, work, 0
        self.parent = "/" + os.environ[INSIDE]
        os.environ.update(HOME=os.path.join(work, "home"), CONTAINERS_CONF=os.path.join(work, "containers.conf"),
                          CONTAINERS_STORAGE_CONF=os.path.join(work, "storage.conf"), TMPDIR=os.path.join(work, "tmp"),
                          PODMAN_IGNORE_CGROUPSV1_WARNING="1") # of 5.x, on standard error
        os.makedirs(os.path.join(work, "home/.config/containers"))
        os.makedirs(os.path.join(work, "tmp"))
        self.configure()

    def file(self, name, text):
        with open(os.path.join(self.work, name), "w") as f:
            f.write(text)

    def configure(self):
        self.file("home/.config/containers/policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}')
        self.file("storage.conf", f'[storage]\ndriver = "vfs"\ngraphroot = "{self.work}/graph"\nrunroot = "/run/graph"\n')
        # no default_ulimits: Podman's own cannot be had without CAP_SYS_RESOURCE
        self.file("containers.conf", f"""[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "tested"
runtime_supports_json = ["tested"]
runtime_supports_nocgroup = ["tested"]
tmp_dir = "/run/libpod"
[engine.runtimes]
tested = ["{self.runtime}"]
[network]
network_backend = "netavark"
network_config_dir = "{self.work}/networks"
""")

    def command(self, *words):
        words = list(words)
        if words[0] in ("run", "create", "build") or words[:2] == ["pod", "create"]:
            at = 2 if words[0] == "pod" else 1
            # a build's step runs in the parent itself, which must then be empty
            words[at:at] = ["--cgroup-parent", self.parent + ("-build" if words[0] == "build" else "")]
        return ["podman", *words]

    def __call__(self, *words, status=0, stdin=None):
        """Runs podman; its output is returned; another exit status than expected fails the operation."""
        self.n += 1
        out = os.path.join(self.work, f"out{self.n}")  # a file: what Podman leaves running keeps it open
        with open(out, "w") as f:
            done = subprocess.run(self.command(*words), input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                                  stdout=f, stderr=subprocess.STDOUT, text=True, timeout=90)
        with open(out, errors="replace") as f:
            text = f.read()
        check(done.returncode == status, f"podman {' '.join(words)}: status {done.returncode}: {text.strip()[-400:]}")
        return text

    def terminal(self, *words, send=()):
        """Runs podman on a terminal, types a line whenever its prompt appears, and returns all that was shown."""
        pid, fd = pty.fork()
        if pid == 0:
            try:
                os.execvp("podman", self.command(*words))
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
            if send and send[0][0] in shown:
                os.write(fd, send.pop(0)[1].encode())
        else:
            os.kill(pid, 9)
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown


@operation
def image_import(p):
    root = os.path.join(p.work, "image")
    os.makedirs(root)
    orlop.make_rootfs(root)
    subprocess.run(["tar", "-C", root, "-cf", os.path.join(p.work, "image.tar"), "."], check=True, timeout=60)
    p("import", os.path.join(p.work, "image.tar"), "busybox")
    check("busybox" in p("images"), "no image")


@operation
def run(p):
    check(p(*RUN, "--rm", "busybox", "echo", "hello") == "hello\n", "output")


@operation
def run_status(p):
    p(*RUN, "--rm", "busybox", "sh", "-c", "exit 7", status=7)
    p(*RUN, "--rm", "busybox", "sh", "-c", "kill -9 $$; exit 3", status=3)  # pid 1 is spared


@operation
def run_not_found(p):
    p(*RUN, "--rm", "busybox", "nowhere", status=127)


@operation
def run_not_executable(p):
    p(*RUN, "--rm", "busybox", "/etc/passwd", status=126)


@operation
def run_stdin(p):
    check(p(*RUN, "-i", "--rm", "busybox", "cat", stdin="through\n") == "through\n", "output")


@operation
def run_detached(p):
    p(*RUN, "-d", "--name", "one", "busybox", "sh", "-c", "echo started; trap 'exit 3' TERM; while :; do sleep 0.1; done")
    check(p("inspect", "-f", "{{.State.Status}}", "one") == "running\n", "not running")


@operation
def logs(p):
    orlop.eventually(lambda: p("logs", "one") == "started\n", "the log")


@operation
def exec_(p):
    check(p("exec", "one", "echo", "inside") == "inside\n", "output")
    p("exec", "one", "sh", "-c", "exit 5", status=5)


@operation
def exec_options(p):
    out = p("exec", "--user", "1000:1000", "--workdir", "/tmp", "--env", "A=b", "one", "sh", "-c", "id -u; pwd; echo $A")
    check(out == "1000\n/tmp\nb\n", out)


@operation
def exec_not_found(p):
    p("exec", "one", "nowhere", status=127)


@operation
def exec_detached(p):
    p("exec", "-d", "one", "touch", "/tmp/touched")
    orlop.eventually(lambda: "touched" in p("exec", "one", "ls", "/tmp"), "the file")


@operation
def exec_terminal(p):
    status, shown = p.terminal("exec", "-it", "one", "sh", "-c", "tty; exit 4")
    check(status == 4 and "/dev/pts/" in shown, f"status {status}: {shown}")


@operation
def top(p):
    check("sleep" in p("exec", "one", "ps"), "processes")


@operation
def stop(p):
    p("stop", "-t", "10", "one")
    check(p("inspect", "-f", "{{.State.ExitCode}}", "one") == "3\n", "the signal was not caught")


@operation
def start_again(p):
    p("start", "one")
    check(p("inspect", "-f", "{{.State.Status}}", "one") == "running\n", "not running")


@operation
def kill(p):
    p("kill", "--signal", "KILL", "one")
    check(p("wait", "one") == "137\n", "status")


@operation
def rm(p):
    p("rm", "one")
    check(p("ps", "-aq") == "", "still there")


@operation
def rm_force(p):
    p(*RUN, "-d", "--name", "two", "busybox", "sleep", "1000")
    p("rm", "-f", "-t", "0", "two")
    check(p("ps", "-aq") == "", "still there")


@operation
def create_start(p):
    p("create", "--name", "made", "busybox", "echo", "later")
    check("later" in p("start", "--attach", "made"), "output")
    p("rm", "made")


@operation
def run_terminal(p):
    status, shown = p.terminal(*RUN, "-it", "--rm", "busybox", "sh", "-c", "tty; read x; echo got $x; exit 6",
                               send=[("/dev/pts/", "typed\r")])
    check(status == 6 and "got typed" in shown, f"status {status}: {shown}")


@operation
def pod(p):
    p("pod", "create", "--name", "pod", "--infra-image", "busybox", "--infra-command",
      "sleep 1000")
    p(*RUN, "-d", "--pod", "pod", "--name", "a", "busybox", "sleep", "1000")
    p(*RUN, "-d", "--pod", "pod", "--name", "b", "busybox", "sleep", "1000")
    same = [[p("exec", c, "readlink", f"/proc/self/ns/{n}") for n in ("net", "ipc", "uts")] for c in "ab"]
    check(same[0] == same[1], same)
    p("pod", "stop", "-t", "0", "pod")
    p("pod", "rm", "-f", "-t", "0", "pod")


@operation
def volumes(p):
    p(*RUN, "--rm", "-v", "kept:/data", "busybox", "sh", "-c", "echo kept > /data/file")
    check(p(*RUN, "--rm", "-v", "kept:/data:ro", "busybox", "cat", "/data/file") == "kept\n", "content")
    p(*RUN, "--rm", "-v", "kept:/data:ro", "busybox", "touch", "/data/new", status=1)
    host = os.path.join(p.work, "host")
    os.makedirs(host)
    p(*RUN, "--rm", "-v", f"{host}:/host", "busybox", "touch", "/host/made")
    check(os.path.exists(os.path.join(host, "made")), "bind")
    p("volume", "rm", "kept")


@operation
def tmpfs(p):
    check("tmpfs" in p(*RUN, "--rm", "--tmpfs", "/data:size=1m", "busybox", "grep", " /data ", "/proc/mounts"), "mount")


@operation
def user(p):
    check(p(*RUN, "--rm", "--user", "1000:1001", "busybox", "sh", "-c", "id -u; id -g") == "1000\n1001\n", "ids")
    check(p(*RUN, "--rm", "--user", "user", "busybox", "id", "-un") == "user\n", "name")


@operation
def read_only(p):
    check("Read-only" in p(*RUN, "--rm", "--read-only", "busybox", "touch", "/etc/new", status=1), "written")
    p(*RUN, "--rm", "--read-only", "busybox", "touch", "/tmp/new", "/run/new", "/var/tmp/new")


@operation
def cap_drop(p):
    line = p(*RUN, "--rm", "--cap-drop", "ALL", "busybox", "grep", "CapBnd", "/proc/self/status")
    check(line.split() == ["CapBnd:", "0" * 16], line)


@operation
def cap_add(p):
    line = p(*RUN, "--rm", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "busybox", "grep", "CapEff", "/proc/self/status")
    check(int(line.split()[1], 16) == 1 << 12, line)


@operation
def hostname(p):
    check(p(*RUN, "--rm", "--hostname", "named", "busybox", "hostname") == "named\n", "name")


@operation
def environment(p):
    check(p(*RUN, "--rm", "-e", "A=b c", "-w", "/tmp", "busybox", "sh", "-c", "echo $A; pwd") == "b c\n/tmp\n", "output")


@operation
def limits(p):
    out = p(*RUN, "--rm", "--pids-limit", "77", "--memory", "64m", "--cpu-shares", "512", "--ulimit", "nofile=99:99", "--ulimit", NPROC, "busybox", "sh",
            "-c", "ulimit -n; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; true")
    check(out.splitlines()[0] == "99", out)
    check(len(out.splitlines()) < 2 or out.splitlines()[1] == "77", out)


@operation
def host_namespaces(p):
    for name, option in (("net", "--network"), ("pid", "--pid"), ("ipc", "--ipc"), ("uts", "--uts")):
        got = p(*RUN, "--rm", f"{option}=host", "busybox", "readlink", f"/proc/self/ns/{name}").strip()
        check(got == os.readlink(f"/proc/self/ns/{name}"), f"{name}: {got}")


@operation
def network_bridge(p):
    check("eth0" in p(*RUN, "--rm", "busybox", "ip", "link"), "no eth0")


@operation
def network_none(p):
    check("LOOPBACK,UP" in p(*RUN, "--rm", "--network", "none", "busybox", "ip", "link", "show", "lo"), "loopback is down")


@operation
def privileged(p):
    p("run", "--rm", "--privileged", "--cap-drop", "SYS_RESOURCE", "--ulimit", "nofile=1024:1024", "--ulimit", NPROC, "busybox", "true")


@operation
def sysctl(p):
    check(p(*RUN, "--rm", "--sysctl", "net.ipv4.ip_forward=1", "busybox", "cat", "/proc/sys/net/ipv4/ip_forward") == "1\n", "value")


@operation
def device(p):
    p(*RUN, "--rm", "--device", "/dev/zero:/dev/nought", "busybox", "head", "-c", "1", "/dev/nought")


@operation
def user_namespace(p):
    out = p(*RUN, "--rm", "--uidmap", "0:100000:1000", "--gidmap", "0:100000:1000", "busybox", "cat", "/proc/self/uid_map")
    check(out.split() == ["0", "100000", "1000"], out)


@operation
def restart(p):
    p(*RUN, "-d", "--name", "again", "busybox", "sleep", "1000")
    p("restart", "-t", "0", "again")
    check(p("inspect", "-f", "{{.State.Status}}", "again") == "running\n", "not running")
    p("rm", "-f", "-t", "0", "again")


@operation
def build(p):
    os.makedirs(os.path.join(p.work, "build"))
    p.file("build/Containerfile", "FROM busybox\nRUN echo built > /built && id -u\nRUN test -s /built\nCMD cat /built\n")
    p("build", "-t", "built", os.path.join(p.work, "build"))
    check(p(*RUN, "--rm", "built") == "built\n", "output")


def inside(runtime, work):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    p = Podman(runtime, work)
    for f in OPERATIONS:
        why = ""
        try:
            f(p)
        except (Failed, AssertionError, OSError, IndexError, ValueError, subprocess.SubprocessError) as e:
            why = str(e) or type(e).__name__
            subprocess.run(["podman", "pod", "rm", "-fa"], capture_output=True, timeout=90)
            if f.__name__ != "run_detached":
                subprocess.run(["podman", "rm", "-fat", "0"], capture_output=True, timeout=90)
        print(json.dumps({"name": f.__name__.strip("_"), "ok": not why, "why": why}), flush=True)


def remove_cgroups(name):
    """Removes the parent in every hierarchy, deepest first, once its processes have ended."""
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


def main():
    runtime, work = sys.argv[1:]
    if INSIDE in os.environ:
        inside(runtime, work)
        return 0
    name = f"orlop-engine-{os.getpid()}"
    unshare = ["unshare", "-m", "-n", "-u", "-i", "-p", "-f", "--kill-child", "--mount-proc", "--propagation", "private"]
    try:
        return subprocess.run([*unshare, sys.executable, os.path.abspath(__file__), runtime, work], env={**os.environ, INSIDE: name}).returncode
    finally:
        remove_cgroups(name)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
