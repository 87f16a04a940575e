# SPDX-License-Identifier: Apache-2.0
"""What events prints, as its readers have it: the fields and types that containerd's go-runc and runc's own types decode; and a reader
of the stream that never waits without an end."""
import json
import queue
import subprocess
import threading

from orlop import PATIENCE

U64 = range(0, 1 << 64)
PRESSURE = {"avg10": float, "avg60": float, "avg300": float, "total": U64}
PSI = {"some": PRESSURE, "full": PRESSURE}
ENTRY = {"limit": U64, "usage?": U64, "max?": U64, "failcnt": U64}
IO = [{"major?": U64, "minor?": U64, "op?": str, "value?": U64}]
RDMA = [{"device": str, "hca_handles?": range(1 << 32), "hca_objects?": range(1 << 32)}]
FLAGS = ("cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab", "memory_pressure",
         "sched_load_balance")
STATS = {
    "cpu": {"usage": {"total?": U64, "percpu?": [U64], "percpu_kernel?": [U64], "percpu_user?": [U64], "kernel": U64, "user": U64},
            "throttling": {"periods?": U64, "throttledPeriods?": U64, "throttledTime?": U64}, "psi?": PSI},
    "cpuset": {"cpus?": [range(1 << 16)], "mems?": [range(1 << 16)], "sched_relax_domain_level": range(-(1 << 63), 1 << 63),
               **{flag: U64 for flag in FLAGS}},
    "memory": {"cache?": U64, "usage": ENTRY, "swap": ENTRY, "kernel": ENTRY, "kernelTCP": ENTRY, "raw?": {"*": U64}, "psi?": PSI},
    "pids": {"current?": U64, "limit?": U64},
    "blkio": {**{f"{name}?": IO for name in ("ioServiceBytesRecursive", "ioServicedRecursive", "ioQueueRecursive", "ioServiceTimeRecursive",
                                             "ioWaitTimeRecursive", "ioMergedRecursive", "ioTimeRecursive", "sectorsRecursive")}, "psi?": PSI},
    "hugetlb": {"*": {"usage?": U64, "max?": U64, "failcnt": U64}},
    "rdma?": {"rdma_limit?": RDMA, "rdma_current?": RDMA},
    "intel_rdt": {"l3_cache_info?": {"cbm_mask?": str, "min_cbm_bits?": U64, "num_closids?": U64}, "l3_cache_schema_root?": str, "l3_cache_schema?": str,
                  "mem_bw_info?": {name + "?": U64 for name in ("bandwidth_gran", "delay_linear", "min_bandwidth", "num_closids")},
                  "mem_bw_schema_root?": str, "mem_bw_schema?": str, "mbm_stats?": [{"mbm_total_bytes": U64, "mbm_local_bytes": U64}],
                  "cmt_stats?": [{"llc_occupancy": U64}]},
    "network_interfaces?": [{"Name": str, **{way + what: U64 for way in ("Rx", "Tx") for what in ("Bytes", "Packets", "Errors", "Dropped")}}],
}
EVENTS = {"stats": {"type": str, "id": str, "data": STATS}, "oom": {"type": str, "id": str}}


def check_shape(value, shape, at="event"):
    """Fails unless VALUE has all fields of SHAPE but those with a question mark, no others, and numbers that fit into the types of Go."""
    if isinstance(shape, range):
        assert type(value) is int and value in shape, (at, value)
    elif isinstance(shape, list):
        assert type(value) is list, (at, value)
        for i, item in enumerate(value):
            check_shape(item, shape[0], f"{at}[{i}]")
    elif isinstance(shape, dict):
        assert type(value) is dict, (at, value)
        names = {name.rstrip("?"): kind for name, kind in shape.items()}
        missing = {name for name in shape if name[-1] not in "?*"} - value.keys()
        assert not missing, (at, missing)
        for name, item in value.items():
            assert name in names or "*" in names, f"{at}: {name} is unknown"
            check_shape(item, names.get(name, names.get("*")), f"{at}.{name}")
    else:
        assert type(value) is shape, (at, value)


def check_event(line):
    """One line of events: checked, and decoded."""
    assert line.endswith("\n") and line.count("\n") == 1
    event = json.loads(line)
    check_shape(event, EVENTS[event["type"]])
    return event


class Stream:
    """A running `orlop events`."""

    def __init__(self, box, *words):
        self.process = subprocess.Popen(box.command("events", *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self.pump, daemon=True)
        self.thread.start()

    def pump(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def next(self, seconds=20):
        """The next event, or None at the end."""
        line = self.lines.get(timeout=seconds * PATIENCE)
        return line and check_event(line)

    def next_of(self, kind, id="c"):
        """The next event of a kind and a container; others are passed over."""
        while True:
            event = self.next()
            assert event is not None, f"the stream ended before {kind} of {id}"
            if (event["type"], event["id"]) == (kind, id):
                return event

    def rest(self):
        """Events until the end."""
        return list(iter(self.next, None))

    def end(self, status=0):
        """Waits for the end of the program."""
        assert self.process.wait(20 * PATIENCE) == status
        self.thread.join()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.thread.join()
