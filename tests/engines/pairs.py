#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: pairs.py ORLOP [TURNS]

How long an engine's shortest command takes, over ORLOP beside runc and crun: the engine is started once, the runtimes take turns, and what is
told is the middle of the ratios of each turn.  Where the machine has both versions of cgroups, in a view of v1 alone, since crun refuses
both at once.  On demand only: no test judges a time."""
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVERS = ("podman", "docker", "containerd", "cri", "buildah", "umoci")


def main():
    if os.path.isdir("/sys/fs/cgroup/unified") and "ORLOP_ENGINE_PAIRS" not in os.environ:
        os.environ["ORLOP_ENGINE_PAIRS"] = ""
        view = os.path.join(os.path.dirname(HERE), "lib/view.sh")
        os.execv(view, [view, "v1", sys.executable, *sys.argv])
    runtimes = [os.path.abspath(sys.argv[1]), "/usr/bin/runc", "/usr/bin/crun"]
    env = {**os.environ, "ORLOP_ENGINE_PAIRS": json.dumps([int(sys.argv[2]) if len(sys.argv) > 2 else 21, runtimes])}
    print("| engine | orlop, ms | orlop / runc | orlop / crun |\n|---|---|---|---|")
    for driver in DRIVERS:
        done = subprocess.run([sys.executable, os.path.join(HERE, f"{driver}.py"), runtimes[0], tempfile.mkdtemp(prefix="orlop-pairs-"), "image_import"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=env, check=True)
        turns = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        if not turns:
            print(f"| {driver} | {done.stdout.strip()} |")
            continue
        cells = [f"{statistics.median(turn[0] for turn in turns) * 1000:.0f}"]
        cells += [f"{statistics.median(turn[0] / turn[i] for turn in turns):.2f}" for i in (1, 2)]
        print(f"| {driver} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
