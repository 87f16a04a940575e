# SPDX-License-Identifier: Apache-2.0
"""docs/example.c, compiled and run against the library as it is installed."""
import os
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("ORLOP_BUILD", str(TOP / "build"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A tree that `make install` wrote."""
    for tool in ("make", "pkg-config", "cc"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    tree = tmp_path_factory.mktemp("installed")
    subprocess.run(["make", "-s", "-C", BUILD, "install", f"DESTDIR={tree}"], check=True, timeout=300, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return tree


def flags(tree, *words):
    found = list(tree.glob("**/liborlop.pc"))
    assert len(found) == 1
    env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(tree), PKG_CONFIG_LIBDIR=str(found[0].parent))
    return subprocess.run(["pkg-config", *words, "liborlop"], env=env, capture_output=True, text=True, check=True, timeout=20).stdout.split()


def compiled(tree, tmp_path, compiler, *more):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    program = str(tmp_path / "example")
    subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", *more, str(TOP / "docs/example.c"), "-o", program,
                    *flags(tree, "--cflags", "--libs")], check=True, timeout=60)
    return program


def run(tree, *argv):
    libdir = next(tree.glob("**/liborlop.so.0")).parent
    return subprocess.run(argv, env=dict(os.environ, LD_LIBRARY_PATH=str(libdir)), capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("compiler, more", [("cc", ("-std=c99", "-D_DEFAULT_SOURCE")), ("c++", ("-x", "c++"))])
def test_runs_a_container(box, installed, tmp_path, compiler, more):
    program = compiled(installed, tmp_path, compiler, *more)
    b = box.bundle(["sh", "-c", "echo hello from $$"])
    b.save()
    done = run(installed, program, b.path, box.root)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("created: {") and '"status":"created"' in done.stdout.replace(" ", "").replace("\n", "")
    assert lines[-2:] == ["hello from 1", "example is stopped"]


def test_says_what_is_wrong(box, installed, tmp_path):
    program = compiled(installed, tmp_path, "cc")
    b = box.bundle(["no-such-program"])
    b.save()
    done = run(installed, program, b.path, box.root)
    assert done.returncode == 1 and "no-such-program" in done.stderr and "example: hint: " in done.stderr


def test_installed_tree(installed):
    names = {str(p.relative_to(installed)) for p in installed.glob("**/*")}
    for tail in ("bin/orlop", "include/orlop.h", "pkgconfig/liborlop.pc", "man1/orlop.1", "man1/orlop-create.1",
                 "bash-completion/completions/orlop", "liborlop.so"):
        assert any(n.endswith(tail) for n in names), tail
