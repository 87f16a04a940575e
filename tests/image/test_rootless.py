# SPDX-License-Identifier: Apache-2.0
"""An ordinary user has a store of his own: alone with one id, in a user namespace with what is mapped there."""
import os
import shutil
import subprocess
import tempfile

import pytest

import images
import orlop
from images import Layout, Store, archive, busybox_layer, entry, xattrs

USER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "env", "HOME=/nonexistent"]
LOW = [entry("f", b"low"), entry("d/gone", b""), entry("d/kept", b""), entry("o/low", b"")]
UP = [entry("d/.wh.gone", b""), entry("o/.wh..wh..opq", b""), entry("o/up", b"")]


@pytest.fixture
def user(monkeypatch):
    """A directory of a user, with the program; and how to run it as that user, alone and in a user and mount namespace."""
    if os.geteuid() != 0:
        pytest.skip("to become another user needs root")
    if subprocess.run([*USER, "unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel gives users no user namespace")
    path = tempfile.mkdtemp(prefix="orlop-user-")
    for program in (images.PROGRAM, orlop.PROGRAM):
        shutil.copy(program, path)
    monkeypatch.setattr(images, "PROGRAM", os.path.join(path, "orlop-image"))
    os.chown(path, 1000, 1000)
    yield path
    shutil.rmtree(path)


def store_of(user, *prefix):
    return Store(os.path.join(user, "store"), [*USER, *prefix])


def layout(user, *layers, **more):
    made = Layout(os.path.join(user, "layout")).add("x", layers, **more)
    subprocess.run(["chown", "-R", "1000:1000", user], check=True)
    return made.path


@pytest.mark.parametrize("prefix", [[], ["unshare", "-rm"]], ids=["alone", "namespace"])
def test_owners(user, prefix):
    """A file of somebody else is refused, unless it is said that all belong to the user."""
    store = store_of(user, *prefix)
    path = layout(user, archive(entry("f", b"", uid=5, gid=6)))
    said = store.run("import", path, status=1).err
    assert '"f" belongs to 5:6' in said and "--squash-owners" in said and store.content() == []
    assert "keeps owners" in store.run("import", "--squash-owners", path, status=1).err
    shutil.rmtree(store.path)
    store.run("import", "--squash-owners", path)
    assert os.stat(store.layers("x")[0] / "f").st_uid == 1000
    store.run("remove", "x")
    assert store.content() == []


def test_what_is_left_out(user):
    """Devices, and capabilities of files that no user may give."""
    store = store_of(user)
    cap = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    path = layout(user, archive(entry("null", type=b"3", dev=(1, 3)), xattrs(entry("f", b""), security__capability=cap, user__a="b"), entry("d", mode=0), entry("d/f", b"", mode=0)))
    done = store.run("import", "--squash-owners", path)
    assert "2 devices, sockets or extended attributes were left out" in done.err
    assert sorted(os.listdir(store.layers("x")[0])) == ["d", "f"] and os.listxattr(store.layers("x")[0] / "f") == ["user.a"]
    store.run("remove", "x")
    assert store.content() == []


def in_namespace(script):
    """Runs a script as a user in a user and mount namespace with the ranges of ids that newuidmap gives: 0 is the user."""
    p = subprocess.Popen([*USER, "unshare", "-Um", "sh", "-c", "read go; " + script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    orlop.eventually(lambda: os.readlink(f"/proc/{p.pid}/ns/user") != os.readlink("/proc/self/ns/user"), "the namespace is made")
    for ids in ("gid", "uid"):
        with open(f"/proc/{p.pid}/{ids}_map", "w") as f:
            f.write("0 1000 1\n1 300000 5000\n")
    out, err = p.communicate("\n", timeout=60)
    return out, err, p.returncode


def test_overlay(user):
    """In a user namespace the layers are mounted, whiteouts hide, and a container runs; without one it is said what is missing."""
    config = {"Cmd": ["/bin/sh", "-c", "ls /d /o; cat /f; echo new > /f; cat /f; stat -c %u:%g /owned; id -u"]}
    path = layout(user, busybox_layer(), archive(*LOW, entry("owned", b"", uid=5, gid=6)), archive(*UP), config=config)
    i = f"cd {user}; alias i='./orlop-image --store {user}/store'\n"
    assert in_namespace(f"{i} i import {path}")[1:] == ("", 0)
    assert os.stat(store_of(user).path / "layers").st_uid == 1000
    said = store_of(user).run("bundle", "x", f"{user}/b", status=1).err
    assert "needs root, or a user and mount namespace" in said and not os.path.exists(f"{user}/b")
    done = in_namespace(f"{i} i bundle x b && ./orlop --root {user}/state run -b b c && i unmount b && ls b/rootfs && i mount b && cat b/rootfs/f && i rm-bundle b && i remove x")
    assert done == ("/d:\nkept\n\n/o:\nup\nlow" "new\n5:6\n0\nnew\n", "", 0)
    assert not os.path.exists(f"{user}/b") and store_of(user).content() == []


def test_stores_of_others(user, store, tmp_path):
    """What root unpacked is no user's to mount, nor the other way round."""
    path = layout(user, archive(entry("f", b"")))
    store_of(user).run("import", "--squash-owners", path)
    assert "belongs to user 1000" in Store(f"{user}/store").run("list", status=1).err
    store.run("import", path)
    assert "Permission denied" in Store(store.path, USER).run("list", status=1).err
