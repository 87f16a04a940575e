# SPDX-License-Identifier: Apache-2.0
"""Operations of engines whose command lines are Docker's: Docker, and Podman with and without root."""
import json
import os
import time

from rig import HOG, WAIT, Operations, call, check, eventually, goes_on, stands_still

operation = Operations()
SLEEP = ("busybox", "sleep", "1000")
COUNT = ("sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >>/numbers; usleep 20000; done")
SHARES_512 = "512", "20", "59"  # on cgroup v1; as a weight, by the first formula and by that of 2025


def inspect(p, name, what):
    return p("inspect", "-f", "{{" + what + "}}", name).strip()


def status_of(p, name):
    return inspect(p, name, ".State.Status")


def one(p):
    """A container that runs; it is made when the first operation wants it, and says what signals it gets."""
    names = ("--format", "{{.Names}}")
    if "one" in p("ps", *names).split():
        return "one"
    if "one" in p("ps", "-a", *names).split():
        p("start", "one")
    else:
        p("run", "-d", "--name", "one", "busybox", "sh", "-c",
          "echo started; trap 'exit 3' TERM; trap 'echo got usr1' USR1; while :; do sleep 0.1; done")
        eventually(lambda: "started\n" in p("logs", "one"), "the container's first words")
    return "one"


def setting(p, name, v1, v2):
    """A file of the container's cgroup, as the container sees it."""
    return p("exec", name, "sh", "-c", f"cat /sys/fs/cgroup/{v1} 2>/dev/null || cat /sys/fs/cgroup/{v2}").strip()


def numbers(p, name):
    return [int(n) for n in p("exec", name, "cat", "/numbers").split()]


def counting(p, name, *options):
    """A container that counts; where its numbers are, as seen from outside, where its being paused is no matter."""
    p("run", "-d", "--name", name, *options, "busybox", *COUNT)
    path = f"/proc/{inspect(p, name, '.State.Pid')}/root/numbers"
    eventually(lambda: os.path.exists(path), f"the first number of {name}")
    return path


def counts_on(p, name):
    """What COUNT does in a container: further, without a gap."""
    n = len(numbers(p, name))
    eventually(lambda: len(numbers(p, name)) > n + 2, f"{name} counts on")
    counted = numbers(p, name)
    check(counted == list(range(1, len(counted) + 1)), counted)


# --- image and run


@operation
def image_import(p):
    p("import", "--change", 'CMD ["sleep", "1000"]', p.rootfs()[1], "busybox")
    check("busybox" in p("images"), "no image")


@operation
def run(p):
    before = len(p.called())
    out = p("run", "--rm", "busybox", "echo", "hello")
    check(out == "hello\n", repr(out))
    made = p.called()[before:]
    check(any(" create " in f" {line} " for line in made), f"the runtime was called with {made}")


@operation
def run_status(p):
    p("run", "--rm", "busybox", "sh", "-c", "exit 7", status=7)
    p("run", "--rm", "busybox", "sh", "-c", "kill -9 $$; exit 3", status=3)  # pid 1 is spared


@operation
def run_not_found(p):
    p("run", "--rm", "busybox", "nowhere", status=127)
    p("run", "--rm", "busybox", "/no/where", status=127)


@operation
def run_not_executable(p):
    p("run", "--rm", "busybox", "/etc/passwd", status=126)


@operation
def run_stdin(p):
    check(p("run", "-i", "--rm", "busybox", "cat", stdin="through\n") == "through\n", "output")


@operation
def run_terminal(p):
    status, shown = p.terminal("run", "-it", "--rm", "busybox", "sh", "-c", "tty; read x; echo got $x; exit 6",
                               send=[("/dev/pts/|/dev/console", "typed\r")])
    check(status == 6 and "got typed" in shown, f"status {status}: {shown}")


@operation
def terminal_size(p):
    """The engine sets it after the start."""
    wait = 'i=0; until [ "$(stty size 2>&1)" = "33 99" ] || [ $i = 50 ]; do sleep 0.1; i=$((i+1)); done; stty size'
    status, shown = p.terminal("run", "-it", "--rm", "busybox", "sh", "-c", wait, size=(33, 99))
    check(status == 0 and shown.strip() == "33 99", f"status {status}: {shown}")


@operation
def create_start_attach(p):
    p("create", "-i", "--name", "made", "busybox", "sh", "-c", "read x; echo later $x")
    check(status_of(p, "made") == "created", "status")
    check("later typed" in p("start", "--attach", "-i", "made", stdin="typed\n"), "output")
    p("rm", "made")


@operation
def attach(p):
    """To a container that runs already."""
    p("run", "-dit", "--name", "waits", "busybox", *WAIT)
    _, shown = p.terminal("attach", "waits", send=[("waiting", "typed\r")])
    check("got typed" in shown, shown)
    check(p("wait", "waits") == "6\n", "status")
    p.remove("waits")


# --- a running container


@operation
def run_detached(p):
    check(status_of(p, one(p)) == "running", "not running")


@operation
def logs(p):
    one(p)
    check(p("logs", "one").splitlines()[0] == "started", "the log")
    check("T" in p("logs", "-t", "one").split()[0], "a time")


@operation
def exec_(p):
    one(p)
    check(p("exec", "one", "echo", "inside") == "inside\n", "output")
    check(p("exec", "-i", "one", "cat", stdin="through\n") == "through\n", "stdin")


@operation
def exec_status(p):
    one(p)
    p("exec", "one", "sh", "-c", "exit 5", status=5)
    p("exec", "one", "nowhere", status=p.exec_not_found)
    p("exec", "one", "/etc/passwd", status=126)


@operation
def exec_options(p):
    one(p)
    out = p("exec", "--user", "1000:1000", "--workdir", "/tmp", "--env", "A=b", "one", "sh", "-c", "id -u; pwd; echo $A")
    check(out == "1000\n/tmp\nb\n", out)


@operation
def exec_privileged(p):
    one(p)
    line = p("exec", "--privileged", "one", "grep", "CapEff", "/proc/self/status")
    check(int(line.split()[1], 16) & 1 << 21, line)  # CAP_SYS_ADMIN


@operation
def exec_detached(p):
    one(p)
    p("exec", "-d", "one", "touch", "/tmp/touched")
    eventually(lambda: "touched" in p("exec", "one", "ls", "/tmp"), "the file")


@operation
def exec_terminal(p):
    one(p)
    status, shown = p.terminal("exec", "-it", "one", "sh", "-c", "tty; read x; echo got $x; exit 4", send=[("/dev/pts/", "typed\r")])
    check(status == 4 and "got typed" in shown, f"status {status}: {shown}")


@operation
def top(p):
    one(p)
    # Podman gives up when a process ends while it is being looked at
    eventually(lambda: "sleep" in p("top", "one", status=None), "processes")


@operation
def stats(p):
    one(p)
    out = p("stats", "--no-stream", "--format", "{{.MemUsage}};{{.PIDs}}", "one").strip()
    memory, pids = out.split(";")
    check(memory[0] in "123456789" and int(pids) > 0, out)


@operation
def pause(p):
    written = counting(p, "two")
    goes_on(written)
    p("pause", "two")
    check(status_of(p, "two") == "paused", "not paused")
    stands_still(written)
    p("exec", "two", "true", status=p.exec_paused)
    p("unpause", "two")
    check(status_of(p, "two") == "running", "not running")
    goes_on(written)
    p.remove("two")


@operation
def rename(p):
    one(p)
    p("rename", "one", "other")
    check(p("exec", "other", "echo", "same") == "same\n", "output")
    p("rename", "other", "one")


@operation
def update(p):
    one(p)
    p("update", "--memory", "64m", "--memory-swap", "64m", "--cpu-shares", "512", "--cpu-quota", "50000", "--cpu-period", "100000", *p.update_pids, "one")
    check(setting(p, "one", "memory/memory.limit_in_bytes", "memory.max") == str(64 << 20), "memory")
    check(setting(p, "one", "cpu/cpu.cfs_quota_us", "cpu.max") in ("50000", "50000 100000"), "quota")
    check(setting(p, "one", "cpu/cpu.shares", "cpu.weight") in SHARES_512, "shares")
    if p.update_pids:
        check(setting(p, "one", "pids/pids.max", "pids.max") == "55", "pids")
    check(p("exec", "one", "echo", "on") == "on\n", "output")


@operation
def cp(p):
    one(p)
    target = p.path("copied")
    p("cp", "one:/etc/passwd", target)
    with open(target) as f:
        check(f.read().startswith("root:"), "content")
    p("cp", target, "one:/tmp/back")
    check(p("exec", "one", "head", "-n", "1", "/tmp/back").startswith("root:"), "content")


@operation
def diff_commit(p):
    one(p)
    p("exec", "one", "sh", "-c", "echo new > /new")
    check("A /new\n" in p("diff", "one"), "difference")
    p("commit", "one", "committed")
    check(p("run", "--rm", "committed", "cat", "/new") == "new\n", "content")
    p("rmi", "committed")


@operation
def export(p):
    one(p)
    p("export", "-o", p.path("exported.tar"), "one")
    check("bin/busybox" in call("tar", "-tf", p.path("exported.tar")), "content")


@operation
def kill_signal(p):
    one(p)
    p("kill", "--signal", "USR1", "one")
    eventually(lambda: "got usr1" in p("logs", "one"), "the signal")


@operation
def stop(p):
    one(p)
    p("stop", "-t", "20", "one")
    check(inspect(p, "one", ".State.ExitCode") == "3", "the signal was not caught")


@operation
def start_again(p):
    one(p)
    p("stop", "-t", "0", "one")
    p("start", "one")
    check(status_of(p, "one") == "running", "not running")


@operation
def restart(p):
    one(p)
    pid = inspect(p, "one", ".State.Pid")
    p("restart", "-t", "0", "one")
    check(status_of(p, "one") == "running" and inspect(p, "one", ".State.Pid") != pid, "not anew")


@operation
def kill(p):
    one(p)
    p("kill", "--signal", "KILL", "one")
    check(p("wait", "one") == "137\n", "status")


@operation
def rm(p):
    p("run", "--name", "over", "busybox", "true")
    p("rm", "over")
    p.remove(one(p))
    check(p("ps", "-aq") == "", "still there")


@operation
def rm_force(p):
    p("run", "-d", "--name", "two", *SLEEP)
    p.remove("two")
    check(p("ps", "-aq") == "", "still there")


@operation
def stop_timeout(p):
    p("run", "-d", "--name", "deaf", "busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    p("stop", "-t", "1", "deaf")
    check(inspect(p, "deaf", ".State.ExitCode") == "137", "status")
    p.remove("deaf")


@operation
def stop_signal(p):
    p("run", "-d", "--name", "own", "--stop-signal", "USR2", "busybox", "sh", "-c", "trap 'exit 8' USR2; echo ready; while :; do sleep 0.1; done")
    eventually(lambda: "ready" in p("logs", "own"), "its first words")
    p("stop", "-t", "20", "own")
    check(inspect(p, "own", ".State.ExitCode") == "8", "status")
    p.remove("own")


@operation
def events(p):
    p("run", "--name", "seen", "busybox", "true")
    what = ["events", *p.events_until_now, "--filter", "container=seen", "--format", p.events_format]
    eventually(lambda: [w for w in p(*what).split() if w in ("create", "start", "die", "died")][:2] == ["create", "start"], "the first events")
    eventually(lambda: {"die", "died"} & set(p(*what).split()), "the last event")
    p.remove("seen")


@operation
def oom(p):
    p("run", "--name", "big", "--memory", "16m", "--memory-swap", "16m", "busybox", *HOG, status=137)
    check(inspect(p, "big", ".State.OOMKilled") == "true", "not seen by the engine")
    p.remove("big")


@operation
def restart_policy(p):
    p("run", "-d", "--restart", "on-failure:2", "--name", "again", "busybox", "sh", "-c", "echo once; exit 3")
    eventually(lambda: p("logs", "again").count("once") == 3 and status_of(p, "again") == "exited", "three runs")
    p.remove("again")


@operation
def health(p):
    p("run", "-d", "--name", "well", "--health-cmd", "test -e /ok", *p.health_options, "busybox", "sh", "-c", "touch /ok; sleep 1000")

    def now(state):
        p.check_health("well")
        return inspect(p, "well", ".State.Health.Status") == state
    eventually(lambda: now("healthy"), "healthy")
    p("exec", "well", "rm", "/ok")
    eventually(lambda: now("unhealthy"), "unhealthy")
    p.remove("well")


# --- file systems


@operation
def volumes(p):
    p("run", "--rm", "-v", "kept:/data", "busybox", "sh", "-c", "echo kept > /data/file")
    check(p("run", "--rm", "-v", "kept:/data:ro", "busybox", "cat", "/data/file") == "kept\n", "content")
    p("run", "--rm", "-v", "kept:/data:ro", "busybox", "touch", "/data/new", status=1)
    p("volume", "rm", "kept")


@operation
def volumes_from(p):
    p("run", "-d", "--name", "source", "-v", "/data", "busybox", "sh", "-c", "echo shared > /data/file; sleep 1000")
    eventually(lambda: p("run", "--rm", "--volumes-from", "source", "busybox", "cat", "/data/file", status=None) == "shared\n", "content")
    p.remove("source")


@operation
def bind(p):
    host = p.path("host")
    os.makedirs(host, exist_ok=True)
    p("run", "--rm", "-v", f"{host}:/host", "busybox", "touch", "/host/made")
    check(os.path.exists(os.path.join(host, "made")), "nothing was written")
    p("run", "--rm", "--mount", f"type=bind,source={host},target=/host,readonly", "busybox", "touch", "/host/new", status=1)
    line = p("run", "--rm", "-v", f"{p.shared()}:/host:rshared", "busybox", "grep", " /host ", "/proc/self/mountinfo")
    check("shared:" in line, repr(line))


@operation
def tmpfs(p):
    line = p("run", "--rm", "--tmpfs", "/data:size=1m,mode=1770", "busybox", "grep", " /data ", "/proc/mounts")
    check("tmpfs" in line and "size=1024k" in line and "mode=1770" in line, line)


@operation
def shm_size(p):
    check("size=2048k" in p("run", "--rm", "--shm-size", "2m", "busybox", "grep", " /dev/shm ", "/proc/mounts"), "size")


@operation
def read_only(p):
    check("Read-only" in p("run", "--rm", "--read-only", "busybox", "touch", "/etc/new", status=1), "written")
    p("run", "--rm", "--read-only", "--tmpfs", "/tmp", "busybox", "touch", "/tmp/new")


@operation
def masked(p):
    """Some of /proc and /sys is hidden, some read-only."""
    p("run", "--rm", "busybox", "sh", "-c", "[ ! -s /proc/kcore ] && ! echo 1 > /proc/sys/kernel/panic 2>/dev/null && ! ls /sys/firmware/* 2>/dev/null")


# --- the process


@operation
def user(p):
    check(p("run", "--rm", "--user", "1000:1001", "busybox", "sh", "-c", "id -u; id -g") == "1000\n1001\n", "ids")
    check(p("run", "--rm", "--user", "user", "busybox", "id", "-un") == "user\n", "name")
    check("1234" in p("run", "--rm", "--group-add", "1234", "busybox", "id", "-G").split(), "group")


@operation
def environment(p):
    p.file("env", "C=d\n")
    out = p("run", "--rm", "-e", "A=b c", "--env-file", p.path("env"), "-w", "/tmp", "--entrypoint", "sh", "busybox", "-c", "echo $A $C; pwd")
    check(out == "b c d\n/tmp\n", out)


@operation
def hostname(p):
    check(p("run", "--rm", "--hostname", "named", "busybox", "hostname") == "named\n", "name")


@operation
def cap_drop(p):
    line = p("run", "--rm", "--cap-drop", "ALL", "busybox", "grep", "CapBnd", "/proc/self/status")
    check(line.split() == ["CapBnd:", "0" * 16], line)


@operation
def cap_add(p):
    line = p("run", "--rm", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "busybox", "grep", "CapEff", "/proc/self/status")
    check(int(line.split()[1], 16) == 1 << 12, line)


@operation
def no_new_privileges(p):
    check(p("run", "--rm", "--security-opt", "no-new-privileges", "busybox", "grep", "NoNewPrivs", "/proc/self/status").split()[1] == "1", "flag")


@operation
def privileged(p):
    p("run", "--rm", "--privileged", *p.privileged_options, "busybox", "mount", "-t", "tmpfs", "tmpfs", "/tmp")


@operation
def seccomp(p):
    asked = ("busybox", "grep", "Seccomp:", "/proc/self/status")
    check(p("run", "--rm", *asked).split()[1] == "2", "the engine's own profile")
    check(p("run", "--rm", "--security-opt", "seccomp=unconfined", *asked).split()[1] == "0", "none")
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}
    profile = p.file("profile.json", json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))
    out = p("run", "--rm", "--security-opt", f"seccomp={profile}", "busybox", "mkdir", "/new", status=1)
    check("not permitted" in out, out)


@operation
def ulimits(p):
    out = p("run", "--rm", "--ulimit", "nofile=99:100", "--ulimit", "core=0", *p.ulimits, "busybox", "sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c")
    check(out.split() == ["99", "100", "0"], out)


@operation
def oom_score(p):
    check(p("run", "--rm", "--oom-score-adj", "500", "busybox", "cat", "/proc/self/oom_score_adj") == "500\n", "value")


@operation
def init(p):
    out = p("run", "--rm", "--init", "busybox", "sh", "-c", "echo $$; cat /proc/1/comm")
    check(out.split()[0] != "1" and out.split()[1] != "sh", out)


@operation
def sysctl(p):
    out = p("run", "--rm", "--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=9000", "busybox", "cat", "/proc/sys/net/ipv4/ip_forward",
            "/proc/sys/kernel/msgmax")
    check(out == "1\n9000\n", out)


# --- cgroups and devices


@operation
def limits(p):
    p("run", "-d", "--name", "small", "--pids-limit", "77", "--memory", "64m", "--memory-swap", "64m", "--cpu-shares", "512", "--cpuset-cpus", "0", *SLEEP)
    check(setting(p, "small", "pids/pids.max", "pids.max") == "77", "pids")
    check(setting(p, "small", "memory/memory.limit_in_bytes", "memory.max") == str(64 << 20), "memory")
    check(setting(p, "small", "cpuset/cpuset.cpus", "cpuset.cpus") == "0", "cpus")
    check(setting(p, "small", "cpu/cpu.shares", "cpu.weight") in SHARES_512, "shares")
    p.remove("small")


@operation
def device(p):
    p("run", "--rm", "--device", "/dev/zero:/dev/nought", "busybox", "head", "-c", "1", "/dev/nought")
    with_fuse = ("run", "--rm", "--cap-add", "DAC_OVERRIDE", "--device", "/dev/fuse:/dev/file:r", "busybox", "sh", "-c")
    check(os.path.exists("/dev/fuse"), "needs /dev/fuse, a device that not every container has")
    p(*with_fuse, ": < /dev/file")
    check("not permitted" in p(*with_fuse, ": > /dev/file", status=1), "written")


@operation
def device_refused(p):
    """A node that the container makes itself, of a device that it may not have (mem)."""
    out = p("run", "--rm", "--cap-add", "MKNOD", "busybox", "sh", "-c", "mknod /tmp/mem c 1 1; head -c 1 /tmp/mem; mknod /tmp/zero c 1 5; head -c 1 /tmp/zero | wc -c",
            status=None)
    check("not permitted" in out and "1" in out.splitlines(), out)


# --- namespaces and networks


@operation
def host_namespaces(p):
    for name, option in (("net", "--network"), ("pid", "--pid"), ("ipc", "--ipc"), ("uts", "--uts")):
        got = p("run", "--rm", f"{option}=host", "busybox", "readlink", f"/proc/self/ns/{name}").strip()
        check(got == os.readlink(f"/proc/self/ns/{name}"), f"{name}: {got}")


@operation
def shared_namespaces(p):
    p("run", "-d", "--name", "first", "--ipc", "shareable", *SLEEP)
    for name, option in (("net", "--network"), ("pid", "--pid"), ("ipc", "--ipc")):
        ask = ("readlink", f"/proc/self/ns/{name}")
        check(p("run", "--rm", f"{option}=container:first", "busybox", *ask) == p("exec", "first", *ask), name)
    p.remove("first")


@operation
def network_bridge(p):
    check(p.interface in p("run", "--rm", "busybox", "ip", "link"), f"no {p.interface}")


@operation
def network_none(p):
    check("LOOPBACK,UP" in p("run", "--rm", "--network", "none", "busybox", "ip", "link", "show", "lo"), "loopback is down")


@operation
def network_between(p):
    """Two containers of a network of their own; the one finds the other by its name."""
    p("network", "create", "own")
    p("run", "-d", "--network", "own", "--name", "server", "busybox", "busybox", "nc", "-ll", "-p", "7", "-e", "echo", "pong")
    ask = ("run", "--rm", "--network", "own", "busybox", "busybox", "nc", "-w", "5", "server", "7")
    eventually(lambda: p(*ask, status=None) == "pong\n", "an answer")
    p.remove("server")
    p("network", "rm", "own")


@operation
def network_port(p):
    p("run", "-d", "--name", "server", "-p", "127.0.0.1:8070:7", "busybox", "busybox", "nc", "-ll", "-p", "7", "-e", "echo", "pong")
    eventually(lambda: p.run(["busybox", "nc", "-w", "5", "127.0.0.1", "8070"], status=None) == "pong\n", "an answer")
    check("8070" in p("port", "server"), "port")
    p.remove("server")


# --- build and prune


@operation
def build(p):
    p.file("build/Dockerfile", """FROM busybox
COPY file /file
RUN echo built > /built && id -u
ENV A=b
USER 1000
WORKDIR /made
RUN test "$(id -u) $A $(pwd)" = "1000 b /made"
CMD cat /built /file
""")
    p.file("build/file", "copied\n")
    p("build", "-t", "built", p.path("build"))
    check(p("run", "--rm", "built") == "built\ncopied\n", "output")


@operation
def build_fails(p):
    p.file("fails/Dockerfile", "FROM busybox\nRUN exit 9\n")
    check(" 9" in p("build", p.path("fails"), status=p.build_failed), "status")


@operation
def many(p):
    """As many at once as an engine likes to start."""
    ids = [p("run", "-d", *SLEEP).strip() for _ in range(10)]
    check(len(p("ps", "-q").split()) == 10, "not all run")
    p.remove(*ids)


@operation
def prune(p):
    p("run", "--name", "ended", "-v", "/data", "busybox", "true")
    check(len(p("volume", "ls", "-q").split()) == 1, "no volume was made")
    p("system", "prune", "-f", "--volumes")
    check(p("ps", "-aq") == "", "containers are left")
    check(p("volume", "ls", "-q") == "", "volumes are left")


@operation
def nothing_left(p):
    """All containers are gone, and so are their cgroups and the runtime's state."""
    check(p("ps", "-aq") == "", "containers are left")
    end = time.monotonic() + 10
    while p.left() and time.monotonic() < end:
        time.sleep(0.1)
    check(not p.left(), p.left())
