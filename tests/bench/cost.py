#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What commands cost, counted: system calls of the whole process tree, user instructions, page faults, peak memory; beside the
floor's (floor.c), in the v1 and v2 views of cgroups.  Fails if `run` makes more than twice the floor's calls, or if `state` or
`--version` load a library beyond the C library.  Times are shown as a ratio, taken in pairs, and never judged.  Where the processor counts
no instructions for us they are stepped through one by one, which takes minutes; ORLOP_QUICK=1 leaves them out."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import orlop  # noqa: E402

PROGRAM = os.environ.get("ORLOP", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build/orlop"))
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 60}


def calls(argv):
    """System calls of the whole tree, or None without strace.  Line by line: strace's own count leaves out calls that are newer than it."""
    if not shutil.which("strace"):
        return None
    with tempfile.NamedTemporaryFile("r") as out:
        if subprocess.run(["strace", "-f", "-o", out.name, *argv], **QUIET).returncode:
            return None
        return sum(1 for line in out if re.match(r"\d+ +\w+\(", line) and not line.rstrip().endswith("= ?")) or None


def counted(argv):
    """User instructions by the processor's counter, or None where it counts none for us."""
    if not shutil.which("perf"):
        return None
    done = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, timeout=60)
    found = re.search(r"^(\d+),,instructions", done.stderr, re.M)
    return int(found.group(1)) if found else None


def stepped(argv, tools):
    """User instructions of the whole tree, by stepping."""
    done = subprocess.run([os.path.join(tools, "steps"), *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=400)
    return int(done.stdout) if done.returncode == 0 else None


def instructions(argv, tools):
    n = counted(argv)
    return stepped(argv, tools) if n is None else n


def memory(argv, tools):
    """Minor page faults, and peak memory in KiB of the largest process."""
    done = subprocess.run([os.path.join(tools, "measure"), *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=60)
    return [int(w) for w in done.stdout.split()]


def libraries(argv):
    """Shared objects that a command opens."""
    with tempfile.NamedTemporaryFile("r") as out:
        subprocess.run(["strace", "-f", "-e", "trace=openat,open", "-o", out.name, *argv], **QUIET)
        return sorted({os.path.basename(m) for m in re.findall(r'"([^"]+\.so[^"]*)", [^)]*\) = \d', out.read())})


def seconds(argv):
    began = time.perf_counter()
    subprocess.run(argv, **QUIET)
    return time.perf_counter() - began


class View:
    """Measures in the view of cgroups that this process is in."""

    def __init__(self, work):
        self.tools = os.path.dirname(work)
        self.work, self.base = work, [PROGRAM, "--root", os.path.join(work, "state")]
        self.rootfs = os.path.join(work, "rootfs")
        os.makedirs(self.rootfs)
        orlop.make_rootfs(self.rootfs)
        subprocess.run([PROGRAM, "spec", "--bundle", work], check=True, timeout=60)
        path = os.path.join(work, "config.json")
        with open(path) as f:
            config = json.load(f)
        config["process"].update(terminal=False, args=["/bin/true"])
        with open(path, "w") as f:
            json.dump(config, f)
        self.run = [*self.base, "run", "--bundle", work, "cost"]
        self.floor = [os.path.join(self.tools, "floor"), self.rootfs, "/bin/true"]
        config["process"]["args"] = ["/bin/sleep", "600"]
        self.sleeper = os.path.join(work, "sleeper")
        os.makedirs(self.sleeper)
        os.symlink(self.rootfs, os.path.join(self.sleeper, "rootfs"))
        with open(os.path.join(self.sleeper, "config.json"), "w") as f:
            json.dump(config, f)

    def command(self, *words):
        return [*self.base, *words]

    def rows(self):
        """(name, command) of what is measured."""
        three = [self.command("create", "--bundle", self.work, "one"), self.command("start", "one"), self.command("delete", "--force", "one")]
        yield "floor", self.floor
        yield "run", self.run
        # strace waits for the container, so one shell runs them all; its own cost is taken off
        yield "create+start+delete", ["/bin/sh", "-c", " && ".join(" ".join(c) for c in three)]
        yield "exec", self.command("exec", "two", "/bin/true")
        yield "state", self.command("state", "two")
        yield "version", [PROGRAM, "--version"]

    def count(self, argv, how):
        """What HOW counts of a command, less what a shell of three commands costs by itself."""
        n = how(argv)
        shell = how([*argv[:2], "true && true && true"]) if argv[0] == "/bin/sh" else 0
        return None if n is None or shell is None else n - shell

    def measure(self, by_step):
        subprocess.run(self.command("run", "--detach", "--bundle", self.sleeper, "two"), check=True, **QUIET)
        for name, argv in self.rows():
            if by_step:
                row = {"name": name, "instructions": self.count(argv, lambda a: instructions(a, self.tools))}
            else:
                faults, peak = memory(argv, self.tools)
                row = {"name": name, "calls": self.count(argv, calls), "instructions": None, "faults": faults, "peak": peak}
            print(json.dumps(row), flush=True)
        if not by_step:
            self.extra()
        subprocess.run(self.command("delete", "--force", "two"), check=True, **QUIET)

    def extra(self):
        for name, argv in (("state", self.command("state", "two")), ("--version", [PROGRAM, "--version"])):
            print(json.dumps({"name": f"libraries of {name}", "list": libraries(argv)}))
        peers = os.path.join(self.work, "peers")  # with an older version, which older peers insist on
        os.makedirs(peers)
        with open(os.path.join(self.work, "config.json")) as f, open(os.path.join(peers, "config.json"), "w") as g:
            json.dump(dict(json.load(f), ociVersion="1.0.2", root={"path": self.rootfs}), g)
        for peer in ("crun", "runc"):
            argv = [peer, "--root", os.path.join(self.work, peer), "run", "--bundle", peers, "peer"]
            if not shutil.which(peer):
                print(json.dumps({"name": f"run by {peer}", "why": "not installed"}))
                continue
            n = calls(argv)
            row = {"calls": n, "instructions": None, "faults": None, "peak": None}
            if n is None:
                said = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
                row = {"why": (said.stderr.strip().splitlines() or ["it failed"])[-1]}
            print(json.dumps({"name": f"run by {peer}", **row}))
        pairs = [(seconds(self.floor), seconds(self.run)) for _ in range(15)]
        ratio = sorted(b / a for a, b in pairs)[len(pairs) // 2]
        print(json.dumps({"name": "time", "ratio": round(ratio, 2)}))


def show(view, rows):
    """Prints the table of one view; returns what is wrong."""
    wrong = []
    floor = next((r["calls"] for r in rows if r["name"] == "floor"), None)
    print(f"view {view}:\n  {'':22}{'calls':>8}{'of floor':>10}{'instructions':>14}{'faults':>8}{'peak KiB':>10}")
    for r in rows:
        if "list" in r:
            print(f"  {r['name']}: {' '.join(r['list'])}")
            wrong += [f"{r['name']}: {x}" for x in r["list"] if not re.match(r"(libc[.-]|ld-|ld\.so)", x)]
        elif "ratio" in r:
            print(f"  time of run, of the floor's (median of pairs): {r['ratio']}")
        elif "why" in r:
            print(f"  {r['name']:22}not counted: {r['why']}")
        else:
            ratio = f"{r['calls'] / floor:.2f}" if r["calls"] and floor else "-"
            cells = ["-" if r[k] is None else str(r[k]) for k in ("calls", "instructions", "faults", "peak")]
            print(f"  {r['name']:22}{cells[0]:>8}{ratio:>10}{cells[1]:>14}{cells[2]:>8}{cells[3]:>10}")
            if r["name"] == "run" and floor and (r["calls"] is None or r["calls"] > 2 * floor):
                wrong.append(f"run makes {r['calls']} calls in view {view}, more than twice the floor's {floor}")
    return wrong


def in_view(view, work, *more):
    return subprocess.Popen([os.path.join(os.path.dirname(HERE), "lib/view.sh"), view, sys.executable, __file__, os.path.join(work, view), *more],
                            stdout=subprocess.PIPE, text=True)


def result(process, timeout):
    out = process.communicate(timeout=timeout)[0]
    return process.returncode, out if process.returncode == 77 else [json.loads(line) for line in out.splitlines()]


def measure_views(work, wrong):
    """Rows by view; instructions are added by both views side by side, since nothing else is counted then."""
    views = {}
    for view in ("v1", "v2"):
        status, rows = result(in_view(view, work), 300)
        if status == 77:
            print(f"view {view} skipped: {rows.strip()}")
            continue
        if status:
            wrong.append(f"measuring in view {view} failed")
        views[view] = rows
        shutil.rmtree(os.path.join(work, view))
    if "ORLOP_QUICK" in os.environ:
        print("user instructions are left out: ORLOP_QUICK is set")
        return views
    stepping = {view: in_view(view, work, "instructions") for view in views}
    for view, process in stepping.items():
        status, rows = result(process, 1000)
        counts = {r["name"]: r["instructions"] for r in rows}
        if status or None in counts.values():
            wrong.append(f"counting instructions in view {view} failed")
        for row in views[view]:
            if "instructions" in row:
                row["instructions"] = counts.get(row["name"])
    return views


def main():
    if len(sys.argv) > 1:  # inside a view
        View(sys.argv[1]).measure(by_step=len(sys.argv) > 2)
        return 0
    if os.geteuid() != 0 or not shutil.which("strace"):
        print("skipped: counting needs root and strace")
        return 77
    wrong = []
    with tempfile.TemporaryDirectory() as work:
        for tool in ("floor", "measure", "steps"):
            subprocess.run(["cc", "-O2", "-static", "-w", "-D_GNU_SOURCE", "-o", os.path.join(work, tool), os.path.join(HERE, tool + ".c")],
                           check=True, timeout=60)
        for view, rows in measure_views(work, wrong).items():
            wrong += show(view, rows)
    for w in wrong:
        print(f"WRONG: {w}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
