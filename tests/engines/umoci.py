#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: umoci.py RUNTIME DIRECTORY [OPERATION...]

Runs bundles that umoci makes of OCI images (see rig.py): the runtime alone, with another's config.json."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402
from rig import Operations, call, check, goes_on, stands_still  # noqa: E402


class Umoci(rig.Engine):
    states = ("/run/orlop/*", "/run/runc/*", "/run/crun/*")

    def command(self, *words):
        return [self.runtime, *words]

    def bundle(self, name, change=lambda config: None):
        """Unpacks the image, as umoci does; what the machine cannot grant is taken from its config.json."""
        path = self.path(name)
        call("umoci", "unpack", "--image", f"{self.work}/layout:latest", path)
        with open(f"{path}/config.json") as f:
            config = json.load(f)
        config["process"].pop("rlimits", None)
        config["process"]["terminal"] = False
        config["linux"]["cgroupsPath"] = f"{self.parent}/{name}"
        change(config)
        with open(f"{path}/config.json", "w") as f:
            json.dump(config, f)
        return path

    def brief(self):
        """No engine at all: the runtime alone."""
        if not os.path.exists(self.path("brief")):
            self.bundle("brief", lambda config: config["process"].update(args=["true"]))
        self("run", "--bundle", self.path("brief"), "brief")

    def clean(self):
        for name in json.loads(self("list", "--format", "json", status=None) or "null") or []:
            subprocess.run([self.runtime, "delete", "--force", name["id"]], capture_output=True, timeout=60, check=False)


operation = Operations()


@operation
def image_import(p):
    layout = p.path("layout")
    call("umoci", "init", "--layout", layout)
    call("umoci", "new", "--image", f"{layout}:latest")
    call("umoci", "unpack", "--image", f"{layout}:latest", p.path("first"))
    call("cp", "-a", p.rootfs()[0] + "/.", p.path("first/rootfs"))
    call("umoci", "repack", "--image", f"{layout}:latest", p.path("first"))
    call("umoci", "config", "--image", f"{layout}:latest", "--config.cmd", "echo", "--config.cmd", "hello", "--config.env", "PATH=/bin")


@operation
def run(p):
    check(p("run", "--bundle", p.bundle("run"), "c") == "hello\n", "output")


@operation
def run_terminal(p):
    path = p.bundle("tty", lambda c: c["process"].update(terminal=True, args=["sh", "-c", "tty; read x; echo got $x; exit 6"]))
    status, shown = p.terminal("run", "--bundle", path, "c", send=[("/dev/pts/|/dev/console", "typed\r")])
    check(status == 6 and "got typed" in shown, f"status {status}: {shown}")


@operation
def whole_life(p):
    path = p.bundle("life", lambda c: c["process"].update(args=["sh", "-c", "trap 'exit 3' TERM; while :; do echo >>/ticks; usleep 20000; done"]))
    p("create", "--bundle", path, "c")
    check(json.loads(p("state", "c"))["status"] == "created", "created")
    p("start", "c")
    check(p("exec", "c", "echo", "inside") == "inside\n", "exec")
    goes_on(f"{path}/rootfs/ticks")
    p("pause", "c")
    check(json.loads(p("state", "c"))["status"] == "paused", "paused")
    stands_still(f"{path}/rootfs/ticks")
    p("resume", "c")
    goes_on(f"{path}/rootfs/ticks")
    p("kill", "c", "TERM")
    rig.eventually(lambda: json.loads(p("state", "c"))["status"] == "stopped", "stopped")
    p("delete", "c")


@operation
def commit(p):
    """What a container wrote becomes a layer."""
    path = p.bundle("write", lambda c: c["process"].update(args=["sh", "-c", "echo new > /new"]))
    p("run", "--bundle", path, "c")
    call("umoci", "repack", "--image", f"{p.work}/layout:written", path)
    call("umoci", "unpack", "--image", f"{p.work}/layout:written", p.path("written"))
    with open(p.path("written/rootfs/new")) as f:
        check(f.read() == "new\n", "content")


@operation
def nothing_left(p):
    check(not p.left(), p.left())


if __name__ == "__main__":
    sys.exit(rig.main(Umoci, operation))
