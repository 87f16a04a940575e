# SPDX-License-Identifier: Apache-2.0
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]
import images  # noqa: E402
import orlop  # noqa: E402

orlop.under_reaper()


def pytest_collection_modifyitems(items):
    if not os.access(images.PROGRAM, os.X_OK):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="orlop-image was not built: libarchive-dev or libmd-dev is missing"))


@pytest.fixture
def box():
    """As in tests/cli: runs containers, and sees what is left of them."""
    if os.geteuid() != 0:
        pytest.skip("containers of this suite need root")
    b = orlop.Box()
    yield b
    b.close()


@pytest.fixture
def store(tmp_path):
    s = images.Store(tmp_path / "store")
    yield s
    s.close()
