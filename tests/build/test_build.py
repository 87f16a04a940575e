# SPDX-License-Identifier: Apache-2.0
"""The other ways to build: from the tarball, and with clang and the sanitizers."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ORLOP_BUILD", TOP / "build")).resolve()


def run(log, argv, **more):
    """Runs a program, its output in a file; a failure shows the end of that."""
    with open(log, "a") as out:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=1200, **more)
    text = pathlib.Path(log).read_text(errors="replace")
    assert done.returncode == 0, f"{' '.join(argv)}: status {done.returncode}\n" + "\n".join(text.splitlines()[-60:])
    return text


def test_tarball(tmp_path):
    """What `make dist` packs configures, builds, passes the tests that need no machine, installs and uninstalls, beside read-only sources."""
    env = {k: v for k, v in os.environ.items() if k not in ("ORLOP", "ORLOP_BUILD", "srcdir", "OCISPEC_TOOL", "MAKEFLAGS")}
    text = run(tmp_path / "out", ["make", "-s", "-j2", "-C", str(BUILD), "distcheck"], env=env)
    assert re.search(r"^\d+ passed, 0 failed, \d+ skipped$", text, re.M)
    assert "archives ready for distribution" in text


def test_clang_and_sanitizers(tmp_path):
    """clang takes everything without a warning; unit tests pass under its address and undefined behaviour sanitizers."""
    if not shutil.which("clang"):
        pytest.skip("clang is not installed")
    log, env = tmp_path / "out", {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
    run(log, [str(TOP / "configure"), "--enable-werror", "--enable-sanitizers", "CC=clang"], cwd=tmp_path, env=env)
    run(log, ["make", "-s", "-j2", "all", "check-programs"], cwd=tmp_path, env=env)
    assert " warning: " not in log.read_text()
    env.update(ORLOP_BUILD=str(tmp_path), ORLOP=str(tmp_path / "orlop"), ASAN_OPTIONS="detect_leaks=0")
    text = run(log, [str(TOP / "tests/run"), "unit", "golden"], cwd=tmp_path, env=env)
    assert re.search(r"^\d+ passed, 0 failed, \d+ skipped$", text, re.M) and "runtime error" not in text
    # archives that mean harm, and changed ones, reach orlop-image: a report of the sanitizers is more than its one line
    tests = [str(TOP / f"tests/image/test_{name}.py") for name in ("hostile", "layer")]
    text = run(log, ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(TOP), "-c", str(TOP / "tests/pytest.ini"), *tests], cwd=tmp_path,
               env=dict(env, srcdir=str(TOP), ORLOP=str(BUILD / "orlop")))
    assert "runtime error" not in text and "Sanitizer" not in text
