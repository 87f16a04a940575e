# SPDX-License-Identifier: Apache-2.0
"""Command lines as callers write them, and what callers read: phrases and one record of each failure."""
import json
import os
import re
import shutil
import subprocess

import pytest
from orlop import PROGRAM, needs_cgroupfs, pid_gone


@pytest.mark.parametrize("globals", [
    ["--systemd-cgroup=false"], ["-systemd-cgroup=false"], ["--rootless=true"], ["--rootless", "false"], ["--rootless=auto"], ["--criu", "/x"],
    ["--criu=/x"], ["--log-level", "error"], ["--log=/dev/null", "--log-format=json"], ["--cgroup-manager", "cgroupfs"], ["--debug=false"]])
def test_global_options(box, globals):
    b = box.bundle(["true"])
    b.save()
    assert box.orlop(*globals, "run", "--bundle", b.path, "c").err == ""


@pytest.mark.parametrize("words", [["--no-subreaper"], ["-no-subreaper"], ["--no-subreaper=true"], ["--no-new-keyring"], ["-no-new-keyring"]])
def test_flags_with_one_dash_and_two(box, words):
    b = box.bundle(["true"])
    b.save()
    box.orlop("run", *words, "-b", b.path, "c")
    box.orlop("run", f"--bundle={b.path}", "c", *words)  # after the container, as runc takes them


def test_root_in_one_word(box):
    needs_cgroupfs("the command line has one word more")
    program, _, root = box.command()
    b = box.bundle(["sleep", "100"])
    box.run(b, "-d")
    for words in [f"--root={root}"], ["--root", root], [f"-root={root}"], ["-r", root]:
        done = subprocess.run([program, *words, "state", "c"], capture_output=True, text=True, timeout=20)
        assert json.loads(done.stdout)["id"] == "c", done.stderr
    box.delete()


@pytest.mark.parametrize("root", ["/", "//", ""])
def test_no_root(box, root):
    assert "invalid --root" in box.orlop("--root", root, "list", status=1).err


def test_rootless_is_true_false_or_auto(box):
    """What is decided anyway is no place for a word that means nothing."""
    assert 'option --rootless is true, false or auto, not "maybe"' in box.orlop("--rootless=maybe", "list", status=1).err
    for word in "true", "false", "auto", "":
        box.orlop("--rootless", word, "list")


@pytest.mark.parametrize("command", ["create", "run", "exec", pytest.param("restore", marks=pytest.mark.root("only root restores"))])
def test_no_pid_file(box, command):
    b = box.bundle(["sleep", "100"])
    if command == "exec":
        box.run(b, "-d")
    b.save()
    options = ["--bundle", b.path] if command != "exec" else []
    err = box.orlop(command, "--pid-file", "", *options, "c", *(["true"] if command == "exec" else []), status=255 if command == "exec" else 1).err
    assert err == f"orlop: {command}: the name of the pid file is empty\n"
    if command == "exec":
        box.delete()


def test_options_after_the_container(box):
    b = box.bundle(["sleep", "100"])
    b.save()
    box.orlop("run", "c", "-d", "--bundle", b.path)
    pid = box.state()["pid"]
    box.orlop("kill", "c", "KILL", "--all")
    box.wait("stopped")
    box.orlop("delete", "c", "--force")
    assert pid_gone(pid)


def test_options_stop_at_the_command(box):
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert box.orlop("exec", "c", "echo", "--help", "-d", "--tty").out == "--help -d --tty\n"
    assert box.orlop("exec", "--", "c", "echo", "x").out == "x\n"
    box.delete()


def test_config_of_another_name(box):
    b = box.bundle(["echo", "other"])
    b.save()
    os.rename(f"{b.path}/config.json", f"{b.path}/other.json")
    for words in ["--config", "other.json"], ["-f", "other.json"], [f"--config={b.path}/other.json"]:
        assert box.orlop("run", "--bundle", b.path, *words, "c").out == "other\n"


@pytest.mark.parametrize("command", [[], ["exec"], ["state"], ["restore"]], ids=lambda c: " ".join(c) or "none")
def test_help_in_the_words_of_both(box, command):
    """-h and --help of runc, -? and --usage of crun."""
    out = box.orlop(*command, "--help").out
    assert out.startswith("Usage: orlop ")
    assert [box.orlop(*command, word).out for word in ("-h", "-?", "--usage")] == [out] * 3


# Of later releases than the ones that are installed, by their manual pages: runc 1.5 and crun 1.29.
LATER = {
    "": "root log log-format log-level debug systemd-cgroup cgroup-manager rootless criu",
    "create": "pidfd-socket config no-subreaper", "run": "pidfd-socket config keep", "exec": "pidfd-socket ignore-paused additional-gids",
    "update": "cpu-burst cpu-idle", "kill": "all regex", "delete": "force regex", "spec": "file rootless",
    "checkpoint": "image-path work-path parent-path leave-running tcp-established tcp-skip-in-flight link-remap ext-unix-sk shell-job file-locks pre-dump "
                  "lazy-pages status-fd page-server empty-ns auto-dedup manage-cgroups-mode network-lock",
    "restore": "image-path work-path bundle detach pid-file console-socket tcp-established tcp-close ext-unix-sk shell-job file-locks lazy-pages no-pivot "
               "no-subreaper empty-ns auto-dedup manage-cgroups-mode network-lock lsm-profile lsm-mount-context",
}
COMMANDS = ["", "checkpoint", "create", "delete", "events", "exec", "features", "kill", "list", "pause", "ps", "restore", "resume", "run", "spec", "start",
            "state", "update"]


def options(program, command):
    """Names, and letters that are short for them, in what --help says; None without such a command."""
    done = subprocess.run([program, *command.split(), "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)
    if done.returncode != 0:
        return None
    text = done.stdout + done.stderr
    return set(re.findall(r"^ +(?:-\w, )?--([a-z0-9-]+)", text, re.M)) | {
        f"{letter} {name}" for letter, name in re.findall(r"^ +-(\w), --([a-z0-9-]+)", text, re.M)} | {
        f"{letter} {name}" for name, letter in re.findall(r"^ +--([a-z0-9-]+)(?: value)?, -(\w)", text, re.M)}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("peer", ["runc", "crun", "later ones"])
def test_every_option_of_the_peers(peer, command):
    if peer != "later ones" and not shutil.which(peer):
        pytest.skip(f"{peer} is not installed")
    theirs = options(peer, command) if peer != "later ones" else set(LATER.get(command, "").split())
    if theirs is None:
        pytest.skip(f"this {peer} has no {command}")
    assert command != "exec" or peer == "later ones" or {"cwd", "e env"} <= theirs  # the pattern finds them
    assert theirs - options(PROGRAM, command) - {"help", "h help", "usage", "version", "v version"} == set()


def test_version(box):
    for word in "--version", "-v", "-V":
        lines = box.orlop(word).out.splitlines()
        assert re.match(r"orlop version \d+\.\d+\.\d+", lines[0])
        assert lines[1].startswith("commit: ") and lines[2] == "spec: 1.3.0"


def records(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


PHRASES = [
    (["state", "none"], 'container "none" does not exist'),
    (["kill", "none"], 'container "none" does not exist'),
    (["pause", "none"], 'container "none" does not exist'),
    (["ps", "none"], 'container "none" does not exist'),
    (["delete", "none"], 'container "none" does not exist'),
    (["delete", "none", "nothing"], 'container "none" does not exist'),
    (["exec", "none", "true"], 'container "none" does not exist'),
    (["kill", "gone"], "container not running"),
    (["pause", "gone"], "container not running"),
    (["exec", "gone", "true"], "container not running"),
    (["resume", "gone"], "container not paused"),
    (["kill", "-r", "("], "invalid regular expression"),
    (["exec", "here", "nosuchprogram"], "executable file not found in $PATH"),
    (["exec", "here", "/no/such"], "no such file or directory"),
    (["exec", "--cgroup", "..", "here", "true"], 'must not contain ".."'),
    (["state"], "an operand is missing"),
]


def test_one_record_of_each_failure(box):
    box.run(box.bundle(["true"]), "--keep", id="gone")
    box.run(box.bundle(["sleep", "100"]), "-d", id="here")
    for i, (words, phrase) in enumerate(PHRASES):
        log = f"{box.dir}/log{i}"
        r = box.orlop("--log", log, "--log-format", "json", *words, status=255 if words[0] == "exec" else 1)
        assert phrase in r.err and r.err.count("\n") == 1 and r.out == "", (words, r)
        written = records(log)
        assert len(written) == 1 and written[0]["level"] == "error" and phrase in written[0]["msg"], (words, written)
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", written[0]["time"])
    b = box.bundle(["nosuchprogram"])
    for words, phrase in ((["create", "here"], "container with given ID already exists"), (["create", "new"], "executable file not found in $PATH")):
        b.save()
        log = f"{box.dir}/log-{words[1]}"
        r = box.orlop("--log", log, "--log-format", "json", words[0], "--bundle", b.path, words[1], status=1)
        assert phrase in r.err and [phrase in w["msg"] for w in records(log)] == [True]
    box.delete("gone")
    box.delete("here")


# --- exec

@pytest.fixture
def running(box):
    box.run(box.bundle(["sleep", "100"]), "-d")
    yield box
    box.delete()


def status_of(box, *options):
    text = box.orlop("exec", *options, "c", "cat", "/proc/self/status").out
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_exec_flags(running):
    s = status_of(running, "--user=7:8", "-g", "20", "--additional-gids=21", "--no-new-privs", "-c", "CAP_SYS_TIME")
    assert s["Uid"].split()[0] == "7" and s["Gid"].split()[0] == "8" and {"20", "21"} <= set(s["Groups"].split())
    assert s["NoNewPrivs"] == "1"
    assert int(s["CapBnd"], 16) >> 25 & 1 and int(s["CapInh"], 16) == 0
    assert running.orlop("exec", "-e", "A=1", "-e", "A=2", "--cwd=/tmp", "c", "sh", "-c", "echo $A; pwd").out.split() == ["2", "/tmp"]


def test_exec_preserves(running):
    path = os.path.join(running.dir, "text")
    with open(path, "w") as f:
        f.write("through\n")
    running.prefix = ["sh", "-c", f"exec 3<{path}; exec \"$@\"", "sh"]  # (our own third descriptor is the test runner's)
    assert running.orlop("exec", "--preserve-fds", "1", "c", "head", "-n1", "/proc/self/fd/3").out == "through\n"
    running.prefix = []


def test_exec_of_a_document_in_a_pipe(running):
    """As bash's <(...) makes one."""
    text = json.dumps({"args": ["echo", "piped"], "cwd": "/", "env": ["PATH=/bin"]})
    done = subprocess.run(running.command("exec", "--process", "/dev/stdin", "c"), input=text, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "piped\n", "")
    assert "Is a directory" in running.orlop("exec", "--process", running.dir, "c", status=255).err


def test_exec_failure_and_status(running):
    assert running.orlop("exec", "c", "sh", "-c", "exit 255", status=255).err == ""
    assert running.orlop("exec", "--preserve-fds", "900", "c", "true", status=255).err.count("\n") == 1
    assert "either a process document or a command" in running.orlop("exec", "--process", "/x", "c", "true", status=255).err
