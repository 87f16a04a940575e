#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: docker.py RUNTIME DIRECTORY [OPERATION...]

Drives Docker Engine, with a containerd of its own, over RUNTIME (see rig.py)."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402 - first: it knows where what is below is found
import operations  # noqa: E402
from rig import Operations, check  # noqa: E402

SOCKET = "unix:///run/docker.sock"


class Docker(rig.Engine):
    program, at = "docker", ("-H", SOCKET)
    exec_not_found, exec_paused, build_failed = 126, 1, 9  # 126: Docker's own choice, as it cannot tell what was not found
    update_pids = ("--pids-limit", "55")
    events_until_now, events_format = ("--since", "1h", "--until", "0s"), "{{.Action}}"
    health_options = ("--health-interval", "200ms", "--health-retries", "1")
    # --privileged asks for all capabilities, of which a test machine may lack some
    privileged_options = ()
    ulimits = ()
    states = ("/run/docker/runtime-*/moby/*",)

    def start(self):
        # BuildKit takes no runtime from the daemon: the first runc in its path
        self.in_path("runc", self.runtime)
        os.environ.update(PATH=self.path("path") + ":" + os.environ["PATH"], DOCKER_BUILDKIT="0")
        self.file("containerd.toml", f"""version = 2
root = "{self.work}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "/run/containerd.sock"
""")
        self.daemon("containerd", ["containerd", "-c", self.path("containerd.toml")], ["ctr", "-a", "/run/containerd.sock", "version"])
        self.file("daemon.json", self.example("daemon.json"))
        self.dockerd("--config-file", self.path("daemon.json"))

    def dockerd(self, *words):
        self.daemon("dockerd", ["dockerd", "-H", SOCKET, "--containerd", "/run/containerd.sock", "--data-root", self.path("docker"), "--exec-root",
                                "/run/docker", "-p", "/run/docker.pid", "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", self.parent, *words],
                    ["docker", "-H", SOCKET, "info"])

    def again(self, *words):
        self.end("dockerd")
        self.dockerd(*words)

    def clean(self):
        ids = self("ps", "-aq", status=None).split()
        if ids:
            self.remove(*ids)
        self("network", "prune", "-f", status=None)

    def remove(self, *names):
        self("rm", "-fv", *names)

    def brief(self):
        self("run", "--rm", "--network", "none", "busybox", "true")

    def check_health(self, name):
        """Docker does it by itself."""


operation = Operations(operations.operation)


@operation
def build_buildkit(p):
    before = len(p.called())
    p.file("kit/Dockerfile", "FROM busybox\nRUN echo built > /built && id -u\nRUN test -s /built\nCMD cat /built\n")
    p("build", "--progress", "plain", "-t", "kit", p.path("kit"), env={"DOCKER_BUILDKIT": "1"})
    check(p("run", "--rm", "kit") == "built\n", "output")
    check(any(" run " in line for line in p.called()[before:]), "BuildKit did not call the runtime")


@operation
def info(p):
    check(p("info", "-f", "{{.DefaultRuntime}}").strip() == "orlop", "the default runtime")


@operation(slow=True)
def live_restore(p):
    """Containers outlive the daemon."""
    p.again("--config-file", p.path("daemon.json"), "--live-restore")
    p("run", "-d", "--name", "lives", *operations.SLEEP)
    pid = operations.inspect(p, "lives", ".State.Pid")
    p.again("--config-file", p.path("daemon.json"), "--live-restore")
    check(operations.inspect(p, "lives", ".State.Pid") == pid, "another process")
    check(p("exec", "lives", "echo", "on") == "on\n", "output")
    p.remove("lives")


@operation
def user_namespace(p):
    """The daemon's own option: each container gets one."""
    with open("/etc/passwd", "a") as f:
        f.write("mapped:x:7000:7000::/:/bin/false\n")
    with open("/etc/group", "a") as f:
        f.write("mapped:x:7000:\n")
    for name in ("/etc/subuid", "/etc/subgid"):
        with open(name, "a") as f:
            f.write("mapped:700000:65536\n")
    p.again("--config-file", p.path("daemon.json"), "--userns-remap", "mapped")
    p("import", p.rootfs()[1], "busybox")
    check(p("run", "--rm", "busybox", "cat", "/proc/self/uid_map").split() == ["0", "700000", "65536"], "map")
    p("run", "-d", "--name", "mapped", *operations.SLEEP)
    check(p("exec", "mapped", "id", "-u") == "0\n", "exec")
    p.remove("mapped")
    check(p("run", "--rm", "--userns=host", "busybox", "cat", "/proc/self/uid_map").split()[1] == "0", "the host's")


@operation
def checkpoint(p):
    """A counting program goes on counting, from a checkpoint that ended it and from one that did not.  Docker calls that experimental."""
    p.in_path("criu", rig.criu())
    p.again("--config-file", p.path("daemon.json"), "--experimental")
    p("run", "-d", "--name", "counter", "--network", "none", "busybox", *operations.COUNT)
    operations.counts_on(p, "counter")
    p("checkpoint", "create", "--leave-running", "counter", "going")
    operations.counts_on(p, "counter")
    p("checkpoint", "create", "counter", "gone")
    check(operations.status_of(p, "counter") == "exited", "it runs on")
    check(p("checkpoint", "ls", "counter").split()[2:] == ["going", "gone"], p("checkpoint", "ls", "counter"))
    p("start", "--checkpoint", "gone", "counter")
    operations.counts_on(p, "counter")
    check(any(" restore " in f" {line} " for line in p.called()), "the runtime was not asked")
    p("checkpoint", "rm", "counter", "going")
    p.remove("counter")


@operation
def add_runtime(p):
    """A daemon whose default is another: the runtime is one of the command line's, and named by the container."""
    p.again("--config-file", p.file("empty.json", "{}"), "--add-runtime", f"added={p.runtime}")
    check("added" in p("info", "-f", "{{json .Runtimes}}"), "not listed")
    before = len(p.called())
    check(p("run", "--rm", "--runtime", "added", "busybox", "echo", "hello") == "hello\n", "output")
    check(len(p.called()) > before, "not called")


# what looks at what is left comes last
operation.sort(key=lambda f: f.__name__ == "nothing_left")

if __name__ == "__main__":
    sys.exit(rig.main(Docker, operation))
