#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: rootless.py RUNTIME DIRECTORY [OPERATION...]

Drives Podman and Buildah as an ordinary user over RUNTIME (see rig.py): with ranges of ids of his own, and networks by slirp4netns."""
import os
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402 - first: it knows where what is below is found
import operations  # noqa: E402
import podman  # noqa: E402
from rig import Operations, call, check  # noqa: E402

# what asks for more than he can have
NOT_HIS = {"stats": "Podman has no cgroups for him on cgroup v1", "pause": "Podman has no cgroups for him on cgroup v1",
           "pod": "Podman has no cgroups for him on cgroup v1", "oom": "Podman has no cgroups for him on cgroup v1",
           "limits": "Podman has no cgroups for him on cgroup v1", "update": "Podman has no cgroups for him on cgroup v1"}


def open_device(path, where):
    """Lets everybody use a device, here alone, as udev does on other machines: by a copy in WHERE."""
    if os.path.exists(path) and os.stat(path).st_mode & 0o666 != 0o666:
        copy = where + "/" + path.replace("/", "-")
        os.mknod(copy, stat.S_IFCHR | 0o666, os.stat(path).st_rdev)
        os.chmod(copy, 0o666)
        call("mount", "--bind", copy, path)


class Rootless(podman.Podman):
    lacks = NOT_HIS
    interface, devices = "tap0", "/run"
    user = "ordinary", 6100, 610000  # his name, his id, the first of 65536 others

    def make_user(self):
        name, uid, first = self.user
        for file, line in (("passwd", f"{name}:x:{uid}:{uid}::/:/bin/sh"), ("group", f"{name}:x:{uid}:"),
                           ("subuid", f"{name}:{first}:65536"), ("subgid", f"{name}:{first}:65536")):
            with open(f"/etc/{file}", "a") as f:
                f.write(line + "\n")

    def start(self):
        user = self.user[1]
        self.states = tuple(f"/run/user/{user}/{runtime}/*" for runtime in ("orlop", "runc", "crun"))
        self.make_user()
        for path in ("/dev/fuse", "/dev/net/tun"):
            open_device(path, self.devices)
        # where he may read it
        shutil.copy(self.real, self.path("bin/real"))
        os.chmod(self.path("bin/real"), 0o755)
        self.use(self.path("bin/real"))
        super().start()
        os.makedirs(f"/run/user/{user}", exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = f"/run/user/{user}"
        for name, old, new in (("storage.conf", "/run/graph", f"/run/user/{user}/graph"), ("containers.conf", "/run/libpod", f"/run/user/{user}/libpod")):
            with open(self.path(name)) as f:
                text = f.read()
            check(old in text, name)
            self.file(name, text.replace(old, new))
        self.rootfs()
        os.chown(self.work, user, user)
        for path in (self.path("home"), self.path("tmp"), f"/run/user/{user}"):
            call("chown", "-R", f"{user}:{user}", path)
        for path in ("graph", "networks", "host"):
            os.makedirs(self.path(path))
            os.chown(self.path(path), user, user)

    def command(self, *words):
        if words[0] == "buildah":
            words = list(words)
            if words[1] in ("run", "build"):
                words[2:2] = ["--isolation", "oci", "--runtime", self.runtime]
        else:
            words = [self.program, *words]
        return ["setpriv", "--reuid", str(self.user[1]), "--regid", str(self.user[1]), "--init-groups", "--inh-caps=-all", *words]

    def file(self, name, text, mode=0o644):
        path = super().file(name, text, mode)
        os.chown(path, self.user[1], self.user[1])
        return path

    def clean(self):
        for words in (("pod", "rm", "-fat", "0"), ("rm", "-fat", "0"), ("network", "prune", "-f"), ("buildah", "rm", "--all")):
            subprocess.run(self.command(*words), capture_output=True, timeout=90, check=False)

    def left(self):
        return [path for path in super().left() if "cgroup" not in path]


operation = Operations(f for f in podman.operation
                       if f.__name__ not in ("user_namespace", "run_preserve_fds", "no_cgroup", "checkpoint", "device", "device_refused"))


@operation
def device(p):
    """Bound from the host, under another name, too: what he may open he may use."""
    p("run", "--rm", "--device", "/dev/zero:/dev/nought", "busybox", "head", "-c", "1", "/dev/nought")
    check(os.path.exists("/dev/fuse"), "needs /dev/fuse, a device that not every container has")
    script = "[ -c /dev/file ] && : <> /dev/file && ! [ -e /dev/fuse ]"
    p("run", "--rm", "--device", "/dev/fuse:/dev/file", "busybox", "sh", "-c", script)


@operation
def device_refused(p):
    """What he may not open on the host root of his container may not either, who can make no device."""
    for mode, status, said in ((0o666, 0, "\0"), (0o600, 1, "Permission denied")):
        path = f"{p.devices}/orlop-zero-{mode:o}"
        os.mknod(path, stat.S_IFCHR, os.makedev(1, 5))
        try:
            os.chmod(path, mode)
            check(said in p("run", "--rm", "--device", f"{path}:/dev/other", "busybox", "head", "-c", "1", "/dev/other", status=status), said)
        finally:
            os.unlink(path)
    out = p("run", "--rm", "--cap-add", "MKNOD", "busybox", "sh", "-c", "mknod /tmp/mem c 1 1; head -c 1 /tmp/mem", status=1)
    check("mknod: /tmp/mem: Operation not permitted" in out and "head: /tmp/mem: No such file" in out, out)


@operation
def whoami(p):
    """Root in there is the user out here."""
    p("run", "-d", "--name", "mine", *operations.SLEEP)
    pid = operations.inspect(p, "mine", ".State.Pid")
    check(os.stat(f"/proc/{pid}").st_uid == p.user[1], "another user's process")
    check(p("exec", "mine", "cat", "/proc/self/uid_map").split() == ["0", str(p.user[1]), "1", "1", str(p.user[2]), "65536"], "map")
    p.remove("mine")


@operation
def keep_id(p):
    check(p("run", "--rm", "--userns", "keep-id", "busybox", "id", "-u") == f"{p.user[1]}\n", "id")


@operation
def buildah_run(p):
    p("buildah", "from", "--name", "work", "localhost/busybox")
    check(p("buildah", "run", "--network", "none", "work", "echo", "hello") == "hello\n", "output")
    p("buildah", "run", "--network", "none", "work", "sh", "-c", "exit 7", status=7)
    check(p("buildah", "run", "--network", "none", "--user", "1000", "work", "id", "-u") == "1000\n", "user")
    p("buildah", "run", "--network", "none", "-v", f"{p.path('host')}:/host", "work", "touch", "/host/built")
    check(os.stat(p.path("host/built")).st_uid == p.user[1], "owner")
    p("buildah", "rm", "work")


@operation
def buildah_build(p):
    p.file("kit/Containerfile", "FROM localhost/busybox\nRUN echo built > /built && id -u\nUSER 1000\nRUN test -s /built && test $(id -u) = 1000\n")
    p("buildah", "build", "--network", "none", "-t", "kit", p.path("kit"))


# what a user's own namespace may change; the rest only in the whole run
SHORT = {"image_import", "run", "run_status", "run_not_found", "run_terminal", "run_detached", "exec_", "exec_options", "exec_terminal", "stop", "kill", "rm",
         "volumes", "bind", "tmpfs", "user", "read_only", "masked", "privileged", "seccomp", "sysctl", "network_bridge", "network_none", "build", "whoami",
         "keep_id", "buildah_run", "buildah_build", "nothing_left"}

# what looks at what is left comes last
operation.sort(key=lambda f: f.__name__ == "nothing_left")

if __name__ == "__main__":
    sys.exit(rig.main(Rootless, operation))
