# SPDX-License-Identifier: Apache-2.0
"""The manual pages say what the program says: each command has its page, each page the options of --help and no others."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("ORLOP", str(TOP / "build/orlop"))
PAGES = sorted((TOP / "docs/man").glob("*.1"))


def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, check=True, timeout=20).stdout


def commands():
    return re.findall(r"^  ([a-z][\w-]*) ", help_of().split("Commands:")[1].split("\n\n")[0], re.M)


def options_of_help(text):
    return set(re.findall(r"(?<![\w-])(--?[A-Za-z][\w-]*)(?=[ ,])", "".join(line[:32] + "\n" for line in text.split("Options:")[1].splitlines())))


def options_of_page(path):
    """What the entries of a page are titled."""
    titles = re.findall(r"^\.TP\n(.*)$", path.read_text().replace("\\-", "-"), re.M)
    return {o for t in titles for o in re.findall(r"\\fB(--?[A-Za-z][\w-]*)", t)}


def page_of(command):
    return TOP / f"docs/man/orlop-{command}.1"


def differences(page, help_text):
    return options_of_page(page) ^ options_of_help(help_text)


def test_every_command_has_a_page():
    there = [c for c in commands() if c != "help"]
    assert len(there) >= 10
    assert {p.name for p in PAGES} == {"orlop.1"} | {page_of(c).name for c in there}


def test_global_options():
    assert not differences(TOP / "docs/man/orlop.1", help_of())
    text = (TOP / "docs/man/orlop.1").read_text()
    assert [c for c in commands() if c != "help" and f"orlop\\-{c}" not in text] == []


@pytest.mark.parametrize("command", [p.stem[len("orlop-"):] for p in PAGES if p.stem != "orlop"])
def test_options_of_command(command):
    assert not differences(page_of(command), help_of(command))


def test_a_difference_is_seen(tmp_path):
    page = tmp_path / "page.1"
    page.write_text(page_of("kill").read_text())
    assert not differences(page, help_of("kill"))
    page.write_text(page_of("kill").read_text() + ".TP\n\\fB\\-\\-loud\\fR\nNo such thing.\n")
    assert differences(page, help_of("kill")) == {"--loud"}
    page.write_text(page_of("kill").read_text().replace("\\-\\-all\\fR", "\\-\\-everybody\\fR"))
    assert differences(page, help_of("kill")) == {"--all", "--everybody"}


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_page_is_well_formed(path):
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", str(path)], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
