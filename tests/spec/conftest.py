# SPDX-License-Identifier: Apache-2.0
"""The rules of the specification, each by what a container of it shows.  These tests know no more of the program than the operations and
words that runc, crun and orlop share, so that any of them may be ORLOP (tests/spec/compare.py); texts of errors are left to tests/cli."""
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import orlop  # noqa: E402

orlop.under_reaper()


def clear(directory):
    """Removes a cgroup, once what was killed in it has ended."""
    def gone():
        try:
            os.rmdir(directory)
        except OSError:
            pass
        return not os.path.exists(directory)
    orlop.eventually(gone, f"{directory} is removed", 5)


class SpecBox(orlop.Box):
    """A box with the questions that these tests ask."""

    def sh(self, script, change=None, *options):
        """What a script prints inside."""
        b = self.bundle(["sh", "-c", script])
        if change:
            change(b)
        return self.run(b, *options).out

    def refuses(self, change):
        """True if create fails, saying so, and makes nothing."""
        b = self.bundle(["true"])
        change(b)
        r = self.create(b, status=None)
        made = self.orlop("state", "c", status=None).status == 0
        if made:
            self.delete()
        return r.status != 0 and not made

    def close(self):
        """A peer may leave things: that fails its test, and is cleared away."""
        try:
            super().close()
        finally:
            for line in self.processes():
                os.kill(int(line.split()[0]), signal.SIGKILL)
            for top in set(self.snapshot()["cgroups"]) - set(self.before["cgroups"]):
                for directory, _, _ in os.walk(top, topdown=False):
                    clear(directory)

    def fails(self, *words):
        return self.orlop(*words, status=None).status != 0


@pytest.fixture
def box():
    if os.geteuid() != 0:
        pytest.skip("containers of this suite need root")
    b = SpecBox()
    yield b
    b.close()
