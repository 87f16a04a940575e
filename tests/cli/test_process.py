# SPDX-License-Identifier: Apache-2.0
"""How the program is scheduled, where its memory comes from, and what it inherits: process.scheduler, ioPriority, execCPUAffinity,
linux.memoryPolicy and personality, and what of the caller must not reach the container."""
import ctypes
import json
import os
import shutil
import struct
import subprocess

import pytest
from orlop import eventually, give_user_namespace, kernel, needs_linux

LIBC = ctypes.CDLL(None, use_errno=True)
SCHED_SETATTR, SCHED_GETATTR, IOPRIO_GET = {"x86_64": (314, 315, 252), "aarch64": (274, 275, 31)}.get(os.uname().machine, (0, 0, 0))
needs_numbers = pytest.mark.skipif(SCHED_GETATTR == 0, reason=f"the numbers of system calls on {os.uname().machine} are not known here")
HIGHER = pytest.mark.root("only root may have a higher priority than the default one")
POLICIES = {"SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_IDLE": 5, "SCHED_DEADLINE": 6}


def attributes(pid):
    """policy, flags, nice, priority, runtime, deadline, period of a process."""
    buf = ctypes.create_string_buffer(56)
    if LIBC.syscall(SCHED_GETATTR, pid, buf, 56, 0) < 0:
        raise OSError(ctypes.get_errno(), "sched_getattr")
    _, policy, flags, nice, priority, *times = struct.unpack("=IIQiIQQQ", buf.raw[:48])
    return (policy, flags, nice, priority, *times)


def may(**scheduler):
    """Why this process itself cannot be scheduled so, or None: asked for in a child, as the kernel and its cgroup have the last word."""
    pid = os.fork()
    if pid == 0:
        attr = struct.pack("=IIQiIQQQII", 56, scheduler["policy"], 0, 0, scheduler.get("priority", 0), scheduler.get("runtime", 0),
                           scheduler.get("deadline", 0), scheduler.get("period", 0), 0, 0)
        os._exit(0 if LIBC.syscall(SCHED_SETATTR, 0, attr, 0) == 0 else ctypes.get_errno())
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return os.strerror(status) if status else None


def running(box, **process):
    b = box.bundle(["sleep", "100"], **process)
    return b


def start(box, b):
    box.run(b, "-d")
    return box.state()["pid"]


def exec_pid(box, process=None, *options):
    """Starts a sleeping process by exec; its pid."""
    pid_file = os.path.join(box.dir, "exec.pid")
    words = ["exec", "--detach", "--pid-file", pid_file, *options]
    if process is None:
        box.orlop(*words, "c", "sleep", "50")
    else:
        path = os.path.join(box.dir, "process.json")
        with open(path, "w") as f:
            json.dump({"args": ["sleep", "50"], "env": ["PATH=/bin"], "cwd": "/", **process}, f)
        box.orlop(*words, "--process", path, "c")
    return int(open(pid_file).read())


# --- scheduler

@needs_numbers
@pytest.mark.spec(68)
@pytest.mark.parametrize("policy, more, expected", [
    ("SCHED_OTHER", {"nice": 5}, (0, 0, 5, 0)),
    pytest.param("SCHED_OTHER", {"nice": -5, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}, (0, 1, -5, 0), marks=HIGHER),
    ("SCHED_BATCH", {"nice": 7}, (3, 0, 7, 0)),
    ("SCHED_IDLE", {}, (5, 0, None, 0)),  # which leaves nice as it was
    pytest.param("SCHED_FIFO", {"priority": 10}, (1, 0, 0, 10), marks=HIGHER),
    pytest.param("SCHED_RR", {"priority": 99}, (2, 0, 0, 99), marks=HIGHER),
])
def test_policy(box, policy, more, expected):
    b = running(box, scheduler={"policy": policy, **more})
    if policy in ("SCHED_FIFO", "SCHED_RR"):  # the machine's cgroups decide; the message must say where to look
        r = box.run(b, "-d", status=None)
        if r.status:
            assert "process.scheduler: child.scheduling" in r.err and "cpu.rt_runtime_us" in r.err
            pytest.skip(f"{policy} has no time in the cpu cgroup of cgroup v1 (cpu.rt_runtime_us is 0)")
        pid = box.state()["pid"]
    else:
        pid = start(box, b)
    assert [a for a, e in zip(attributes(pid), expected) if e is not None] == [e for e in expected if e is not None]
    box.delete()


@needs_numbers
@pytest.mark.spec(68)
def test_deadline(box):
    times = {"runtime": 1000000, "deadline": 10000000, "period": 20000000}
    b = running(box, scheduler={"policy": "SCHED_DEADLINE", "flags": ["SCHED_FLAG_RESET_ON_FORK"], **times})
    why = may(policy=6, **times)
    if why:
        assert "process.scheduler" in box.run(b, "-d", status=1).err
        pytest.skip(f"SCHED_DEADLINE: {why} for any process here")
    assert attributes(start(box, b)) == (6, 1, 0, 0, *times.values())
    box.delete()


@pytest.mark.spec(68, 91)
def test_policy_that_no_kernel_has(box):
    err = box.run(running(box, scheduler={"policy": "SCHED_ISO"}), status=1).err
    assert "process.scheduler" in err and "SCHED_ISO" in err and "no kernel" in err


@needs_numbers
@pytest.mark.spec(68)
def test_exec_is_scheduled(box):
    start(box, running(box, scheduler={"policy": "SCHED_BATCH", "nice": 3}))
    assert attributes(exec_pid(box))[:3] == (3, 0, 3)  # as the container's own process
    assert attributes(exec_pid(box, {}))[:3] == (3, 0, 3)
    assert attributes(exec_pid(box, {"scheduler": {"policy": "SCHED_OTHER", "nice": 9}}))[:3] == (0, 0, 9)
    box.delete()


@needs_numbers
def test_scheduled_before_start(box):
    box.create(running(box, scheduler={"policy": "SCHED_IDLE"}))
    assert attributes(box.state()["pid"])[0] == 5
    box.orlop("start", "c")
    assert attributes(box.state()["pid"])[0] == 5
    box.delete()


@HIGHER
@needs_numbers
def test_scheduled_in_a_user_namespace(box):
    """From outside: the kernel wants the privilege in the first user namespace."""
    b = running(box, scheduler={"policy": "SCHED_OTHER", "nice": -7}, ioPriority={"class": "IOPRIO_CLASS_RT", "priority": 1})
    give_user_namespace(b)
    pid = start(box, b)
    assert attributes(pid)[2] == -7 and io_priority(pid) == 1 << 13 | 1
    box.delete()


@pytest.mark.spec(68, 91, 96)
@pytest.mark.parametrize("scheduler, path", [
    ({}, "scheduler.policy"),
    ({"policy": "SCHED_FANCY"}, "scheduler.policy"),
    ({"policy": "SCHED_OTHER", "nice": 20}, "scheduler.nice"),
    ({"policy": "SCHED_OTHER", "nice": -21}, "scheduler.nice"),
    ({"policy": "SCHED_OTHER", "priority": 1}, "scheduler.priority"),
    ({"policy": "SCHED_FIFO"}, "scheduler.priority"),
    ({"policy": "SCHED_RR", "priority": 100}, "scheduler.priority"),
    ({"policy": "SCHED_IDLE", "runtime": 1}, "scheduler.runtime"),
    ({"policy": "SCHED_IDLE", "deadline": 1}, "scheduler.deadline"),
    ({"policy": "SCHED_IDLE", "period": 1}, "scheduler.period"),
    ({"policy": "SCHED_DEADLINE"}, "scheduler.runtime"),
    ({"policy": "SCHED_DEADLINE", "runtime": 20000, "deadline": 10000}, "scheduler.runtime"),
    ({"policy": "SCHED_DEADLINE", "runtime": 2000, "deadline": 10000, "period": 5000}, "scheduler.period"),
    ({"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_NEW"]}, "scheduler.flags[0]"),
])
def test_scheduler_refused(box, scheduler, path):
    b = running(box, scheduler=scheduler)
    assert f"process.{path}" in box.run(b, status=1).err
    box.run(running(box), "-d")
    file = os.path.join(box.dir, "process.json")
    with open(file, "w") as f:
        json.dump({"args": ["true"], "cwd": "/", "scheduler": scheduler}, f)
    assert path in box.orlop("exec", "--process", file, "c", status=255).err
    box.delete()


def test_deadline_and_hooks(box):
    b = running(box, scheduler={"policy": "SCHED_DEADLINE", "runtime": 1000000, "deadline": 10000000})
    b.config["hooks"] = {"startContainer": [{"path": "/bin/true"}]}
    assert "process.scheduler.flags: startContainer hooks need SCHED_FLAG_RESET_ON_FORK" in box.run(b, status=1).err


# --- I/O priority

def io_priority(pid):
    return LIBC.syscall(IOPRIO_GET, 1, pid)


@needs_numbers
@pytest.mark.spec(69)
@pytest.mark.parametrize("name, number", [pytest.param("IOPRIO_CLASS_RT", 1, marks=HIGHER), ("IOPRIO_CLASS_BE", 2), ("IOPRIO_CLASS_IDLE", 3)])
def test_io_priority(box, name, number):
    level = 0 if number == 3 else 5
    pid = start(box, running(box, ioPriority={"class": name, "priority": level}))
    assert io_priority(pid) == number << 13 | level
    assert io_priority(exec_pid(box)) == number << 13 | level
    assert io_priority(exec_pid(box, {"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 7}})) == 2 << 13 | 7
    box.delete()


@pytest.mark.spec(69, 91, 96)
@pytest.mark.parametrize("value, path", [
    ({"class": "IOPRIO_CLASS_NONE", "priority": 0}, "class"), ({"priority": 0}, "class"), ({"class": "IOPRIO_CLASS_BE", "priority": 8}, "priority"),
    ({"class": "IOPRIO_CLASS_BE", "priority": -1}, "priority"), ({"class": "IOPRIO_CLASS_BE"}, "priority"),
])
def test_io_priority_refused(box, value, path):
    assert f"process.ioPriority.{path}" in box.run(running(box, ioPriority=value), status=1).err


# --- processors

def allowed(pid):
    return os.sched_getaffinity(pid)


@pytest.fixture
def narrow():
    """This process, and so whatever it starts, on one processor only."""
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("this machine has one processor only")
    os.sched_setaffinity(0, {min(before)})
    yield min(before), before
    os.sched_setaffinity(0, before)


def test_affinity_of_the_caller_stays_outside(box, narrow):
    one, before = narrow
    pid = start(box, running(box))
    assert allowed(pid) == before
    assert allowed(exec_pid(box)) == before
    assert os.sched_getaffinity(0) == {one}
    box.delete()


@pytest.mark.spec(70)
def test_affinity_of_exec(box):
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        pytest.skip("this machine has one processor only")
    affinity = {"initial": str(cpus[0]), "final": str(cpus[1])}
    pid = start(box, running(box, execCPUAffinity=affinity))
    assert allowed(pid) == set(cpus)  # not of the first process
    assert allowed(exec_pid(box)) == {cpus[1]}
    # after the join nothing changes it but the kernel: before Linux 6.2 who is moved to another cpuset gets all of that
    assert allowed(exec_pid(box, {"execCPUAffinity": {"initial": str(cpus[0])}})) in ([{cpus[0]}] if kernel() >= (6, 2) else [{cpus[0]}, set(cpus)])
    assert allowed(exec_pid(box, {"execCPUAffinity": {"final": f"{cpus[0]}"}})) == {cpus[0]}
    box.delete()


@pytest.mark.spec(70, 91)
@pytest.mark.parametrize("list", ["x", "1-", "3-1", "0,,1", "-1", "0x1", "99999"])
@pytest.mark.parametrize("which", ["initial", "final"])
def test_affinity_refused(box, which, list):
    b = running(box, execCPUAffinity={which: list})
    assert f"process.execCPUAffinity.{which}" in box.run(b, status=1).err


@pytest.mark.spec(70)
def test_affinity_that_the_machine_does_not_have(box):
    start(box, running(box, execCPUAffinity={"final": "8000"}))
    err = box.orlop("exec", "c", "true", status=255).err
    assert "process.execCPUAffinity.final" in err and "cpuset" in err
    box.delete()


# --- what the document leaves open

@needs_numbers
def test_what_the_caller_gives(box):
    """Niceness, I/O priority and memory policy: the document's, or else those of who calls the runtime, for the first process and for exec."""
    ioprio_set, set_mempolicy = {"x86_64": (251, 238), "aarch64": (30, 237)}[os.uname().machine]
    nice = min(os.getpriority(os.PRIO_PROCESS, 0) + 3, 19)
    b = running(box)
    box.prefix = ["/usr/bin/python3", "-c", f"""if True:
        import ctypes, os, sys
        call = ctypes.CDLL(None).syscall
        os.setpriority(os.PRIO_PROCESS, 0, {nice})
        assert call({ioprio_set}, 1, 0, 2 << 13 | 6) == 0
        call({set_mempolicy}, 2, ctypes.byref(ctypes.c_ulong(1)), 8)
        os.execv(sys.argv[1], sys.argv[1:])"""]

    def has(pid):
        policy = None
        if os.path.exists("/proc/self/numa_maps"):
            with open(f"/proc/{pid}/numa_maps") as f:
                policy = f.readline().split()[1]
        return os.getpriority(os.PRIO_PROCESS, pid), LIBC.syscall(IOPRIO_GET, 1, pid), policy
    given = (nice, 2 << 13 | 6, "bind:0" if os.path.exists("/proc/self/numa_maps") else None)
    box.program = shutil.which(box.program)
    assert has(start(box, b)) == given
    assert has(exec_pid(box)) == given
    box.prefix = []
    box.delete()


# --- memory policy, personality

def numa():
    if not os.path.exists("/proc/self/numa_maps"):
        pytest.skip("this kernel has no NUMA (no /proc/self/numa_maps)")


@pytest.mark.spec(146)
@pytest.mark.parametrize("policy, shown", [
    ({"mode": "MPOL_BIND", "nodes": "0"}, "bind:0"),
    ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}, "bind=static:0"),
    ({"mode": "MPOL_INTERLEAVE", "nodes": "0-0", "flags": ["MPOL_F_RELATIVE_NODES"]}, "interleave=relative:0"),
    ({"mode": "MPOL_PREFERRED", "nodes": "0"}, "prefer:0"),
    ({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}, "prefer (many):0"),
    ({"mode": "MPOL_WEIGHTED_INTERLEAVE", "nodes": "0"}, "weighted interleave:0"),
    ({"mode": "MPOL_LOCAL"}, "local"),
    ({"mode": "MPOL_PREFERRED", "nodes": ""}, "local"),
    ({"mode": "MPOL_DEFAULT"}, "default"),
])
def test_memory_policy(box, policy, shown):
    numa()
    if "WEIGHTED" in policy["mode"]:
        needs_linux(6, 9, "weighted interleaving")
    b = running(box)
    b.config["linux"]["memoryPolicy"] = policy
    pid = start(box, b)
    for p in (pid, exec_pid(box)):
        with open(f"/proc/{p}/numa_maps") as f:
            lines = f.read().splitlines()
        assert any(f" {shown} " in line for line in lines), lines[0]
    box.delete()


@pytest.mark.spec(146)
def test_memory_policy_of_missing_nodes(box):
    numa()
    b = running(box)
    b.config["linux"]["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "900"}
    err = box.run(b, status=1).err
    assert "linux.memoryPolicy" in err and "set_mempolicy" in err and "node" in err


@pytest.mark.spec(146, 91, 96)
@pytest.mark.parametrize("policy, path", [
    ({}, "mode"), ({"mode": "MPOL_RANDOM"}, "mode"), ({"mode": "MPOL_BIND", "nodes": "x"}, "nodes"), ({"mode": "MPOL_BIND", "nodes": "1024"}, "nodes"),
    ({"mode": "MPOL_BIND"}, "nodes"), ({"mode": "MPOL_INTERLEAVE", "nodes": ""}, "nodes"), ({"mode": "MPOL_DEFAULT", "nodes": "0"}, "nodes"),
    ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_NEW"]}, "flags[0]"),
    ({"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"]}, "flags"),
    ({"mode": "MPOL_LOCAL", "flags": ["MPOL_F_STATIC_NODES"]}, "flags"),
    ({"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_NUMA_BALANCING"]}, "flags"),
])
def test_memory_policy_refused(box, policy, path):
    b = running(box)
    b.config["linux"]["memoryPolicy"] = policy
    assert f"linux.memoryPolicy.{path}" in box.run(b, status=1).err


@pytest.mark.spec(157)
@pytest.mark.parametrize("domain, number", [("LINUX", 0), ("LINUX32", 8)])
def test_personality(box, domain, number):
    b = running(box)
    b.config["linux"]["personality"] = {"domain": domain}
    pid = start(box, b)
    for p in (pid, exec_pid(box)):
        with open(f"/proc/{p}/personality") as f:
            assert int(f.read(), 16) == number
    box.delete()


@pytest.mark.spec(157, 91, 96)
@pytest.mark.parametrize("value, path", [({"domain": "BSD"}, "domain"), ({}, "domain"), ({"domain": "LINUX", "flags": ["ADDR_NO_RANDOMIZE"]}, "flags[0]")])
def test_personality_refused(box, value, path):
    b = running(box)
    b.config["linux"]["personality"] = value
    assert f"linux.personality.{path}" in box.run(b, status=1).err


@pytest.mark.spec(171)
def test_features_keep_their_word(box):
    """Every mode and flag that is listed is recognised: a kernel may be too old for it, and says so itself."""
    f = json.loads(box.orlop("features").out)["linux"]["memoryPolicy"]
    assert len(f["modes"]) == 7 and len(f["flags"]) == 3
    for mode in f["modes"]:
        for flag in (None, *f["flags"]):
            b = box.bundle()
            nodes = "" if mode in ("MPOL_DEFAULT", "MPOL_LOCAL") else "0"
            b.config["linux"]["memoryPolicy"] = {"mode": mode, "nodes": nodes, "flags": [flag] if flag else []}
            r = box.run(b, status=None)
            assert r.status == 0 or "set_mempolicy" in r.err or "linux.memoryPolicy.flags: MPOL_F_" in r.err, r.err


# --- the pipes

def owner(box, user, **process):
    b = box.bundle(["sh", "-c", "echo once more > /proc/self/fd/1; stat -L -c %u /proc/self/fd/1"], user=user, **process)
    b.save()
    done = subprocess.run(box.command("run", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    return done.stdout.split("\n")


def test_pipes_belong_to_the_user(box):
    assert owner(box, {"uid": 1000, "gid": 1000})[:2] == ["once more", "1000"]


def test_files_keep_their_owner(box):
    path = os.path.join(box.dir, "log")
    b = box.bundle(["sh", "-c", "echo out"], user={"uid": 1000, "gid": 1000})
    b.save()
    with open(path, "w") as f, open("/dev/null") as null:
        subprocess.run(box.command("run", "--bundle", b.path, "c"), stdin=null, stdout=f, stderr=f, check=True, timeout=20)
    assert open(path).read() == "out\n" and os.stat(path).st_uid == os.getuid() and os.stat("/dev/null").st_uid == 0


def test_pipes_of_exec_belong_to_the_user(box):
    start(box, running(box))
    done = subprocess.run(box.command("exec", "--user", "1000", "c", "sh", "-c", "echo once more > /proc/self/fd/1"), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("once more\n", "")
    eventually(lambda: len(box.processes()) == 1, "exec ended")
    box.delete()
