# SPDX-License-Identifier: Apache-2.0
"""Where a test finds the files of a container's cgroup, in each view; and update of what is there."""
import json
import os
import re

import orlop
import pytest

ROOT = "/sys/fs/cgroup"
VIEW = "v2" if os.path.exists(f"{ROOT}/cgroup.controllers") else os.environ.get("ORLOP_VIEW", "native")
if VIEW == "native":
    VIEW = "hybrid" if os.path.exists(f"{ROOT}/unified/cgroup.controllers") else "v1"


def hierarchies():
    """Controllers of v1 and where they are."""
    if VIEW == "v2":
        return {}
    with open("/proc/self/cgroup") as f:
        lists = [line.split(":")[1] for line in f]
    return {c: f"{ROOT}/{c}" for names in lists for c in names.split(",") if c and os.path.isdir(f"{ROOT}/{c}")}


def v2_root():
    return {"v2": ROOT, "hybrid": f"{ROOT}/unified"}.get(VIEW)


def v2_controllers():
    if v2_root() is None:
        return []
    with open(f"{v2_root()}{orlop.base()}/cgroup.controllers") as f:
        return f.read().split()


def where(b, controller):
    """The container's cgroup in the hierarchy that has CONTROLLER."""
    return (hierarchies().get(controller) or v2_root()) + b.cgroup


def read(b, file):
    """What FILE of the container's cgroup says; None if it has none."""
    try:
        with open(f"{where(b, file.split('.')[0])}/{file}") as f:
            return f.read()
    except FileNotFoundError:
        return None


def needs_v1(*controllers):
    for c in controllers:
        if c not in hierarchies():
            pytest.skip(f"no {c} controller of cgroup v1 in this view")


def needs_v2(*controllers):
    """In the v2 hierarchy, and not on v1 beside it, where a limit would go."""
    for c in controllers:
        if c not in v2_controllers() or c in hierarchies():
            pytest.skip(f"no {c} controller of cgroup v2 in this view")


def block_device():
    """The number of a whole block device, without which nothing can be throttled; of a real one, if there is."""
    for name in sorted(os.listdir("/sys/block"), key=lambda n: (not os.path.exists(f"/sys/block/{n}/device"), n)):
        with open(f"/sys/block/{name}/dev") as f:
            return tuple(map(int, f.read().split(":")))
    return None


SLEEP = ("sleep", "100")


def update(box, resources, id="c", **more):
    """By a file, as Podman has it."""
    path = f"{box.dir}/resources.json"
    with open(path, "w") as f:
        f.write(resources if isinstance(resources, str) else json.dumps(resources))
    return box.orlop("update", f"--resources={path}", id, **more)


def first(b, file):
    text = read(b, file)
    return None if text is None else text.split("\n")[0]


def state_of(b):
    """What all files of limits say."""
    found = {}
    for top in {*hierarchies().values(), v2_root()} - {None}:
        path = top + b.cgroup
        for name in os.listdir(path) if os.path.isdir(path) else ():
            if re.search(r"limit|max|weight|shares|quota|period|burst|idle|cpus$|mems$|swappiness|oom_control|devices.list|low|high|min$|depth|throttle.*device", name):
                try:
                    with open(f"{path}/{name}") as f:
                        found[f"{top}/{name}"] = f.read() if not re.search("usage|watermark|failcnt|peak", name) else ""
                except OSError:
                    pass
    return found


class Some:
    """A limit that every view has."""

    def __init__(self):
        self.file = "pids.max" if "pids" in hierarchies() else "cgroup.max.depth"

    def resources(self, n):
        return {"pids": {"limit": n}} if self.file == "pids.max" else {"unified": {self.file: str(n)}}

    def is_at(self, b, n):
        return first(b, self.file) == str(n)
