# SPDX-License-Identifier: Apache-2.0
"""Each closed list of words, each width of numbers and each required member of the specification, by a config.json with one fault.  The
lists are those of libocispec's tables, which tests/unit/ocispec/test_schema.py compares with the specification's schema."""
import copy
import json
import pathlib
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/unit/ocispec"))
import ocispec_tool  # noqa: E402

TOOL = ocispec_tool.find()
ROWS = ocispec_tool.rows(TOOL)["config"] if TOOL else {}
COMPLETE = json.loads((TOP / "tests/data/schema/complete-config.json").read_text())
COMPLETE["linux"]["readonlyPaths"].append("/proc/sys")
COMPLETE["linux"]["personality"]["flags"].append("NONE_IS_KNOWN")
LIMITS = {f"{sign}int{bits}": (-2 ** (bits - 1) if not sign else 0, 2 ** (bits - (not sign)) - 1) for sign in ("", "u") for bits in (8, 16, 32, 64)}
OTHERS = {"string": 7, "boolean": "true", "array": {}, "object": [], "map": [], **{kind: "7" for kind in LIMITS}}


def needs_rows():
    if not ROWS:
        pytest.skip(ocispec_tool.MISSING)


def places(value, steps, seen=()):
    """Every place in VALUE that the steps of a path lead to, as the keys there; absent maps and lists get an entry."""
    if not steps:
        yield seen
        return
    step, rest = steps[0], steps[1:]
    if step in ("[]", "*"):
        for key in (range(len(value)) if step == "[]" else list(value)):
            yield from places(value[key], rest, (*seen, key))
    elif step in value:
        yield from places(value[step], rest, (*seen, step))


def steps_of(path):
    return [s for part in path.split(".") for s in ([part] if not part.endswith("[]") else [part[:-2], "[]"])]


def at(value, keys):
    for key in keys:
        value = value[key]
    return value


def spoiled(path, value=None):
    """The whole configuration with one other value at PATH, or without it; and the place in words."""
    config = copy.deepcopy(COMPLETE)
    keys = next(places(config, steps_of(path)), None)
    assert keys is not None, f"{path} is not in complete-config.json"
    if value is None:
        del at(config, keys[:-1])[keys[-1]]
    else:
        at(config, keys[:-1])[keys[-1]] = value
    return config, "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in keys).lstrip(".")


def judged(box, config):
    """What create says of the document before anything else; dry, for most of it asks for what no machine has."""
    b = box.bundle(["true"])
    b.config = config
    r = box.create(b, "--dry-run", status=None)
    with open(r.out) as f:
        return r.status, (r.err or "") + f.read()


def leaves(kinds):
    return sorted(path for path, (kind, _, _) in ROWS.items() if kind in kinds and not path.startswith(("windows", "solaris", "freebsd", "zos", "vm"))
                  and not path.endswith("*"))


@pytest.mark.spec(91, 96)
@pytest.mark.parametrize("path", sorted(path for path, row in ROWS.items() if row[2]) or ["none"])
@pytest.mark.parametrize("change", ["unknown", "other case", "longer", "empty"])
def test_word(box, path, change):
    needs_rows()
    word = sorted(ROWS[path][2])[0]
    wrong = {"unknown": "NO_SUCH_WORD", "other case": word.swapcase(), "longer": word + "x", "empty": ""}[change]
    if path.endswith("*"):  # the words are the names of a map
        config = copy.deepcopy(COMPLETE)
        parent = at(config, steps_of(path)[:-1])
        parent[wrong] = parent.pop(next(iter(parent)))
        where = path[:-2]
    else:
        config, where = spoiled(path, wrong)
    status, said = judged(box, config)
    assert status != 0 and where in said and (wrong in said or not wrong)


@pytest.mark.spec(91)
@pytest.mark.parametrize("path", leaves(LIMITS) or ["none"])
def test_number_out_of_range(box, path):
    needs_rows()
    low, high = LIMITS[ROWS[path][0]]
    for wrong in (low - 1, high + 1, 0.5):
        config, where = spoiled(path, wrong)
        status, said = judged(box, config)
        assert status != 0 and where in said, (wrong, said)


@pytest.mark.spec(91)
@pytest.mark.parametrize("path", leaves(OTHERS) or ["none"])
def test_other_kind(box, path):
    needs_rows()
    config, where = spoiled(path, OTHERS[ROWS[path][0]])
    status, said = judged(box, config)
    assert status != 0 and where in said, said


@pytest.mark.spec(91)
@pytest.mark.parametrize("path", sorted(path for path, (kind, required, _) in ROWS.items() if required and kind != "skip") or ["none"])
def test_required_member(box, path):
    needs_rows()
    config, where = spoiled(path)
    status, said = judged(box, config)
    assert status != 0 and where in said, said


@pytest.mark.spec(92)
def test_every_fault_is_named_at_once(box):
    """What is valid and not supported here, and what is not valid, are both errors that name their place."""
    config = copy.deepcopy(COMPLETE)
    config["process"]["cwd"] = "relative"
    config["linux"]["namespaces"].append({"type": "pid"})
    status, said = judged(box, config)
    assert status != 0 and "process.cwd" in said and "linux.namespaces" in said
