# SPDX-License-Identifier: Apache-2.0
"""The manual pages say what the program says: each command has its page, each page the name, operands and options of --help and no others.
With the other checks of the tree, since it is as quick: only the program must have been built."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ORLOP", str(TOP / "build/orlop"))
PAGES = sorted((TOP / "docs/man").glob("*.1"))
IMAGE_PAGE, IMAGE_PROGRAM = TOP / "docs/man/orlop-image.1", os.path.join(os.path.dirname(PROGRAM), "orlop-image")
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"]  # of each command's page, in this order
built = pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="the program was not built")


def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, check=True, timeout=20).stdout


def commands():
    return re.findall(r"^  ([a-z][\w-]*) ", help_of().split("Commands:")[1].split("\n\n")[0], re.M)


def options_of_help(text):
    """The options of a help text, long and short ones; each with the name of its value, or ""."""
    found = set()
    for line in text.split("Options:")[1].splitlines():
        row = re.match(r"  (?:-(\w), |    )--([\w-]+)(?: (\S+))?(?=  )", line)
        if row:
            found |= {(option, row[3] or "") for option in ("-" + (row[1] or ""), "--" + row[2]) if option != "-"}
    return found


def options_of_page(path):
    """What the entries of a page are titled, in the same form."""
    titles = re.findall(r"^\.TP\n(.*)$", path.read_text().replace("\\-", "-"), re.M)
    return {(o, v) for t in titles for o, v in re.findall(r"\\fB(--?[A-Za-z][\w-]*)\\fR(?:[ =]\\fI([^\\]*)\\fR)?", t)}


def unfinished_of_help(text):
    """Options that do nothing yet."""
    return set(re.findall(r"^ .*?--([\w-]+) .*not implemented yet", text, re.M))


def unfinished_of_page(path):
    entries = re.findall(r"^\.TP\n(.*)\n((?:(?!\.TP|\.SH).*\n)*)", path.read_text().replace("\\-", "-"), re.M)
    return {re.search(r"--([\w-]+)", title)[1] for title, text in entries if re.search(r"not implemented yet", text, re.I)}


def page_of(command):
    return TOP / f"docs/man/orlop-{command}.1"


def differences(page, help_text):
    return options_of_page(page) ^ options_of_help(help_text)


@built
def test_every_command_has_a_page():
    there = [c for c in commands() if c != "help"]
    assert len(there) >= 10
    assert {p.name for p in PAGES} == {"orlop.1", IMAGE_PAGE.name} | {page_of(c).name for c in there}


@built
def test_readme_names_every_command():
    """What works is said, and nothing that works is said to be refused."""
    works, refused = re.search(r"^## What works\n(.*?)^## What is refused.*?\n(.*?)^## ", (TOP / "README.md").read_text(), re.M | re.S).groups()
    there = set(commands()) - {"help"}
    assert there - set(re.findall(r"[a-z]+", works.split(";")[0])) == set()
    missing = re.search(r"\bcommands ([^.]*?) (?:is|are) not there yet", refused)
    assert not missing or there & set(re.findall(r"[a-z]+", missing[1])) == set()


@built
def test_global_options():
    assert not differences(TOP / "docs/man/orlop.1", help_of())
    text = (TOP / "docs/man/orlop.1").read_text()
    assert [c for c in commands() if c != "help" and f"orlop\\-{c}" not in text] == []


def command_faults(page, help_text):
    """What a page of a command says otherwise than the command's help, or does not say."""
    text = page.read_text().replace("\\-", "-")
    usage, sentence = re.match(r"Usage: orlop ([^\n]*)\n\n(.*?)\.\n", help_text, re.S).groups()
    command = usage.split()[0]
    said = re.search(r"^\.SH NAME\norlop-(\S+) - (.*)$", text, re.M)
    if not said or said[1] != command or not sentence.lower().startswith(said[2].lower()):
        yield f"NAME is not {command} - {sentence}"
    synopsis = " ".join(re.sub(r"^\.\w+ ?", "", re.search(r"^\.SH SYNOPSIS\n(.*?)^\.SH", text, re.M | re.S)[1], flags=re.M).split())
    operands = re.sub(r"[][. ]", "", usage.split("]", 1)[1])
    if not re.sub(r"[][. \\]", "", synopsis).endswith(command + "option" + operands.replace("ARG", "ARGUMENT").lower()):
        yield f"SYNOPSIS is not {usage}"
    sections = [s for s in re.findall(r"^\.SH (.*)$", text, re.M) if s in SECTIONS]
    if sections != SECTIONS:
        yield f"sections are {sections}"
    yield from (f"--{o}: only one of page and help says that it is not implemented" for o in
                sorted(unfinished_of_page(page) ^ unfinished_of_help(help_text)))
    yield from (f"{' '.join(o)} differs" for o in sorted(differences(page, help_text)))


@built
@pytest.mark.parametrize("command", [p.stem[len("orlop-"):] for p in PAGES if p.stem not in ("orlop", IMAGE_PAGE.stem)])
def test_page_of_command(command):
    assert list(command_faults(page_of(command), help_of(command))) == []


@built
@pytest.mark.parametrize("old, new, faults", [
    ("\\-\\-all\\fR", "\\-\\-everybody\\fR", ["--all  differs", "--everybody  differs"]),
    (".SH EXIT STATUS\n", ".TP\n\\fB\\-\\-loud\\fR\nNo such thing.\n.SH EXIT STATUS\n", ["--loud  differs"]),
    ("\\fB\\-\\-all\\fR", "\\fB\\-\\-all\\fR=\\fIHOW\\fR", ["--all  differs", "--all HOW differs"]),
    ("kill \\- signal", "kill \\- greet", ["NAME is not kill - Signal a container's first process (default: its stop signal)"]),
    (".RI [ signal ]\n", "", ["SYNOPSIS is not kill [OPTION...] CONTAINER [SIGNAL]"]),
    ("Signal every process", "Not implemented yet.", ["--all: only one of page and help says that it is not implemented"]),
    (".SH EXIT STATUS\n", "", ["sections are ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'SEE ALSO']"]),
])
def test_a_difference_is_seen(tmp_path, old, new, faults):
    text = page_of("kill").read_text()
    assert old in text
    page = tmp_path / "page.1"
    page.write_text(text.replace(old, new))
    assert list(command_faults(page, help_of("kill"))) == faults


def image_help(*words):
    return subprocess.run([IMAGE_PROGRAM, *words, "--help"], capture_output=True, text=True, check=True, timeout=20).stdout


@pytest.mark.skipif(not os.access(IMAGE_PROGRAM, os.X_OK), reason="orlop-image was not built")
def test_page_of_images():
    """One page has all commands of orlop-image: each with its operands and its options under it, and no others."""
    text = IMAGE_PAGE.read_text().replace("\\-", "-")
    top, *sections = re.split(r"^\.SS ", text.split(".SH COMMANDS\n")[1].split("\n.SH ")[0], flags=re.M)
    there = re.findall(r"^  ([a-z][\w-]*) ", image_help().split("Commands:")[1].split("\n\n")[0], re.M)
    assert len(there) >= 9 and [s.split()[0] for s in sections] == there and top.strip() == ""
    for command, section in zip(there, sections):
        shown = image_help(command)
        usage = re.match(r"Usage: orlop-image ([^\n]*)\n", shown)[1].replace("[OPTION...] ", "").strip()
        assert section.splitlines()[0] == usage
        titles = re.findall(r"^\.TP\n(.*)$", section, re.M)
        said = {(o, v) for t in titles for o, v in re.findall(r"\\fB(--?[A-Za-z][\w-]*)\\fR(?:[ =]\\fI([^\\]*)\\fR)?", t)}
        assert said == options_of_help(shown) - {("-h", ""), ("--help", "")}, command
    said = {(o, v) for t in re.findall(r"^\.TP\n(.*)$", text.split(".SH OPTIONS\n")[1].split("\n.SH ")[0], re.M)
            for o, v in re.findall(r"\\fB(--?[A-Za-z][\w-]*)\\fR(?:[ =]\\fI([^\\]*)\\fR)?", t)}
    assert said == options_of_help(image_help())


def groff(path):
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", str(path)], capture_output=True, text=True, timeout=20)
    return done.returncode, done.stderr


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_page_is_well_formed(path):
    assert groff(path) == (0, "")


def test_groff_sees_a_mistake(tmp_path):
    page = tmp_path / "page.1"
    page.write_text(PAGES[0].read_text() + ".TP\n.NOSUCH request\n")
    assert "NOSUCH" in groff(page)[1]
