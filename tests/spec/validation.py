#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""validation.py [PROGRAM...]: the validation programs of runtime-tools with orlop, runc and crun, in one table.

They are built from RUNTIME_TOOLS, a source tree of that project, or from where Debian has its libraries.  Ends with 77 and the reason where
Debian has none; with 1 if one cannot be built, or if orlop fails one that a peer passes and validation.tsv does not say whose fault that
is.  ORLOP is the program of the build; a peer that is not installed is left out, with its name.  Each run has a room of its own."""
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import room  # noqa: E402

PEERS = ("runc", "crun")
PACKAGE = "github.com/opencontainers/runtime-tools"
GOCODE = pathlib.Path("/usr/share/gocode")
KNOWN = pathlib.Path(__file__).with_suffix(".tsv")
LIMIT = 120  # seconds for one program
PLAN = re.compile(r"1\.\.(\d+)")
SAYS = re.compile(r"^  ---\n(?:  [{]\n)?\s*(.*)", re.M)
LINE = re.compile(r"(not ok|ok)\b(?: +\d+)?(?: +#\s*(skip|todo)\b)?(?: +-)? *([^#]*)(?:#\s*(skip|todo)\b)?", re.I)


class Missing(Exception):
    """There are no programs, or nothing to run them with; says why."""


# --- building

def find(given):
    """The source tree: GIVEN (None: by nobody), or Debian's."""
    source = pathlib.Path(given or GOCODE / "src" / PACKAGE)
    if next(source.glob("validation/*/*.go"), None):
        return source.resolve()
    if given:
        sys.exit(f"RUNTIME_TOOLS: {given}/validation has no programs")
    raise Missing(f"no validation programs: {source}/validation is not there. RUNTIME_TOOLS=DIRECTORY names a source tree of runtime-tools; "
                  "Debian's golang-github-opencontainers-runtime-tools-dev has its libraries alone")


def names(source):
    return sorted({path.parent.name for path in source.glob("validation/*/*.go")} - {"util"})


def gopath(source, directory):
    """A GOPATH in which SOURCE is the package: the tree it stands in, or one made of links."""
    home = source
    for _ in ("src", *PACKAGE.split("/")):
        home = home.parent
    if source != home / "src" / PACKAGE:
        home = directory / "gopath"
        link = home / "src" / PACKAGE
        link.parent.mkdir(parents=True)
        link.symlink_to(source)
    return f"{home}:{GOCODE}"


def make_root(source, directory):
    """The archive that the programs unpack as the container's root: the tree's, or busybox."""
    arch = subprocess.run(["go", "env", "GOARCH"], capture_output=True, text=True, check=True).stdout.strip()
    archive = directory / f"rootfs-{arch}.tar.gz"
    if (source / archive.name).exists():
        shutil.copy(source / archive.name, archive)
        return
    sys.path.insert(0, str(TOP / "tests/lib"))
    import orlop
    orlop.make_rootfs(directory / "root")
    subprocess.run(["tar", "-czf", archive, "-C", directory / "root", "."], check=True)


def build(source, directory, programs):
    """Makes in DIRECTORY the programs and all that they need beside them.  Returns what is wrong: name of a program -> what the compiler said."""
    if not shutil.which("go"):
        raise Missing("go is not installed, and the validation programs are to be built")
    env = dict(os.environ, GO111MODULE="off", GOPATH=gopath(source, directory), CGO_ENABLED="0", GOFLAGS="-p=2")
    make_root(source, directory)

    def go(package, to):
        done = subprocess.run(["go", "build", "-o", str(to), f"{PACKAGE}/{package}"], env=env, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
        return "" if done.returncode == 0 and to.exists() else done.stdout + done.stderr or f"go ended with {done.returncode}"

    wrong = {"runtimetest": go("cmd/runtimetest", directory / "runtimetest")}
    (directory / "bin").mkdir()
    for name in programs:
        wrong[name] = go(f"validation/{name}", directory / "bin" / name)
    return {name: said for name, said in wrong.items() if said}


# --- running

# How many checks passed, names of those that failed, why else it is no success, and the last that it said on standard error.
Result = collections.namedtuple("Result", "passed failed why said", defaults=("",))


def read(text, status, stderr=""):
    """What a program said in TAP.  Some say nothing and end with a status; diagnostics, which are indented, may hold the TAP of another."""
    passed, failed, planned = 0, [], None
    for line in text.splitlines():
        plan, one = PLAN.match(line), LINE.match(line)
        if plan:
            planned = int(plan.group(1))
        elif one and one.group(1).lower() == "ok" or one and (one.group(2) or one.group(4)):  # skipped, or not expected to pass
            passed += 1
        elif one:
            failed.append(one.group(3).strip() or "without a name")
    said, made = "; ".join(stderr.strip().splitlines()[-3:]), passed + len(failed)
    complaint = SAYS.search(text)
    if status:
        return Result(passed, failed, f"ended with status {status}", said)
    if planned == made == 0 and complaint:  # those of hooks that fail complain in a diagnostic alone
        return Result(0, [], f"made no check, but says: {complaint.group(1)}", said)
    return Result(passed, failed, f"planned {planned} checks and made {made}" if planned and planned > made else "", said)


def good(result):
    return not result.failed and not result.why


def run(directory, name, runtime):
    """One program with one runtime."""
    with room.Room() as private:
        status, out, err = private.run([str(directory / "bin" / name)], cwd=directory, seconds=LIMIT, RUNTIME=runtime)
    return read(out, status, err)


def results(directory, programs, runtimes):
    """(program, name of a runtime) -> Result."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        asked = {(p, r): pool.submit(run, directory, p, path) for p in programs for r, path in runtimes.items()}
        return {key: one.result() for key, one in asked.items()}


# --- judging

Excuse = collections.namedtuple("Excuse", "fault sign reason")


def known():
    """Program -> Excuse: whose FAULT it is if orlop fails it with SIGN in each failing check, or in what was said."""
    rows = [line.split("\t") for line in KNOWN.read_text().splitlines() if line and line[0] != "#"]
    return {program: Excuse(*rest) for program, *rest in rows}


def excused(excuse, result):
    """True if the failure is the one that is known, and no other."""
    return excuse is not None and (excuse.sign in result.said or all(excuse.sign in text for text in [*result.failed, *filter(None, [result.why])]))


def tell(result):
    return "; ".join([*result.failed, *filter(None, [result.why, result.said])])


def judge(found, excuses):
    """What is wrong with orlop, one line each."""
    peers = {}
    for (program, runtime), result in found.items():
        if runtime != "orlop" and good(result):
            peers.setdefault(program, []).append(runtime)
    ours = {program: result for (program, runtime), result in found.items() if runtime == "orlop"}
    for program, result in ours.items():
        if not good(result) and program in peers and not excused(excuses.get(program), result):
            yield f"orlop fails {program}, which {' and '.join(peers[program])} can pass: {tell(result)}"
    if not any(map(good, ours.values())):
        yield "orlop passes no program: nothing is shown"


def show(found, runtimes, excuses):
    """The table, and below it what each runtime fails in, with the reason where it is known."""
    programs = sorted({program for program, _ in found})
    print(f"{'passed/failed checks':34}" + "".join(f"{name:>16}" for name in runtimes))
    for program in programs:
        row = [found[program, name] for name in runtimes]
        print(f"{program:34}" + "".join(f"{f'{r.passed}/{len(r.failed)}' + ('' if good(r) else ' FAILS'):>16}" for r in row))
    print(f"{'programs passed':34}" + "".join(f"{sum(good(found[p, name]) for p in programs):>16}" for name in runtimes))
    for program in programs:
        for name in runtimes:
            if not good(found[program, name]):
                print(f"{name}: {program}: {tell(found[program, name])[:400]}")
        if not good(found[program, "orlop"]) and excused(excuses.get(program), found[program, "orlop"]):
            print(f"  the fault of the {excuses[program].fault}: {excuses[program].reason}")


def main(argv):
    try:
        source = find(os.environ.get("RUNTIME_TOOLS"))
        room.check()
        with tempfile.TemporaryDirectory(prefix="orlop-validation-") as made:
            directory, excuses = pathlib.Path(made), known()
            directory.chmod(0o755)
            programs = [p for p in names(source) if p in argv or not argv]
            wrong = build(source, directory, programs)
            runtimes = {"orlop": os.environ.get("ORLOP", str(TOP / "build/orlop")), **{p: shutil.which(p) for p in PEERS}}
            for name in [n for n, path in runtimes.items() if path is None]:
                print(f"{name} is not installed")
                del runtimes[name]
            found = results(directory, [p for p in programs if p not in wrong], runtimes)
    except (Missing, room.Impossible) as why:
        print(f"skipped: {why}")
        return 77
    print(f"validation programs of {source}")
    show(found, runtimes, excuses)
    bad = [f"{name} was not built: {said.strip()}" for name, said in wrong.items()] + list(judge(found, excuses))
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
