# SPDX-License-Identifier: Apache-2.0
"""Engines over orlop, one test for an operation of each (their drivers have them: see rig.py).

What fails is done over runc too, as the control: an operation that fails there too says nothing of orlop and is skipped with its reason; but where an
engine cannot even run a program, something of its own is missing, and nothing would be tested: that fails.  Operations that take long are
done only if ORLOP_ENGINES is "all"."""
import concurrent.futures
import glob
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
           "crio": ["conmon"],
           "rootless": ["podman", "buildah", "newuidmap", "slirp4netns", "setpriv"]}  # what each needs of programs
AT_ONCE = concurrent.futures.ThreadPoolExecutor(2)  # they wait more than they work
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
sys.path.insert(0, HERE)
ROOT = os.environ.get("ORLOP_ENGINE_ROOT", "")  # see rig.py
results = {}


def found(program):
    """Where a program is for drivers."""
    at = shutil.which(program, path=":".join(ROOT + d for d in PATH.split(":")))
    return at and at[len(ROOT):]


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
        results[driver, "runc"] = drive(driver, found("runc"), [*BASIC, *names])
    return results[driver, "runc"]


def missing(driver):
    return [p for p in DRIVERS[driver] if not found(p)]


def result(got, name):
    return got.get(name) or {"ok": False, "skip": "", "why": got.get("start", {"why": "not reached"})["why"]}


@pytest.fixture(scope="session", autouse=True)
def results_as_table():
    """What was found, for whoever started the tests (docs/engines.md has the same of a whole run)."""
    yield
    if "ORLOP_BUILD" in os.environ and results:
        ours = {d: results[d].result() for d in DRIVERS if d in results}
        with open(os.path.join(os.environ["ORLOP_BUILD"], "engines.md"), "w") as f:
            f.writelines(line + "\n" for line in importlib.import_module("table").lines(ours, {d: results.get((d, "runc"), {}) for d in ours}))


@pytest.mark.parametrize("driver, name", cases())
def test_engine(driver, name):
    if os.geteuid() != 0 or missing(driver):
        pytest.skip(f"needs root and {' '.join(missing(driver))}")
    got = result(over_orlop(driver), name)
    if got["skip"]:
        pytest.skip(got["skip"])
    if got["ok"]:
        return
    control = found("runc") and result(over_runc(driver), name)
    if control and not control["ok"] and name not in BASIC:
        pytest.skip(f"fails over runc too: {control['why'][-300:]}")
    said = "not tried, runc is missing" if not control else control["why"] or control["skip"] or "passes"
    pytest.fail(f"{got['why']}\n(over runc: {said})", pytrace=False)


def traces():
    """What engines make on a machine, as far as their names or ours tell."""
    def said(*words):
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout.split() if shutil.which(words[0]) else []
    found = {word for word in said("iptables-save") + said("nft", "list", "ruleset") if word.startswith(("DOCKER", "CNI", "NETAVARK"))}
    found |= {f"interface {name}" for name in os.listdir("/sys/class/net") if name.startswith(("docker", "cni", "podman", "br-", "veth"))}
    for top in ("/run", "/var/lib", "/etc"):
        found |= {os.path.join(top, name) for name in os.listdir(top)
                  if name.startswith(("docker", "containerd", "libpod", "containers", "podman", "netns", "netavark", "cni", "orlop", "runc", "crun"))}
    found |= {path for path in glob.glob("/sys/fs/cgroup/*orlop-engine*") + glob.glob("/sys/fs/cgroup/*/*orlop-engine*")}
    with open("/proc/self/mountinfo") as f:
        found |= {line.split()[4] for line in f if any(f"orlop-{driver}-" in line for driver in DRIVERS)}
    return found


BEFORE = traces()


def test_machine_is_as_before():
    """No engine has left a mount, a cgroup, an interface, a rule or a file."""
    if not results:
        pytest.skip("no engine was started")
    for job in [r for r in results.values() if not isinstance(r, dict)]:
        job.result()
    assert traces() - BEFORE == set()
