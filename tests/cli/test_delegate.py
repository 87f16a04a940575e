# SPDX-License-Identifier: Apache-2.0
"""run.oci.delegate-cgroup: the first process in a cgroup below the container's own."""
import os

import pytest
from limits import ROOT, VIEW

KEY = "run.oci.delegate-cgroup"


@pytest.fixture
def bundle(box):
    b = box.bundle(["sh", "-c", "cat /proc/self/cgroup; sleep 1000"])
    b.config["annotations"] = {KEY: "inner"}
    return b


@pytest.mark.skipif(VIEW != "v2", reason="of cgroup v2 alone")
def test_first_process_is_below(box, bundle):
    out = box.create(bundle).out
    box.orlop("start", "c")
    pid = box.state()["pid"]
    with open(f"/proc/{pid}/cgroup") as f:
        assert f"0::{bundle.cgroup}/inner\n" in f.read()
    with open(f"{ROOT}{bundle.cgroup}/cgroup.procs") as f:
        assert f.read() == ""
    assert "0::/" in box.orlop("exec", "c", "cat", "/proc/self/cgroup").out
    with open(out) as f:
        assert "0::/inner\n" in f.read()  # the root is the container's cgroup
    box.delete()
    assert not os.path.exists(ROOT + bundle.cgroup)


@pytest.mark.root("orlop gives a cgroup to another id than its own with root's privilege alone")
@pytest.mark.skipif(VIEW != "v2", reason="of cgroup v2 alone")
def test_given_with_the_containers_own(box, bundle):
    bundle.config["process"]["user"] = {"uid": 5, "gid": 5}
    for m in bundle.config["mounts"]:
        if m["destination"] == "/sys/fs/cgroup":
            m["options"] = [o for o in m["options"] if o != "ro"]
    box.create(bundle)
    for path in (bundle.cgroup, f"{bundle.cgroup}/inner"):
        assert os.stat(ROOT + path).st_uid == 5 and os.stat(f"{ROOT}{path}/cgroup.procs").st_uid == 5
    box.delete()


@pytest.mark.skipif(VIEW == "v2", reason="here it can be: this view has cgroup v2 alone")
def test_refused_on_v1(box, bundle):
    r = box.run(bundle, status=1)
    assert f'annotations["{KEY}"]' in r.err and "cgroup v2 alone" in r.err, r


@pytest.mark.parametrize("name", ["a/b", "..", "."])
def test_no_name(box, bundle, name):
    bundle.config["annotations"][KEY] = name
    r = box.run(bundle, status=1)
    assert f'annotations["{KEY}"]' in r.err and "no name of a cgroup" in r.err, r
