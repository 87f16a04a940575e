# SPDX-License-Identifier: Apache-2.0
"""Runs ocispec-tool (ocispec_tool.c): the one that the build made, named by OCISPEC_TOOL, or one compiled here."""
import os
import pathlib
import shutil
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[3]
_built = None


def _build(directory):
    compiler = os.environ.get("CC", "cc").split()
    if shutil.which(compiler[0]) is None:
        return None
    tool = pathlib.Path(directory) / "ocispec-tool"
    sources = [SOURCE / "tests/unit/ocispec/ocispec_tool.c", *sorted((SOURCE / "libocispec/ocispec").glob("*.c"))]
    subprocess.run([*compiler, "-std=gnu11", "-D_GNU_SOURCE", f"-I{SOURCE / 'libocispec'}", *map(str, sources),
                    "-lyajl", "-o", str(tool)], check=True)
    return tool


def find(tmp_path_factory):
    """Returns the path of the tool, or None when there is neither a build nor a compiler."""
    global _built
    if _built is None:
        named = os.environ.get("OCISPEC_TOOL")
        _built = pathlib.Path(named) if named else _build(tmp_path_factory.mktemp("tool"))
    return _built


def run(tool, *args):
    """Runs the tool and returns the finished process with its text."""
    return subprocess.run([str(tool), *map(str, args)], capture_output=True, text=True, check=False)


def rows(tool):
    """Returns {document: {path: (kind, required, set of words)}} of all rows."""
    result = {}
    for line in run(tool, "rows").stdout.splitlines():
        document, path, kind, required, words = line.split("\t")
        result.setdefault(document, {})[path] = (kind, required == "required", set() if words == "-" else set(words.split()))
    return result
