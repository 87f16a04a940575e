#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sizes.py ROOT: rooms stay small.  A function has at most 60 lines, 95 of 100 have at most 50; a file has at most 700 lines.

Functions are counted from their name to the closing brace, by universal-ctags.  Tables are no functions."""
import subprocess

import tree

FUNCTION_MAX = 60
FUNCTION_P95 = 50
FILE_MAX = 700


def functions(root, files):
    """(lines, name, file, line) of each function."""
    if not files:
        return []
    done = subprocess.run(["ctags", "-L", "-", "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "-x",
                           "--_xformat=%n %{end} %N %F"], input="\n".join(map(str, files)), text=True, cwd=root,
                          capture_output=True, check=True)
    found = []
    for line in done.stdout.splitlines():
        first, last, name, path = line.split(" ", 3)
        found.append((int(last) - int(first) + 1, name, path, int(first)))
    return found


def complaints(root):
    files = tree.sources(root, "src", "libocispec", "tests", "docs", suffixes=(".c", ".h"))
    for path in files + tree.sources(root, "tests", suffixes=(".py", ".sh")):
        n = len((root / path).read_text().splitlines())
        if n > FILE_MAX:
            yield f"{path}: {n} lines, {FILE_MAX} is the limit"
    sized = sorted(functions(root, files))
    for n, name, path, line in sized:
        if n > FUNCTION_MAX:
            yield f"{path}:{line}: {name} has {n} lines, {FUNCTION_MAX} is the limit"
    product = [n for n, _, path, _ in sized if not path.startswith("tests/")]
    p95 = product[len(product) * 95 // 100] if product else 0
    if p95 > FUNCTION_P95:
        yield f"the 95th percentile of functions is {p95} lines, {FUNCTION_P95} is the limit"


if __name__ == "__main__":
    tree.main(complaints)
