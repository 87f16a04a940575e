# SPDX-License-Identifier: Apache-2.0
"""quickstart asks each package manager for what is missing, in its own words and names; with managers that only write down what they
were asked.  The build that follows fails here, for the copy of quickstart stands alone."""
import os
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
TABLE = TOP / "packaging/packages.tsv"
COLUMNS = {"apt-get": 1, "dnf": 2, "apk": 3, "pacman": 4}
ASKS = {"apt-get": "dpkg-query", "dnf": "rpm", "apk": "apk", "pacman": "pacman"}
INSTALL = {"apt-get": "install -q -y --no-install-recommends", "dnf": "install -y", "apk": "add", "pacman": "-Sy --noconfirm --needed"}
TOOLS = "sh awk cat tail mktemp rm id printf grep dirname uname find head mkdir nproc".split()


def rows():
    return [line.split("\t") for line in TABLE.read_text().splitlines() if not line.startswith("#")]


def names(manager, *purposes):
    return [r[COLUMNS[manager]] for r in rows() if r[0] in purposes and r[COLUMNS[manager]] != "-"]


def quickstart(tmp_path, manager, have, *words):
    """Runs a lone quickstart where MANAGER is the only one and the packages of HAVE are there; returns what was asked, and the output."""
    if os.geteuid() != 0:
        pytest.skip("quickstart installs as root only")
    tools, record = tmp_path / "bin", tmp_path / "record"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(shutil.which(tool))
    (tmp_path / "have").write_text("\n".join(have))
    record.write_text("")
    there = f'for last; do :; done; grep -qxF "$last" {tmp_path}/have'
    query = {"apt-get": there + ' && printf "install ok installed"', "dnf": there, "apk": there, "pacman": there}[manager]
    tool = f'#!/bin/sh\ncase "$0 $*" in *dpkg-query*|*/rpm*|*"info -e"*|*" -Q "*) {query} ;; *) printf "%s\\n" "$*" >>{record} ;; esac\n'
    for name in {manager, ASKS[manager]}:
        (tools / name).write_text(tool)
        (tools / name).chmod(0o755)
    shutil.copy(TOP / "quickstart", tmp_path)
    (tmp_path / "packaging").mkdir()
    shutil.copy(TABLE, tmp_path / "packaging")
    done = run(tmp_path, *words)
    assert done.returncode != 0 and "autogen.sh failed" in done.stderr, done
    return record.read_text().splitlines(), done.stdout


def run(tmp_path, *words):
    return subprocess.run(["sh", str(tmp_path / "quickstart"), *words], env={"PATH": str(tmp_path / "bin"), "TMPDIR": str(tmp_path)}, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)


def program(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_check_after_a_build_without_tests(tmp_path):
    """What the first command configured knows of no test library, since that was not there yet."""
    quickstart(tmp_path, "apt-get", names("apt-get", "build", "demo", "test", "engine", "conformance", "vm"), "check")
    (tmp_path / "configure.ac").touch()
    os.utime(tmp_path / "configure.ac", (0, 0))
    program(tmp_path / "configure", 'echo configured >>../record; touch Makefile; printf "%s\\n" "S[\\"HAVE_CMOCKA_TRUE\\"]=\\"$(cat ../found)\\"" >config.status')
    program(tmp_path / "bin/make", "echo made >>../record")
    (tmp_path / "bin/touch").symlink_to(shutil.which("touch"))
    (tmp_path / "tests").mkdir()
    program(tmp_path / "tests/run", "echo tested >>record")
    (tmp_path / "found").write_text("#")
    for words, found, expected in (([], "#", "configured made"), ([], "", "made"), (["check"], "", "configured made tested"),
                                   (["check"], "", "made tested"), ([], "", "made")):
        (tmp_path / "record").write_text("")
        (tmp_path / "found").write_text(found)
        run(tmp_path, *words)
        assert (tmp_path / "record").read_text().split() == expected.split(), words
    assert not list(tmp_path.glob("tmp.*"))  # of the demonstration, which fails here


@pytest.mark.parametrize("manager", COLUMNS)
def test_all_missing(tmp_path, manager):
    asked, _ = quickstart(tmp_path, manager, [])
    assert asked[-1] == f"{INSTALL[manager]} {' '.join(names(manager, 'build', 'demo'))}"


@pytest.mark.parametrize("manager", COLUMNS)
def test_one_missing(tmp_path, manager):
    wanted = names(manager, "build", "demo", "test", "engine", "conformance", "vm")
    missing = wanted[3]
    asked, _ = quickstart(tmp_path, manager, [n for n in wanted if n != missing], "check")
    assert asked[-1] == f"{INSTALL[manager]} {missing}"


@pytest.mark.parametrize("manager", COLUMNS)
def test_none_missing_asks_nothing(tmp_path, manager):
    asked, out = quickstart(tmp_path, manager, names(manager, "build", "demo", "test", "engine", "conformance", "vm"), "check")
    assert asked == [] and "all there" in out


def test_rows_are_whole():
    for row in rows():
        assert len(row) == 5 and row[0] in ("build", "demo", "test", "engine", "conformance", "vm") and all(row), row
