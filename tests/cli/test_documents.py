# SPDX-License-Identifier: Apache-2.0
"""What the program prints and writes that others read: spec, features, version, help, list, logs, exit statuses and fixed phrases."""
import contextlib
import datetime
import json
import os
import re
import resource
import select
import socket
import subprocess

import pytest
from orlop import PROGRAM, USER, needs_cgroupfs

COMMANDS = ["create", "delete", "exec", "features", "kill", "list", "run", "spec", "start", "state"]


def plain(*words, cwd=None):
    """The program with nothing but these words."""
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=20, cwd=cwd, stdin=subprocess.DEVNULL)


# --- version, help, wrong words

@pytest.mark.parametrize("word", ["--version", "-v", "-V"])
def test_version(word):
    """Docker splits a line at the word version; go-runc and Podman show it."""
    done = plain(word)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"orlop version \d+\.\d+\.\d+\S*", lines[0]) and lines[1].startswith("commit: ") and lines[2] == "spec: 1.3.0"


def test_help_names_every_command():
    done = plain("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(COMMANDS) <= set(re.findall(r"^  (\w+) ", done.stdout, re.M))
    assert plain("help").stdout == plain("-h").stdout == done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_command(command):
    done = plain(command, "--help")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith(f"Usage: orlop {command} ")
    assert plain("help", command).stdout == plain(command, "-h").stdout == done.stdout


@pytest.mark.parametrize("words", [[], ["nonsense"], ["--bogus"], ["state"], ["state", "--bogus", "x"], ["state", "a", "b"], ["create"],
                                   ["--log-format", "xml", "list"], ["--log-level", "loud", "list"], ["list", "--format", "xml"],
                                   ["--cgroup-manager", "none", "list"], ["--root"], ["--root=", "list"], ["create", "--bundle"],
                                   ["create", "--preserve-fds", "x", "c"], ["create", "--preserve-fds=-1", "c"], ["help", "nonsense"]])
def test_wrong_words(words):
    done = plain(*words)
    assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1 and done.stderr.startswith("orlop: ")


def test_wrong_words_of_exec():
    """255, which no program gives by itself as often as 1."""
    for words in (["exec"], ["exec", "--bogus", "c", "true"], ["exec", "c"]):
        assert plain(*words).returncode == 255, words


@pytest.mark.parametrize("words", [["--root={}", "list"], ["--root", "{}", "list"], ["-r", "{}", "list"], ["--debug", "--root={}", "list"],
                                   ["--systemd-cgroup", "--root={}", "list"], ["--systemd-cgroup=true", "--root={}", "list"],
                                   ["--rootless=true", "--rootless", "auto", "--root={}", "list"], ["--criu=/x", "--root={}", "list"],
                                   ["--cgroup-manager", "disabled", "--root={}", "list"], ["--root={}", "list", "-f", "table"],
                                   ["--root={}", "list", "--format=table"], ["--root={}", "list", "-ftable"]])
def test_spellings(box, words):
    done = plain(*(w.format(box.root) for w in words))
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]


def test_options_of_the_program_stay_with_it(box):
    """What follows exec's command is the command's."""
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert box.orlop("exec", "c", "echo", "--help", "-v", "--root", "--", "x").out == "--help -v --root -- x\n"
    assert box.orlop("exec", "--", "c", "echo", "-n").status == 0
    box.delete()


# --- spec

def test_spec_runs(box):
    path = os.path.join(box.dir, "new")
    b = box.bundle(["echo", "hello"])  # made of `orlop spec`, with another program and a cgroup of the test's
    os.makedirs(path)
    assert box.orlop("spec", "--bundle", path).out == ""
    with open(os.path.join(path, "config.json")) as f:
        config = json.load(f)
    assert config["process"]["terminal"] is True and config["process"]["args"] == ["sh"] and config["root"]["readonly"] is True
    # one for cgroups where there is cgroup v2 alone, as runc has it
    assert {n["type"] for n in config["linux"]["namespaces"]} - {"cgroup"} == {"pid", "network", "ipc", "uts", "mount"}
    assert box.run(b).out == "hello\n"


def test_spec_does_not_overwrite(box):
    path = os.path.join(box.dir, "config.json")
    with open(path, "w") as f:
        f.write("mine")
    assert "config.json" in box.orlop("spec", cwd=box.dir, status=1).err
    with open(path) as f:
        assert f.read() == "mine"
    box.orlop("spec", "--file", "other.json", "-b", box.dir)
    assert os.path.exists(os.path.join(box.dir, "other.json"))


def test_spec_rootless_runs(box):
    """As root it is one more user: a user namespace, mapped to the caller, without cgroups of its own."""
    needs_cgroupfs("a container has a cgroup of its own")
    b = box.bundle()
    os.unlink(os.path.join(b.path, "config.json"))
    box.orlop("spec", "--rootless", "--bundle", b.path)
    with open(os.path.join(b.path, "config.json")) as f:
        b.config = json.load(f)
    assert "user" in {n["type"] for n in b.config["linux"]["namespaces"]} and b.config["linux"]["uidMappings"][0]["size"] == 1
    b.config["process"].update(terminal=False, args=["sh", "-c", "id -u; cat /proc/self/uid_map; readlink /proc/self/ns/user"])
    b.config["linux"]["cgroupsPath"] = f"{box.cgroup}-r"
    out = box.run(b).out.split()
    assert out[:2] == ["0", "0"] and out[3] == "1" and out[4] != os.readlink("/proc/self/ns/user")


# --- features

def test_features(box):
    done = plain("features")
    assert (done.returncode, done.stderr) == (0, "")
    f = json.loads(done.stdout)
    assert f["ociVersionMin"] and f["ociVersionMax"] == "1.3.0"
    assert set(f["hooks"]) == {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}
    for version in (f["ociVersionMin"], f["ociVersionMax"]):
        b = box.bundle(["true"])
        b.config["ociVersion"] = version
        box.run(b)


def test_features_keep_their_word(box):
    """Each listed namespace and mount option is taken; each listed capability is known."""
    f = json.loads(plain("features").stdout)
    b = box.bundle(["true"])
    b.config["process"]["capabilities"] = {"bounding": f["linux"]["capabilities"]}
    kinds = [n for n in f["linux"]["namespaces"] if n != "time" and (n != "user" or USER)]
    b.config["linux"]["namespaces"] = [{"type": n} for n in kinds]
    assert box.run(b).err == ""
    wrong, here = [], f"{box.dir}/here"
    os.mkdir(here)
    for option in [o for o in f["mountOptions"] if not USER or o not in ("idmap", "ridmap")]:  # which are root's
        b = box.bundle(["true"])
        if option in ("bind", "rbind", "remount"):
            b.mount("/mnt", here, options=["bind"])
        if option in ("copy-symlink", "src-nofollow"):
            b.mount("/mnt", here, options=["bind", option])
        elif option in ("idmap", "ridmap"):
            maps = [{"containerID": 0, "hostID": 1000, "size": 1}]
            b.mount("/mnt", b.rootfs, options=["bind", option]).update(uidMappings=maps, gidMappings=maps)
        elif option != "bind":
            b.mount("/mnt", None if option == "remount" else "tmpfs" if "bind" not in option else here, "tmpfs", [option])
        os.makedirs(f"{b.rootfs}/mnt")
        r = box.run(b, status=None)
        if r.status != 0:
            wrong.append((option, r.err))
    assert wrong == []


# --- state, list and logs as engines parse them

def test_state_is_what_engines_parse(box):
    box.create(box.bundle(["sleep", "100"]))
    s = box.state()
    assert set(s) >= {"ociVersion", "id", "status", "pid", "bundle", "rootfs", "created", "owner"}
    assert datetime.datetime.fromisoformat(re.sub(r"\.\d+Z$", "+00:00", s["created"])).tzinfo
    assert json.loads(box.orlop("list", "--format=json").out)[0]["id"] == "c"
    box.delete()


def test_one_record_for_a_failure(box):
    """Podman takes the whole file for one object; containerd the last one with level error."""
    log = os.path.join(box.dir, "log")
    b = box.bundle(["true"])
    b.mount("/m", "/does/not/exist", options=["bind"])
    b.save()
    r = box.orlop("--log", log, "--log-format=json", "create", "--bundle", b.path, "c", status=1)
    with open(log) as f:
        record = json.loads(f.read())
    assert record["level"] == "error" and "no such file or directory" in record["msg"].lower()
    assert datetime.datetime.fromisoformat(re.sub(r"\.\d+Z$", "+00:00", record["time"])).tzinfo
    assert record["where"].startswith("mounts[") and record["errno"] == 2 and "/does/not/exist" in json.dumps(record)
    assert len(r.err.splitlines()) <= 2


def test_text_log(box):
    log = os.path.join(box.dir, "log")
    box.orlop("--log", log, "state", "x", status=1)
    box.orlop("--log", log, "kill", "x", status=1)
    with open(log) as f:
        lines = f.read().splitlines()
    assert len(lines) == 2 and all('level=error' in x and 'container \\"x\\" does not exist' in x for x in lines)


def test_nothing_is_logged_by_success(box):
    log = os.path.join(box.dir, "log")
    b = box.bundle(["true"])
    b.save()
    box.orlop("--log", log, "--log-format", "json", "run", "--bundle", b.path, "c")
    assert not os.path.exists(log) or os.path.getsize(log) == 0


def test_log_that_cannot_be_opened(box):
    err = box.orlop("--log", "/does/not/exist/log", "list", status=1).err
    assert err == 'orlop: the log cannot be opened: open("/does/not/exist/log"): No such file or directory\n'


def test_log_that_is_a_fifo(box):
    """Who reads it gets whole records; where nobody does, as of one that another user has planted, that is an error and no wait."""
    log = os.path.join(box.dir, "log")
    os.mkfifo(log)
    err = box.orlop("--log", log, "state", "none", status=1).err
    assert err == f'orlop: the log cannot be opened: open("{log}"): No such device or address\n'
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    filler = os.open(log, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(filler, b"." * 4096)
    words = box.command("--log", log, "--log-format=json", "create", "--bundle", "/" + "x" * 3000, "c")
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
        text = ""
        while p.poll() is None or select.select([reader], [], [], 0)[0]:
            if select.select([reader], [], [], 0.1)[0]:
                text += os.read(reader, 65536).decode()
    os.close(filler)
    os.close(reader)
    assert "xxx" in json.loads(text.strip("."))["msg"], text[-300:]


def test_debug_tells_what_happens(box):
    b = box.bundle(["true"])
    b.save()
    err = box.orlop("--debug", "run", "--bundle", b.path, "c").err
    assert "cgroup.make" in err or "child.spawn" in err, err


@pytest.mark.parametrize("words, phrase", [
    (["kill", "c", "TERM"], "container not running"),
    (["exec", "c", "true"], "container not running"),
    (["state", "other"], 'container "other" does not exist'),
    (["start", "c"], "cannot start a container that has stopped"),
])
def test_fixed_phrases(box, words, phrase):
    box.run(box.bundle(["true"]), "--keep")
    assert phrase in box.orlop(*words, status=None).err
    box.delete()


def test_record_of_texts_that_are_no_utf8(box):
    """A JSON record can hold no others, and a failure without a record is no failure to an engine."""
    log = os.path.join(box.dir, "log")
    b = box.bundle(["true"])
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "printf 'caf\\351 \\303\\244' >&2; exit 3"]}]}
    b.save()
    box.orlop("--log", log, "--log-format=json", "create", "--bundle", b.path, "c", status=1)
    box.orlop("--log", log, "--log-format=json", "create", "--bundle", b"/no/\xff", "c", status=1)
    box.orlop("--log", log, "--log-format=json", "create", "--bundle", "/" + "ä" * 3000, "c", status=1)  # is cut
    box.orlop("--log", log, "--log-format=json", b"--\xff", "list", status=1)
    box.orlop("--log", log, "--log-format=json", "list", b"--\xff", status=1)
    box.orlop("--log-format=json", "list", b"--\xff", status=1)
    with open(log) as f:
        records = [json.loads(line) for line in f.read().splitlines()]
    assert ["caf? ä" in records[0]["msg"], "/no/?" in records[1]["msg"], "ää" in records[2]["msg"], "unknown option --?" in records[3]["msg"]] == [True] * 4


OBEYED = "\u202e\u2066\u061c\u200f\u2028\x1b\u009b\x7f"  # what a terminal obeys instead of showing it


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("what", ["program", "warning", "unknown option"])
def test_what_a_terminal_would_obey(box, what, form):
    """Nothing that an image or a document says turns what people read, in whatever way it reaches them."""
    b, log = box.bundle([f"/{OBEYED}" if what == "program" else "true"]), os.path.join(box.dir, "log")
    if what == "warning":
        b.config["process"]["capabilities"]["permitted"].append(f"CAP_{OBEYED}")
    b.save()
    words = ["run", "--bundle", b.path, *(["--" + OBEYED] if what == "unknown option" else []), "c"]
    words = ["--log-level", "warning", *words]
    seen = box.orlop(*words, status=0 if what == "warning" else 1).err
    seen += box.orlop("--log", log, "--log-format", form, *words, status=0 if what == "warning" else 1).err
    with open(log) as f:
        lines = f.read().rstrip("\n").split("\n")  # which splitlines does elsewhere, too
    seen += "".join(json.loads(line)["msg"] for line in lines) if form == "json" else "".join(lines)
    assert seen.count("????") >= 2 and not set(OBEYED) & set(seen), ascii(seen)


def test_bundle_that_a_terminal_would_obey(box):
    """Its path is in the table as all else is; programs get it as it is."""
    b = box.bundle(["sleep", "100"])
    path = f"{b.path}{OBEYED}\n"
    b.save()
    os.rename(b.path, path)
    box.orlop("create", "--bundle", path, "c")
    table = box.orlop("list").out
    assert table.count("\n") == 2 and f"{b.path}????" in table and not set(OBEYED) & set(table), ascii(table)
    assert json.loads(box.orlop("list", "-f", "json").out)[0]["bundle"] == path
    box.delete()


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("name,path", [("journald", "run/systemd/journal/socket"), ("syslog", "dev/log")])
def test_log_of_a_daemon(box, name, path):
    """One datagram a record, at the places where the daemons listen: seen in a mount namespace of its own."""
    place = os.path.join(box.dir, "daemon")
    os.mkdir(place)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(f"{place}/socket")
        daemon.settimeout(20)
        top = path.split("/")[0]
        script = f"mount -t tmpfs x /{top}; mkdir -p $(dirname /{path}); ln -s {place}/socket /{path}; shift 0; exec \"$@\""
        run = ["unshare", "-m", "--propagation", "private", "sh", "-ec", script, "sh", os.path.abspath(PROGRAM)]
        done = subprocess.run([*run, "--log", f"{name}:web", "--root", f"{box.dir}/none", "state", "no\nsuch"], capture_output=True, text=True)
        assert done.returncode == 1 and "no such" not in done.stdout
        text = daemon.recv(65536).decode()
        if name == "journald":
            fields = dict(line.split("=", 1) for line in text.splitlines())
            assert (fields["PRIORITY"], fields["SYSLOG_IDENTIFIER"]) == ("3", "web") and 'invalid container id "no such"' in fields["MESSAGE"]
        else:
            assert re.fullmatch(r'<11>web\[\d+\]: invalid container id "no such".*', text), text
    done = subprocess.run([*run, "--log", f"{name}:web", "--root", f"{box.dir}/none", "state", "c"], capture_output=True, text=True)
    assert done.returncode == 1 and "the log cannot be opened" in done.stderr


# --- documents that are none

GARBAGE = {"zeros": b"\0", "noise": bytes(range(1, 256)), "brackets": b"[", "braces": b'{"a":', "keys": b'"a":1,', "digits": b"9", "letters": b"a", "spaces": b" \n"}


@pytest.mark.parametrize("size", [100 << 20, (16 << 20) - 64], ids=["100 MiB", "16 MiB"])
@pytest.mark.parametrize("name", GARBAGE)
def test_garbage(box, name, size):
    """One clear error, in little memory and without a trace; and what is just small enough is read."""
    head = {"keys": b'{"annotations":{', "digits": b'{"a":', "letters": b'{"a":"'}.get(name, b"")
    b = box.bundle()
    with open(os.path.join(b.path, "config.json"), "wb") as f:
        f.write(head + GARBAGE[name] * ((size - len(head)) // len(GARBAGE[name])))
    half = 512 << 20
    r = box.orlop("create", "--bundle", b.path, "c", status=1, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (half, half)))
    assert len(r.err.splitlines()) == 1 and len(r.err) < 8192 and "config.json" in r.err, r.err
    assert ("16 MiB" in r.err) == (size > 16 << 20), r.err
    assert not os.path.exists(box.root)


def test_file_that_is_no_document(box):
    b = box.bundle()
    os.unlink(os.path.join(b.path, "config.json"))
    os.mkfifo(os.path.join(b.path, "config.json"))
    assert "not a regular file" in box.orlop("create", "--bundle", b.path, "c", status=1).err
    assert "Is a directory" in box.orlop("create", "--bundle", b.path, "--config", b.rootfs, "c", status=1).err
