# SPDX-License-Identifier: Apache-2.0
"""The test host itself: what the tests beside this one may rely on."""
import os
import subprocess

import orlop


def test_systemd_is_the_first_process():
    with open("/proc/1/comm") as f:
        assert f.read() == "systemd\n"
    done = subprocess.run(["systemctl", "show", "--property=ActiveState", "orlop-test.service"], capture_output=True, text=True,
                          check=True)
    assert done.stdout == "ActiveState=active\n"


def test_cgroup_v2_alone():
    assert os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    with open("/proc/self/cgroup") as f:
        assert "0::/system.slice/orlop-test.service\n" in f.read()


def test_transient_scope():
    done = subprocess.run(["systemd-run", "--scope", "--quiet", "--unit=orlop-test-rig", "cat", "/proc/self/cgroup"], capture_output=True,
                          text=True, timeout=orlop.TIMEOUT, check=True)
    assert "0::/system.slice/orlop-test-rig.scope\n" in done.stdout


def test_tester_has_a_delegated_cgroup(tester):
    done = tester("sh", "-c", "id -u; mkdir /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/a && echo made")
    assert done.stdout == "6000\nmade\n", done.stderr


def test_container(box):
    """cgroup v2 as a container sees it here."""
    assert "0::/\n" in box.run(box.bundle(["cat", "/proc/self/cgroup"])).out
