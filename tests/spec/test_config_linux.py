# SPDX-License-Identifier: Apache-2.0
"""config-linux.md: file systems, namespaces, devices, cgroups, parameters, propagation and hidden paths."""
import glob
import os

import pytest

KINDS = {"network": "net", "ipc": "ipc", "uts": "uts", "pid": "pid", "mount": "mnt", "cgroup": "cgroup"}

pytestmark = pytest.mark.views


# --- file systems and namespaces

@pytest.mark.spec(97)
def test_default_file_systems(box):
    out = box.sh("while read -r a d f rest; do echo $d $f; done < /proc/mounts")
    assert {"/proc proc", "/sys sysfs", "/dev/pts devpts", "/dev/shm tmpfs"} <= set(out.splitlines())


@pytest.mark.spec(98, 100, 101)
@pytest.mark.parametrize("kind", KINDS)
def test_new_or_inherited(box, kind):
    script = f"readlink /proc/self/ns/{KINDS[kind]}"
    ours = os.readlink(f"/proc/self/ns/{KINDS[kind]}")
    assert box.sh(script, lambda b: b.namespace(kind)).strip() != ours
    if kind != "mount":  # runc and crun refuse a pivot in the host's
        def shared(b):
            b.namespace(kind, False)
            b.config["linux"].pop("sysctl", None)
            b.config.pop("hostname", None)
        assert box.sh(script, shared).strip() == ours


@pytest.mark.spec(99)
@pytest.mark.parametrize("kind", ["network", "ipc", "uts", "cgroup"])
def test_joined(box, kind):
    box.run(box.bundle(["sleep", "100"]), "-d", id="other")
    path = f"/proc/{box.state('other')['pid']}/ns/{KINDS[kind]}"
    theirs = os.readlink(path)
    assert box.sh(f"readlink /proc/self/ns/{KINDS[kind]}", lambda b: b.namespace(kind, path)).strip() == theirs
    box.delete("other")


@pytest.mark.spec(99)
@pytest.mark.parametrize("kind, path", [("network", "/proc/self/ns/uts"), ("uts", "/proc/self/ns/ipc"), ("ipc", "proc/self/ns/ipc"),
                                        ("network", "/does/not/exist"), ("network", "/etc/passwd")])
def test_no_such_namespace(box, kind, path):
    assert box.refuses(lambda b: b.namespace(kind, path))


@pytest.mark.spec(102)
@pytest.mark.parametrize("kind", KINDS)
def test_namespace_twice(box, kind):
    assert box.refuses(lambda b: b.config["linux"].update(namespaces=[*b.config["linux"]["namespaces"], {"type": kind}, {"type": kind}]))


# --- devices

def device(path, kind="c", major=1, minor=3, **more):
    numbers = {"major": major, "minor": minor} if major is not None else {}
    return {"path": path, "type": kind, **numbers, **more}


@pytest.mark.spec(105, 107)
def test_devices(box):
    def change(b):
        b.config["linux"]["devices"] = [device("/dev/c", fileMode=0o640, uid=1, gid=2), device("/dev/u", "u", 1, 5), device("/dev/b", "b", 7, 200),
                                        device("/dev/p", "p", None), device("/dev/deep/c", "c", 1, 8)]
    out = box.sh("cd /dev; stat -c '%n|%F|%t:%T|%a|%u:%g' c u b p deep/c", change)
    rows = [line.split("|") for line in out.splitlines()]
    assert [r[:2] for r in rows] == [["c", "character special file"], ["u", "character special file"], ["b", "block special file"], ["p", "fifo"],
                                     ["deep/c", "character special file"]]
    assert [r[2] for r in rows if r[0] != "p"] == ["1:3", "1:5", "7:c8", "1:8"] and rows[0][3:] == ["640", "1:2"]


@pytest.mark.spec(106)
def test_another_file_in_the_place_of_a_device(box):
    def change(b):
        os.makedirs(f"{b.rootfs}/opt")
        with open(f"{b.rootfs}/opt/mine", "w") as f:
            f.write("a file\n")
        b.config["linux"]["devices"] = [device("/opt/mine")]
    assert box.refuses(change)


@pytest.mark.spec(107)
@pytest.mark.parametrize("wrong", [device("/dev/x", "x"), device("/dev/x", ""), device("/dev/x", "a"), device("/dev/x", "c", None),
                                   device("/dev/x", "b", None), {"type": "c", "major": 1, "minor": 3}, {"path": "/dev/x", "major": 1, "minor": 3}],
                         ids=str)
def test_devices_that_are_none(box, wrong):
    assert box.refuses(lambda b: b.config["linux"].update(devices=[wrong]))


@pytest.mark.spec(109, 110)
@pytest.mark.parametrize("terminal", [False, True])
def test_no_other_devices(box, terminal):
    import orlop
    script = "cd /dev; for f in * */*; do if test ! -L ${f%/*} && test ! -L $f && test -b $f -o -c $f; then echo $f; fi; done; readlink ptmx; stat -c 'numbers %n %t:%T %a' null zero full random urandom tty; echo end"
    if terminal:
        b = box.bundle(["sh", "-c", script], consoleSize={"width": 200, "height": 50})
        b.config["process"]["terminal"] = True
        console = orlop.ConsoleSocket(f"{box.dir}/console")
        box.create(b, "--console-socket", console.path)
        fd = console.receive()
        box.orlop("start", "c")
        out = orlop.read_terminal(fd, "end").replace("\r", "")
        os.close(fd)
        box.wait("stopped")
        box.delete()
    else:
        out = box.sh(script)
    lines = out.splitlines()
    nodes = {x for x in lines if " " not in x} - {"end"}
    assert nodes - {"ptmx", "pts/ptmx", "pts/0"} == {"null", "zero", "full", "random", "urandom", "tty", *(["console"] if terminal else [])}
    assert "pts/ptmx" in nodes  # the link's target, or the node
    assert [x for x in lines if x.startswith("numbers")] == [f"numbers {n} {t} 666" for n, t in
           (("null", "1:3"), ("zero", "1:5"), ("full", "1:7"), ("random", "1:8"), ("urandom", "1:9"), ("tty", "5:0"))]


# --- cgroups

def in_cgroup(path):
    """Directories of this path in any hierarchy."""
    return glob.glob(f"/sys/fs/cgroup{path}") + glob.glob(f"/sys/fs/cgroup/*{path}")


@pytest.mark.spec(117, 118)
def test_cgroups_path(box):
    b = box.bundle(["sleep", "100"])
    path = f"{box.cgroup}-abs/inner"
    b.config["linux"]["cgroupsPath"] = path
    seen = []
    for _ in range(2):
        box.run(b, "-d")
        seen.append(sorted(in_cgroup(path)))
        with open(f"/proc/{box.state()['pid']}/cgroup") as f:
            assert path in f.read()
        box.delete()
    for directory in sorted(in_cgroup(f"{box.cgroup}-abs")):  # the parent, which some keep
        os.rmdir(directory)
    assert seen[0] and seen[0] == seen[1]


@pytest.mark.spec(117)
def test_relative_cgroups_path(box):
    b = box.bundle(["sleep", "100"])
    name = f"{box.cgroup[1:]}-relative"
    b.config["linux"]["cgroupsPath"] = name
    box.run(b, "-d")
    with open(f"/proc/{box.state()['pid']}/cgroup") as f:
        assert name in f.read()
    box.delete()
    assert not in_cgroup(f"/{name}")


@pytest.mark.spec(118)
@pytest.mark.parametrize("path", ["/../../etc", "../../../etc", "/a/../../.."])
def test_cgroups_path_stays_beneath(box, path):
    """Refused, or taken for a path that does not leave."""
    b = box.bundle(["sleep", "100"])
    b.config["linux"]["cgroupsPath"] = f"{path}{box.cgroup}"
    if box.create(b, status=None).status == 0:
        with open(f"/proc/{box.state()['pid']}/cgroup") as f:
            assert ".." not in f.read()
        box.delete()
    assert not glob.glob(f"/etc{box.cgroup}*")
    for directory in sorted(in_cgroup(f"/etc{box.cgroup}") + in_cgroup("/etc"), key=len, reverse=True):
        os.rmdir(directory)


@pytest.mark.spec(116)
def test_cgroup_in_use(box):
    """May be looked for: one that does is an error, one that does not makes a container."""
    one, two = box.bundle(["sleep", "100"]), box.bundle(["sleep", "100"])
    two.config["linux"]["cgroupsPath"] = one.config["linux"]["cgroupsPath"]
    box.run(one, "-d", id="one")
    if box.create(two, id="two", status=None).status == 0:
        box.delete("two")
    assert box.status("one") == "running"
    box.delete("one")


@pytest.mark.spec(123)
def test_device_rules_in_order(box):
    """A device without driver: that one may not open it is said first."""
    rule = {"type": "c", "major": 1, "minor": 12, "access": "rwm"}
    for last in (True, False):
        def change(b, last=last):
            b.config["linux"]["devices"] = [device("/dev/mine", "c", 1, 12)]
            b.config["linux"]["resources"]["devices"] = [{"allow": False, "access": "rwm"}, {"allow": not last, **rule}, {"allow": last, **rule}]
        assert box.sh("head -c 1 /dev/mine 2>&1 | grep -q 'not permitted' && echo denied || echo allowed", change) == ("allowed\n" if last else "denied\n")


@pytest.mark.spec(123)
@pytest.mark.parametrize("wrong", [{"type": "x"}, {"type": "u"}, {"access": "x"}, {"access": "rwmx"}, {"allow": None}], ids=str)
def test_device_rules_that_are_none(box, wrong):
    rule = {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm", **wrong}
    if rule["allow"] is None:
        del rule["allow"]
    assert box.refuses(lambda b: b.config["linux"]["resources"].update(devices=[rule]))


# --- parameters, propagation, hidden paths

@pytest.mark.spec(147)
@pytest.mark.parametrize("name", ["net.ipv4.ip_unprivileged_port_start", "net/ipv4/ip_unprivileged_port_start"])
def test_sysctl(box, name):
    assert box.sh("cat /proc/sys/net/ipv4/ip_unprivileged_port_start", lambda b: b.config["linux"].update(sysctl={name: "99"})) == "99\n"
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as f:
        assert f.read() != "99\n"


@pytest.mark.spec(147)
@pytest.mark.parametrize("name", ["vm.swappiness", "kernel.panic", "net.ipv4/../../kernel/panic", "kernel.no_such"])
def test_sysctl_of_the_host(box, name):
    with open("/proc/sys/vm/swappiness") as f:
        before = f.read()
    assert box.refuses(lambda b: b.config["linux"].update(sysctl={name: before.strip()}))
    with open("/proc/sys/vm/swappiness") as f:
        assert f.read() == before


@pytest.mark.spec(154)
@pytest.mark.parametrize("word, tag", [("shared", "shared:"), ("slave", ""), ("private", ""), ("unbindable", "unbindable"), ("rshared", "shared:"),
                                       ("rprivate", ""), ("rslave", ""), ("runbindable", "unbindable")])
def test_rootfs_propagation(box, word, tag):
    out = box.sh("grep ' / / ' /proc/self/mountinfo || grep '/rootfs / ' /proc/self/mountinfo",
                 lambda b: b.config["linux"].update(rootfsPropagation=word))
    words = out.splitlines()[-1].split()
    tags = [t for t in words[6:words.index("-")] if not t.startswith("master:")]
    assert [t.startswith(tag) for t in tags] == [True] if tag else tags == []


@pytest.mark.spec(155)
def test_masked_and_read_only_paths(box):
    def change(b):
        os.makedirs(f"{b.rootfs}/secret/inner")
        for name in ("secret-file", "fixed-file"):
            with open(f"{b.rootfs}/{name}", "w") as f:
                f.write("text\n")
        os.makedirs(f"{b.rootfs}/fixed")
        b.config["linux"]["maskedPaths"] = ["/secret", "/secret-file", "/not/there"]
        b.config["linux"]["readonlyPaths"] = ["/fixed", "/fixed-file", "/not/there/either"]
    out = box.sh("ls /secret | wc -l; wc -c < /secret-file; touch /fixed/x 2>/dev/null || echo fixed; echo x 2>/dev/null >> /fixed-file || echo fixed; "
                 "cat /fixed-file", change)
    assert out.split() == ["0", "0", "fixed", "fixed", "text"]


@pytest.mark.spec(155)
@pytest.mark.parametrize("member", ["maskedPaths", "readonlyPaths"])
@pytest.mark.parametrize("path", ["proc/kcore", "", "./x"])
def test_hidden_paths_are_absolute(box, member, path):
    assert box.refuses(lambda b: b.config["linux"].update({member: [path]}))
