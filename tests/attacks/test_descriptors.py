# SPDX-License-Identifier: Apache-2.0
"""What of the host a program or a hook is handed: descriptors, variables, a working directory."""
import fcntl
import json
import os
import shutil
import subprocess

import orlop
import pytest

# What a hook may have on its standard descriptors, and ls's own on the directory.
HARMLESS = ("pipe:", "/memfd:orlop-state", "/memfd:orlop-hook", "/dev/null", "/proc/")


class Caller:
    """A caller with open descriptors on a directory of the host, from 3 on, for the program that it starts."""

    def __init__(self, victim, n=12):
        self.outside = victim.folder("outside")
        os.chmod(self.outside, 0o777)
        victim.file("outside/marker", "a file of the host\n")
        prog = victim.file("outside/program", "#!/bin/sh\necho a program of the host\n")
        os.chmod(prog, 0o755)
        self.fds = [os.open(self.outside, os.O_RDONLY | os.O_DIRECTORY) for _ in range(n)]

    def call(self, victim, words, **more):
        """What the program said, on pipes."""
        done = subprocess.run(victim.box.command(*words), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=orlop.TIMEOUT,
                              pass_fds=self.fds, env=dict(os.environ, NAIVE_ENTER=victim.tools.enter, **more))
        return done.stdout + done.stderr

    def close(self):
        for fd in self.fds:
            os.close(fd)


@pytest.fixture
def caller(victim):
    c = Caller(victim)
    yield c
    c.close()


def strangers(text):
    """Descriptors in the output of `ls -l /proc/self/fd` that are none of a hook's or program's own."""
    return [line.split(" -> ")[1] for line in text.splitlines() if " -> " in line and not line.split(" -> ")[1].startswith(HARMLESS)]


@pytest.mark.attack("D1")
def test_descriptors_of_every_hook_and_program(victim, caller):
    """Each lists what it has, while the runtime's caller has directories of the host open."""
    logs = victim.folder("logs")
    os.chmod(logs, 0o777)
    b = victim.bundle(["sh", "-c", "ls -l /proc/self/fd; sleep 100"])

    def hook(name, shell="/bin/sh", where=logs):
        return [{"path": shell, "args": ["sh", "-c", f"ls -l /proc/self/fd > {where}/{name}"]}]
    stages = ["prestart", "createRuntime", "createContainer", "poststart"]
    b.config["hooks"] = {name: hook(name) for name in stages}
    b.config["hooks"]["startContainer"] = hook("startContainer", where="/tmp")
    b.save()
    victim.ready(b)
    out = victim.file("logs/run", "")
    with open(out, "w") as f:
        subprocess.run(victim.box.command("run", "-d", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=f, stderr=f, pass_fds=caller.fds,
                       timeout=orlop.TIMEOUT, check=True)
    orlop.eventually(lambda: " 2 ->" in open(out).read(), "the program's list")
    texts = {"run": "\n".join(line for line in open(out).read().splitlines() if out not in line)}
    if not victim.naive:  # which has no other hooks
        texts.update({name: open(f"{logs}/{name}").read() for name in stages}, startContainer=open(f"{b.rootfs}/tmp/startContainer").read())
    texts["exec"] = caller.call(victim, ["exec", "c", "ls", "-l", "/proc/self/fd"])
    victim.box.delete()
    assert all(" 0 -> " in text for text in texts.values()), texts
    got = [(name, fd) for name, text in texts.items() for fd in strangers(text.replace(f"{logs}/{name}", "/dev/null").replace(f"/tmp/{name}", "/dev/null"))]
    victim.judge(got)


@pytest.mark.attack("D1")
@pytest.mark.parametrize("how", ["run", "exec"])
def test_no_more_than_is_preserved(victim, how):
    """Of four directories of the host the first two are for the program: no other comes with them, and hooks get none at all."""
    logs, outside = victim.folder("logs"), victim.folder("outside")
    os.chmod(logs, 0o777)
    four = ["sh", "-c", f'exec "$@" 3<{outside} 4<{outside} 5<{outside} 6<{outside}', "sh"]
    preserve = [] if victim.naive else ["--preserve-fds", "2"]
    b = victim.bundle(["sh", "-c", "ls -l /proc/self/fd"] if how == "run" else ["sleep", "100"])
    if how == "run" and not victim.naive:  # which has no other hooks
        b.config["hooks"] = {name: [{"path": "/bin/sh", "args": ["sh", "-c", f"ls -l /proc/self/fd > {where}/{name}"]}]
                             for name, where in (("createRuntime", logs), ("createContainer", logs), ("startContainer", "/tmp"), ("poststart", logs))}
    words = ["run", *preserve, "--bundle", b.path, "c"]
    if how == "exec":
        victim.run(b, "-d")
        words = ["exec", *preserve, "c", "ls", "-l", "/proc/self/fd"]
    b.save()
    victim.ready(b)
    out = subprocess.run([*four, *victim.box.command(*words)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=orlop.TIMEOUT, check=True,
                         env=dict(os.environ, NAIVE_ENTER=victim.tools.enter)).stdout
    if how == "exec":
        victim.box.delete()
    got = [line for line in out.splitlines() if line.endswith(outside) and f" 3 -> {outside}" not in line and f" 4 -> {outside}" not in line]
    assert f" 3 -> {outside}" in out and f" 4 -> {outside}" in out, out
    for name in b.config.get("hooks", {}):
        with open(f"{b.rootfs}/tmp/{name}" if name == "startContainer" else f"{logs}/{name}") as f:
            got += [(name, line) for line in f.read().splitlines() if line.endswith(outside)]
    victim.judge(got)


@pytest.mark.attack("T20")
@pytest.mark.parametrize("how", ["cwd", "link", "parent", "program"])
def test_working_directory_through_a_descriptor(victim, caller, how):
    """Whatever is open at that moment, of the runtime's own too: no number leads out."""
    b = victim.bundle(["cat", "marker"])
    got = []
    for n in range(3, 24):
        place = f"/proc/self/fd/{n}"
        if how == "cwd":
            b.config["process"]["cwd"] = place
        elif how == "link":
            victim.put(b, "way", link="/second")
            victim.put(b, "second", link=place)
            b.config["process"]["cwd"] = "/way"
        elif how == "parent":
            b.config["process"].update(cwd=f"{place}/..", args=["ls"])
        else:
            b.config["process"].update(cwd="/", args=[f"{place}/program"])
        b.save()
        victim.ready(b)
        said = caller.call(victim, ["run", "--bundle", b.path, "c"])
        got += [(n, said)] if "of the host" in said or how == "parent" and "outside" in said else []
        if victim.naive and got:
            break
    victim.judge(got)


@pytest.mark.attack("T20")
@pytest.mark.parametrize("how", ["plain", "shared", "parameter", "no pivot"])
def test_program_through_a_descriptor_of_the_runtime(victim, how):
    """$PATH of the image names whatever the runtime may have open until execve: the host's root, or its procfs, which leads there.  The program is
    no script, whose interpreter would find that number closed."""
    outside = victim.folder("outside")
    os.chmod(outside, 0o755)
    shutil.copy(shutil.which("busybox"), f"{outside}/echo")
    places = [f"/proc/self/fd/{n}{way}{outside}" for n in range(3, 200) for way in ("", "/..", 9 * "/..", f"/{os.getpid()}/root", f"/../{os.getpid()}/root", f"/../../{os.getpid()}/root")]
    b = victim.bundle(["echo", "run from the host"], env=["PATH=" + ":".join(places)])
    b.config["mounts"].append({"destination": "/mnt", "type": "bind", "source": victim.folder("volume"), "options": ["rbind", "ro"]})
    if how == "shared":
        b.config["linux"]["rootfsPropagation"] = "shared"
    elif how == "parameter":
        b.config["linux"]["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "1"}
        b.config["process"]["capabilities"] = {k: ["CAP_SYS_PTRACE"] for k in ("bounding", "permitted", "effective")}  # its own pid namespace is all it sees
        if victim.kind == "rootless":
            b.namespace("network")
    r = victim.run(b, *(["--no-pivot"] if how == "no pivot" else []), status=None)
    assert victim.naive or "run from" in r.out or "executable file not found in $PATH" in r.err or "permission denied" in r.err, r
    victim.judge([r.out] if "run from" in r.out else [])


@pytest.mark.attack("T20")
def test_working_directory_of_exec(victim, caller):
    """As above, with the joiner's own descriptors."""
    b = victim.bundle(["sleep", "100"])
    victim.run(b, "-d")
    got = []
    for n in range(3, 24):
        if victim.naive:
            said = caller.call(victim, ["exec", "c", "sh", "-c", f"cd /proc/self/fd/{n} && cat marker"])
        else:
            said = caller.call(victim, ["exec", "--cwd", f"/proc/self/fd/{n}", "c", "cat", "marker"])
            said += caller.call(victim, ["exec", "c", "sh", "-c", f"cd /proc/self/fd/{n} && cat marker"])
        got += [said] if "a file of the host" in said else []
    victim.box.delete()
    victim.judge(got)


@pytest.mark.attack("T30")
@pytest.mark.parametrize("how", ["run", "exec"])
def test_null_device_of_the_host(victim, how):
    """Engines put /dev/null on standard descriptors: through one the container's root could change the host's for everybody.
    (Here it is another node, so that nothing happens to this machine.)"""
    node = os.path.join(victim.dir, "null")
    os.mknod(node, 0o20666, os.makedev(1, 3))
    os.chmod(node, 0o666)
    script = "for n in 0 1 2; do chmod 611 /proc/self/fd/$n; touch -d @1000000000 /proc/self/fd/$n; done"
    b = victim.bundle(["sh", "-c", script] if how == "run" else ["sleep", "100"])
    if how == "exec":
        victim.run(b, "-d")
        words = ["exec", "c", "sh", "-c", script]
    else:
        b.save()
        victim.ready(b)
        words = ["run", "--bundle", b.path, "c"]
    with open(node, "r+b", buffering=0) as f:
        subprocess.run(victim.box.command(*words), stdin=f, stdout=f, stderr=f, timeout=orlop.TIMEOUT, env=dict(os.environ, NAIVE_ENTER=victim.tools.enter))
    if how == "exec":
        victim.box.delete()
    st = os.stat(node)
    victim.judge([oct(st.st_mode)] if st.st_mode & 0o777 != 0o666 or st.st_mtime == 1000000000 else [])


@pytest.mark.attack("T30")
@pytest.mark.parametrize("planted", ["link", "file", "other device", "nothing"])
def test_null_device_of_the_image(victim, planted):
    """What the image has at /dev/null: a file of the host is neither opened nor given away, and standard input stays empty."""
    secret = victim.file("outside/secret", "secret\n")
    b = victim.bundle(["sh", "-c", "cat; echo end"], user={"uid": 0, "gid": 0} if victim.kind == "rootless" else {"uid": 7, "gid": 7})
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    if planted == "link":
        victim.put(b, "dev/null", link=secret)
    elif planted == "file":
        victim.put(b, "dev/null", text="secret\n")
    elif planted == "other device":
        os.mknod(f"{b.rootfs}/dev/null", 0o20666, os.makedev(1, 5))
        b.config["process"]["args"] = ["sh", "-c", "head -c 1 | wc -c | grep -q 1 && echo secret"]
    r = victim.run(b, status=None)
    got = [r.out] if "secret" in r.out else []
    got += [name for name in ("st_uid", "st_gid") if getattr(os.stat(secret), name) != 0]
    victim.judge(got, bites=planted != "nothing")  # then the naive one makes it


@pytest.mark.attack("H1", "N6")
def test_environment_of_hooks(victim):
    """A hook of the host gets none of the image's variables, LD_PRELOAD of an image would load the image's library into it, and none of the caller's."""
    log = victim.file("log", "")
    os.chmod(log, 0o666)
    b = victim.bundle(["true"], env=["PATH=/bin", "LD_PRELOAD=/evil.so", "IMAGE=attacker"])
    b.config["hooks"] = {"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", f"/usr/bin/env >> {log}; pwd -P >> {log}; ls >> {log}"]}]}
    stages = [] if victim.naive else ["prestart", "createRuntime", "poststart", "poststop"]  # it has no other hooks
    b.config["hooks"].update({name: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {name} >> {log}; /usr/bin/env >> {log}"]}] for name in stages})
    victim.put(b, "marker-of-the-image", text="")
    b.save()
    victim.ready(b)
    done = subprocess.run(victim.box.command("run", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=orlop.TIMEOUT, env=dict(os.environ, OF_THE_CALLER="secret"))
    said = open(log).read()
    assert said and set(stages) <= set(said.splitlines()), (done, said)
    victim.judge([line for line in said.splitlines() if any(x in line for x in ("IMAGE", "LD_PRELOAD", "OF_THE_CALLER", "marker-of", "rootfs"))])


@pytest.mark.attack("D2")
@pytest.mark.parametrize("how", ["run", "exec"])
def test_environment_and_arguments_of_the_runtime(victim, how):
    """Neither the first process nor another shows variables or words that only the runtime was given."""
    secret = "OF_THE_CALLER"
    look = ["sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/auxv | tr '\\0' '\\n'; env"]
    b = victim.bundle(look if how == "run" else ["sleep", "100"])
    b.save()
    victim.ready(b)
    env = dict(os.environ, **{secret: "x"}, NAIVE_ENTER=victim.tools.enter)
    out = victim.file("out", "")
    with open(out, "w") as f:
        if how == "exec":
            subprocess.run(victim.box.command("run", "-d", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=orlop.TIMEOUT,
                           env=env, check=True)
            words = ["exec", "c", *look]
        else:
            words = ["run", "--bundle", b.path, "c"]
        subprocess.run(victim.box.command(*words), stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=orlop.TIMEOUT, env=env)
    if how == "exec":
        victim.box.delete()
    said = open(out, errors="replace").read()
    assert "PATH=" in said, said
    victim.judge([line for line in said.splitlines() if secret in line or "--bundle" in line or "state" in line and victim.dir in line])


@pytest.mark.attack("D2")
@pytest.mark.only("root", "user namespace", "rootless", "older kernel", why="the naive runtime has no process before start")
def test_process_between_create_and_start(victim):
    """Seen from the host: no word and no variable of the runtime, and a program that nobody can write."""
    b = victim.bundle(["true"])
    b.save()
    victim.ready(b)
    out = victim.file("out", "")
    with open(out, "w") as f:
        subprocess.run(victim.box.command("create", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=orlop.TIMEOUT,
                       env=dict(os.environ, OF_THE_CALLER="x"), check=True)
    pid = victim.pid()
    got = []
    for name in ("environ", "cmdline"):
        with open(f"/proc/{pid}/{name}", "rb") as f:
            text = f.read()
            got += [text] if b"OF_THE_CALLER" in text or victim.dir.encode() in text or name == "environ" and text else []
    exe = os.readlink(f"/proc/{pid}/exe")
    assert "orlop-init" in exe or victim.kind == "older kernel", exe
    # as long as it is executed nobody may write it (ETXTBSY): the seals hold after that, too, for who opened it before
    fd = os.open(f"/proc/{pid}/exe", os.O_RDONLY)
    if not fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE:
        got.append(exe)
    os.close(fd)
    victim.box.delete()
    victim.judge(got)


@pytest.mark.attack("T31")
def test_document_changed_after_create(victim):
    """What is started is what was created, whatever becomes of the bundle."""
    b = victim.bundle(["sh", "-c", "echo good > /tmp/said"])
    victim.create(b)
    b.config["process"]["args"] = ["sh", "-c", "echo evil > /tmp/said"]
    with open(f"{b.path}/config.json", "w") as f:
        json.dump(b.config, f)
    victim.box.orlop("start", "c")
    said = orlop.eventually(lambda: os.path.exists(f"{b.rootfs}/tmp/said") and open(f"{b.rootfs}/tmp/said").read(), "a word")
    victim.box.delete()
    victim.judge([said] if said != "good\n" else [])
