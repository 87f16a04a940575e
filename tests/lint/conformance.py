#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""conformance.py [--update] ROOT: every rule of the specification has a test or a reason why not, and docs/conformance.md says which.

The rules are those of tests/spec/rules.tsv.  A test names the ones it shows: in Python by @pytest.mark.spec(99, 100), on a function, a
class, a parameter or as pytestmark; in C by the comment /* spec: 99, 100 */ on the line above the function.  tests/spec/reasons.tsv
says of a rule why it is `waived` (and then has no test) or what to `note` beside its tests.  --update writes the document."""
import ast
import pathlib
import re
import sys

import tree

DOCUMENT = "docs/conformance.md"
RULES, REASONS, EXCUSES = "tests/spec/rules.tsv", "tests/spec/reasons.tsv", "tests/spec/validation.tsv"
C_MARK = re.compile(r"^/\* spec: ([\d, ]+) \*/\n[^{;]*?(\w+) \(", re.M)
INTRODUCTION = """# Conformance

Made by `make conformance` from the tests' marks. The rules are those of runtime-spec 1.3 that bind a runtime on Linux, in our own words
and with numbers of our own (tests/spec/rules.tsv). The tests are those that name the rule by a mark.

`make check-conformance` runs those of tests/spec with orlop, runc and crun and prints one table. It fails if orlop fails one.

`make check-conformance RUNTIME_TOOLS=DIRECTORY` builds the validation programs of runtime-tools, too, from a source tree of that project
(github.com/opencontainers/runtime-tools, with its dependencies in vendor or /usr/share/gocode; needs go and cgroup v1), runs each with the three runtimes and prints a second
table. It fails if orlop fails a program that a peer passes, unless the end of this page says whose fault that is. Without RUNTIME_TOOLS it looks
where Debian's golang-github-opencontainers-runtime-tools-dev has its files; release 0.9 of that package has the libraries of the project
and not its programs, so that this is one skip, with the reason.

"""
HEADING = "| rule | level | section | in our words | status | tests, remarks |\n|---|---|---|---|---|---|\n"


EXCUSED = """
## Validation programs that orlop may fail

Here a peer can pass what orlop fails, by the fault of the program or of a machine that lacks something.

| program | fault of the | why |
|---|---|---|
"""


def table(root, name):
    """The rows of a table of tabs, without its heading."""
    path = root / name
    return [line.split("\t") for line in path.read_text().splitlines() if line and line[0] != "#"] if path.exists() else []


def numbers(nodes):
    """Arguments of every spec mark among the decorators, and below them."""
    for node in (n for top in nodes for n in ast.walk(top)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "spec":
            yield from (str(a.value) for a in node.args if isinstance(a, ast.Constant))


def python_marks(text):
    """(rule, name of a test) of Python text."""
    module = ast.parse(text)
    lists = {n.targets[0].id: n.value for n in module.body if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)}

    def parameters(f):
        """What its decorators name: lists of parameters with marks of their own."""
        return [lists[n.id] for d in f.decorator_list for n in ast.walk(d) if isinstance(n, ast.Name) and n.id in lists]

    whole = [list(numbers([n.value])) for n in module.body
             if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "pytestmark"]
    for node in module.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        above = list(numbers(node.decorator_list)) if isinstance(node, ast.ClassDef) else []
        for f in inner:
            if isinstance(f, ast.FunctionDef) and f.name.startswith("test_"):
                yield from ((n, f.name) for n in [*sum(whole, []), *above, *numbers([*f.decorator_list, *parameters(f)])])


def c_marks(text):
    for found in C_MARK.finditer(text):
        yield from ((n, found.group(2)) for n in re.findall(r"\d+", found.group(1)))


def marks(root):
    """Rule -> file of tests -> names of tests, in order."""
    found = {}
    for path in tree.sources(root, "tests", suffixes=(".c", ".py")):
        if path.stem.startswith("test_"):
            text = (root / path).read_text()
            for rule, name in (c_marks if path.suffix == ".c" else python_marks)(text):
                names = found.setdefault(rule, {}).setdefault(str(path), [])
                if name not in names:
                    names.append(name)
    return found


def document(root):
    text, found = INTRODUCTION + HEADING, marks(root)
    reasons = {r[0]: r[2] for r in table(root, REASONS)}
    for number, level, section, words in table(root, RULES):
        shown = [f"{path}: {', '.join(names)}" for path, names in sorted(found.get(number, {}).items())]
        status = "tested" if shown else "waived"
        remarks = ". ".join([*([reasons[number]] if number in reasons else []), *(["; ".join(shown)] if shown else [])])
        text += f"| {number} | {level} | {section} | {words} | {status} | {remarks} |\n"
    excused = "".join(f"| {program} | {fault} | {why} |\n" for program, fault, _, why in table(root, EXCUSES))
    return text + (EXCUSED + excused if excused else "")


def complaints(root):
    rules, reasons, found = table(root, RULES), table(root, REASONS), marks(root)
    known = {r[0] for r in rules}
    if not rules:
        yield f"{RULES}: no rules"
    for rule, where in found.items():
        if rule not in known:
            yield f"{', '.join(where)}: there is no rule {rule}"
    waived = {r[0] for r in reasons if r[1] == "waived"}
    for rule in known:
        if rule in waived and rule in found:
            yield f"{REASONS}: rule {rule} is waived, but tested by {', '.join(found[rule])}: take the row out"
        elif rule not in waived and rule not in found:
            yield f"rule {rule} has neither a test nor a row in {REASONS}"
    for row in reasons:
        if row[0] not in known or row[1] not in ("waived", "note") or not row[2]:
            yield f"{REASONS}: {' '.join(row)} is no rule with waived or note, and a reason"
    path = root / DOCUMENT
    if not path.exists() or path.read_text() != document(root):
        yield f"{DOCUMENT}: is not what the marks of the tests say; `make conformance` writes it"


if __name__ == "__main__":
    if "--update" in sys.argv:
        sys.argv.remove("--update")
        top = pathlib.Path(sys.argv[-1]).resolve()
        (top / DOCUMENT).write_text(document(top))
    tree.main(complaints)
