#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""limits.py [--write] ROOT: the table of docs/cgroups.md is that of src/cgroup/limits.c.

A row of the source, and the comment that ends it, is a row of the document.  With --write the document is changed.  And each file of a row is tried by
a case of tests/lib/properties.py, or is told there as one that cannot be."""
import importlib.util
import pathlib
import re
import sys

import tree

SOURCE, DOCUMENT, CASES = "src/cgroup/limits.c", "docs/cgroups.md", "tests/lib/properties.py"
BEGIN, END = "<!-- from src/cgroup/limits.c: make docs -->\n", "<!-- end -->\n"
WORD = r'(?:"([^"]+)"|NULL)'
ROW = re.compile(r"\{ " + ", ".join([WORD] * 5) + r",\s[^}]*\}, /\* (.*?) \*/", re.S)
HEAD = "| linux.resources. | cgroup v1 | cgroup v2 | systemd on v1 | systemd | value |\n|---|---|---|---|---|---|\n"


def found_rows(text):
    body = re.search(r"cgroup_limit_row rows\[\] = \{(.*?)^\};", text, re.M | re.S)
    return ROW.finditer(body.group(1) if body else "")


def table(text):
    """The rows in C as a table in Markdown."""
    rows = []
    for found in found_rows(text):
        *cells, note = (" ".join((g or "").split()) for g in found.groups())
        rows.append("| " + " | ".join([c.replace("*", "\\*") for c in cells] + [note]) + " |\n")
    return HEAD + "".join(rows)


def change(root):
    """(document as it is, as it should be, what is wrong with it)"""
    source, document = root / SOURCE, root / DOCUMENT
    if not source.exists():
        return "", "", None
    text = document.read_text() if document.exists() else ""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        return text, text, f"{DOCUMENT}: no table between {BEGIN.strip()} and {END.strip()}"
    made = table(source.read_text())
    rows = len(re.findall(r"^  \{ \"", source.read_text(), re.M))
    if made.count("\n") - 2 != rows:
        return text, text, f"{SOURCE}: {rows} rows, of which {made.count(chr(10)) - 2} can be read"
    should = head + begin + "\n" + made + "\n" + end + tail
    return text, should, None if text == should else f"{DOCUMENT}: not what {SOURCE} says: make docs"


def untried(root):
    """What of the rows no case tries, and what is said to be untried for no reason."""
    spec = importlib.util.spec_from_file_location("properties", root / CASES)
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    files = {(where, file) for where, *both, _, _, _ in (f.groups() for f in found_rows((root / SOURCE).read_text())) for file in both if file}
    tried = cases.tried()
    for where, file in sorted(files - tried - set(cases.UNTRIED)):
        yield f"{CASES}: nothing sets {where} and reads {file}"
    for where, file in sorted(set(cases.UNTRIED) - (files - tried)):
        yield f"{CASES}: {where} in {file} is {'tried' if (where, file) in tried else 'no row of ' + SOURCE}"


def complaints(root):
    wrong = change(root)[2]
    if wrong:
        yield wrong
    if (root / SOURCE).exists() and (root / CASES).exists():
        yield from untried(root)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        top = pathlib.Path(sys.argv[2])
        (top / DOCUMENT).write_text(change(top)[1])
    else:
        tree.main(complaints)
