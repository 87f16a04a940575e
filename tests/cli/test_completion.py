# SPDX-License-Identifier: Apache-2.0
"""The bash completion with containers that there are; tests/unit/docs has the rest."""
import pathlib
import shutil
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "docs/completion/orlop.bash"


def test_ids_of_containers(box):
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    box.create(box.bundle(["true"]), id="first")
    box.create(box.bundle(["true"]), id="second")
    words = [*box.command("start"), "s"]
    code = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _orlop; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-euc", code, "bash", str(SCRIPT), *words], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("second\n", "")
    box.delete("second")
    done = subprocess.run(["bash", "-euc", code, "bash", str(SCRIPT), *words[:-1], ""], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("first\n", "")
    box.delete("first")
