# SPDX-License-Identifier: Apache-2.0
"""Runs ocispec-tool (ocispec_tool.c): the one that the build made, or one compiled here."""
import os
import pathlib
import shutil
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[3]
MISSING = "ocispec-tool is missing: `make check-programs` in the directory of the build (ORLOP_BUILD) makes it, or a C compiler, here"
_found = _directory = None


def _compile():
    global _directory
    compiler = os.environ.get("CC", "cc").split()
    if shutil.which(compiler[0]) is None:
        return None
    _directory = tempfile.TemporaryDirectory()  # removed at the end
    tool = pathlib.Path(_directory.name) / "ocispec-tool"
    sources = [SOURCE / "tests/unit/ocispec/ocispec_tool.c", *sorted((SOURCE / "libocispec/ocispec").glob("*.c"))]
    subprocess.run([*compiler, "-std=gnu11", "-D_GNU_SOURCE", f"-I{SOURCE / 'libocispec'}", *map(str, sources),
                    "-lyajl", "-o", str(tool)], check=True)
    return tool


def find():
    """Returns the path of the tool, or None when there is neither a build nor a compiler."""
    global _found
    if _found is None:
        built = pathlib.Path(os.environ.get("ORLOP_BUILD", SOURCE / "build")) / "tests/unit/ocispec/ocispec_tool"
        _found = built if os.access(built, os.X_OK) else _compile()
    return _found


def run(tool, *args):
    """Runs the tool and returns the finished process with its text."""
    return subprocess.run([str(tool), *map(str, args)], capture_output=True, text=True, check=False)


def rows(tool):
    """Returns {document: {path: (kind, required, set of words)}} of all rows."""
    result, done = {}, run(tool, "rows")
    done.check_returncode()
    for line in done.stdout.splitlines():
        document, path, kind, required, words = line.split("\t")
        result.setdefault(document, {})[path] = (kind, required == "required", set() if words == "-" else set(words.split()))
    return result
