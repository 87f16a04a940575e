#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs.py ROOT: what is offered is documented.

- each source begins with its licence and a comment that says what the file is for;
- each function in a header has a comment directly above; functions of one signature, rows of one table, may share it;
- each orlop_* function that the library defines is in orlop.h;
- each option of each command is in the command's manual page;
- each file that a document names is there."""
import re

import tree

LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */"
PROTOTYPE = re.compile(r"^(?!static|typedef|struct \w+ *$|#|\s|\}|extern \")[\w][\w *]*?\b(\w+) \(([^;{]*?)\)[^;{()]*"
                       r"(?:\(\((?:[^()]|\([^()]*\))*\)\))?[^;{()]*;", re.M)
INLINE = re.compile(r"^static inline [^;{(]*?\b(\w+) \(([^;{]*?)\)\s*\{", re.M)
COMMAND = re.compile(r"const struct cmd cmd_\w+ = \{[^}]*?\.name = \"([\w-]+)\"[^}]*?\.options = (\w+)", re.S)


def opening(root, path):
    lines = (root / path).read_text().splitlines() + ["", ""]
    if lines[0] != LICENCE:
        yield f"{path}:1: the first line is not {LICENCE}"
    elif not lines[1].startswith("/*"):
        yield f"{path}:2: no comment that says what this file is for"


def functions(text):
    """(offset, name, arguments) of each prototype and inline function, in order."""
    plain = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)
    found = [(m.start(), m.end(), m.group(1), " ".join(m.group(2).split())) for p in (PROTOTYPE, INLINE)
             for m in p.finditer(plain)]
    return sorted(found)


def header(root, path):
    text = (root / path).read_text()
    before = None  # end, arguments of the documented function above
    for start, end, name, arguments in functions(text):
        above = text[:start].rstrip(" \n")
        touching = above.endswith("*/") and text[len(above):start].count("\n") == 1 and above.rfind("/*") > len(LICENCE) + 1
        shares = before and not text[before[0]:start].strip() and text[before[0]:start].count("\n") == 1 \
            and before[1] == arguments
        if not touching and not shares:
            yield f"{path}:{text.count(chr(10), 0, start) + 1}: {name} has no comment directly above"
            before = None
        else:
            before = (end, arguments)


def exported(root):
    """Functions that the version script lets out must be in orlop.h."""
    public = root / "src/orlop.h"
    declared = {name for _, _, name, _ in functions(public.read_text())} if public.exists() else set()
    for path in tree.sources(root, "src", suffixes=(".c",)):
        for found in re.finditer(r"^(orlop_\w+) \(", (root / path).read_text(), re.M):
            if found.group(1) not in declared:
                yield f"{path}: {found.group(1)} is not in orlop.h"


def macros(text):
    """Option groups that are written as macros: name -> text."""
    return dict(re.findall(r"^#define (\w+)[ \\\n]+((?:.*\\\n)*.*)$", text, re.M))


def options(text, table):
    """Names in an option table, with those of the macros it uses."""
    found = re.search(rf"struct opt {table}\[\] =?\s*\{{(.*?)\n?\}};", text, re.S)
    body = found.group(1) if found else ""
    for name, group in macros(text).items():
        if re.search(rf"\b{name}\b", body):
            body += group
    # rows without help are kept for compatibility and shown nowhere
    return [n for n, rest in re.findall(r'\{ "([\w-]+)",([^}]*)\}', body) if not rest.rstrip().endswith("NULL")]


def manuals(root):
    pages = root / "docs/man"
    if not pages.is_dir() or not list(pages.glob("*.1")):
        return
    for path in tree.sources(root, "src", suffixes=(".c",)):
        text = (root / path).read_text()
        for command, table in COMMAND.findall(text):
            page = pages / f"orlop-{command}.1"
            if not page.exists():
                page = pages / "orlop.1"
            manual = page.read_text().replace("\\-", "-") if page.exists() else ""
            for option in options(text, table):
                if not re.search(rf"--{re.escape(option)}(?![\w-])", manual):
                    yield f"{path}: --{option} of {command} is not in docs/man/{page.name}"


def references(root):
    """Files that documents name, in a link or by their path; a word in capitals stands for any name."""
    for path in tree.tracked(root):
        if path.suffix != ".md" and path.name != "NEWS":
            continue
        text = (root / path).read_text()
        named = [(path.parent, m) for m in re.finditer(r"\]\(([^):#]+)\)", text)]
        named += [(".", m) for m in re.finditer(r"(?<![\w/.(-])((?:src|docs|tests|libocispec|packaging)/[\w./*-]*[\w*/])", text)]
        for base, found in named:
            name = re.sub(r"\b[A-Z]+\b", "*", found.group(1))
            if not list((root / base).glob(name.rstrip("/"))):
                yield f"{path}:{text.count(chr(10), 0, found.start()) + 1}: names {found.group(1)}, which does not exist"


def complaints(root):
    for path in tree.sources(root, "src", "libocispec"):
        yield from opening(root, path)
        if path.suffix == ".h":
            yield from header(root, path)
    yield from exported(root)
    yield from manuals(root)
    yield from references(root)


if __name__ == "__main__":
    tree.main(complaints)
