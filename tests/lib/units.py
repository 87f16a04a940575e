# SPDX-License-Identifier: Apache-2.0
"""Containers that are units of systemd, and what systemd says of these."""
import subprocess

import orlop

SLEEP = ["sleep", "1000"]


def systemctl(*words, check=True):
    return subprocess.run(["systemctl", *words], capture_output=True, text=True, timeout=orlop.TIMEOUT, check=check).stdout


def show(unit, name):
    return systemctl("show", f"--property={name}", "--value", unit).strip()


def shown(unit, names):
    return {name: show(unit, name) for name in names}


def loaded(unit):
    return unit in systemctl("list-units", "--all", "--plain", "--no-legend", unit)


class Driver:
    """A box whose containers are units of systemd."""

    def __init__(self, box):
        self.box, self.name = box, box.cgroup[1:]

    def bundle(self, args=SLEEP, slice="system.slice", **process):
        b = self.box.bundle(args, **process)
        b.config["linux"]["cgroupsPath"] = f"{slice}:{self.name}:{self.box.n}"
        b.unit = f"{self.name}-{self.box.n}.scope"
        return b

    def create(self, b, id="c", **more):
        b.save()
        return self.box.orlop("--systemd-cgroup", "create", "--bundle", b.path, id, **more)

    def run(self, b, *options, id="c", **more):
        b.save()
        return self.box.orlop("--systemd-cgroup", "run", "--bundle", b.path, *options, id, **more)

    def stopped_by_systemctl(self):
        """A container whose unit systemd was told to stop."""
        b = self.bundle()
        b.config["annotations"] = {"org.systemd.property.TimeoutStopUSec": "uint64 100000"}
        self.create(b)
        self.box.orlop("start", "c")
        systemctl("stop", b.unit)
        self.box.wait("stopped")
        return b

    def end(self):
        """Stops what units there are, and fails if there were any."""
        left = systemctl("list-units", "--all", "--plain", "--no-legend", f"{self.name}*")
        for line in left.splitlines():
            systemctl("kill", "--signal=KILL", line.split()[0], check=False)
            systemctl("reset-failed", line.split()[0], check=False)
        systemctl("stop", f"{self.name.split('-')[0]}.slice", check=False)
        assert left == ""
