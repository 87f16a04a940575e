#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: podman.py RUNTIME DIRECTORY [OPERATION...]

Drives Podman over RUNTIME (see rig.py)."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402 - first: it knows where what is below is found
import operations  # noqa: E402
from rig import Operations, check, eventually, goes_on, stands_still  # noqa: E402

NPROC = "nproc=1024:1024"


class Podman(rig.Engine):
    program = "podman"
    exec_not_found, exec_paused, build_failed = 127, 255, 9
    events_until_now, events_format = ("--stream=false", "--since", "1h"), "{{.Status}}"
    health_options = ("--health-interval", "disable", "--health-retries", "1")  # its timers are systemd's
    privileged_options = ("--cap-drop", "SYS_RESOURCE", "--ulimit", "nofile=1024:1024", "--ulimit", NPROC)
    ulimits = ("--ulimit", NPROC)
    states = ("/run/orlop/*", "/run/runc/*", "/run/crun/*")
    manager, containers = "cgroupfs", ""  # containers: more of that part of its configuration

    def start(self):
        os.environ.update(CONTAINERS_CONF=self.path("containers.conf"), CONTAINERS_STORAGE_CONF=self.path("storage.conf"),
                          PODMAN_IGNORE_CGROUPSV1_WARNING="1")  # of 5.x, on standard error
        self.file("home/.config/containers/policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}')
        self.file("storage.conf", f'[storage]\ndriver = "vfs"\ngraphroot = "{self.work}/graph"\nrunroot = "/run/graph"\n')
        # no default_ulimits: Podman's own cannot be had without CAP_SYS_RESOURCE
        self.file("containers.conf", self.example("containers.conf", **{"[engine]\n": f"""[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
{self.containers}
init_path = "/usr/bin/tini-static"
[network]
network_backend = "netavark"
network_config_dir = "{self.work}/networks"
[engine]
cgroup_manager = "{self.manager}"
events_logger = "file"
infra_image = "localhost/busybox"
infra_command = "sleep 1000"
tmp_dir = "/run/libpod"
"""}))

    def command(self, *words):
        words = list(words)
        if (words[0] in ("run", "create", "build") or words[:2] == ["pod", "create"]) and "--cgroups" not in words:
            at = 2 if words[0] == "pod" else 1
            # a build's step runs in the parent itself, which must then be empty
            words[at:at] = ["--cgroup-parent", self.parent + ("-build" if words[0] == "build" else "")]
        return [self.program, *words]

    @property
    def update_pids(self):
        return ("--pids-limit", "55") if "--pids-limit" in self("update", "--help") else ()  # Podman 4.3 has no such option

    def clean(self):
        for words in (("pod", "rm", "-fat", "0"), ("rm", "-fat", "0"), ("network", "prune", "-f")):
            subprocess.run([self.program, *words], capture_output=True, timeout=90, check=False)

    def remove(self, *names):
        self("rm", "-fv", "-t", "0", *names)

    def brief(self):
        self("run", "--rm", "--network", "none", "busybox", "true")

    def check_health(self, name):
        self("healthcheck", "run", name, status=None)


operation = Operations(operations.operation)


@operation
def pod(p):
    p("pod", "create", "--name", "pod")
    p("run", "-d", "--pod", "pod", "--name", "a", *operations.SLEEP)
    written = operations.counting(p, "b", "--pod", "pod")
    same = [[p("exec", c, "readlink", f"/proc/self/ns/{n}") for n in ("net", "ipc", "uts")] for c in "ab"]
    check(same[0] == same[1], same)
    p("pod", "pause", "pod")
    stands_still(written)
    p("pod", "unpause", "pod")
    goes_on(written)
    p("pod", "stop", "-t", "0", "pod")
    p("pod", "rm", "-f", "-t", "0", "pod")


@operation
def play_kube(p):
    p.file("pod.yaml", """apiVersion: v1
kind: Pod
metadata: {name: played}
spec:
  containers:
  - {name: main, image: localhost/busybox, imagePullPolicy: Never, command: [sleep, "1000"]}
""")
    p("play", "kube", p.path("pod.yaml"))
    check(p("exec", "played-main", "echo", "in") == "in\n", "output")
    p("play", "kube", "--down", p.path("pod.yaml"))


@operation
def user_namespace(p):
    out = p("run", "--rm", "--uidmap", "0:100000:1000", "--gidmap", "0:100000:1000", "busybox", "cat", "/proc/self/uid_map")
    check(out.split() == ["0", "100000", "1000"], out)


@operation
def no_cgroup(p):
    """Containers that stay in the cgroup of their caller: Podman lets a runtime do so by its name."""
    p("run", "-d", "--name", "plain", "--cgroups", "disabled", *operations.SLEEP)
    check(any("--cgroup-manager disabled" in line for line in p.called()), "the runtime was not told")
    p.remove("plain")


@operation
def log_in_json(p):
    """Podman asks for that where the runtime's name is listed, and says what is in it."""
    out = p("run", "--rm", "busybox", "nowhere", status=127)
    check(any("--log-format=json" in line for line in p.called()), "the runtime was not told")
    check('"level"' not in out and "nowhere" in out, out)


@operation
def run_preserve_fds(p):
    with open(p.path("given"), "w+") as f:
        f.write("given\n")
        f.flush()
        f.seek(0)
        out = subprocess.run(["sh", "-c", '"$@" 3<&0', "sh", *p.command("run", "--rm", "--preserve-fds", "1", "busybox", "sh", "-c", "cat <&3")],
                             stdin=f, capture_output=True, text=True, timeout=60, check=False)
    check(out.stdout == "given\n", out)


@operation
def checkpoint(p):
    """A counting program goes on counting: in place, and from an archive under another name beside itself."""
    env = {"PATH": f"{os.path.dirname(rig.criu())}:{os.environ['PATH']}"}
    p("run", "-d", "--name", "counter", "busybox", *operations.COUNT)
    operations.counts_on(p, "counter")
    p("container", "checkpoint", "counter", env=env)
    check(operations.status_of(p, "counter") == "exited", "it runs on")
    p("container", "restore", "counter", env=env)
    operations.counts_on(p, "counter")
    p("container", "checkpoint", "--leave-running", "--export", p.path("counter.tar"), "counter", env=env)
    operations.counts_on(p, "counter")
    p("container", "restore", "--import", p.path("counter.tar"), "--name", "other", env=env)
    n = len(operations.numbers(p, "other"))  # its files are of a later moment than its memory: Podman copies them afterwards
    eventually(lambda: len(operations.numbers(p, "other")) > n + 2, "the other counts, too")
    check(any(" restore " in f" {line} " for line in p.called()), "the runtime was not asked")
    p.remove("counter", "other")


# what looks at what is left comes last
operation.sort(key=lambda f: f.__name__ == "nothing_left")

if __name__ == "__main__":
    sys.exit(rig.main(Podman, operation))
