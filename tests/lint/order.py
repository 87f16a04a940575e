#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""order.py ROOT: the documents of the two sides name what the tables name, in the same order.

- docs/kernel-order.md has a table for each step table of src/launch/child_steps.c and parent_steps.c, with a reason for each row;
- docs/architecture.md shows the steps of create in their order;
- docs/protocol.md has a row for each message of src/launch/sync.c;
- the hints, and whoever else asks for a step by its name, name one that there is."""
import itertools
import re

import tree

STEP_FILES = ("src/launch/child_steps.c", "src/launch/parent_steps.c")


def read(root, path):
    return (root / path).read_text() if (root / path).exists() else ""


def step_tables(root):
    """Name of each step table -> names of its rows."""
    found = {}
    for path in STEP_FILES:
        for name, rows in re.findall(r"^const struct step (\w+)\[\] = \{(.*?)^\};", read(root, path), re.M | re.S):
            found[name] = re.findall(r'^\s*\{ "([\w.]+)"', rows, re.M)
    return found


def messages(root):
    """Names of the messages, without NONE."""
    body = re.search(r"\bmessages\[\] = \{(.*?)^\};", read(root, "src/launch/sync.c"), re.M | re.S)
    return [m for m in re.findall(r'= \{ "(\w+)"', body.group(1) if body else "") if m != "NONE"]


def asked_steps(root):
    """(file, name) of steps that are named elsewhere."""
    for name in re.findall(r'^  \{ "([\w.]+)"', read(root, "src/hints.c"), re.M):
        yield "src/hints.c", name
    for path in tree.sources(root, "src", suffixes=(".c",)):
        for name in re.findall(r'\bstep, "([\w.]+)"', (root / path).read_text()):
            yield path, name


def rows(text):
    """(first cell without its quotes, last cell) of the rows of the first table in a text."""
    table = re.search(r"(?:^\|.*\n)+", text + "\n", re.M)
    cells = [line.strip("|").split("|") for line in table.group(0).splitlines()[2:]] if table else []
    return [(c[0].strip().strip("`"), c[-1].strip()) for c in cells]


def compare(document, what, wanted, said):
    for i, (want, have) in enumerate(itertools.zip_longest(wanted, [name for name, _ in said])):
        if want != have:
            yield f"{document}: row {i + 1} of {what} is {have or 'missing'}, and is {want or 'nothing'} in the source"
            return
    yield from (f"{document}: {name} of {what} has no explanation" for name, text in said if not text)


def in_order(names, words):
    """The first of NAMES that WORDS do not have after the ones before it, or None."""
    words = iter(words)
    return next((name for name in names if name not in words), None)


def complaints(root):
    tables, document = step_tables(root), "docs/kernel-order.md"
    text = read(root, document)
    for name, steps in tables.items():
        part = re.search(rf"^`{name}`$(.*?)(?=^#|\Z)", text, re.M | re.S)
        yield from compare(document, name, steps, rows(part.group(1)) if part else [])
    for name in re.findall(r"^`(\w+)`$", text, re.M):
        if name not in tables:
            yield f"{document}: there is no table {name}"
    known = set(itertools.chain(*tables.values()))
    yield from (f"{path}: there is no step {name}" for path, name in asked_steps(root) if name not in known)
    picture = re.search(r"^```\n(.*?)^```", read(root, "docs/architecture.md"), re.M | re.S)
    for name in ("parent_create", "child_create"):
        lost = in_order(tables.get(name, []), re.findall(r"[\w.]+", picture.group(1)) if picture else [])
        if lost:
            yield f"docs/architecture.md: {lost} of {name} is not where it stands in the source"
    if messages(root):
        yield from compare("docs/protocol.md", "messages", messages(root), rows(read(root, "docs/protocol.md")))


if __name__ == "__main__":
    tree.main(complaints)
