# SPDX-License-Identifier: Apache-2.0
"""What libocispec reads is what Python's JSON parser reads, and what it writes is the same document again."""
import json
import os
import re
import shutil
import subprocess

import pytest

import ocispec_tool

CONFIGS = sorted((ocispec_tool.SOURCE / "tests/data/configs").glob("*.json"))
COMPLETE = sorted((ocispec_tool.SOURCE / "tests/data/schema").glob("complete-*.json"))


@pytest.fixture(name="tool", scope="module")
def fixture_tool():
    tool = ocispec_tool.find()
    if tool is None:
        pytest.skip(ocispec_tool.MISSING)
    return tool


def row_name(rows, path, key):
    """The path of the row of property KEY of the object at PATH."""
    return f"{path}.*" if rows.get(path, ("",))[0] == "map" else f"{path}.{key}" if path else key


def normal(value, rows, path=""):
    """VALUE without what has no C form: properties that are skipped or null, and bools that are held by value and false."""
    if isinstance(value, list):
        return [normal(item, rows, f"{path}[]") for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        name = row_name(rows, path, key)
        if item is None or rows[name][0] == "skip":
            continue
        result[key] = normal(item, rows, name)
    return result


def without_false(value):
    """VALUE without false: whether that is absent depends on the row."""
    if isinstance(value, list):
        return [without_false(item) for item in value]
    if isinstance(value, dict):
        return {key: without_false(item) for key, item in value.items() if item is not False}
    return value


def rows_met(value, rows, path=""):
    """The paths of the rows that occur in VALUE."""
    yield path
    if path in rows and rows[path][0] == "skip":
        return
    if isinstance(value, list):
        for item in value:
            yield from rows_met(item, rows, f"{path}[]")
    if isinstance(value, dict):
        for key, item in value.items():
            yield from rows_met(item, rows, row_name(rows, path, key))


def check(tool, document, path, tmp_path):
    rows = ocispec_tool.rows(tool)[document]
    first = ocispec_tool.run(tool, "encode", document, path)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    want = without_false(normal(json.loads(path.read_text()), rows))
    assert without_false(json.loads(first.stdout)) == want
    again = tmp_path / "again.json"
    again.write_text(first.stdout)
    assert ocispec_tool.run(tool, "encode", document, again).stdout == first.stdout


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_captured_configs(tool, path, tmp_path):
    check(tool, "config", path, tmp_path)


@pytest.mark.parametrize("path", COMPLETE, ids=lambda path: path.stem)
def test_complete_documents(tool, path, tmp_path):
    check(tool, path.stem.removeprefix("complete-"), path, tmp_path)


@pytest.mark.parametrize("path", COMPLETE, ids=lambda path: path.stem)
def test_complete_documents_are_complete(tool, path):
    rows = ocispec_tool.rows(tool)[path.stem.removeprefix("complete-")]
    met = set(rows_met(json.loads(path.read_text()), rows))
    empty = {"linux.readonlyPaths[]", "linux.personality.flags[]", "linux.capabilities[]", "linux.seccomp.supportedFlags[]"}
    assert set(rows) - met <= empty


def test_captured_configs_name_no_test_directory():
    for path in CONFIGS:
        assert not re.search(r'"/(work|root|home)/', path.read_text()), path


ROW = """
#include "ocispec/table.h"
struct t { const char *s; int32_t i; long double d; const char **l; int n_l; bool b; struct oci_pair *m; size_t n_m; struct u *o; };
struct u { int32_t x; const char *key; };
static const struct oci_type u_type = { .name = "u" };
OCI_TYPE (t, %s);
const struct oci_type *use (void); const struct oci_type *use (void) { return &u_type; }
"""

MISMATCHES = {
    "number for a string": 'OCI_NUM (t, s, "s", 0)',
    "string for a number": 'OCI_STR (t, i, "i", 0)',
    "number for a float": 'OCI_NUM (t, d, "d", 0)',
    "number for a bool": 'OCI_NUM (t, b, "b", 0)',
    "optional number by value": 'OCI_OPTNUM (t, i, "i")',
    "bool for a number": 'OCI_BOOL (t, i, "i", 0)',
    "count that is no size_t": 'OCI_STRS (t, l, "l", 0)',
    "list without count": 'OCI_STRS (t, s, "s", 0)',
    "object of another type": 'OCI_OBJ (t, m, "m", 0, u)',
    "map of objects without key first": 'OCI_OBJMAP (t, o, "o", 0, u, key, NULL)',
    "no such member": 'OCI_STR (t, q, "q", 0)',
}


@pytest.mark.parametrize("row", MISMATCHES.values(), ids=MISMATCHES.keys())
def test_row_that_does_not_fit_does_not_compile(row):
    compiler = os.environ.get("CC", "cc").split()
    if shutil.which(compiler[0]) is None:
        pytest.skip("no C compiler")
    command = [*compiler, "-std=gnu11", "-fsyntax-only", "-x", "c", f"-I{ocispec_tool.SOURCE / 'libocispec'}", "-"]
    fits = subprocess.run(command, input=ROW % 'OCI_STR (t, s, "s", 0), OCI_STRMAP (t, m, "m", 0)', text=True, capture_output=True, check=False)
    assert fits.returncode == 0, fits.stderr
    assert subprocess.run(command, input=ROW % row, text=True, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("path,want", [("mounts[0].options[2]", '"idmap"'),
                                       ("linux.seccomp.syscalls[0].args[0].op", '"SCMP_CMP_MASKED_EQ"'),
                                       ('annotations["org.example.key"]', '"value"')])
def test_locate(tool, path, want):
    complete = ocispec_tool.SOURCE / "tests/data/schema/complete-config.json"
    line, column = map(int, ocispec_tool.run(tool, "locate", path, complete).stdout.split(":"))
    assert complete.read_text().splitlines()[line - 1][column - 1:].startswith(want)
