#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""limits.py [--write] ROOT: the table of docs/cgroups.md is that of src/cgroup/limits.c.

A row of the source, and the comment that ends it, is a row of the document.  With --write the document is changed."""
import pathlib
import re
import sys

import tree

SOURCE, DOCUMENT = "src/cgroup/limits.c", "docs/cgroups.md"
BEGIN, END = "<!-- from src/cgroup/limits.c: make docs -->\n", "<!-- end -->\n"
WORD = r'(?:"([^"]+)"|NULL)'
ROW = re.compile(r"\{ " + ", ".join([WORD] * 4) + r",\s[^}]*\}, /\* (.*?) \*/", re.S)
HEAD = "| linux.resources. | cgroup v1 | cgroup v2 | systemd | value |\n|---|---|---|---|---|\n"


def table(text):
    """The rows in C as a table in Markdown."""
    body = re.search(r"cgroup_limit_row rows\[\] = \{(.*?)^\};", text, re.M | re.S)
    rows = []
    for found in ROW.finditer(body.group(1) if body else ""):
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


def complaints(root):
    wrong = change(root)[2]
    if wrong:
        yield wrong


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        top = pathlib.Path(sys.argv[2])
        (top / DOCUMENT).write_text(change(top)[1])
    else:
        tree.main(complaints)
