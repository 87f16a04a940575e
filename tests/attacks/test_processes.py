# SPDX-License-Identifier: Apache-2.0
"""Processes that join a container, and the program of the runtime, from inside."""
import hashlib
import os
import shutil
import subprocess
import threading

import orlop
import pytest

CAPS = ["CAP_" + name.upper() for name in """chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_chroot mknod lease audit_write setfcap""".split()]
EXECS = int(os.environ.get("ORLOP_ATTACK_EXECS", "60"))


def capable(b, names):
    b.config["process"]["capabilities"] = {kind: names for kind in ("bounding", "effective", "permitted")}


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def container_of_the_attacker(victim, b):
    """Starts peek, with all that a container may have: in a user namespace CAP_SYS_PTRACE as well.  (CAP_SYS_ADMIN of the host reads
    the mappings of every process.)"""
    victim.put(b, "bin/peek", program=victim.tools.peek)
    capable(b, [*CAPS, *(["CAP_SYS_PTRACE"] if victim.kind in ("user namespace", "rootless") else [])])
    b.config["process"]["noNewPrivileges"] = False
    out = victim.file("peek.out", "")
    b.save()
    victim.ready(b)
    with open(out, "w") as f:
        subprocess.run(victim.box.command("run", "-d", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                       timeout=orlop.TIMEOUT, check=True)
    orlop.eventually(lambda: "ready" in open(out).read(), "peek")
    return out


def execs(victim, words, n):
    """Some at a time, so that the attacker has no pause."""
    env, failed = dict(os.environ, NAIVE_ENTER=victim.naive_enter if victim.naive else ""), []

    def some(count):
        for _ in range(count):
            done = subprocess.run(victim.box.command("exec", "c", *words), stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env, timeout=60)
            if done.returncode:
                failed.append(done.stderr or done.returncode)
    threads = [threading.Thread(target=some, args=(n // 2,)) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return failed


@pytest.mark.attack("T6", "T8")
def test_exec_is_watched(victim):
    """A process in the container looks at everything that appears beside it, as closely and as often as it can."""
    victim.naive_enter = shutil.copy(victim.tools.enter, os.path.join(victim.dir, "enter"))
    programs = [victim.naive_enter if victim.naive else victim.box.program]
    before = [digest(p) for p in programs]
    b = victim.bundle(["peek"])
    out = container_of_the_attacker(victim, b)
    failed = execs(victim, ["true"], EXECS // 4 if victim.naive else EXECS)
    with open(f"{b.rootfs}/stop", "w"):
        pass
    orlop.eventually(lambda: "looked" in open(out).read(), "the end of peek")
    victim.box.delete()
    lines = open(out).read().splitlines()
    looked = int(next(line for line in lines if line.startswith("looked")).split()[1])
    assert victim.naive or looked > EXECS / 10, "the attacker saw next to nothing"
    got = sorted({line for line in lines if not line.startswith(("ready", "looked"))})
    got += ["the program of the runtime"] * ([digest(p) for p in programs] != before)
    if not victim.naive:
        assert not failed, failed[:3]
    victim.judge(got)


@pytest.mark.attack("T8")
@pytest.mark.parametrize("how", ["script", "itself"])
def test_program_is_the_runtimes_own(victim, how):
    """The image's program is /proc/self/exe, directly or as an interpreter, and the image preloads a library into it."""
    dynamic = victim.tools.build("naive/enter.c", "dynamic-enter")
    enter = shutil.copy(dynamic, os.path.join(victim.dir, "enter"))
    program = enter if victim.naive else victim.box.program
    before = digest(program)
    b = victim.bundle(["sleep", "100"])
    for line in subprocess.run(["ldd", enter], capture_output=True, text=True, check=True).stdout.splitlines():
        path = next((w for w in line.split() if w.startswith("/")), None)
        if path:
            victim.put(b, path.lstrip("/"), program=path)
    victim.put(b, "steal.so", program=victim.tools.steal)
    victim.put(b, "etc/ld.so.preload", text="/steal.so\n")
    victim.put(b, "victim", text="#!/proc/self/exe\n", mode=0o755)
    capable(b, CAPS)
    b.config["process"]["noNewPrivileges"] = False
    victim.run(b, "-d")
    env = dict(os.environ, NAIVE_ENTER=enter)
    for _ in range(3):
        subprocess.run(victim.box.command("exec", "c", "/victim" if how == "script" else "/proc/self/exe"), stdin=subprocess.DEVNULL,
                       capture_output=True, env=env, timeout=60)
    if victim.naive:
        try:
            orlop.eventually(lambda: digest(program) != before, "the thief", 5)
        except AssertionError:
            pass
    victim.box.delete()
    after = digest(program)
    # and as the first program of a container
    b.config["process"]["args"] = ["/victim" if how == "script" else "/proc/self/exe"]
    if not victim.naive:
        victim.run(b, status=None)
        after = digest(program)
    victim.judge(["the program of the runtime"] if after != before else [])


@pytest.mark.attack("T6")
@pytest.mark.only("root", "user namespace", "rootless", "older kernel", why="the naive runtime's process of this kind is that of exec")
def test_created_process_is_watched(victim):
    """The process between create and start, from a container in the same pid namespace."""
    b = victim.bundle(["peek"])
    out = container_of_the_attacker(victim, b)
    space = f"/proc/{victim.pid()}/ns"
    other = victim.bundle(["true"])
    for kind in ("pid", "user") if victim.owner else ("pid",):
        other.namespace(kind, f"{space}/{kind}")
    if victim.owner:
        for key in ("uidMappings", "gidMappings"):
            other.config["linux"].pop(key, None)
    for i in range(5):
        if "cgroupsPath" in b.config["linux"]:
            other.config["linux"]["cgroupsPath"] = f"{victim.box.cgroup}-other{i}"
        victim.create(other, id=f"other{i}")
    for i in range(5):
        victim.box.orlop("start", f"other{i}")
        victim.box.wait("stopped", f"other{i}")
        victim.box.delete(f"other{i}")
    with open(f"{b.rootfs}/stop", "w"):
        pass
    orlop.eventually(lambda: "looked" in open(out).read(), "the end of peek")
    victim.box.delete()
    # once it has become its own program it is a process as others, whose root is another
    own = ("ready", "looked", "root is not ours", "cwd is not ours", f"fd {other.path}/other")
    victim.judge(sorted({line for line in open(out).read().splitlines() if not line.startswith(own)}))


@pytest.mark.attack("T6")
@pytest.mark.only("root", "older kernel", why="with a user namespace the attacker would have CAP_SYS_PTRACE in that of both")
def test_created_process_is_watched_by_who_joins_it(victim):
    """The process between create and start, by another container that is put into its pid namespace and has begun before it."""
    first = victim.bundle(["true"])
    if "cgroupsPath" in first.config["linux"]:
        first.config["linux"]["cgroupsPath"] = f"{victim.box.cgroup}-first"
    victim.create(first, id="first")
    b = victim.bundle(["peek"])
    b.namespace("pid", f"/proc/{victim.pid('first')}/ns/pid")
    out = container_of_the_attacker(victim, b)
    execs(victim, ["true"], 10)  # so that he looks around some times
    with open(f"{b.rootfs}/stop", "w"):
        pass
    orlop.eventually(lambda: "looked" in open(out).read(), "the end of peek")
    victim.box.delete()
    victim.box.delete("first")
    lines = open(out).read().splitlines()
    assert int(next(line for line in lines if line.startswith("looked")).split()[1]) > 0, lines
    victim.judge(sorted({line for line in lines if not line.startswith(("ready", "looked"))}))


@pytest.mark.attack("T6")
@pytest.mark.only("root", "naive", why="only a change of ids asks the setting")
def test_suid_dumpable(victim):
    """With fs.suid_dumpable=1 a change of ids makes a process dumpable again: not ours."""
    if "ORLOP_GUEST" not in os.environ:
        pytest.skip("fs.suid_dumpable is the whole machine's: changed in a guest only")
    with open("/proc/sys/fs/suid_dumpable", "r+") as f:
        f.write("1")
    try:
        b = victim.bundle(["sh", "-c", "sleep 100"], user={"uid": 1000, "gid": 1000})
        victim.create(b) if not victim.naive else victim.run(b, "-d")
        pid = victim.pid()
        got = ["owner of /proc/PID"] if os.stat(f"/proc/{pid}/fd").st_uid == 1000 else []
        victim.box.delete()
    finally:
        with open("/proc/sys/fs/suid_dumpable", "w") as f:
            f.write("0")
    victim.judge(got)


@pytest.mark.attack("T12")
def test_abstract_sockets(victim):
    """A container in the host's network namespace reaches every abstract socket of the host: none is ours."""
    def abstract():
        with open("/proc/net/unix") as f:
            return {line.split()[-1] for line in f if "@" in line}
    before = abstract()
    b = victim.bundle(["sleep", "100"], terminal=False)
    if victim.naive:
        victim.run(b, "-d")
    else:
        victim.create(b)
    during = abstract() - before
    victim.box.delete()
    victim.judge(sorted(x for x in during if "orlop" in x or "naive" in x and victim.naive))
