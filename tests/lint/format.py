#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""format.py [--write] ROOT: the layout is clang-format's.

Tables (initialisers of more than one line, or too long for one), macros and cases of one line are laid out by hand, in
columns, which clang-format cannot: they are hidden from it.  With --write the files are changed.  Releases of clang-format differ in
details; the one that counts is 14."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

import tree

STYLE = pathlib.Path(__file__).resolve().parents[2] / ".clang-format"
OFF, ON = "// clang-format off\n", "// clang-format on\n"
TABLE = re.compile(r"= \{|\)\{|^(?:static )?OCI_TYPE \(")
CPLUSPLUS = re.compile(r"^(#ifdef __cplusplus\n)(?=.*\n#endif)", re.M)
CASE = re.compile(r"\s*(?:case [^;]*|default): [^;]*; *$")
OPEN, CLOSE = re.compile(r"[({]"), re.compile(r"[)}]")


def program():
    """clang-format 14, or None."""
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name) and " 14." in subprocess.run([name, "--version"], capture_output=True, text=True,
                                                           check=False).stdout:
            return name
    return None


def hide(text):
    """TEXT with tables and macros between marks."""
    out, depth, macro = [], 0, False
    text = CPLUSPLUS.sub(r"\1// ", text)
    for line, plain in zip(text.splitlines(True), tree.without_comments(text).splitlines(True)):
        if not depth and not macro:
            macro = plain.startswith("#define")
            table = TABLE.search(plain)
            depth = 0 if macro or not table else len(OPEN.findall(plain)) - len(CLOSE.findall(plain))
            if macro or depth > 0 or table and len(line) > 121 or CASE.match(plain):
                out += [OFF, line]
                if not depth and not (macro and line.endswith("\\\n")):
                    out.append(ON)
                    macro = False
            else:
                depth = 0
                out.append(line)
            continue
        out.append(line)
        if macro:
            macro = line.endswith("\\\n")
        else:
            depth += len(OPEN.findall(plain)) - len(CLOSE.findall(plain))
        if not macro and depth <= 0:
            depth = 0
            out.append(ON)
    return "".join(out)


def show(text):
    text = text.replace("#ifdef __cplusplus\n// ", "#ifdef __cplusplus\n")
    return re.sub(r"^[ \t]*// clang-format (?:off|on)\n", "", text, flags=re.M)


def formatted(root, path):
    text = (root / path).read_text()
    done = subprocess.run([program(), f"--style=file:{STYLE}", f"--assume-filename={root / path}"], input=hide(text), cwd=root, text=True,
                          capture_output=True, check=True)
    return path, text, show(done.stdout)


def complaints(root, write=False):
    files = tree.sources(root, "src", "libocispec", "tests", "docs")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, old, new in pool.map(lambda p: formatted(root, p), files):
            if old != new and write:
                (root / path).write_text(new)
            elif old != new:
                pairs = enumerate(zip(old.splitlines() + [""], new.splitlines() + [""]), 1)
                yield f"{path}:{next((n for n, (a, b) in pairs if a != b), 0)}: clang-format would lay it out otherwise"


if __name__ == "__main__":
    write_files = "--write" in sys.argv
    sys.argv = [a for a in sys.argv if a != "--write"]
    tree.main(lambda root: complaints(root, write_files))
