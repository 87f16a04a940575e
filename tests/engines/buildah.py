#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: buildah.py RUNTIME DIRECTORY [OPERATION...]

Drives Buildah over RUNTIME (see rig.py), in a cgroup namespace of its own: it gives the runtime no path of a cgroup."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
from rig import Operations, check, eventually  # noqa: E402

ISOLATED = ("--isolation", "oci")


class Buildah(rig.Engine):
    program = "buildah"
    states = ("/run/orlop/*", "/run/runc/*", "/run/crun/*")

    def start(self):
        os.environ.update(CONTAINERS_CONF=self.path("containers.conf"), CONTAINERS_STORAGE_CONF=self.path("storage.conf"))
        self.file("home/.config/containers/policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}')
        self.file("storage.conf", f'[storage]\ndriver = "vfs"\ngraphroot = "{self.work}/graph"\nrunroot = "/run/graph"\n')
        # no default_ulimits: those of the packages cannot be had without CAP_SYS_RESOURCE
        self.file("containers.conf", self.example("containers.conf", **{"[engine]\n": """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
"""}))

    def command(self, *words):
        words = list(words)
        if words[0] in ("run", "build", "bud"):
            words[1:1] = [*ISOLATED, "--runtime", self.runtime]
        return [self.program, *words]

    def clean(self):
        subprocess.run(["buildah", "rm", "--all"], capture_output=True, timeout=60, check=False)

    def brief(self):
        self("run", "--network", "none", self.container(), "true")

    def container(self):
        """A working container from the image."""
        if "kept" not in self("containers", "--format", "{{.ContainerName}}").split():
            self("from", "--name", "kept", "busybox")
        return "kept"


operation = Operations()


@operation
def image_import(p):
    p("from", "--name", "scratch", "scratch")
    p("add", "-q", "scratch", p.rootfs()[1], "/")
    p("config", "--cmd", "sleep 1000", "--env", "PATH=/bin", "scratch")
    p("commit", "-q", "scratch", "busybox")
    p("rm", "scratch")
    check("busybox" in p("images"), "no image")


@operation
def run(p):
    check(p("run", p.container(), "echo", "hello") == "hello\n", "output")
    check(any(" create " in f" {line} " for line in p.called()), "the runtime was not called")


@operation
def run_status(p):
    p("run", p.container(), "sh", "-c", "exit 7", status=7)


@operation
def run_not_found(p):
    check("nowhere" in p("run", p.container(), "nowhere", status=1), "words")


@operation
def run_stdin(p):
    check(p("run", p.container(), "cat", stdin="through\n") == "through\n", "output")


@operation
def run_terminal(p):
    status, shown = p.terminal("run", "-t", p.container(), "sh", "-c", "tty; read x; echo got $x; exit 6", send=[("/dev/pts/|/dev/console", "typed\r")])
    check(status == 6 and "got typed" in shown, f"status {status}: {shown}")


@operation
def user(p):
    check(p("run", "--user", "1000:1001", p.container(), "sh", "-c", "id -u; id -g") == "1000\n1001\n", "ids")


@operation
def environment(p):
    check(p("run", "--env", "A=b c", "--workingdir", "/tmp", "--hostname", "named", p.container(), "sh", "-c", "echo $A; pwd; hostname") == "b c\n/tmp\nnamed\n", "output")


@operation
def bind(p):
    host = p.path("host")
    os.makedirs(host, exist_ok=True)
    p("run", "-v", f"{host}:/host", p.container(), "touch", "/host/made")
    check(os.path.exists(os.path.join(host, "made")), "nothing was written")
    p("run", "-v", f"{host}:/host:ro", p.container(), "touch", "/host/new", status=1)


@operation
def tmpfs(p):
    check("tmpfs" in p("run", "--mount", "type=tmpfs,destination=/data", p.container(), "grep", " /data ", "/proc/mounts"), "mount")


@operation
def cap_drop(p):
    line = p("run", "--cap-drop", "CAP_CHOWN", p.container(), "grep", "CapEff", "/proc/self/status")
    check(int(line.split()[1], 16) & 1 == 0, line)


@operation
def cap_add(p):
    line = p("run", "--cap-add", "CAP_NET_ADMIN", p.container(), "grep", "CapEff", "/proc/self/status")
    check(int(line.split()[1], 16) & 1 << 12, line)


def apart(p, *options, image="busybox"):
    """A working container that was made with OPTIONS."""
    p("rm", "apart", status=None)
    p("from", "--name", "apart", *options, image)
    return "apart"


@operation
def seccomp(p):
    check(p("run", p.container(), "grep", "Seccomp:", "/proc/self/status").split()[1] == "2", "filter")
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile = p.file("profile.json", json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
    p("run", apart(p, "--security-opt", f"seccomp={profile}"), "mkdir", "/new", status=1)


@operation
def limits(p):
    name = apart(p, "--memory", "64m", "--memory-swap", "64m", "--cpu-shares", "512")
    out = p("run", name, "sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max")
    check(out == f"{64 << 20}\n", out)


@operation
def ulimits(p):
    out = p("run", apart(p, "--ulimit", "nofile=99:100"), "sh", "-c", "ulimit -n; ulimit -Hn")
    check(out.split() == ["99", "100"], out)


@operation
def shm_size(p):
    check("size=2048k" in p("run", apart(p, "--shm-size", "2m"), "grep", " /dev/shm ", "/proc/mounts"), "size")


@operation
def device(p):
    p("run", apart(p, "--device", "/dev/zero:/dev/nought"), "head", "-c", "1", "/dev/nought")


@operation
def shared_namespaces(p):
    """By path, of a process's outside."""
    other = subprocess.Popen(["unshare", "-n", "-i", "-u", "sleep", "1000"])
    try:
        eventually(lambda: os.readlink(f"/proc/{other.pid}/ns/uts") != os.readlink("/proc/self/ns/uts"), "its namespaces")
        for kind, option in (("net", "--network=ns:{}"), ("ipc", "--ipc={}"), ("uts", "--uts={}")):
            path = f"/proc/{other.pid}/ns/{kind}"
            check(p("run", option.format(path), p.container(), "readlink", f"/proc/self/ns/{kind}").strip() == os.readlink(path), kind)
    finally:
        other.kill()
        other.wait()


@operation
def host_namespaces(p):
    check(p("run", "--network", "host", p.container(), "readlink", "/proc/self/ns/net").strip() == os.readlink("/proc/self/ns/net"), "network")


@operation
def network_none(p):
    check("LOOPBACK,UP" in p("run", "--network", "none", p.container(), "ip", "link", "show", "lo"), "loopback")


@operation
def commit(p):
    p("run", p.container(), "sh", "-c", "echo kept > /kept")
    p("commit", "-q", "kept", "committed")
    p("from", "--name", "second", "committed")
    check(p("run", "second", "cat", "/kept") == "kept\n", "content")
    p("rm", "second")


@operation
def build(p):
    p.file("build/Containerfile", """FROM busybox
COPY file /file
RUN echo built > /built && id -u
ENV A=b
USER 1000
WORKDIR /made
RUN test "$(id -u) $A $(pwd)" = "1000 b /made"
""")
    p.file("build/file", "copied\n")
    before = len(p.called())
    p("build", "-t", "built", p.path("build"))
    check(len(p.called()) > before, "the runtime was not called")
    p("from", "--name", "built", "built")
    check(p("run", "built", "cat", "/built", "/file") == "built\ncopied\n", "output")
    p("rm", "built")


@operation
def build_stages(p):
    p.file("stages/Containerfile", "FROM busybox AS one\nRUN echo made > /made\nFROM busybox\nCOPY --from=one /made /made\nRUN --mount=type=tmpfs,target=/data touch /data/x && grep made /made\n")
    p("build", p.path("stages"))


@operation
def build_fails(p):
    p.file("fails/Containerfile", "FROM busybox\nRUN exit 9\n")
    p("build", p.path("fails"), status=9)


@operation
def build_secret(p):
    p.file("secret/Containerfile", "FROM busybox\nRUN --mount=type=secret,id=word,target=/word grep hidden /word\nRUN ! grep hidden /word\n")
    p("build", "--secret", f"id=word,src={p.file('word', 'hidden')}", p.path("secret"))


@operation
def user_namespace(p):
    # vfs gives it all of the image's files but the top directory, in which mount points must therefore be there
    p("run", p.container(), "mkdir", "-p", "/run")
    p("commit", "-q", "kept", "whole")
    name = apart(p, "--userns-uid-map", "0:100000:2000", "--userns-gid-map", "0:100000:2000", image="whole")
    out = p("run", name, "cat", "/proc/self/uid_map")
    check(out.split() == ["0", "100000", "2000"], out)


@operation
def prune(p):
    p("rm", "--all")
    p("rmi", "--all", "--force")
    check(p("images", "-q") == "", "images are left")


@operation
def nothing_left(p):
    check(not p.left(), p.left())


if __name__ == "__main__":
    sys.exit(rig.main(Buildah, operation, ["-C"]))
