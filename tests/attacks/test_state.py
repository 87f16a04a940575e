# SPDX-License-Identifier: Apache-2.0
"""A host with several users: state, locks, files that the caller names, and processes whose number is used again."""
import glob
import json
import os
import stat
import subprocess
import time

import orlop
import pytest
from conftest import USER

OTHER = 4545
AS_OTHER = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups", "--inh-caps=-all", "--"]


def by_other(victim, *words, root=None):
    """What another user's command says, with the same root directory."""
    program = victim.box.program
    if program == orlop.PROGRAM: # which he may not reach where it is
        program = os.path.join(victim.dir, "orlop-of-other")
        subprocess.run(["cp", orlop.PROGRAM, program], check=True)
    done = subprocess.run([*AS_OTHER, program, "--root", root or victim.box.root, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=orlop.TIMEOUT)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.attack("T14", "N3")
def test_state_is_private(victim):
    """Another user reads nothing of the state: the document may hold secrets."""
    b = victim.bundle(["sleep", "100"], env=["PATH=/bin", "SECRET=x"])
    victim.run(b, "-d")
    got = []
    if victim.naive:
        got = [p for p in glob.glob(f"{victim.box.root}/c/*") if os.stat(p).st_mode & 0o077]
    else:
        for d, dirs, files in os.walk(victim.box.root):
            got += [p for p in (os.path.join(d, n) for n in [*dirs, *files]) if os.lstat(p).st_mode & 0o077 and not stat.S_ISLNK(os.lstat(p).st_mode)]
    text = subprocess.run([*AS_OTHER, "grep", "-r", "SECRET", victim.box.root], capture_output=True, text=True).stdout
    victim.box.delete()
    victim.judge(got + [text] * bool(text))


@pytest.mark.attack("M1", "T14")
@pytest.mark.only("root", "rootless", "older kernel", "naive", why="a user namespace of the container changes nothing here")
def test_state_of_another(victim):
    """Root's containers, and a user's, are out of reach of another user: he sees, signals, enters and removes none."""
    b = victim.bundle(["sleep", "100"])
    victim.run(b, "-d")
    pid = victim.pid()
    got = []
    for words in (["state", "c"], ["kill", "c", "KILL"], ["delete", "--force", "c"], ["exec", "c", "true"], ["ps", "c"], ["pause", "c"], ["list", "-q"],
                  ["run", "--bundle", b.path, "other"], ["create", "--bundle", b.path, "c"]):
        if victim.naive and words[0] not in ("state", "run"):
            continue
        status, said = by_other(victim, *words)
        got += [(words[0], said)] if status == 0 and (words[0] != "list" or said.strip()) else []
    assert not orlop.pid_gone(pid)
    victim.box.delete()
    victim.judge(got)


@pytest.mark.attack("M2")
@pytest.mark.only("root", "older kernel", why="the naive runtime writes where it is told, as its creation of the directory shows in T14")
@pytest.mark.parametrize("how", ["his directory", "writable", "link to his", "container of his"])
def test_root_directory_of_another(victim, how):
    """A --root that somebody else prepared: his records would tell root what to signal, to unmount and to remove."""
    place = victim.folder("shared")
    os.chmod(place, 0o1777)
    his = os.path.join(place, "state")
    os.makedirs(os.path.join(his, "c"), mode=0o755)
    marker = victim.file("outside/marker", "")
    sleeper = subprocess.Popen(["sleep", "100"])
    state = {"ociVersion": "1.3.0", "id": "c", "status": "running", "pid": sleeper.pid, "bundle": "/", "startTime": 0,
             "cgroup": {"path": "/../../.."}, "pidFile": marker}
    with open(f"{his}/c/state.json", "w") as f:
        json.dump(state, f)
    subprocess.run(["chown", "-R", f"{OTHER}:{OTHER}", *([] if how == "writable" else [his])], check=False) if how != "writable" else os.chmod(his, 0o777)
    if how == "container of his":
        os.chown(his, 0, 0)
        os.chmod(his, 0o755)
    root = his
    if how == "link to his":
        root = os.path.join(place, "link")
        os.symlink(his, root)
    got = []
    b = victim.bundle(["true"])
    b.save()
    for words in (["kill", "c", "KILL"], ["delete", "--force", "c"], ["exec", "c", "true"], ["run", "--bundle", b.path, "new"]):
        if how == "writable" and words[0] != "run" or how == "container of his" and words[0] == "run":
            continue
        done = subprocess.run([*victim.box.prefix, victim.box.program, "--root", root, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        got += [(words, done.stdout)] if done.returncode == 0 else []
    got += ["the process"] * (sleeper.poll() is not None) + ["the file"] * (not os.path.exists(marker))
    sleeper.kill()
    sleeper.wait()
    victim.judge(got)


@pytest.mark.attack("M3")
@pytest.mark.only("root", "older kernel", why="naive/runtime.py writes neither log nor pid file")
@pytest.mark.parametrize("option", ["--pid-file", "--log"])
def test_links_in_a_shared_directory(victim, option):
    """In a directory like /tmp another user plants a link to a file of root's at the name: with the kernel's protection of links it is refused, and
    the file stays as it is."""
    with open("/proc/sys/fs/protected_symlinks") as f:
        protected = f.read().strip() == "1"
    place = victim.folder("shared")
    os.chmod(place, 0o1777)
    target = victim.file("outside/file", "precious\n")
    path = os.path.join(place, "name")
    os.symlink(target, path)
    os.lchown(path, OTHER, OTHER)
    b = victim.bundle(["true"])
    b.save()
    if option == "--log":
        victim.box.orlop("--log", path, "--debug", "run", "--bundle", b.path, "c", status=None)
    else:
        victim.box.orlop("run", "--pid-file", path, "--bundle", b.path, "c", status=None)
    if option == "--log" and not protected:
        pytest.skip("fs.protected_symlinks is 0 here, and a log is opened as a shell would open it")
    victim.judge(["the file"] if open(target).read() != "precious\n" else [])


@pytest.mark.attack("M4")
@pytest.mark.only("root", "user namespace", "rootless", "naive", why="the calls of older kernels have no part in it")
def test_number_of_a_process_is_used_again(victim):
    """The first process has ended and its number is another's: neither signalled nor entered."""
    b = victim.bundle(["sleep", "100"])
    victim.run(b, "-d")
    time.sleep(0.1)  # a start is known to a hundredth of a second
    stranger = subprocess.Popen(["sleep", "100"])
    path = f"{victim.box.root}/c/state.json"
    with open(path) as f:
        state = json.load(f)
    first, state["pid"] = state["pid"], stranger.pid
    with open(path, "r+") as f:
        f.truncate()
        json.dump(state, f)
    got = []
    victim.box.orlop(*(["delete", "c"] if victim.naive else ["kill", "c", "KILL"]), status=None)
    if not victim.naive:
        got += ["entered"] * (victim.box.orlop("exec", "c", "true", status=None).status == 0)
        got += ["running"] * (victim.box.status() != "stopped")
    if not orlop.pid_gone(first):
        os.kill(first, 9)
    orlop.eventually(lambda: orlop.pid_gone(first), "the end of the first process")
    if not victim.naive:
        victim.box.orlop("delete", "c")
    try:
        stranger.wait(0.3)
        got.append("the stranger")
    except subprocess.TimeoutExpired:
        stranger.kill()
        stranger.wait()
    victim.judge(got)


@pytest.mark.attack("T1")
@pytest.mark.only("rootless", why="the flaw is of those who map their own id alone")
def test_groups_of_an_unprivileged_user(victim):
    """A group that is denied something is not dropped: setgroups is denied before the map of groups, and asking for groups is an error."""
    b = victim.bundle(["cat", "/proc/self/setgroups"])
    out = victim.run(b).out
    b.config["process"]["user"]["additionalGids"] = [0]
    r = victim.run(b, status=None)
    assert USER and r.status != 0 and "additionalGids" in r.err
    victim.judge([out] if out != "deny\n" else [])


@pytest.mark.attack("T7")
@pytest.mark.only("rootless", why="root of the host owns every network namespace")
def test_network_of_another(victim):
    """Interfaces and network namespaces of others are not an ordinary user's."""
    got = []
    for devices, path in (({"lo": {}}, "/proc/1/ns/net"), ({"lo": {"name": "x0"}}, None), ({}, "/proc/1/ns/net")):
        b = victim.bundle(["true"])
        b.namespace("network", path)
        b.config["linux"]["netDevices"] = devices
        r = victim.run(b, status=None)
        got += [(devices, path)] if r.status == 0 else []
    victim.judge(got)
