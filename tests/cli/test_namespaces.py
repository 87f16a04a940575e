# SPDX-License-Identifier: Apache-2.0
"""Each namespace new, joined by path or inherited, in combination; and what joining a user or mount namespace brings."""
import itertools
import os
import subprocess

import pytest
from orlop import USER, eventually, give_files, give_user_namespace, uid_map

FILES = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup", "time": "time"}
WAYS = ("new", "joined", "inherited")


def link(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{FILES.get(kind, kind)}")


def pairwise(kinds, ways):
    """Combinations in which every two kinds meet in every two ways."""
    def pairs(row):
        return {((i, a), (j, b)) for (i, a), (j, b) in itertools.combinations(enumerate(row), 2)}
    missing = set().union(*(pairs(row) for row in itertools.product(ways, repeat=len(kinds))))
    rows = []
    while missing:
        rows.append(max(itertools.product(ways, repeat=len(kinds)), key=lambda row: len(pairs(row) & missing)))
        missing -= pairs(rows[-1])
    return rows


KINDS = ("pid", "network", "ipc", "uts", "cgroup", "time")
ROWS = pairwise(KINDS, WAYS)


def test_pairs_are_all_there():
    assert len(ROWS) >= 9
    for i, j in itertools.combinations(range(len(KINDS)), 2):
        assert {(r[i], r[j]) for r in ROWS} == set(itertools.product(WAYS, repeat=2))


@pytest.mark.spec(98, 99, 100, 101)
@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_combination(box, row):
    other = box.bundle(["sleep", "100"])
    other.namespace("time")
    box.run(other, "-d", id="other")
    there = box.state("other")["pid"]
    b = box.bundle(["sleep", "100"])
    for kind, way in zip(KINDS, row):
        if way == "joined":
            b.join(kind, f"/proc/{there}/ns/{FILES[kind]}")
        else:
            b.namespace(kind, None if way == "new" else False)
    if dict(zip(KINDS, row))["uts"] != "new":
        b.config.pop("hostname", None)
    box.run(b, "-d")
    pid = box.state()["pid"]
    for kind, way in zip(KINDS, row):
        ours, its, theirs = link("self", kind), link(pid, kind), link(there, kind)
        assert its == theirs if way == "joined" else its == ours if way == "inherited" else its not in (ours, theirs), (kind, way)
    assert link(pid, "mount") not in (link("self", "mount"), link(there, "mount"))
    # exec enters all of them
    for kind in KINDS:
        assert box.orlop("exec", "c", "readlink", f"/proc/self/ns/{FILES[kind]}").out.strip() == link(pid, kind), kind
    box.delete()
    box.delete("other")


def in_user_namespace(box, args, id):
    """A container with a user namespace of its own, running."""
    b = box.bundle(args)
    give_user_namespace(b)
    box.run(b, "-d", id=id)
    return b, box.state(id)["pid"]


def test_user_namespace_joined(box):
    first, there = in_user_namespace(box, ["sleep", "100"], "other")
    b = box.bundle(["sh", "-c", "cat /proc/self/uid_map; id -u; readlink /proc/self/ns/user; echo x > /tmp/f; stat -c %u /tmp/f"])
    give_files(b)
    b.join_user(f"/proc/{there}/ns/user")
    words = box.run(b).out.split()
    maps = first.config["linux"]["uidMappings"]
    assert words == [*uid_map(maps), "0", link(there, "user"), "0"]
    assert os.stat(f"{b.rootfs}/tmp/f").st_uid == maps[0]["hostID"]
    box.delete("other")


def test_user_and_network_namespace_joined(box):
    """As a pod's containers have them: the network namespace belongs to the user namespace."""
    first, there = in_user_namespace(box, ["sleep", "100"], "other")
    b = box.bundle(["sh", "-c", "readlink /proc/self/ns/user /proc/self/ns/net; readlink /proc/self/ns/net; ip link show lo"])
    give_files(b)
    b.join_user(f"/proc/{there}/ns/user")
    for kind, file in (("network", "net"), ("ipc", "ipc")):
        b.namespace(kind, f"/proc/{there}/ns/{file}")
    out = box.run(b).out
    assert link(there, "network") in out and "UP" in out
    box.delete("other")


def test_exec_into_user_namespace(box):
    first, there = in_user_namespace(box, ["sleep", "100"], "c")
    out = box.orlop("exec", "c", "sh", "-c", "id -u; readlink /proc/self/ns/user; cat /proc/self/uid_map").out.split()
    assert out == ["0", link(there, "user"), *uid_map(first.config["linux"]["uidMappings"])]
    assert box.orlop("exec", "--user", "5:6", "c", "id", "-u").out == "5\n"
    box.delete()


def test_id_that_is_not_mapped(box):
    first, there = in_user_namespace(box, ["sleep", "100"], "c")
    assert box.orlop("exec", "--user", "70000", "c", "id", status=255).err
    box.delete()


@pytest.mark.root("an ordinary user's container looks its root.path up in the mount namespace that it joins")
def test_mount_namespace_joined(box):
    """The container's root is entered in the other's mount namespace."""
    other = box.bundle(["sleep", "100"])
    box.run(other, "-d", id="other")
    there = box.state("other")["pid"]
    b = box.bundle(["sh", "-c", "readlink /proc/self/ns/mnt; cat /mark"])
    with open(f"{b.rootfs}/mark", "w") as f:
        f.write("mine\n")
    b.join("mount", f"/proc/{there}/ns/mnt")
    assert box.run(b).out.split() == [link(there, "mount"), "mine"]
    box.delete("other")


@pytest.mark.spec(99)
@pytest.mark.parametrize("kind", [*FILES, "user"])
def test_path_of_another_kind(box, kind):
    b = box.bundle()
    wrong = "uts" if kind == "ipc" else "ipc"
    b.namespace(kind, f"/proc/self/ns/{wrong}")
    if kind == "uts":
        b.config.pop("hostname", None)
    err = box.run(b, status=1).err
    assert "linux.namespaces[" in err and f"/proc/self/ns/{wrong}" in err, err
    assert box.orlop("list", "-q").out == ""


@pytest.mark.root("makes other namespaces than a user namespace before it runs")
@pytest.mark.spec(99)
@pytest.mark.parametrize("process, wrap, whose", [("self", "", "the runtime's own"), ("1", "unshare -m --propagation private", "that of process 1")])
def test_mount_namespace_of_the_host(box, process, wrap, whose):
    """The container's root would take the place of the host's, for all of its processes.  Where the runtime has a mount namespace of its own, as from a
    service manager, the host's is that of process 1.  Both are the test's here, and in a pid namespace of its own, not the machine's."""
    b = box.bundle(["echo", "inside"])
    path = f"/proc/{process}/ns/mnt"
    b.namespace("mount", path)
    b.save()
    run = f"{wrap} " + " ".join(box.command("run", "--bundle", b.path, "c"))
    script = f"stat -c %d:%i / >{box.dir}/before; cat /proc/self/mountinfo >{box.dir}/mounts; {run}; echo status $?; " \
             f"stat -c %d:%i / | cmp - {box.dir}/before && cmp /proc/self/mountinfo {box.dir}/mounts && echo as before"
    r = subprocess.run(["unshare", "-mpf", "--propagation", "private", "--mount-proc", "sh", "-c", script], capture_output=True, text=True)
    assert r.stdout == "status 1\nas before\n", r.stdout + r.stderr
    assert "root.path" in r.stderr and f"the mount namespace at {path} is {whose}" in r.stderr, r.stderr


@pytest.mark.root("makes other namespaces than a user namespace before it runs")
def test_uts_namespace_of_the_host(box):
    """As of the mount namespace: the runtime has one of its own here, and joins that of process 1, whose name would be changed."""
    b = box.bundle(["hostname"])
    b.config["hostname"] = "other"
    b.namespace("uts", "/proc/1/ns/uts")
    b.save()
    run = " ".join(box.command("run", "--bundle", b.path, "c"))
    r = subprocess.run(["unshare", "-mupf", "--propagation", "private", "--mount-proc", "sh", "-c", f"unshare -u {run}; hostname"], capture_output=True, text=True)
    assert r.stdout == os.uname().nodename + "\n", r.stdout + r.stderr
    assert " hostname: " in r.stderr and "the uts namespace at /proc/1/ns/uts is that of process 1" in r.stderr, r.stderr


def test_own_user_namespace(box):
    """Which cannot be joined: setns(2)."""
    b = box.bundle()
    b.join_user("/proc/self/ns/user")
    err = box.run(b, status=1).err
    assert "linux.namespaces[" in err and "leave it out" in err, err


@pytest.mark.parametrize("path", ["/does/not/exist", "/etc/passwd", "/proc/self", "/dev/null"])
def test_path_is_no_namespace(box, path):
    b = box.bundle()
    b.namespace("network", path)
    err = box.run(b, status=1).err
    assert "linux.namespaces[" in err and path in err, err


def test_no_namespace_of_its_own_but_mounts(box):
    b = box.bundle(["sh", "-c", "sleep 100 & exec sleep 100"])
    b.config["linux"]["namespaces"] = [{"type": "mount"}] + [{"type": "user"}] * bool(USER)  # without which an ordinary user makes no other
    b.config.pop("hostname", None)
    box.run(b, "-d")
    pid = box.state()["pid"]
    assert all(link(pid, k) == link("self", k) for k in KINDS)
    eventually(lambda: len(box.processes()) == 2, "two processes")
    assert box.orlop("exec", "c", "readlink", "/proc/self/ns/net").out.strip() == link("self", "network")
    box.delete()
    assert not box.processes()


def test_without_mount_namespace(box):
    """chroot alone; exec enters the same root by its path."""
    b = box.bundle(["sleep", "100"])
    b.namespace("mount", False)
    b.config["mounts"] = []
    for key in ("maskedPaths", "readonlyPaths"):
        b.config["linux"].pop(key, None)
    with open(f"{b.rootfs}/mark", "w") as f:
        f.write("mine\n")
    box.run(b, "-d")
    pid = box.state()["pid"]
    assert link(pid, "mount") == link("self", "mount") and os.readlink(f"/proc/{pid}/root") == os.path.realpath(b.rootfs)
    assert box.orlop("exec", "c", "sh", "-c", "cat /mark; pwd").out == "mine\n/\n"
    box.delete()


def test_mounts_without_mount_namespace(box):
    b = box.bundle()
    b.namespace("mount", False)
    assert "needs a mount namespace" in box.run(b, status=1).err


# --- time

DAYS = 86400


def clocks(text):
    """The offsets in seconds of "monotonic S N boottime S N"."""
    words = text.split()
    return {words[i]: int(words[i + 1]) for i in (0, 3)}


def uptime(text):
    return float(text.split()[0])


@pytest.mark.spec(98, 104)
@pytest.mark.parametrize("user", [False, True], ids=["root", "userns"])
def test_time_offsets(box, user):
    b = box.bundle(["sleep", "100"])
    b.namespace("time")
    b.config["linux"]["timeOffsets"] = {"monotonic": {"secs": 3 * DAYS, "nanosecs": 5}, "boottime": {"secs": 10 * DAYS}}
    if user:
        give_user_namespace(b)
    box.run(b, "-d")
    pid = box.state()["pid"]
    assert link(pid, "time") != link("self", "time")
    with open(f"/proc/{pid}/timens_offsets") as f:
        assert clocks(f.read()) == {"monotonic": 3 * DAYS, "boottime": 10 * DAYS}
    # exec is in it too, and sees the clock
    out = box.orlop("exec", "c", "sh", "-c", "readlink /proc/self/ns/time; cat /proc/uptime").out.split()
    assert out[0] == link(pid, "time")
    with open("/proc/uptime") as f:
        assert float(out[1]) >= 10 * DAYS > uptime(f.read()) - float(out[1])
    # the start time in the record is the host's: the state is found
    assert box.status() == "running"
    box.delete()


@pytest.mark.spec(104)
def test_time_offset_negative(box):
    """As a checkpoint that is restored on a machine that was started earlier has it."""
    b = box.bundle(["cat", "/proc/self/timens_offsets"])
    b.namespace("time")
    b.config["linux"]["timeOffsets"] = {"boottime": {"secs": -1, "nanosecs": 999999999}}
    assert box.run(b).out.split() == ["monotonic", "0", "0", "boottime", "-1", "999999999"]


@pytest.mark.spec(28, 104)
@pytest.mark.parametrize("offsets, where", [
    ({"boottime": {"secs": -10**9}}, "linux.timeOffsets"),
    ({"monotonic": {"secs": 2**62}}, "linux.timeOffsets"),
    ({"monotonic": {"nanosecs": 10**9}}, 'linux.timeOffsets["monotonic"].nanosecs'),
    ({"realtime": {"secs": 1}}, "linux.timeOffsets"),
    ({"monotonic": {"secs": "1"}}, "linux.timeOffsets"),
])
def test_time_offset_impossible(box, offsets, where):
    b = box.bundle()
    b.namespace("time")
    b.config["linux"]["timeOffsets"] = offsets
    err = box.run(b, status=1).err
    assert where in err, err
    assert box.orlop("list", "-q").out == ""


@pytest.mark.spec(104)
@pytest.mark.parametrize("namespace", [False, "/proc/self/ns/time"], ids=["inherited", "joined"])
def test_time_offsets_need_a_new_namespace(box, namespace):
    b = box.bundle()
    b.namespace("time", namespace)
    b.config["linux"]["timeOffsets"] = {"boottime": {"secs": 1}}
    assert "needs a new time namespace" in box.run(b, status=1).err


@pytest.mark.root("an ordinary user's container looks its root.path up in the mount namespace that it joins")
@pytest.mark.spec(104)
def test_time_offsets_with_a_joined_mount_namespace(box):
    """The runtime's /proc is out of sight then."""
    other = box.bundle(["sleep", "100"])
    box.run(other, "-d", id="other")
    b = box.bundle(["cat", "/proc/self/timens_offsets"])
    b.join("mount", f"/proc/{box.state('other')['pid']}/ns/mnt")
    b.namespace("time")
    b.config["linux"]["timeOffsets"] = {"boottime": {"secs": 99}}
    assert clocks(box.run(b).out)["boottime"] == 99
    box.delete("other")


@pytest.mark.spec(102)
@pytest.mark.parametrize("kind", [*FILES, "user"])
def test_listed_twice(box, kind):
    b = box.bundle()
    b.config["linux"]["namespaces"] = [{"type": "mount"}, {"type": kind}, {"type": kind}]
    assert "is given twice" in box.run(b, status=1).err


@pytest.mark.spec(99)
@pytest.mark.parametrize("kind", [*FILES, "user"])
def test_path_that_is_relative(box, kind):
    b = box.bundle()
    b.namespace(kind, f"proc/self/ns/{FILES.get(kind, kind)}")
    assert "must be an absolute path" in box.run(b, status=1).err


def test_kind_that_does_not_exist(box):
    b = box.bundle()
    b.namespace("space")
    assert "linux.namespaces[" in box.run(b, status=1).err


@pytest.mark.spec(103)
def test_no_file_is_given_to_the_mapped_root(box):
    b = box.bundle()
    give_user_namespace(b, chown=False)
    before = {f: os.lstat(os.path.join(d, f)).st_uid for d, _, files in os.walk(b.rootfs) for f in files}
    box.run(b, status=None)
    assert {f: os.lstat(os.path.join(d, f)).st_uid for d, _, files in os.walk(b.rootfs) for f in files} == before


# --- user namespaces that are joined have maps

def join_user(box, there, args=("true",), **process):
    b = box.bundle(args, **process)
    b.join_user(f"/proc/{there}/ns/user")
    give_files(b)
    return b


@pytest.mark.spec(99)
def test_joined_user_namespace_with_its_maps(box):
    """Listing them is not needed; what is listed must be true."""
    first, there = in_user_namespace(box, ["sleep", "100"], "other")
    b = join_user(box, there, ["cat", "/proc/self/gid_map"])
    maps = first.config["linux"]["uidMappings"]
    b.config["linux"]["uidMappings"] = b.config["linux"]["gidMappings"] = maps
    assert box.run(b).out.split() == uid_map(maps)
    b.config["linux"]["gidMappings"] = [*maps[:-1], {**maps[-1], "size": maps[-1]["size"] - 1}]
    err = box.run(b, status=1).err
    assert "linux.gidMappings" in err and "differs" in err, err
    box.delete("other")


@pytest.fixture
def bare_user_namespace(box):
    """A user namespace without maps; writes them."""
    holder = subprocess.Popen(["unshare", "--user", "sleep", "1000"])
    eventually(lambda: link(holder.pid, "user") != link("self", "user"), "a user namespace")

    def write(maps):
        for kind in ("uid_map", "gid_map"):
            with open(f"/proc/{holder.pid}/{kind}", "w") as f:
                f.write("".join(f"{inside} {outside} {size}\n" for inside, outside, size in maps))
    write.pid = holder.pid
    os.chmod(box.dir, 0o755)
    yield write
    holder.kill()
    holder.wait()


@pytest.mark.root("maps ids that only root may map")
@pytest.mark.spec(99)
@pytest.mark.parametrize("n", [3, 7])
def test_joined_user_namespace_with_its_maps_in_another_order(box, bare_user_namespace, n):
    """Of more than five the kernel itself shows another order than that in which they were written."""
    maps = [(0, 100000, 1000), *((inside, 200000 + inside, 10) for inside in (5000, 4000, 3000, 7000, 6000, 2000)[:n - 1])]
    bare_user_namespace(maps)
    b = join_user(box, bare_user_namespace.pid, ["sh", "-c", "wc -l < /proc/self/uid_map; id -u"], user={"uid": 4003, "gid": 5009})
    for listed in maps, maps[::-1]:
        b.config["linux"]["uidMappings"] = b.config["linux"]["gidMappings"] = [dict(zip(("containerID", "hostID", "size"), m)) for m in listed]
        assert box.run(b).out.split() == [str(n), "4003"]
    b.config["linux"]["uidMappings"] = [b.config["linux"]["gidMappings"][0]] * n  # as many, and one of them again and again
    assert "linux.uidMappings: differs" in box.run(b, status=1).err


@pytest.mark.spec(99, 28)
def test_joined_user_namespace_without_maps(box, bare_user_namespace):
    err = box.run(join_user(box, bare_user_namespace.pid), status=1).err
    assert "linux.namespaces" in err and "has no mappings" in err, err


@pytest.mark.spec(28)
@pytest.mark.parametrize("user, where", [(lambda past: {"uid": past, "gid": 0}, "process.user.uid"), (lambda past: {"uid": 0, "gid": past + 1}, "process.user.gid"),
                                         (lambda past: {"uid": 0, "gid": 0, "additionalGids": [1, past]}, "process.user.additionalGids")])
def test_id_that_the_joined_namespace_does_not_map(box, user, where):
    first, there = in_user_namespace(box, ["sleep", "100"], "other")
    last = first.config["linux"]["uidMappings"][-1]
    err = box.run(join_user(box, there, user=user(last["containerID"] + last["size"])), status=1).err
    assert where in err and "is not mapped" in err, err
    box.delete("other")


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(56)
def test_idmap_of_the_joined_namespace(box):
    """The container's mapping is that of the namespace, also relative to it in crun's words."""
    first, there = in_user_namespace(box, ["sleep", "100"], "other")
    os.mkdir(f"{box.dir}/data")
    with open(f"{box.dir}/data/f", "w") as f:
        f.write("x")
    os.chown(f"{box.dir}/data/f", 3, 4)
    b = join_user(box, there, ["sh", "-c", "stat -c %u:%g /m/f /r/f"])
    b.mount("/m", f"{box.dir}/data", options=["bind", "idmap"])
    b.mount("/r", f"{box.dir}/data", options=["bind", "idmap=uids=@3-7-1;gids=@4-8-1"])
    r = box.run(b, status=None)
    kind = subprocess.run(["stat", "-f", "-c", "%T", box.dir], capture_output=True, text=True, check=True).stdout.strip()
    if r.status != 0 and kind not in ("ext2/ext3", "btrfs"):  # which can since Linux 5.12 and 5.15; of another's refusal this is no test
        box.delete("other")
        pytest.skip(f"whether a {kind} can be id-mapped is not known here: {r.err}")
    assert (r.status, r.out) == (0, "3:4\n7:8\n"), r
    box.delete("other")


@pytest.mark.spec(99, 20)
def test_wrong_path_is_found_before_anything_is_made(box):
    hook = f"{box.dir}/hook-ran"
    b = box.bundle()
    b.namespace("network", "/proc/self/ns/uts")
    b.config["hooks"] = {p: [{"path": "/bin/touch", "args": ["touch", hook]}] for p in ("prestart", "createRuntime", "poststop")}
    assert "ns.open" in box.run(b, status=1).err
    assert not os.path.exists(hook) and not os.path.exists(f"{box.root}/c")


@pytest.mark.spec(99)
def test_joined_user_namespace_of_another_kind(box):
    b = box.bundle()
    b.namespace("user", "/proc/self/ns/net")
    assert "a user namespace is wanted, this is a network namespace" in box.run(b, status=1).err


@pytest.mark.root("makes other namespaces than a user namespace before it runs")
@pytest.mark.spec(99)
def test_namespace_bound_to_a_file(box):
    """As ip netns and engines keep them."""
    path = f"{box.dir}/netns"
    open(path, "w").close()
    subprocess.run(["unshare", f"--net={path}", "true"], check=True)
    try:
        b = box.bundle(["readlink", "/proc/self/ns/net"])
        b.namespace("network", path)
        assert box.run(b).out == f"net:[{os.stat(path).st_ino}]\n"
    finally:
        subprocess.run(["umount", path], check=True)


@pytest.mark.root("makes other namespaces than a user namespace before it runs")
@pytest.mark.spec(99)
def test_joined_namespaces_of_different_owners(box):
    """A network namespace that an engine made for a pod belongs to the host, and the user namespace to the pod."""
    path = f"{box.dir}/netns"
    open(path, "w").close()
    first, there = in_user_namespace(box, ["sleep", "100"], "other")
    subprocess.run(["unshare", f"--net={path}", "true"], check=True)
    try:
        b = join_user(box, there, ["sleep", "100"])
        b.namespace("network", path)
        b.namespace("ipc", f"/proc/{there}/ns/ipc")
        box.run(b, "-d")
        pid = box.state()["pid"]
        assert [link(pid, k) for k in ("user", "ipc")] == [link(there, k) for k in ("user", "ipc")]
        out = box.orlop("exec", "c", "sh", "-c", "readlink /proc/self/ns/net /proc/self/ns/net; readlink /proc/self/ns/net; id -u").out.split()
        assert out[-2:] == [f"net:[{os.stat(path).st_ino}]", "0"]
        box.delete()
    finally:
        subprocess.run(["umount", path], check=True)
        box.delete("other")
