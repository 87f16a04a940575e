# SPDX-License-Identifier: Apache-2.0
"""One image, many containers: bundles share its layers, each container writes into its own, and starts as the image says."""
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

import orlop
from images import ARCHITECTURE, Layout, archive, busybox_layer, entry, sha

CONFIG = {"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo $A $B $PWD; id"], "Env": ["A=image", "B=two", "PATH=/bin"], "WorkingDir": "/root", "User": "mail",
          "Labels": {"org.example.x": "y", "org.opencontainers.image.author": "label"}, "StopSignal": "SIGUSR1", "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
          "Volumes": {"/data": {}}}


@pytest.fixture
def image(store, tmp_path):
    """The store with the image `box`."""
    if os.geteuid() != 0:
        pytest.skip("overlays need root")
    layers = [busybox_layer(), archive(entry("etc/low", b"low\n"), entry("d/gone", b""), entry("d/kept", b"")), archive(entry("d/.wh.gone", b""))]
    store.load(Layout(tmp_path / "l").add("box", layers, CONFIG, author="someone", created="2026-01-01T00:00:00Z", variant="v9").path, "box")
    return store


def mounted(path):
    with open("/proc/self/mountinfo") as f:
        return sum(line.split()[4] == str(path) for line in f)


class Runner:
    """Runs bundles as containers of a box."""

    def __init__(self, box):
        self.box = box

    def run(self, path, id="c", status=0):
        self.place(path)
        return self.box.orlop("run", "--bundle", str(path), id, status=status)

    def place(self, path):
        """The cgroup is the box's, which sees what is left in it."""
        config = json.loads((path / "config.json").read_text())
        config["linux"]["cgroupsPath"] = f"{self.box.cgroup}-{path.name}"
        (path / "config.json").write_text(json.dumps(config))


@pytest.fixture
def runner(box, store):
    yield Runner(box)
    for id in os.listdir(box.root) if os.path.isdir(box.root) else []:
        box.orlop("delete", "--force", id, status=None)
    for b in store.bundles:  # before the box looks what is left
        store.run("rm-bundle", b, status=0 if os.path.isdir(b) else 1)


def test_many_containers(image, runner, tmp_path):
    """Five containers run at the same time, each with what it wrote; the layers stay as they were."""
    before = {p: os.stat(p / "etc").st_mtime_ns for p in image.layers("box")[:2]}
    for i in range(5):
        b = tmp_path / f"b{i}"
        image.bundle("box", b, f"echo {i} > /etc/own; echo {i} >> /etc/low; rm /bin/ls; cat /etc/own /etc/low; exec sleep 1000", options=["--user", "0"])
        runner.place(b)
        with open(tmp_path / f"out{i}", "w") as out:
            subprocess.run(runner.box.command("run", "--detach", "--bundle", str(b), f"c{i}"), stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=True, timeout=60)
    for i in range(5):
        orlop.eventually(lambda i=i: (tmp_path / f"out{i}").read_text() == f"{i}\nlow\n{i}\n", f"container {i} has written")
    assert [runner.box.status(f"c{i}") for i in range(5)] == ["running"] * 5
    inodes = {os.stat(tmp_path / f"b{i}/rootfs/bin/busybox").st_ino for i in range(5)}
    assert inodes == {os.stat(image.layers("box")[0] / "bin/busybox").st_ino}
    for i in range(5):
        assert (tmp_path / f"b{i}/upper/etc/own").read_text() == f"{i}\n" and not (tmp_path / f"b{i}/rootfs/bin/ls").exists()
    assert {p: os.stat(p / "etc").st_mtime_ns for p in before} == before and (image.layers("box")[1] / "etc/low").read_text() == "low\n"
    assert "is in use by process" in image.run("rm-bundle", tmp_path / "b0", status=1).err
    assert "is in use by process" in image.run("unmount", tmp_path / "b0", status=1).err and mounted(tmp_path / "b0/rootfs") == 1
    for i in range(5):
        runner.box.delete(f"c{i}")
        image.run("rm-bundle", tmp_path / f"b{i}")
        assert not (tmp_path / f"b{i}").exists()
    assert os.listdir(image.path / "bundles") == []


def test_checkpoint(image, runner, tmp_path):
    """A container on an overlay is dumped and restored while another of the same image runs, each with what it wrote."""
    criu = subprocess.run([os.path.join(os.path.dirname(orlop.__file__), "get-criu")], capture_output=True, text=True, check=False)
    if criu.returncode == 77:
        pytest.skip(criu.stdout.strip())
    box, null = runner.box, subprocess.DEVNULL
    for i in range(2):
        image.bundle("box", tmp_path / f"b{i}", f"i=0; while true; do i=$((i+1)); echo {i} $i >> /numbers; usleep 20000; done", options=["--user", "0"])
        runner.place(tmp_path / f"b{i}")
        subprocess.run(box.command("run", "--detach", "--bundle", str(tmp_path / f"b{i}"), f"c{i}"), stdin=null, stdout=null, stderr=null, check=True, timeout=60)
    counted = [tmp_path / f"b{i}/upper/numbers" for i in range(2)]

    def go_on():
        n = [len(p.read_text().split("\n")) if p.exists() else 0 for p in counted]
        orlop.eventually(lambda: all(p.exists() and len(p.read_text().split("\n")) > k + 3 for p, k in zip(counted, n)), "both count")
    go_on()
    box.orlop("--criu", criu.stdout.strip(), "checkpoint", "--image-path", str(tmp_path / "images"), "c0")
    box.orlop("--criu", criu.stdout.strip(), "restore", "--detach", "--bundle", str(tmp_path / "b0"), "--image-path", str(tmp_path / "images"), "c0")
    go_on()
    for i, p in enumerate(counted):
        lines = p.read_text().splitlines()
        assert lines == [f"{i} {k}" for k in range(1, len(lines) + 1)]
    box.delete("c0")
    box.delete("c1")


def test_starts_as_the_image_says(image, runner, tmp_path):
    image.bundle("box", tmp_path / "b")
    assert runner.run(tmp_path / "b").out == "image two /root\nuid=8(mail) gid=12(mail) groups=12(mail),77(extra)\n"


def test_starts_as_the_caller_says(image, runner, tmp_path):
    image.bundle("box", tmp_path / "b", "echo $A $C $PWD $(hostname); id -u; touch /x", options=["-e", "A=caller", "-e", "C", "-u", "5:6", "-w", "/etc", "--hostname", "h", "--read-only"],
                 env=dict(os.environ, C="mine"))
    done = runner.run(tmp_path / "b", status=1)
    assert done.out == "caller mine /etc h\n5\n" and "Read-only" in done.err


def test_whiteouts(image, runner, tmp_path):
    image.bundle("box", tmp_path / "b", "ls /d; ls /etc")
    assert runner.run(tmp_path / "b").out == "kept\ngroup\nlow\npasswd\n"


def test_entrypoint(image, runner, tmp_path):
    image.bundle("box", tmp_path / "b", "-n", "word", options=["--entrypoint", "/bin/echo"])
    assert runner.run(tmp_path / "b").out == "word"


def test_conversion(image, tmp_path):
    """conversion.md of image-spec: verbatim, parsed and annotation fields."""
    image.bundle("box", tmp_path / "b")
    c = image.config(tmp_path / "b")
    p = c["process"]
    assert p["args"] == ["/bin/sh", "-c", "echo $A $B $PWD; id"] and p["cwd"] == "/root" and p["env"] == ["A=image", "B=two", "PATH=/bin"]
    assert p["user"] == {"uid": 8, "gid": 12, "additionalGids": [12, 77]} and not p.get("terminal")
    assert c["annotations"] == {
        "org.opencontainers.image.os": "linux", "org.opencontainers.image.architecture": ARCHITECTURE, "org.opencontainers.image.variant": "v9",
        "org.opencontainers.image.author": "label", "org.opencontainers.image.created": "2026-01-01T00:00:00Z", "org.opencontainers.image.stopSignal": "SIGUSR1",
        "org.opencontainers.image.exposedPorts": "80/tcp,53/udp", "org.example.x": "y"}
    assert c["root"] == {"path": "rootfs"} and "CAP_SETUID" in p["capabilities"]["bounding"] and "CAP_SYS_ADMIN" not in p["capabilities"]["bounding"]


def test_labels_that_reach_for_the_host(image, tmp_path):
    """As annotations they would have programs started, properties of systemd set, or files of the host written, as whoever made the image likes."""
    done = subprocess.run([orlop.PROGRAM, "features"], capture_output=True, text=True, check=True)
    powers = [name + "X" * name.endswith(".") for name in json.loads(done.stdout)["potentiallyUnsafeConfigAnnotations"] if "stopSignal" not in name]
    assert "org.criu.config" in powers
    labels = dict.fromkeys([*powers, "run.oci.hooks.stdout", "org.opencontainers.image.stopSignal", "run.ocix", "org.systemd.propertyX"], "1")
    image.load(Layout(tmp_path / "labels").add("box", [busybox_layer()], {**CONFIG, "Labels": labels}).path, "labels")
    done = image.bundle("labels", tmp_path / "b")
    kept = set(image.config(tmp_path / "b")["annotations"]) & set(labels)
    assert kept == {"org.opencontainers.image.stopSignal", "run.ocix", "org.systemd.propertyX"}
    assert "warning: the image's label \"" in done.err and f" and {len(powers)} more was left out" in done.err


@pytest.mark.parametrize("user, expected", [
    ("", {"uid": 0, "gid": 0}), ("0", {"uid": 0, "gid": 0}), ("8", {"uid": 8, "gid": 12}), ("4000", {"uid": 4000, "gid": 0}), ("8:99", {"uid": 8, "gid": 99}),
    ("mail:extra", {"uid": 8, "gid": 77}), ("root", {"uid": 0, "gid": 0, "additionalGids": [0, 77]}), ("12:mail", {"uid": 12, "gid": 12})])
def test_user(image, tmp_path, user, expected):
    image.bundle("box", tmp_path / "b", options=["--user", user])
    assert image.config(tmp_path / "b")["process"]["user"] == expected


@pytest.mark.parametrize("user", ["nobody", "0:nobody", "mail:", "99999999999", "-1"])
def test_user_that_is_not_there(image, tmp_path, user):
    done = image.bundle("box", tmp_path / "b", options=["--user", user], status=0 if user == "mail:" else 1)
    if user != "mail:":
        assert "--user: there is no " in done.err and not (tmp_path / "b").exists() and os.listdir(image.path / "bundles") == [] and not mounted(tmp_path / "b/rootfs")


def test_passwd_of_an_attacker(store, tmp_path, image):
    """The image's files are found inside of its root and read up to a limit."""
    (tmp_path / "passwd").write_text("mail:x:777:777::/:/bin/sh\n")
    for i, (e, said) in enumerate([(entry("etc/passwd", type=b"2", link=str(tmp_path / "passwd")), "there is no user"),
                                   (entry("etc/passwd", type=b"2", link="../../../../../.." + str(tmp_path / "passwd")), "there is no user"),
                                   (entry("etc/passwd", b"x" * (2 << 20)), "more than"), (entry("etc/passwd", type=b"6"), "no regular file"),
                                   (entry("etc/passwd", b":::::\n\n:x:8\nmail\nmail:x:\nmail:x:-3:4\nmail:x:1e3:4\n\0"), "there is no user")]):
        store.load(Layout(tmp_path / f"p{i}").add("bad", [archive(e)], CONFIG).path, "bad")
        assert said in store.run("bundle", "bad", tmp_path / "b", status=1).err
        assert not (tmp_path / "b").exists()


def test_root_directory(store, tmp_path, image):
    """The root of the container is as the uppermost layer says that says it; one that hides everything below does."""
    store.load(Layout(tmp_path / "r").add("r", [archive(entry("./", mode=0o711, uid=4), entry("low", b"")), archive(entry("up", b""))], CONFIG).path, "r")
    store.bundle("r", tmp_path / "b", options=["--user", "0"])
    st = os.stat(tmp_path / "b/rootfs")
    assert (st.st_mode & 0o7777, st.st_uid) == (0o711, 4) and sorted(os.listdir(tmp_path / "b/rootfs")) == ["low", "up"]
    store.load(Layout(tmp_path / "o").add("o", [archive(entry("low", b"")), archive(entry(".wh..wh..opq", b""), entry("up", b"")), archive(entry("top", b""))], CONFIG).path, "o")
    store.bundle("o", tmp_path / "b2", options=["--user", "0"])
    assert sorted(os.listdir(tmp_path / "b2/rootfs")) == ["top", "up"]


def test_many_layers(store, tmp_path, image):
    """As many as an image may have fit the options of one mount, even of a bundle and a store with a long path and odd letters."""
    store.load(Layout(tmp_path / "m").add("many", [archive(entry(f"f{i}", b"")) for i in range(200)], CONFIG).path, "many")
    b = tmp_path / ("x" * 200) / "a,b:c\\d e"
    b.parent.mkdir()
    store.bundle("many", b, options=["--user", "0"])
    assert len(os.listdir(b / "rootfs")) == 200
    store.run("unmount", b)
    assert os.listdir(b / "rootfs") == []
    store.run("mount", b)
    assert len(os.listdir(b / "rootfs")) == 200


def test_mount_again(image, runner, tmp_path):
    """What a container wrote is there after the overlay was unmounted, as at the end of the machine, and mounted again."""
    b = tmp_path / "b"
    image.bundle("box", b, "echo $((1 + $(cat /count 2>/dev/null || echo 0))) > /count; cat /count", options=["--user", "0"])
    assert runner.run(b).out == "1\n"
    image.run("unmount", b)
    assert not mounted(b / "rootfs") and os.listdir(b / "rootfs") == []
    image.run("unmount", b)
    image.run("mount", b)
    image.run("mount", b)
    assert mounted(b / "rootfs") == 1 and runner.run(b).out == "2\n"
    image.run("unmount", b)
    image.run("rm-bundle", b)
    assert not b.exists()


def test_bundle_in_use(image, tmp_path):
    image.bundle("box", tmp_path / "b")
    with open(tmp_path / "b/rootfs/etc/low"):
        assert "the root file system is in use" in image.run("rm-bundle", tmp_path / "b", status=1).err
        assert (tmp_path / "b/config.json").exists()
    image.run("rm-bundle", tmp_path / "b")


def test_image_in_use(image, tmp_path):
    """An image that a bundle uses stays, and its layers; a bundle that was deleted by hand is forgotten."""
    image.bundle("box", tmp_path / "b")
    assert f'is used by the bundle "{tmp_path}/b"' in image.run("remove", "box", status=1).err
    image.run("gc")
    assert len(os.listdir(image.path / "layers")) == 3 and (tmp_path / "b/rootfs/bin/busybox").exists()
    image.run("unmount", tmp_path / "b")
    shutil.rmtree(tmp_path / "b")
    image.run("remove", "box")
    assert image.content() == []


def test_directory_of_a_bundle(image, tmp_path):
    """It is a new one or empty, and closed to others; what is not the bundle's stays when that is removed."""
    (tmp_path / "full/x").mkdir(parents=True)
    assert "is not empty" in image.bundle("box", tmp_path / "full", status=1).err and os.listdir(tmp_path / "full") == ["x"]
    (tmp_path / "b").mkdir(mode=0o755)
    image.bundle("box", tmp_path / "b")
    assert os.stat(tmp_path / "b").st_mode & 0o7777 == 0o700
    (tmp_path / "b/mine").write_text("")
    assert "has other files" in image.run("rm-bundle", tmp_path / "b", status=1).err
    assert os.listdir(tmp_path / "b") == ["mine"]
    assert "is no bundle of orlop-image" in image.run("rm-bundle", tmp_path / "b", status=1).err
    assert "mkdir" in image.bundle("box", tmp_path / "none/b", status=1).err
    assert 'no image "none"' in image.bundle("none", tmp_path / "n", status=1).err and not (tmp_path / "n").exists()


def test_image_without_command(store, tmp_path, image):
    store.load(Layout(tmp_path / "n").add("n", [archive()]).path, "n")
    assert "say a command" in store.bundle("n", tmp_path / "b", status=1).err
    store.bundle("n", tmp_path / "b", "--", "/bin/x", "-y")
    assert store.config(tmp_path / "b")["process"]["args"] == ["/bin/x", "-y"]
    assert store.config(tmp_path / "b")["process"]["env"] == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    assert store.config(tmp_path / "b")["process"]["cwd"] == "/"


def odd(store, path, **config):
    """An image with this configuration beside that of CONFIG."""
    store.load(Layout(path / "odd").add("odd", [busybox_layer()], {**CONFIG, **config}).path, "odd")


@pytest.mark.parametrize("config, words, said", [
    ({"Cmd": [""]}, [], "config.Cmd[0]: the word that names the program is empty"),
    ({"Entrypoint": [""], "Cmd": ["", "x"]}, [], "config.Cmd[0]: the word that names the program is empty"),
    ({"Entrypoint": ["", "x"], "Cmd": ["echo"]}, [], "config.Entrypoint[0]: the word that names the program is empty"),
    ({"Entrypoint": [""], "Cmd": None}, [], "neither Entrypoint nor Cmd"), ({"Entrypoint": [], "Cmd": []}, [], "neither Entrypoint nor Cmd"),
    ({}, ["--", "", "x"], "the first word of the command names the program, and is empty"),
    ({"User": "x:y"}, [], 'config.User: there is no user "x" in the image'), ({"User": "mail:y"}, [], 'config.User: there is no group "y" in the image'),
    ({"WorkingDir": "tmp"}, [], 'config.WorkingDir: "tmp" is not absolute')])
def test_odd_configuration_is_refused(image, tmp_path, config, words, said):
    """A bundle that no runtime could start is not made."""
    odd(image, tmp_path, **{"Entrypoint": None, **config})
    assert said in image.bundle("odd", tmp_path / "b", *words, status=1).err
    assert not (tmp_path / "b").exists() and os.listdir(image.path / "bundles") == []


def test_entrypoint_that_was_taken_back(image, runner, tmp_path):
    """By one empty word, in the image or by the caller."""
    odd(image, tmp_path, Entrypoint=[""], Cmd=["echo", "cmd"])
    image.bundle("odd", tmp_path / "b")
    assert runner.run(tmp_path / "b").out == "cmd\n"
    image.bundle("box", tmp_path / "b2", "echo", "alone", options=["--entrypoint", ""])
    assert runner.run(tmp_path / "b2").out == "alone\n"
    assert "say a command" in image.bundle("box", tmp_path / "b3", options=["--entrypoint", ""], status=1).err


def test_odd_variables(image, runner, tmp_path):
    """Those that are none are left out, with a warning, as no runtime would take them; of one name the last counts, and the caller's above all."""
    odd(image, tmp_path, User="", Env=["FOO", "A=1", "", "A=2", "=x", "B=1", "PATH=/bin", "C"], Entrypoint=None, Cmd=["sh", "-c", "echo $A $B $C"])
    done = image.bundle("odd", tmp_path / "b", options=["--env", "B=3", "--env", "B=4", "--env", "C=5"])
    assert 'warning: config.Env[0]: the image\'s "FOO" (and 2 more) is no NAME=VALUE, and was left out\n' in done.err and done.err.count("\n") == 1
    assert runner.run(tmp_path / "b").out == "2 4 5\n"
    for name in ("", "=x"):
        assert "it has no name" in image.bundle("odd", tmp_path / "none", options=["--env", name], status=1).err


@pytest.mark.parametrize("signal", ["SIGFOO", "999", "0", "-1", "TERM "])
def test_odd_stop_signal(image, tmp_path, signal):
    odd(image, tmp_path, StopSignal=signal)
    assert f'warning: config.StopSignal: the image\'s "{signal}" is no signal, and was left out\n' in image.bundle("odd", tmp_path / "b").err
    assert "org.opencontainers.image.stopSignal" not in image.config(tmp_path / "b")["annotations"]


@pytest.mark.parametrize("signal", ["15", "term", "SIGRTMIN+3"])
def test_stop_signal(image, tmp_path, signal):
    """In the image's words."""
    odd(image, tmp_path, StopSignal=signal)
    assert image.bundle("odd", tmp_path / "b").err == "" and image.config(tmp_path / "b")["annotations"]["org.opencontainers.image.stopSignal"] == signal


def test_much_that_is_told(image, runner, tmp_path):
    """Ports and labels up to the size of a document, volumes of any name: the container starts all the same."""
    ports = {f"{i}/tcp": {} for i in range(100000)}
    odd(image, tmp_path, User="", ExposedPorts=ports, Volumes={"/data": {}, "rel": {}, "/../..": {}, "": {}}, Labels={"a": "x" * 1000000}, Entrypoint=None, Cmd=["true"])
    assert image.bundle("odd", tmp_path / "b").err == ""
    assert image.config(tmp_path / "b")["annotations"]["org.opencontainers.image.exposedPorts"] == ",".join(ports)
    runner.run(tmp_path / "b")


def test_deep_tree_of_a_container(image, runner, tmp_path):
    """What a container wrote is removed however deep it is."""
    image.bundle("box", tmp_path / "b", "mkdir /deep; cd /deep; i=0; while [ $i -lt 600 ]; do mkdir ddddddd; cd -P ddddddd; i=$((i+1)); done; cd /; chmod 0 /deep; echo done", options=["--user", "0"])
    assert runner.run(tmp_path / "b").out == "done\n"
    image.run("rm-bundle", tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_killed(image, tmp_path):
    """A bundle whose making was killed at any moment is removed by rm-bundle, or is an empty directory."""
    whole = 0
    for i in range(10):
        b = tmp_path / f"k{i}"
        p = subprocess.Popen(image.command("bundle", "box", b), stderr=subprocess.DEVNULL)
        time.sleep(0.001 * i)
        p.send_signal(signal.SIGKILL)
        p.wait()
        whole += (b / "config.json").exists()
        if (b / "orlop-image.json").exists():
            image.run("rm-bundle", b)
            assert not b.exists()
        else:
            assert not b.exists() or os.listdir(b) in ([], [".orlop-image"])
            image.bundle("box", b)
            image.run("rm-bundle", b)
    assert whole < 10
    image.run("gc")
    image.run("remove", "box")
    assert image.content() == []


def test_removing_is_killed(image, tmp_path):
    """A bundle whose removing was killed at any moment is removed by another rm-bundle."""
    left = 0
    for i in range(10):
        b = tmp_path / f"k{i}"
        image.bundle("box", b)
        for j in range(50):
            (b / f"upper/{j}/x/y").mkdir(parents=True)
        p = subprocess.Popen(image.command("rm-bundle", b), stderr=subprocess.DEVNULL)
        time.sleep(0.001 * i)
        p.send_signal(signal.SIGKILL)
        p.wait()
        if (b / "orlop-image.json").exists():
            left += 1
            image.run("rm-bundle", b)
        assert not b.exists() or os.listdir(b) == []
    assert left > 0


def test_bundles_at_the_same_time(image, tmp_path):
    running = [subprocess.Popen(image.command("bundle", "box", tmp_path / f"b{i}"), stderr=subprocess.PIPE) for i in range(8)]
    image.bundles += [tmp_path / f"b{i}" for i in range(8)]
    said = [p.communicate(timeout=60)[1] for p in running]
    assert [p.returncode for p in running] == [0] * 8, said
    assert all((tmp_path / f"b{i}/rootfs/bin/busybox").exists() for i in range(8)) and len(os.listdir(image.path / "bundles")) == 8
    image.run("rm-bundle", *[tmp_path / f"b{i}" for i in range(8)])
    assert os.listdir(image.path / "bundles") == [] and sha(b"") not in os.listdir(image.path / "layers")
