# SPDX-License-Identifier: Apache-2.0
"""What a container is made of: namespaces, mounts, identity, hooks; and what a failed create leaves."""
import json
import os
import signal
import subprocess

import pytest
from orlop import ConsoleSocket, eventually, give_user_namespace, read_terminal, uid_map


def sh(box, script, change=None, **more):
    b = box.bundle(["sh", "-c", script])
    if change:
        change(b)
    return box.run(b, **more).out


def test_namespaces_are_its_own(box):
    links = sh(box, "for n in pid net ipc uts mnt; do readlink /proc/self/ns/$n; done").split()
    assert not set(links) & {os.readlink(f"/proc/self/ns/{n}") for n in ("pid", "net", "ipc", "uts", "mnt")}
    assert sh(box, "echo $$") == "1\n"


@pytest.mark.parametrize("kind, proc", [("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("pid", "pid")])
def test_namespace_inherited_and_joined(box, kind, proc):
    def inherit(b):
        b.namespace(kind, False)
        if kind == "uts":
            b.config.pop("hostname", None)
    assert sh(box, f"readlink /proc/self/ns/{proc}", inherit).strip() == os.readlink(f"/proc/self/ns/{proc}")
    other = box.bundle(["sleep", "100"])
    box.run(other, "-d", id="other")
    path = f"/proc/{box.state('other')['pid']}/ns/{proc}"
    link = os.readlink(path)
    assert sh(box, f"readlink /proc/self/ns/{proc}", lambda b: b.join(kind, path)).strip() == link
    box.delete("other")


def test_namespace_of_wrong_kind(box):
    b = box.bundle()
    b.namespace("network", "/proc/self/ns/ipc")
    assert "linux.namespaces" in box.run(b, status=1).err


def test_user_namespace(box):
    b = box.bundle(["sh", "-c", "cat /proc/self/uid_map; id -u; echo x > /tmp/f && stat -c %u /tmp/f; cat /dev/null; ls -d /proc/1"])
    maps = give_user_namespace(b)
    assert box.run(b).out.split() == [*uid_map(maps), "0", "0", "/proc/1"]


def test_loopback_and_hostname(box):
    assert "UP" in sh(box, "ip link show lo")
    assert sh(box, "hostname", lambda b: b.config.update(hostname="ship")) == "ship\n"


def test_read_only_root(box):
    b = box.bundle(["sh", "-c", "touch /x"])
    b.config["root"]["readonly"] = True
    assert "Read-only" in box.run(b, status=1).err


def test_bind_file_and_directory(box):
    os.makedirs(os.path.join(box.dir, "src"))
    with open(os.path.join(box.dir, "src/file"), "w") as f:
        f.write("text\n")
    def change(b):
        b.mount("/new/dir", os.path.join(box.dir, "src"), options=["bind", "ro"])
        b.mount("/etc/file", os.path.join(box.dir, "src/file"), options=["bind"])
    assert sh(box, "cat /new/dir/file /etc/file; touch /new/dir/x 2>/dev/null || echo ro", change) == "text\ntext\nro\n"


@pytest.mark.parametrize("flag", ["nosuid", "nodev", "noexec", "ro", "noatime"])
def test_mount_flags(box, flag):
    out = sh(box, "grep ' /mnt ' /proc/self/mountinfo", lambda b: b.mount("/mnt", "tmpfs", "tmpfs", [flag, "size=1m", "mode=700"]))
    assert flag in out.split()[5].split(",") and "size=1024k" in out and "mode=700" in out


def test_unknown_option_is_an_error_of_the_file_system(box):
    b = box.bundle()
    b.mount("/mnt", "tmpfs", "tmpfs", ["nonsense"])
    err = box.run(b, status=1).err
    assert "mounts[" in err and "nonsense" in err and "config.json:" in err


def test_masked_and_readonly_paths(box):
    def change(b):
        b.config["linux"]["maskedPaths"] = ["/proc/timer_list", "/etc/secret", "/secrets", "/missing"]
        b.config["linux"]["readonlyPaths"] = ["/proc/sys", "/locked"]
        os.makedirs(f"{b.rootfs}/secrets")
        os.makedirs(f"{b.rootfs}/locked")
        for name in ("etc/secret", "secrets/one"):
            with open(f"{b.rootfs}/{name}", "w") as f:
                f.write("secret")
    out = sh(box, "cat /proc/timer_list /etc/secret; ls /secrets; touch /locked/x 2>/dev/null || echo ro", change)
    assert out == "ro\n"


def test_symlinks_stay_inside(box):
    outside = os.path.join(box.dir, "outside")
    os.makedirs(outside)
    def change(b):
        os.symlink(outside, f"{b.rootfs}/link")
        os.symlink("../../../../../../.." + outside, f"{b.rootfs}/up")
        for d in ("/link/a", "/up/b"):
            b.mount(d, "tmpfs", "tmpfs")
    sh(box, "true", change)
    assert os.listdir(outside) == []


def test_dev_symlink_is_not_followed_outside(box):
    outside = os.path.join(box.dir, "outside")
    os.makedirs(outside)
    with open(os.path.join(outside, "ptmx"), "w"):
        pass
    b = box.bundle()
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    os.rmdir(f"{b.rootfs}/dev")
    os.symlink(outside, f"{b.rootfs}/dev")
    box.run(b, status=None)
    assert os.listdir(outside) == ["ptmx"]


def test_proc_symlink_is_refused(box):
    b = box.bundle()
    os.rmdir(f"{b.rootfs}/proc")
    os.symlink("/tmp", f"{b.rootfs}/proc")
    assert "ordinary directory" in box.run(b, status=1).err


@pytest.mark.root("no user namespace may make a node of a device")
def test_devices(box):
    def change(b):
        b.config["linux"]["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 1, "gid": 2}]
    out = sh(box, "stat -c '%n %F %t:%T %a %u %g' /dev/mine /dev/null /dev/zero /dev/tty; readlink /dev/fd; readlink /dev/ptmx", change)
    assert out.splitlines()[0] == "/dev/mine character special file 1:3 640 1 2"
    assert "/dev/zero character special file 1:5 666 0 0" in out and out.endswith("/proc/self/fd\npts/ptmx\n")


def test_identity(box):
    def change(b):
        b.config["process"]["user"] = {"uid": 1000, "gid": 1001, "additionalGids": [5, 6], "umask": 0o27}
        b.config["process"]["cwd"] = "/made/for/it"
    out = sh(box, "id -u; id -g; id -G; umask; pwd; echo $HOME", change)
    assert out.splitlines() == ["1000", "1001", "1001 5 6", "0027", "/made/for/it", "/home"]


def test_capabilities_and_no_new_privs(box):
    def change(b):
        b.config["process"]["capabilities"] = {k: ["CAP_KILL", "CAP_CHOWN"] for k in ("bounding", "effective", "permitted")}
        b.config["process"]["noNewPrivileges"] = True
    text = sh(box, "cat /proc/self/status", change)
    caps = {w[0]: w[1] for w in (line.split() for line in text.splitlines()) if w[0].startswith("Cap") or w[0] == "NoNewPrivs:"}
    assert caps["CapEff:"] == caps["CapPrm:"] == caps["CapBnd:"] == f"{1 << 5 | 1:016x}"
    assert int(caps["CapInh:"], 16) == int(caps["CapAmb:"], 16) == 0 and caps["NoNewPrivs:"] == "1"


def test_rlimits_for_another_user(box):
    def change(b):
        b.config["process"]["user"] = {"uid": 7, "gid": 7}
        b.config["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 20, "hard": 30}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
    assert sh(box, "ulimit -n; ulimit -Hn; ulimit -c", change).split() == ["20", "30", "0"]


def test_oom_and_sysctl(box):
    def change(b):
        b.config["process"]["oomScoreAdj"] = 100
        b.config["linux"]["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "99"}
    out = sh(box, "cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_unprivileged_port_start", change)
    assert out.split() == ["100", "99"]


def test_descriptors(box):
    read, write = os.pipe()
    b = box.bundle(["ls", "/proc/self/fd"])
    assert box.run(b, pass_fds=(read, write)).out.split() == ["0", "1", "2", "3"]  # 3 is ls's own
    os.close(read)
    os.close(write)


def test_preserved_descriptor(box):
    path = os.path.join(box.dir, "open")
    with open(path, "w") as f:
        f.write("kept")
    b = box.bundle(["sh", "-c", "cat <&3"])
    b.save()
    command = box.command("run", "--preserve-fds", "1", "--bundle", b.path, "c")
    done = subprocess.run(["sh", "-c", 'exec "$@" 3<"$0"', path, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.stdout == "kept", done.stderr


@pytest.mark.parametrize("args, words", [(["nope"], "executable file not found in $PATH"), (["/nope"], "no such file or directory"),
                                         (["/etc/passwd"], "permission denied"), (["/etc"], "permission denied")])
def test_program_errors_are_creates(box, args, words):
    r = box.create(box.bundle(args), status=1)
    assert words in r.err and "process.args[0]" in r.err
    assert box.orlop("list", "-q").out == ""


def test_start_reports_execve(box):
    b = box.bundle(["/script"])
    with open(f"{b.rootfs}/script", "w") as f:
        f.write("#!/missing/interpreter\n")
    os.chmod(f"{b.rootfs}/script", 0o755)
    box.create(b)
    err = box.orlop("start", "c", status=1).err
    assert "execve" in err and "no such file or directory" in err and "interpreter" in err
    box.delete()


def test_root_is_where_it_begins(box):
    """The program stands in the new root, and its ".." leads nowhere else."""
    out = sh(box, "pwd; readlink /proc/self/cwd; stat -c %i / . .. ../..", lambda b: b.config["process"].update(cwd="/"))
    words = out.split()
    assert words[:2] == ["/", "/"] and len(set(words[2:])) == 1


def test_cwd_through_a_descriptor_is_refused(box):
    for n in range(3, 12):
        b = box.bundle(["pwd"])
        b.config["process"]["cwd"] = f"/proc/self/fd/{n}"
        assert box.run(b, status=1, id=f"c{n}").out == ""


def hook(script, *args, **more):
    return {"path": "/bin/sh", "args": ["sh", "-c", script, *args], **more}


def test_hooks_in_order_with_state(box):
    log = os.path.join(box.dir, "log")
    def note(name):
        return hook(f"cat > {log}.{name}; echo {name} >> {log}")
    b = box.bundle(["sh", "-c", "true"])
    inside = {"path": "/bin/sh", "args": ["sh", "-c", "cat > /startContainer"]}
    b.config["hooks"] = {"prestart": [note("prestart")], "createRuntime": [note("createRuntime")], "createContainer": [note("createContainer")],
                         "startContainer": [inside], "poststart": [note("poststart")], "poststop": [note("poststop")]}
    box.create(b)
    assert open(log).read().split() == ["prestart", "createRuntime", "createContainer"]
    pid = box.state()["pid"]
    box.orlop("start", "c")
    box.wait("stopped")
    box.delete(force=False)
    assert open(log).read().split() == ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
    states = {n: json.load(open(f"{log}.{n}")) for n in open(log).read().split()}
    assert states["createRuntime"]["status"] == "creating" and states["createRuntime"]["pid"] == pid
    assert states["createContainer"]["pid"] == 1 and states["poststart"]["status"] == "running" and states["poststop"]["status"] == "stopped"
    assert json.load(open(f"{b.rootfs}/startContainer"))["status"] == "created"


@pytest.mark.parametrize("point", ["prestart", "createRuntime", "createContainer"])
def test_failing_hook_undoes_create(box, point):
    b = box.bundle()
    b.config["hooks"] = {point: [hook("echo because >&2; exit 3")]}
    err = box.create(b, status=1).err
    assert f"hooks.{point}[0]" in err and "exit status 3" in err and "because" in err
    assert box.orlop("list", "-q").out == ""


def test_hook_environment_and_timeout(box):
    log = os.path.join(box.dir, "log")
    b = box.bundle()
    b.config["hooks"] = {"createRuntime": [hook(f"/usr/bin/env > {log}"), hook(f"/usr/bin/env >> {log}", env=["ONLY=this"]),
                                           hook("sleep 50", timeout=1)]}
    err = box.create(b, status=1, env=dict(os.environ, SECRET="x")).err
    assert "longer than its 1 s" in err and "hooks.createRuntime[2]" in err
    assert "SECRET" not in open(log).read() and "ONLY=this" in open(log).read()


def test_terminal_over_console_socket(box):
    path = os.path.join(box.dir, "a" * 120, "console.sock")
    os.makedirs(os.path.dirname(path))
    console = ConsoleSocket(path)
    b = box.bundle(["sh", "-c", "tty; stty size; test -c /dev/console && echo console; read line; echo got $line"])
    b.config["process"].update(terminal=True, consoleSize={"height": 30, "width": 100})
    box.create(b, "--console-socket", path)
    fd = console.receive()
    box.orlop("start", "c")
    assert "/dev/pts/0\r\n30 100\r\nconsole\r\n" in read_terminal(fd, "console\r\n")
    os.write(fd, b"word\n")
    read_terminal(fd, "got word")
    box.wait("stopped")
    os.close(fd)
    box.delete()


def test_terminal_in_a_dev_that_is_read_only(box):
    """The console is made while /dev may be written."""
    path = os.path.join(box.dir, "console.sock")
    console = ConsoleSocket(path)
    b = box.bundle(["sh", "-c", "test -c /dev/console && echo console; (: >/dev/new) || echo refused; read line"])
    next(m for m in b.config["mounts"] if m["destination"] == "/dev")["options"].append("ro")
    b.config["process"]["terminal"] = True
    box.create(b, "--console-socket", path)
    fd = console.receive()
    box.orlop("start", "c")
    said = read_terminal(fd, "refused\r\n")
    assert "console\r\n" in said and "Read-only file system" in said
    os.write(fd, b"\n")
    box.wait("stopped")
    os.close(fd)
    box.delete()


def test_terminal_needs_a_taker(box):
    b = box.bundle()
    b.config["process"]["terminal"] = True
    assert "console socket" in box.create(b, status=1).err


@pytest.mark.parametrize("change, where", [
    (lambda b: b.mount("/m", "/does/not/exist", options=["bind"]), "mounts["),
    (lambda b: b.config["root"].update(path="missing"), "root.path"),
    (lambda b: b.config["linux"].update(seccomp={"defaultAction": "SCMP_ACT_ERRNO", "listenerMetadata": "x"}), "linux.seccomp"),
    (lambda b: b.config["process"].update(apparmorProfile="x"), "process.apparmorProfile"),
    (lambda b: b.config["process"].update(cwd="relative"), "process.cwd"),
    (lambda b: b.config["process"].update(args="sh"), "process.args"),
    (lambda b: b.config["process"].update(args=[]), "process.args"),
    (lambda b: b.config["process"].update(rlimits=[{"type": "RLIMIT_NOPE", "soft": 1, "hard": 1}]), "process.rlimits[0].type"),
    (lambda b: b.config["linux"].update(sysctl={"kernel.panic": "1"}), "linux.sysctl"),
    (lambda b: b.config["linux"].update(cgroupsPath="/../x"), "linux.cgroupsPath"),
    (lambda b: b.config["linux"]["namespaces"].append({"type": "pid"}), "linux.namespaces["),
])
def test_failed_create_says_where_and_leaves_nothing(box, change, where):
    b = box.bundle()
    change(b)
    err = box.create(b, status=1).err
    assert where in err and len(err.splitlines()) == 1, err
    assert box.orlop("list", "-q").out == ""


@pytest.mark.parametrize("command", ["create", "run", "exec"])
def test_pid_file_of_another_stays(box, command):
    """A failure takes back what it wrote, and no file that was there before."""
    path = os.path.join(box.dir, "pid")
    with open(path, "w") as f:
        f.write("4711")
    if command == "exec":
        box.run(box.bundle(["sleep", "100"]), "-d")
        box.orlop("exec", "--pid-file", path, "c", "/no/such/program", status=255)
        box.delete()
    else:
        b = box.bundle(["/no/such/program"])
        b.save()
        box.orlop(command, "--bundle", b.path, "--pid-file", path, "c", status=1)
    with open(path) as f:
        assert f.read() == "4711"


def test_pid_file_of_a_failed_run_goes(box):
    """The program was there when it was looked for, and could not be executed."""
    path = os.path.join(box.dir, "pid")
    b = box.bundle(["/script"])
    with open(f"{b.rootfs}/script", "w") as f:
        f.write("#!/missing/interpreter\n")
    os.chmod(f"{b.rootfs}/script", 0o755)
    box.run(b, "--pid-file", path, status=1)
    assert not os.path.exists(path)


def test_all_faults_of_a_document(box):
    b = box.bundle()
    b.config["process"]["cwd"] = 5
    b.config["mounts"][1]["options"] = [7]
    err = box.create(b, status=1).err
    assert "process.cwd" in err and "mounts[1].options[0]" in err


def test_log_record(box):
    log = os.path.join(box.dir, "log.json")
    b = box.bundle(["nope"])
    b.save()
    box.orlop("--log", log, "--log-format", "json", "create", "--bundle", b.path, "c", status=1)
    record = json.loads(open(log).read())
    assert record["level"] == "error" and "executable file not found" in record["msg"] and record["phase"] == "exec.resolve"
    assert record["where"] == "process.args[0]" and record["errno"] == 2 and record["time"].endswith("Z")


def test_killed_in_the_middle_of_create(box):
    b = box.bundle(["sleep", "100"])
    mark = os.path.join(box.dir, "mark")
    b.config["hooks"] = {"createRuntime": [hook(f"touch {mark}; exec sleep 5")]}
    b.save()
    p = subprocess.Popen(box.command("create", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    eventually(lambda: os.path.exists(mark), "the hook")
    p.send_signal(signal.SIGKILL)
    p.wait()
    box.delete()
    assert box.orlop("list", "-q").out == ""
    eventually(lambda: not box.processes(), "processes ended")


def test_cgroup_is_made_and_removed(box):
    b = box.bundle(["cat", "/proc/self/cgroup"])
    b.namespace("cgroup", False)  # which would show it as the root
    assert b.cgroup in box.run(b).out


def test_pids_limit(box):
    on_v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    if on_v2 and "pids" not in open("/sys/fs/cgroup/cgroup.controllers").read():
        pytest.skip("no pids controller on cgroup v2 here")
    def change(b):
        b.config["linux"].setdefault("resources", {})["pids"] = {"limit": 5}
    out = sh(box, "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done 2>/dev/null; wait; echo", change, status=None)
    assert out is not None
    b = box.bundle(["sleep", "100"])
    change(b)
    box.run(b, "-d")
    path = b.cgroup
    assert open(f"/sys/fs/cgroup{'' if on_v2 else '/pids'}{path}/pids.max").read() == "5\n"
    box.delete()


@pytest.mark.root("an ordinary user has no rules of devices")
def test_device_rules(box):
    def change(b):
        b.config["linux"]["resources"]["devices"] = [{"allow": False, "access": "rwm"}]
        b.config["linux"]["devices"] = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11}]
    assert sh(box, "head -c 1 /dev/zero | wc -c; head -c 1 /dev/kmsg 2>/dev/null || echo denied", change).split() == ["1", "denied"]
