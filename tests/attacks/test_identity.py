# SPDX-License-Identifier: Apache-2.0
"""Who a program is: ids, groups and capabilities."""
import os
import subprocess

import pytest

STATUS = ["grep", "-E", "^(Cap|Uid)", "/proc/self/status"]


def fields(text):
    return {line.split(":")[0]: line.split(":")[1].split() for line in text.splitlines() if ":" in line}


@pytest.mark.attack("T5")
@pytest.mark.only("root", "user namespace", "older kernel", "naive", why="an ordinary user has one id")
def test_ambient_capabilities_of_a_user(victim):
    """Capabilities that the document bounds are no user's, unless it says so."""
    names = ["CAP_NET_RAW", "CAP_CHOWN"]
    b = victim.bundle(STATUS, user={"uid": 1000, "gid": 1000}, capabilities={"bounding": names, "permitted": names, "effective": names})
    got = fields(victim.run(b).out)
    victim.judge([(k, got[k]) for k in ("CapEff", "CapAmb", "CapInh") if int(got[k][0], 16)])


@pytest.mark.attack("T17")
@pytest.mark.parametrize("how", ["run", "exec"])
def test_inheritable_capabilities(victim, how):
    """Not in the document, not there: they would come back with any file that has some."""
    names = ["CAP_NET_RAW", "CAP_CHOWN"]
    capabilities = {"bounding": names, "permitted": names, "effective": names}
    if how == "run":
        out = victim.run(victim.bundle(STATUS, capabilities=capabilities)).out
    else:
        victim.run(victim.bundle(["sleep", "100"], capabilities=capabilities), "-d")
        out = victim.exec(*STATUS, options=() if victim.naive else ("--cap", "CAP_KILL")).out
        victim.box.delete()
    got = fields(out)
    victim.judge([(k, got[k]) for k in ("CapInh", "CapAmb") if int(got[k][0], 16)])


STRINGS = ["1", "1:", ":1", "1:2", "0x1", "01", "+1", "-1", "4294967295", "4294967296", "4294967297", " 1", "1 ", "1x", "1:x", "1:4294967296",
           "1:2:3", "", "root", "1e0", "１"]


@pytest.mark.attack("T27")
@pytest.mark.only("root", "user namespace", "older kernel", "naive", why="an ordinary user has one id")
def test_users_in_words(victim):
    """Whatever is said: the user that it names, to the last character, or an error."""
    victim.run(victim.bundle(["sleep", "100"]), "-d")
    got = []
    for text in STRINGS:
        r = victim.exec("sh", "-c", "echo $(id -u):$(id -g)", options=("-u", text), status=None)
        uid, colon, gid = text.partition(":")
        plain = uid.isascii() and uid.isdigit() and (not colon or gid.isascii() and gid.isdigit())
        expected = f"{int(uid)}:{int(gid or 0)}\n" if plain and int(uid) < 2 ** 32 - 1 and int(gid or 0) < 2 ** 32 - 1 else None
        if r.status == 0 and r.out != expected:
            got.append((text, r.out))
        assert victim.naive or expected is None or r.status == 0, (text, r)
    victim.judge(got)
    victim.box.delete()


@pytest.mark.attack("T4")
@pytest.mark.only("root", "user namespace", "older kernel", "naive", why="an ordinary user has one id")
def test_number_that_is_a_name(victim):
    """The image's passwd has a user whose name is a number and who is root."""
    b = victim.bundle(["sleep", "100"])
    victim.put(b, "etc/passwd", text="1000:x:0:0:root:/root:/bin/sh\nroot:x:0:0::/:/bin/sh\n")
    victim.run(b, "-d")
    out = victim.exec("id", "-u", options=("-u", "1000")).out
    r = victim.exec("id", "-u", options=("-u", "root"), status=None)
    victim.box.delete()
    assert victim.naive or r.status != 0, "a name was looked up"
    victim.judge([out] if out != "1000\n" else [])


@pytest.mark.attack("N4")
@pytest.mark.parametrize("planted", ["fifo", "device", "large", "link to a fifo", "directory", "long line"])
def test_passwd_of_the_image(victim, planted):
    """HOME comes from the image's passwd: whatever that is, it neither holds the runtime up nor fills its memory."""
    if planted == "device" and victim.kind in ("rootless", "user namespace"):
        planted = "fifo"
    b = victim.bundle(["sh", "-c", "echo $HOME"])
    whole = victim.put(b, "etc/passwd", text="")
    os.unlink(whole)
    if planted in ("fifo", "link to a fifo"):
        os.mkfifo(whole if planted == "fifo" else f"{b.rootfs}/etc/fifo")
        if planted != "fifo":
            os.symlink("fifo", whole)
    elif planted == "device":
        os.mknod(whole, 0o20644, os.makedev(1, 5))
    elif planted == "directory":
        os.mkdir(whole)
    else:
        with open(whole, "w") as f:
            f.write("x" * (1 << 20) if planted == "long line" else "")
            f.truncate(1 << 40 if planted == "large" else 1 << 20)
    if victim.naive:  # which reads it for exec
        b.config["process"]["args"] = ["sleep", "100"]
        victim.run(b, "-d")
        done = subprocess.run(["timeout", "2", *victim.box.command("exec", "c", "true")], stdin=subprocess.DEVNULL, capture_output=True,
                              env=dict(os.environ, NAIVE_ENTER=victim.tools.enter), text=True)
        victim.box.delete()
        victim.judge(["it hangs"] if done.returncode == 124 else [], bites="fifo" in planted)
        return
    out = victim.run(b).out
    victim.judge([out] if out != "/\n" else [])


@pytest.mark.attack("N4")
def test_passwd_of_the_image_is_the_hosts(victim):
    """The image's passwd is a link of procfs, which for root leads to what another process has as its root: here the host's."""
    theirs = victim.file("outside/passwd", "0:x:4711:4711::/:\nroot:x:0:0::/home-of-the-host:\n")
    b = victim.bundle(["sleep", "100"] if victim.naive else ["sh", "-c", "echo $HOME"])
    victim.put(b, "etc/passwd", link=f"/proc/{os.getpid()}/root{theirs}")
    if victim.naive:  # which looks names up for exec
        victim.run(b, "-d")
        out = victim.exec("id", "-u", options=("-u", "0")).out
        victim.box.delete()
        victim.judge([out] if out == "4711\n" else [])
        return
    b.config["linux"]["namespaces"] = [n for n in b.config["linux"]["namespaces"] if n["type"] != "pid"]
    if victim.kind in ("user namespace", "rootless"):  # may mount no procfs then, and binds the host's
        b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/proc"]
        b.config["mounts"].append({"destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind"]})
        b.config["linux"].update(maskedPaths=[], readonlyPaths=[])
    out = victim.run(b).out
    victim.judge([out] if out != "/\n" else [])
