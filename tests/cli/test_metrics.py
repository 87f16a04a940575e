# SPDX-License-Identifier: Apache-2.0
"""metrics: what all containers use, as OpenMetrics text that a strict reader takes, with the numbers that events tells."""
import json
import os
import re
import socket
import subprocess
import threading

import openmetrics
import pytest
from limits import hierarchies, v2_controllers
from orlop import USER

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MB = 1 << 20


def metrics(box):
    done = subprocess.run(box.command("metrics"), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return openmetrics.parse(done.stdout)


def running(box, args=("sleep", "100"), resources=None, id="c"):
    b = box.bundle(args)
    b.config["linux"]["resources"] = resources or {}
    box.run(b, "-d", id=id)
    return b


def statuses(families):
    """Container -> the status that is 1."""
    samples = families["orlop_container_status"].samples.items()
    return {dict(pairs)["container"]: dict(pairs)["status"] for (_, pairs), value in samples if value == 1}


# --- the reader itself

GOOD = b"""# TYPE a_seconds counter
# UNIT a_seconds seconds
# HELP a_seconds Some text and \\n some \\" escaping
a_seconds_total{x="y\\n\\"\\\\",z=""} 4.20072246e+06
a_seconds_total 0 1520879607.789
# TYPE b gauge
b{} -1
# TYPE c info
c_info{v="1"} 1
d 42.23
# EOF
"""


def test_reader_takes():
    families = openmetrics.parse(GOOD)
    assert families["a_seconds"].value(x='y\n"\\', z="") == 4200722.46
    assert (families["a_seconds"].type, families["a_seconds"].unit, families["b"].value(), families["d"].type) == ("counter", "seconds", -1, None)
    assert openmetrics.parse(b"# EOF") == openmetrics.parse(b"# EOF\n") == {}


@pytest.mark.parametrize("text", [
    b"", b"a 1\n", b"# EOF\na 1\n", b"\xef\xbb\xbf# EOF\n", b"a 1\r\n# EOF\n", b"a{b=\"\xff\"} 1\n# EOF\n", b"# EOF\n\n", b"\n# EOF\n", b"# a comment\n# EOF\n",
    b"a  1\n# EOF\n", b"a one\n# EOF\n", b"a 1 \n# EOF\n", b"a{b=c} 1\n# EOF\n", b"a{b=\"c\"\n# EOF\n", b"a{b=\"c\",} 1\n# EOF\n", b"a{b=\"c\",b=\"d\"} 1\n# EOF\n",
    b"a{b=\"\\x\"} 1\n# EOF\n", b"a{b=\"c\"d\"} 1\n# EOF\n", b"a{__b=\"c\"} 1\n# EOF\n", b"1a 1\n# EOF\n", b"a-b 1\n# EOF\n", b"a 1\na 2\n# EOF\n",
    b"a 1\nb 1\na{c=\"d\"} 1\n# EOF\n", b"# TYPE a counter\na 1\n# EOF\n", b"# TYPE a gauge\na_total 1\n# TYPE a_total gauge\n# EOF\n",
    b"# TYPE a counter\na_total -1\n# EOF\n", b"# TYPE a counter\na_total NaN\n# EOF\n", b"# TYPE a gauge\n# TYPE a gauge\n# EOF\n", b"a 1\n# TYPE a gauge\n# EOF\n",
    b"# TYPE a number\n# EOF\n", b"# UNIT a seconds\n# EOF\n", b"# TYPE a counter\n# TYPE a_total gauge\n# EOF\n", b"# TYPE a gauge\n# TYPE b gauge\n# HELP a x\n# EOF\n"])
def test_reader_refuses(text):
    with pytest.raises(openmetrics.Invalid):
        openmetrics.parse(text)


# --- what is written

def test_nothing(box):
    """Without containers, and before the first was made: every family, no sample."""
    families = metrics(box)
    assert all(f.type in ("counter", "gauge") and f.help for f in families.values()) and len(families) > 20  # what older readers know, too
    assert not any(f.samples for f in families.values())
    running(box)
    box.delete()
    assert not any(f.samples for f in metrics(box).values())


def test_numbers(box):
    """Those of events; of a container that stands still, so that both are of one moment."""
    limits = {c: r for c, r in (("memory", {"limit": 64 * MB}), ("pids", {"limit": 20})) if c in hierarchies() or c in v2_controllers()}
    running(box, ["sh", "-c", "head -c 100000 /dev/zero > /f; sleep 100 & wait"], limits)
    running(box, id="d")
    box.orlop("pause", "c")
    before = json.loads(box.orlop("events", "--stats", "c").out)["data"]
    families = metrics(box)
    after = json.loads(box.orlop("events", "--stats", "c").out)["data"]

    def between(name, get, scale=1):
        value = families[name].value(container="c")
        assert sorted((get(before) / scale, value, get(after) / scale))[1] == pytest.approx(value), name
    between("orlop_cpu_seconds", lambda d: d["cpu"]["usage"]["total"], 1e9)
    between("orlop_cpu_user_seconds", lambda d: d["cpu"]["usage"]["user"], 1e9)
    between("orlop_cpu_system_seconds", lambda d: d["cpu"]["usage"]["kernel"], 1e9)
    between("orlop_pids", lambda d: d["pids"]["current"])
    if "memory" in limits:
        between("orlop_memory_usage_bytes", lambda d: d["memory"]["usage"]["usage"])
        between("orlop_memory_cache_bytes", lambda d: d["memory"].get("cache", 0))
        assert families["orlop_memory_limit_bytes"].labels() == [{"container": "c"}]  # d has none
        assert families["orlop_memory_limit_bytes"].value(container="c") == 64 * MB
        assert families["orlop_memory_limit_hits"].value(container="d") == 0
    else:
        assert families["orlop_memory_usage_bytes"].samples == {}
    if "pids" in limits:
        assert families["orlop_pids_limit"].value(container="c") == 20
    assert families["orlop_network_receive_bytes"].value(container="c", interface="lo") == after["network_interfaces"][0]["RxBytes"]
    psi = {(l["container"], l["resource"]) for l in families["orlop_pressure_some_seconds"].labels()}
    assert psi == {(id, r) for id in "cd" for r in ("cpu", "memory", "io") if "psi" in after[{"io": "blkio"}.get(r, r)]}
    io = {l["operation"] for l in families["orlop_io_bytes"].labels()}
    assert io <= {"read", "write", "discard"}
    box.orlop("resume", "c")
    box.delete()
    box.delete("d")


def test_labels(box):
    """Whatever a bundle is called."""
    b = box.bundle(["sleep", "100"])
    odd = os.path.join(box.dir, 'a "b" \\c\nd é {}=,')
    os.rename(b.path, odd)
    b.path = odd
    box.run(b, "-d", id="c+1_.-")
    assert metrics(box)["orlop_container_bundle"].value(container="c+1_.-", bundle=odd) == 1
    box.delete("c+1_.-")


def test_labels_of_interfaces(box):
    running(box)
    words = ["ip", "link", "add", "name", '"\\n"', "type", "veth", "peer", "name", "p"]
    done = subprocess.run(["nsenter", "-t", str(box.state()["pid"]), "-n", *(["-U"] if USER else []), *words], capture_output=True, check=False)
    if done.returncode:
        box.delete()
        pytest.skip(f"no veth interfaces here: {done.stderr.decode(errors='replace')}")
    assert metrics(box)["orlop_network_receive_bytes"].value(container="c", interface='"\\n"') == 0
    box.delete()


def test_status(box):
    """Each container has one, and what has ended or has no cgroup has no more than that."""
    b = box.bundle(["sleep", "100"])
    box.create(b, id="created")
    running(box, id="paused")
    box.orlop("pause", "paused")
    running(box, id="running")
    box.run(box.bundle(["true"]), "--keep", id="stopped")
    b = box.bundle(["sleep", "100"])
    b.save()
    box.orlop("--cgroup-manager", "disabled", "run", "-d", "--bundle", b.path, "without")
    families = metrics(box)
    want = {id: id for id in ("created", "paused", "running", "stopped")}
    assert statuses(families) == {**want, "without": "running"}
    assert len(families["orlop_container_status"].samples) == 5 * 5
    assert "without" not in {l["container"] for l in families["orlop_cpu_seconds"].labels()}
    for id in [*want, "without"]:
        box.delete(id)


def test_what_cannot_be_read_is_left_out(box):
    """A container between its directory and its record, or after it, is no failure; nor is one whose record is not ours to read."""
    running(box)
    os.mkdir(f"{box.root}/half", 0o700)
    os.mkdir(f"{box.root}/damaged", 0o700)
    with open(f"{box.root}/damaged/state.json", "w") as f:
        f.write("{")
    assert statuses(metrics(box)) == {"c": "running"}
    box.delete("half")
    for name in ("damaged/state.json",):
        os.unlink(f"{box.root}/{name}")
    os.rmdir(f"{box.root}/damaged")
    box.delete()


def test_containers_that_come_and_go(box):
    """Every answer is whole, whatever vanishes meanwhile."""
    running(box, id="stays")
    b = box.bundle(["sleep", "100"])
    b.save()
    done = threading.Event()
    made = []

    def churn():
        while not done.is_set():
            for words in (("run", "-d", "--bundle", b.path, "goes"), ("delete", "--force", "goes")):
                subprocess.run(box.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            made.append(1)
    thread = threading.Thread(target=churn)
    thread.start()
    try:
        answers = [metrics(box) for _ in range(20)]
    finally:
        done.set()
        thread.join()
    assert made and all(statuses(a)["stays"] == "running" and set(statuses(a)) <= {"stays", "goes"} for a in answers)
    box.delete("stays")


def test_unit_files(box):
    """The service of docs/systemd answers a request of HTTP, as a socket of systemd would start it."""
    with open(f"{TOP}/docs/systemd/orlop-metrics@.service") as f:
        line = re.search("^ExecStart=/bin/sh -c '(.*)'$", f.read(), re.M).group(1)
    script = line.replace("$$", "$").encode().decode("unicode_escape").replace("\\r", "\r").replace("\\n", "\n")  # as systemd.service(5) reads it
    running(box)
    program, *options, _ = box.command("metrics")
    ours, its = socket.socketpair()
    with ours, its:
        process = subprocess.Popen(["/bin/sh", "-c", script.replace("exec orlop metrics", f"exec {program} {' '.join(options)} metrics")],
                                   stdin=its, stdout=its)
        its.close()
        ours.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text\r\n\r\n")
        answer = b"".join(iter(lambda: ours.recv(65536), b""))
        assert process.wait(60) == 0
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.split(b"\r\n") == [b"HTTP/1.0 200 OK", b"Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"]
    assert statuses(openmetrics.parse(body)) == {"c": "running"}
    box.delete()


def test_wrong_words(box):
    assert "too many operands" in box.orlop("metrics", "c", status=1).err
