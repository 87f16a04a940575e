# SPDX-License-Identifier: Apache-2.0
"""Who the program is and what it may: limits, capabilities, groups, umask, HOME, working directory, terminal size, no_new_privs, the
score of the OOM killer; by run and by exec."""
import json
import os
import resource
import subprocess

import pytest
from orlop import give_user_namespace, host_ids

LIMITS = {"AS": "Max address space", "CORE": "Max core file size", "CPU": "Max cpu time", "DATA": "Max data size", "FSIZE": "Max file size",
          "LOCKS": "Max file locks", "MEMLOCK": "Max locked memory", "MSGQUEUE": "Max msgqueue size", "NICE": "Max nice priority",
          "NOFILE": "Max open files", "NPROC": "Max processes", "RSS": "Max resident set", "RTPRIO": "Max realtime priority",
          "RTTIME": "Max realtime timeout", "SIGPENDING": "Max pending signals", "STACK": "Max stack size"}
NUMBERS = {name: getattr(resource, "RLIMIT_" + name, number) for name, number in (
    *((n, None) for n in LIMITS if n not in ("LOCKS", "RTTIME")), ("LOCKS", 10), ("RTTIME", 15))}
STATUS = ["cat", "/proc/self/status"]


def status(text):
    return {line.split(":")[0]: line.split(":")[1].split() for line in text.splitlines()}


def exec_doc(box, expected=0, **process):
    path = os.path.join(box.dir, "process.json")
    with open(path, "w") as f:
        json.dump({"args": STATUS, "cwd": "/", "env": ["PATH=/bin"], **process}, f)
    return box.orlop("exec", "--process", path, "c", status=expected)


# --- process as a whole

@pytest.mark.spec(33)
def test_without_process(box):
    b = box.bundle()
    del b.config["process"]
    box.create(b)
    assert box.status() == "created"
    err = box.orlop("start", "c", status=1).err
    assert "process" in err
    box.delete()


# --- rlimits

def limits_of(pid):
    with open(f"/proc/{pid}/limits") as f:
        lines = f.read().splitlines()
    return {name: tuple(line[26:].split()[:2]) for name, title in LIMITS.items() for line in lines if line.startswith(title)}


def every_limit():
    """Soft and hard of all 16: at most what we have, since nobody here may raise one."""
    wanted = {}
    for name, number in NUMBERS.items():
        hard = resource.getrlimit(number)[1]
        most = 2 ** 40 if hard == resource.RLIM_INFINITY else hard
        wanted[name] = (most // 2, most)
    return wanted


@pytest.mark.spec(64)
def test_all_limits(box):
    wanted = every_limit()
    listed = [{"type": "RLIMIT_" + name, "soft": soft, "hard": hard} for name, (soft, hard) in wanted.items()]
    assert len(listed) == 16
    box.run(box.bundle(["sleep", "100"], rlimits=listed), "-d")
    expected = {name: (str(soft), str(hard)) for name, (soft, hard) in wanted.items()}
    assert limits_of(box.state()["pid"]) == expected
    for words in (["c", "sleep", "50"], ["--process", os.path.join(box.dir, "sleeper.json"), "c"]):
        with open(os.path.join(box.dir, "sleeper.json"), "w") as f:  # without limits of its own: the container's
            json.dump({"args": ["/bin/sleep", "50"], "cwd": "/"}, f)
        pid_file = os.path.join(box.dir, "pid")
        box.orlop("exec", "--detach", "--pid-file", pid_file, *words)
        assert limits_of(int(open(pid_file).read())) == expected
    box.delete()


@pytest.mark.parametrize("namespace", [False, True])
def test_limits_that_would_starve_the_setup(box, namespace):
    """Few files and little stack: set last, startContainer hooks do not feel them, and the hard limits are as written."""
    small = {"RLIMIT_NOFILE": (4, 300), "RLIMIT_STACK": (256 * 1024, 2 ** 21), "RLIMIT_AS": (2 ** 23, 2 ** 30), "RLIMIT_DATA": (2 ** 22, 2 ** 22)}
    b = box.bundle(["cat", "/proc/self/limits"], rlimits=[{"type": t, "soft": s, "hard": h} for t, (s, h) in small.items()])
    b.config["hooks"] = {"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "exec 9</proc/self/status && ulimit -n > /tmp/hook"], "env": ["PATH=/bin"]}]}
    if namespace:
        give_user_namespace(b)
    lines = box.run(b).out.splitlines()
    for type_, (soft, hard) in small.items():
        title = LIMITS[type_[7:]]
        assert [line[26:].split()[:2] for line in lines if line.startswith(title)] == [[str(soft), str(hard)]]
    assert int(open(os.path.join(b.rootfs, "tmp/hook")).read()) >= 256


@pytest.mark.spec(64)
def test_unlimited(box):
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        pytest.skip("the hard limit of core files is not unlimited here, and raising it takes CAP_SYS_RESOURCE")
    box.run(box.bundle(["sleep", "100"], rlimits=[{"type": "RLIMIT_CORE", "soft": 2 ** 64 - 1, "hard": 2 ** 64 - 1}]), "-d")
    assert limits_of(box.state()["pid"])["CORE"] == ("unlimited", "unlimited")
    box.delete()


@pytest.mark.spec(64, 91, 96)
@pytest.mark.parametrize("limits, path", [
    ([{"type": "RLIMIT_TEST", "soft": 1, "hard": 1}], "rlimits[0].type"),
    ([{"type": "rlimit_cpu", "soft": 1, "hard": 1}], "rlimits[0].type"),
    ([{"type": "RLIMIT_CPU", "soft": 100, "hard": 100}, {"type": "RLIMIT_CPU", "soft": 100, "hard": 100}], "rlimits[1].type"),
    ([{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}], "rlimits[0].soft"),
    ([{"type": "RLIMIT_CPU", "hard": 1}], "rlimits[0].soft"),
    ([{"type": "RLIMIT_CPU", "soft": -1, "hard": 1}], "rlimits[0].soft"),
])
def test_limits_refused(box, limits, path):
    assert f"process.{path}" in box.run(box.bundle(rlimits=limits), status=1).err
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert path in exec_doc(box, 255, rlimits=limits).err
    box.delete()


def test_limit_that_may_not_be_raised(box):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with open("/proc/self/status") as f:
        if int(status(f.read())["CapEff"][0], 16) >> 24 & 1:
            pytest.skip("we have CAP_SYS_RESOURCE and may raise limits")
    err = box.run(box.bundle(rlimits=[{"type": "RLIMIT_NOFILE", "soft": hard + 1, "hard": hard + 1}]), status=1).err
    assert "process.rlimits[0]" in err and "prlimit" in err and "CAP_SYS_RESOURCE" in err


# --- capabilities

@pytest.mark.spec(65, 66)
def test_capabilities_unknown_or_not_ours(box):
    """A warning, and the program runs."""
    names = ["CAP_KILL", "CAP_TEST", "CAP_SYS_RESOURCE"]
    b = box.bundle(STATUS, capabilities={k: names for k in ("bounding", "effective", "permitted", "inheritable", "ambient")})
    b.save()
    r = box.orlop("--log-level", "warning", "run", "--bundle", b.path, "c")
    assert "CAP_TEST is unknown here and left out" in r.err and "process.capabilities.bounding" in r.err
    held = int(status(r.out)["CapEff"][0], 16)
    assert held & ~(1 << 24) == 1 << 5
    if not held >> 24 & 1:
        assert "CAP_SYS_RESOURCE cannot be granted and is left out" in r.err
    assert box.run(b).err == ""  # not said unless asked for


@pytest.mark.spec(65, 66)
def test_ambient_without_inheritable(box):
    b = box.bundle(STATUS, capabilities={k: ["CAP_KILL"] for k in ("bounding", "effective", "permitted", "ambient")})
    b.save()
    r = box.orlop("--log-level", "warning", "run", "--bundle", b.path, "c")
    assert "process.capabilities.ambient" in r.err and int(status(r.out)["CapAmb"][0], 16) == 0


def test_capabilities_of_a_user(box):
    caps = {k: ["CAP_KILL", "CAP_CHOWN"] for k in ("bounding", "effective", "permitted", "inheritable", "ambient")}
    b = box.bundle(STATUS, user={"uid": 1000, "gid": 1000}, capabilities=caps)
    s = status(box.run(b).out)
    assert {s[k][0] for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {f"{1 << 5 | 1:016x}"}


# --- groups, umask, no_new_privs

def test_groups_of_run_and_exec(box):
    user = {"uid": 1000, "gid": 1001, "additionalGids": [7, 8]}
    b = box.bundle(["sleep", "100"], user=user)
    box.run(b, "-d")
    with open(f"/proc/{box.state()['pid']}/status") as f:
        assert status(f.read())["Groups"] == [str(id) for id in host_ids(b, 7, 8)]
    assert status(box.orlop("exec", "c", *STATUS).out)["Groups"] == ["7", "8"]
    assert status(box.orlop("exec", "-g", "9", "c", *STATUS).out)["Groups"] == ["7", "8", "9"]
    assert status(exec_doc(box, user={"uid": 1, "gid": 2, "additionalGids": [5]}).out)["Groups"] == ["5"]
    assert status(exec_doc(box).out)["Groups"] == []
    box.delete()


@pytest.mark.spec(71)
@pytest.mark.parametrize("mask", [0o022, 0o077, 0])
def test_umask_of_the_caller(box, mask):
    before = os.umask(mask)
    try:
        assert box.run(box.bundle(["sh", "-c", "umask; stat -c %a /dev/null"])).out == f"0{mask:03o}\n666\n"
        assert box.run(box.bundle(["sh", "-c", "umask"], user={"uid": 0, "gid": 0, "umask": 0o17})).out == "0017\n"
        box.run(box.bundle(["sleep", "100"]), "-d")
        assert box.orlop("exec", "c", "sh", "-c", "umask").out == f"0{mask:03o}\n"
        assert int(status(exec_doc(box, user={"uid": 0, "gid": 0, "umask": 0o5}).out)["Umask"][0], 8) == 0o5
        box.delete()
    finally:
        os.umask(before)


@pytest.mark.parametrize("of_container, options, document, expected", [
    (True, [], None, "1"), (False, [], None, "0"), (False, ["--no-new-privs"], None, "1"), (False, [], {"noNewPrivileges": True}, "1"),
])
def test_no_new_privs_of_exec(box, of_container, options, document, expected):
    box.run(box.bundle(["sleep", "100"], noNewPrivileges=of_container), "-d")
    out = exec_doc(box, **document).out if document else box.orlop("exec", *options, "c", *STATUS).out
    assert status(out)["NoNewPrivs"] == [expected]
    box.delete()


# --- HOME

@pytest.mark.parametrize("passwd, uid, home", [
    ("root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000::/home/u:\n", 1000, "/home/u"),
    ("root:x:0:0:root:/root:/bin/sh\n", 0, "/root"),
    ("root:x:0:0:root:/root:/bin/sh\n", 1000, "/"),  # not listed
    ("u:x:1000:1000::relative:\n", 1000, "/"),
    ("u:x:1000\n:::::\nnonsense\nu:x:1000:1000::/at/last:", 1000, "/at/last"),
    (None, 0, "/"),
])
def test_home(box, passwd, uid, home):
    b = box.bundle(["sh", "-c", "echo $HOME"], user={"uid": uid, "gid": 0})
    os.remove(os.path.join(b.rootfs, "etc/passwd"))
    if passwd is not None:
        with open(os.path.join(b.rootfs, "etc/passwd"), "w") as f:
            f.write(passwd)
    assert box.run(b).out == home + "\n"
    b.config["process"]["env"].append("HOME=/given")
    assert box.run(b).out == "/given\n"


def test_home_from_a_fifo(box):
    """A FIFO in the place of /etc/passwd holds nobody up."""
    b = box.bundle(["sh", "-c", "echo $HOME"])
    os.remove(os.path.join(b.rootfs, "etc/passwd"))
    os.mkfifo(os.path.join(b.rootfs, "etc/passwd"))
    assert box.run(b).out == "/\n"


# --- the working directory

@pytest.mark.spec(62)
@pytest.mark.parametrize("cwd", ["relative", "", "./x"])
def test_relative_working_directory(box, cwd):
    assert "process.cwd" in box.run(box.bundle(cwd=cwd), status=1).err
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert "cwd" in box.orlop("exec", "--cwd", cwd, "c", "true", status=255).err
    assert "cwd" in exec_doc(box, 255, cwd=cwd).err
    box.delete()


def test_working_directory_is_made(box):
    assert box.run(box.bundle(["pwd"], cwd="/a/new/place")).out == "/a/new/place\n"


def test_working_directory_outside_by_a_descriptor(box):
    """CVE-2024-21626: a descriptor of the runtime that leads to the host."""
    host = os.open("/", os.O_RDONLY)
    box.run(box.bundle(["sleep", "100"]), "-d")
    for n in (*range(3, 20), host):
        for words in (["exec", "--cwd", f"/proc/self/fd/{n}", "c", "pwd"], ["exec", "--cwd", f"/proc/self/fd/{n}/..", "c", "pwd"]):
            r = box.orlop(*words, status=255, pass_fds=(host,))
            assert r.out == "" and "cwd" in r.err
        assert "cwd" in exec_doc(box, 255, cwd=f"/proc/self/fd/{n}").err
    os.close(host)
    box.delete()


def test_working_directory_through_links(box):
    b = box.bundle(["pwd"], cwd="/link")
    os.symlink("../../../../../../tmp", os.path.join(b.rootfs, "link"))
    inside = box.run(b).out.strip()
    assert inside == "/tmp" and not os.path.exists(os.path.join(b.rootfs, "tmp/etc"))


# --- terminal, OOM score

@pytest.mark.spec(60)
def test_console_size_without_terminal(box):
    b = box.bundle(["echo", "x"], consoleSize={"height": 99999999, "width": 1})
    assert box.run(b).out == "x\n"


@pytest.mark.spec(67)
def test_oom_score(box):
    read = ["cat", "/proc/self/oom_score_adj"]
    with open("/proc/self/oom_score_adj") as f:
        ours = int(f.read())
    assert box.run(box.bundle(read)).out == f"{ours}\n"
    box.run(box.bundle(["sleep", "100"], oomScoreAdj=ours + 50), "-d")
    assert box.orlop("exec", "c", *read).out == f"{ours + 50}\n"
    assert exec_doc(box, args=read, oomScoreAdj=ours + 70).out == f"{ours + 70}\n"
    assert exec_doc(box, args=read).out == f"{ours}\n"
    box.delete()


@pytest.mark.spec(67, 91)
@pytest.mark.parametrize("score", [1001, -1001, "5", 1.5])
def test_oom_score_refused(box, score):
    assert "process.oomScoreAdj" in box.run(box.bundle(oomScoreAdj=score), status=1).err


# --- standard descriptors

def test_null_of_the_image_is_not_the_hosts(box):
    """CVE-2026-88265: /dev/null of the image is a link to a file; standard input is the host's null device, and neither changes hands."""
    precious = os.path.join(box.dir, "precious")
    with open(precious, "w") as f:
        f.write("host")
    b = box.bundle(["cat"], user={"uid": 1000, "gid": 1000})
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    b.config["linux"]["maskedPaths"] = b.config["linux"]["readonlyPaths"] = []
    os.symlink("../../../../../.." + precious, os.path.join(b.rootfs, "dev/null"))
    r = box.run(b, status=None)
    assert "host" not in r.out
    assert os.stat(precious).st_uid == os.getuid() and open(precious).read() == "host"
    assert os.stat("/dev/null").st_uid == 0


def test_closed_standard_input(box):
    b = box.bundle(["sh", "-c", "echo fine"], user={"uid": 1000, "gid": 1000})
    b.save()
    done = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *box.command("run", "--bundle", b.path, "c")], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr


@pytest.mark.parametrize("redirect, closed", [("<&-", "0"), (">&-", "1"), ("2>&-", "2"), ("<&- 2>&-", "02"), ("<&- >&- 2>&-", "012")])
@pytest.mark.parametrize("options", [[], ["--debug"], ["--log", "log"]], ids=" ".join)
def test_closed_standard_descriptors(box, redirect, closed, options):
    """What we open is never in their place, where we write to people and where the program has its streams: that is /dev/null."""
    b = box.bundle(["sleep", "100"])
    b.save()

    def call(*words):
        with open(f"{box.dir}/out", "a") as out:
            subprocess.run(["sh", "-c", f'exec "$@" {redirect}', "sh", *[*box.command()[:1], *options, *box.command()[1:]], *words], cwd=box.dir,
                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=20, check=True)

    def standard(pid):
        return {n: os.readlink(f"/proc/{pid}/fd/{n}") for n in "012"}
    call("create", "--bundle", b.path, "c")
    pid = box.state()["pid"]
    expected = {n: "/dev/null" if n in closed or n == "0" else f"{box.dir}/out" for n in "012"}
    assert standard(pid) == expected  # the child before the program, too
    call("start", "c")
    assert standard(pid) == expected
    call("exec", "-d", "--pid-file", f"{box.dir}/pid", "c", "sleep", "50")
    with open(f"{box.dir}/pid") as f:
        assert standard(f.read()) == expected
    assert sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"]
    call("delete", "--force", "c")


def test_keyring_of_exec(box):
    """What was said of the container's keyring holds for exec."""
    if not os.path.exists("/proc/keys"):
        pytest.skip("this kernel has no /proc/keys")
    b = box.bundle(["sleep", "100"])
    b.config["linux"]["maskedPaths"] = []
    box.run(b, "-d", "--no-new-keyring", id="keyless")
    assert "_ses.keyless" not in box.orlop("exec", "keyless", "cat", "/proc/keys").out
    box.delete("keyless")
    box.run(b, "-d", id="keyed")
    assert "_ses.keyed" in box.orlop("exec", "keyed", "cat", "/proc/keys").out
    box.delete("keyed")
