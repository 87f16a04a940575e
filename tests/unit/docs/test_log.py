# SPDX-License-Identifier: Apache-2.0
"""What docs/errors.md and the manual say of standard error and the log, asked of the program."""
import json
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.path.abspath(os.environ.get("ORLOP", str(TOP / "build/orlop")))


@pytest.fixture
def state(tmp_path):
    """A state directory with a record that cannot be read."""
    os.makedirs(tmp_path / "state/broken")
    (tmp_path / "state/broken/state.json").write_text("{")
    return tmp_path / "state"


def orlop(state, *words, status=0):
    done = subprocess.run([PROGRAM, "--root", str(state), *words], capture_output=True, text=True, timeout=20)
    assert done.returncode == status, done
    return done


def test_text_record(state):
    """A record is keys and quoted values, whatever the message has in it."""
    log = state.parent / "log"
    said = orlop(state, "--log", str(log), "state", "broken", status=1).stderr
    record = re.fullmatch(r'time="([^"]*)" level=error msg="((?:[^"\\]|\\.)*)"\n', log.read_text())
    assert record and said == "orlop: state: " + re.sub(r"\\(.)", r"\1", record[2]) + "\n"
    assert '"broken"' in said


def test_long_message_is_cut(state):
    record = orlop(state, "--log", str(state.parent / "log"), "state", '"' * 5000, status=1)
    assert record.stderr.count("\n") == 1
    assert re.fullmatch(r'time="[^"]*" level=error msg="(?:[^"\\]|\\.)*"\n', (state.parent / "log").read_text())


def test_a_record_is_one_line(state):
    orlop(state, "--log", str(state.parent / "log"), "kill", "none\nlevel=error", "no\nsuch", status=1)
    assert (state.parent / "log").read_text().count("\n") == 1


def test_json_goes_to_standard_error_without_a_log(state):
    said = orlop(state, "--log-format", "json", "state", "broken", status=1).stderr
    record = json.loads(said)
    assert record["level"] == "error" and record["code"] == "bug" and '"broken"' in record["msg"]


def test_log_and_standard_error(state):
    log = state.parent / "log"
    said = orlop(state, "--log", str(log), "--log-format", "json", "state", "none", status=1).stderr
    assert said == 'orlop: state: container "none" does not exist\n'
    record = json.loads(log.read_text())
    assert (record["msg"], record["code"], record["errno"]) == ('container "none" does not exist', "state", 2)


@pytest.mark.parametrize("form", ["text", "json"])
def test_advice_is_in_the_message(state, form):
    """An engine shows the message of a record, and nothing else of it."""
    with open(state.parent / "config.json", "wb") as f:
        f.truncate(17 << 20)
    log = state.parent / "log"
    said = orlop(state, "--log", str(log), "--log-format", form, "run", "-b", str(state.parent), "c", status=1).stderr
    msg = json.loads(log.read_text())["msg"] if form == "json" else re.search(r'msg="(.*)"', log.read_text())[1].replace("\\", "")
    assert said == f"orlop: run: {msg}\n"
    assert msg.endswith(" (hint: a document may have at most 16 MiB)")


# By these engines tell apart why a program did not start: Docker and Podman make exit statuses of them.
PHRASES = ["permission denied", "operation not permitted", "executable file not found", "open executable", "no such file or directory", "not a directory",
           "does not exist", "not running", "already exists", "already in use"]


def test_no_advice_is_taken_for_a_reason():
    text = (TOP / "src/hints.c").read_text().lower()
    assert text.count(", \"") > 100
    assert [p for p in PHRASES if p in text] == []


def test_unreadable_record_is_a_warning_of_list(state):
    title = "ID  PID  STATUS  BUNDLE  CREATED  OWNER\n"
    done = orlop(state, "list")
    assert (done.stdout, done.stderr) == (title, "")
    done = orlop(state, "--log-level", "warning", "list")
    assert done.stdout == title and "level=warning" in done.stderr and "broken" in done.stderr
    log = state.parent / "log"
    done = orlop(state, "--log", str(log), "--log-level", "warning", "list")
    assert done.stderr == "" and "level=warning" in log.read_text()


def test_exit_status(state):
    orlop(state, "exec", "none", "true", status=255)
    orlop(state, "kill", "none", status=1)
    orlop(state, "delete", "none", status=1)
    orlop(state, "delete", "--force", "none")
    orlop(state, "nonsense", status=1)
    orlop(state, "--nonsense", status=1)
