# SPDX-License-Identifier: Apache-2.0
"""Tests under a systemd, with cgroup v2 alone (but for those in v1): in a guest its own, else that of tests/vm/systemd-on-host."""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import orlop  # noqa: E402
import units  # noqa: E402

TESTER = 6000  # whose user manager runs


@pytest.fixture
def box():
    b = orlop.Box()
    yield b
    b.close()


@pytest.fixture
def sd(box):
    driver = units.Driver(box)
    yield driver
    driver.end()


@pytest.fixture
def tester(tmp_path_factory):
    """Runs a command as the ordinary user, as a service of his user manager."""
    if not os.path.exists("/run/systemd/system") or os.geteuid() != 0:
        pytest.skip("there is no systemd")
    orlop.eventually(lambda: os.path.exists(f"/run/user/{TESTER}/bus"), "the user manager of tester")

    def run(*argv):
        bus = f"unix:path=/run/user/{TESTER}/bus"
        return subprocess.run(["setpriv", f"--reuid={TESTER}", f"--regid={TESTER}", "--init-groups", "env", f"XDG_RUNTIME_DIR=/run/user/{TESTER}",
                               f"DBUS_SESSION_BUS_ADDRESS={bus}", "HOME=/home/tester", "systemd-run", "--user", "--quiet", "--pipe",
                               "--wait", "--collect", "--property=Delegate=yes", *argv],
                              capture_output=True, text=True, timeout=orlop.TIMEOUT * 2, stdin=subprocess.DEVNULL, check=False)
    return run
