#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""compare.py: the tests of the rules (this directory) with orlop, runc and crun, in one table.

Ends with 1 if orlop fails a test; what the others fail is told.  In the view of cgroup v1, which all three know.  ORLOP is the program
of the build; a peer that is not installed is left out, with its name."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/lint"), str(TOP / "tests/spec")]
sys.dont_write_bytecode = True
import conformance  # noqa: E402
import room  # noqa: E402

PEERS = ("runc", "crun")
LIMIT = 400  # seconds for one runtime


def results(program):
    """Test -> passed, failed or skipped, of one run of all of them."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as record:
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", room.OWN_NULL + 'exec "$@"', "sh",
                str(TOP / "tests/lib/view.sh"), "v1", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(TOP), "-c",
                str(TOP / "tests/pytest.ini"), "-m", "views", f"--junitxml={record.name}", str(TOP / "tests/spec")]
        env = dict(os.environ, ORLOP=program, ORLOP_VIEW="v1", PYTHONDONTWRITEBYTECODE="1")
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=LIMIT, stdin=subprocess.DEVNULL, check=False)
        try:
            cases = list(xml.etree.ElementTree.parse(record.name).iter("testcase"))
        except xml.etree.ElementTree.ParseError:
            sys.exit(f"{program}: no results\n{done.stdout}{done.stderr}")
    found = {}
    for case in cases:
        what = "skipped" if case.find("skipped") is not None else \
            "failed" if case.find("failure") is not None or case.find("error") is not None else "passed"
        name = (case.get("classname"), case.get("name"))
        found[name] = "failed" if "failed" in (what, found.get(name)) else what  # one that fails at its end is there twice
    return found, done.stdout


def rules_of(tests):
    """Numbers of the rules that these tests show."""
    shown = {}
    for rule, files in conformance.marks(TOP).items():
        for path, names in files.items():
            for name in names:
                shown.setdefault((path[:-3].replace("/", "."), name), set()).add(int(rule))
    return sorted(set().union(*(shown.get((module, name.split("[")[0]), set()) for module, name in tests)))


def main():
    programs = {"orlop": os.environ.get("ORLOP", str(TOP / "build/orlop")), **{p: shutil.which(p) for p in PEERS}}
    for name in [n for n, path in programs.items() if path is None]:
        print(f"{name} is not installed")
        del programs[name]
    runs = {name: results(path) for name, path in programs.items()}
    files = sorted({module for found, _ in runs.values() for module, _ in found})
    print(f"{'passed/failed/skipped':36}" + "".join(f"{name:>14}" for name in runs))
    for module in [*files, None]:
        row = ["/".join(str(sum(what == kind for (m, _), what in found.items() if module in (m, None))) for kind in ("passed", "failed", "skipped"))
               for found, _ in runs.values()]
        print(f"{module or 'all':36}" + "".join(f"{text:>14}" for text in row))
    for name, (found, _) in runs.items():
        failed = [test for test, what in found.items() if what == "failed"]
        print(f"{name}: fails in rules {', '.join(map(str, rules_of(failed))) or 'none'}")
    bad = [test for test, what in runs["orlop"][0].items() if what == "failed"]
    if bad or "passed" not in runs["orlop"][0].values():
        print(runs["orlop"][1])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
