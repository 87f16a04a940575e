# SPDX-License-Identifier: Apache-2.0
"""Filters of system calls on real containers: what answers what, when the filter is loaded, and the agent that is asked."""
import array
import errno
import json
import os
import shutil
import socket
import struct
import subprocess
import threading

import orlop
import pytest
from orlop import eventually

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="tests/lib/call.c knows the calls of x86 alone")

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = os.path.join(os.path.dirname(HERE), "data/configs")
GETPID, GETPPID, SOCKET, SETHOSTNAME, MKDIRAT, WRITE, EXECVE, EXIT = 39, 110, 41, 170, 258, 1, 59, 60
X32 = 1 << 30
X86 = {"getpid": 20, "sethostname": 74}
ALL = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]


def build(tmp, bits):
    compiler = shutil.which(os.environ.get("CC", "cc")) or pytest.skip("no C compiler")
    program = str(tmp / f"call{bits}")
    source = os.path.join(os.path.dirname(orlop.__file__), "call.c")
    done = subprocess.run([compiler, f"-m{bits}", "-O1", "-static", "-nostdlib", "-fno-stack-protector", "-fno-pie", "-no-pie", "-o", program,
                           source], capture_output=True, text=True, check=False)
    if done.returncode and bits == 32:
        pytest.skip(f"no 32-bit programs can be built: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="module")
def call64(tmp_path_factory):
    return build(tmp_path_factory.mktemp("call"), 64)


@pytest.fixture(scope="module")
def call32(tmp_path_factory):
    program = build(tmp_path_factory.mktemp("call"), 32)
    try:
        subprocess.run([program, "20"], check=True, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as e:
        pytest.skip(f"32-bit programs do not run here: {e}")
    return program


def rule(action, *names, args=(), **more):
    return {"names": list(names), "action": f"SCMP_ACT_{action}", **({"args": list(args)} if args else {}), **more}


def arg(index, op, value, two=None):
    return {"index": index, "op": f"SCMP_CMP_{op}", "value": value, **({} if two is None else {"valueTwo": two})}


def profile(*rules, default="ALLOW", **more):
    return {"defaultAction": f"SCMP_ACT_{default}", "syscalls": list(rules), **more}


def bundle(box, program, *words, seccomp=None, **process):
    """A bundle that makes one call by PROGRAM, which is /bin/call in it."""
    b = box.bundle(["call", *map(str, words)], **process)
    shutil.copy(program, f"{b.rootfs}/bin/call")
    b.config["linux"]["seccomp"] = seccomp
    return b


def answer(box, program, *words, **more):
    """What the call answers in a container of its own."""
    r = box.run(bundle(box, program, *words, **more))
    return int(r.out)


# --- what answers what


@pytest.mark.spec(148)
@pytest.mark.parametrize("more, num", [({}, errno.EPERM), ({"errnoRet": 77}, 77), ({"errnoRet": 4094}, 4094)])
def test_errno(box, call64, more, num):
    assert answer(box, call64, GETPPID, seccomp=profile(rule("ERRNO", "getppid", **more))) == -num


@pytest.mark.spec(148)
@pytest.mark.parametrize("more, num", [({}, errno.EPERM), ({"defaultErrnoRet": 38}, 38)])
def test_default_errno(box, call64, more, num):
    seccomp = profile(rule("ALLOW", "execve", "write", "exit", "mount_setattr"), default="ERRNO", **more)
    assert answer(box, call64, GETPPID, seccomp=seccomp) == -num


@pytest.mark.spec(149)
@pytest.mark.parametrize("action, status", [("KILL", 128 + 31), ("KILL_THREAD", 128 + 31), ("KILL_PROCESS", 128 + 31), ("TRAP", 128 + 31)])
def test_killed(box, call64, action, status):
    box.run(bundle(box, call64, GETPPID, seccomp=profile(rule(action, "getppid"))), status=status)


@pytest.mark.spec(149)
def test_trace_log_allow(box, call64):
    """Without a tracer the kernel answers ENOSYS; what is logged is let through."""
    seccomp = profile(rule("TRACE", "getppid", errnoRet=5), rule("LOG", "getuid"), flags=["SECCOMP_FILTER_FLAG_LOG"])
    assert answer(box, call64, GETPPID, seccomp=seccomp) == -errno.ENOSYS
    assert answer(box, call64, 102, seccomp=seccomp) == 0


@pytest.mark.spec(149)
@pytest.mark.parametrize("op, value, two, fits, fails", [
    ("EQ", 7, None, 7, 8), ("NE", 7, None, 8, 7), ("LT", 7, None, 6, 7), ("LE", 7, None, 7, 8), ("GE", 7, None, 7, 6), ("GT", 7, None, 8, 7),
    ("MASKED_EQ", 6, 4, 5, 7), ("EQ", 1 << 40, None, 1 << 40, 0)])
def test_operators(box, call64, op, value, two, fits, fails):
    """The second argument of getppid, which takes none."""
    seccomp = profile(rule("ERRNO", "getppid", args=[arg(1, op, value, two)]))
    assert answer(box, call64, GETPPID, 0, fits, seccomp=seccomp) == -errno.EPERM
    assert answer(box, call64, GETPPID, 0, fails, seccomp=seccomp) == 0


@pytest.mark.spec(149)
def test_conditions(box, call64):
    """Of different arguments all must hold, of one argument any, as runc has it."""
    both = profile(rule("ERRNO", "getppid", args=[arg(0, "EQ", 1), arg(1, "EQ", 2)]))
    any_ = profile(rule("ERRNO", "getppid", args=[arg(0, "EQ", 1), arg(0, "EQ", 2)]))
    assert [answer(box, call64, GETPPID, a, b, seccomp=both) for a, b in ((1, 2), (1, 3))] == [-errno.EPERM, 0]
    assert [answer(box, call64, GETPPID, a, seccomp=any_) for a in (1, 2, 3)] == [-errno.EPERM, -errno.EPERM, 0]


@pytest.mark.spec(149)
def test_flags(box, call64):
    flags = ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]
    for given in [[f] for f in flags] + [flags]:
        assert answer(box, call64, GETPPID, seccomp=profile(rule("ERRNO", "getppid"), flags=given)) == -errno.EPERM


def test_newer_than_the_profile(box, call64):
    """ENOSYS, so that a C library tries an older call; what is older than the newest that is named gets the default."""
    seccomp = profile(rule("ALLOW", "execve", "write", "exit", "openat2"), default="ERRNO", architectures=ALL)
    assert answer(box, call64, 438, seccomp=seccomp) == -errno.ENOSYS
    assert answer(box, call64, 9999, seccomp=seccomp) == -errno.ENOSYS
    assert answer(box, call64, 436, seccomp=seccomp) == -errno.EPERM
    assert answer(box, call64, X32 + 9999, seccomp=seccomp) == -errno.ENOSYS
    assert answer(box, call64, X32 + GETPPID, seccomp=seccomp) == -errno.EPERM


def test_unknown_call_is_skipped(box, call64):
    b = bundle(box, call64, GETPPID, seccomp=profile(rule("ERRNO", "getppid", "no_such_call")))
    b.save()
    r = box.orlop("--debug", "run", "--bundle", b.path, "c")
    assert int(r.out) == -errno.EPERM and "no_such_call" in r.err


# --- architectures


@pytest.mark.spec(149)
def test_architectures(box, call64, call32):
    """What is not listed is killed, whatever the rules say."""
    rules = rule("ERRNO", "getpid")
    assert answer(box, call32, X86["getpid"], seccomp=profile(rules, architectures=ALL)) == -errno.EPERM
    box.run(bundle(box, call32, X86["getpid"], seccomp=profile(rules)), status=128 + 31)
    box.run(bundle(box, call64, X32 + GETPPID, seccomp=profile(rules)), status=128 + 31)
    box.run(bundle(box, call64, X32 + GETPPID, seccomp=profile(rules, architectures=ALL[:2])), status=128 + 31)


def test_x32_is_no_way_around(box, call64, call32):
    """A rule holds for each architecture with its own numbers."""
    seccomp = profile(rule("ERRNO", "sethostname"), architectures=ALL)
    for program, number in ((call64, SETHOSTNAME), (call64, X32 + SETHOSTNAME), (call32, X86["sethostname"])):
        assert answer(box, program, number, "name", 4, seccomp=seccomp) == -errno.EPERM


@pytest.mark.parametrize("arch", ["SCMP_ARCH_S390X", "SCMP_ARCH_PPC"])
def test_architecture_of_other_order(box, call64, arch):
    b = bundle(box, call64, GETPID, seccomp=profile(architectures=[*ALL, arch]))
    r = box.run(b, status=1)
    assert f"linux.seccomp.architectures[3]: this machine's libseccomp cannot filter for {arch}" in r.err


# --- the profiles of the engines


@pytest.mark.parametrize("name", ["docker-default", "podman-default", "containerd-seccomp", "buildah-run"])
def test_profiles_of_engines(box, call64, call32, name):
    with open(os.path.join(CONFIGS, f"{name}.json")) as f:
        seccomp = json.load(f)["linux"]["seccomp"]
    refused = -seccomp.get("defaultErrnoRet", errno.EPERM)
    for program, getpid, unknown in ((call64, GETPID, 9999), (call32, X86["getpid"], 9999), (call64, X32 + GETPID, X32 + 9999)):
        assert answer(box, program, unknown, seccomp=seccomp) == -errno.ENOSYS
        expected = -errno.ENOSYS if getpid > X32 else 1  # the kernel of this machine may lack x32
        assert answer(box, program, getpid, seccomp=seccomp) in (expected, 1)
    assert answer(box, call64, 246, seccomp=seccomp) in (refused, -errno.EPERM)  # kexec_load
    b = box.bundle(["sh", "-c", "ls / >/dev/null; echo $(id -u) $(grep -c 'Seccomp:.2' /proc/self/status)"])
    b.config["linux"]["seccomp"] = seccomp
    assert box.run(b).out == "0 1\n"


# --- when it is loaded

FEW = ["execve", "write", "exit"]  # what tests/lib/call.c needs itself


@pytest.mark.parametrize("user", [{"uid": 0, "gid": 0}, {"uid": 1000, "gid": 1000, "additionalGids": [5]}])
@pytest.mark.parametrize("no_new_privs", [True, False])
def test_only_execve_must_pass(box, call64, user, no_new_privs):
    """Whatever else the runtime does, setting ids and waiting for start included, it does before."""
    seccomp = profile(rule("ALLOW", *FEW, "getuid"), default="KILL_PROCESS")
    b = bundle(box, call64, 102, seccomp=seccomp, user=user, noNewPrivileges=no_new_privs)
    b.config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64}]
    assert int(box.run(b).out) == user["uid"]
    out = box.create(b, id="d").out
    box.orlop("start", "d")
    box.wait("stopped", "d")
    with open(out) as f:
        assert int(f.read()) == user["uid"]
    box.delete("d")


@pytest.mark.parametrize("uid", [0, 1000])
def test_no_capability_is_left(box, uid):
    """CAP_SYS_ADMIN is kept for loading alone."""
    b = box.bundle(["sh", "-c", "grep -E '^Cap(Prm|Eff|Inh|Amb|Bnd)' /proc/self/status"], user={"uid": uid, "gid": uid})
    b.config["process"]["noNewPrivileges"] = False
    plain = box.run(b).out
    b.config["linux"]["seccomp"] = profile(rule("ERRNO", "getppid"))
    assert box.run(b).out == plain and "CapPrm" in plain


def test_start_hooks_are_not_filtered(box, call64):
    log = os.path.join(box.dir, "log")
    seccomp = profile(rule("ALLOW", *FEW), default="KILL_PROCESS")
    b = bundle(box, call64, WRITE, seccomp=seccomp)
    b.mount(box.dir, box.dir, options=["bind"])
    b.config["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"grep Seccomp: /proc/self/status > {log}"]}]}
    box.run(b)
    with open(log) as f:
        assert f.read().split() == ["Seccomp:", "0"]


def test_user_namespace(box, call64):
    b = bundle(box, call64, GETPPID, seccomp=profile(rule("ERRNO", "getppid")))
    orlop.give_user_namespace(b)
    for no_new_privs in (True, False):
        b.config["process"]["noNewPrivileges"] = no_new_privs
        assert int(box.run(b).out) == -errno.EPERM


@pytest.mark.parametrize("no_new_privs", [True, False])
def test_exec(box, call64, no_new_privs):
    """The container's profile, whatever the process document says of privileges."""
    b = bundle(box, call64, GETPPID, seccomp=profile(rule("ERRNO", "getppid")))
    b.config["process"].update(args=["sleep", "100"], noNewPrivileges=no_new_privs)
    box.create(b)
    box.orlop("start", "c")
    assert int(box.orlop("exec", "c", "call", str(GETPPID)).out) == -errno.EPERM
    document = os.path.join(box.dir, "process.json")
    for other in (True, False):
        with open(document, "w") as f:
            json.dump({"args": ["call", str(GETPPID)], "cwd": "/", "noNewPrivileges": other, "env": ["PATH=/bin"],
                       "user": {"uid": 1000, "gid": 1000}}, f)
        assert int(box.orlop("exec", "--process", document, "c").out) == -errno.EPERM
    box.delete()


def test_execve_refused(box, call64):
    """Where not even the report may be sent by sendmsg it goes by write."""
    seccomp = profile(rule("ERRNO", "execve", "sendmsg", errnoRet=77))
    b = bundle(box, call64, GETPPID, seccomp=seccomp)
    r = box.run(b, status=None)
    assert r.status != 0 and "execve" in r.err, r
    box.create(b, id="d")
    r = box.orlop("start", "d", status=1)
    assert "execve" in r.err
    box.delete("d")


# --- an agent


class Agent:
    """Listens at a path; takes one listener after the other and answers each question with an errno."""

    def __init__(self, box, num=0):
        self.path, self.num, self.states, self.ends, self.asked = os.path.join(box.dir, "agent.sock"), num, [], [], []
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            data, fds, _, _ = socket.recv_fds(connection, 65536, 4)
            self.ends.append(connection.recv(1))  # the end of file is part of the protocol
            connection.close()
            self.states.append((json.loads(data), len(fds)))
            threading.Thread(target=self.answer, args=(fds[0],), daemon=True).start()

    def answer(self, listener):
        import fcntl
        try:
            while True:
                request = array.array("B", bytes(80))
                fcntl.ioctl(listener, 0xC0502100, request)  # SECCOMP_IOCTL_NOTIF_RECV
                cookie, pid, _, nr = struct.unpack_from("=QIIi", request)
                self.asked.append((nr, pid))
                flags = 0 if self.num else 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
                fcntl.ioctl(listener, 0xC0182101, struct.pack("=QqiI", cookie, 0, -self.num, flags))
        except OSError:
            os.close(listener)

    def told(self, n):
        """The first N states, once they have been taken: who sent one does not wait for that."""
        eventually(lambda: len(self.states) >= n, f"the agent has got {n} states")
        return self.states

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)  # ends accept, which close alone does not
        self.server.close()


@pytest.fixture
def agent(box):
    a = Agent(box)
    yield a
    a.close()


@pytest.mark.spec(150, 151, 153)
@pytest.mark.parametrize("no_new_privs", [True, False])
def test_agent(box, call64, agent, no_new_privs):
    agent.num = 77
    seccomp = profile(rule("NOTIFY", "getppid"), listenerPath=agent.path, listenerMetadata="some text",
                      flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"])
    b = bundle(box, call64, GETPPID, seccomp=seccomp, noNewPrivileges=no_new_privs)
    b.config["annotations"] = {"a.b": "c"}
    out = box.create(b).out
    (state, n), = agent.told(1)
    pid = box.state()["pid"]
    assert n == 1 and agent.ends == [b""]
    assert state == {"ociVersion": "1.3.0", "fds": ["seccompFd"], "pid": pid, "metadata": "some text",
                     "state": {"ociVersion": "1.3.0", "id": "c", "status": "creating", "pid": pid, "bundle": b.path, "annotations": {"a.b": "c"}}}
    box.orlop("start", "c")
    box.wait("stopped")
    with open(out) as f:
        assert int(f.read()) == -77
    assert [nr for nr, _ in agent.asked] == [GETPPID]
    box.delete()


@pytest.mark.spec(150)
def test_agent_of_exec(box, call64, agent):
    """One connection for each process: its pid, and the container's state."""
    seccomp = profile(rule("NOTIFY", "getppid"), listenerPath=agent.path)
    b = bundle(box, call64, GETPPID, seccomp=seccomp)
    b.config["process"]["args"] = ["sleep", "100"]
    box.create(b)
    box.orlop("start", "c")
    agent.num = 78
    pid_file = os.path.join(box.dir, "pid")
    assert int(box.orlop("exec", "--pid-file", pid_file, "c", "call", str(GETPPID)).out) == -78
    first, second = (state for state, _ in agent.told(2))
    with open(pid_file) as f:
        assert second["pid"] == int(f.read())
    assert first["pid"] == first["state"]["pid"] == second["state"]["pid"] == box.state()["pid"]
    assert second["state"]["status"] == "running" and "metadata" not in second
    box.delete()


def test_agent_is_asked_for_everything(box, call64, agent):
    """Even for the calls that bring the agent its listener."""
    calls = ["sendmsg", "recvmsg", "accept4", "execve", "prlimit64", "getppid", "close", "poll", "futex", "mmap", "exit", "read"]
    b = bundle(box, call64, GETPPID, seccomp=profile(rule("NOTIFY", *calls), listenerPath=agent.path))
    assert int(box.run(b).out) >= 0
    assert EXECVE in [nr for nr, _ in agent.asked]
    box.create(b, id="d")
    box.orlop("start", "d")
    box.wait("stopped", "d")
    box.delete("d")


def test_agent_gets_no_copy(box, agent):
    """The listener stays with the agent: neither the program nor a zombie has one."""
    b = box.bundle(["sh", "-c", "ls -l /proc/self/fd /proc/1/fd; ps"])
    b.config["linux"]["seccomp"] = profile(rule("NOTIFY", "getppid"), listenerPath=agent.path)
    r = box.run(b)
    assert "seccomp" not in r.out and "orlop" not in r.out and "[" not in r.out, r


@pytest.mark.spec(150)
def test_nobody_listens(box, call64):
    path = os.path.join(box.dir, "nobody.sock")
    b = bundle(box, call64, GETPPID, seccomp=profile(rule("NOTIFY", "getppid"), listenerPath=path))
    r = box.run(b, status=1)
    assert "linux.seccomp.listenerPath" in r.err and "connect" in r.err
    assert box.orlop("list", "-q").out == ""


@pytest.mark.spec(150)
def test_listener_path_is_ignored(box, call64):
    seccomp = profile(rule("ERRNO", "getppid"), listenerPath="/nowhere", listenerMetadata="text")
    assert answer(box, call64, GETPPID, seccomp=seccomp) == -errno.EPERM


def test_no_agent_any_more(box, call64, agent):
    """Nobody answers: ENOSYS, by the kernel."""
    b = bundle(box, call64, GETPPID, seccomp=profile(rule("NOTIFY", "getppid"), listenerPath=agent.path))
    agent.answer = os.close
    assert int(box.run(b).out) == -errno.ENOSYS


# --- what is wrong is create's error


@pytest.mark.spec(148, 151, 152)
@pytest.mark.parametrize("seccomp, words", [
    (profile(rule("ALLOW", "read", errnoRet=1)), "syscalls[0].errnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno"),
    (profile(rule("ERRNO", "read", errnoRet=4095)), "syscalls[0].errnoRet: must be at most 4094"),
    (profile(rule("TRACE", "read", errnoRet=65536)), "syscalls[0].errnoRet: must be at most 65535"),
    (profile(default="KILL", defaultErrnoRet=1), "defaultErrnoRet: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno"),
    (profile(default="NOTIFY"), "defaultAction: SCMP_ACT_NOTIFY cannot be used as default"),
    (profile(rule("NOTIFY", "write"), listenerPath="/x"), "syscalls[0].names[0]: SCMP_ACT_NOTIFY cannot be used for write"),
    (profile(rule("NOTIFY", "read")), "listenerPath: required with SCMP_ACT_NOTIFY"),
    (profile(listenerMetadata="x"), "listenerMetadata: needs listenerPath"),
    (profile(rule("ERRNO")), "syscalls[0].names: must have at least one entry"),
    (profile(rule("ERRNO", "")), "syscalls[0].names[0]: must not be empty"),
    (profile(rule("ERRNO", "read", args=[arg(6, "EQ", 1)])), "syscalls[0].args[0].index: must be from 0 to 5"),
])
def test_rules(box, seccomp, words):
    b = box.bundle()
    b.config["linux"]["seccomp"] = seccomp
    r = box.run(b, status=1)
    assert f"linux.seccomp.{words}" in r.err


@pytest.mark.parametrize("rules, default, first", [
    ((rule("ERRNO", "getppid", errnoRet=4), rule("ERRNO", "getppid", errnoRet=5)), "ALLOW", -4),
    ((rule("ALLOW", "getppid", "write", "exit", "execve"), rule("ERRNO", "getppid", errnoRet=5)), "ERRNO", 0),
    ((rule("ERRNO", "getppid", errnoRet=5), rule("ALLOW", "getppid", "write", "exit", "execve")), "ERRNO", -5),
])
def test_conflict(box, call64, rules, default, first):
    """Two answers for all of one call: the first counts, as with runc, or the second is refused by a libseccomp that has it so; it never counts."""
    r = box.run(bundle(box, call64, GETPPID, seccomp=profile(*rules, default=default)), status=None)
    assert r.out == f"{first}\n" if r.status == 0 else "linux.seccomp.syscalls[1]" in r.err, r


# --- the cache


def cached(box):
    directory = os.path.join(box.root, ".seccomp")
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def loaded(box, b, id):
    """Whether a run loads libseccomp."""
    trace = os.path.join(box.dir, "trace")
    if not shutil.which("strace"):
        pytest.skip("no strace")
    b.save()
    done = subprocess.run(["strace", "-f", "-e", "trace=openat", "-o", trace, *box.command("run", "--bundle", b.path, id)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=orlop.TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    with open(trace) as f:
        return "libseccomp" in f.read()


@pytest.fixture
def caching(box):
    box.own_id_alone = True
    box.run(box.bundle(["true"]))  # the root directory is made by the first
    b = box.bundle(["true"])
    b.config["linux"]["seccomp"] = profile(rule("ERRNO", "getppid"))
    if not loaded(box, b, "first") or not cached(box):
        pytest.skip("this build has no cache")
    return b


def test_cache_spares_the_library(box, caching, call64):
    assert len(cached(box)) == 1 and not loaded(box, caching, "c")
    assert answer(box, call64, GETPPID, seccomp=caching.config["linux"]["seccomp"]) == -errno.EPERM
    assert len(cached(box)) == 1
    caching.config["linux"]["seccomp"]["syscalls"][0]["errnoRet"] = 5  # another profile
    assert loaded(box, caching, "c") and len(cached(box)) == 2
    assert answer(box, call64, GETPPID, seccomp=caching.config["linux"]["seccomp"]) == -5


def test_cache_is_no_container(box, caching):
    assert box.orlop("list", "-q").out == ""
    assert box.state(".seccomp", status=1).status == 1


def test_cache_damaged(box, caching, call64):
    file = os.path.join(box.root, ".seccomp", cached(box)[0])
    with open(file, "r+b") as f:
        f.seek(-4, os.SEEK_END)
        f.write(b"\0\0\0\0")
    assert answer(box, call64, GETPPID, seccomp=caching.config["linux"]["seccomp"]) == -errno.EPERM
    assert not loaded(box, caching, "c")  # written anew


@pytest.mark.parametrize("how", ["open", "link"])
def test_cache_of_others(box, caching, how):
    """Is not read, not written, and said."""
    directory = os.path.join(box.root, ".seccomp")
    if how == "open":
        os.chmod(directory, 0o777)
    else:
        os.rename(directory, os.path.join(box.dir, "elsewhere"))
        os.symlink(os.path.join(box.dir, "elsewhere"), directory)
    r = box.orlop("--log-level", "warning", "run", "--bundle", caching.path, "c")
    assert "must be ours alone" in r.err
    caching.config["linux"]["seccomp"]["syscalls"][0]["errnoRet"] = 5
    assert loaded(box, caching, "c") and len(cached(box)) == 1


def test_dry_run_leaves_nothing(box):
    b = box.bundle(["true"])
    b.config["linux"]["seccomp"] = profile(rule("ERRNO", "getppid"))
    b.save()
    box.orlop("create", "--dry-run", "--bundle", b.path, "c")
    assert not os.path.exists(box.root)
