#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sources.py [--update] ROOT: every source file is named in Makefile.am, in the list of its floor.

With --update it writes the lists that are everything in a directory, less what other lists have."""
import pathlib
import re
import sys
import textwrap

# list: (pattern, lists whose words are not in it)
LISTS = {
    "libocispec_sources": ("libocispec/ocispec/*.c", []),
    "base_sources": ("src/base/*.c", ["base_child_sources"]),
    "kernel_sources": ("src/kernel/*.c", ["kernel_child_sources"]),
    "cgroup_sources": ("src/cgroup/*.c", []),
    "plan_sources": ("src/plan/*.c", []),
    "launch_child_sources": ("src/launch/child_*.c", ["init_main_sources"]),
    "launch_parent_sources": ("src/launch/*.c", ["init_main_sources", "launch_shared_sources", "launch_child_sources"]),
    "lib_sources": ("src/*.c", ["main_sources"]),
    "cmd_sources": ("src/cmd/*.c", []),
    "image_sources": ("src/image/*.c", []),
    "unit_tests": ("tests/unit/*/test_*.c", []),
}
ASSIGNMENT = r"^{} =((?:[^\n]*\\\n)*[^\n]*)$"


def words(text, name):
    """The words of a list, or None when there is no such list."""
    found = re.search(ASSIGNMENT.format(name), text, re.M)
    return found and found.group(1).replace("\\\n", " ").split()


def expected(root, text, name):
    pattern, others = LISTS[name]
    taken = {w for other in others for w in words(text, other) or []}
    files = sorted(str(p.relative_to(root)) for p in root.glob(pattern))
    return [f[:-2] if name == "unit_tests" else f for f in files if f not in taken]


def complaints(root, text):
    for name in LISTS:
        have = words(text, name)
        if have is None:
            yield f"Makefile.am: no list {name}"
            continue
        want = expected(root, text, name)
        for word in want:
            if word not in have:
                yield f"Makefile.am: {word} is missing in {name}"
        for word in have:
            if word not in want:
                yield f"Makefile.am: {word} of {name} is no file of this list"
            elif have.count(word) > 1:
                yield f"Makefile.am: {word} is twice in {name}"
    for name in {other for _, others in LISTS.values() for other in others}:
        for word in words(text, name) or []:
            if not (root / word).exists():
                yield f"Makefile.am: {word} of {name} does not exist"


def update(root, text):
    for name in LISTS:
        line = " ".join([f"{name} =", *expected(root, text, name)])
        wrapped = " \\\n\t".join(textwrap.wrap(line, 108, break_long_words=False, break_on_hyphens=False))
        text = re.sub(ASSIGNMENT.format(name), lambda _, new=wrapped: new, text, flags=re.M)
    return text


def main():
    args = [a for a in sys.argv[1:] if a != "--update"]
    root = pathlib.Path(args[0])
    makefile = root / "Makefile.am"
    text = makefile.read_text()
    if "--update" in sys.argv:
        new = update(root, text)
        if new != text:
            makefile.write_text(new)
        text = new
    bad = sorted(set(complaints(root, text)))
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


sys.exit(main())
