# SPDX-License-Identifier: Apache-2.0
"""Podman over orlop, one test for an operation (podman.py has them).  Podman over runc is the control: an operation that fails there too
says nothing of orlop and is skipped with its reason; but where Podman cannot even run a program, something of its own is missing, and nothing
would be tested: that fails."""
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("ORLOP", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build/orlop"))
BASIC = ("image_import", "run")
results = {}


def names():
    with open(os.path.join(HERE, "podman.py")) as f:
        tree = ast.parse(f.read())
    return [n.name.strip("_") for n in tree.body
            if isinstance(n, ast.FunctionDef) and any(getattr(d, "id", "") == "operation" for d in n.decorator_list)]


def over(runtime):
    """All operations' results over a runtime, by name; done once."""
    if runtime not in results:
        done = subprocess.run([sys.executable, os.path.join(HERE, "podman.py"), runtime, tempfile.mkdtemp(prefix="orlop-podman-")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=700)
        results[runtime] = {r["name"]: r for r in map(json.loads, done.stdout.splitlines())}
    return results[runtime]


@pytest.mark.parametrize("name", names())
def test_podman(name):
    if os.geteuid() != 0 or not shutil.which("podman"):
        pytest.skip("needs root and podman")
    got = over(os.path.abspath(PROGRAM)).get(name, {"ok": False, "why": "not reached"})
    if got["ok"]:
        return
    runc = shutil.which("runc")
    control = over(runc).get(name, {"ok": False, "why": "not reached"}) if runc else None
    if control and not control["ok"] and name not in BASIC:
        pytest.skip(f"Podman over runc fails too: {control['why'][-200:]}")
    said = control and (control["why"] or "passes")
    pytest.fail(f"{got['why']}\n(over runc: {said or 'not tried, runc is missing'})", pytrace=False)
