#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: cri.py RUNTIME DIRECTORY [OPERATION...]

Drives containerd over RUNTIME as a kubelet does, by the Container Runtime Interface (see rig.py and cri.proto).  The handler is that of the
example for containerd."""
import importlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
import streams  # noqa: E402
from containerd import IMAGE, NETWORK, cni_plugins, oci_archive  # noqa: E402
from operations import SHARES_512  # noqa: E402
from rig import HOG, Operations, Skipped, call, check, eventually  # noqa: E402

SOCKET = "/run/containerd.sock"
ANSWERS = {"RunPodSandbox": "Id", "PodSandboxStatus": "PodStatusAnswer", "ListPodSandbox": "Pods", "CreateContainer": "Id", "ContainerStatus": "StatusAnswer",
           "ListContainers": "Items", "ExecSync": "ExecAnswer", "ContainerStats": "StatsAnswer", "PodSandboxStats": "PodStatsAnswer", "Status": "NodeStatus",
           "Exec": "Url", "Attach": "Url", "PortForward": "Url"}
CREATED, RUNNING, EXITED = range(3)
STOPPED, DELETED = 2, 3  # what an event tells
TRAP = ("sh", "-c", "echo started; trap 'exit 3' TERM; while :; do sleep 0.1; done")


class Cri(rig.Engine):
    states = ("/run/containerd/runc/k8s.io/*",)

    def start(self):
        plugins = cni_plugins()
        oci_archive(self.rootfs()[1], self.path("oci.tar"), Cmd=["sleep", "1000000"], Env=["PATH=/bin"])
        self.file("cni/pods.conflist", json.dumps(NETWORK))
        plugin = '[plugins."io.containerd.grpc.v1.cri"'
        self.file("cri.toml", self.example("containerd.toml") + f"""
{plugin}]
sandbox_image = "{IMAGE}"
disable_apparmor = true
restrict_oom_score_adj = true
{plugin}.cni]
bin_dir = "{plugins}"
conf_dir = "{self.work}/cni"
""")
        self.file("config.toml", f"""version = 2
root = "{self.work}/containerd"
state = "/run/containerd"
imports = ["{self.work}/cri.toml"]
[grpc]
address = "{SOCKET}"
""")
        self.daemon("containerd", ["containerd", "-c", self.path("config.toml")], ["ctr", "-a", SOCKET, "version"])
        call("protoc", "-I", rig.HERE, f"--python_out={self.work}", "cri.proto")
        sys.path.insert(0, self.work)
        self.m = importlib.import_module("cri_pb2")
        self.grpc = importlib.import_module("grpc")
        self.channel = self.grpc.insecure_channel(f"unix://{SOCKET}")
        call("ctr", "-a", SOCKET, "-n", "k8s.io", "image", "import", self.path("oci.tar"))
        eventually(lambda: all(c.holds for c in self.call("Status", self.m.Nothing()).status.conditions), "the node is ready")

    def method(self, kind, name, request, answer):
        return kind(f"/runtime.v1.RuntimeService/{name}", request_serializer=type(request).SerializeToString,
                    response_deserializer=getattr(self.m, answer).FromString)

    def is_there(self, name, error):
        """What a release of containerd does not have at all is not tried with it."""
        if error.code() == self.grpc.StatusCode.UNIMPLEMENTED:
            raise Skipped(f"this release of containerd has no {name} ({error.details()})") from error

    def call(self, name, request, fails=None):
        """Makes one call; FAILS: words that its error must have."""
        try:
            got = self.method(self.channel.unary_unary, name, request, ANSWERS.get(name, "Nothing"))(request, timeout=60)
        except self.grpc.RpcError as e:
            self.is_there(name, e)
            check(fails and fails in e.details(), f"{name}: {e.details()}")
            return e.details()
        check(not fails, f"{name} succeeded")
        return got

    def events(self, seconds=60):
        """What happens from now on, while somebody asks, for so many seconds."""
        request = self.m.Nothing()
        stream = self.method(self.channel.unary_stream, "GetContainerEvents", request, "Event")(request, timeout=seconds)

        def each():
            try:
                yield from stream
            except self.grpc.RpcError as e:
                self.is_there("GetContainerEvents", e)
                check(e.code() == self.grpc.StatusCode.DEADLINE_EXCEEDED, e.details())
            finally:
                stream.cancel()
        return each()

    def left(self):
        """The cgroups of pods are the kubelet's own; what is in them is the runtime's."""
        found = super().left()
        pods = [path for path in found if os.path.basename(path).startswith("pod")]
        return [path for path in found if path not in pods] + [d.path for pod in pods for d in os.scandir(pod) if d.is_dir()]

    # --- what a kubelet does with these calls

    def pod(self, handler="orlop", name="pod", linux=None, **more):
        self.n += 1
        linux = self.m.PodLinux(cgroup_parent=f"{self.parent}/pod{self.n}") if linux is None else linux
        linux.cgroup_parent = f"{self.parent}/pod{self.n}"
        logs = self.path(f"logs{self.n}")
        os.makedirs(logs)
        pod = self.m.Pod(name=self.m.PodName(name=name or "host", uid=f"u{self.n}", space="default"), hostname=name, logs=logs, linux=linux, **more)
        got = self.call("RunPodSandbox", self.m.RunPod(pod=pod, handler=handler))
        return got.id, pod

    def create(self, pod, *args, **more):
        self.n += 1
        linux = more.pop("linux", None) or self.m.Linux()
        config = self.m.Container(name=self.m.Name(name=f"c{self.n}"), image=self.m.Image(name=IMAGE), command=args, log=f"{self.n}.log", linux=linux, **more)
        cid = self.call("CreateContainer", self.m.CreateContainer(pod=pod[0], container=config, config=pod[1])).id
        return cid, os.path.join(pod[1].logs, f"{self.n}.log")

    def begin(self, cid, **more):
        return self.call("StartContainer", self.m.Id(id=cid), **more)

    def status(self, cid):
        return self.call("ContainerStatus", self.m.Id(id=cid)).status

    def started(self, pod, *args, **more):
        cid, log = self.create(pod, *args, **more)
        self.begin(cid)
        return cid, log

    def output(self, pod, *args, status=0, **more):
        """Runs a container to its end: what it wrote, without the log's own words."""
        cid, log = self.started(pod, *args, **more)
        eventually(lambda: self.status(cid).state == EXITED, "the end")
        got = self.status(cid)
        text = "".join(line.split(" ", 3)[3] for line in open(log, encoding="utf-8"))
        self.call("RemoveContainer", self.m.Id(id=cid))
        check(status in (got.exit_code, None), f"status {got.exit_code}: {text} {got.message}")
        return text

    def exec(self, cid, *words, status=0):
        got = self.call("ExecSync", self.m.Exec(id=cid, command=words, timeout=20))
        check(got.status == status, f"status {got.status}: {got.out}{got.err}")
        return got.out.decode()

    def streams(self, name, request):
        return streams.Streams(self.call(name, request).url)

    def stop(self, cid, timeout):
        self.call("StopContainer", self.m.StopContainer(id=cid, timeout=timeout))

    def remove(self, pod):
        self.call("StopPodSandbox", self.m.Id(id=pod[0]))
        self.call("RemovePodSandbox", self.m.Id(id=pod[0]))

    def clean(self):
        for item in self.call("ListPodSandbox", self.m.Nothing()).items:
            self.remove((item.id,))
        self.__dict__.pop("kept", None)

    def brief(self):
        """A container in a pod that is there."""
        cid, _ = self.started(self.main(), "true")
        while self.status(cid).state != EXITED:
            pass
        self.call("RemoveContainer", self.m.Id(id=cid))

    def main(self):
        """A pod that many operations use."""
        if "kept" not in self.__dict__:
            self.kept = self.pod(name="main")
        return self.kept

    def security(self, **more):
        return self.m.Linux(security=self.m.Security(**more))


operation = Operations()


@operation
def image_import(p):
    check(IMAGE in call("ctr", "-a", SOCKET, "-n", "k8s.io", "image", "ls", "-q"), "no image")


@operation
def pod(p):
    one = p.pod(name="one")
    status = p.call("PodSandboxStatus", p.m.Id(id=one[0])).status
    check(status.state == 0 and status.handler == "orlop", status)
    check(any(" create " in line for line in p.called()), "the runtime was not called")
    p.call("StopPodSandbox", p.m.Id(id=one[0]))
    check(p.call("PodSandboxStatus", p.m.Id(id=one[0])).status.state == 1, "still ready")
    p.call("RemovePodSandbox", p.m.Id(id=one[0]))


@operation
def pod_without_handler(p):
    before = len(p.called())
    p.remove(p.pod(handler=""))
    check(len(p.called()) > before, "the default is another runtime")


@operation
def pod_of_unknown_handler(p):
    p.call("RunPodSandbox", p.m.RunPod(pod=p.m.Pod(name=p.m.PodName(name="x", uid="x", space="x"), linux=p.m.PodLinux()), handler="nowhere"), fails="nowhere")


@operation
def run(p):
    check(p.output(p.main(), "echo", "hello") == "hello\n", "output")


@operation
def run_status(p):
    p.output(p.main(), "sh", "-c", "exit 7", status=7)


@operation
def run_not_found(p):
    cid, _ = p.create(p.main(), "nowhere")
    p.begin(cid, fails="executable file not found in $PATH")
    check(p.status(cid).state == EXITED, p.status(cid))
    p.call("RemoveContainer", p.m.Id(id=cid))


@operation
def run_terminal(p):
    check("/dev/" in p.output(p.main(), "tty", tty=True), "no terminal")


@operation
def logs(p):
    cid, log = p.started(p.main(), "sh", "-c", "echo out; echo err >&2; sleep 1000")

    def lines():
        with open(log, encoding="utf-8") as f:
            return sorted(line.split()[1:] for line in f)
    eventually(lambda: lines() == [["stderr", "F", "err"], ["stdout", "F", "out"]], "both streams")
    os.rename(log, log + ".old")
    p.call("ReopenContainerLog", p.m.Id(id=cid))
    check(os.path.exists(log), "no new log")
    p.stop(cid, 0)
    p.call("RemoveContainer", p.m.Id(id=cid))


@operation
def exec_(p):
    cid, _ = p.started(p.main(), *TRAP)
    check(p.exec(cid, "echo", "inside") == "inside\n", "output")
    p.exec(cid, "sh", "-c", "exit 5", status=5)
    p.call("ExecSync", p.m.Exec(id=cid, command=["nowhere"], timeout=20), fails="executable file not found in $PATH")
    p.call("ExecSync", p.m.Exec(id=cid, command=["sleep", "1000"], timeout=1), fails="timeout")
    p.stop(cid, 20)
    check(p.status(cid).exit_code == 3, "the signal was not caught")


@operation
def exec_streams(p):
    """As kubectl exec does it: what a process reads, writes on either stream, and ends with."""
    cid, _ = p.started(p.main(), *TRAP)
    script = "read x; echo got $x; echo wrong >&2; exit 5"
    with p.streams("Exec", p.m.ExecStreams(id=cid, command=["sh", "-c", script], stdin=True, stdout=True, stderr=True)) as s:
        s.send(streams.STDIN, b"typed\n")
        check(s.end() == 5, s.got)
    check(s.text(streams.STDOUT) == "got typed\n" and s.text(streams.STDERR) == "wrong\n", s.got)
    with p.streams("Exec", p.m.ExecStreams(id=cid, command=["nowhere"], stdout=True)) as s:
        try:
            check(False, f"status {s.end()}")
        except OSError as e:
            check("executable file not found in $PATH" in str(e), e)
    p.stop(cid, 0)


@operation
def exec_terminal(p):
    """kubectl exec -it: a terminal that has the size that is told and reads what is typed."""
    cid, _ = p.started(p.main(), *TRAP)
    wait = 'until [ "$(stty size)" = "33 99" ]; do sleep 0.1; done; tty; read x; echo got $x; exit 4'
    with p.streams("Exec", p.m.ExecStreams(id=cid, command=["sh", "-c", wait], stdin=True, stdout=True, tty=True)) as s:
        s.size(33, 99)
        s.until("/dev/pts/")
        s.send(streams.STDIN, b"typed\r")
        check(s.end() == 4 and "got typed" in s.text(streams.STDOUT), s.got)
    p.stop(cid, 0)


@operation
def attach(p):
    """kubectl attach: to the first process, without and with a terminal."""
    for tty in (False, True):
        sized = 'until [ "$(stty size)" = "33 99" ]; do sleep 0.1; done; echo sized' if tty else "true"
        cid, _ = p.started(p.main(), "sh", "-c", f"read x; echo got $x; {sized}; read y; exit 6", stdin=True, tty=tty)
        with p.streams("Attach", p.m.Attach(id=cid, stdin=True, stdout=True, stderr=not tty, tty=tty)) as s:
            if tty:
                s.size(33, 99)
            s.send(streams.STDIN, b"typed\n")
            s.until("got typed")
            if tty:
                s.until("sized")
            s.send(streams.STDIN, b"\n")
            eventually(lambda: p.status(cid).state == EXITED, "the end")
        check(p.status(cid).exit_code == 6, p.status(cid))


@operation
def port_forward(p):
    """kubectl port-forward."""
    pod_ = p.pod(name="ports")
    cid, _ = p.started(pod_, "busybox", "nc", "-ll", "-p", "7", "-e", "echo", "pong")
    eventually(lambda: ":0007 " in p.exec(cid, "cat", "/proc/net/tcp", "/proc/net/tcp6"), "it listens")
    with p.streams("PortForward", p.m.PortForward(pod=pod_[0], ports=[7])) as s:
        s.until("pong\n", streams.DATA)
    check(s.got[streams.DATA][:2] == bytes([7, 0]), s.got)  # the port comes first
    p.remove(pod_)


@operation
def stop_timeout(p):
    cid, log = p.started(p.main(), "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    eventually(lambda: os.path.getsize(log) > 0, "its first words")
    p.stop(cid, 1)
    check(p.status(cid).exit_code == 137, "status")


@operation
def restart(p):
    """As after a crash: another container in the same pod."""
    cid, _ = p.started(p.main(), "sh", "-c", "exit 9")
    eventually(lambda: p.status(cid).state == EXITED, "the end")
    check(p.status(cid).reason == "Error", p.status(cid))
    check(p.output(p.main(), "echo", "again") == "again\n", "output")


@operation
def oom(p):
    cid, _ = p.started(p.main(), *HOG, linux=p.m.Linux(resources=p.m.Resources(memory=16 << 20)))
    eventually(lambda: p.status(cid).state == EXITED, "the end")
    eventually(lambda: p.status(cid).reason == "OOMKilled", "the reason")


@operation
def limits_update(p):
    cid, _ = p.started(p.main(), *TRAP, linux=p.m.Linux(resources=p.m.Resources(memory=64 << 20, cpu_shares=512)))

    def setting(v1, v2):
        return p.exec(cid, "sh", "-c", f"cat /sys/fs/cgroup/{v1} 2>/dev/null || cat /sys/fs/cgroup/{v2}").strip()

    def memory():
        return setting("memory/memory.limit_in_bytes", "memory.max")
    check(memory() == str(64 << 20), memory())
    check(setting("cpu/cpu.shares", "cpu.weight") in SHARES_512, "shares")
    p.call("UpdateContainerResources", p.m.Update(id=cid, linux=p.m.Resources(memory=96 << 20, cpu_quota=50000, cpu_period=100000)))
    check(memory() == str(96 << 20), memory())
    check(setting("cpu/cpu.cfs_quota_us", "cpu.max") in ("50000", "50000 100000"), "quota")
    p.stop(cid, 0)


@operation
def stats(p):
    cid, _ = p.started(p.main(), *TRAP)
    got = p.call("ContainerStats", p.m.Id(id=cid)).stats
    check(got.cpu.nanoseconds.value > 0 and got.memory.bytes.value > 0, got)
    p.stop(cid, 0)


@operation
def pod_stats(p):
    """What the pod's cgroup has used, and which of it each container."""
    pod_ = p.pod(name="counted")
    cid, _ = p.started(pod_, *TRAP)
    got = p.call("PodSandboxStats", p.m.Id(id=pod_[0])).stats.linux
    check(got.cpu.nanoseconds.value > 0 and got.memory.bytes.value > 0, got)
    check([c.of.id for c in got.containers] == [cid] and got.containers[0].memory.bytes.value > 0, got)
    p.remove(pod_)


@operation
def events(p):
    """What a kubelet hears that does not ask again and again: what becomes of each container, and with which status."""
    heard, seen = p.events(), {}
    pod_ = p.pod(name="heard")
    cid, log = p.started(pod_, *TRAP)
    eventually(lambda: os.path.getsize(log) > 0, "its first words")
    p.stop(cid, 20)
    p.remove(pod_)
    for event in heard:
        seen.setdefault(event.id, []).append(event.kind)
        if event.id == cid and event.kind == STOPPED:
            check([c.exit_code for c in event.containers if c.id == cid] == [3], event)
        if event.id == pod_[0] and event.kind == DELETED:
            break
    check(seen.get(cid) == [0, 1, STOPPED, DELETED] and seen.get(pod_[0]) == [0, 1, STOPPED, DELETED], seen)


@operation
def checkpoint(p):
    """The kubelet's: an archive of a container that runs on."""
    p.in_path("criu", rig.criu())
    cid, _ = p.started(p.main(), *TRAP)
    archive = p.path("checkpoint.tar")
    p.call("CheckpointContainer", p.m.Checkpoint(id=cid, path=archive, timeout=60))
    names = call("tar", "-tf", archive).split()
    check(any(name.endswith("inventory.img") for name in names), names)
    check(p.exec(cid, "echo", "on") == "on\n", "it does not go on")
    p.stop(cid, 0)


@operation
def shared_namespaces(p):
    ask = ("sh", "-c", "for n in net ipc uts; do readlink /proc/self/ns/$n; done")
    check(p.output(p.main(), *ask) == p.output(p.main(), *ask), "not of one pod")
    shared = p.m.PodLinux(security=p.m.PodSecurity(namespaces=p.m.Namespaces(pid=0)))
    pod_ = p.pod(name="pids", linux=shared)
    check("sleep 1000000" in p.output(pod_, "ps", linux=p.security(namespaces=p.m.Namespaces(pid=0))), "the pod's first process is not seen")
    p.remove(pod_)


@operation
def host_namespaces(p):
    spaces = p.m.Namespaces(network=2, pid=2, ipc=2)
    pod_ = p.pod(name="", linux=p.m.PodLinux(security=p.m.PodSecurity(namespaces=spaces)))
    got = p.output(pod_, "sh", "-c", "for n in net pid ipc; do readlink /proc/self/ns/$n; done", linux=p.security(namespaces=spaces))
    check(got.split() == [os.readlink(f"/proc/self/ns/{n}") for n in ("net", "pid", "ipc")], got)
    p.remove(pod_)


@operation
def network_between(p):
    other = p.pod(name="other")
    ip = p.call("PodSandboxStatus", p.m.Id(id=other[0])).status.network.ip
    p.started(other, "busybox", "nc", "-ll", "-p", "7", "-e", "echo", "pong")
    eventually(lambda: p.output(p.main(), "busybox", "nc", "-w", "5", ip, "7", status=None) == "pong\n", "an answer")
    p.remove(other)


@operation
def hostname(p):
    check(p.output(p.main(), "hostname") == "main\n", "name")


@operation
def environment(p):
    check(p.output(p.main(), "sh", "-c", "echo $A; pwd", env=[p.m.Variable(key="A", value="b c")], cwd="/tmp") == "b c\n/tmp\n", "output")


@operation
def bind(p):
    host = p.path("host")
    os.makedirs(host, exist_ok=True)
    p.output(p.main(), "touch", "/host/made", mounts=[p.m.Mount(container_path="/host", host_path=host)])
    check(os.path.exists(os.path.join(host, "made")), "nothing was written")
    p.output(p.main(), "touch", "/host/new", mounts=[p.m.Mount(container_path="/host", host_path=host, readonly=True)], status=1)
    line = p.output(p.main(), "grep", " /host ", "/proc/self/mountinfo", mounts=[p.m.Mount(container_path="/host", host_path=p.shared(), propagation=2)])
    check("shared:" in line, line)


@operation
def read_only(p):
    check("Read-only" in p.output(p.main(), "touch", "/etc/new", linux=p.security(readonly_root=True), status=1), "written")


@operation
def device(p):
    p.output(p.main(), "sh", "-c", ": < /dev/file", devices=[p.m.Device(container_path="/dev/file", host_path="/dev/fuse", permissions="r")])


@operation
def device_refused(p):
    """A node that the container makes itself, of a device that it may not have (mem)."""
    script = "mknod /tmp/mem c 1 1; head -c 1 /tmp/mem; mknod /tmp/zero c 1 5; head -c 1 /tmp/zero | wc -c"
    out = p.output(p.main(), "sh", "-c", script)
    check("not permitted" in out and "1" in out.splitlines(), out)


@operation
def oom_score(p):
    out = p.output(p.main(), "cat", "/proc/self/oom_score_adj", linux=p.m.Linux(resources=p.m.Resources(oom_score_adj=500)))
    check(out == "500\n", out)


@operation
def user(p):
    out = p.output(p.main(), "sh", "-c", "id -u; id -g; id -G", linux=p.security(user=p.m.Number(value=1000), group=p.m.Number(value=1001), groups=[1234]))
    check(out.split()[:2] == ["1000", "1001"] and "1234" in out.split(), out)
    check(p.output(p.main(), "id", "-u", linux=p.security(username="user")) == "1000\n", "name")


@operation
def capabilities(p):
    line = p.output(p.main(), "grep", "CapEff", "/proc/self/status", linux=p.security(capabilities=p.m.Capabilities(drop=["ALL"], add=["NET_ADMIN"])))
    check(int(line.split()[1], 16) == 1 << 12, line)


@operation
def no_new_privileges(p):
    check(p.output(p.main(), "grep", "NoNewPrivs", "/proc/self/status", linux=p.security(no_new_privileges=True)).split()[1] == "1", "flag")


@operation
def privileged(p):
    pod_ = p.pod(name="privileged", linux=p.m.PodLinux(security=p.m.PodSecurity(privileged=True)))
    p.output(pod_, "mount", "-t", "tmpfs", "tmpfs", "/tmp", linux=p.security(privileged=True))
    p.remove(pod_)


@operation
def masked(p):
    p.output(p.main(), "sh", "-c", "[ ! -s /etc/passwd ] && ! touch /root/new", linux=p.security(masked=["/etc/passwd"], readonly=["/root"]))


@operation
def seccomp(p):
    ask = ("grep", "Seccomp:", "/proc/self/status")
    check(p.output(p.main(), *ask, linux=p.security(seccomp=p.m.Profile(kind=0))).split()[1] == "2", "the engine's own")
    check(p.output(p.main(), *ask, linux=p.security(seccomp=p.m.Profile(kind=1))).split()[1] == "0", "none")
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile = p.file("profile.json", json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
    p.output(p.main(), "mkdir", "/new", linux=p.security(seccomp=p.m.Profile(kind=2, file=profile)), status=1)


@operation
def sysctl(p):
    pod_ = p.pod(name="sysctl", linux=p.m.PodLinux(sysctls={"net.ipv4.ip_forward": "1", "kernel.msgmax": "9000"}))
    check(p.output(pod_, "cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/kernel/msgmax") == "1\n9000\n", "values")
    p.remove(pod_)


@operation
def many(p):
    cids = [p.started(p.main(), *TRAP)[0] for _ in range(10)]
    check(all(p.status(cid).state == RUNNING for cid in cids), "not all run")
    for cid in cids:
        p.stop(cid, 0)


@operation
def remove_running(p):
    """A pod goes with the containers that run in it."""
    pod_ = p.pod(name="busy")
    cid, _ = p.started(pod_, *TRAP)
    p.remove(pod_)
    check(cid not in [c.id for c in p.call("ListContainers", p.m.Nothing()).items], "the container is left")


@operation
def nothing_left(p):
    p.clean()
    check(not p.call("ListContainers", p.m.Nothing()).items, "containers are left")
    eventually(lambda: not p.left(), p.left, 10)


if __name__ == "__main__":
    sys.exit(rig.main(Cri, operation))
