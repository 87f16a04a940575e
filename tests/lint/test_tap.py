# SPDX-License-Identifier: Apache-2.0
"""What the runner makes of the results of unit tests: of lines as releases of cmocka write them, and of the library that is here."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import Tap  # noqa: E402


@pytest.mark.parametrize("line, name, reason", [
    ("not ok 2 # SKIP path_open_swapped", "path_open_swapped", "no reason given"),  # 1.1.5
    ("\tnot ok 2 # SKIP path_open_swapped", "path_open_swapped", "no reason given"),
    ("ok 2 - path_open_swapped # SKIP", "path_open_swapped", "no reason given"),
    ("ok 2 # SKIP path_open_swapped", "path_open_swapped", "no reason given"),
    ("ok 2 - path_open_swapped # SKIP not root", "path_open_swapped", "not root"),
    ("skipped: not root\nok 2 - path_open_swapped # SKIP", "path_open_swapped", "not root"),
    ("skipped: not root\nnot ok 2 # SKIP path_open_swapped", "path_open_swapped", "not root"),
    ("no controller of v2 in this view\nnot ok 2 # SKIP path_open_swapped", "path_open_swapped", "no controller of v2 in this view"),
    ("skipped: not root\n# a comment\nnot ok 2 # SKIP path_open_swapped", "path_open_swapped", "not root"),
    ("swap: skipped: not root (Success)\nnot ok 2 # SKIP path_open_swapped", "path_open_swapped", "not root (Success)"),
])
def test_skipped(line, name, reason):
    tap = Tap(f"1..2\nok 1 - first\n{line}\n")
    assert (tap.passed, tap.failed, tap.skipped) == (["first"], [], [(name, reason)])
    assert tap.complete()


@pytest.mark.parametrize("line, name", [
    ("not ok 1 - err_sys_fills", "err_sys_fills"),
    ("not ok 1 - err_sys_fills Could not run test: Test setup failed", "err_sys_fills Could not run test: Test setup failed"),
    ("not ok 0 - group [  FAILED  ] GROUP SETUP", "group [  FAILED  ] GROUP SETUP"),
    ("not ok 1 - skip", "skip"),
    ("skipped: it goes on and fails\nnot ok 1 - fails", "fails"),
])
def test_failed(line, name):
    tap = Tap(f"1..1\n{line}\n")
    assert (tap.passed, tap.failed, tap.skipped) == ([], [name], [])


def test_a_reason_belongs_to_the_next_result():
    tap = Tap("1..3\nskipped: not root\nok 1 - went on\nnot ok 2 # SKIP silent\nok 3 - last\n")
    assert tap.passed == ["went on", "last"]
    assert tap.skipped == [("silent", "no reason given")]


def test_comments_and_chatter_are_no_results():
    tap = Tap("1..1\nok, this is a word of the test\n# ok - group\n# not ok - group\nok 1 - only\n")
    assert (tap.passed, tap.failed, tap.skipped) == (["only"], [], [])


def test_without_numbers_and_the_plan_last():
    tap = Tap("ok - first case\nnot ok - second\n1..2\n")
    assert (tap.passed, tap.failed) == (["first case"], ["second"])
    assert tap.complete()


@pytest.mark.parametrize("text", ["", "1..2\nok 1 - first\n", "1..0\n", "ok 1 - without a plan\n"])
def test_incomplete(text):
    assert not Tap(text).complete()


PROGRAM = r"""
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
static void passes (void **s) { (void) s; }
static void skips (void **s) { (void) s; print_message ("skipped: for the reason\n"); skip (); }
static void fails (void **s) { (void) s; assert_int_equal (1, 2); }
static int refuses (void **s) { (void) s; return -1; }
int main (void)
{
  const struct CMUnitTest tests[] = { cmocka_unit_test (passes), cmocka_unit_test (skips), cmocka_unit_test (fails),
                                      cmocka_unit_test_setup (passes, refuses) };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
"""


def test_the_library_that_is_here(tmp_path):
    compiler = shutil.which(os.environ.get("CC", "cc")) or pytest.skip("no C compiler")
    source, program = tmp_path / "t.c", tmp_path / "t"
    source.write_text(PROGRAM)
    built = subprocess.run([compiler, "-o", program, source, "-lcmocka"], capture_output=True, text=True, check=False)
    if built.returncode != 0:
        pytest.skip("cmocka is not installed: " + built.stderr.splitlines()[-1])
    done = subprocess.run([program], env=dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP"), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    tap = Tap(done.stdout)
    assert done.returncode != 0
    assert tap.passed == ["passes"]
    assert tap.skipped == [("skips", "for the reason")]
    assert [name.split()[0] for name in tap.failed] == ["fails", "passes"]
    assert tap.complete()
