# SPDX-License-Identifier: Apache-2.0
"""Archives that mean harm are refused, with what is wrong; nothing of them is left, and nothing outside is touched."""
import gzip
import json
import os
import random
import subprocess
import tarfile

import pytest

import images
import orlop
from images import ARCHITECTURE, MEDIA, Layout, archive, entry, saved, sha, xattrs

LNK, HARD, CHR, FIFO = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE

ENTRIES = {
    "parent": ([entry("../evil", b"")], '"../evil" has ".." in it'),
    "parent inside": ([entry("a/../../evil", b"")], 'has ".." in it'),
    "parent that stays inside": ([entry("a/../evil", b"")], 'has ".." in it'),
    "absolute": ([entry("/tmp/evil", b"")], "is absolute"),
    "absolute directory": ([entry("/")], "is absolute"),
    "through a link": ([entry("l", type=LNK, link="{out}"), entry("l/evil", b"")], '"l/evil" would be written through a symbolic link'),
    "through a link inside": ([entry("d"), entry("l", type=LNK, link="d"), entry("l/evil", b"")], "through a symbolic link"),
    "through a link of links": ([entry("a", type=LNK, link="b"), entry("b", type=LNK, link="{out}"), entry("a/x/evil", b"")], "through a symbolic link"),
    "over a link": ([entry("l", type=LNK, link="{out}/evil"), entry("l", b"x")], '"l" is twice'),
    "directory over a link": ([entry("l", type=LNK, link="{out}"), entry("l")], '"l" is a link in one entry and a directory in another'),
    "hard link out": ([entry("h", type=HARD, link="../../../../etc/passwd")], 'which has ".." in it'),
    "absolute hard link": ([entry("h", type=HARD, link="/etc/passwd")], "which is absolute"),
    "hard link through a link": ([entry("l", type=LNK, link="/etc"), entry("h", type=HARD, link="l/passwd")], "is no file that came before"),
    "hard link to a link, and a file through it": ([entry("l", type=LNK, link="{out}/evil"), entry("h", type=HARD, link="l"), entry("h", b"x")], '"h" is twice'),
    "hard link to nothing": ([entry("h", type=HARD, link="none")], "is no file that came before"),
    "hard link to itself": ([entry("h", type=HARD, link="h")], "is no file that came before"),
    "hard link to a directory": ([entry("d"), entry("h", type=HARD, link="d")], "is no file that came before"),
    "hard link to the root": ([entry("h", type=HARD, link=".")], "is no file that came before"),
    "hard link to a whiteout": ([entry(".wh.x", b""), entry("h", type=HARD, link="x")], "is no file that came before"),
    "file twice": ([entry("f", b"1"), entry("f", b"2")], '"f" is twice'),
    "file twice, spelled otherwise": ([entry("d/f", b"1"), entry("./d//f", b"2")], '"d/f" is twice'),
    "file and directory": ([entry("f", b""), entry("f")], '"f" is a file in one entry and a directory in another'),
    "file as a directory": ([entry("f", b""), entry("f/g", b"")], '"f" is a file in one entry and a directory in another'),
    "directory and file": ([entry("d"), entry("d", b"")], '"d" is twice'),
    "pipe as a directory": ([entry("p", type=FIFO), entry("p/g", b"")], "is a file in one entry and a directory in another"),
    "root is a file": ([entry(".", b"")], "the root of the layer is no directory"),
    "root is a link": ([entry("./", type=LNK, link="/")], "the root of the layer is no directory"),
    "whiteout of the directory": ([entry("d/.wh..", b"")], "hides nothing that can be"),
    "whiteout of the parent": ([entry("d/.wh...", b"")], "hides nothing that can be"),
    "whiteout of nothing": ([entry("d/.wh.", b"")], "hides nothing that can be"),
    "whiteout through a link": ([entry("l", type=LNK, link="{out}"), entry("l/.wh.evil", b"")], "through a symbolic link"),
    "opaque through a link": ([entry("l", type=LNK, link="{out}"), entry("l/.wh..wh..opq", b"")], "through a symbolic link"),
    "below a whiteout": ([entry(".wh.d/f", b"")], "is in a whiteout"),
    "whiteout of the overlay": ([entry("f", type=CHR, dev=(0, 0))], "device 0:0"),
    "device whose number ends in 0:0": ([entry("f", type=CHR, dev=(1 << 12, 0))], '"f" is a device 4096:0'),
    "device whose minor number ends in 0:0": ([entry("f", type=CHR, dev=(0, 1 << 20))], '"f" is a device 0:1048576'),
    "user that ends in 0": ([entry("f", b"", mode=0o4755, uid=1 << 32)], '"f" belongs to 4294967296:0'),
    "user that is none": ([entry("f", b"", mode=0o4755, uid=(1 << 32) - 1)], '"f" belongs to 4294967295:0'),
    "group that ends in 0": ([entry("d", gid=1 << 32)], '"d" belongs to 0:4294967296'),
    "group that is none": ([entry("l", type=LNK, link="x", gid=(1 << 32) - 1)], '"l" belongs to 0:4294967295'),
    "long name": ([entry("n" * 256, b"")], "is too long"),
    "long path": ([entry("/".join(["n" * 200] * 21), b"")], "is too long"),
    "deep path": ([entry("/".join("d" * 257), b"")], "is too deep"),
    "text in the other direction": ([entry("x\u202ey\u2067/../y", b"")], 'the path "x???y???/../y"'),
    "escape sequences": ([entry("x\x1b[2J\n\x7f/../y", b"")], 'the path "x?[2J ?/../y"'),
}


@pytest.fixture
def out(tmp_path):
    """A directory that nothing may come into."""
    path = tmp_path / "out"
    path.mkdir()
    yield path
    assert os.listdir(path) == [] and not os.path.exists("/tmp/evil")


@pytest.mark.parametrize("entries, said", ENTRIES.values(), ids=ENTRIES.keys())
def test_entry(store, tmp_path, out, entries, said):
    for e in entries:
        e.linkname = e.linkname.replace("{out}", str(out))
    assert said in store.refuse(tmp_path / "l", archive(entry("good", b"")), archive(entry("early", b"x"), *entries))


def pax(data, **records):
    """An archive of the file `f` with DATA, of which records say more, as bytes and whatever they are."""
    text = b""
    for name, value in records.items():
        body = b" " + name.replace("__", ".").encode() + b"=" + value + b"\n"
        size = len(body) + len(str(len(body)))
        size = len(body) + len(str(size))
        text += str(size).encode() + body
    header = entry("f", text)
    header.type = tarfile.XHDTYPE
    blocks = [e.tobuf(tarfile.USTAR_FORMAT) + x + bytes(-len(x) % 512) for e, x in ((header, text), (entry("f", data), data))]
    return b"".join(blocks) + bytes(1024)


@pytest.mark.parametrize("records, expected", [
    ({"path": b"a\0/../../evil"}, "a"), ({"path": b""}, "f"), ({"path": b"\xff\xfe"}, "\udcff\udcfe"), ({"path": b"a\nb"}, "a\nb"),
    ({"path": b"../evil"}, None), ({"path": b"/evil"}, None), ({"linkpath": b"\0"}, "f"), ({"SCHILY__xattr__user__a\0b": b"v"}, "f"),
    ({"SCHILY__xattr__user__n": b"v\0w"}, "f"), ({"mtime": b"4611686018427387904"}, "f"), ({"mtime": b"-99999999999999999999.9"}, "f"), ({"mtime": b"nan"}, "f"),
    ({"size": b"99999999999999999999"}, None), ({"size": b"-1"}, None), ({"uid": b"4294967296"}, None), ({"uid": b"-1"}, None),
    ({"gid": b"99999999999999999999"}, None), ({"SCHILY__devmajor": b"4096"}, "f"), ({"GNU__sparse__major": b"1", "GNU__sparse__minor": b"0"}, None)])
def test_pax_records(store, tmp_path, out, records, expected):
    """What a record says, with a NUL in it or more than a number can be, is refused or means what the file is then: nothing is half understood."""
    layout = Layout(tmp_path / "l").add("x", [pax(b"1", **records)])
    done = store.run("import", layout.path, status=None)
    assert done.status == (0 if expected else 1), done
    if expected:
        fs, = store.layers("x")
        assert os.listdir(fs) == [expected] and (fs / expected).read_bytes() == b"1"
    else:
        assert store.content() == [] and done.err.count("\n") == 1


def test_the_layer_is_named(store, tmp_path):
    said = store.refuse(tmp_path / "l", archive(entry("good", b"")), archive(entry("../x", b"")))
    assert said == 'orlop-image: import: layers[1]: the path "../x" has ".." in it\n'


def test_whiteout_that_is_replaced_is_no_way_out(store, tmp_path, out):
    """What comes into the place of a whiteout is made anew."""
    fs, = store.unpack(tmp_path / "l", archive(entry(".wh.l", b""), entry("l", type=LNK, link=str(out))))
    assert os.readlink(fs / "l") == str(out)


@pytest.mark.parametrize("pack", ["", "gzip", "zstd", "xz"])
def test_large_file(store, tmp_path, pack):
    layer = archive(entry("zeros", bytes(3 << 20)))
    assert "see --max-size" in store.refuse(tmp_path / "l", layer, words=["--max-size", "2"], pack=pack)
    store.run("import", "--max-size", "8", tmp_path / "l", "x")


def test_large_sparse_file(store, tmp_path):
    """A file that says to be huge is refused by what it says."""
    with open(tmp_path / "huge", "wb") as f:
        f.truncate(1 << 40)
    subprocess.run(["tar", "-C", tmp_path, "--sparse", "-cf", tmp_path / "a.tar", "huge"], check=True)
    assert '"huge" (1099511627776 bytes) it is more than 16384 MiB' in store.refuse(tmp_path / "l", (tmp_path / "a.tar").read_bytes())


def test_files_together_are_too_large(store, tmp_path):
    layers = [archive(entry(f"f{i}", os.urandom(700 << 10))) for i in range(3)]
    assert "layers[1]" in store.refuse(tmp_path / "l", *layers, words=["--max-size", "1"])


def test_many_entries(store, tmp_path):
    layers = [archive(*(entry(f"{j}-{i}", b"") for i in range(50))) for j in range(2)]
    assert "layers[1]: it has more than" in store.refuse(tmp_path / "l", *layers, words=["--max-entries", "99"])
    store.run("import", "--max-entries", "100", tmp_path / "l", "x")


def test_many_directories_of_one_entry(store, tmp_path):
    assert "see --max-entries" in store.refuse(tmp_path / "l", archive(entry("/".join("d" * 100), b"")), words=["--max-entries", "99"])


def test_bomb(store, tmp_path):
    """A small archive that grows without end stops at the limit, wherever the growth is: in the layer or around the layout."""
    bomb = gzip.compress(bytes(64 << 20), 9)
    layout = Layout(tmp_path / "l")
    layer = layout.blob(bomb, MEDIA + "layer.v1.tar+gzip")
    config = layout.blob({"os": "linux", "architecture": ARCHITECTURE, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}, MEDIA + "config.v1+json")
    layout.index["manifests"] = [layout.blob({"config": config, "layers": [layer]}, MEDIA + "manifest.v1+json")]
    layout.save()
    assert "more than 4 MiB when decompressed" in store.refused("import", "--max-size", "4", layout.path, "x")
    (tmp_path / "bomb").write_bytes(bomb)
    assert "more than 4 MiB when decompressed" in store.refused("import", "--max-size", "4", tmp_path / "bomb", "x")
    with open("/dev/zero", "rb") as zero:
        said = store.run("import", "--max-size", "4", "-", "x", status=1, stdin=zero).err
    assert "the archive is more than 4 MiB" in said and store.content() == []


def test_compressed_twice(store, tmp_path):
    """What is compressed is decompressed once: an archive in a stream in a stream is none."""
    layer = archive(entry("f", b""))
    layout = Layout(tmp_path / "l").add("x", [gzip.compress(layer)])
    assert "no tar archive" in store.refused("import", layout.path)


def test_other_formats(store, tmp_path):
    """Of the formats that the library reads only tar is looked for."""
    cpio = subprocess.run(["cpio", "-o", "--quiet"], input=b"", capture_output=True, check=False).stdout if os.path.exists("/usr/bin/cpio") else b"070707" + b"0" * 200
    for data in (cpio, b"PK\x03\x04" + bytes(600), b"!<arch>\n" + bytes(600), b"#mtree\n./x type=file\n" + b" " * 600, os.urandom(2000)):
        store.refuse(tmp_path / sha(data), data)


def index_of(layout, *manifests):
    layout.index["manifests"] = list(manifests)
    layout.save()
    return layout.path


def test_index_that_says_to_be_itself(store, tmp_path):
    """A circle of digests cannot be; one that is claimed does not match."""
    layout = Layout(tmp_path / "l")
    d = {"mediaType": MEDIA + "index.v1+json", "digest": "sha256:" + "a" * 64, "size": 0}
    text = json.dumps({"manifests": [d]})
    d["size"] = len(text)
    text = json.dumps({"manifests": [d]})
    layout.file(d).write_text(text)
    assert "damaged or changed" in store.refused("import", index_of(layout, d), "x")


def test_indexes_in_indexes(store, tmp_path):
    layout = Layout(tmp_path / "l")
    d = layout.manifest([archive()])
    for _ in range(6):
        d = layout.blob({"manifests": [d]}, MEDIA + "index.v1+json")
    assert "indexes are in indexes" in store.refused("import", index_of(layout, d), "x")


def test_many_indexes(store, tmp_path):
    """One index that is named many times is not read as often."""
    layout = Layout(tmp_path / "l")
    d = layout.blob({"manifests": []}, MEDIA + "index.v1+json")
    assert "more than 64 indexes are named" in store.refused("import", index_of(layout, *[d] * 10000), "x")


def is_sanitized():
    """The sanitizers need more memory than any limit."""
    return subprocess.run(["grep", "-q", "__asan_init", images.PROGRAM], check=False).returncode == 0


def test_many_holes(store, tmp_path):
    """A file of very many holes, which the library remembers, does not take the machine's memory."""
    holes = b"%d\n" % 1500000 + b"0\n0\n" * 1500000
    e = entry("GNUSparseFile.0/f", holes + bytes(-len(holes) % 512), **{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "f", "GNU.sparse.realsize": "0"})
    source = Layout(tmp_path / "l").add("x", [archive(e)]).path
    if not is_sanitized():
        done = subprocess.run(["prlimit", f"--data={24 << 20}", *store.command("import", source)], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 1 and "memory" in done.stderr and store.content() == [], done
    store.run("import", source)
    assert os.stat(store.layers("x")[0] / "f").st_size == 0


def test_memory_is_limited(store):
    """What an import may take at all; the program waits for its archive here."""
    p = subprocess.Popen(store.command("import", "-", "x"), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        orlop.eventually(lambda: list(store.path.glob("tmp/*")), "the import has begun")
        with open(f"/proc/{p.pid}/limits") as f:
            data = [line.split()[3] for line in f if line.startswith("Max data size")]
    finally:
        said = p.communicate(timeout=60)[1]
    if is_sanitized():
        pytest.skip("the sanitizers need more memory than any limit")
    assert int(data[0]) <= 1 << 30 and p.returncode == 1 and said


@pytest.mark.parametrize("change, said", [
    ({"layers": {"mediaType": MEDIA + "layer.v1.tar+encrypted"}}, 'layers[0].mediaType: "application/vnd.oci.image.layer.v1.tar+encrypted" is no layer'),
    ({"layers": {"digest": "sha512:" + "0" * 128}}, "layers[0].digest: digest"),
    ({"layers": {"digest": "sha256:../../../etc/passwd"}}, "layers[0].digest: digest"),
    ({"layers": {"digest": "sha256:" + "A" * 64}}, "layers[0].digest: digest"),
    ({"layers": {"size": -1}}, "layers[0].size: -1 is no size"),
    ({"config": {"mediaType": "text/plain"}}, 'config.mediaType: "text/plain" is no configuration'),
    ({"config": {"digest": ""}}, 'digest "" is none'),
])
def test_manifest(store, tmp_path, change, said):
    layout = Layout(tmp_path / "l")
    layout.manifest([archive()])
    m = {"config": layout.config, "layers": layout.layers}
    m["config"] = {**m["config"], **change.get("config", {})}
    m["layers"] = [{**m["layers"][0], **change.get("layers", {})}]
    assert said in store.refused("import", index_of(layout, layout.blob(m, MEDIA + "manifest.v1+json")), "x")


@pytest.mark.parametrize("config, said", [
    ({"rootfs": {"type": "files", "diff_ids": []}}, 'rootfs.type: "files" is not known'),
    ({"rootfs": {"type": "layers", "diff_ids": []}}, "it names 0 layers, and the manifest 1"),
    ({"rootfs": {"type": "layers", "diff_ids": ["sha256:../x"]}}, "rootfs.diff_ids[0]: digest"),
    ({"rootfs": None}, "rootfs"), ({"os": "windows"}, "the image is for windows/"), ({"config": {"Env": "x"}}, "expected"),
    ({"config": {"Env": ["a\0b"]}}, "config.Env[0]")])
def test_configuration(store, tmp_path, config, said):
    layout = Layout(tmp_path / "l").add("x", [archive()], **{"config": config.pop("config", None), **config})
    assert said in store.refused("import", layout.path)


def test_too_many_layers(store, tmp_path):
    assert "an overlay takes at most 200" in store.refuse(tmp_path / "l", *[archive()] * 201)
    assert "no layers" in store.refuse(tmp_path / "m")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"manifests": [', '{"manifests": {}}', '{"manifests": [1]}', "[" * 100000, '{"a":' * 1000, "\0", "{}\0{}", '{"manifests": [{}]}'])
def test_index(store, tmp_path, text):
    layout = Layout(tmp_path / "l")
    (layout.path / "index.json").write_text(text)
    assert "index.json" in store.refused("import", layout.path, "x")


@pytest.mark.parametrize("manifest", ["", "{}", "[{}]", "[", '[]],"x":[', '[{"Config": "../../../etc/passwd", "Layers": []}]', '[{"Config": "/etc/passwd", "Layers": []}]',
                                      '[{"Config": "none", "Layers": ["x"]}]', "[]"])
def test_docker_manifest(store, tmp_path, manifest):
    (tmp_path / "a").write_bytes(archive(entry("manifest.json", manifest.encode())))
    store.refused("import", tmp_path / "a", "x")


def test_docker_links(store, tmp_path):
    """Links of an archive that go in a circle, or to nothing."""
    for links in ({"a.tar": "b.tar", "b.tar": "a.tar"}, {"a.tar": "a.tar"}, {"a.tar": "none"}):
        config = json.dumps({"os": "linux", "architecture": ARCHITECTURE, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}).encode()
        manifest = json.dumps([{"Config": "c", "Layers": ["a.tar"]}]).encode()
        (tmp_path / "a").write_bytes(archive(entry("manifest.json", manifest), entry("c", config), *(entry(n, type=LNK, link=t) for n, t in links.items())))
        store.refused("import", tmp_path / "a", "x")


def test_layout_that_leads_out(store, tmp_path):
    """Links in the directory of a layout may not lead out of it, and what is no file is not read."""
    layout = Layout(tmp_path / "l").add("x", [archive()])
    secret = tmp_path / "secret"
    (layout.path / "index.json").rename(secret)
    (layout.path / "index.json").symlink_to(secret)
    assert "index.json" in store.refused("import", layout.path)
    (layout.path / "index.json").unlink()
    os.mkfifo(layout.path / "index.json")
    assert "is no regular file" in store.refused("import", layout.path)
    (layout.path / "index.json").unlink()
    assert "has no index.json" in store.refused("import", layout.path)
    (layout.path / "oci-layout").unlink()
    assert "it is no image" in store.refused("import", layout.path)


@pytest.mark.parametrize("seed", range(8))
def test_mutations(store, tmp_path, seed):
    """Archives with a few bytes changed are refused, or are what they say; the program never ends by a signal."""
    rng = random.Random(seed)
    layer = archive(entry("d"), xattrs(entry("d/f", b"x" * 600), user__a="b"), entry("é" * 60, type=LNK, link="x" * 120), entry("h", type=HARD, link="d/f"), entry(".wh.w", b""))
    whole = bytearray(open(saved(tmp_path / "a", [layer]), "rb").read())
    for _ in range(25):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / "b").write_bytes(data)
        done = store.run("import", tmp_path / "b", "x", status=None)
        assert done.status in (0, 1) and "AddressSanitizer" not in done.err and "runtime error" not in done.err, done
        if done.status == 0:
            store.run("remove", "x")
        assert store.content() == []


@pytest.mark.parametrize("seed", range(6))
def test_mutations_that_match(store, tmp_path, seed):
    """The same where the digests are those of what was changed: it reaches the reader of the archive."""
    rng = random.Random(1000 + seed)
    layer = archive(entry("d"), xattrs(entry("d/f", b"x" * 600), user__a="b"), entry("é" * 60, type=LNK, link="x" * 120), entry("h", type=HARD, link="d/f"), entry(".wh.w", b""))
    for i in range(25):
        data = bytearray(layer)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.choice((rng.randrange(256), 0, 0x2f, 0x2e, 0x37))
        layout = Layout(tmp_path / f"l{i}").add("x", [bytes(data)], pack=rng.choice(("", "gzip")))
        done = store.run("import", layout.path, status=None)
        assert done.status in (0, 1) and "AddressSanitizer" not in done.err and "runtime error" not in done.err, done
        if done.status == 0:
            store.run("remove", "x")
        assert store.content() == []
