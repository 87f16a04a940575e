# SPDX-License-Identifier: Apache-2.0
"""Podman of an ordinary user to whom systemd has given cgroups: the operations of tests/engines/delegated.py."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

import orlop

ENGINES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "engines")
sys.path.insert(0, ENGINES)
import delegated  # noqa: E402

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
NAMES = [f.__name__.strip("_") for f in delegated.operation]


def drive(runtime, *names):
    done = subprocess.run([sys.executable, os.path.join(ENGINES, "delegated.py"), runtime, tempfile.mkdtemp(prefix="orlop-podman-"), *names],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    return {r["name"]: r for r in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="session")
def results():
    missing = [p for p in ("podman", "newuidmap", "slirp4netns", "setpriv") if not shutil.which(p, path=PATH)]
    if missing or os.geteuid() != 0:
        pytest.skip(f"needs root and {' '.join(missing)}")
    if not os.path.exists("/run/systemd/system"):
        pytest.skip("there is no systemd")
    return drive(os.path.abspath(orlop.PROGRAM))


@pytest.mark.parametrize("name", NAMES)
def test_operation(results, name):
    got = results.get(name) or {"ok": False, "skip": "", "why": results.get("start", {"why": "not reached"})["why"]}
    if got["skip"]:
        pytest.skip(got["skip"])
    if got["ok"]:
        return
    runc = shutil.which("runc", path=PATH)
    control = runc and drive(runc, "image_import", name).get(name)
    if control and not control["ok"]:
        pytest.skip(f"fails over runc too: {control['why'][-300:]}")
    pytest.fail(f"{got['why']}\n(over runc: {'passes' if control else 'not tried, runc is missing'})", pytrace=False)
