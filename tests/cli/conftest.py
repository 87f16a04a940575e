# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import orlop  # noqa: E402

orlop.under_reaper()


def pytest_runtest_setup(item):
    """What needs root says why (`@pytest.mark.root("it ...")`), and is left out where an ordinary user runs the tests."""
    mark = item.get_closest_marker("root")
    if mark and orlop.USER:
        pytest.skip(f"as root alone: {mark.args[0]}")


@pytest.fixture
def box():
    orlop.needs_root_or_tester()
    b = orlop.Box()
    yield b
    b.close()


@pytest.fixture
def adapter():
    """The name of a device of the controller rdma: the machine's, or in a guest that of the module which it was given (tests/vm/adapter.c)."""
    have = "/sys/class/infiniband"
    names = sorted(os.listdir(have)) if os.path.isdir(have) else []
    if not names and "ORLOP_GUEST" not in os.environ:
        pytest.skip("this machine has no RDMA adapter; tests/run vm-short gives one to a guest")
    if not names and orlop.USER:
        pytest.skip("this machine has no RDMA adapter, and an ordinary user can load no module that gives one")
    if not names:  # It stays: Linux (6.1) walks over cgroups that are gone when a device goes for which they had limits.
        subprocess.run(["modprobe", "orlop_adapter"], check=True)
        names = ["orlop0"]
    return names[0]
