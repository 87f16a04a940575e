# SPDX-License-Identifier: Apache-2.0
"""Every limit of linux.resources that is a file of a cgroup: what to ask for at create and by update, and what the kernel's file says then.

tests/cli/test_properties.py sets each, reads it, updates it, reads it, and updates it back, on whichever hierarchy there is.  tests/lint/limits.py compares
the table with src/cgroup/limits.c: a row there, on cgroup v1 or v2, is here or among those that cannot be tried, with the reason."""
import typing

MB = 1 << 20
DEVICE = {"major": "MAJOR", "minor": "MINOR"}  # of a block device of the machine; DEV in texts
ADAPTER = "ADAPTER"                            # a device of the controller rdma
GONE = None                                    # the file has no line for the device, or none of that key


class Case(typing.NamedTuple):
    before: dict          # resources at create
    after: dict           # those of the update
    v1: list = []         # files of cgroup v1: (name, what it says before, and after)
    v2: list = []
    options: tuple = ()   # of `update`, for before and after
    either: bool = False  # the first of the files that is there
    policy: bool = False  # of the block layer: an I/O scheduler or controller that must be switched on


def memory(**limits):
    return {"memory": limits}


def cpu(**limits):
    return {"cpu": limits}


def block(key, *devices, **limits):
    return {"blockIO": {**({key: [{**DEVICE, **d} for d in devices]} if devices else {}), **limits}}


def throttle(key, file, word):
    """Both rates, and none; rates of operations are numbers of 32 bits in the kernel, where more is none, too."""
    def rate(n):
        return block(key, {"rate": n})
    v1, v2 = f"blkio.throttle.{file}_device", "io.max"
    more = {f"{file} beyond": Case(rate(12345), rate(1 << 32), [(v1, "DEV 12345", GONE)], [(v2, f"DEV {word}=12345", GONE)])} if "iops" in file else {}
    return {**more, f"{file}": Case(rate(12345), rate(54321), [(v1, "DEV 12345", "DEV 54321")], [(v2, f"DEV {word}=12345", f"DEV {word}=54321")]),
            f"{file} none": Case(rate(12345), rate(0), [(v1, "DEV 12345", GONE)], [(v2, f"DEV {word}=12345", GONE)])}


def rdma(before, after, was, then):
    """Limits of the adapter."""
    rows = [("rdma.max", f"{ADAPTER} {was}", f"{ADAPTER} {then}")]
    return Case({"rdma": {ADAPTER: before}}, {"rdma": {ADAPTER: after}}, rows, rows)


V1_NONE = "9223372036854771712"
PROPERTIES = {
    "memory": Case(memory(limit=32 * MB), memory(limit=64 * MB), [("memory.limit_in_bytes", "33554432", "67108864")],
                   [("memory.max", "33554432", "67108864")], (["--memory", "32m"], ["--memory=67108864"])),
    "memory none": Case(memory(limit=32 * MB), memory(limit=-1), [("memory.limit_in_bytes", "33554432", V1_NONE)],
                        [("memory.max", "33554432", "max")], (["--memory", "32M"], ["--memory", "-1"])),
    "reservation": Case(memory(reservation=8 * MB), memory(reservation=12 * MB), [("memory.soft_limit_in_bytes", "8388608", "12582912")],
                        [("memory.low", "8388608", "12582912")], (["--memory-reservation", "8MiB"], ["--memory-reservation", "12mb"])),
    "swap": Case(memory(limit=32 * MB, swap=48 * MB), memory(limit=64 * MB, swap=96 * MB),
                 [("memory.memsw.limit_in_bytes", "50331648", "100663296")], [("memory.swap.max", "16777216", "33554432")],
                 (["--memory=32m", "--memory-swap=48m"], ["--memory=64m", "--memory-swap=96m"])),
    "swap alone": Case(memory(limit=32 * MB, swap=48 * MB), memory(swap=40 * MB), [("memory.memsw.limit_in_bytes", "50331648", "41943040")],
                       [("memory.swap.max", "16777216", "8388608")], (["--memory=32m", "--memory-swap=48m"], ["--memory-swap=40m"])),
    "swap none": Case(memory(limit=32 * MB, swap=48 * MB), memory(swap=-1), [("memory.memsw.limit_in_bytes", "50331648", V1_NONE)],
                      [("memory.swap.max", "16777216", "max")], (["--memory=32m", "--memory-swap=48m"], ["--memory-swap", "-1"])),
    "tcp": Case(memory(kernelTCP=8 * MB), memory(kernelTCP=4 * MB), [("memory.kmem.tcp.limit_in_bytes", "8388608", "4194304")], [],
                (["--kernel-memory-tcp", "8m"], ["--kernel-memory-tcp", "4m"])),
    "swappiness": Case(memory(swappiness=10), memory(swappiness=0), [("memory.swappiness", "10", "0")]),
    "hierarchy": Case(memory(useHierarchy=True), memory(useHierarchy=False), [("memory.use_hierarchy", "1", "1")]),
    "oom": Case(memory(disableOOMKiller=True), memory(disableOOMKiller=False), [("memory.oom_control", "oom_kill_disable 1", "oom_kill_disable 0")]),
    "shares": Case(cpu(shares=512), cpu(shares=1024), [("cpu.shares", "512", "1024")], [("cpu.weight", "59", "100")],
                   (["--cpu-share", "512"], ["--cpu-share=1024"])),
    "idle": Case(cpu(idle=1), cpu(idle=0, shares=512), [("cpu.idle", "1", "0")], [("cpu.idle", "1", "0")],
                 (["--cpu-idle", "1"], ["--cpu-idle=0", "--cpu-share=512"])),
    "quota": Case(cpu(quota=30000), cpu(quota=-1), [("cpu.cfs_quota_us", "30000", "-1")], [("cpu.max", "30000 100000", "max 100000")],
                  (["--cpu-quota", "30000"], ["--cpu-quota", "-1"])),
    "period": Case(cpu(period=60000, quota=30000), cpu(period=50000), [("cpu.cfs_period_us", "60000", "50000")],
                   [("cpu.max", "30000 60000", "30000 50000")], (["--cpu-period=60000", "--cpu-quota=30000"], ["--cpu-period=50000"])),
    "quota of a period": Case(cpu(period=60000, quota=30000), cpu(quota=20000), [("cpu.cfs_quota_us", "30000", "20000")],
                              [("cpu.max", "30000 60000", "20000 60000")], (["--cpu-period=60000", "--cpu-quota=30000"], ["--cpu-quota=20000"])),
    "burst": Case(cpu(quota=40000, burst=20000), cpu(quota=80000, burst=60000), [("cpu.cfs_burst_us", "20000", "60000")],
                  [("cpu.max.burst", "20000", "60000")],
                  (["--cpu-quota=40000", "--cpu-burst", "20000"], ["--cpu-quota=80000", "--cpu-burst=60000"])),
    "burst none": Case(cpu(quota=40000, burst=20000), cpu(burst=0), [("cpu.cfs_burst_us", "20000", "0")], [("cpu.max.burst", "20000", "0")],
                       (["--cpu-quota=40000", "--cpu-burst", "20000"], ["--cpu-burst=0"])),
    "real-time period": Case(cpu(realtimePeriod=500000), cpu(realtimePeriod=600000), [("cpu.rt_period_us", "500000", "600000")], [],
                             (["--cpu-rt-period", "500000"], ["--cpu-rt-period", "600000"])),
    "real-time runtime": Case(cpu(realtimeRuntime=1000), cpu(realtimeRuntime=2000), [("cpu.rt_runtime_us", "1000", "2000")], [],
                              (["--cpu-rt-runtime", "1000"], ["--cpu-rt-runtime", "2000"])),
    "cpus": Case(cpu(cpus="0"), cpu(cpus="0-1"), [("cpuset.cpus", "0", "0-1")], [("cpuset.cpus", "0", "0-1")],
                 (["--cpuset-cpus", "0"], ["--cpuset-cpus", "0,1"])),
    "cpu 0": Case(cpu(cpus="0"), cpu(cpus="0-0"), [("cpuset.cpus", "0", "0")], [("cpuset.cpus", "0", "0")],
                  (["--cpuset-cpus", "0"], ["--cpuset-cpus", "0-0"])),
    "mems": Case(cpu(mems="0"), cpu(mems="0-0"), [("cpuset.mems", "0", "0")], [("cpuset.mems", "0", "0")],
                 (["--cpuset-mems", "0"], ["--cpuset-mems", "0-0"])),
    "weight": Case(block(None, weight=321), block(None, weight=500), [("blkio.bfq.weight", "default 321", "default 500")],
                   [("io.bfq.weight", "default 321", "default 500"), ("io.weight", "default 3142", "default 4950")],
                   (["--blkio-weight", "321"], ["--blkio-weight=500"]), either=True, policy=True),
    "weight of a device": Case(block("weightDevice", {"weight": 321}), block("weightDevice", {"weight": 500}),
                               [("blkio.bfq.weight_device", "DEV 321", "DEV 500")],
                               [("io.bfq.weight", "DEV 321", "DEV 500"), ("io.weight", "DEV 3142", "DEV 4950")], either=True, policy=True),
    **throttle("throttleReadBpsDevice", "read_bps", "rbps"),
    **throttle("throttleWriteBpsDevice", "write_bps", "wbps"),
    **throttle("throttleReadIOPSDevice", "read_iops", "riops"),
    **throttle("throttleWriteIOPSDevice", "write_iops", "wiops"),
    "huge pages": Case({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MB}]}, {"hugepageLimits": [{"pageSize": "2MB", "limit": 2 * MB}]},
                       [(f"hugetlb.2MB.{x}limit_in_bytes", "4194304", "2097152") for x in ("", "rsvd.")],
                       [(f"hugetlb.2MB.{x}max", "4194304", "2097152") for x in ("", "rsvd.")]),
    "rdma": rdma({"hcaHandles": 3, "hcaObjects": 10000}, {"hcaHandles": 5, "hcaObjects": 20000},
                 "hca_handle=3 hca_object=10000", "hca_handle=5 hca_object=20000"),
    "rdma handles": rdma({"hcaHandles": 3}, {"hcaHandles": 0}, "hca_handle=3 hca_object=max", "hca_handle=0 hca_object=max"),
    "rdma objects": rdma({"hcaHandles": 3, "hcaObjects": 70}, {"hcaObjects": 80}, "hca_handle=3 hca_object=70", "hca_handle=3 hca_object=80"),
    "class": Case({"network": {"classID": 7}}, {"network": {"classID": 9}}, [("net_cls.classid", "7", "9")]),
    "priority": Case({"network": {"priorities": [{"name": "lo", "priority": 3}]}}, {"network": {"priorities": [{"name": "lo", "priority": 4}]}},
                     [("net_prio.ifpriomap", "lo 3", "lo 4")]),
    "pids": Case({"pids": {"limit": 50}}, {"pids": {"limit": 0}}, [("pids.max", "50", "0")], [("pids.max", "50", "0")],
                 (["--pids-limit", "50"], ["--pids-limit", "0"])),
    "pids none": Case({"pids": {"limit": 50}}, {"pids": {"limit": -1}}, [("pids.max", "50", "max")], [("pids.max", "50", "max")],
                      (["--pids-limit", "50"], ["--pids-limit", "-1"])),
    "unified": Case({"unified": {"cgroup.max.depth": "3"}}, {"unified": {"cgroup.max.depth": "5"}}, [], [("cgroup.max.depth", "3", "5")]),
}

# What a kernel may be without.
MAY_LACK = {"cpu.rt_period_us": "a kernel without CONFIG_RT_GROUP_SCHED", "cpu.rt_runtime_us": "a kernel without CONFIG_RT_GROUP_SCHED",
            "cpu.idle": "needs Linux 5.15", "cpu.cfs_burst_us": "needs Linux 5.14", "cpu.max.burst": "needs Linux 5.14",
            "memory.kmem.tcp.limit_in_bytes": "this kernel has it no more",
            "memory.swap.max": "a kernel that does not account swap", "memory.memsw.limit_in_bytes": "a kernel that does not account swap",
            "hugetlb.2MB.rsvd.max": "needs Linux 5.7", "hugetlb.2MB.rsvd.limit_in_bytes": "needs Linux 5.7"}

# (property, file) that no test can set: why.
UNTRIED = {
    ("memory.checkBeforeUpdate", "memory.usage_in_bytes"): "is not written: test_check_before_update",
    ("memory.checkBeforeUpdate", "memory.current"): "is not written: test_check_before_update",
    ("memory.kernel", "memory.kmem.limit_in_bytes"): "limits nothing since Linux 5.16: test_kernel_memory",
    ("blockIO.weight", "blkio.weight"): "of CFQ, which went with Linux 5.0",
    ("blockIO.leafWeight", "blkio.leaf_weight"): "of CFQ, which went with Linux 5.0: test_leaf_weight",
    ("blockIO.weightDevice[]", "blkio.weight_device"): "of CFQ, which went with Linux 5.0",
    ("blockIO.weightDevice[].leafWeight", "blkio.leaf_weight_device"): "of CFQ, which went with Linux 5.0: test_leaf_weight",
}


def asked(resources):
    """The properties that a document of resources has, as src/cgroup/limits.c names them."""
    def walk(value, where):
        if isinstance(value, list):
            for x in value:
                yield from walk(x, where + "[]")
        elif where == "rdma":
            yield where + "[]"
        elif isinstance(value, dict) and not where.endswith("[]"):
            for key, x in value.items():
                yield from walk(x, f"{where}.{key}" if where else key)
        else:
            yield where
            if isinstance(value, dict) and "leafWeight" in value:
                yield where + ".leafWeight"
    return set(walk(resources, ""))


def tried():
    """(property, file) of all cases, with * for the size of huge pages."""
    return {(where, name.replace("2MB", "*")) for c in PROPERTIES.values() for where in asked(c.before) for name, *_ in [*c.v1, *c.v2]}
