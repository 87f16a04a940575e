# SPDX-License-Identifier: Apache-2.0
"""linux.intelRdt, in a directory that tests/lib/resctrl.c makes look like resctrl: machines of tests have none."""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from orlop import eventually
from usage import check_event

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    if not shutil.which("cc"):
        pytest.skip("cc is not installed")
    path = tmp_path_factory.mktemp("resctrl") / "resctrl.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, TOP / "tests/lib/resctrl.c"], check=True, timeout=60)
    return path


class Resctrl:
    def __init__(self, box, library):
        self.dir = f"{box.dir}/resctrl"
        self.env = [f"LD_PRELOAD={library}", f"FAKE_RESCTRL={self.dir}"]
        for d in ("", "/info", "/mon_groups"):
            os.mkdir(self.dir + d)
        self.fill("")
        pathlib.Path(self.dir, "info/last_cmd_status").write_text("mask is not consecutive\n")

    def fill(self, group, schemata="    L3:0=fffff;1=fffff\n    MB:0=100;1=100\n"):
        pathlib.Path(self.dir, group, "tasks").write_text("")
        pathlib.Path(self.dir, group, "schemata").write_text(schemata)

    def make(self, group, *more):
        """A group of the administrator's."""
        os.makedirs(f"{self.dir}/{group}/mon_groups")
        self.fill(group, *more)

    def read(self, name):
        path = pathlib.Path(self.dir, name)
        return path.read_text() if path.exists() else None

    def groups(self):
        return {d for d in os.listdir(self.dir) if os.path.isdir(f"{self.dir}/{d}")} - {"info", "mon_groups"}


@pytest.fixture
def resctrl(box, library):
    r = Resctrl(box, library)
    box.prefix = ["env", *r.env]
    return r


def bundle(box, rdt, args=("sleep", "100")):
    b = box.bundle(args)
    b.config["linux"]["intelRdt"] = rdt
    return b


def refused(box, resctrl, b, *words):
    before = sorted(os.walk(resctrl.dir))
    err = box.run(b, status=1).err
    for word in ("linux.intelRdt", *words):
        assert word in err, err
    assert sorted(os.walk(resctrl.dir)) == before
    assert box.orlop("list", "-q").out == ""


@pytest.mark.spec(136, 140, 141)
@pytest.mark.parametrize("rdt", [{}, {"closID": "", "l3CacheSchema": "", "memBwSchema": "", "schemata": []}])
def test_group_by_the_id(box, resctrl, rdt):
    box.run(bundle(box, rdt), "-d")
    assert resctrl.groups() == {"c"}
    assert resctrl.read("c/tasks") == str(box.state()["pid"])
    assert resctrl.read("c/writes") is None, "schemata written though nothing asks for it"
    box.delete()
    assert resctrl.groups() == set()


@pytest.mark.spec(136)
def test_exec_is_in_the_group(box, resctrl):
    box.run(bundle(box, {"enableMonitoring": True}), "-d")
    box.orlop("exec", "-d", "--pid-file", f"{box.dir}/pid", "c", "sleep", "100")
    with open(f"{box.dir}/pid") as f:
        assert resctrl.read("c/tasks") == resctrl.read("c/mon_groups/c/tasks") == f.read()
    box.delete()


@pytest.mark.spec(139, 140, 142, 172)
@pytest.mark.parametrize("rdt, writes", [
    ({"l3CacheSchema": "L3:0=f"}, "L3:0=f\n--\n"),
    ({"memBwSchema": "MB:0=20"}, "MB:0=20\n--\n"),
    ({"l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=20"}, "L3:0=f\nMB:0=20\n--\n"),
    ({"l3CacheSchema": "L3:0=f\nMB:0=70\nL3:1=3\n", "memBwSchema": "MB:0=20"}, "L3:0=f\nL3:1=3\nMB:0=20\n--\n"),
    ({"l3CacheSchema": "L3:0=f\nMB:0=70"}, "L3:0=f\nMB:0=70\n--\n"),
    ({"schemata": ["L3:0=3", "L2:0=1", "MB:0=10"]}, "L3:0=3\nL2:0=1\nMB:0=10\n--\n"),
    ({"schemata": ["L3:0=3"], "memBwSchema": "MB:0=20", "l3CacheSchema": "L3:0=f"}, "L3:0=f\nMB:0=20\n--\nL3:0=3\n--\n"),
])
@pytest.mark.parametrize("named", [False, True], ids=["id", "named"])
def test_what_is_written(box, resctrl, rdt, writes, named):
    group = "gold" if named else "c"
    box.run(bundle(box, {**rdt, **({"closID": "gold"} if named else {})}), "-d")
    assert resctrl.read(f"{group}/writes") == writes
    assert resctrl.read(f"{group}/tasks") == str(box.state()["pid"])
    box.delete()
    # one that the document names stays
    assert resctrl.groups() == ({"gold"} if named else set())


@pytest.mark.spec(142)
@pytest.mark.parametrize("rdt", [
    {"l3CacheSchema": "L3:0=7f0;1=1f"}, {"l3CacheSchema": "L3:1=0001F"}, {"memBwSchema": "MB:0=20;1=70"}, {"schemata": ["L3:0=7f0", "MB:1=70"]},
    {"l3CacheSchema": "L3:0=7F0", "memBwSchema": "MB:1=70"},
])
def test_group_that_is_as_it_should(box, resctrl, rdt):
    resctrl.make("gold", "    L3:0=7f0;1=1f\n    MB:0= 20;1= 70\n")
    box.run(bundle(box, {"closID": "gold", **rdt}), "-d")
    assert resctrl.read("gold/tasks") == str(box.state()["pid"]) and resctrl.read("gold/writes") is None
    box.delete()
    assert resctrl.groups() == {"gold"}


@pytest.mark.spec(142, 20)
@pytest.mark.parametrize("rdt", [
    {"l3CacheSchema": "L3:0=7f0;1=1e"}, {"l3CacheSchema": "L3:2=1"}, {"memBwSchema": "MB:0=2"}, {"schemata": ["L2:0=1"]}, {"schemata": ["L3"]},
    {"schemata": ["L3:0"]}, {"l3CacheSchema": "L3:0=7f0", "schemata": ["MB:0=21"]},
])
def test_group_that_differs(box, resctrl, rdt):
    resctrl.make("gold", "    L3:0=7f0;1=1f\n    MB:0=20;1=70\n")
    refused(box, resctrl, bundle(box, {"closID": "gold", **rdt}), "the group exists and its schemata are not")


@pytest.mark.spec(143, 144)
def test_named_group_without_schema(box, resctrl):
    refused(box, resctrl, bundle(box, {"closID": "gold"}), "linux.intelRdt.closID", "the group gold does not exist")
    resctrl.make("gold")
    box.run(bundle(box, {"closID": "gold"}), "-d")
    assert resctrl.read("gold/tasks") == str(box.state()["pid"]) and resctrl.read("gold/writes") is None
    box.delete()
    assert resctrl.groups() == {"gold"}


@pytest.mark.spec(138, 144)
def test_default_group(box, resctrl):
    box.run(bundle(box, {"closID": "/", "enableMonitoring": True}), "-d")
    pid = str(box.state()["pid"])
    assert resctrl.read("tasks") == pid and resctrl.read("mon_groups/c/tasks") == pid
    box.delete()
    assert resctrl.groups() == set() and resctrl.read("tasks") is not None and os.listdir(f"{resctrl.dir}/mon_groups") == []


@pytest.mark.spec(145, 172)
@pytest.mark.parametrize("rdt, group", [({}, "c"), ({"closID": "gold", "l3CacheSchema": "L3:0=f"}, "gold")])
def test_monitoring(box, resctrl, rdt, group):
    box.run(bundle(box, {**rdt, "enableMonitoring": True}), "-d")
    assert resctrl.read(f"{group}/mon_groups/c/tasks") == str(box.state()["pid"])
    box.delete()
    assert resctrl.read(f"{group}/mon_groups/c/tasks") is None
    assert resctrl.groups() == ({"gold"} if rdt else set())


@pytest.mark.spec(145, 144)
def test_monitoring_group_of_another(box, resctrl):
    resctrl.make("gold")
    os.mkdir(f"{resctrl.dir}/gold/mon_groups/c")
    refused(box, resctrl, bundle(box, {"closID": "gold", "enableMonitoring": True}), "linux.intelRdt.enableMonitoring")


@pytest.mark.spec(141, 144)
def test_group_of_another_with_our_id(box, resctrl):
    resctrl.make("c")
    refused(box, resctrl, bundle(box, {}), "exists already")


@pytest.mark.spec(20, 28)
@pytest.mark.parametrize("named", [False, True], ids=["id", "named"])
@pytest.mark.parametrize("when", ["schema", "hook", "program"])
def test_failed_create_leaves_no_group(box, resctrl, when, named):
    b = bundle(box, {"l3CacheSchema": "L3:bad" if when == "schema" else "L3:0=1", "enableMonitoring": True,
                     **({"closID": "gold"} if named else {})})
    if when == "hook":
        b.config["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    elif when == "program":
        b.config["process"]["args"] = ["does-not-exist"]
    err = box.run(b, status=1 if when != "program" else None).err
    assert when != "schema" or ("mask is not consecutive" in err and "rdt.make" in err and "linux.intelRdt" in err), err
    assert resctrl.groups() == set()


@pytest.mark.spec(20)
@pytest.mark.parametrize("named", [False, True], ids=["id", "named"])
def test_killed_create_is_repaired_by_delete(box, resctrl, named):
    b = bundle(box, {"l3CacheSchema": "L3:0=1", "enableMonitoring": True, **({"closID": "gold"} if named else {})})
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "100"]}]}
    b.save()
    creator = subprocess.Popen(box.command("create", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    group = "gold" if named else "c"
    eventually(lambda: resctrl.read(f"{group}/mon_groups/c/tasks"), "the group")
    os.killpg(creator.pid, signal.SIGKILL)
    creator.wait()
    for hook in [p for p in box.orphans() if "sleep 100" in p]:
        os.kill(int(hook.split()[0]), signal.SIGKILL)
    box.delete()
    assert resctrl.groups() == set()


@pytest.mark.spec(136)
def test_no_resctrl(box, resctrl):
    box.prefix += ["FAKE_RESCTRL_UNMOUNTED=1"]
    refused(box, resctrl, bundle(box, {}), "no resctrl file system is mounted")


@pytest.mark.spec(137)
def test_unset_touches_nothing(box, resctrl):
    before = sorted(os.walk(resctrl.dir))
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert sorted(os.walk(resctrl.dir)) == before and resctrl.read("tasks") == ""
    box.delete()


@pytest.mark.spec(139, 91)
@pytest.mark.parametrize("rdt", [
    {"closID": "a/b"}, {"closID": ".."}, {"closID": "."}, {"closID": "info"}, {"closID": "mon_groups"}, {"closID": "/a"},
    {"memBwSchema": "L3:0=1"}, {"memBwSchema": "MB:0=1\nMB:1=1"}, {"schemata": ["L3:0=1\nMB:0=1"]}, {"schemata": [""]}, {"schemata": "L3:0=1"},
])
def test_impossible_values(box, resctrl, rdt):
    refused(box, resctrl, bundle(box, rdt))


# --- update

@pytest.mark.parametrize("words, writes", [
    (["--l3-cache-schema", "L3:0=f"], "L3:0=f\n--\n"),
    (["--mem-bw-schema=MB:0=20"], "MB:0=20\n--\n"),
    (["--l3-cache-schema", "L3:0=f\nMB:0=70\nL3:1=3\n", "--mem-bw-schema", "MB:0=20"], "L3:0=f\nL3:1=3\nMB:0=20\n--\n"),
    (["--l3-cache-schema", "L3:0=f\nMB:0=70"], "L3:0=f\nMB:0=70\n--\n"),
])
@pytest.mark.parametrize("named", [False, True], ids=["id", "named"])
def test_update(box, resctrl, words, writes, named):
    if named:
        resctrl.make("gold")
    box.run(bundle(box, {"closID": "gold"} if named else {}), "-d")
    box.orlop("update", *words, "c")
    assert resctrl.read(f"{'gold' if named else 'c'}/writes") == writes
    box.delete()


def test_update_refused(box, resctrl):
    box.run(bundle(box, {}), "-d")
    err = box.orlop("update", "--l3-cache-schema", "L3:bad", "c", status=1).err
    assert "linux.intelRdt" in err and "mask is not consecutive" in err, err
    for line in ("L3:0=1", "MB:0=1\nMB:1=1"):
        assert "linux.intelRdt.memBwSchema: must be one line" in box.orlop("update", "--mem-bw-schema", line, "c", status=1).err
    assert resctrl.read("c/writes") is None
    box.orlop("update", "--l3-cache-schema", "", "c")  # asks for nothing
    assert resctrl.read("c/writes") is None
    box.delete()


def test_update_is_set_back(box, resctrl):
    """A limit is refused after the schemata were written."""
    box.run(bundle(box, {}), "-d")
    with open(f"{box.dir}/in", "w+") as f:
        f.write('{"unified": {"cgroup.no_such_file": "1"}, "rdma": {"mlx5_1": {"hcaHandles": 3}}}')
        f.seek(0)
        box.orlop("update", "--l3-cache-schema", "L3:0=f", "-r", "-", "c", status=1, stdin=f)
    assert resctrl.read("c/writes") == "L3:0=f\n--\n" + resctrl.read("c/schemata") + "--\n"
    box.delete()


def test_update_without_a_group_of_its_own(box, resctrl):
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert "created without linux.intelRdt" in box.orlop("update", "--l3-cache-schema", "L3:0=f", "c", status=1).err
    box.delete()
    box.run(bundle(box, {"closID": "/"}), "-d")
    assert "which is the whole machine's" in box.orlop("update", "--l3-cache-schema", "L3:0=f", "c", status=1).err
    assert resctrl.read("writes") is None
    box.delete()


# --- events

INFO = {"L3": {"cbm_mask": "fffff", "min_cbm_bits": "2", "num_closids": "16"},
        "MB": {"bandwidth_gran": "10", "delay_linear": "1", "min_bandwidth": "10", "num_closids": "8"}}


def write_files(directory, files):
    os.makedirs(directory, exist_ok=True)
    for name, text in files.items():
        pathlib.Path(directory, name).write_text(text + "\n")


def told(box):
    return check_event(box.orlop("events", "--stats", "c").out)["data"]["intel_rdt"]


def counts(group, sums):
    """mon_data of GROUP, for caches in another order than that of their numbers."""
    for cache in (10, 2, 1):
        write_files(f"{group}/mon_data/mon_L3_{cache:02}",
                    {"mbm_total_bytes": str(sums + cache), "mbm_local_bytes": "Unavailable" if cache == 10 else str(cache), "llc_occupancy": str(cache * 4096)})


@pytest.mark.parametrize("monitoring", [False, True], ids=["group", "monitor"])
@pytest.mark.parametrize("named", [False, True], ids=["id", "named"])
def test_events(box, resctrl, monitoring, named):
    for kind, files in INFO.items():
        write_files(f"{resctrl.dir}/info/{kind}", files)
    if named:
        resctrl.make("gold", "    MB:0= 20;1= 70\n    L3:0=7f0;1=1f\n")
    group = "gold" if named else "c"
    box.run(bundle(box, {"enableMonitoring": monitoring, **({"closID": "gold"} if named else {})}), "-d")
    counts(f"{resctrl.dir}/{group}", 1000)
    if monitoring:
        counts(f"{resctrl.dir}/{group}/mon_groups/c", 7000)
    sums = 7000 if monitoring else 1000
    assert told(box) == {
        "l3_cache_info": {"cbm_mask": "fffff", "min_cbm_bits": 2, "num_closids": 16},
        "l3_cache_schema_root": "L3:0=fffff;1=fffff", "l3_cache_schema": "L3:0=7f0;1=1f" if named else "L3:0=fffff;1=fffff",
        "mem_bw_info": {"bandwidth_gran": 10, "delay_linear": 1, "min_bandwidth": 10, "num_closids": 8},
        "mem_bw_schema_root": "MB:0=100;1=100", "mem_bw_schema": "MB:0= 20;1= 70" if named else "MB:0=100;1=100",
        "mbm_stats": [{"mbm_total_bytes": sums + n, "mbm_local_bytes": 0 if n == 10 else n} for n in (1, 2, 10)],
        "cmt_stats": [{"llc_occupancy": n * 4096} for n in (1, 2, 10)]}
    shutil.rmtree(f"{resctrl.dir}/{group}/mon_data")
    shutil.rmtree(f"{resctrl.dir}/{group}/mon_groups/c/mon_data", ignore_errors=True)
    box.delete()


def test_events_where_the_hardware_can_less(box, resctrl):
    write_files(f"{resctrl.dir}/info/MB", {**INFO["MB"], "min_bandwidth": "20"})
    resctrl.make("gold", "    MB:0=20\n")
    resctrl.fill("", "    MB:0=100\n")
    box.run(bundle(box, {"closID": "gold"}), "-d")
    assert told(box) == {"mem_bw_info": {"bandwidth_gran": 10, "delay_linear": 1, "min_bandwidth": 20, "num_closids": 8},
                         "mem_bw_schema_root": "MB:0=100", "mem_bw_schema": "MB:0=20"}
    shutil.rmtree(f"{resctrl.dir}/gold")
    assert told(box) == {}, "the group is gone, and with it what it tells"
    box.delete()


def test_events_without_a_group(box, resctrl):
    for kind, files in INFO.items():
        write_files(f"{resctrl.dir}/info/{kind}", files)
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert told(box) == {}
    box.delete()
