#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: swarm.py RUNTIME DIRECTORY [OPERATION...]

Drives a Docker Swarm of one node, on loopback, over RUNTIME (see rig.py): services whose replicas are the scheduler's."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
import operations  # noqa: E402
from docker import Docker  # noqa: E402
from rig import Operations, check, eventually  # noqa: E402

# ends at once when it is told to
WAIT = ("busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
QUIET = ("-d", "--no-resolve-image")


class Swarm(Docker):
    def clean(self):
        for name in self("service", "ls", "-q", status=None).split():
            self("service", "rm", name, status=None)

    def replicas(self, name, count):
        """Waits for so many that run, and no more."""
        eventually(lambda: self("service", "ls", "--filter", f"name={name}", "--format", "{{.Replicas}}").split()[:1] == [f"{count}/{count}"],
                   f"{count} replicas of {name}", 60)
        eventually(lambda: len(self.tasks(name)) == count, f"{count} containers of {name}", 60)

    def tasks(self, name):
        return self("ps", "-q", "--no-trunc", "--filter", f"label=com.docker.swarm.service.name={name}").split()


operation = Operations()


@operation
def image_import(p):
    p("import", "--change", 'CMD ["sleep", "1000"]', p.rootfs()[1], "busybox")


@operation
def run(p):
    check(p("run", "--rm", "busybox", "echo", "hello") == "hello\n", "output")


@operation
def swarm_init(p):
    p("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")
    check("Ready" in p("node", "ls"), "the node")


@operation
def service_create(p):
    before = len(p.called())
    p("service", "create", *QUIET, "--name", "web", "--replicas", "3", "--env", "A=one", *WAIT)
    p.replicas("web", 3)
    made = [line for line in p.called()[before:] if " create " in f" {line} "]
    check(len(made) >= 3, f"the runtime was called {len(made)} times")


@operation
def service_scale(p):
    p("service", "scale", "-d", "web=6")
    p.replicas("web", 6)
    p("service", "scale", "-d", "web=2")
    p.replicas("web", 2)


@operation
def service_update(p):
    """One after the other is replaced."""
    before = set(p.tasks("web"))
    p("service", "update", *QUIET, "--env-add", "A=two", "--update-delay", "0s", "--limit-memory", "64m", "web")
    eventually(lambda: not before & set(p.tasks("web")) and len(p.tasks("web")) == 2, "others in their place", 60)
    check(p("exec", p.tasks("web")[0], "sh", "-c", "echo $A") == "two\n", "variable")
    check(operations.setting(p, p.tasks("web")[0], "memory/memory.limit_in_bytes", "memory.max") == str(64 << 20), "memory")


@operation(slow=True)
def service_rollback(p):
    before = set(p.tasks("web"))
    p("service", "rollback", "-d", "web")
    eventually(lambda: not before & set(p.tasks("web")) and len(p.tasks("web")) == 2, "others in their place", 60)
    check(p("exec", p.tasks("web")[0], "sh", "-c", "echo $A") == "one\n", "variable")


@operation
def service_restart(p):
    """One that was killed is replaced."""
    victim = p.tasks("web")[0]
    p("kill", victim)
    eventually(lambda: victim not in p.tasks("web") and len(p.tasks("web")) == 2, "another in its place", 60)


@operation
def service_logs(p):
    p("service", "create", *QUIET, "--name", "talks", "busybox", "sh", "-c", "echo said; sleep 1000")
    eventually(lambda: "said" in p("service", "logs", "talks", status=None), "its words", 60)
    p("service", "rm", "talks")


@operation
def secret_and_config(p):
    for kind, word in (("secret", "hidden"), ("config", "shown")):
        p(kind, "create", word, p.file(word, f"{word}\n"))
    p("service", "create", *QUIET, "--name", "reads", "--secret", "hidden", "--config", "shown", *WAIT)
    p.replicas("reads", 1)
    check(p("exec", p.tasks("reads")[0], "cat", "/run/secrets/hidden", "/shown") == "hidden\nshown\n", "content")
    p("service", "rm", "reads")


@operation(slow=True)
def service_global(p):
    """One on each node, with the options of a container."""
    p("service", "create", *QUIET, "--name", "each", "--mode", "global", "--mount", "type=tmpfs,target=/data", "--user", "1000", "--read-only", "--init",
      "--cap-drop", "ALL", *WAIT)
    p.replicas("each", 1)
    task = p.tasks("each")[0]
    check(p("exec", task, "id", "-u") == "1000\n", "user")
    check(p("exec", task, "cat", "/proc/1/comm") != "sh\n", "init")
    check(p("exec", task, "grep", "CapBnd", "/proc/1/status").split()[1] == "0" * 16, "capabilities")
    mounts = {line.split()[1]: line for line in p("exec", task, "cat", "/proc/mounts").splitlines()}
    check(mounts["/"].split()[3].split(",")[0] == "ro" and mounts["/data"].startswith("tmpfs "), mounts)
    p("service", "rm", "each")


@operation(slow=True)
def network_overlay(p):
    p("network", "create", "-d", "overlay", "--attachable", "over")
    p("service", "create", *QUIET, "--name", "server", "--network", "over", "busybox", "busybox", "nc", "-ll", "-p", "7", "-e", "echo", "pong")
    eventually(lambda: p("run", "--rm", "--network", "over", "busybox", "busybox", "nc", "-w", "5", "server", "7", status=None) == "pong\n", "an answer", 20)
    p("service", "rm", "server")


@operation
def stack(p):
    p.file("stack.yml", """version: "3.8"
services:
  one: {image: busybox, command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"], networks: [hostnet], deploy: {replicas: 2}}
networks:
  hostnet: {external: true, name: host}
""")
    p("stack", "deploy", "--resolve-image", "never", "-c", p.path("stack.yml"), "st")
    p.replicas("st_one", 2)
    p("stack", "rm", "st")
    eventually(lambda: not p.tasks("st_one"), "none", 60)


@operation
def service_remove(p):
    p.clean()
    eventually(lambda: p("ps", "-aq", "--filter", "label=com.docker.swarm.service.name") == "", "no container", 60)


@operation
def swarm_leave(p):
    p("swarm", "leave", "--force")
    check(p("info", "-f", "{{.Swarm.LocalNodeState}}") == "inactive\n", "still there")


@operation
def nothing_left(p):
    p("ps", "-aq")
    eventually(lambda: not p.left(), p.left, 10)


if __name__ == "__main__":
    sys.exit(rig.main(Swarm, operation))
