#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""paths.py ROOT: no file names a place of the machine that it was written on."""
import re

import tree

# spelled in pieces, or this file would find itself
PLACES = re.compile(rb"(?<![\w.-])(?:/wor" rb"k/|/tmp/orlo" rb"p/|/tmp/hous" rb"e/)")


def complaints(root):
    for path in tree.tracked(root):
        for number, line in enumerate((root / path).read_bytes().splitlines(), 1):
            found = PLACES.search(line)
            if found:
                yield f"{path}:{number}: names {found.group(0).decode()}"


if __name__ == "__main__":
    tree.main(complaints)
