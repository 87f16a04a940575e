# SPDX-License-Identifier: Apache-2.0
"""The tests of mounts on a kernel without the new mount API: all through mount(2), except what it cannot do."""
import orlop
import pytest
import test_mounts
from test_mounts import *  # noqa: F401,F403 the tests themselves
from test_without import box, without  # noqa: F401 fixtures

# Attributes of mounts below another are beyond mount(2), the sources of a user namespace must be opened by itself, and id-mapped
# mounts came with mount_setattr.
BEYOND = ("test_recursive_flag", "test_recursive_flag_off", "test_recursive_strictatime", "test_recursive_flag_and_plain", "test_recursive_remount",
          "test_locked_flags_are_kept", "test_source_out_of_sight", "test_sysfs_fallback")
for name in [n for n in globals() if n in BEYOND or n.startswith("test_idmap")]:
    del globals()[name]


def pytest_generate_tests(metafunc):
    if "box" in metafunc.fixturenames:
        metafunc.parametrize("box", ["mount_api"], indirect=True)


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("options", [["rbind"], ["rbind", "ro"]])
def test_locked_flags(box, options):  # noqa: F811
    test_mounts.test_locked_flags_are_kept(box, options)


def refused(box, mount, option, **maps):  # noqa: F811
    b = box.bundle()
    b.mount("/mnt", mount, options=["rbind", option]).update(maps)
    return box.run(b, status=1).err


def test_recursive_flag_is_refused(box):  # noqa: F811
    """Where there is a mount below; without, one flag is all there is to it."""
    assert "attributes of mounts below another need mount_setattr (Linux 5.12)" in refused(box, "/proc", "rnoexec")
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    b.mount("/mnt", test_mounts.source(box), options=["rbind", "rnoexec"])
    assert "noexec" in test_mounts.flags(box.run(b).out)["/mnt"]


def test_idmap_is_refused(box):  # noqa: F811
    mappings = test_mounts.own(0, 2000)
    err = refused(box, test_mounts.source(box), "idmap", uidMappings=mappings, gidMappings=mappings)
    assert "id-mapped mounts need mount_setattr (Linux 5.12)" in err


def test_proc_fallback(box):  # noqa: F811
    if orlop.mounts_below("/proc"):
        pytest.skip(f"mount(2) cannot make all of the host's /proc read-only: mounts below it: {' '.join(orlop.mounts_below('/proc'))}")
    test_mounts.test_proc_fallback(box)
