# SPDX-License-Identifier: Apache-2.0
"""Where the container's root stands while it is made: on its own path, so that the host's paths lead nowhere else, by the new mount API and on kernels without."""
import os
import subprocess

import orlop
import pytest
from test_mounts import ids, in_user_namespace, privately, source  # noqa: F401 a fixture
from test_without import MISSING, without  # noqa: F401 a fixture


@pytest.fixture(params=["this kernel", "mount_api", "mount_setattr"])
def box(request, without):  # noqa: F811
    orlop.needs_root_or_tester()
    b = orlop.Box()
    if request.param in MISSING:
        number, calls = MISSING[request.param]
        b.own_id_alone = True
        b.prefix = [without, str(number), calls]
    yield b
    b.close()


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("option", [[], ["--no-pivot"]], ids=["pivot_root", "chroot"])
@pytest.mark.parametrize("way", ["/srv/up", "/srv/..", "/srv/./up/srv/up"])
def test_source_that_climbs_to_the_root(box, way, option, ids):  # noqa: F811
    """As through a link /var/run -> ../run: what is found there is the host's, whatever the image has of that name."""
    src = source(box, file="of the host")
    b = box.bundle(["cat", "/mnt/file"])
    ids(b)
    os.makedirs(b.rootfs + src)
    with open(f"{b.rootfs}{src}/file", "w") as f:
        f.write("of the image")
    os.makedirs(f"{b.rootfs}/srv")
    os.symlink("..", f"{b.rootfs}/srv/up")
    b.mount("/mnt", way + src, options=["bind"])
    before = box.prefix
    box.prefix = [*privately('mount -t tmpfs tmpfs /srv; ln -s .. /srv/up; exec "$@"', "sh"), *before]
    assert box.run(b, *option).out == "of the host"
    box.prefix = before


@pytest.mark.parametrize("root", ["/", "/.", "//", "/proc/self/root"])
def test_all_of_the_host(box, root, ids):  # noqa: F811
    """With all mounts below it, and not what the container is made of."""
    src = source(box, file="of the host")
    b = box.bundle(["sh", "-c", f"cat /mnt{src}/file; ls /mnt/proc/fs"])
    ids(b)
    b.mount("/mnt", root, options=["rbind"])
    out = box.run(b).out
    assert out.startswith("of the host") and "orlop" not in out, out


@pytest.mark.parametrize("option", [[], ["--no-pivot"]], ids=["pivot_root", "chroot"])
def test_a_directory_above_the_root(box, option, ids):
    """What lies at the root's path in it is the host's directory, without what the container has mounted there, and without leave to write."""
    b = box.bundle([])
    b.config["process"]["args"] = ["sh", "-c", f"cd /mnt{b.rootfs}; ls; ls proc; touch x"]
    ids(b)
    os.makedirs(f"{b.rootfs}/proc", exist_ok=True)
    b.config["root"]["readonly"] = True
    b.mount("/mnt", "/", options=["rbind", "ro"])
    r = box.run(b, *option, status=None)
    assert "proc" in r.out.split() and "self" not in r.out.split() and "touch: x: " in r.err.replace("'", ""), r


@pytest.mark.root("another user's ids")
@pytest.mark.parametrize("option", [[], ["--no-pivot"]], ids=["pivot_root", "chroot"])
def test_a_root_that_its_user_may_not_search(box, option):
    """Whose mount stands aside meanwhile: of that nothing is seen either, where the host's /proc has to do."""
    if box.prefix:
        pytest.skip("without mount_setattr the root's path must be searchable")
    b = box.bundle(["sh", "-c", "cat $(find /proc/driver /proc/fs -name secret); ls -d /proc/driver/proc; touch /proc/driver/x; echo done"])
    with open(f"{b.rootfs}/secret", "w") as f:
        f.write("secret")
    in_user_namespace(b)
    b.config["linux"]["namespaces"] = [n for n in b.config["linux"]["namespaces"] if n["type"] != "pid"]
    b.config["linux"]["maskedPaths"] = ["/secret"]
    b.config["root"]["readonly"] = True
    b.save()
    os.chmod(os.path.dirname(b.rootfs), 0o700)
    r = box.run(b, *option)
    assert r.out == "done\n", r
    assert not os.path.exists(f"{b.rootfs}/x")


@pytest.mark.parametrize("planted", [False, True])
@pytest.mark.parametrize("option", [[], ["--no-pivot"]], ids=["pivot_root", "chroot"])
@pytest.mark.parametrize("word", [None, "shared", "rshared"])
def test_read_only_without_a_procfs(box, option, word, planted, ids):
    """Names of the image are no way to the root's mount: it is read-only though the image has a /proc of its own, or none."""
    b = box.bundle(["sh", "-c", "touch /x; touch /m/x && echo done"])
    ids(b)
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/proc")]
    b.config["linux"].update(maskedPaths=[], readonlyPaths=[], rootfsPropagation=word)
    b.mount("/m", "tmpfs", "tmpfs", [])
    b.config["root"]["readonly"] = True
    if planted:
        os.makedirs(f"{b.rootfs}/proc/self/fd")
        for n in range(3, 90):
            os.symlink("/m", f"{b.rootfs}/proc/self/fd/{n}")
    r = box.run(b, *option, status=None)
    assert r.out == "done\n" and "touch: /x: " in r.err.replace("'", ""), r


@pytest.mark.root("mounts on the host's directories")
@pytest.mark.parametrize("option", [[], ["--no-pivot"]], ids=["pivot_root", "chroot"])
def test_the_hosts_root(box, option):
    b = box.bundle(["/bin/sh", "-c", f"test -e {box.dir} && echo here"])
    b.config["root"]["path"] = "/"
    assert box.run(b, *option).out == "here\n"


@pytest.mark.parametrize("kind", ["file", "nothing"])
def test_what_is_no_directory(box, kind):
    b = box.bundle(["true"])
    b.config["root"]["path"] = path = f"{box.dir}/{kind}"
    if kind == "file":
        open(path, "w").close()
    err = box.run(b, status=1).err
    assert "root.path" in err and path in err and ("ot a directory" in err or kind == "nothing" and "No such file" in err), err


def test_hooks_find_the_root_on_its_path(box):
    """Those of the runtime's namespace, and those of the container's, see there what is mounted in the container (nvidia-ctk looks for it so)."""
    b = box.bundle(["true"])
    log = os.path.join(box.dir, "log")
    b.mount("/mnt", source(box, file="of the host"), options=["bind"])
    b.config["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat {b.rootfs}/mnt/file > {log}; ls {b.rootfs}/proc/self > /dev/null"]}]}
    box.run(b)
    with open(log) as f:
        assert f.read() == "of the host"


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("below", [".", "deep/er"])
@pytest.mark.parametrize("word", ["shared", "rshared", "rslave"])
def test_rootfs_propagation_around_the_root(box, word, below):
    """Nothing of the container is mounted for the host, though the mount that its root lies in is shared with it."""
    b = box.bundle(["sleep", "100"])
    b.config["linux"]["rootfsPropagation"] = word
    top = f"{box.dir}/top"
    os.makedirs(f"{top}/{below}")
    b.config["root"]["path"] = f"{top}/{below}/root"
    b.save()
    script = (f"mount -t tmpfs a {top}; mount --make-shared {top}; mkdir -p {top}/{below}; cp -a {b.rootfs} {top}/{below}/root; "
              f'"$@" >/dev/null; cut -d" " -f5 /proc/self/mountinfo | grep {top}; {box.program} --root {box.root} exec c grep " / " /proc/mounts; {box.program} --root {box.root} delete -f c')
    done = subprocess.run([*privately(script, "sh"), *box.command("run", "-d", "--bundle", b.path, "c")], capture_output=True, text=True, timeout=60, check=True,
                          stdin=subprocess.DEVNULL)
    host, container = done.stdout.splitlines()
    assert host == top and container.startswith("a / "), done
