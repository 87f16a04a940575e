# SPDX-License-Identifier: Apache-2.0
"""Every property of runtime-spec's JSON schema has a row in libocispec, and every row is a property: same kind, same width, same
words, required where the schema says so.  The schema is Debian's golang-github-opencontainers-specs-dev, which is older than
1.3; tests/data/schema/supplement-1.3.json tells what is newer.  Whatever differs is listed here with its reason."""
import json
import os
import pathlib
import re

import pytest

import ocispec_tool

SCHEMA = pathlib.Path(os.environ.get("OCI_SCHEMA", "/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema"))
DATA = ocispec_tool.SOURCE / "tests/data/schema"
ROOTS = {"config": "config-schema.json", "state": "state-schema.json"}

# Known and skipped: no C member.
SKIPPED = {
    "windows": "another platform",
    "solaris": "another platform",
    "freebsd": "another platform",
    "zos": "another platform",
    "vm": "for runtimes of virtual machines",
    "process.commandLine": "of Windows",
    "process.user.username": "of Windows",
}

# Rows that no schema has.
EXTRA = {
    "state": {
        "rootfs": "engines read it",
        "created": "engines read it",
        "owner": "engines read it",
    },
    "process-state": {
        "state.rootfs": "as in state",
        "state.created": "as in state",
        "state.owner": "as in state",
    },
}

# Required here (True) or not (False), against the schema.
REQUIRED = {
    "process.user.uid": (True, "config.md: REQUIRED"),
    "process.user.gid": (True, "config.md: REQUIRED"),
    "linux.personality.domain": (True, "config-linux.md: REQUIRED"),
    "linux.resources.pids.limit": (False, "the Go bindings write {} for a limit that is not set"),
    **{f"linux.resources.blockIO.throttle{kind}Device[].rate": (True, "config-linux.md: REQUIRED")
       for kind in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS")},
}

# Kinds against the schema.
KINDS = {
    "linux.devices[].fileMode": ("uint32", "config-linux.md: uint32; the schema's 0 to 512 would forbid 0666"),
    "process.oomScoreAdj": ("int32", "no range in the schema; the kernel takes -1000 to 1000"),
}

# Words beyond the schema's.
WORDS = {
    "linux.rootfsPropagation": ({"rprivate", "rshared", "rslave", "runbindable"}, "engines write them"),
}

# Words where the schema has none, or only a pattern.
CLOSED = {
    "process.rlimits[].type": "config.md: unknown types are errors; all that getrlimit(2) knows",
    "linux.devices[].type": "the pattern [cbup]",
    "linux.resources.devices[].type": "config-linux.md: a, c or b",
}

# Words that the schema lists and the row does not check.
OPEN = {
    "status": "runtime.md: a runtime may have states of its own",
}

INTEGERS = {(True, 8): "int8", (True, 16): "int16", (True, 32): "int32", (True, 64): "int64",
            (False, 8): "uint8", (False, 16): "uint16", (False, 32): "uint32", (False, 64): "uint64"}
RANGES = {(-2 ** (bits - 1) if signed else 0, 2 ** (bits - signed) - 1): name for (signed, bits), name in INTEGERS.items()}


class Schema:
    """Walks the schema files from one document and collects its properties."""

    def __init__(self):
        self.files = {}
        self.properties = {}

    def load(self, name):
        if name not in self.files:
            self.files[name] = json.loads((SCHEMA / name).read_text())
        return self.files[name]

    def resolve(self, node, name):
        """Follows $ref and merges allOf; returns the node and the file it is in."""
        while "$ref" in node:
            target, _, pointer = node["$ref"].partition("#")
            name = target or name
            node = self.load(name)
            for word in pointer.strip("/").split("/"):
                node = node[word]
        if "anyOf" in node:
            assert len(node["anyOf"]) == 1
            return self.resolve(node["anyOf"][0], name)
        if "allOf" in node:
            merged = {"type": "object", "properties": {}, "required": []}
            for part in node["allOf"]:
                part, _ = self.resolve(part, name)
                merged["properties"].update(part.get("properties", {}))
                merged["required"] += part.get("required", [])
            return merged, name
        return node, name

    @staticmethod
    def integer(node):
        return RANGES.get((node.get("minimum"), node.get("maximum")), "integer")

    def add(self, path, node, name, required):
        node, name = self.resolve(node, name)
        kind = node["type"]
        free = node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), None)
        if kind == "object" and isinstance(free, dict):
            self.properties[path] = ("map", required, set(), None)
            self.add(f"{path}.*", free, name, False)
            return
        if kind == "integer":
            kind = self.integer(node)
        self.properties[path] = (kind, required, set(node.get("enum", [])), node.get("pattern"))
        if kind == "array":
            self.add(f"{path}[]", node["items"], name, False)
        if kind == "object" and path not in SKIPPED:
            self.walk(path, node, name)

    def walk(self, path, node, name):
        for key, value in node.get("properties", {}).items():
            self.add(f"{path}.{key}" if path else key, value, name, key in node.get("required", []))


def supplement():
    text = json.loads((DATA / "supplement-1.3.json").read_text())
    return {document: {path: (entry[0], entry[1] == "required", set(entry[2].split()) if len(entry) > 2 else set(), None)
                       for path, entry in paths.items()}
            for document, paths in text.items() if document != "comment"}


def spread(properties, path):
    """An object of the schema whose members are alike may be a map here: its members are then what the map's items are."""
    words = properties[f"{path}.*"][2]
    for member in [p for p in properties if p.startswith(f"{path}.") and p.split(".")[path.count(".") + 1] in words]:
        word = member[len(path) + 1:].partition(".")[0]
        found, item = properties.pop(member), properties[f"{path}.*{member[len(path) + 1 + len(word):]}"]
        assert found[0] == item[0] and not found[2] - item[2], f"{member} is not what {path}.* is"


@pytest.fixture(name="rows", scope="module")
def fixture_rows():
    tool = ocispec_tool.find()
    if tool is None:
        pytest.skip(ocispec_tool.MISSING)
    return ocispec_tool.rows(tool)


@pytest.fixture(name="spec", scope="module")
def fixture_spec():
    """What runtime-spec 1.3 has: {document: {path: (kind, required, words, pattern)}}."""
    if not (SCHEMA / "config-schema.json").exists():
        pytest.skip(f"no runtime-spec schema in {SCHEMA}: install golang-github-opencontainers-specs-dev")
    spec = {}
    for document, file in ROOTS.items():
        schema = Schema()
        schema.walk("", schema.load(file), file)
        spec[document] = schema.properties
    for document, paths in supplement().items():
        spec.setdefault(document, {}).update(paths)
        for path in [p for p, entry in paths.items() if entry[0] == "map"]:
            spread(spec[document], path)
    return spec


DOCUMENTS = ["config", "state", "process-state", "features"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_property_has_a_row(rows, spec, document):
    missing = sorted(set(spec[document]) - set(rows[document]))
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_row_is_a_property(rows, spec, document):
    assert sorted(set(rows[document]) - set(spec[document])) == sorted(EXTRA.get(document, {}))


def test_skipped_rows_are_those_listed(rows):
    assert {path for path, row in rows["config"].items() if row[0] == "skip"} == set(SKIPPED)
    assert not [path for document in DOCUMENTS[1:] for path, row in rows[document].items() if row[0] == "skip"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_kinds(rows, spec, document):
    wrong = []
    for path, (kind, _, _, _) in spec[document].items():
        row = rows[document][path][0]
        if document == "config" and path in KINDS:
            good = row == KINDS[path][0]
        elif kind == "integer":
            good = row in ("int32", "int64")
        else:
            good = row == kind or row == "skip"
        if not good:
            wrong.append((path, kind, row))
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_required(rows, spec, document):
    wrong = []
    for path, (_, required, _, _) in spec[document].items():
        if document == "config" and path in REQUIRED:
            assert REQUIRED[path][0] != required, f"{path}: the exception is needless"
            required = REQUIRED[path][0]
        if rows[document][path][1] != required:
            wrong.append((path, required))
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_words(rows, spec, document):
    wrong = []
    for path, (_, _, words, pattern) in spec[document].items():
        row = rows[document][path][2]
        if path in OPEN and document == "state":
            want = set()
        elif document == "config" and path in CLOSED:
            want = row if row and all(re.search(pattern or "", word) for word in row) else {"?"}
        elif document == "config" and path in WORDS:
            want = words | WORDS[path][0]
        else:
            want = words
        if row != want:
            wrong.append((path, row ^ want))
    assert wrong == []


def test_parts_are_those_of_config(rows):
    """`exec --process` and `update --resources` read what config.json has."""
    for document, prefix in (("process", "process."), ("resources", "linux.resources.")):
        part = {path[len(prefix):]: row for path, row in rows["config"].items() if path.startswith(prefix)}
        assert rows[document] == part


def test_types_have_at_most_64_rows(rows):
    for document, paths in rows.items():
        siblings = {}
        for path in paths:
            if not path.endswith(("[]", ".*")):
                parent = path.rpartition(".")[0]
                siblings[parent] = siblings.get(parent, 0) + 1
        assert max(siblings.values()) <= 64, document
