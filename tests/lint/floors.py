#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""floors.py ROOT: includes go down only, and never in a circle.

A file includes headers of its own floor or of lower ones.  A module is the .c and .h of one name; inside a floor modules
include each other without a circle.  Some rooms may see even less (NARROW), and some libraries are for one room."""
import graphlib
import pathlib
import re

import tree

FLOORS = {"libocispec/ocispec": 0, "src/base": 1, "src/kernel": 2, "src/cgroup": 3, "src/plan": 4, "src/launch": 5, "src": 6,
          "src/cmd": 7, "src/image": 7}
TOP_FILES = {"src/main.c": 7, "src/orlop.h": 1}  # the program; the public header knows nobody

# (files, what they may include): a directory ends with a slash
NARROW = [
    (r"src/base/.*", ("src/base/",)),
    (r"src/kernel/.*", ("src/kernel/", "src/base/")),
    (r"src/launch/child_.*\.c", ("src/launch/", "src/kernel/", "src/base/", "src/plan/plan.h")),
    (r"src/cmd/.*|src/main\.c", ("src/cmd/", "src/base/", "src/orlop.h", "libocispec/ocispec/table.h")),
    (r"src/orlop\.h", ()),
    (r"src/image/.*", ("src/image/", "src/base/", "libocispec/ocispec/", "src/plan/spec.h", "src/plan/annotations.h", "src/kernel/signal.h")),
]

# system headers: who may include them, or None for nobody
SYSTEM = [
    (r"yajl/.*", r"libocispec/.*"),
    (r"sha2\.h", r"src/base/digest\.c"),
    (r"archive(_entry)?\.h", r"src/image/(attributes|blob|entry|source|unpack)\.c"),
    (r"seccomp\.h", r"src/kernel/filter_lib\.c"),  # loaded only when a filter is compiled
    (r"sys/mount\.h", None),  # contradicts linux/mount.h in several C libraries
]


def floor(path):
    return TOP_FILES.get(path, FLOORS.get(str(pathlib.PurePath(path).parent)))


def resolve(root, path, name):
    """Which file `#include "NAME"` in PATH means, relative to ROOT; None if there is none."""
    for directory in ("src", "libocispec", str(pathlib.PurePath(path).parent)):
        candidate = str(pathlib.PurePath(directory) / name)
        if (root / candidate).exists():
            return candidate
    return None


def check_pair(path, number, target):
    """One include: the floors and the narrower rules."""
    place = f"{path}:{number}"
    if floor(target) is None:
        yield f"{place}: {target} is on no floor"
    elif floor(target) > floor(path):
        yield f"{place}: {target} is on floor {floor(target)}, this file on {floor(path)}"
    for files, allowed in NARROW:
        if re.fullmatch(files, path) and not any(target == a or a[-1] == "/" and target.startswith(a) for a in allowed):
            yield f"{place}: may include {', '.join(allowed) or 'nothing'}, not {target}"


def check_system(path, number, name):
    for headers, users in SYSTEM:
        if re.fullmatch(headers, name) and (users is None or not re.fullmatch(users, path)):
            yield f"{path}:{number}: <{name}> is for {users or 'nobody'}"


def module(path):
    return str(pathlib.PurePath(path).with_suffix(""))


def complaints(root):
    needs = {}
    for file in tree.sources(root, "src", "libocispec"):
        path = str(file)
        if floor(path) is None:
            yield f"{path}: is on no floor"
            continue
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if found and found.group(1) == "<":
                yield from check_system(path, number, found.group(2))
            target = found and found.group(1) == '"' and resolve(root, path, found.group(2))
            if not target:
                continue  # made by the build
            yield from check_pair(path, number, target)
            if module(target) != module(path):
                needs.setdefault(module(path), set()).add(module(target))
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        yield "circle of includes: " + " -> ".join(reversed(error.args[1]))


if __name__ == "__main__":
    tree.main(complaints)
