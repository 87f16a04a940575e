#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: delegated.py RUNTIME DIRECTORY [OPERATION...]

Drives Podman over RUNTIME as the ordinary user `tester` of tests/vm/setup-root (see rootless.py), to whom systemd has given cgroups of version 2:
what rootless.py has to leave out.  For a machine of its own, in which nothing is private: a guest, or tests/vm/systemd-on-host."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rig  # noqa: E402 - first: it knows where what is below is found
import rootless  # noqa: E402
from rig import Operations, Skipped, check, eventually  # noqa: E402

CONTROLLERS = {"stats": "memory pids", "update": "memory cpu", "limits": "memory pids cpu cpuset", "oom": "memory"}  # what operations need


class Delegated(rootless.Rootless):
    user = "tester", 6000, 100000
    manager = "systemd"
    devices = "/dev"  # systemd's /run has none, and this /dev is not the machine's

    def start(self):
        runtime = f"/run/user/{self.user[1]}"
        eventually(lambda: os.path.exists(f"{runtime}/bus"), "the user manager of tester")
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={runtime}/bus"
        with open(f"/sys/fs/cgroup/user.slice/user-{self.user[1]}.slice/user@{self.user[1]}.service/cgroup.controllers", encoding="ascii") as f:
            given = f.read().split()
        self.lacks = {name: f"tester has no controllers {' '.join(missing)}" for name, wanted in CONTROLLERS.items()
                      if (missing := sorted(set(wanted.split()) - set(given)))}
        if "pids" not in given:
            self.containers = "pids_limit = 0"  # Podman asks for one where cgroups are of version 2, whatever controllers there are
        super().start()

    def make_user(self):
        """setup-root has."""


WANTED = {"image_import", "run", "exec_", "stats", "pause", "update", "limits", "oom", "top", "pod", "rm", "device", "device_refused", "whoami", "nothing_left"}
operation = Operations(f for f in rootless.operation if f.__name__ in WANTED)


@operation
def by_systemd(p):
    """The user's systemd made the container's cgroup."""
    p("run", "-d", "--name", "scope", *rootless.operations.SLEEP)
    with open(f"/proc/{rootless.operations.inspect(p, 'scope', '.State.Pid')}/cgroup", encoding="ascii") as f:
        path = f.read()
    check(f"/user@{p.user[1]}.service/" in path and ".scope" in path, path)
    check(any("--systemd-cgroup" in line for line in p.called()), "the runtime was not told")
    p.remove("scope")


# what looks at what is left comes last
operation.sort(key=lambda f: f.__name__ == "nothing_left")

if __name__ == "__main__":
    sys.exit(rig.main_of_guest(Delegated, operation))
