# SPDX-License-Identifier: Apache-2.0
"""--systemd-cgroup where it cannot be; where it can is in tests/systemd."""
import os

import pytest
from orlop import needs_cgroupfs


@pytest.mark.parametrize("words", [["--systemd-cgroup"], ["--systemd-cgroup=true"], ["--cgroup-manager", "systemd"]], ids=" ".join)
def test_refused_with_the_reason(box, words):
    if os.path.exists("/run/systemd/system"):
        pytest.skip("here it can be: systemd runs")
    b = box.bundle()
    b.config["linux"]["cgroupsPath"] = "system.slice:orlop-test:1"
    b.save()
    r = box.orlop(*words, "create", "--bundle", b.path, "c", status=1)
    assert "systemd cannot be reached" in r.err, r
    assert not os.path.exists(os.path.join(box.root, "c"))


def test_not_loaded_without_it(box):
    """libsystemd is for those who ask for it."""
    needs_cgroupfs("it is loaded")
    box.own_id_alone = True
    b = box.bundle(["true"])
    b.save()
    trace = os.path.join(box.dir, "trace")
    box.prefix = ["strace", "-f", "-o", trace, "-e", "trace=openat,connect"]
    box.orlop("run", "--bundle", b.path, "c")
    with open(trace) as f:
        text = f.read()
    assert "openat" in text and "libsystemd" not in text and "/run/systemd" not in text
