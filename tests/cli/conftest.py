# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import orlop  # noqa: E402

orlop.under_reaper()


@pytest.fixture
def box():
    if os.geteuid() != 0:
        pytest.skip("containers of this suite need root")
    b = orlop.Box()
    yield b
    b.close()
