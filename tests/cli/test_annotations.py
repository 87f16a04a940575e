# SPDX-License-Identifier: Apache-2.0
"""annotations: shown wherever the state is, and org.opencontainers.image.stopSignal obeyed."""
import json
import os
import re
import signal

import pytest
from orlop import PROGRAM, eventually

STOP = "org.opencontainers.image.stopSignal"


@pytest.mark.spec(7, 86, 88)
@pytest.mark.parametrize("given", [{"org.example.key": "value", "org.opencontainers.image.os": "linux", "no-domain": "", "ä/ö \"": "x\ny"}, {}, None])
def test_shown_everywhere(box, given):
    b = box.bundle(["sleep", "100"])
    b.config.pop("annotations", None)
    if given is not None:
        b.config["annotations"] = given
    seen = f"{box.dir}/seen"
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat > {seen}"]}],
                         "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat > {seen}.end"]}]}
    box.create(b)
    assert box.state().get("annotations", {}) == (given or {})
    box.orlop("start", "c")
    assert box.state().get("annotations", {}) == (given or {})
    assert json.loads(box.orlop("list", "--format", "json").out)[0].get("annotations", {}) == (given or {})
    box.delete()
    for name in (seen, f"{seen}.end"):
        with open(name) as f:
            assert json.load(f).get("annotations", {}) == (given or {}), name


@pytest.mark.spec(86, 91)
@pytest.mark.parametrize("given", [{"": "x"}, {"a": 1}, {"a": None}, {"a": {}}, ["a"], "a"])
def test_impossible_ones(box, given):
    b = box.bundle()
    b.config["annotations"] = given
    assert "annotations" in box.run(b, status=1).err


@pytest.mark.spec(86, 93)
def test_one_key_twice(box):
    b = box.bundle()
    b.save()
    with open(f"{b.path}/config.json") as f:
        text = f.read()
    with open(f"{b.path}/config.json", "w") as f:
        f.write(text.replace("{", '{"annotations": {"a": "1", "a": "2"},', 1))
    assert "annotations" in box.orlop("run", "--bundle", b.path, "c", status=1).err


def ended_by(box, name, *kill, status=0):
    """The container notes which of three signals came."""
    b = box.bundle(["sh", "-c", "for s in TERM INT QUIT; do trap \"echo $s > /tmp/got\" $s; done; echo > /tmp/ready; while true; do usleep 20000; done"])
    if name is not None:
        b.config["annotations"] = {STOP: name}
    box.run(b, "-d")

    def read(file):
        try:
            with open(f"{b.rootfs}/tmp/{file}") as f:
                return f.read()
        except FileNotFoundError:
            return ""
    eventually(lambda: read("ready"), "the traps")
    r = box.orlop("kill", *kill, "c", status=status)
    if status == 0:
        eventually(lambda: read("got").strip(), "a signal")
    box.delete()
    return r.err if status else read("got").strip()


@pytest.mark.spec(36, 89)
@pytest.mark.parametrize("name, got", [("SIGINT", "INT"), ("quit", "QUIT"), (str(int(signal.SIGINT)), "INT"), (None, "TERM")])
def test_stop_signal(box, name, got):
    assert ended_by(box, name) == got


def test_stop_signal_of_all(box):
    assert ended_by(box, "SIGQUIT", "--all") == "QUIT"


def test_stop_signal_by_expression(box):
    assert ended_by(box, "SIGQUIT", "--regex") == "QUIT"


@pytest.mark.spec(36)
def test_named_signal_wins(box):
    b = box.bundle(["sleep", "100"])
    b.config["annotations"] = {STOP: "SIGCONT"}
    box.run(b, "-d")
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    box.delete()


@pytest.mark.spec(89, 91)
@pytest.mark.parametrize("name", ["SIGNOPE", "", "0", "99", "-1"])
def test_stop_signal_that_is_none(box, name):
    """Nothing is sent, and a signal can be named."""
    err = ended_by(box, name, status=1)
    assert STOP in err and "is no signal" in err, err


@pytest.mark.spec(165)
def test_listed_are_all_that_are_heeded(box):
    """What the program compares keys with is in it as a text: each text in the form of a key is listed, or one that it only prints."""
    features = json.loads(box.orlop("features").out)
    with open(PROGRAM, "rb") as f:
        texts = {m.decode() for m in re.findall(rb"(?<=\0)(?:org|com|run\.oci|io\.(?:containerd|kubernetes|podman))\.[A-Za-z0-9.-]+(?=\0)", f.read())}
    bus = {t for t in texts if t.startswith("org.freedesktop.")}  # names of systemd's
    assert bus and texts - bus - set(features["annotations"]) == set(features["potentiallyUnsafeConfigAnnotations"])


# --- what the host allows

def allowing(box, text, link=None):
    """The host's list, or a LINK in its place: in a mount namespace of the command's own, where a layer with it covers /etc."""
    layer = os.path.join(box.dir, "etc")
    os.makedirs(f"{layer}/orlop")
    if link:
        os.symlink(link, f"{layer}/orlop/annotations")
    else:
        with open(f"{layer}/orlop/annotations", "w") as f:
            f.write(text)
    box.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'mount -t overlay none -o lowerdir={layer}:/etc /etc && exec "$@"', "sh"]


@pytest.mark.root("mounts over /etc for orlop alone")
@pytest.mark.parametrize("key", ["org.criu.config", "org.systemd.property.TimeoutStopUSec", "run.oci.systemd.subgroup", "run.oci.delegate-cgroup"])
def test_the_host_does_not_allow_it(box, key):
    b = box.bundle(["true"])
    b.config["annotations"] = {STOP: "INT", "org.example": "x", key: "uint64 1"}
    allowing(box, "org.example\n# " + key)
    err = box.run(b, status=1).err
    assert f'annotations["{key}"]' in err and "/etc/orlop/annotations" in err, err
    del b.config["annotations"][key]
    box.run(b)
    box.prefix = []
    assert box.orlop("list", "-q").out == ""


@pytest.mark.root("mounts over /etc for orlop alone")
def test_what_the_host_allows_is_not_there(box):
    """A link to where nothing is mounted yet is no leave for all."""
    b = box.bundle(["true"])
    b.config["annotations"] = {"org.criu.config": "/dev/null"}
    allowing(box, None, link="/not/mounted/annotations")
    err = box.run(b, status=1).err
    assert "/etc/orlop/annotations" in err and "leads nowhere" in err, err
    box.prefix = []
    assert box.orlop("list", "-q").out == ""


@pytest.mark.root("mounts over /etc for orlop alone")
def test_the_host_allows_it(box):
    b = box.bundle(["true"])
    b.config["annotations"] = {"org.criu.config": "/dev/null"}
    box.run(b)
    allowing(box, "org.criu.*\n")
    box.run(b)
    box.prefix = []


@pytest.mark.root("mounts over /etc for orlop alone")
def test_the_host_allows_it_no_more(box):
    """The container was made when it did."""
    b = box.bundle(["sleep", "100"])
    b.config["annotations"] = {"org.criu.config": "/dev/null"}
    box.run(b, "-d")
    allowing(box, "")
    images = f"{box.dir}/images"
    err = box.orlop("checkpoint", "--image-path", images, "c", status=1).err
    assert 'annotations["org.criu.config"]' in err and "/etc/orlop/annotations" in err, err
    box.prefix = []
    assert box.state()["status"] == "running" and not os.path.exists(images)
    box.delete()
