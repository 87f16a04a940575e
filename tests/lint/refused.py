#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""refused.py ROOT: the README's section on what is refused says what the tables of the source refuse, no less and no more.

The tables are arrays called `later` (JSON paths) and rows LATER ("name") of mount options."""
import re

import tree

# what is refused: the words by which the README says it
WORDS = [
    (r"process\.apparmorProfile", "AppArmor"), (r"process\.selinuxLabel|linux\.mountLabel", "SELinux"), (r"process\.scheduler", "scheduler"),
    (r"process\.ioPriority", "I/O priority"), (r"process\.execCPUAffinity", "exec CPU affinity"),
    (r"linux\.memoryPolicy", "memory policy"),
    (r"linux\.seccomp", "seccomp"), (r"linux\.personality", "personality"), (r"memory\.kernel(TCP)?", "kernel memory"),
    (r"memory\.swappiness", "swappiness"), (r"memory\.(disableOOMKiller|useHierarchy)", "OOM killer"), (r"cpu\.burst", "cpu burst"),
    (r"cpu\.realtime(Runtime|Period)", "real-time"), (r"cpu\.idle", "idle scheduling"), (r"blockIO\.\w+", "block I/O"),
    (r"hugepageLimits", "huge pages"), (r"network\.\w+", "network classes"), (r"rdma", "RDMA"), (r"r?idmap", "idmapped mounts"),
    (r"r(a|dev|dira|exec|noa|nodev|nodira|noexec|norela|nostricta|nosuid|nosymfollow|rela|ro|rw|stricta|suid|symfollow)(time)?", "recursive mount options"),
    (r"tmpcopyup", "tmpcopyup"), (r"copy-symlink|(src|dest)-nofollow", "copy-symlink"),
]


def refused(root):
    """(file, name) of all that the source refuses as not implemented."""
    for path in tree.sources(root, "src", suffixes=(".c",)):
        text = (root / path).read_text()
        for body in re.findall(r"\blater\[\] = \{(.*?)^ *\};", text, re.M | re.S):
            yield from ((path, name) for name in re.findall(r'^\s*\{ "([^"]+)"', body, re.M))
        yield from ((path, name) for name in re.findall(r'^\s*LATER \("([^"]+)"\)', text, re.M))


def complaints(root):
    readme = root / "README.md"
    found = re.search(r"^## What is refused.*?\n(.*?)(?=^## |\Z)", readme.read_text() if readme.exists() else "", re.M | re.S)
    said = " ".join(found.group(1).split()).lower() if found else ""
    meant = set()
    for path, name in refused(root):
        words = [w for pattern, w in WORDS if re.fullmatch(pattern, name)]
        meant.update(words)
        if not words:
            yield f"{path}: {name} is refused; which words of README.md say so? tests/lint/refused.py lists them"
        elif words[0].lower() not in said:
            yield f"{path}: {name} is refused, and README.md does not say so ({words[0]})"
    yield from (f"README.md: {words} is said to be refused, but is not" for _, words in WORDS if words not in meant and words.lower() in said)


if __name__ == "__main__":
    tree.main(complaints)
