# SPDX-License-Identifier: Apache-2.0
"""validation.py: how it builds, reads and judges programs, shown with a tree of our own whose programs are scripts."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import room  # noqa: E402
import validation  # noqa: E402
from validation import Result  # noqa: E402

# Stands for the compiler: "builds" by copying what it finds in the first place of GOPATH.
GO = """#!/bin/sh
if [ "$1" = env ]; then echo toy; exit; fi
source=${GOPATH%%:*}/src/$4
if grep -q 'does not compile' "$source"/*.go; then echo "$4: does not compile" >&2; exit 1; fi
cat "$source"/*.go >"$3" && chmod +x "$3"
"""
HEAD = "#!/bin/sh\necho 'TAP version 13'\n"
SOURCE = {
    "cmd/runtimetest/main.go": "#!/bin/sh\n",
    "rootfs-toy.tar.gz": "a tree",
    "validation/util/util.go": "no program",
    "validation/agrees/agrees.go": HEAD + "test -e runtimetest && cat rootfs-toy.tar.gz && echo && echo 'ok 1 - so'\necho 1..1\n",
    "validation/theirs/theirs.go": HEAD + "case $RUNTIME in */true) echo 'not ok 1 - so it is' ;; *) echo 'ok 1 - so it is' ;; esac\necho 1..1\n",
}


@pytest.mark.parametrize("text, status, result", [
    ("TAP version 13\nok 1 - a\nnot ok 2 - b\n1..2\n", 0, Result(1, ["b"], "")),
    ("ok 1 - a # SKIP no such thing\nnot ok 2 # TODO - b\nnot ok 3 - c # TODO later\n1..3\n", 0, Result(3, [], "")),
    ("ok 1 - a\n  ---\n  stdout: |\n    not ok 1 - inside\n    1..7\n  ...\n1..1\n", 0, Result(1, [], "")),
    ("ok 1 - a\n", 0, Result(1, [], "")),
    ("", 0, Result(0, [], "")),  # says it by its status
    ("not ok\n1..1\n", 0, Result(0, ["without a name"], "")),
    ("ok 1 - a\n1..2\n", 0, Result(1, [], "planned 2 checks and made 1")),
    ("ok 1 - a\n1..1\n", 3, Result(1, [], "ended with status 3")),
    ("  ---\n  error: hooks go on\n  ...\n1..0\n", 0, Result(0, [], "made no check, but says: error: hooks go on")),
])
def test_read(text, status, result):
    assert validation.read(text, status, "before\n1\n2\n3\n") == result._replace(said="1; 2; 3")
    assert validation.good(result) == (not result.failed and not result.why)


FINE, BROKEN, ENDED = Result(2, [], ""), Result(1, ["b fails", "b is late"], ""), Result(0, [], "ended with status 1", "no b here")
EXCUSE = validation.Excuse("tool", "b ", "it races")


@pytest.mark.parametrize("ours, runc, crun, excuses, said", [
    (FINE, FINE, BROKEN, {}, []),
    (BROKEN, BROKEN, ENDED, {}, []),  # whatever it is, nobody passes it
    (BROKEN, FINE, BROKEN, {}, ["orlop fails p, which runc can pass: b fails; b is late"]),
    (ENDED, FINE, FINE, {}, ["orlop fails p, which runc and crun can pass: ended with status 1; no b here"]),
    (BROKEN, FINE, FINE, {"p": EXCUSE}, []),
    (ENDED, FINE, FINE, {"p": EXCUSE}, []),
    (BROKEN, FINE, FINE, {"q": EXCUSE}, ["orlop fails p, which runc and crun can pass: b fails; b is late"]),
    (Result(1, ["b fails", "so does c"], ""), FINE, BROKEN, {"p": EXCUSE}, ["orlop fails p, which runc can pass: b fails; so does c"]),
    (Result(1, ["b fails"], "ended with status 1"), FINE, BROKEN, {"p": EXCUSE}, ["orlop fails p, which runc can pass: b fails; ended with status 1"]),
])
def test_judge(ours, runc, crun, excuses, said):
    found = {("p", "orlop"): ours, ("p", "runc"): runc, ("p", "crun"): crun, ("other", "orlop"): FINE}
    assert list(validation.judge(found, excuses)) == said


def test_judge_nothing_passed():
    assert list(validation.judge({("p", "orlop"): BROKEN, ("p", "runc"): BROKEN}, {})) == ["orlop passes no program: nothing is shown"]


def test_known_programs_have_reasons():
    """Whose fault it is, by which sign, and why, in words."""
    for program, excuse in validation.known().items():
        assert re.fullmatch(r"[a-z0-9_]+", program) and excuse.fault in ("tool", "machine"), program
        assert len(excuse.sign) > 10 and len(excuse.reason) > 40, program


@pytest.fixture
def source(tmp_path):
    """A source tree with programs, and the stand-in for go first in PATH."""
    tree = tmp_path / "tools"
    for name, text in SOURCE.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    go = tmp_path / "bin/go"
    go.parent.mkdir()
    go.write_text(GO)
    go.chmod(0o755)
    return tree


@pytest.fixture
def rooms():
    try:
        room.check()
    except room.Impossible as why:
        pytest.skip(str(why))


def compare(source, *programs, **env):
    """validation.py over SOURCE with /bin/true in orlop's place and whichever peers there are."""
    env = {**os.environ, "RUNTIME_TOOLS": str(source), "ORLOP": "/bin/true", "PATH": f"{source.parent}/bin:{os.environ['PATH']}", **env}
    done = subprocess.run([sys.executable, validation.__file__, *programs], env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_orlop_fails_what_a_peer_passes(source, rooms):
    if not any(map(shutil.which, validation.PEERS)):
        pytest.skip("neither runc nor crun is installed")
    status, said = compare(source)
    assert status == 1 and re.search(r"^agrees +1/0 ", said, re.M) and re.search(r"^theirs +0/1 FAILS +1/0", said, re.M), said
    assert re.search(r"^orlop fails theirs, which (runc|crun|runc and crun) can pass: so it is$", said, re.M)
    status, said = compare(source, "agrees")
    assert status == 0 and "theirs" not in said


def test_excuse_is_told(source, rooms, monkeypatch, capsys):
    """What is known to be another's fault is shown with the reason, and is no failure."""
    monkeypatch.setattr(validation, "known", lambda: {"theirs": validation.Excuse("machine", "so it is", "it lacks a thing")})
    monkeypatch.setattr(validation.shutil, "which", lambda name: {"runc": "/bin/false", "go": name}.get(name))
    for name, value in {"RUNTIME_TOOLS": str(source), "ORLOP": "/bin/true", "PATH": f"{source.parent}/bin:{os.environ['PATH']}"}.items():
        monkeypatch.setenv(name, value)
    assert validation.main([]) == 0
    said = capsys.readouterr().out
    assert "crun is not installed" in said and "orlop: theirs: so it is\n  the fault of the machine: it lacks a thing\n" in said


def test_program_that_is_not_built(source, rooms):
    program = source / "validation/bad/bad.go"
    program.parent.mkdir()
    program.write_text("does not compile")
    status, said = compare(source, "agrees", "bad")
    assert status == 1 and f"bad was not built: {validation.PACKAGE}/validation/bad: does not compile" in said and "agrees" in said


def test_no_compiler(source, rooms):
    status, said = compare(source, PATH="/nowhere")
    assert status == 77 and said.startswith("skipped: go is not installed")


@pytest.mark.parametrize("given", [True, False])
def test_no_programs(source, monkeypatch, capsys, given):
    """A tree that was given must have some; Debian's may have none, which is told."""
    shutil.rmtree(source / "validation")
    monkeypatch.setattr(validation, "GOCODE", source.parent)
    monkeypatch.setenv("RUNTIME_TOOLS", str(source) if given else "")
    if given:
        with pytest.raises(SystemExit, match="tools/validation has no programs"):
            validation.main([])
    else:
        assert validation.main([]) == 77
        assert f"skipped: no validation programs: {source.parent}/src/{validation.PACKAGE}/validation is not there" in capsys.readouterr().out


def test_go_itself(source, tmp_path):
    """The real compiler finds the package, in a tree that stands in a GOPATH and in one that does not."""
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    (source / "validation/util/util.go").write_text("package util\n\nconst Said = \"ok 1 - so\"\n")
    program = "package main\n\nimport \"github.com/opencontainers/runtime-tools/validation/util\"\n\nfunc main() {\n\tprintln(util.Said)\n}\n"
    (source / "validation/agrees/agrees.go").write_text(program)
    (source / "cmd/runtimetest/main.go").write_text("package main\n\nfunc main() {\n}\n")
    home = tmp_path / "home/src" / validation.PACKAGE
    shutil.copytree(source, home)
    for at, tree in enumerate((source, home)):
        made = tmp_path / f"made{at}"
        made.mkdir()
        assert validation.build(tree, made, ["agrees"]) == {}
        assert subprocess.run([made / "bin/agrees"], capture_output=True, text=True, check=True).stderr == "ok 1 - so\n"
        assert next(made.glob("rootfs-*.tar.gz")).stat().st_size > 100000  # of busybox


def test_room_keeps_what_is_left_in_it(rooms):
    """A cgroup, a process in it, a mount and a file in /run are gone with the room."""
    names = sorted(d.name for d in room.hierarchies())
    script = """set -e; cd /sys/fs/cgroup; for h in *; do [ -L $h ] || mkdir -p $h/left/over; done
sleep 1000 & echo $! >pids/left/over/cgroup.procs; mkdir /run/x; mount -t tmpfs tmpfs /run/x; ls -d *; cat /proc/self/cgroup; echo $$"""
    before = [set(os.listdir(d)) for d in room.hierarchies()]
    with room.Room() as private:
        status, out, err = private.run(["sh", "-c", script], "/", 60)
        tops = private.cgroups
    assert status == 0, err
    assert set(names) <= set(out.split()) and "unified" not in out and f":pids:/\n" in out and int(out.split()[-1]) < 20
    assert not any(top.exists() for top in tops) and not os.path.exists("/run/x")
    assert all(private.name not in set(os.listdir(d)) | was for d, was in zip(room.hierarchies(), before))


def test_room_has_a_limit(rooms):
    with room.Room() as private:
        status, out, err = private.run(["sh", "-c", "echo begun; sleep 1000"], "/", 2)
    assert (status, out) == (124, "begun\n") and "not in 2 s" in err
