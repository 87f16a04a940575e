# SPDX-License-Identifier: Apache-2.0
"""mounts add, remove and list: what is mounted in a container while it runs."""
import concurrent.futures
import ctypes
import errno
import json
import os
import re
import stat
import subprocess
import threading

import pytest
from limits import hierarchies, read
from orlop import eventually
from test_events import needs
from test_mounts import NO_SYSFS, ids, in_user_namespace, privately, source  # noqa: F401 a fixture
from test_without import without  # noqa: F401 a fixture


def start(box, change=None, **more):
    b = box.bundle(["sleep", "1000"])
    if change:
        change(b)
    box.run(b, "-d", **more)
    return b


def document(box, mounts, name="mounts.json"):
    path = os.path.join(box.dir, name)
    with open(path, "w") as f:
        f.write(mounts if isinstance(mounts, str) else json.dumps(mounts))
    return path


def mount(destination, source=None, *options, type="bind", **more):
    m = {"destination": destination, "type": type, "options": list(options) if type != "bind" or options else ["bind"], **more}
    if source:
        m["source"] = source
    return m


def add(box, *mounts, status=0, id="c", **more):
    return box.orlop("mounts", "add", id, document(box, list(mounts)), status=status, **more)


def remove(box, *destinations, status=0, id="c"):
    return box.orlop("mounts", "remove", id, document(box, [{"destination": d} for d in destinations]), status=status)


def listed(box, id="c"):
    return json.loads(box.orlop("mounts", "list", "--format", "json", id).out)


def added(box, id="c"):
    return [m["destination"] for m in listed(box, id) if m["added"]]


def inside(box, script, status=0, id="c"):
    return box.orlop("exec", id, "sh", "-c", script, status=status).out


def points(box, id="c"):
    return [line.split()[4] for line in inside(box, "cat /proc/self/mountinfo", id=id).splitlines()]


def refused(box, r, *words):
    assert r.status == 1
    for word in words:
        assert word in r.err, r.err
    assert added(box) == []


# --- what can be mounted

def test_bind(box, ids):
    start(box, ids)
    s = source(box, file="hello\n")
    os.chmod(s, 0o777)
    add(box, mount("/new/deep", s, "bind"), mount("/readonly", s, "bind", "ro", "nosuid"))
    assert inside(box, "cat /new/deep/file /readonly/file; echo x > /new/deep/written; echo y > /readonly/z || echo no") == "hello\nhello\nno\n"
    assert os.path.exists(os.path.join(s, "written")) and not os.path.exists(os.path.join(s, "z"))
    assert added(box) == ["/new/deep", "/readonly"]
    remove(box, "/new/deep")
    assert inside(box, "ls /new/deep; cat /readonly/file") == "hello\n"
    assert added(box) == ["/readonly"]
    remove(box, "/readonly")
    assert "/readonly" not in points(box) and added(box) == []
    box.delete()


def test_the_first_process_sees_it(box):
    b = box.bundle(["sh", "-c", "until [ -e /new/file ]; do usleep 20000; done; cat /new/file"])
    box.create(b)
    box.orlop("start", "c")
    add(box, mount("/new", source(box, file="seen\n"), "bind"))
    box.wait("stopped")
    with open(f"{b.path}/c.out") as f:
        assert f.read() == "seen\n"
    box.delete()


def test_relative_source(box):
    b = start(box)
    os.mkdir(f"{b.path}/beside")
    with open(f"{b.path}/beside/file", "w") as f:
        f.write("b\n")
    add(box, mount("/new", "beside", "bind"), cwd="/")
    assert inside(box, "cat /new/file") == "b\n"
    box.delete()


def test_tmpfs(box, ids):
    start(box, ids)
    add(box, mount("/t", "tmpfs", "size=64k", "mode=1750", "noexec", type="tmpfs"), mount("/ro", "tmpfs", "ro", type="tmpfs"))
    out = inside(box, "stat -c '%a %u' /t; head -c 100000 /dev/zero > /t/big || echo full; touch /ro/x || echo ro")
    assert out == "1750 0\nfull\nro\n"
    rows = {m["destination"]: m for m in listed(box)}
    assert {"rw", "noexec", "size=64k", "mode=1750"} <= set(rows["/t"]["options"]) and rows["/t"]["type"] == "tmpfs"
    assert "ro" in rows["/ro"]["options"] and "rw" not in rows["/ro"]["options"]
    box.delete()


def test_tmpcopyup(box):
    start(box)
    add(box, mount("/etc", "tmpfs", "tmpcopyup", type="tmpfs"))
    assert "root:x:0" in inside(box, "echo x >> /etc/passwd; cat /etc/passwd")
    box.delete()


def fill(b, size):
    os.makedirs(f"{b.rootfs}/full")
    with open(f"{b.rootfs}/full/file", "wb") as f:
        f.write(b"x" * size)


def test_tmpcopyup_counts_as_memory_of_the_container(box):
    """What is copied is the image's, which may be large."""
    needs("memory")

    def change(b):
        fill(b, 8 << 20)
        b.config["linux"]["resources"] = {"memory": {"limit": 256 << 20}}  # by which an ordinary user's cgroup has the controller
    b = start(box, change)
    file = "memory.usage_in_bytes" if "memory" in hierarchies() else "memory.current"
    before = int(read(b, file))
    add(box, mount("/full", "tmpfs", "tmpcopyup", type="tmpfs"))
    assert int(read(b, file)) - before > 6 << 20  # in batches, some of which were taken before
    box.delete()


def test_tmpcopyup_meets_the_limit(box):
    """Who copies is ended, and nobody else."""
    needs("memory")

    def change(b):
        fill(b, 64 << 20)
        b.config["linux"]["resources"] = {"memory": {"limit": 24 << 20, "swap": 24 << 20}}
    start(box, change)
    refused(box, add(box, mount("/new", "tmpfs", type="tmpfs"), mount("/full", "tmpfs", "tmpcopyup", type="tmpfs"), status=1), "was ended before it was done")
    assert "/full" not in points(box) and "/new" not in points(box)
    box.delete()


def test_tmpcopyup_while_paused(box):
    start(box)
    box.orlop("pause", "c")
    refused(box, add(box, mount("/etc", "tmpfs", "tmpcopyup", type="tmpfs"), status=1), "the container is paused", "resume it first")
    add(box, mount("/new", "tmpfs", type="tmpfs"))
    box.orlop("resume", "c")
    add(box, mount("/etc", "tmpfs", "tmpcopyup", type="tmpfs"))
    assert added(box) == ["/new", "/etc"]
    box.delete()


@pytest.mark.parametrize("kind,shows", [("proc", "1"), pytest.param("sysfs", "lo", marks=pytest.mark.root(NO_SYSFS)), ("mqueue", "")])
def test_file_systems_of_its_namespaces(box, kind, shows):
    """Which are those of the container, as are the processes, network devices and queues that they show."""
    start(box)
    add(box, mount("/new", kind, "nosuid", type=kind) | {"destination": "/new" if kind != "proc" else "/proc"})
    script = {"proc": "cat /proc/1/cmdline", "sysfs": "ls /new/class/net", "mqueue": "ls /new"}[kind]
    out = inside(box, script)
    assert out.split("\0")[0] == "sleep" if kind == "proc" else out.split() == shows.split()
    box.delete()


@pytest.mark.root("only root can id-map a mount")
def test_idmap(box):
    start(box)
    s = source(box, file="x")
    os.chown(os.path.join(s, "file"), 5, 6)
    maps = [{"containerID": 0, "hostID": 2000, "size": 100}]
    add(box, mount("/new", s, "bind", "idmap", uidMappings=maps, gidMappings=maps),
        mount("/other", s, "bind", "idmap=uids=0-7000-100;gids=0-8000-100"))
    assert inside(box, "stat -c %u:%g /new/file /other/file") == "2005:2006\n7005:8006\n"
    box.delete()


@pytest.mark.root("only root can id-map a mount")
def test_idmap_of_the_container(box):
    start(box, in_user_namespace)
    s = source(box, file="x")
    add(box, mount("/new", s, "bind", "idmap"), mount("/plain", s, "bind"))
    assert inside(box, "stat -c %u:%g /new/file /plain/file") == "0:0\n65534:65534\n"
    box.delete()


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("option,inner", [("rro", "ro"), ("ro", "rw")])
def test_readonly_recursion(box, option, inner):
    start(box)
    s = source(box)
    os.mkdir(os.path.join(s, "below"))
    box.prefix = privately(f"mount -t tmpfs below {s}/below; exec \"$@\"", "sh")
    add(box, mount("/new", s, "rbind", option))
    box.prefix = []
    rows = {m["destination"]: m["options"] for m in listed(box)}
    assert rows["/new"][0] == "ro" and rows["/new/below"][0] == inner
    remove(box, "/new")
    assert not [p for p in points(box) if p.startswith("/new")]
    box.delete()


def test_file_on_file(box, ids):
    b = start(box, ids)
    s = source(box, file="theirs\n")
    add(box, mount("/etc/passwd", os.path.join(s, "file"), "bind", "ro"), mount("/a/b/new", os.path.join(s, "file"), "bind"))
    assert inside(box, "cat /etc/passwd /a/b/new") == "theirs\ntheirs\n"
    remove(box, "/etc/passwd", "/a/b/new")
    assert inside(box, "head -n 1 /etc/passwd; wc -c < /a/b/new") == "root:x:0:0:root:/root:/bin/sh\n0\n"
    assert os.path.getsize(f"{b.rootfs}/a/b/new") == 0
    box.delete()


def test_destination_through_links(box):
    """They stay inside; the mount is removed by the name by which it was added."""
    def links(b):
        os.symlink("/home", f"{b.rootfs}/absolute")
        os.symlink("../../../../var", f"{b.rootfs}/dotted")
        os.symlink("/missing/there", f"{b.rootfs}/dangling")
    b = start(box, links)
    s = source(box, file="x\n")
    add(box, mount("/absolute/a", s, "bind"), mount("/dotted", s, "bind"), mount("/dangling", s, "bind"))
    assert added(box) == ["/home/a", "/var", "/missing/there"]
    assert inside(box, "cat /home/a/file /var/file /missing/there/file") == "x\nx\nx\n"
    assert os.path.isdir(f"{b.rootfs}/missing/there")
    remove(box, "/absolute/a", "/dotted", "/missing/there")
    assert added(box) == []
    box.delete()


def test_link_itself(box):
    b = box.bundle(["sleep", "1000"])
    os.symlink("/home", f"{b.rootfs}/link")
    box.run(b, "-d")
    s = source(box, file="x\n")
    os.symlink("nowhere", os.path.join(s, "link"))
    add(box, mount("/link", os.path.join(s, "link"), "bind", "src-nofollow", "dest-nofollow"))
    assert inside(box, "readlink /link; ls /home") == "nowhere\n"
    remove(box, "/link")
    assert inside(box, "readlink /link") == "/home\n"
    box.delete()


def test_one_in_another(box):
    """In the order of the document, also in what was mounted just before."""
    start(box)
    s = source(box, file="x\n")
    add(box, mount("/a", "tmpfs", type="tmpfs"), mount("/a/b/c", s, "bind"), mount("/a/file", os.path.join(s, "file"), "bind"),
        mount("/a", "tmpfs", "mode=700", type="tmpfs"))
    assert inside(box, "ls /a; stat -c %a /a") == "700\n"
    remove(box, "/a")
    assert inside(box, "cat /a/b/c/file /a/file") == "x\nx\n"
    remove(box, "/a")
    assert added(box) == [] and inside(box, "ls -d /a; ls /a") == "/a\n"
    box.delete()


def test_shared(box):
    """A mount is as the document says, and spreads where the container's root does."""
    start(box, lambda b: b.config["linux"].update(rootfsPropagation="shared"))
    add(box, mount("/new", source(box), "rbind", "shared"), mount("/p", "tmpfs", "private", type="tmpfs"))
    rows = {m["destination"]: m["options"] for m in listed(box)}
    assert "shared" in rows["/new"] and "shared" not in rows["/p"]
    box.delete()


def test_standard_input_and_pipes(box):
    start(box)
    text = json.dumps([mount("/new", "tmpfs", type="tmpfs")])
    done = subprocess.run(box.command("mounts", "add", "c", "-"), input=text, text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "") and added(box) == ["/new"]
    done = subprocess.run(["bash", "-c", 'echo \'[{"destination": "/new"}]\' | "$@"', "-", *box.command("mounts", "remove", "c", "/dev/stdin")],
                          text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "") and added(box) == []
    add(box)  # nothing is nothing
    box.delete()


# --- the list

def test_list(box):
    b = start(box)
    s = source(box)
    add(box, mount("/with blank", s, "bind", "ro", "noexec"))
    rows = {m["destination"]: m for m in listed(box)}
    row = rows["/with blank"]
    assert row["added"] is True and row["options"][0] == "ro" and "noexec" in row["options"]
    assert row["root"].endswith("/source") and row["type"]
    assert rows["/"]["added"] is False and rows["/proc"]["type"] == "proc" and rows["/proc"]["added"] is False
    assert [m["destination"] for m in listed(box)] == [p.replace("\\040", " ") for p in points(box)]
    table = box.orlop("mounts", "list", "c").out.splitlines()
    assert table[0].split() == ["DESTINATION", "TYPE", "SOURCE", "ADDED", "OPTIONS"] and len(table) == len(listed(box)) + 1
    line = next(t for t in table if t.startswith("/with blank "))
    assert re.search(r" yes +ro,", line), line
    assert all(re.search(" -  +r[ow]", t) for t in table[1:] if t != line)
    assert os.path.isdir(f"{b.rootfs}/with blank")
    box.delete()


def test_list_of_what_was_removed_inside(box):
    """What the container itself has unmounted is not added any more, also if its number is used again."""
    start(box, lambda b: [b.config["process"]["capabilities"][k].append("CAP_SYS_ADMIN") for k in ("bounding", "effective", "permitted")])
    add(box, mount("/new", "tmpfs", type="tmpfs"))
    inside(box, "/bin/busybox umount /new")
    assert added(box) == []
    inside(box, "/bin/busybox mount -t tmpfs x /home")
    assert added(box) == []
    r = remove(box, "/new", status=1)
    assert "nothing is mounted at \"/new\"" in r.err
    box.delete()


# --- all or nothing

def test_nothing_of_a_wrong_document(box):
    start(box)
    s = source(box, file="x")
    before = points(box)
    for last, words in ((mount("/new2", "/no/such", "bind"), ["mounts[1]", "open_tree", "No such file", "must exist on the host"]),
                        (mount("/etc/passwd", s, "bind"), ["mounts[1]", "on what is not a directory", "Not a directory"]),
                        (mount("/etc", os.path.join(s, "file"), "bind"), ["mounts[1]", "what is not a directory is to be", "Is a directory"]),
                        (mount("/new2", "x", "no-such=1", type="tmpfs"), ["mounts[1]", "no-such"]),
                        (mount("/new2", "x", type="nosuchfs"), ["mounts[1]", "fsopen"])):
        refused(box, add(box, mount("/new1", s, "bind"), last, status=1), *words)
        assert points(box) == before
    box.delete()


def test_undone_when_attaching_fails(box):
    """Whatever lies in an earlier mount is found only when that one is attached."""
    start(box)
    s = source(box, file="x")
    before = points(box)
    r = add(box, mount("/home", s, "bind"), mount("/a", "tmpfs", type="tmpfs"), mount("/a/x", os.path.join(s, "file"), "bind"),
            mount("/a/x", s, "bind"), status=1)
    refused(box, r, "mounts[3]", "mounts.attach", "Not a directory")
    assert points(box) == before
    box.delete()


def test_undone_when_it_cannot_be_recorded(box):
    start(box)
    before = points(box)
    os.mkdir(f"{box.root}/c/mounts.json")  # is in the way
    assert "mounts.json" in add(box, mount("/new", "tmpfs", type="tmpfs"), status=1).err
    os.rmdir(f"{box.root}/c/mounts.json")
    assert points(box) == before and added(box) == []
    box.delete()


def test_at_the_same_time(box):
    start(box)

    def one(i):
        name = document(box, [mount(f"/at/{i}", "tmpfs", type="tmpfs")], f"{i}.json")
        return subprocess.run(box.command("mounts", "add", "c", name), capture_output=True, text=True)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for done in pool.map(one, range(12)):
            assert done.returncode == 0, done.stderr
    assert sorted(added(box)) == sorted(f"/at/{i}" for i in range(12))
    box.delete()


# --- who is in the way

def test_link_swapped_in_a_loop(box):
    """A directory and a link out of the root change places all the time: what is mounted is inside, in one place or the other."""
    b = start(box)
    s = source(box, file="x")
    outside = os.path.join(box.dir, "outside")
    os.mkdir(outside)
    os.makedirs(f"{b.rootfs}/real/d")
    os.mkdir(f"{b.rootfs}/place")
    os.symlink(f"../../../../../../..{outside}", f"{b.rootfs}/evil")
    before, stop = points(box), threading.Event()
    libc = ctypes.CDLL(None, use_errno=True)

    def swap():
        while not stop.is_set():
            assert libc.renameat2(-100, f"{b.rootfs}/place".encode(), -100, f"{b.rootfs}/evil".encode(), 2) == 0
    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        for i in range(40):
            r = add(box, mount(f"/place/m{i}", s, "bind"), status=None)
            assert r.status in (0, 1), r
            seen.update(added(box))
            for d in added(box):
                remove(box, f"/place/m{i}", status=None)
    finally:
        stop.set()
        thread.join()
    assert os.listdir(outside) == []
    assert all(re.fullmatch(rf"(/place|/evil|{outside})/m\d+", p) for p in seen), seen
    for d in added(box):
        remove(box, d)
    assert points(box) == before
    with open("/proc/self/mountinfo") as f:
        assert box.dir not in f.read()
    box.delete()


def test_confinement_is_not_removed(box):
    """Neither by its name, nor by a link that the container put where the name was."""
    b = start(box, lambda b: (b.config["linux"].update(maskedPaths=["/proc/kcore", "/var"], readonlyPaths=["/proc/sys", "/home"]),
                              os.symlink("/proc/sys", f"{b.rootfs}/link"), os.mkdir(f"{b.rootfs}/top")))
    before = points(box)
    for path, words in (("/proc", "confines"), ("/proc/kcore", "confines"), ("/proc/sys", "confines"), ("/sys", "confines"),
                        ("/var", "maskedPaths"), ("/home", "readonlyPaths"), ("/", "the root itself"), ("/a/..", "the root itself"),
                        ("/link", "nothing is mounted"), ("/nothing", "nothing is mounted")):
        r = remove(box, path, status=1)
        assert words in r.err and "mounts[0].destination" in r.err, r
    add(box, mount("/top", "tmpfs", type="tmpfs"))
    inside(box, "/bin/busybox mv /top /top2 2>/dev/null; true")
    remove(box, "/top")
    assert points(box) == before
    os.unlink(f"{b.rootfs}/link")
    box.delete()


def test_mount_of_the_document(box):
    """Is removed by its mount point, and needs not have been added."""
    s = source(box, file="x")
    start(box, lambda b: b.mount("/data", s, options=["bind"]))
    assert inside(box, "ls /data") == "file\n"
    remove(box, "/data")
    assert inside(box, "ls /data") == "" and "/data" not in points(box)
    box.delete()


def test_none_is_removed_unless_all_are_there(box):
    start(box)
    add(box, mount("/a", "tmpfs", type="tmpfs"), mount("/b", "tmpfs", type="tmpfs"))
    assert "mounts[1].destination" in remove(box, "/a", "/c", status=1).err
    assert "is there twice" in remove(box, "/a", "/b", "/a", status=1).err
    assert added(box) == ["/a", "/b"]
    inside(box, "touch /a/in-use")
    remove(box, "/b", "/a")
    assert added(box) == []
    box.delete()


def test_covered(box):
    """What another mount covers cannot be reached, and so is not removed."""
    start(box)
    add(box, mount("/a/b", "tmpfs", type="tmpfs"))
    add(box, mount("/a", "tmpfs", type="tmpfs"))
    r = remove(box, "/a/b", status=1)
    assert "mounts[0].destination" in r.err and ("covered by another" in r.err or "No such file" in r.err)
    remove(box, "/a")
    remove(box, "/a/b")
    assert added(box) == []
    box.delete()


FUSE = """import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
fd, there = os.open("/dev/fuse", os.O_RDWR), os.open("/proc/%d/ns/mnt", os.O_RDONLY)
data = f"fd={fd},rootmode=40000,user_id=0,group_id=0".encode()
if libc.setns(there, 0) or libc.mount(b"hang", b"/hang", b"fuse", 0, data):
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
print("mounted", flush=True)
time.sleep(1000)
"""


@pytest.fixture
def hanging(box):
    """A container that has a file system at /hang whose server never answers."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no /dev/fuse here")
    start(box, lambda b: os.mkdir(f"{b.rootfs}/hang"))
    server = subprocess.Popen(["/usr/bin/python3", "-c", FUSE % box.state()["pid"]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if server.stdout.readline() != "mounted\n":
            box.delete()
            pytest.skip(f"no FUSE here: {server.stderr.read()[-200:]}")
        yield box
    finally:
        server.kill()
        server.wait()
    box.delete()


def test_file_system_that_does_not_answer(hanging):
    """Ends with an error, and leaves no process and no mount."""
    before = [m["destination"] for m in listed(hanging)]
    assert "/hang" in before
    r = add(hanging, mount("/first", "tmpfs", type="tmpfs"), mount("/hang/there", "tmpfs", type="tmpfs"), status=1)
    assert "do not answer within" in r.err and "mounts.record" in r.err, r
    assert [m["destination"] for m in listed(hanging)] == before


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return f.read().split()


def test_killed_while_it_waits(hanging):
    """What it started in the container's namespaces ends with it."""
    name = document(hanging, [mount("/first", "tmpfs", type="tmpfs"), mount("/hang/there", "tmpfs", type="tmpfs")])
    with subprocess.Popen(hanging.command("mounts", "add", "c", name), stderr=subprocess.DEVNULL) as orlop:
        def waits():
            pids = children(orlop.pid)
            with open(f"/proc/{pids[0]}/wchan" if pids else "/dev/null") as f:
                return "fuse" in f.read() or "request_wait" in f.read()
        eventually(waits, "the child waits for the file system")
        orlop.kill()
    assert added(hanging) == [] and "/first" not in [m["destination"] for m in listed(hanging)]


# --- states

def test_created_and_paused(box):
    b = box.bundle(["cat", "/new/file"])
    box.create(b)
    add(box, mount("/new", source(box, file="early\n"), "bind"))
    assert box.status() == "created" and added(box) == ["/new"]
    box.orlop("start", "c")
    box.wait("stopped")
    with open(f"{b.path}/c.out") as f:
        assert f.read() == "early\n"
    r = add(box, mount("/new", "tmpfs", type="tmpfs"), status=1)
    assert "container not running" in r.err and "stopped" in r.err
    assert "container not running" in box.orlop("mounts", "list", "c", status=1).err
    assert "container not running" in remove(box, "/new", status=1).err
    box.delete()
    start(box)
    box.orlop("pause", "c")
    add(box, mount("/new", "tmpfs", type="tmpfs"), mount("/proc", "proc", type="proc"))
    assert added(box) == ["/new", "/proc"]
    remove(box, "/new", "/proc")
    assert added(box) == []
    box.orlop("resume", "c")
    box.delete()
    assert 'container "c" does not exist' in box.orlop("mounts", "list", "c", status=1).err


def test_container_in_the_foreground(box):
    """Whose `run` has the lock of its directory as long as it lives."""
    b = box.bundle(["sleep", "1000"])
    b.save()
    with subprocess.Popen(box.command("run", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL) as run:
        eventually(lambda: os.path.exists(f"{box.root}/c/state.json") and box.status() == "running", "the container runs")
        add(box, mount("/new", "tmpfs", type="tmpfs"))
        assert added(box) == ["/new"]
        box.orlop("kill", "c", "KILL")
        assert run.wait() == 137
    assert os.listdir(box.root) == []


def test_readonly_root(box):
    def readonly(b):
        b.config["root"]["readonly"] = True
    start(box, readonly)
    s = source(box, file="x\n")
    r = add(box, mount("/new", s, "bind"), status=1)
    refused(box, r, "mounts[0]", "Read-only file system", "must exist")
    add(box, mount("/home", s, "bind"))
    assert inside(box, "cat /home/file") == "x\n"
    box.delete()


def test_host_namespace(box):
    def host(b):
        b.namespace("mount", False)
        b.config.update(mounts=[])
        for key in ("maskedPaths", "readonlyPaths", "devices"):
            b.config["linux"].pop(key, None)
    b = start(box, host)
    before = box.snapshot()["mounts"]
    r = add(box, mount("/tmp", "tmpfs", type="tmpfs"), status=1)
    assert "no mount namespace of its own" in r.err
    assert "no mount namespace of its own" in remove(box, "/proc", status=1).err
    assert box.snapshot()["mounts"] == before and b
    box.delete()


# --- older kernels

def test_without_openat2(box, without):
    """Before Linux 5.6, or by a filter: links stay inside all the same."""
    b = start(box)
    os.symlink("/home", f"{b.rootfs}/link")
    os.symlink("../../var", f"{b.rootfs}/dotted")
    box.prefix = [without, str(errno.ENOSYS), "openat2"]
    add(box, mount("/link/a/b", source(box, file="x\n"), "bind"), mount("/dotted", os.path.join(source(box), "file"), "bind"), status=1)
    add(box, mount("/link/a/b", source(box), "bind"), mount("/dotted", source(box), "bind"))
    box.prefix = []
    assert added(box) == ["/home/a/b", "/var"] and inside(box, "cat /home/a/b/file /var/file") == "x\nx\n"
    box.prefix = [without, str(errno.ENOSYS), "openat2"]
    remove(box, "/link/a/b", "/dotted")
    box.prefix = []
    assert added(box) == []
    box.delete()


def test_without_the_calls_for_mounts(box, without):
    start(box)
    box.prefix = [without, str(errno.ENOSYS), "mount_setattr"]
    r = add(box, mount("/new", "tmpfs", type="tmpfs"), status=1)
    box.prefix = []
    refused(box, r, "need Linux 5.12")
    assert "/new" not in points(box)
    box.delete()


# --- what is wrong with a document

@pytest.mark.parametrize("text,words", [
    ("", ["mounts.json:1:1: must be an array"]),
    ("{}", ["mounts.json:1:1: must be an array"]),
    ('\n            {"mounts": []}', ["mounts.json:2:13: must be an array"]),
    ('             {"mounts": []}', ["mounts.json:1:14: must be an array"]),
    ('[], "x": []', ["mounts.json:1:3: must be an array"]),
    ("[] []", ["mounts.json:1:4: must be an array"]),
    ("[\0]", ["mounts.json:1:2: must be an array"]),
    ("[", ["mounts.json:"]),
    ("[}", ["mounts.json:1:2"]),
    ("[1]", ["mounts.json:1:2", "mounts[0]", "expected object"]),
    ('[\n {"type": "tmpfs"}]', ["mounts.json:2:2", "mounts[0].destination", "required but missing"]),
    ('[{"destination": "/a", "type": "tmpfs"},\n {"destination": 1}]', ["mounts.json:2:", "mounts[1].destination"]),
    ('[{"destination": "/a"}]', ["mounts[0].type", "required"]),
    ('[{"destination": "/a", "type": "bind", "options": ["bind"]}]', ["mounts.json:1:2", "mounts[0].source"]),
    ('[{"destination": "/", "type": "tmpfs"}]', ["mounts.json:1:18", "the root itself"]),
    ('[{"destination": "/proc/sys", "type": "tmpfs"}]', ["inside /proc"]),
    ('[{"destination": "/proc", "type": "tmpfs"}]', ["only proc"]),
    ('[{"destination": "/a", "options": ["remount", "ro"]}]', ["mounts[0].options", "remount changes a mount"]),
    ('[{"destination": "/a", "type": "cgroup"}]', ["mounts[0].type", "mounted by create"]),
    ('[{"destination": "/a", "source": "/x", "options": ["bind", "copy-symlink"]}]', ["mounts[0].options", "copy-symlink"]),
    ('[{"destination": "/a", "type": "tmpfs", "options": ["iversion"]}]', ["mounts[0].options", "create alone"]),
    ('[{"destination": "/a", "source": "/x", "options": ["bind", "nosiud"]}]', ["mounts[0].options[1]", "nosiud"]),
    ("[" + ",".join(['{"destination": "/a", "type": "tmpfs"}'] * 65) + "]", ["more than 64"]),
])
def test_wrong_documents(box, text, words):
    start(box)
    refused(box, box.orlop("mounts", "add", "c", document(box, text), status=1), *words)
    box.delete()


def test_wrong_words(box):
    for words, text in ((("mounts",), "an operand is missing"), (("mounts", "add", "c"), "an operand is missing"),
                        (("mounts", "list", "c", "x"), "too many"), (("mounts", "move", "c"), '"move" is none of'),
                        (("mounts", "add", "--format", "json", "c", "x"), "--format is for list"),
                        (("mounts", "list", "-f", "xml", "c"), 'invalid format "xml"'),
                        (("mounts", "add", "c", "/no/such"), "No such file"),
                        (("mounts", "list", "c"), "does not exist"), (("mounts", "list", "../c"), "invalid container id")):
        assert text in box.orlop(*words, status=1).err


def test_numbers_of_files_stay(box):
    """A handle of the host is not left in the container: the first process has what it had."""
    start(box)
    pid = box.state()["pid"]
    before = sorted(os.listdir(f"/proc/{pid}/fd"))
    add(box, mount("/new", source(box), "bind"))
    assert sorted(os.listdir(f"/proc/{pid}/fd")) == before
    assert stat.S_IMODE(os.stat(f"{box.root}/c/mounts.json").st_mode) == 0o600
    box.delete()


def test_table_says_nothing_to_the_terminal(box):
    """What is mounted is called as the container likes; here by the escape sequences of a terminal, of one byte and of two (U+009B)."""
    def change(b):
        b.config["process"]["capabilities"] = {kind: ["CAP_SYS_ADMIN"] for kind in ("bounding", "effective", "permitted")}
    start(box, change)
    inside(box, "mkdir -p /tmp/in && mount -t tmpfs \"$(printf '\\033]0;evil\\007\\302\\2331m')\" /tmp/in")
    r = subprocess.run(box.command("mounts", "list", "c"), capture_output=True, check=True)
    line = next(line for line in r.stdout.decode().splitlines() if "evil" in line)
    assert "?]0;evil???1m" in line and line.isprintable(), line
    box.delete()
