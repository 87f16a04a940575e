# SPDX-License-Identifier: Apache-2.0
"""events: what containers use, by the kernel's own numbers, in the words of runc; and memory that has run out."""
import json
import os
import signal
import subprocess
import time

import pytest
from limits import VIEW, hierarchies, read, v2_controllers, where
from orlop import DRIVER, USER, eventually
from usage import Stream, check_event

MB = 1 << 20
WAITS = "while [ ! -e /go ]; do usleep 20000; done; "  # for a file that the test makes in its root


def needs(*controllers):
    for c in controllers:
        if c not in hierarchies() and c not in v2_controllers():
            pytest.skip(f"no {c} controller in this view")


def running(box, args=("sleep", "100"), resources=None, id="c"):
    b = box.bundle(args)
    b.config["linux"]["resources"] = resources or {}
    with open(f"{b.path}/err", "w") as err:  # a detached container keeps it
        b.save()
        subprocess.run(box.command("run", "-d", "--bundle", b.path, id), stdin=subprocess.DEVNULL, stdout=err, stderr=err, check=True)
    return b


def said(b):
    with open(f"{b.path}/err") as f:
        return f.read()


def go(b):
    with open(f"{b.rootfs}/go", "w"):
        pass


def stats(box, *ids):
    """The data of `events --stats` for each of IDS."""
    lines = box.orlop("events", "--stats", *(ids or ["c"])).out.splitlines(keepends=True)
    events = [check_event(line) for line in lines]
    assert [(e["type"], e["id"]) for e in events] == [("stats", id) for id in ids or ["c"]]
    return [e["data"] for e in events] if ids else events[0]["data"]


def numbers(b, file, scale=1):
    """What a file of a cgroup says: its number, or its words and their numbers."""
    text = read(b, file)
    if text is None:
        return None
    words = text.split()
    if len(words) == 1:
        return (1 << 64) - 1 if words[0] == "max" else int(words[0]) * scale
    return dict(zip(words[::2], map(int, words[1::2])))


def agree(box, kernel, ours):
    """The kernel's number did not change while ours was read, and is the same; what moves is tried again."""
    def settled():
        before, got, after = kernel(), ours(stats(box)), kernel()
        return before == after and (got, before)
    got, said = eventually(settled, "a number that holds still")
    assert got == said


# --- the numbers

def test_fields(box):
    """A whole event: what is always there, is."""
    running(box)
    data = stats(box)
    assert data["pids"]["current"] == 1
    assert data["cpu"]["usage"]["total"] > 0
    assert [n["Name"] for n in data["network_interfaces"]] == ["lo"]
    box.delete()


def test_memory(box):
    needs("memory")
    b = running(box, resources={"memory": {"limit": 64 * MB, "swap": 96 * MB}})
    box.orlop("pause", "c")
    v1 = "memory" in hierarchies()
    name = {"usage": "memory.usage_in_bytes", "max": "memory.max_usage_in_bytes"} if v1 else {"usage": "memory.current", "max": "memory.peak"}
    data = stats(box)["memory"]
    assert data["usage"]["limit"] == 64 * MB
    if read(b, "memory.memsw.limit_in_bytes" if v1 else "memory.swap.max") is not None:
        assert data["swap"]["limit"] == 96 * MB
    for member, file in name.items():
        if read(b, file) is not None:
            agree(box, lambda: numbers(b, file), lambda d: d["memory"]["usage"].get(member, 0))
    agree(box, lambda: numbers(b, "memory.stat")["inactive_anon"], lambda d: d["memory"]["raw"]["inactive_anon"])
    assert stats(box)["memory"]["raw"].keys() == numbers(b, "memory.stat").keys()
    box.orlop("resume", "c")
    box.delete()


def test_no_limits(box):
    needs("memory", "pids")
    b = running(box)
    data = stats(box)
    assert data["memory"]["usage"]["limit"] == (0x7ffffffffffff000 if "memory" in hierarchies() else (1 << 64) - 1)
    pids = (read(b, "pids.max") or "max").strip()  # an ordinary user has the controller once he sets a limit
    assert pids == "max" or DRIVER == "systemd" # which has a default of its own, DefaultTasksMax
    assert data["pids"].get("limit") == (None if pids == "max" else int(pids))
    box.delete()


def test_cpu(box):
    """Between what the kernel says before and after."""
    b = running(box, ["sh", "-c", "while :; do :; done"])
    def kernel():
        return numbers(b, "cpuacct.usage") if "cpuacct" in hierarchies() else numbers(b, "cpu.stat")["usage_usec"] * 1000
    for _ in range(5):
        before, data, after = kernel(), stats(box)["cpu"], kernel()
        assert before <= data["usage"]["total"] <= after
    if "cpuacct" in hierarchies():
        assert len(data["usage"]["percpu"]) == len(numbers_of_list(b, "cpuacct.usage_percpu"))
        assert len(data["usage"]["percpu_user"]) == len(data["usage"]["percpu_kernel"]) == len(data["usage"]["percpu"])
    else:
        assert data["usage"]["user"] + data["usage"]["kernel"] <= after + 2000  # each is rounded
    box.delete()


def numbers_of_list(b, file):
    return read(b, file).split()


def test_pressure(box):
    """Of the v2 hierarchy, where the kernel measures it."""
    b = running(box)
    try:
        with open(f"{where(b, 'cgroup')}/cpu.pressure") as f:
            f.read()
    except (OSError, TypeError):
        box.delete()
        pytest.skip("no pressure is measured in this view")
    psi = stats(box)["cpu"]["psi"]
    assert all(0 <= psi[kind][avg] <= 100 for kind in ("some", "full") for avg in ("avg10", "avg60", "avg300"))
    box.delete()


def test_cpuset(box):
    needs("cpuset")
    running(box, resources={"cpu": {"cpus": "0", "mems": "0"}})
    assert (stats(box)["cpuset"]["cpus"], stats(box)["cpuset"]["mems"]) == ([0], [0])
    box.delete()


def test_pids(box):
    """What is in cgroups of the container's own counts, too, and the limit is told."""
    needs("pids")
    running(box, ["sh", "-c", "sleep 100 & sleep 100 & wait"], {"pids": {"limit": 20}})
    eventually(lambda: stats(box)["pids"] == {"current": 3, "limit": 20}, "three processes")
    box.delete()


def test_pids_without_the_controller(box):
    if "pids" in hierarchies() or "pids" in v2_controllers():
        pytest.skip("this view has the controller pids")
    running(box, ["sh", "-c", "sleep 100 & sleep 100 & wait"])
    eventually(lambda: stats(box)["pids"] == {"current": 3}, "three processes")
    box.delete()


def test_io(box):
    """Bytes that went to a disk, by device and direction."""
    needs("blkio" if hierarchies() else "io")
    b = running(box, ["sh", "-c", WAITS + "dd if=/dev/zero of=/file bs=65536 count=64 conv=fsync 2>/dev/null; sleep 100"])
    go(b)
    file = "blkio.throttle.io_service_bytes_recursive" if hierarchies() else "io.stat"
    eventually(lambda: os.path.exists(f"{b.rootfs}/file") and os.path.getsize(f"{b.rootfs}/file") == 64 * 65536, "a file")
    if USER and read(b, file) is None:
        box.delete()
        pytest.skip("an ordinary user has the controller io once he sets a limit")

    def kernel():
        found = {}
        for line in read(b, file).splitlines():
            device, *words = line.split()
            if ":" not in device:
                continue
            pairs = [words] if hierarchies() else [w.split("=") for w in words]
            names = {"rbytes": "Read", "wbytes": "Write", "dbytes": "Discard"}
            found.update({(device, names.get(op, op)): int(value) for op, value in pairs if op in names or hierarchies()})
        return found
    if not any(kernel().values()):
        box.delete()
        pytest.skip("the disk of this machine is not seen by the kernel's accounting")

    def ours(data):
        return {(f"{e.get('major', 0)}:{e.get('minor', 0)}", e["op"]): e.get("value", 0) for e in data["blkio"]["ioServiceBytesRecursive"]}
    agree(box, kernel, ours)
    box.delete()


def test_hugetlb(box):
    needs("hugetlb")
    if not os.path.exists("/sys/kernel/mm/hugepages/hugepages-2048kB"):
        pytest.skip("this machine has no huge pages of 2 MB")
    b = running(box, resources={"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MB}]})
    with os.scandir(where(b, "hugetlb")) as files:
        sizes = {f.name.split(".")[1] for f in files if f.name.startswith("hugetlb.")}
    assert sizes and stats(box)["hugetlb"].keys() == sizes
    box.delete()


def test_rdma(box, adapter):
    """Limits, and handles that a process of the container's cgroup holds."""
    needs("rdma")
    b = running(box, resources={"rdma": {adapter: {"hcaHandles": 3, "hcaObjects": 70}}})
    idle = {"rdma_limit": [{"device": adapter, "hca_handles": 3, "hca_objects": 70}], "rdma_current": [{"device": adapter}]}
    assert stats(box)["rdma"] == idle
    held = "/sys/module/orlop_adapter/parameters/handles"
    if not os.path.exists(held):
        box.delete()
        pytest.skip("handles of this machine's adapter are taken by programs for it alone")
    for count, taken in ((2, 0), (9, 1)):  # the second is beyond the limit: three are held
        done = subprocess.run(["sh", "-c", f"echo $$ >{where(b, 'rdma')}/cgroup.procs && echo {count} >{held}"], capture_output=True, check=False)
        assert (done.returncode != 0) == taken, done
        assert stats(box)["rdma"]["rdma_current"] == [{"device": adapter, "hca_handles": min(count, 3)}]
    with open(held, "w") as f:
        f.write("0")
    assert stats(box)["rdma"] == idle
    box.delete()


def test_network(box):
    """The container's own interfaces, whatever their names."""
    running(box)
    pid = box.state()["pid"]
    name = 'a"b\\c'
    enter = ["nsenter", "-t", str(pid), "-n", *(["-U"] if USER else [])]
    done = subprocess.run([*enter, "ip", "link", "add", "name", name, "type", "veth", "peer", "name", "peer\udcff".encode(errors="surrogateescape")],
                          capture_output=True)
    if done.returncode:
        box.delete()
        pytest.skip(f"no veth interfaces here: {done.stderr.decode(errors='replace')}")
    subprocess.run([*enter, "sh", "-c", f"ip link set '{name}' up; ip link set lo up; ping -c1 -W1 127.0.0.1 >/dev/null 2>&1; true"], check=True)

    def kernel():
        with open(f"/proc/{pid}/net/dev", errors="replace") as f:
            rows = [line.rsplit(":", 1) for line in f.readlines()[2:]]
        return {n.strip().replace("\ufffd", "?"): [int(x) for x in columns.split()] for n, columns in rows}

    def ours(data):
        return {n["Name"]: [n["RxBytes"], n["RxPackets"], n["RxErrors"], n["RxDropped"], *[0] * 4,
                            n["TxBytes"], n["TxPackets"], n["TxErrors"], n["TxDropped"], *[0] * 4] for n in data["network_interfaces"]}
    agree(box, lambda: {n: [c if i % 8 < 4 else 0 for i, c in enumerate(row)] for n, row in kernel().items()}, ours)
    assert {name, "peer?", "lo"} <= ours(stats(box)).keys()
    box.delete()


def test_network_of_the_host(box):
    """What the machine carries is not the container's use."""
    b = box.bundle(["sleep", "100"])
    b.namespace("network", path=False)
    box.run(b, "-d")
    assert "network_interfaces" not in stats(box)
    box.delete()


# --- limits at work

@pytest.mark.parametrize("hog", ["dd if=/dev/zero of=/dev/null bs=100M count=1; sleep 100", "exec dd if=/dev/zero of=/dev/null bs=100M count=1"],
                         ids=["a child", "the first process"])
def test_memory_hog(box, hog):
    """Is killed within its limit, and events says so; once for each time, and nothing of it for its neighbour."""
    needs("memory")
    limit = {"memory": {"limit": 32 * MB, "swap": 32 * MB}}
    b = running(box, ["sh", "-c", WAITS + hog], limit)
    running(box, id="d")
    with_end = hog.startswith("exec")
    stream = Stream(box, "--interval=1h", "c", "d")
    assert [stream.next()["id"], stream.next()["id"]] == ["c", "d"]
    go(b)
    assert stream.next() == {"type": "oom", "id": "c"}
    if with_end:
        box.wait("stopped")
    else:
        data = stats(box)["memory"]["usage"]
        assert data["failcnt"] == (numbers(b, "memory.failcnt") if "memory" in hierarchies() else numbers(b, "memory.events")["max"])
        assert data.get("max", 0) <= 32 * MB
    box.delete()
    box.delete("d")
    assert stream.rest() == []
    stream.end()


@pytest.mark.parametrize("how", ["nobody is killed", "in a cgroup below"])
def test_memory_hog_of_v1(box, how):
    """Where the container's own count of kills does not grow, what wakes us is the word."""
    if "memory" not in hierarchies():
        pytest.skip("memory.oom_control is of cgroup v1")
    limits = {"memory": {"limit": 32 * MB, "swap": 32 * MB, "disableOOMKiller": how == "nobody is killed"}}
    b = running(box, ["sh", "-c", WAITS + "x=0123456789abcdef; while :; do x=$x$x; done"], limits)
    stream = Stream(box, "--interval=1h", "c")
    assert stream.next()["id"] == "c"
    if how == "in a cgroup below":
        below = where(b, "memory") + "/below"
        os.mkdir(below)
        with open(f"{below}/cgroup.procs", "w") as f:
            f.write(str(box.state()["pid"]))
    go(b)
    assert stream.next() == {"type": "oom", "id": "c"}
    box.delete()
    stream.end()


def test_memory_hog_in_the_foreground(box):
    """The runtime itself removes the cgroup as soon as the program has ended."""
    needs("memory")
    b = box.bundle(["sh", "-c", WAITS + "exec dd if=/dev/zero of=/dev/null bs=100M count=1"])
    b.config["linux"]["resources"] = {"memory": {"limit": 32 * MB, "swap": 32 * MB}}
    b.save()
    run = subprocess.Popen(box.command("run", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL)
    eventually(lambda: box.orlop("state", "c", status=None).out.find("running") > 0, "a container")
    stream = Stream(box, "c")
    assert stream.next()["type"] == "stats"
    go(b)
    assert run.wait() == 137
    rest = stream.rest()
    stream.end()
    if "memory" in hierarchies():  # v1 counts, and what it has counted outlives the cgroup; a file of v2 does not
        assert {"type": "oom", "id": "c"} in rest


def test_memory_hog_and_another(box):
    """The last kill is told of, too, though one was before and the cgroup goes with it while nobody looks."""
    if "memory" not in hierarchies():
        pytest.skip("v1 counts, and what it has counted outlives the cgroup; a file of v2 does not")
    b = box.bundle(["sh", "-c", WAITS + "dd if=/dev/zero of=/dev/null bs=100M count=1; rm /go; " + WAITS + "exec dd if=/dev/zero of=/dev/null bs=100M count=1"])
    b.config["linux"]["resources"] = {"memory": {"limit": 32 * MB, "swap": 32 * MB}}
    b.save()
    run = subprocess.Popen(box.command("run", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL)
    eventually(lambda: box.orlop("state", "c", status=None).out.find("running") > 0, "a container")
    stream = Stream(box, "--interval=1h", "c")
    assert stream.next()["type"] == "stats"
    go(b)
    assert stream.next() == {"type": "oom", "id": "c"}
    eventually(lambda: not os.path.exists(f"{b.rootfs}/go"), "the end of the first")
    time.sleep(3)  # longer than the first is looked after
    stream.process.send_signal(signal.SIGSTOP)
    go(b)
    assert run.wait() == 137
    stream.process.send_signal(signal.SIGCONT)
    assert stream.rest() == [{"type": "oom", "id": "c"}]
    stream.end()


def test_fork_bomb(box):
    needs("pids")
    b = running(box, ["sh", "-c", WAITS + "(while :; do sleep 100 & done); exec sleep 100"], {"pids": {"limit": 10}})
    go(b)
    eventually(lambda: "can't fork" in said(b), "a fork that fails")
    data = stats(box)["pids"]
    assert data["limit"] == 10 and 9 <= data["current"] <= 10  # without the shell that could not fork, and ended
    box.delete()


def test_cpu_hog(box):
    """Keeps to its quota within a tenth, by its own accounting: time used against periods that have passed.  With the greatest weight, so
    that it gets there on a busy machine, too; of an emulated one the accounting has as used what its host took from it, so that
    there are more than the first two seconds."""
    needs("cpu", *(["cpuacct"] if hierarchies() else []))
    quota = 20_000_000  # ns in each period
    running(box, ["sh", "-c", "while :; do :; done"], {"cpu": {"quota": 20000, "period": 100000, "shares": 262144}})

    def after(periods):
        return eventually(lambda: (d := stats(box)["cpu"])["throttling"].get("periods", 0) >= periods and d, "two seconds of periods", 120)

    def keeps():
        first = after(1)
        data = after(first["throttling"]["periods"] + 20)
        assert data["throttling"]["throttledPeriods"] > 0 and data["throttling"]["throttledTime"] > 0
        periods = data["throttling"]["periods"] - first["throttling"]["periods"]
        return 0 < data["usage"]["total"] - first["usage"]["total"] <= quota * periods * 1.1
    eventually(keeps, "two seconds within the quota")
    box.delete()


# --- the stream

def test_stream(box):
    """At once, and at each interval; until the container ends."""
    running(box)
    stream = Stream(box, "--interval", "50ms", "c")
    used = [stream.next()["data"]["cpu"]["usage"]["total"] for _ in range(4)]
    assert used == sorted(used)
    box.orlop("kill", "c", "KILL")
    stream.rest()
    stream.end()
    box.delete()


def test_several(box):
    """Each is told of; those that end are left out, and the last one ends it."""
    for id in "abc":
        running(box, id=id)
    assert len(stats(box, "c", "a", "b")) == 3
    stream = Stream(box, "--interval=100ms", "a", "b", "c")
    assert [stream.next()["id"] for _ in range(3)] == ["a", "b", "c"]
    box.delete("b")
    while stream.next_of("stats", "a") and stream.next()["id"] != "c":
        pass  # of b, while it was being deleted
    box.delete("a")
    assert stream.process.poll() is None
    box.delete("c")
    stream.rest()
    stream.end()


def test_paused(box):
    running(box)
    box.orlop("pause", "c")
    stream = Stream(box, "--interval=50ms", "c")
    before = stream.next()["data"]["cpu"]["usage"]["total"]
    assert stream.next()["data"]["cpu"]["usage"]["total"] == before
    assert box.status() == "paused"
    box.orlop("resume", "c")
    box.delete()
    stream.rest()
    stream.end()


def test_created(box):
    b = box.bundle(["sleep", "100"])
    box.create(b)
    assert stats(box)["pids"]["current"] == 1
    stream = Stream(box, "c")
    assert stream.next()["type"] == "stats"
    box.delete()
    assert stream.rest() == []
    stream.end()


def test_stopped(box):
    box.run(box.bundle(["true"]), "--keep")
    running(box, id="d")
    for words in (("c",), ("--stats", "c")):
        assert "container not running" in box.orlop("events", *words, status=1).err
    r = box.orlop("events", "d", "c", status=1)
    assert "container not running" in r.err and "container c" in r.err and r.out == ""
    box.delete()
    box.delete("d")


def test_unknown(box):
    running(box)
    r = box.orlop("events", "--stats", "c", "x", status=1)
    assert 'container "x" does not exist' in r.err and r.out == ""
    box.delete()


def test_without_a_cgroup(box):
    b = box.bundle(["sleep", "100"])
    b.save()
    box.orlop("--cgroup-manager", "disabled", "run", "-d", "--bundle", b.path, "c")
    assert "no cgroup of its own" in box.orlop("events", "--stats", "c", status=1).err
    box.delete()


@pytest.mark.root("an ordinary user has no cgroup beside the container's")
def test_cgroup_removed_from_outside(box):
    """The container runs, so it has not ended; what it uses cannot be told, and that is said."""
    if DRIVER == "systemd":
        pytest.skip("systemd ends a unit whose cgroup is empty")
    b = running(box)
    running(box, id="d")
    own = where(b, "pids")
    other = f"{own}-other"
    os.mkdir(other)
    stream = Stream(box, "--interval=20ms", "c", "d")
    assert stream.next()["id"] == "c"
    try:
        with open(f"{other}/cgroup.procs", "w") as f:
            f.write(str(box.state()["pid"]))
        os.rmdir(own)
        r = box.orlop("events", "--stats", "c", status=1)
        assert "a cgroup of the container is gone" in r.err and r.out == "", r
        assert "container c: a cgroup of the container is gone" in box.orlop("events", "--stats", "d", "c", status=1).err
        shown = json.loads(box.orlop("stats", "--no-stream", "-f", "json", "--interval=1ms").out)
        assert shown[0] == {"id": "c"} and shown[1]["id"] == "d" and "cpu_ns" in shown[1]
        assert 'container="c"' in box.orlop("metrics").out
        while [stream.next()["id"] for _ in range(3)] != ["d"] * 3:
            pass  # until it has been left out
    finally:
        box.delete()
        box.delete("d")
        eventually(lambda: not read_path(f"{other}/cgroup.procs"), "the end of the process")
        os.rmdir(other)
    stream.rest()
    stream.end()


def read_path(path):
    with open(path) as f:
        return f.read()


def test_wrong_words(box):
    running(box)
    for interval, words in (("5", "invalid duration"), ("0s", "more than 0"), ("-1s", "invalid duration"), ("", "invalid duration")):
        r = box.orlop("events", f"--interval={interval}", "c", status=1)
        assert words in r.err and r.out == ""
    box.delete()


def test_reader_that_goes_away(box):
    """A broken pipe ends it, as any filter; the container does not care."""
    running(box)
    stream = Stream(box, "--interval=20ms", "c")
    stream.next()
    stream.stop()
    done = subprocess.run(["sh", "-c", '"$@" | head -n 2', "sh", *box.command("events", "--interval=20ms", "c")], capture_output=True, text=True, timeout=60)
    assert len(done.stdout.splitlines()) == 2
    assert box.status() == "running"
    box.delete()
