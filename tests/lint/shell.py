#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""shell.py ROOT: shellcheck has nothing to say about any shell script."""
import re
import subprocess

import tree


def is_script(path):
    with open(path, "rb") as f:
        return re.match(rb"#!\s*/(?:usr/)?bin/(?:env )?(?:ba|da)?sh\b", f.readline(80)) is not None


def complaints(root):
    scripts = [str(p) for p in tree.tracked(root) if p.suffix == ".bash" or is_script(root / p)]
    if scripts:
        done = subprocess.run(["shellcheck", "--format=gcc", "--", *scripts], cwd=root, capture_output=True, text=True,
                              check=False)
        yield from (done.stdout + done.stderr).splitlines()


if __name__ == "__main__":
    tree.main(complaints)
