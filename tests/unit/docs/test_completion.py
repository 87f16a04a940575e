# SPDX-License-Identifier: Apache-2.0
"""The bash completion, asked as bash asks it."""
import os
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.path.abspath(os.environ.get("ORLOP", str(TOP / "build/orlop")))


def complete(*words, program=PROGRAM):
    """Completions of the last of WORDS."""
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _orlop; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-euc", script, "bash", str(TOP / "docs/completion/orlop.bash"), program, *words], capture_output=True,
                          text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_commands():
    assert {"create", "start", "run", "exec", "help"} <= set(complete(""))
    assert complete("cre") == ["create"]
    assert complete("--root", "/x", "fea") == ["features"]
    assert complete("--root", "=", "/x", "fea") == ["features"]


def test_options():
    assert "--root" in complete("--ro") and "--bundle" not in complete("--")
    assert complete("create", "--bun") == ["--bundle"]
    assert {"-b", "--bundle", "--pid-file", "-h", "--help"} <= set(complete("create", "-"))
    assert complete("--debug", "kill", "--a") == ["--all"]


def test_files(tmp_path):
    (tmp_path / "bundle").mkdir()
    assert complete("create", "--bundle", f"{tmp_path}/bu") == [f"{tmp_path}/bundle"]
    assert complete("--log", f"{tmp_path}/bu") == [f"{tmp_path}/bundle"]


def test_choices():
    assert complete("--log-format", "j") == ["json"]
    assert complete("--log-format", "=", "j") == ["json"]
    assert complete("--log-level", "=") == ["error", "warning", "debug"]
    assert complete("list", "-f", "") == ["table", "json"]
    assert complete("--log-level", "debug", "list", "--format", "t") == ["table"]


def test_operands(tmp_path):
    (tmp_path / "file").touch()
    assert complete("mounts", "") == ["add", "remove", "list"]
    assert complete("mounts", "re") == ["remove"]
    assert complete("mounts", "add", "c", f"{tmp_path}/fi") == [f"{tmp_path}/file"]
    assert complete("kill", "c", "") == []


def test_help():
    assert complete("help", "sta") == ["start", "state", "stats"]


def test_containers(tmp_path):
    """Ids come from the state directory that the line names."""
    program = tmp_path / "orlop"
    program.write_text(f'#!/bin/sh\n[ "$*" != "--root /here list --quiet" ] || {{ echo one; echo two; exit 0; }}\nexec {PROGRAM} "$@"\n')
    program.chmod(0o755)
    assert complete("--root", "/here", "kill", "t", program=str(program)) == ["two"]
    assert complete("--root", "/here", "exec", "", program=str(program)) == ["one", "two"]
    assert complete("--root", "/here", "exec", "-e", "A=1", "-u", "1:2", "--cap", "=", "X", "", program=str(program)) == ["one", "two"]
    assert complete("--root", "/here", "list", "", program=str(program)) == []  # takes none
    assert complete("--root", "/here", "kill", "one", "t", program=str(program)) == []  # has one


def test_images(tmp_path):
    """orlop-image by its own help: names of images, files where files are meant."""
    program = os.path.join(os.path.dirname(PROGRAM), "orlop-image")
    if not os.access(program, os.X_OK):
        pytest.skip("orlop-image was not built")
    starts = subprocess.run([program, "--version"], capture_output=True, text=True)
    if starts.returncode != 0:
        pytest.skip(f"orlop-image does not start here: {starts.stderr.strip()}")
    fake = tmp_path / "orlop-image"
    fake.write_text(f'#!/bin/sh\n[ "$*" != "--store /here list --quiet" ] || {{ echo app; echo base; exit 0; }}\nexec {program} "$@"\n')
    fake.chmod(0o755)
    assert complete("im", program=str(fake)) == ["import"]
    assert complete("import", "--pl", program=str(fake)) == ["--platform"]
    assert complete("--store", "/here", "bundle", "a", program=str(fake)) == ["app"]
    assert complete("--store", "/here", "inspect", "", program=str(fake)) == ["app", "base"]
    for command in ("import", "mount", "rm-bundle"):
        assert complete("--store", "/here", command, f"{tmp_path}/orl", program=str(fake)) == [str(fake)]
