#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: containerd.py RUNTIME DIRECTORY [OPERATION...]

Drives containerd by its own client, ctr, over RUNTIME (see rig.py)."""
import glob
import hashlib
import json
import os
import re
import sys
import tarfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
from rig import HOG, WAIT, Operations, Skipped, call, check, eventually, goes_on, stands_still  # noqa: E402

SOCKET = "/run/containerd.sock"
IMAGE = "docker.io/library/busybox:latest"
SLEEP = ("sleep", "1000")
COUNT = ("sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >>/numbers; usleep 20000; done")
NETWORK = {"cniVersion": "0.4.0", "name": "pods", "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/16"}]]}}]}


def oci_archive(rootfs_tar, target, **config):
    """An OCI image of one layer, made without any tool or registry."""
    def blob(data):
        digest = hashlib.sha256(data).hexdigest()
        members[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}", "size": len(data)}
    members = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
    with open(rootfs_tar, "rb") as f:
        layer = blob(f.read())
    image = blob(json.dumps({"architecture": "amd64" if os.uname().machine == "x86_64" else "arm64", "os": "linux", "config": config,
                             "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}).encode())
    kind = "application/vnd.oci.image"
    manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json", "config": {"mediaType": f"{kind}.config.v1+json", **image},
                                "layers": [{"mediaType": f"{kind}.layer.v1.tar", **layer}]}).encode())
    names = {"io.containerd.image.name": IMAGE, "org.opencontainers.image.ref.name": "latest"}
    members["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": f"{kind}.manifest.v1+json", **manifest,
                                                                          "annotations": names}]}).encode()
    with tarfile.open(target, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            path = target + ".part"
            with open(path, "wb") as f:
                f.write(data)
            with open(path, "rb") as f:
                tar.addfile(info, f)


def cni_plugins():
    """Where they are."""
    plugins = next((d for d in ("/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin") if os.path.exists(f"{d}/bridge")), None)
    if not plugins:
        raise Skipped("CNI's plugins are not installed")
    return plugins


class Containerd(rig.Engine):
    program, at = "ctr", ("-a", SOCKET)
    states = ("/run/containerd/runc/default/*",)

    def start(self):
        self.file("containerd.toml", f"""version = 2
root = "{self.work}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{SOCKET}"
""")
        # ctr create has no flag for the runtime: it takes the first runc in the path
        self.in_path("runc", self.runtime)
        os.environ["PATH"] = self.path("path") + ":" + os.environ["PATH"]
        self.daemon("containerd", ["containerd", "-c", self.path("containerd.toml")], ["ctr", "-a", SOCKET, "version"])

    def command(self, *words):
        words = list(words)
        if words[0] == "run":
            words[1:1] = ["--runc-binary", self.runtime, "--cgroup", f"{self.parent}/{self.n}"]
        return [self.program, *self.at, *words]

    def remove(self, *names):
        for name in names:
            self("task", "kill", "-a", "-s", "KILL", name, status=None)
            eventually(lambda: not re.search(rf"(?m)^{name} .*RUNNING", self("task", "ls")), f"{name} ends")
            self("task", "rm", name, status=None)
            self("container", "rm", name)

    def brief(self):
        self("run", "--rm", IMAGE, "brief", "true")

    def clean(self):
        self.remove(*self("container", "ls", "-q", status=None).split())


operation = Operations()


def needs(p, option):
    """For what newer releases alone have."""
    if f" {option} " not in p("run", "--help"):
        raise Skipped(f"this release of ctr has no {option}")


def status_of(p, name):
    return next((line.split()[2] for line in p("task", "ls").splitlines() if line.startswith(f"{name} ")), None)


def pid_of(p, name):
    return next(line.split()[1] for line in p("task", "ls").splitlines() if line.startswith(f"{name} "))


def one(p, *options):
    if status_of(p, "one") is None:
        p("run", "-d", *options, IMAGE, "one", "sh", "-c", "trap 'exit 3' TERM; trap 'echo got > /usr1' USR1; while :; do sleep 0.1; done")
        eventually(lambda: status_of(p, "one") == "RUNNING", "running")
    return "one"


def execute(p, *words, **more):
    p.n += 1
    words = list(words)
    words[words.index("one"):words.index("one")] = ["--exec-id", f"e{p.n}"]
    return p("task", "exec", *words, **more)


@operation
def image_import(p):
    oci_archive(p.rootfs()[1], p.path("oci.tar"), Cmd=["sleep", "1000"], Env=["PATH=/bin"])
    p("image", "import", p.path("oci.tar"))
    check(IMAGE in p("image", "ls", "-q"), "no image")


@operation
def run(p):
    check(p("run", "--rm", IMAGE, "c", "echo", "hello") == "hello\n", "output")
    check(any(" create " in line for line in p.called()), "the runtime was not called")


@operation
def run_status(p):
    p("run", "--rm", IMAGE, "c", "sh", "-c", "exit 7", status=7)


@operation
def run_not_found(p):
    out = p("run", "--rm", IMAGE, "c", "nowhere", status=1)
    check("executable file not found in $PATH" in out, out)


@operation
def run_stdin(p):
    check(p("run", "--rm", IMAGE, "c", "head", "-n", "1", stdin="through\n") == "through\n", "output")


@operation
def run_terminal(p):
    status, shown = p.terminal("run", "--rm", "-t", IMAGE, "c", "sh", "-c", "tty; read x; echo got $x; exit 6",
                               send=[("/dev/pts/|/dev/console", "typed\r")])
    check(status == 6 and "got typed" in shown, f"status {status}: {shown}")


@operation
def attach(p):
    """To a task that runs already."""
    p.terminal("run", "-d", "-t", IMAGE, "waits", *WAIT)
    status, shown = p.terminal("task", "attach", "waits", send=[("waiting", "typed\r")])
    check(status == 6 and "got typed" in shown, f"status {status}: {shown}")
    p.remove("waits")


@operation
def logs(p):
    """Into a file of the shim's.  It goes on: a shim closes the file for both streams once the first has ended, and may lose the other's last words."""
    p("run", "-d", "--log-uri", f"file://{p.path('task.log')}", IMAGE, "writes", "sh", "-c", "echo out; echo err >&2; exec sleep 100")

    def both():
        with open(p.path("task.log")) as f:
            return sorted(f.read().split()) == ["err", "out"]
    eventually(both, "both streams")
    p.remove("writes")


@operation
def run_detached(p):
    check(status_of(p, one(p)) == "RUNNING", "status")


@operation
def exec_(p):
    one(p)
    check(execute(p, "one", "echo", "inside") == "inside\n", "output")
    check(execute(p, "one", "cat", stdin="through\n") == "through\n", "stdin")


@operation
def exec_status(p):
    one(p)
    execute(p, "one", "sh", "-c", "exit 5", status=5)
    check("executable file not found in $PATH" in execute(p, "one", "nowhere", status=1), "words")


@operation
def exec_options(p):
    one(p)
    check(execute(p, "--user", "1000:1000", "--cwd", "/tmp", "one", "sh", "-c", "id -u; pwd") == "1000\n/tmp\n", "output")


@operation
def exec_detached(p):
    one(p)
    execute(p, "-d", "one", "touch", "/tmp/touched")
    eventually(lambda: "touched" in execute(p, "one", "ls", "/tmp"), "the file")


@operation
def exec_terminal(p):
    one(p)
    p.n += 1
    status, shown = p.terminal("task", "exec", "-t", "--exec-id", f"t{p.n}", "one", "sh", "-c", "tty; exit 4")
    check(status == 4 and "/dev/pts/" in shown, f"status {status}: {shown}")


@operation
def top(p):
    """ctr's ps: the runtime says which processes there are."""
    one(p)
    check(len(p("task", "ps", "one").splitlines()) >= 2, "processes")
    check(any(" ps " in line for line in p.called()), "the runtime was not asked")


@operation
def stats(p):
    one(p)
    out = p("task", "metrics", "one")
    check(re.search(r"(?m)^memory\.usage\S*\s+[1-9]", out), out)


@operation
def pause(p):
    p("run", "-d", "--null-io", IMAGE, "two", *COUNT)
    written = f"/proc/{pid_of(p, 'two')}/root/numbers"
    eventually(lambda: os.path.exists(written), "the first number")
    goes_on(written)
    p("task", "pause", "two")
    check(status_of(p, "two") == "PAUSED", "not paused")
    stands_still(written)
    p("task", "resume", "two")
    check(status_of(p, "two") == "RUNNING", "not running")
    goes_on(written)
    p.remove("two")


@operation
def diff_commit(p):
    """The difference as a layer."""
    one(p)
    execute(p, "one", "sh", "-c", "echo new > /new")
    p.run(["sh", "-c", '"$@" >"$0"', p.path("layer"), *p.command("snapshot", "diff", "one")])
    check("new" in call("tar", "-tzf", p.path("layer")).split(), "difference")


@operation
def kill_signal(p):
    one(p)
    p("task", "kill", "-s", "USR1", "one")
    eventually(lambda: execute(p, "one", "cat", "/usr1", status=None) == "got\n", "the signal")


@operation
def stop(p):
    p.remove(one(p))
    one(p)
    p("task", "kill", "-s", "TERM", "one")
    eventually(lambda: status_of(p, "one") == "STOPPED", "stopped")
    check("exit code 3" in p("task", "rm", "one"), "the signal was not caught")
    p("container", "rm", "one")


@operation
def create_start(p):
    p("container", "create", IMAGE, "made", *SLEEP)
    before = len(p.called())
    p("task", "start", "-d", "made")
    check(len(p.called()) > before, "the runtime in the path was not called")
    check(status_of(p, "made") == "RUNNING", "status")
    p.remove("made")


@operation
def kill(p):
    """All processes, also those of exec."""
    one(p)
    execute(p, "-d", "one", *SLEEP)
    p("task", "kill", "-a", "-s", "KILL", "one")
    eventually(lambda: status_of(p, "one") == "STOPPED", "stopped")
    check("exit code 137" in p("task", "rm", "one"), "status")
    p("container", "rm", "one")


@operation
def rm_force(p):
    p("task", "rm", "-f", one(p))
    p("container", "rm", "one")
    check(p("container", "ls", "-q") == "", "still there")


@operation
def events(p):
    log = p.path("events.log")
    p.daemon("events", ["ctr", "-a", SOCKET, "events"], ["true"])

    def seen(what):
        with open(log) as f:
            return f"/tasks/{what}" in f.read()
    eventually(lambda: p("run", "--rm", IMAGE, "seen", "true") == "" and seen("exit"), "the end of a task")
    p.end("events")
    check(all(seen(w) for w in ("create", "start", "exit", "delete")), p.log("events"))


@operation
def oom(p):
    p.daemon("ooms", ["ctr", "-a", SOCKET, "events"], ["true"])
    p("run", "--rm", "--memory-limit", "16000000", IMAGE, "big", *HOG, status=137)
    eventually(lambda: "/tasks/oom" in p.log("ooms", 100000), "the event")
    p.end("ooms")


@operation
def limits(p):
    p("run", "-d", "--memory-limit", str(64 << 20), "--cpu-quota", "50000", "--cpu-period", "100000", IMAGE, "small", *SLEEP)

    def settings(*names):
        """Of all containers, as the machine sees them: no cgroups are mounted in there."""
        for path in (path for name in names for path in glob.glob(f"/sys/fs/cgroup/{name.replace('/*', p.parent + '/*')}")):
            with open(path) as f:
                yield f.read().strip()
    check(str(64 << 20) in settings("memory/*/memory.limit_in_bytes", "/*/memory.max"), "memory")
    check({"50000", "50000 100000"} & set(settings("cpu/*/cpu.cfs_quota_us", "/*/cpu.max")), "quota")
    p.remove("small")


@operation
def bind(p):
    host = p.path("host")
    os.makedirs(host, exist_ok=True)
    p("run", "--rm", "--mount", f"type=bind,src={host},dst=/host,options=rbind:rw", IMAGE, "c", "touch", "/host/made")
    check(os.path.exists(os.path.join(host, "made")), "nothing was written")
    p("run", "--rm", "--mount", f"type=bind,src={host},dst=/host,options=rbind:ro", IMAGE, "c", "touch", "/host/new", status=1)


@operation
def tmpfs(p):
    check(" /data tmpfs " in p("run", "--rm", "--mount", "type=tmpfs,dst=/data,options=size=1m", IMAGE, "c", "cat", "/proc/mounts"), "mount")


@operation
def read_only(p):
    check("Read-only" in p("run", "--rm", "--read-only", IMAGE, "c", "touch", "/etc/new", status=1), "written")


@operation
def environment(p):
    check(p("run", "--rm", "--env", "A=b c", "--cwd", "/tmp", IMAGE, "c", "sh", "-c", "echo $A; pwd") == "b c\n/tmp\n", "output")


@operation
def cap_drop(p):
    line = p("run", "--rm", "--cap-drop", "CAP_CHOWN", IMAGE, "c", "grep", "CapEff", "/proc/self/status")
    check(int(line.split()[1], 16) & 1 == 0, line)


@operation
def cap_add(p):
    line = p("run", "--rm", "--cap-add", "CAP_NET_ADMIN", IMAGE, "c", "grep", "CapEff", "/proc/self/status")
    check(int(line.split()[1], 16) & 1 << 12, line)


@operation
def user(p):
    needs(p, "--user")
    check(p("run", "--rm", "--user", "1000:1001", IMAGE, "c", "sh", "-c", "id -u; id -g") == "1000\n1001\n", "ids")


@operation
def hostname(p):
    needs(p, "--hostname")
    check(p("run", "--rm", "--hostname", "named", IMAGE, "c", "hostname") == "named\n", "name")


@operation
def seccomp(p):
    check(p("run", "--rm", "--seccomp", IMAGE, "c", "grep", "Seccomp:", "/proc/self/status").split()[1] == "2", "filter")
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile = p.file("profile.json", json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
    out = p("run", "--rm", "--seccomp", "--seccomp-profile", profile, IMAGE, "c", "mkdir", "/new", status=1)
    check("not permitted" in out, out)


@operation
def no_new_privileges(p):
    check(p("run", "--rm", IMAGE, "c", "grep", "NoNewPrivs", "/proc/self/status").split()[1] == "1", "flag")


@operation
def device(p):
    p("run", "--rm", "--device", "/dev/fuse", IMAGE, "c", "sh", "-c", ": < /dev/fuse")


@operation
def device_refused(p):
    """A node that the container makes itself, of a device that it may not have (mem)."""
    out = p("run", "--rm", IMAGE, "c", "sh", "-c", "mknod /tmp/mem c 1 1; head -c 1 /tmp/mem; mknod /tmp/zero c 1 5; head -c 1 /tmp/zero | wc -c")
    check("not permitted" in out and "1" in out.splitlines(), out)


@operation
def network_bridge(p):
    """By CNI, in directories that ctr does not let one choose."""
    os.makedirs("/etc/cni/net.d", exist_ok=True)
    with open("/etc/cni/net.d/00-pods.conflist", "w") as f:
        json.dump(NETWORK, f)
    if not os.path.exists("/opt/cni/bin/bridge"):
        os.makedirs("/opt/cni", exist_ok=True)
        os.symlink(cni_plugins(), "/opt/cni/bin")
    out = p("run", "--rm", "--cni", IMAGE, "c", "ip", "link")
    check("eth0" in out, f"no eth0: {out}")


@operation
def user_namespace(p):
    out = p("run", "--rm", "--uidmap", "0:100000:1000", "--gidmap", "0:100000:1000", IMAGE, "c", "cat", "/proc/self/uid_map")
    check(out.split() == ["0", "100000", "1000"], out)


@operation
def host_namespaces(p):
    check(p("run", "--rm", "--net-host", IMAGE, "c", "readlink", "/proc/self/ns/net").strip() == os.readlink("/proc/self/ns/net"), "network")


@operation
def shared_namespaces(p):
    one(p)
    pid = pid_of(p, "one")
    for name, kind in (("net", "network"), ("ipc", "ipc"), ("pid", "pid")):
        ask = ("readlink", f"/proc/self/ns/{name}")
        check(p("run", "--rm", "--with-ns", f"{kind}:/proc/{pid}/ns/{name}", IMAGE, "c", *ask) == execute(p, "one", *ask), name)
    p.remove("one")


@operation
def spec_of_ones_own(p):
    """A whole config.json, as ctr takes one with --config: by the bundle that this runtime's own `spec` writes."""
    os.makedirs(p.path("own"), exist_ok=True)
    if not os.path.exists(p.path("own/config.json")):
        call(p.real, "spec", "--bundle", p.path("own"))
    with open(p.path("own/config.json")) as f:
        config = json.load(f)
    config["process"].update(terminal=False, args=["echo", "own"])
    config["root"] = {"path": p.rootfs()[0]}
    config["linux"]["cgroupsPath"] = f"{p.parent}/own"
    config["process"].pop("rlimits", None)
    p.file("own/config.json", json.dumps(config))
    check(p("run", "--rm", "--config", p.path("own/config.json"), "c") == "own\n", "output")


def numbers(p):
    return [int(n) for n in execute(p, "one", "cat", "/numbers").split()]


def counts_on(p):
    n = len(numbers(p))
    eventually(lambda: len(numbers(p)) > n + 2, "counts on")
    counted = numbers(p)
    check(counted == list(range(1, len(counted) + 1)), counted)


@operation
def checkpoint(p):
    """A counting program goes on counting: into a directory, and as an image from which the container is made again with its files."""
    p.in_path("criu", rig.criu())
    p("run", "-d", "--null-io", IMAGE, "one", *COUNT)
    counts_on(p)
    p("task", "checkpoint", "--image-path", p.path("images"), "one")
    check("inventory.img" in os.listdir(p.path("images")), "no images")
    counts_on(p)
    p("container", "checkpoint", "--rw", "--image", "--task", "one", "kept")
    p.remove("one")
    p("container", "restore", "--rw", "--live", "one", "kept")
    counts_on(p)
    check(any(" restore " in f" {line} " for line in p.called()), "the runtime was not asked")
    p.remove("one")


@operation
def many(p):
    for n in range(10):
        p("run", "-d", IMAGE, f"m{n}", *SLEEP)
    check(p("task", "ls").count("RUNNING") == 10, "not all run")
    p.remove(*(f"m{n}" for n in range(10)))


@operation
def prune(p):
    """The image, and with it what was unpacked and stored of it."""
    for ref in p("image", "ls", "-q").split():
        p("image", "rm", "--sync", ref)
    check(p("content", "ls", "-q") == "" and len(p("snapshot", "ls").splitlines()) == 1, p("snapshot", "ls"))


@operation
def nothing_left(p):
    check(p("container", "ls", "-q") == "", "containers are left")
    left = []

    def clean():
        left[:] = p.left()
        return not left
    try:
        eventually(clean, "state and cgroups are gone", 10)
    except AssertionError:
        check(False, left)


if __name__ == "__main__":
    sys.exit(rig.main(Containerd, operation))
