# SPDX-License-Identifier: Apache-2.0
"""Images come into the store from layouts and archives, by name, for a platform, each layer once, verified by every digest."""
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time

import pytest

from images import ARCHITECTURE, MEDIA, PROGRAM, Layout, archive, entry, saved, sha

ONE, TWO = archive(entry("a", b"one")), archive(entry("b", b"two"))


def test_directory(store, tmp_path):
    layout = Layout(tmp_path / "l").add("app:1", [ONE, TWO])
    done = store.run("import", layout.path)
    assert done.out == layout.config["digest"].removeprefix("sha256:") + "\n" and done.err == ""
    assert [p.read_text() for p in (store.layers("app:1")[0] / "a", store.layers("app:1")[1] / "b")] == ["one", "two"]
    assert [p.parent.name for p in store.layers("app:1")] == [sha(ONE), sha(TWO)]


@pytest.mark.parametrize("outer", ["", "gzip", "xz", "zstd"])
def test_archive(store, tmp_path, outer):
    store.run("import", Layout(tmp_path / "l").add("app", [ONE]).tar(tmp_path / "a.tar", outer))
    assert (store.layers("app")[0] / "a").read_text() == "one"


@pytest.mark.parametrize("pack", ["", "gzip", "xz", "zstd"])
def test_compression_of_layers(store, tmp_path, pack):
    assert (store.unpack(tmp_path / "l", ONE, pack=pack)[0] / "a").read_text() == "one"


@pytest.mark.parametrize("pack", ["", "gzip"])
def test_standard_input(store, tmp_path, pack):
    path = Layout(tmp_path / "l").add("app", [ONE]).tar(tmp_path / "a.tar", pack)
    with open(path, "rb") as f:
        cat = subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE)
    store.run("import", "-", "name", stdin=cat.stdout)
    cat.wait()
    assert (store.layers("name")[0] / "a").read_text() == "one"


def test_docker_save(store, tmp_path):
    """A layer that is in the image twice is a link in the archive."""
    store.run("import", saved(tmp_path / "a.tar", [ONE, TWO, ONE]))
    assert [p.parent.name for p in store.layers("saved:latest")] == [sha(ONE), sha(TWO), sha(ONE)]


def test_docker_save_of_several(store, tmp_path):
    path = saved(tmp_path / "a.tar", [ONE], tags=("a:1", "a:2"))
    store.run("import", "--ref", "a:2", path)
    assert store.run("list", "-q").out == "a:2\n"
    assert 'no image "a:3"' in store.run("import", "--ref", "a:3", path, status=1).err


def test_names(store, tmp_path):
    layout = Layout(tmp_path / "l").add("a", [ONE]).add("b", [TWO])
    assert "several images" in store.refused("import", layout.path)
    assert "there are: a, b" in store.refused("import", "--ref", "c", layout.path)
    store.run("import", "--ref", "b", layout.path)
    store.run("import", "--ref", "a", layout.path, "example.com/a:1")
    assert sorted(store.run("list", "--quiet").out.split()) == ["b", "example.com/a:1"]
    rows = {r["name"]: r for r in json.loads(store.run("list", "--format", "json").out)}
    assert rows["b"]["platform"] == f"linux/{ARCHITECTURE}" and rows["b"]["layers"] == 1 and rows["b"]["size"] == 3
    assert store.record(rows["b"]["id"][:6]) == store.record("b")
    assert 'no image "none"' in store.run("inspect", "none", status=1).err


def test_image_without_name(store, tmp_path):
    layout = Layout(tmp_path / "l").add(None, [ONE])
    assert "say one" in store.refused("import", layout.path)
    assert "is no name for an image" in store.refused("import", layout.path, "../x")
    store.run("import", layout.path, "x")


def test_platform(store, tmp_path):
    layout = Layout(tmp_path / "l")
    manifests = [{**layout.manifest([archive(entry(a, b""))], architecture=a), "platform": {"os": "linux", "architecture": a}}
                 for a in ("mips", ARCHITECTURE, "s390x")]
    manifests.append({**layout.manifest([ONE]), "platform": {"os": "unknown", "architecture": "unknown"}})
    layout.index["manifests"] = [layout.blob({"schemaVersion": 2, "manifests": manifests}, MEDIA + "index.v1+json")]
    layout.save()
    store.run("import", layout.path, "here")
    store.run("import", "--platform", "linux/mips", layout.path, "there")
    assert os.listdir(store.layers("here")[0]) == [ARCHITECTURE] and os.listdir(store.layers("there")[0]) == ["mips"]
    assert "no image for linux/vax" in store.run("import", "--platform", "linux/vax", layout.path, "x", status=1).err
    assert "invalid --platform" in store.run("import", "--platform", "windows/amd64", layout.path, "x", status=1).err


def test_platform_of_the_configuration(store, tmp_path):
    layout = Layout(tmp_path / "l").add("x", [ONE], architecture="mips")
    assert "the image is for linux/mips" in store.refused("import", layout.path)
    store.run("import", "--platform", "linux/mips", layout.path)


def test_layers_are_shared(store, tmp_path):
    """Two images with a layer in common have it once, and it is unpacked once."""
    store.run("import", Layout(tmp_path / "l").add("a", [ONE]).path)
    inode = os.stat(store.layers("a")[0] / "a").st_ino
    store.run("import", Layout(tmp_path / "m").add("b", [ONE, TWO]).path)
    assert store.layers("b")[0] == store.layers("a")[0] and os.stat(store.layers("b")[0] / "a").st_ino == inode
    store.run("remove", "a")
    assert sorted(os.listdir(store.path / "layers")) == sorted([sha(ONE), sha(TWO)])
    store.run("remove", "b")
    assert store.content() == []


def test_remove_a_name(store, tmp_path):
    layout = Layout(tmp_path / "l").add("a", [ONE])
    store.run("import", layout.path)
    store.run("import", layout.path, "b")
    store.run("remove", "a")
    assert store.run("list", "-q").out == "b\n"
    store.run("remove", store.record("b")["id"])
    assert store.content() == []
    assert 'no image "b"' in store.run("remove", "b", status=1).err


def damage(path, where=-20):
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
def test_damage(store, tmp_path, what):
    layout = Layout(tmp_path / "l").add("x", [ONE], pack="")
    descriptor = {"manifest": layout.index["manifests"][0], "config": layout.config, "layer": layout.layers[0]}[what]
    damage(layout.file(descriptor))
    said = store.refused("import", layout.path)
    assert descriptor["digest"] in said and "damaged or changed" in said


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
def test_size(store, tmp_path, what):
    layout = Layout(tmp_path / "l").add("x", [ONE], pack="")
    descriptor = {"manifest": layout.index["manifests"][0], "config": layout.config, "layer": layout.layers[0]}[what]
    with open(layout.file(descriptor), "ab") as f:
        f.write(b" ")
    assert "bytes, not" in store.refused("import", layout.path)


@pytest.mark.parametrize("what", ["manifest", "config", "layer"])
def test_missing(store, tmp_path, what):
    layout = Layout(tmp_path / "l").add("x", [ONE])
    layout.file({"manifest": layout.index["manifests"][0], "config": layout.config, "layer": layout.layers[0]}[what]).unlink()
    assert "is missing" in store.refused("import", layout.path)


def test_layer_that_the_configuration_does_not_know(store, tmp_path):
    layout = Layout(tmp_path / "l").add("x", [ONE], rootfs={"type": "layers", "diff_ids": [f"sha256:{sha(TWO)}"]})
    assert "the image's configuration says" in store.refused("import", layout.path)


def test_damage_of_docker_save(store, tmp_path):
    assert "the image's configuration says" in store.refused("import", saved(tmp_path / "a", [ONE], rootfs={"type": "layers", "diff_ids": [f"sha256:{sha(TWO)}"]}))


@pytest.mark.parametrize("pack", ["", "gzip", "zstd", "xz"])
def test_truncated(store, tmp_path, pack):
    """Wherever an archive was cut, it is refused."""
    path = Layout(tmp_path / "l").add("x", [archive(entry("big", os.urandom(30000)))], pack="").tar(tmp_path / "a", pack)
    whole = open(path, "rb").read()
    for part in range(1, 8):
        with open(path, "wb") as f:
            f.write(whole[:len(whole) * part // 10])
        store.refused("import", path)


def test_import_at_the_same_time(store, tmp_path):
    """Several programs import the same and other images; each finds its image whole."""
    big = archive(*(entry(f"f{i}", os.urandom(100)) for i in range(300)))
    sources = [Layout(tmp_path / f"l{i}").add(f"n{i}", [big, archive(entry("own", str(i % 3).encode()))]).path for i in range(6)]
    running = [subprocess.Popen(store.command("import", s), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for s in sources]
    said = [p.communicate(timeout=60) for p in running]
    assert [p.returncode for p in running] == [0] * 6, said
    for i in range(6):
        first, second = store.layers(f"n{i}")
        assert len(os.listdir(first)) == 300 and (second / "own").read_text() == str(i % 3)
    assert len(os.listdir(store.path / "layers")) == 4 and os.listdir(store.path / "tmp") == []


def test_killed(store, tmp_path):
    """An import that is killed at any moment leaves a store that works, and the next one removes what it left."""
    layers = [archive(*(entry(f"{i}-{j}", os.urandom(2000)) for j in range(200))) for i in range(3)]
    source = Layout(tmp_path / "l").add("x", layers).path
    other = Layout(tmp_path / "m").add("y", [ONE]).path
    left = 0
    for i in range(12):
        p = subprocess.Popen(store.command("import", source), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.004 * i)
        p.send_signal(signal.SIGKILL)
        p.wait()
        left += any((store.path / "tmp").glob("*"))
        for layer in (store.path / "layers").glob("*") if store.path.is_dir() else []:
            assert len(os.listdir(layer / "fs")) in (200, 1) and (layer / "layer.json").exists()
        store.run("import", other)
        assert os.listdir(store.path / "tmp") == []
    assert left > 0, "no import was killed in the middle"
    store.run("import", source)
    assert [len(os.listdir(p)) for p in store.layers("x")] == [200] * 3
    store.run("gc")
    store.run("remove", "x", "y")
    assert store.content() == []


def test_on_the_disk_before_it_has_its_name(store, tmp_path):
    """Whatever the machine may do: what appears in the store was written out before, each file by itself or the whole file system."""
    source = Layout(tmp_path / "l").add("x", [ONE, TWO]).path
    trace = tmp_path / "trace"
    subprocess.run([tool("strace"), "-f", "-y", "-s", "4096", "-e", "trace=fsync,syncfs,rename,renameat,renameat2", "-o", trace, *store.command("import", source)],
                   check=True, capture_output=True, timeout=60)
    flushed, whole, named = set(), False, set()
    for line in trace.read_text().splitlines():
        call = re.search(r"(\w+)\((.*)\) += 0$", line)
        if call and call[1] == "fsync":
            flushed.add(re.search("<(.*)>", call[2])[1])
        elif call and call[1] == "syncfs":
            whole = True
        elif call:
            source, old, target, new = re.match(r'\d+<(.*?)>, "(.*?)", \d+<(.*?)>, "(.*?)"', call[2]).groups()
            room = os.path.basename(target)
            assert whole if room == "layers" else f"{source}/{old}" in flushed, line
            named.add(f"{room}/{new}" if room != "names" else room)
    image = store.record("x")["id"]
    assert {f"layers/{sha(ONE)}", f"layers/{sha(TWO)}", f"images/{image}.config", f"images/{image}.json", "names"} <= named, named


def test_store_is_closed_to_others(store, tmp_path):
    """Programs of an image that are setuid are not for users of the host."""
    store.unpack(tmp_path / "l", archive(entry("su", b"#!", mode=0o4755)))
    assert store.path.stat().st_mode & 0o7777 == 0o700


def test_json_messages(store, tmp_path):
    done = store.run("--log-format", "json", "import", tmp_path / "none", "x", status=1)
    record = json.loads(done.err)
    assert (record["level"], record["code"], record["syscall"], record["errno"]) == ("error", "sys", "open", 2)


@pytest.mark.parametrize("words, said", [
    ([], "a command is missing"), (["nonsense"], "unknown command"), (["import"], "an operand is missing"), (["list", "x"], "too many operands"),
    (["list", "--format", "xml"], "invalid format"), (["import", "--max-size", "x", "y"], "--max-size")])
def test_usage(store, words, said):
    done = store.run(*words, status=1)
    assert said in done.err and done.err.count("\n") == 1


def test_no_store(store, tmp_path):
    """What is no store is not made one, but by import, and then of an empty directory."""
    assert "`orlop-image import` makes it" in store.run("list", status=1).err
    store.path.mkdir(mode=0o755)
    for command in (["list"], ["gc"], ["remove", "x"]):
        assert "there is no store" in store.run(*command, status=1).err and os.listdir(store.path) == []
    (store.path / "mine").write_text("")
    layout = Layout(tmp_path / "l").add("x", [ONE]).path
    assert "neither a store nor empty" in store.run("import", layout, status=1).err and os.listdir(store.path) == ["mine"]
    (store.path / "mine").unlink()
    store.run("import", layout)
    assert store.path.stat().st_mode & 0o7777 == 0o700
    store.path.chmod(0o711)
    assert "is open to others (mode 711)" in store.run("list", status=1).err
    if os.geteuid() == 0:
        store.path.chmod(0o700)
        os.chown(store.path, 1000, -1)
        assert "belongs to user 1000" in store.run("list", status=1).err


def test_new_store_at_the_same_time(store, tmp_path):
    sources = [Layout(tmp_path / f"l{i}").add(f"n{i}", [ONE]).path for i in range(6)]
    running = [subprocess.Popen(store.command("import", s), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for s in sources]
    said = [p.communicate(timeout=60) for p in running]
    assert [p.returncode for p in running] == [0] * 6, said
    assert len(store.run("list", "-q").out.split()) == 6


def test_the_runtime_is_free_of_it():
    needed = subprocess.run(["ldd", os.path.join(os.path.dirname(PROGRAM), "orlop")], capture_output=True, text=True, check=False).stdout
    assert "libarchive" not in needed


def tool(name):
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    return name


@pytest.mark.parametrize("to", ["docker-archive:{}:copied:1", "oci-archive:{}:copied:1", "oci:{}:copied:1"])
def test_skopeo(store, tmp_path, to):
    """What skopeo writes is read."""
    layout = Layout(tmp_path / "l").add("x", [ONE, TWO])
    target = tmp_path / "target"
    subprocess.run([tool("skopeo"), "--insecure-policy", "copy", f"oci:{layout.path}:x", to.format(target)], check=True, capture_output=True, timeout=120)
    store.run("import", target, "copied")
    assert [p.parent.name for p in store.layers("copied")] == [sha(ONE), sha(TWO)]


@pytest.mark.parametrize("format", ["docker-archive", "oci-archive", "oci-dir"])
def test_podman_save(store, tmp_path, format):
    layout = Layout(tmp_path / "l").add("x", [ONE, TWO])
    run = tempfile.mkdtemp(prefix="run")  # whose name podman wants to be short
    podman = [tool("podman"), "--root", str(tmp_path / "root"), "--runroot", run, "--storage-driver", "vfs"]
    try:
        image = subprocess.run([*podman, "pull", "-q", f"oci:{layout.path}:x"], check=True, capture_output=True, text=True, timeout=120).stdout.strip()
        subprocess.run([*podman, "save", "-q", "--format", format, "-o", str(tmp_path / "out"), image], check=True, capture_output=True, timeout=120)
    finally:
        subprocess.run([*podman, "system", "reset", "--force"], capture_output=True, check=False, timeout=120)
        shutil.rmtree(run, ignore_errors=True)
    store.run("import", tmp_path / "out", "x")
    assert [p.parent.name for p in store.layers("x")] == [sha(ONE), sha(TWO)]


def test_oversized_document(store, tmp_path):
    layout = Layout(tmp_path / "l").add("x", [ONE], comment="x" * (5 << 20))
    assert "a document at most" in store.refused("import", layout.path)


def test_names_in_the_archive_that_are_twice(store, tmp_path):
    (tmp_path / "a").write_bytes(archive(entry("oci-layout", b"{}"), entry("oci-layout", b"{}")))
    assert '"oci-layout" is twice' in store.refused("import", tmp_path / "a", "x")


@pytest.mark.parametrize("e", [entry("../oci-layout", b"{}"), entry("/oci-layout", b"{}"),
                               entry("oci-layout", type=tarfile.SYMTYPE, link="../../etc/passwd"),
                               entry("oci-layout", type=tarfile.SYMTYPE, link="/etc/passwd")])
def test_paths_that_lead_out_of_the_archive(store, tmp_path, e):
    (tmp_path / "a").write_bytes(archive(e))
    store.refused("import", tmp_path / "a", "x")


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["import", "--help"], ["list"], ["list", "--quiet"], ["list", "--format", "json"], ["inspect", "app"]],
                         ids=" ".join)
def test_output_that_cannot_be_written(store, tmp_path, words):
    store.load(Layout(tmp_path / "l").add("app", [ONE]).path, "app")
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(store.command(*words), stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 1 and 'write("standard output"): No space left on device' in done.stderr and done.stderr.count("\n") == 1, done
