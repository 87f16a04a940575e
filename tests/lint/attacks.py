#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""attacks.py [--write] ROOT: every row of tests/attacks/rows.tsv follows a rule of docs/security.md and has a test, or a reason why not; and
the table of that document says so.

A row: its name, the flaw, the rules, and a reason or "-".  A test names its rows by @pytest.mark.attack("T1", "T2").  --write makes the table."""
import ast
import pathlib
import re
import sys

import tree

ROWS, DOCUMENT = "tests/attacks/rows.tsv", "docs/security.md"
BEGIN, END = "<!-- from tests/attacks/rows.tsv and the marks of the tests: make docs -->\n", "<!-- end -->\n"
HEAD = "| row | flaw | rules | tests, remarks |\n|---|---|---|---|\n"
RULE = re.compile(r"^\*\*(R\d+)\b", re.M)


def rows(root):
    path = root / ROWS
    return [line.split("\t") for line in path.read_text().splitlines() if line and line[0] != "#"] if path.exists() else []


def marked(text):
    """(row, name of a test) of Python text."""
    for f in ast.parse(text).body:
        if not isinstance(f, ast.FunctionDef) or not f.name.startswith("test_"):
            continue
        for node in (n for d in f.decorator_list for n in ast.walk(d)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "attack":
                yield from ((a.value, f.name) for a in node.args if isinstance(a, ast.Constant))


def marks(root):
    """Row -> file of tests -> names of tests."""
    found = {}
    for path in tree.sources(root, "tests", suffixes=(".py",)):
        if path.stem.startswith("test_"):
            for row, name in marked((root / path).read_text()):
                names = found.setdefault(row, {}).setdefault(str(path), [])
                if name not in names:
                    names.append(name)
    return found


def table(root):
    found, text = marks(root), HEAD
    for name, flaw, rules, reason in rows(root):
        shown = [f"{path}: {', '.join(names)}" for path, names in sorted(found.get(name, {}).items())]
        text += f"| {name} | {flaw} | {rules} | {'. '.join([reason] * (reason != '-') + ['; '.join(shown)] * bool(shown))} |\n"
    return text


def document(root):
    """The document as it is, and as it should be."""
    path = root / DOCUMENT
    text = path.read_text() if path.exists() else ""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return text, head + BEGIN + "\n" + table(root) + "\n" + END + tail if begin and end else None


def complaints(root):
    known, found = rows(root), marks(root)
    if not known and not found:
        return
    broken = [row for row in known if len(row) != 4 or not all(row)]
    if broken:
        yield f"{ROWS}: {' '.join(broken[0])} is not name, flaw, rules, and a reason or -"
        return
    text, should = document(root)
    rules = set(RULE.findall(text))
    names = [r[0] for r in known]
    for name, _, followed, reason in known:
        if names.count(name) > 1:
            yield f"{ROWS}: {name} is there twice"
        if name not in found and reason == "-":
            yield f"{ROWS}: {name} has neither a test nor a reason"
        for rule in followed.split(", "):
            if rule not in rules:
                yield f"{ROWS}: {name} follows {rule}, which {DOCUMENT} does not have"
    for name, where in found.items():
        if name not in names:
            yield f"{', '.join(where)}: there is no row {name} in {ROWS}"
    if text != should:
        yield f"{DOCUMENT}: is not what {ROWS} and the marks of the tests say; `make docs` writes it"


if __name__ == "__main__":
    if "--write" in sys.argv:
        sys.argv.remove("--write")
        top = pathlib.Path(sys.argv[-1]).resolve()
        (top / DOCUMENT).write_text(document(top)[1])
    tree.main(complaints)
