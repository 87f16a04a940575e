# SPDX-License-Identifier: Apache-2.0
"""Engines over orlop, one test for an operation of each (their drivers have them: see rig.py).

What fails is done over runc too, as the control: an operation that fails there too says nothing of orlop and is skipped with its reason; but where an
engine cannot even run a program, something of its own is missing, and nothing would be tested: that fails.  Operations that take long are
done only if ORLOP_ENGINES is "all"."""
import concurrent.futures
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("ORLOP", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build/orlop"))
ALL = os.environ.get("ORLOP_ENGINES") == "all"
BASIC = ("image_import", "run")
DRIVERS = {"podman": ["podman"], "docker": ["dockerd", "docker", "containerd"], "containerd": ["containerd", "ctr"],
           "cri": ["containerd", "ctr", "protoc"], "buildah": ["buildah"], "umoci": ["umoci"], "swarm": ["dockerd", "docker", "containerd"],
           "rootless": ["podman", "buildah", "newuidmap", "slirp4netns", "setpriv"]}  # what each needs of programs
AT_ONCE = concurrent.futures.ThreadPoolExecutor(2)  # they wait more than they work
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
sys.path.insert(0, HERE)
results = {}


def operations(driver):
    """Those of a driver that are done now: where it names a short run, that."""
    module = importlib.import_module(driver)
    short = getattr(module, "SHORT", None)
    return [f for f in module.operation if ALL or (f.__name__ in short if short else not f.slow)]


def cases():
    return [(driver, f.__name__.strip("_")) for driver in DRIVERS for f in operations(driver)]


def drive(driver, runtime, names):
    """The results of operations over a runtime, by name."""
    done = subprocess.run([sys.executable, os.path.join(HERE, f"{driver}.py"), runtime, tempfile.mkdtemp(prefix=f"orlop-{driver}-"), *names],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=1200, check=False)
    return {r["name"]: r for r in map(json.loads, done.stdout.splitlines())}


def over_orlop(driver):
    """The results over orlop; all drivers are set going with the first."""
    for each in DRIVERS:
        if each not in results and not missing(each):
            results[each] = AT_ONCE.submit(drive, each, os.path.abspath(PROGRAM), [f.__name__.strip("_") for f in operations(each)])
    return results[driver].result()


def over_runc(driver):
    """The results over runc of what failed over orlop."""
    if (driver, "runc") not in results:
        names = [name for name, r in over_orlop(driver).items() if not r["ok"]]
        results[driver, "runc"] = drive(driver, shutil.which("runc", path=PATH), [*BASIC, *names])
    return results[driver, "runc"]


def missing(driver):
    return [p for p in DRIVERS[driver] if not shutil.which(p, path=PATH)]


def result(got, name):
    return got.get(name) or {"ok": False, "skip": "", "why": got.get("start", {"why": "not reached"})["why"]}


@pytest.mark.parametrize("driver, name", cases())
def test_engine(driver, name):
    if os.geteuid() != 0 or missing(driver):
        pytest.skip(f"needs root and {' '.join(missing(driver))}")
    got = result(over_orlop(driver), name)
    if got["skip"]:
        pytest.skip(got["skip"])
    if got["ok"]:
        return
    control = shutil.which("runc", path=PATH) and result(over_runc(driver), name)
    if control and not control["ok"] and name not in BASIC:
        pytest.skip(f"fails over runc too: {control['why'][-300:]}")
    said = "not tried, runc is missing" if not control else control["why"] or control["skip"] or "passes"
    pytest.fail(f"{got['why']}\n(over runc: {said})", pytrace=False)
