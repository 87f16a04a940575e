# SPDX-License-Identifier: Apache-2.0
"""What a layer's archive says is in the directory of the layer."""
import os
import stat
import subprocess
import tarfile

import pytest

from images import Layout, archive, entry, sha, xattrs

LNK, HARD, CHR, BLK, FIFO, DIR = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE
root = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")


def is_whiteout(path):
    st = os.lstat(path)
    return stat.S_ISCHR(st.st_mode) and st.st_rdev == 0


def is_opaque(path):
    return "trusted.overlay.opaque" in os.listxattr(path) and os.getxattr(path, "trusted.overlay.opaque") == b"y"


@root
def test_attributes(store, tmp_path):
    fs, = store.unpack(tmp_path / "l", archive(
        entry("./", mode=0o751, uid=3, gid=4, mtime=5), entry("d", mode=0o2750, uid=1, gid=2, mtime=11), entry("d/f", b"x" * 70000, mode=0o4755, uid=100000, gid=7, mtime=12),
        entry("d/l", type=LNK, link="../../../etc/passwd", uid=8, gid=9, mtime=13), entry("d/p", type=FIFO, mode=0o600, mtime=14),
        entry("c", type=CHR, dev=(1, 3), mode=0o666, uid=1), entry("b", type=BLK, dev=(7, 0)), entry("d/h", type=HARD, link="./d/f")))
    st = {p: os.lstat(fs / p) for p in (".", "d", "d/f", "d/l", "d/p", "c", "b")}
    assert {p: (s.st_mode & 0o7777, s.st_uid, s.st_gid) for p, s in st.items() if p != "d/l"} == {
        ".": (0o751, 3, 4), "d": (0o2750, 1, 2), "d/f": (0o4755, 100000, 7), "d/p": (0o600, 0, 0), "c": (0o666, 1, 0), "b": (0o644, 0, 0)}
    assert (st["d/l"].st_uid, st["d/l"].st_gid) == (8, 9) and os.readlink(fs / "d/l") == "../../../etc/passwd"
    assert {p: int(st[p].st_mtime) for p in (".", "d", "d/f", "d/l", "d/p")} == {".": 5, "d": 11, "d/f": 12, "d/l": 13, "d/p": 14}
    assert st["c"].st_rdev == os.makedev(1, 3) and stat.S_ISCHR(st["c"].st_mode)
    assert st["b"].st_rdev == os.makedev(7, 0) and stat.S_ISBLK(st["b"].st_mode) and stat.S_ISFIFO(st["d/p"].st_mode)
    assert os.lstat(fs / "d/h").st_ino == st["d/f"].st_ino and (fs / "d/h").read_bytes() == b"x" * 70000


@root
def test_extended_attributes(store, tmp_path):
    """Capabilities and those of users are kept, the overlay's own, labels and others are not, and it is said how many."""
    cap = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    layer = archive(xattrs(entry("f", b"x", uid=5), security__capability=cap, user__note="yes", trusted__overlay__redirect="/etc", user__overlay__opaque="y",
                           security__selinux="a:b:c:d", trusted__mine="x"),
                    xattrs(entry("d"), user__note="dir", trusted__overlay__opaque="y"))
    done = store.load(Layout(tmp_path / "l").add("x", [layer]).path, "x")
    fs, = store.layers("x")
    assert sorted(os.listxattr(fs / "f")) == ["security.capability", "user.note"] and os.listxattr(fs / "d") == ["user.note"]
    assert os.getxattr(fs / "f", "security.capability").startswith(b"\x01\0\0\x02\0\x04")
    assert "warning: 5 devices, sockets or extended attributes were left out" in done.err


@root
def test_whiteouts(store, tmp_path):
    fs, = store.unpack(tmp_path / "l", archive(entry("a/.wh.gone", b""), entry("a/.wh..wh..opq", b""), entry("b/.wh..wh..plnk", b""), entry(".wh.top", b"not empty")))
    assert is_whiteout(fs / "a/gone") and is_opaque(fs / "a") and is_whiteout(fs / "top") and os.listdir(fs / "b") == []
    assert not is_opaque(fs / "b")


@root
@pytest.mark.parametrize("first", [True, False])
def test_whiteout_beside_what_it_names(store, tmp_path, first):
    """A whiteout is of the layers below alone, wherever it stands: a directory of that name hides those, a file does by itself."""
    real = [entry("d"), entry("d/f", b"new"), entry("f", b"new"), entry("l", type=LNK, link="f"), entry("n", type=FIFO), entry("h", type=HARD, link="f"), entry("i/f", b"")]
    white = [entry(f".wh.{x}", b"") for x in "dflnhi"]
    order = [real[2], *white[:1], *white[2:], *real[:2], *real[3:], white[1]] if first else real + white
    fs, = store.unpack(tmp_path / "l", archive(*order))
    assert sorted(os.listdir(fs)) == ["d", "f", "h", "i", "l", "n"] and not any(is_whiteout(fs / x) for x in "dflnhi")
    assert is_opaque(fs / "d") and is_opaque(fs / "i") and (fs / "d/f").read_text() == (fs / "f").read_text() == "new"


@root
def test_directory_without_an_entry(store, tmp_path):
    """A directory that a layer only puts something into keeps what the layers below say of it; the layer is then good above these alone."""
    low, other = archive(entry("d", mode=0o1770, uid=6, gid=7, mtime=99)), archive(entry("d", mode=0o700))
    up = archive(entry("d/e/f", b""))
    layers = store.unpack(tmp_path / "l", low, up)
    st = os.stat(layers[1] / "d")
    assert (st.st_mode & 0o7777, st.st_uid, st.st_gid, int(st.st_mtime)) == (0o1770, 6, 7, 99)
    assert os.stat(layers[1] / "d/e").st_mode & 0o7777 == 0o755
    assert layers[1].parent.name == sha(f"sha256:{sha(low)} sha256:{sha(up)}".encode())
    store.run("import", Layout(tmp_path / "m").add("y", [other, up]).path)
    assert os.stat(store.layers("y")[1] / "d").st_mode & 0o7777 == 0o700 and store.layers("y")[1] != layers[1]
    store.run("import", Layout(tmp_path / "n").add("z", [low, up, archive(entry("more", b""))]).path)
    assert store.layers("z")[1] == layers[1]


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_names(store, tmp_path, format):
    """Names are bytes: composed or not, no UTF-8 at all, long, with line feeds."""
    names = ["caf\u00e9", "cafe\u0301", "lat\udce9in", "n" * 255, "/".join(["d" * 200] * 15), "new\nline", "tab\t\x1b[31m", "-rf", " ", "..."]
    entries = [entry(n, b"x") for n in names] + [entry("to", type=LNK, link="caf\u00e9/cafe\u0301/" + "x" * 300), entry("hard\u00e9", type=HARD, link=names[1])]
    fs, = store.unpack(tmp_path / "l", archive(*entries, format=format))
    for n in names:
        assert (fs / n).read_bytes() == b"x"
    assert os.readlink(fs / "to") == "caf\u00e9/cafe\u0301/" + "x" * 300
    assert os.stat(fs / "hard\u00e9").st_ino == os.stat(fs / names[1]).st_ino
    assert len(os.listdir(fs)) == len(names) + 2


def test_deep_tree_is_removed(store, tmp_path):
    deep = "/".join("d" * 255)
    fs, = store.unpack(tmp_path / "l", archive(entry(deep + "/f", b"")))
    assert (fs / deep / "f").exists()
    store.run("remove", "x")
    assert store.content() == []


def test_sparse(store, tmp_path):
    """A file with holes, as GNU tar archives it, has its content and its holes."""
    path = tmp_path / "sparse"
    with open(path, "wb") as f:
        f.truncate(64 << 20)
        f.seek(32 << 20)
        f.write(b"middle")
    for format in ("gnu", "pax"):
        subprocess.run(["tar", "-C", tmp_path, "--sparse", f"--format={format}", "-cf", tmp_path / "a.tar", "sparse"], check=True)
        fs, = store.unpack(tmp_path / format, (tmp_path / "a.tar").read_bytes())
        assert os.stat(fs / "sparse").st_size == 64 << 20 and os.stat(fs / "sparse").st_blocks < 10000
        with open(fs / "sparse", "rb") as f, open(path, "rb") as g:
            assert all(f.read(1 << 20) == g.read(1 << 20) for _ in range(65))
        store.run("remove", "x")


def test_empty_layers(store, tmp_path):
    fs = store.unpack(tmp_path / "l", archive(), b"", archive(entry("a", b"")))
    assert [os.listdir(p) for p in fs] == [[], [], ["a"]]


def test_directory_twice(store, tmp_path):
    """Of two entries of one directory the later counts."""
    fs, = store.unpack(tmp_path / "l", archive(entry("d", mode=0o700), entry("d/f", b""), entry("./d/", mode=0o711)))
    assert os.stat(fs / "d").st_mode & 0o7777 == 0o711 and os.listdir(fs / "d") == ["f"]


def test_directory_that_is_closed(store, tmp_path):
    fs, = store.unpack(tmp_path / "l", archive(entry("d", mode=0o000), entry("d/e", mode=0o000), entry("d/e/f", b"", mode=0)))
    assert os.stat(fs / "d").st_mode & 0o7777 == 0
    store.run("remove", "x")
    assert store.content() == []


def tree(path):
    """What is below PATH, but for what an overlay's whiteouts and marks mean."""
    found = {}
    for where, dirs, files in os.walk(path):
        for name in dirs + files:
            p = os.path.join(where, name)
            st = os.lstat(p)
            found[os.path.relpath(p, path)] = (stat.S_IFMT(st.st_mode), st.st_mode & 0o7777, st.st_uid, st.st_gid, int(st.st_mtime), st.st_rdev,
                                               os.readlink(p) if os.path.islink(p) else open(p, "rb").read() if stat.S_ISREG(st.st_mode) else None,
                                               tuple(sorted((a, os.getxattr(p, a)) for a in os.listxattr(p, follow_symlinks=False) if "overlay" not in a)) if not os.path.islink(p) else ())
    return found


@root
def test_as_umoci_unpacks(store, tmp_path):
    """The overlay shows what another program unpacks of the same image."""
    if subprocess.run(["which", "umoci"], capture_output=True, check=False).returncode:
        pytest.skip("umoci is not installed")
    low = archive(entry("./", mode=0o755), entry("d", mode=0o750, uid=3), entry("d/keep", b"k", gid=4), entry("d/gone", b"g"), entry("o"), entry("o/low", b""), entry("s/x", b"", mode=0o4711),
                  xattrs(entry("cap", b"x"), user__note="1"), entry("l", type=LNK, link="d"), entry("dev", type=CHR, dev=(1, 3)), entry("h1", b"hard"), entry("h2", type=HARD, link="h1"))
    up = archive(entry("d", mode=0o755, uid=3), entry("d/.wh.gone", b""), entry("d/new", b"n", mtime=77), entry("o"), entry("o/.wh..wh..opq", b""), entry("o/up", b""), entry(".wh.l", b""), entry("h1", b"other"))
    layout = Layout(tmp_path / "l").add("x", [low, up], {"Cmd": ["sh"]})
    subprocess.run(["umoci", "unpack", "--image", f"{layout.path}:x", tmp_path / "theirs"], check=True, capture_output=True, timeout=120)
    store.run("import", layout.path)
    store.bundle("x", tmp_path / "ours")
    ours, theirs = tree(tmp_path / "ours/rootfs"), tree(tmp_path / "theirs/rootfs")
    # a directory that the archive says nothing of has the time of unpacking
    for t in (ours, theirs):
        t["s"] = t["s"][:4]
    assert ours == theirs and len(ours) == 11
    store.run("rm-bundle", tmp_path / "ours")


def test_docker_layers_in_blobs(store, tmp_path):
    """A newer `docker save` has both documents; that of the layout is read."""
    layer = archive(entry("a", b""))
    layout = Layout(tmp_path / "l").add("new:1", [layer])
    (layout.path / "manifest.json").write_text("[]")
    store.run("import", layout.tar(tmp_path / "a"))
    assert store.run("list", "-q").out == "new:1\n"
    (layout.path / "manifest.json").write_text(f'[{{"Config": "blobs/sha256/{layout.config["digest"][7:]}", "RepoTags": ["old:1"], '
                                               f'"Layers": ["blobs/sha256/{layout.layers[0]["digest"][7:]}"]}}]')
    (layout.path / "oci-layout").unlink()
    store.run("import", layout.path)
    assert store.run("list", "-q").out.split().count("old:1") == 1
