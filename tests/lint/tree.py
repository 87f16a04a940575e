# SPDX-License-Identifier: Apache-2.0
"""What the checks share: which files belong to a tree, and how a check ends."""
import os
import pathlib
import re
import subprocess
import sys

NOT_OURS = {".git", "autom4te.cache", "build-aux", "m4", "__pycache__", ".deps", ".libs"}
MADE = {"configure", "configure~", "aclocal.m4", "Makefile.in"}  # by autotools; a tarball has them


def walk(root):
    """Files below ROOT that are not made by a build."""
    for where, dirs, names in os.walk(root):
        dirs[:] = sorted(d for d in dirs
                         if d not in NOT_OURS and not os.path.exists(os.path.join(where, d, "config.status")))
        for name in sorted(set(names) - MADE):
            yield (pathlib.Path(where) / name).relative_to(root)


def tracked(root):
    """What git tracks below ROOT, or every file if ROOT is no clone (a tarball, a test's tree)."""
    if (root / ".git").exists():
        done = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z"], capture_output=True,
                              text=True, check=False)
        if done.returncode == 0:
            return [pathlib.Path(p) for p in done.stdout.split("\0") if p and (root / p).is_file()]
    return list(walk(root))


def sources(root, *tops, suffixes=(".c", ".h")):
    """Source files below the directories TOPS of ROOT, relative to it."""
    return [p for p in walk(root) if p.parts[0] in tops and p.suffix in suffixes]


def without_comments(text):
    """C text with comments and strings emptied, line feeds kept."""
    def blank(found):
        kept = "\n" * found.group(0).count("\n")
        return kept if found.group(0)[0] == "/" else '""' if found.group(0)[0] == '"' else "' '"
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def main(check):
    """Runs CHECK (root) -> complaints as a program: prints them, exits with 1 if there are any."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} ROOT")
    bad = list(check(pathlib.Path(sys.argv[1]).resolve()))
    for line in bad:
        print(line)
    sys.exit(1 if bad else 0)
