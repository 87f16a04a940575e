#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: table.py ORLOP [DOCUMENT [NAME]]

Does all operations of all engines over ORLOP and over runc, and prints the table of results; in DOCUMENT it replaces the one there, or the
one that is marked with NAME."""
import concurrent.futures
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_engines  # noqa: E402

HEADS = {"podman": "Podman", "rootless": "Podman, rootless", "docker": "Docker", "swarm": "Swarm", "containerd": "ctr", "cri": "CRI", "crio": "CRI-O's calls", "buildah": "Buildah",
         "umoci": "umoci"}
BEGIN, END = "<!-- {}: begin -->\n", "<!-- {}: end -->\n"


def word(ours, control):
    """One cell.  CONTROL: the result over runc, or None where that was not asked for."""
    if ours is None:
        return ""
    if ours["skip"]:
        return "-"
    if ours["ok"]:
        return "yes" if control is None or control["ok"] else "orlop only"
    return "neither" if control and not control["ok"] else "**runc only**" if control else "**no**"


def lines(results, controls):
    """The table, a row for an operation, from {driver: {operation: result}}."""
    drivers = [d for d in HEADS if results.get(d)]
    names = list(dict.fromkeys(name for d in drivers for name in results[d] if name != "start"))
    yield "| operation | " + " | ".join(HEADS[d] for d in drivers) + " |"
    yield "|---|" + "---|" * len(drivers)
    for name in names:
        cells = (word(results[d].get(name), controls.get(d, {}).get(name)) for d in drivers)
        yield f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |"
    yield "| **passed** | " + " | ".join(f"{sum(r['ok'] and not r['skip'] for r in results[d].values())} of {len(results[d])}" for d in drivers) + " |"


def main():
    os.environ["ORLOP_ENGINES"] = "all"
    test_engines.ALL = True
    orlop, runc = os.path.abspath(sys.argv[1]), test_engines.found("runc")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = {(d, r): pool.submit(test_engines.drive, d, r, [f.__name__.strip("_") for f in test_engines.operations(d)])
                for d in HEADS if not test_engines.missing(d) for r in (orlop, runc)}
        got = {r: {d: jobs[d, r].result() for d in HEADS if (d, r) in jobs} for r in (orlop, runc)}
    text = "\n".join(lines(got[orlop], got[runc])) + "\n"
    print(text)
    for r, by in got.items():
        for driver, results in by.items():
            for result in results.values():
                if not result["ok"] or result["skip"]:
                    print(f"{r} {driver} {result['name']}: {result['skip'] or result['why'][-300:]}", file=sys.stderr)
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf-8") as f:
            old = f.read()
        begin, end = (re.escape(mark.format(sys.argv[3] if len(sys.argv) > 3 else "table")) for mark in (BEGIN, END))
        with open(sys.argv[2], "w", encoding="utf-8") as f:
            f.write(re.sub(f"(?<={begin}).*?(?={end})", lambda _: text, old, flags=re.S))


if __name__ == "__main__":
    main()
