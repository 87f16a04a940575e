# SPDX-License-Identifier: Apache-2.0
"""config.md, POSIX-platform hooks, and what runtime.md says of their failures."""
import json
import os

import pytest
from orlop import eventually, pid_gone

NAMES = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")

OWN = "exec 3< /proc/self/cmdline 4< /proc/self/environ"  # opened by the shell itself: its own, by whatever number

pytestmark = pytest.mark.views


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path) as f:
        return f.read()


def hook(script, **more):
    return {"path": "/bin/sh", "args": ["sh", "-c", script], **more}


def with_log(box, b):
    """The directory of the box is seen inside at the same path."""
    b.mount(box.dir, box.dir, options=["bind"])
    return f"{box.dir}/log"


@pytest.mark.parametrize("point", [
    pytest.param("prestart", marks=pytest.mark.spec(12)), pytest.param("createRuntime", marks=pytest.mark.spec(13)),
    pytest.param("createContainer", marks=pytest.mark.spec(14)), pytest.param("startContainer", marks=pytest.mark.spec(15)),
    pytest.param("poststart", marks=pytest.mark.spec(17))])
def test_hook_that_fails(box, point):
    b = box.bundle(["sh", "-c", f"echo program >> {box.dir}/log; sleep 100"])
    log = with_log(box, b)
    b.config["hooks"] = {point: [hook(f"echo one >> {log}; exit 3"), hook(f"echo two >> {log}")], "poststop": [hook(f"echo poststop >> {log}")]}
    in_create = point in NAMES[:3]
    r = box.create(b, status=None)
    assert (r.status != 0) == in_create
    if not in_create:
        pid = box.state()["pid"]
        assert box.fails("start", "c")
        eventually(lambda: pid_gone(pid), "the program has ended")
    if box.orlop("state", "c", status=None).status == 0:  # its creator may still delete it
        box.wait("stopped")
        box.delete(force=False)
    lines = read(log).split()
    assert "two" not in lines and lines[-1] == "poststop" and lines.count("poststop") == 1
    assert point == "poststart" or lines == ["one", "poststop"]


@pytest.mark.spec(19)
def test_poststop_that_fails(box):
    b = box.bundle(["sleep", "100"])
    log = f"{box.dir}/log"
    b.config["hooks"] = {"poststop": [hook(f"echo one >> {log}; exit 3"), hook(f"echo two >> {log}")]}
    box.create(b)
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    box.orlop("delete", "c")
    assert read(log) == "one\ntwo\n" and box.fails("state", "c")


@pytest.mark.spec(73)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [{"path": "bin/true"}, {"path": ""}, {}, {"path": "/bin/true", "timeout": 0}, {"path": "/bin/true", "timeout": -1}],
                         ids=str)
def test_hook_that_is_none(box, name, wrong):
    assert box.refuses(lambda b: b.config.update(hooks={name: [{"path": "/bin/true"}, wrong]}))


@pytest.mark.spec(73)
def test_timeout(box):
    b = box.bundle(["true"])
    b.config["hooks"] = {"createRuntime": [hook("sleep 77", timeout=1)]}
    assert box.create(b, status=None).status != 0


@pytest.mark.spec(74, 75, 76)
def test_where_hooks_are_found_and_run(box):
    """The same path leads to two programs, one outside and one inside; each tells its namespaces."""
    b = box.bundle(["sleep", "100"])
    log = with_log(box, b)
    tell = "#!/bin/sh\ncd /proc/self/ns\nset -- $(ls -l mnt net uts)\necho $HOOK {} $(readlink mnt) $(readlink net) $(readlink uts) >> " + log + "\n"
    path = f"{box.dir}/hooks/tell"
    os.makedirs(f"{b.path}/hooks")
    os.makedirs(os.path.dirname(path))
    for where, file in (("outside", path), ("inside", f"{b.path}/hooks/tell")):
        with open(file, "w") as f:
            f.write(tell.format(where))
        os.chmod(file, 0o755)
    b.mount(f"{box.dir}/hooks", f"{b.path}/hooks", options=["bind"])
    b.config["hooks"] = {n: [{"path": path, "args": ["tell"], "env": [f"HOOK={n}", "PATH=/usr/bin:/bin"]}] for n in NAMES}
    box.create(b)
    pid = box.state()["pid"]
    theirs = [os.readlink(f"/proc/{pid}/ns/{n}") for n in ("mnt", "net", "uts")]
    ours = [os.readlink(f"/proc/self/ns/{n}") for n in ("mnt", "net", "uts")]
    box.orlop("start", "c")
    box.delete()
    told = {line.split()[0]: line.split()[1:] for line in read(log).splitlines()}
    for name in ("prestart", "createRuntime", "poststart", "poststop"):
        assert told[name] == ["outside", *ours], name
    assert told["createContainer"] == ["outside", *theirs] and told["startContainer"] == ["inside", *theirs]


@pytest.mark.spec(75)
def test_create_container_is_found_outside(box):
    b = box.bundle(["true"])
    log = with_log(box, b)
    with open(f"{box.dir}/only-outside", "w") as f:
        f.write(f"#!/bin/sh\necho ran >> {log}\n")
    os.chmod(f"{box.dir}/only-outside", 0o755)
    b.config["hooks"] = {"createContainer": [{"path": f"{box.dir}/only-outside"}]}
    box.run(b)
    assert read(log) == "ran\n"


@pytest.mark.spec(77, 79, 80, 81, 82, 83, 84)
def test_order(box):
    b = box.bundle(["sh", "-c", f"echo program >> {box.dir}/log; sleep 100"])
    log = with_log(box, b)
    b.config["hooks"] = {n: [hook(f"echo {n}{i} >> {log}") for i in (1, 2)] for n in NAMES}
    b.config["hooks"]["poststart"].insert(0, hook(f"until grep -q program {log}; do sleep 0.05; done", timeout=15))
    box.create(b)
    in_create = read(log).split()
    box.orlop("start", "c")
    in_start = read(log).split()[len(in_create):]
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    before = read(log).split()
    box.orlop("delete", "c")
    in_delete = read(log).split()[len(before):]
    both = lambda *names: [f"{n}{i}" for n in names for i in (1, 2)]  # noqa: E731
    assert in_create == both("prestart", "createRuntime", "createContainer")
    assert in_start == [*both("startContainer"), "program", *both("poststart")]
    assert in_delete == both("poststop")


@pytest.mark.spec(79, 80, 81)
def test_before_the_root_is_changed(box):
    """The namespaces are there, and the process still has the host's root: the bundle is found by its path; for createContainer the mounts too."""
    b = box.bundle(["sleep", "100"])
    log = f"{box.dir}/log"
    os.mkdir(f"{b.rootfs}/mnt")
    b.mount("/mnt", "tmpfs", "tmpfs", ["size=64k"])
    pid = "$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p')"
    look = f"p={pid}; test $(readlink /proc/$p/ns/net) != $(readlink /proc/self/ns/net) && test -d /proc/$p/root{b.path} && echo early >> {log}"
    b.config["hooks"] = {n: [hook(look)] for n in ("prestart", "createRuntime")}
    b.config["hooks"]["createContainer"] = [hook(f"test -d {b.path} && grep -q '{b.path}/rootfs/mnt\\| /mnt ' /proc/self/mountinfo && echo mounted >> {log}")]
    box.create(b)
    box.delete()
    assert read(log).split() == ["early", "early", "mounted"]


@pytest.mark.spec(84)
def test_poststop_after_the_container_is_gone(box):
    b = box.bundle(["sleep", "100"])
    log = f"{box.dir}/log"
    b.config["hooks"] = {"poststop": [hook(f"cat > {log}; ls -d /sys/fs/cgroup{b.config['linux']['cgroupsPath']} "
                                           f"/sys/fs/cgroup/*{b.config['linux']['cgroupsPath']} 2>/dev/null >> {log}; true")]}
    box.run(b, "-d")
    pid = box.state()["pid"]
    box.delete()
    state = read(log)
    assert json.loads(state)["status"] == "stopped" and pid_gone(pid)  # and no cgroup is listed after it


@pytest.mark.spec(85)
@pytest.mark.parametrize("name", ["createRuntime", "createContainer", "startContainer", "poststop"])
def test_arguments_and_environment(box, name):
    b = box.bundle(["true"])
    b.config["process"]["env"] = ["SECRET=image", "PATH=/bin"]
    log = with_log(box, b)
    script = f"{OWN}; tr '\\0' ' ' <&3 >> {log}; tr '\\0' ' ' <&4 >> {log}; true"
    own = "sh" if name == "startContainer" else "own name"  # inside it is busybox, which goes by its name
    b.config["hooks"] = {name: [{"path": "/bin/sh", "args": [own, "-c", script, "last"], "env": ["ONE=1", "PATH=/bin"]}]}
    b.save()
    box.orlop("run", "--bundle", b.path, "c", env={"SECRET": "runtime"})
    said = read(log)
    assert said.startswith(f"{own} -c ") and said.endswith(" last ONE=1 PATH=/bin ") and "SECRET" not in said.split(" last ")[1]


@pytest.mark.spec(85)
@pytest.mark.parametrize("name", ["createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
def test_no_environment_is_handed_down(box, name):
    """Neither the runtime's nor the image's (CVE-2025-23266)."""
    b = box.bundle(["true"])
    b.config["process"]["env"] = ["LD_PRELOAD_OF=image", "PATH=/bin"]
    log = with_log(box, b)
    b.config["hooks"] = {name: [hook(f"{OWN}; tr '\\0' ' ' <&4 >> {log}; echo . >> {log}")]}
    b.save()
    box.orlop("run", "--bundle", b.path, "c", env={"SECRET": "runtime"})
    assert "." in read(log) and "SECRET" not in read(log) and "LD_PRELOAD_OF" not in read(log)
