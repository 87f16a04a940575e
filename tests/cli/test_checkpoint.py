# SPDX-License-Identifier: Apache-2.0
"""checkpoint and restore: what a container was before is what it is afterwards, nothing else changes, and what fails leaves things as they were."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from checkpoints import COUNT, c, cgroups_of, counter, delete_all, goes_on, major, may_ask_limits, numbers, program, starts_counting  # noqa: F401 - fixtures, too
from orlop import TIMEOUT, ConsoleSocket, eventually, read_terminal


# --- what it is for

def test_counts_on(box, c):
    b = counter(box, c)
    c.checkpoint()
    last = numbers(b)
    box.state(status=1)
    assert box.processes() == [] and cgroups_of(box) == set()
    time.sleep(0.2)
    assert numbers(b) == last
    c.restore(b)
    assert box.status() == "running"
    goes_on(b)


def test_again_and_again(box, c):
    b = counter(box, c)
    for _ in range(3):
        c.checkpoint()
        c.restore(b)
        goes_on(b)


def test_leave_running(box, c):
    b = counter(box, c)
    pid = box.state()["pid"]
    c.checkpoint("--leave-running")
    assert box.state()["pid"] == pid and box.status() == "running"
    goes_on(b)


def test_another_name_and_cgroup(box, c):
    """Two of it: the one that ran on, and one of another name from its images, in a root file system and a cgroup of its own."""
    b = counter(box, c)
    c.checkpoint("--leave-running")
    before = cgroups_of(box)
    other = box.bundle()
    shutil.copytree(os.path.join(b.rootfs, "tmp"), os.path.join(other.rootfs, "tmp"), dirs_exist_ok=True)
    other.config["process"] = b.config["process"]
    c.restore(other, id="d")
    goes_on(b)
    n = len(numbers(other))
    eventually(lambda: len(numbers(other)) > n + 3, "the other counts, too")
    assert box.state("c")["pid"] != box.state("d")["pid"]
    with open(f"/proc/{box.state('d')['pid']}/cgroup") as f:
        assert b.cgroup not in (line.strip().split(":", 2)[2] for line in f)
    grown = cgroups_of(box) - before
    assert grown and all(other.cgroup in path for path in grown)
    assert len({os.path.basename(p) for p in grown}) == 1, grown


def forgets_privileges(program):
    """CRIU 3 does not bring back no_new_privs."""
    return major(program) < 4


def test_lost_privileges_are_warned_of(box, c):
    b = box.bundle(["sh", "-c", COUNT], noNewPrivileges=True)
    c.run(b)
    starts_counting(b)
    c.checkpoint()
    b.save()
    r = box.orlop("--log-level", "warning", "--criu", c.program, "restore", "--detach", "--bundle", b.path, "--image-path", c.images, "c")
    kept = "NoNewPrivs:\t1" in open(f"/proc/{box.state()['pid']}/status").read()
    assert ("process.noNewPrivileges" in r.err) == (not kept) and (kept or forgets_privileges(c.program))


def test_what_it_was_it_is(box, c):
    """Mounts with their flags, names, user, environment, limits, what is in a tmpfs, and what is bound, as exec and /proc show them."""
    host = os.path.join(box.dir, "host")
    os.makedirs(os.path.join(host, "inner"))
    with open(os.path.join(host, "file"), "w") as f:
        f.write("of the host")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", os.path.join(host, "inner")], check=True)
    try:
        with open(os.path.join(host, "inner/deep"), "w") as f:
            f.write("deep")
        user = {"uid": 12, "gid": 34, "additionalGids": [56]} if may_ask_limits() else {"uid": 0, "gid": 0, "additionalGids": [56]}
        b = box.bundle(["sh", "-c", "umask 0; echo kept >/scratch/x; exec sleep 1000"], user=user, cwd="/tmp", rlimits=[{"type": "RLIMIT_NOFILE", "hard": 99, "soft": 88}])
        b.config["hostname"] = "remembered"
        b.config["process"]["noNewPrivileges"] = not forgets_privileges(c.program)
        b.config["process"]["env"].append("KEPT=yes")
        b.mount("/bound", host, options=["rbind", "ro"])
        b.mount("/name/that is/new", os.path.join(host, "file"), options=["bind", "nosuid"])
        b.mount("/scratch", type="tmpfs", source="tmpfs", options=["nodev", "mode=1777"])
        b.mount("/scratch/in", host, options=["bind"])
        if os.path.isdir("/sys/fs/cgroup/memory") or "memory" in open("/sys/fs/cgroup/cgroup.controllers").read():
            b.config["linux"]["resources"] = {"memory": {"limit": 100 << 20}, "pids": {"limit": 77}}
        c.run(b)
        eventually(lambda: c.exec("cat", "/scratch/x") == "kept\n", "it has started")

        def look():
            found = {"mounts": sorted(line.split(" ", 3)[3] for line in c.exec("cat", "/proc/self/mountinfo").splitlines())}
            for name, command in (("hostname", "hostname"), ("status", "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Umask)' /proc/1/status"),
                                  ("limits", "cat /proc/1/limits"), ("environment", "cat /proc/1/environ | tr '\\0' ' '"),
                                  ("cwd", "readlink /proc/1/cwd"), ("files", "cat /scratch/x /bound/file /bound/inner/deep '/name/that is/new' /scratch/in/file"),
                                  ("cgroup", "cat /proc/1/cgroup"), ("devices", "stat -c '%n %t %T %a' /dev/*")):
                found[name] = c.exec("sh", "-c", command)
            pid = box.state()["pid"]
            for line in open(f"/proc/{pid}/cgroup"):
                _, controllers, path = line.strip().split(":", 2)
                for file in ("memory.limit_in_bytes", "pids.max", "memory.max"):
                    for mount in (controllers, controllers.replace("name=", ""), "unified", ""):
                        full = f"/sys/fs/cgroup/{mount}{path}/{file}"
                        if os.path.exists(full) and box.cgroup in path:
                            found[full] = open(full).read()
            return found

        before = look()
        assert "of the host" in before["files"] and "deep" in before["files"] and "remembered" in before["hostname"]
        c.checkpoint()
        c.restore(b)
        after = look()
        for what in before:
            assert after[what] == before[what], what
        box.delete()
    finally:
        subprocess.run(["umount", os.path.join(host, "inner")], check=True)


def test_mount_points_are_made(box, c):
    """A root file system from a fresh copy has none yet."""
    host = os.path.join(box.dir, "host")
    os.makedirs(host)
    b = box.bundle(["sh", "-c", COUNT])
    b.mount("/new/dir", host, options=["bind"])
    b.mount("/new/dir/in/it", "tmpfs", type="tmpfs")
    b.mount("/new/file", "/etc/hostname", options=["bind", "ro"])
    c.run(b)
    starts_counting(b)
    c.checkpoint()
    shutil.rmtree(os.path.join(b.rootfs, "new"))
    shutil.rmtree(os.path.join(host, "in"))
    c.restore(b)
    goes_on(b)
    assert os.path.isdir(os.path.join(host, "in/it")) and os.path.isfile(os.path.join(b.rootfs, "new/file"))


def test_symbolic_links_on_the_way(box, c):
    """What is mounted through a link of the root file system is restored where it was, inside."""
    b = box.bundle(["sh", "-c", COUNT])
    os.makedirs(os.path.join(b.rootfs, "run"))
    os.symlink("../../run", os.path.join(b.rootfs, "var/run"))
    b.mount("/var/run/file", "/etc/hostname", options=["bind"])
    c.run(b)
    starts_counting(b)
    c.checkpoint()
    c.restore(b)
    goes_on(b)
    with open("/etc/hostname") as f:
        assert c.exec("cat", "/run/file") == f.read()


def test_several_processes_and_exec(box, c):
    """Pipes, children and a process of exec's own, which has the clocks of the others."""
    b = box.bundle(["sh", "-c", "(while true; do echo x; usleep 20000; done) | while read x; do echo $x >>/tmp/lines; done"])
    c.run(b)
    lines = os.path.join(b.rootfs, "tmp/lines")
    eventually(lambda: os.path.exists(lines) and os.path.getsize(lines) > 4, "it writes")

    def shells(): # whose children come and go, some of them seen as "{usleep} sh -c ..."
        return {words for line in c.exec("ps").splitlines() for words in line.split(None, 2)[2:] if words.startswith("sh -c")}
    before = shells()
    assert before
    c.checkpoint()
    size = os.path.getsize(lines)
    c.restore(b)
    eventually(lambda: os.path.getsize(lines) > size, "it writes on")
    assert shells() == before
    if os.path.exists("/proc/self/ns/time"):
        assert c.exec("readlink", "/proc/self/ns/time") == c.exec("readlink", "/proc/1/ns/time")
    assert len(json.loads(box.orlop("ps", "--format", "json", "c").out)) >= 3


def test_life_goes_on(box, c):
    """pause, resume, kill and delete do with a restored container what they do with another."""
    b = counter(box, c)
    c.checkpoint()
    c.restore(b)
    box.orlop("pause", "c")
    assert box.status() == "paused"
    box.orlop("resume", "c")
    goes_on(b)
    box.orlop("kill", "c", "KILL")
    box.wait("stopped")
    box.delete(force=False)
    box.state(status=1)


def test_several_at_once(box, c):
    """One dump at a time: each is made or refused, and the container goes on."""
    b = counter(box, c)
    dumps = [subprocess.Popen(box.command("--criu", c.program, "checkpoint", "--leave-running", "--image-path", f"{c.images}{n}", "c"), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for n in range(3)]
    for dump in dumps:
        err = dump.communicate(timeout=2 * TIMEOUT)[1]
        assert dump.returncode == 0 or "in use by another command" in err, err
    assert 0 in [dump.returncode for dump in dumps]
    goes_on(b)
    box.delete()


def test_paused(box, c):
    """What is paused can be dumped; once restored it is as it was."""
    b = counter(box, c)
    box.orlop("pause", "c")
    c.checkpoint()
    c.restore(b)
    if box.status() == "paused":
        box.orlop("resume", "c")
    goes_on(b)


# --- descriptors, terminals, the foreground

def test_output_to_a_file_of_the_host(box, c):
    """It is written on, through the descriptor that restore was given."""
    b = box.bundle(["sh", "-c", "while true; do echo tick; usleep 20000; done"])
    b.save()
    name, moved = os.path.join(box.dir, "out"), os.path.join(box.dir, "moved")
    with open(name, "a") as f:
        subprocess.run(box.command("run", "--detach", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=f, stderr=f, check=True)
    eventually(lambda: os.path.getsize(name) > 10, "it writes")
    c.checkpoint()
    size = os.path.getsize(name)
    os.rename(name, moved) # the name is nothing to CRIU
    with open(moved, "a") as f:
        subprocess.run(box.command("--criu", c.program, "restore", "--detach", "--bundle", b.path, "--image-path", c.images, "c"),
                       stdin=subprocess.DEVNULL, stdout=f, stderr=f, check=True, timeout=TIMEOUT)
    eventually(lambda: os.path.getsize(moved) > size, "it writes on")
    with open(moved) as f:
        assert set(f.read().splitlines()) == {"tick"}


def test_pipes(box, c):
    """As an engine has it: pipes to somebody who waits; new ones take their place."""
    b = box.bundle(["sh", "-c", "while read x; do echo got $x; done; exit 7"])
    b.save()
    one = subprocess.Popen(box.command("run", "--bundle", b.path, "c"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    one.stdin.write("one\n")
    one.stdin.flush()
    assert one.stdout.readline() == "got one\n"
    c.checkpoint()
    assert one.wait(TIMEOUT) == 128 + signal.SIGKILL
    box.state(status=1)
    two = subprocess.Popen(box.command("--criu", c.program, "restore", "--bundle", b.path, "--image-path", c.images, "c"),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    out, _ = two.communicate("two\n", timeout=TIMEOUT)
    assert out == "got two\n" and two.returncode == 7
    box.state(status=1)


def test_foreground_passes_signals_on(box, c):
    b = box.bundle(["sh", "-c", f"trap 'exit 9' TERM; {COUNT}"])
    c.run(b)
    starts_counting(b)
    c.checkpoint()
    p = subprocess.Popen(box.command("--criu", c.program, "restore", "--bundle", b.path, "--image-path", c.images, "c"), stdin=subprocess.DEVNULL)
    eventually(lambda: box.orlop("state", "c", status=None).status == 0 and box.status() == "running", "it is restored")
    goes_on(b)
    p.terminate()
    assert p.wait(TIMEOUT) == 9
    box.state(status=1)


def test_terminal(box, c):
    """Its new master goes to the console socket; the program does not notice."""
    b = box.bundle(["sh", "-c", "tty; while read x; do echo got $x; done"])
    b.config["process"]["terminal"] = True
    first = ConsoleSocket(os.path.join(box.dir, "first.sock"))
    c.run(b, "--console-socket", first.path)
    master = first.receive()
    name = read_terminal(master, "\n").strip()
    c.checkpoint()
    os.close(master)
    second = ConsoleSocket(os.path.join(box.dir, "second.sock"))
    c.restore(b, "--console-socket", second.path)
    master = second.receive()
    os.write(master, b"again\n")
    read_terminal(master, "got again")
    assert name in c.exec("readlink", "/proc/1/fd/0")
    os.close(master)


def test_terminal_needs_a_taker(box, c):
    b = box.bundle(["sleep", "1000"])
    b.config["process"]["terminal"] = True
    os.makedirs(c.images)
    assert "console socket" in c.restore(b, status=1).err


def test_pid_file(box, c):
    b = counter(box, c)
    c.checkpoint()
    c.restore(b, "--pid-file", os.path.join(box.dir, "pid"))
    with open(os.path.join(box.dir, "pid")) as f:
        assert int(f.read()) == box.state()["pid"]


# --- namespaces, cgroups, hooks

def test_network_of_another(box, c):
    """A network namespace that is joined by path is no part of the images."""
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; echo ready; exec sleep 1000"], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "ready\n"
        path = f"/proc/{holder.pid}/ns/net"
        b = box.bundle(["sh", "-c", COUNT])
        b.namespace("network", path)
        c.run(b)
        starts_counting(b)
        c.checkpoint()
        c.restore(b)
        goes_on(b)
        assert os.stat(f"/proc/{box.state()['pid']}/ns/net").st_ino == os.stat(path).st_ino
        box.delete()
    finally:
        holder.kill()
        holder.wait()


def test_network_of_the_host(box, c):
    b = box.bundle(["sh", "-c", COUNT])
    b.namespace("network", False)
    c.run(b)
    starts_counting(b)
    c.checkpoint()
    c.restore(b)
    goes_on(b)
    assert os.stat(f"/proc/{box.state()['pid']}/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino


def test_cgroup_namespace(box, c):
    b = box.bundle(["sh", "-c", COUNT])
    b.namespace("cgroup")
    c.run(b)
    starts_counting(b)
    before = c.exec("cat", "/proc/1/cgroup"), sorted(line.split(" ", 3)[3] for line in c.exec("cat", "/proc/self/mountinfo").splitlines())
    cgroups = cgroups_of(box)
    c.checkpoint()
    c.restore(b)
    goes_on(b)
    after = c.exec("cat", "/proc/1/cgroup"), sorted(line.split(" ", 3)[3] for line in c.exec("cat", "/proc/self/mountinfo").splitlines())
    assert after == before and cgroups_of(box) == cgroups
    assert os.stat(f"/proc/{box.state()['pid']}/ns/cgroup").st_ino != os.stat("/proc/self/ns/cgroup").st_ino


def freezer_or_v2(box, b):
    """The container's cgroup in a hierarchy of which it can have a part."""
    path = b.cgroup
    return next(p + path for p in ("/sys/fs/cgroup/freezer", "/sys/fs/cgroup") if os.path.isdir(p + path))


@pytest.mark.parametrize("mode", [None, "soft", "ignore"])
def test_the_host_s_cgroups_stay(box, c, mode):
    """No cgroup is made but the container's own, whatever CRIU is told about them: it must not copy the host's tree."""
    b = counter(box, c)
    before, options = cgroups_of(box), ["--manage-cgroups-mode", mode] if mode else []
    if mode == "soft":
        skip_unless_alone(b, box)
    c.checkpoint(*options)
    images = os.path.join(c.images, "cgroup.img")
    assert not os.path.exists(images) or os.path.getsize(images) < 64 << 10
    b.config["linux"]["cgroupsPath"] += "-new"
    c.restore(b, *options)
    goes_on(b)
    now = cgroups_of(box)
    assert len(now) == len(before) and all(p.endswith(b.cgroup) for p in now), now


def skip_unless_alone(b, box):
    """CRIU may deal with cgroups where every hierarchy that the kernel has shows it the container's own, and no other."""
    with open(f"/proc/{box.state()['pid']}/cgroup") as f:
        others = [line.strip() for line in f if line.strip().split(":", 2)[2] != b.cgroup]
    if others:
        pytest.skip(f"there are hierarchies of cgroups here that the container has no cgroup in: {' '.join(others)}")


def test_cgroups_below(box, c):
    """Those that the container made, and who is in them, are made again below its new cgroup."""
    b = counter(box, c)
    skip_unless_alone(b, box)
    below = os.path.join(freezer_or_v2(box, b), "below")
    os.mkdir(below)
    helper = [pid for pid in json.loads(box.orlop("ps", "--format", "json", "c").out)][0]
    with open(os.path.join(below, "cgroup.procs"), "w") as f:
        f.write(str(helper))
    c.checkpoint()
    assert not os.path.exists(below)
    b.config["linux"]["cgroupsPath"] += "-new"
    c.restore(b)
    goes_on(b)
    below = os.path.join(freezer_or_v2(box, b), "below")
    with open(os.path.join(below, "cgroup.procs")) as f:
        assert str(box.state()["pid"]) in f.read().split()


def test_hooks(box, c):
    """Of the runtime's hooks those before the start run again, as with runc, and those after the end; what belongs to a start does not."""
    b = box.bundle(["sh", "-c", COUNT])
    log = os.path.join(box.dir, "hooks")
    names = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    b.config["hooks"] = {n: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {n} $(cat) >>{log}"]}] for n in ("prestart", "createRuntime", "poststart", "poststop")}
    assert set(b.config["hooks"]) < set(names)
    c.run(b)
    starts_counting(b)
    c.checkpoint()
    os.unlink(log)
    c.restore(b)
    pid = box.state()["pid"]
    with open(log) as f:
        lines = f.read().splitlines()
    assert [line.split()[0] for line in lines] == ["prestart", "createRuntime"]
    for line in lines:
        state = json.loads(line.split(None, 1)[1])
        assert state["pid"] == pid and state["status"] == "creating" and state["id"] == "c"
    box.delete()
    with open(log) as f:
        assert f.read().splitlines()[-1].startswith("poststop")


def test_hook_that_fails(box, c):
    b = counter(box, c)
    c.checkpoint()
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "echo no way; exit 3"]}]}
    r = c.restore(b, status=1)
    assert "hooks.createRuntime[0]" in r.err and "no way" in r.err
    box.state(status=1)
    assert cgroups_of(box) == set()


# --- what fails

def test_failed_dump_leaves_it_running(box, c):
    """What is traced already CRIU cannot stop; the error says what CRIU says, and where."""
    if not shutil.which("strace"):
        pytest.skip("strace is missing")
    b = counter(box, c)
    pid = box.state()["pid"]
    tracer = subprocess.Popen(["strace", "-o", "/dev/null", "-p", str(pid)], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: open(f"/proc/{pid}/status").read().split("TracerPid:\t")[1][0] != "0", "it is traced")
        r = c.checkpoint(status=1)
        assert "criu could not dump the container: Error (" in r.err and os.path.join(c.images, "dump.log") in r.err
        assert r.err.count("\n") == 1
        assert box.status() == "running"
        goes_on(b)
    finally:
        tracer.terminate()
        tracer.wait()
    c.checkpoint()
    c.restore(b)
    goes_on(b)


def test_a_process_of_exec_is_warned_of(box, c):
    """It has its parent outside, so CRIU does not dump it."""
    b = counter(box, c)
    box.orlop("exec", "--detach", "c", "sleep", "1000")
    r = box.orlop("--log-level", "warning", "--criu", c.program, "checkpoint", "--image-path", c.images, "c")
    assert "is not dumped" in r.err and r.err.count("\n") == 1
    c.restore(b)
    goes_on(b)
    assert len(json.loads(box.orlop("ps", "--format", "json", "c").out)) <= 2


def test_failed_restore_leaves_nothing(box, c):
    b = counter(box, c)
    c.checkpoint()
    for name in os.listdir(c.images):
        if name.startswith("core-"):
            os.unlink(os.path.join(c.images, name))
    r = c.restore(b, "--pid-file", os.path.join(box.dir, "pid"), status=1)
    assert "criu could not restore the container: Error (" in r.err and os.path.join(c.images, "restore.log") in r.err
    box.state(status=1)
    assert box.processes() == [] and cgroups_of(box) == set() and not os.path.exists(os.path.join(box.dir, "pid"))


def kill_at(box, c, moment, *words):
    """Kills the runtime when CRIU has told it of the moment."""
    log, null = os.path.join(box.dir, "log"), subprocess.DEVNULL
    p = subprocess.Popen(box.command("--debug", "--log", log, "--criu", c.program, *words, "c"), stdin=null, stdout=null, stderr=null)
    eventually(lambda: p.poll() is not None or os.path.exists(log) and f"criu: {moment}" in open(log).read(), moment)
    p.kill()
    p.wait()


@pytest.mark.parametrize("moment", ["pre-restore", "setup-namespaces", "post-restore"])
def test_killed_restore_can_be_deleted(box, c, moment):
    """CRIU ends with the runtime, and delete finds what it left."""
    b = counter(box, c)
    c.checkpoint()
    kill_at(box, c, moment, "restore", "--detach", "--bundle", b.path, "--image-path", c.images)
    box.delete()
    box.state(status=1)
    assert cgroups_of(box) == set()
    eventually(lambda: box.processes() == [], "all have ended")
    c.restore(b)
    goes_on(b)


@pytest.mark.parametrize("moment", ["pre-dump", "network-lock"])
def test_killed_checkpoint_lets_it_go_on(box, c, moment):
    b = counter(box, c)
    kill_at(box, c, moment, "checkpoint", "--image-path", c.images, "--leave-running")
    goes_on(b)
    assert box.status() == "running"


def test_work_path(box, c):
    counter(box, c)
    work = os.path.join(box.dir, "work")
    c.checkpoint("--work-path", work)
    assert os.path.exists(os.path.join(work, "dump.log")) and not os.path.exists(os.path.join(c.images, "dump.log"))


def test_the_mount_s_source_is_missing(box, c):
    """It was bound when it was dumped, and the document does not have it any more."""
    host = os.path.join(box.dir, "host")
    os.makedirs(host)
    b = box.bundle(["sh", "-c", COUNT])
    m = b.mount("/bound", host, options=["bind"])
    c.run(b)
    starts_counting(b)
    c.checkpoint()
    b.config["mounts"].remove(m)
    assert "No mapping for" in c.restore(b, status=1).err
    box.state(status=1)


def test_in_use(box, c):
    b = counter(box, c)
    c.checkpoint("--leave-running")
    assert "already exists" in c.restore(b, status=1).err
    goes_on(b)


def test_no_images(box, c):
    b = box.bundle(["true"])
    assert c.images in c.restore(b, status=1).err
    box.state(status=1)


def test_created(box, c):
    b = box.bundle(["true"])
    box.create(b)
    assert "it is created" in c.checkpoint(status=1).err
    assert box.status() == "created"


@pytest.mark.root("CRIU needs root")
def test_without_criu(box):
    """It says what is missing, and the container goes on."""
    b = box.bundle(["sleep", "1000"])
    box.run(b, "--detach")
    r = box.orlop("checkpoint", "--image-path", os.path.join(box.dir, "i"), "c", status=1, env={"PATH": box.dir})
    assert "CRIU is not installed" in r.err and f"PATH={box.dir}" in r.err
    r = box.orlop("--criu", "/no/criu", "checkpoint", "--image-path", os.path.join(box.dir, "i"), "c", status=1)
    assert "/no/criu" in r.err
    assert box.status() == "running"


@pytest.mark.root("CRIU needs root")
def test_criu_that_is_none(box):
    """A program that only ends, and one that answers rubbish."""
    b = box.bundle(["sleep", "1000"])
    box.run(b, "--detach")
    fake = os.path.join(box.dir, "criu")
    for script, said in (("pass", "ended before it had answered"), ("os.write(int(sys.argv[2]), b'rubbish')", "not as expected")):
        with open(fake, "w") as f:
            f.write(f"#!/usr/bin/python3\nimport os, sys\n{script}\n")
        os.chmod(fake, 0o755)
        assert said in box.orlop("--criu", fake, "checkpoint", "--image-path", os.path.join(box.dir, "i"), "c", status=1).err
    assert box.status() == "running"


@pytest.mark.parametrize("options, said", [
    (["--manage-cgroups-mode", "hard"], "soft, full, strict or ignore"), (["--network-lock", "x"], "iptables, nftables or skip"),
    (["--page-server", "here"], "ADDRESS:PORT"), (["--page-server", ":1"], "ADDRESS:PORT"), (["--page-server", "h:0"], "ADDRESS:PORT"),
    (["--empty-ns", "web"], "web"), (["--parent-path", "/abs"], "relative"), (["--status-fd", "77", "--lazy-pages"], "77")])
@pytest.mark.root("CRIU needs root")
def test_options_that_make_no_sense(box, options, said):
    b = box.bundle(["sleep", "1000"])
    box.run(b, "--detach")
    assert said in box.orlop("checkpoint", "--image-path", os.path.join(box.dir, "i"), *options, "c", status=1).err
    assert box.status() == "running"


def test_pre_dump(box, c):
    """Memory first, the rest later; or the kernel cannot, and the error says what it lacks."""
    b = counter(box, c)
    last = c.images
    c.images = os.path.join(box.dir, "first")
    r = c.checkpoint("--pre-dump", status=None)
    assert box.status() == "running"
    goes_on(b)
    if r.status != 0:
        assert "CONFIG_MEM_SOFT_DIRTY" in r.err
        pytest.skip(r.err.strip())
    c.images = last
    c.checkpoint("--parent-path", "../first")
    c.restore(b)
    goes_on(b)


def test_probes_of_engines(box):
    """Podman asks whether there is a checkpoint, and whether restore knows --lsm-mount-context."""
    assert box.orlop("checkpoint", "--help").out
    r = box.orlop("restore", "--lsm-mount-context", status=1)
    assert "requires an argument" in r.err or "flag needs an argument" in r.err


# Options of runc 1.5 and crun 1.29, whether these are installed or not.
OPTIONS = {"checkpoint": """image-path work-path parent-path leave-running tcp-established tcp-skip-in-flight ext-unix-sk shell-job file-locks link-remap pre-dump
               lazy-pages status-fd page-server manage-cgroups-mode empty-ns auto-dedup network-lock""",
           "restore": """bundle image-path work-path detach pid-file console-socket tcp-established tcp-close ext-unix-sk shell-job file-locks lazy-pages
               manage-cgroups-mode empty-ns auto-dedup network-lock lsm-profile lsm-mount-context no-pivot no-subreaper"""}


def options_of(program, command):
    """What the help tells, without that of help itself."""
    done = subprocess.run([program, command, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return set(re.findall(r"--([a-z]{2}[a-z-]*)", done.stdout)) - {"help", "usage", "version"}


@pytest.mark.parametrize("command", OPTIONS)
def test_options_of_other_runtimes(box, command):
    """Each of theirs is one of ours: those that are known, and those of the runc that is here."""
    ours = options_of(box.program, command)
    assert set(OPTIONS[command].split()) - ours == set()
    runc = shutil.which("runc") or pytest.skip("runc is not installed: only the options that are known were compared")
    assert "image-path" in options_of(runc, command) and options_of(runc, command) - ours == set()
