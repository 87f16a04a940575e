# SPDX-License-Identifier: Apache-2.0
"""compare.py: what makes it fail, and what its table says."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import compare  # noqa: E402

WAITS, LINKS = ("tests.spec.test_runtime", "test_program_waits_for_start"), ("tests.spec.test_runtime", "test_links_in_dev")


@pytest.mark.parametrize("ours, theirs, status", [
    ({WAITS: "passed", LINKS: "passed"}, {WAITS: "failed", LINKS: "passed"}, 0),
    ({WAITS: "passed", LINKS: "failed"}, {WAITS: "passed", LINKS: "passed"}, 1),
    ({WAITS: "passed", LINKS: "failed"}, {WAITS: "passed", LINKS: "failed"}, 1),  # whoever else fails it
    ({WAITS: "passed", LINKS: "skipped"}, {}, 0),
    ({WAITS: "skipped", LINKS: "skipped"}, {}, 1),  # nothing was shown
])
def test_only_ours_fails_it(monkeypatch, capsys, ours, theirs, status):
    monkeypatch.setattr(compare, "results", lambda program: (ours if program == "ours" else theirs, "what pytest said"))
    monkeypatch.setenv("ORLOP", "ours")
    monkeypatch.setattr(compare.shutil, "which", lambda name: None if name == "crun" else name)
    assert compare.main() == status
    said = capsys.readouterr().out
    assert "crun is not installed" in said and ("what pytest said" in said) == (status == 1)
    assert f"orlop: fails in rules {'44' if ours[LINKS] == 'failed' else 'none'}" in said
    assert theirs.get(WAITS) != "failed" or "runc: fails in rules 9, 10, 16, 26, 27, 32" in said
