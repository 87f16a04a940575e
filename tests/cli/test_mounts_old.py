# SPDX-License-Identifier: Apache-2.0
"""The tests of mounts on a kernel without the new mount API: all through mount(2), except what it cannot do."""
import subprocess

import orlop
import pytest
import test_mounts
from test_mounts import *  # noqa: F401,F403 the tests themselves
from test_without import box, without  # noqa: F401 fixtures

# The sources of a user namespace must be opened by itself, and id-mapped mounts came with mount_setattr.
BEYOND = ("test_locked_flags_are_kept", "test_source_out_of_sight", "test_sysfs_fallback")
for name in [n for n in globals() if n in BEYOND or n.startswith("test_idmap")]:
    del globals()[name]


def pytest_generate_tests(metafunc):
    if "box" in metafunc.fixturenames:
        detached = metafunc.function.__name__.startswith("test_recursive")  # of Linux 5.2 to 5.11: mountinfo does not have their mounts
        metafunc.parametrize("box", ["mount_api", *["mount_setattr"] * detached], indirect=True)


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("options", [["rbind"], ["rbind", "ro"]])
def test_locked_flags(box, options):  # noqa: F811
    test_mounts.test_locked_flags_are_kept(box, options)


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("option, flag", test_mounts.ON.items())
def test_recursive_flag(box, option, flag, ids):  # noqa: F811
    """As there; but in a user namespace the access time mode is the host's."""
    if ids == test_mounts.in_user_namespace and "atime" in option:
        with pytest.raises(AssertionError, match="Operation not permitted.*access time"):
            test_mounts.run_nested(box, [option], "rw", ids)
    else:
        test_mounts.test_recursive_flag(box, option, flag, ids)


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("options", [["rbind", "rro"], ["rbind", "rro", "rprivate"], ["bind", "rro"]])
def test_recursive_flag_of_a_covered_mount(box, options):
    """What mount(2) cannot reach is told, never left writable; without rbind it is not there."""
    src = test_mounts.source(box)
    words = test_mounts.privately(f'mount -t tmpfs on {src}; mkdir {src}/x; mount -t tmpfs below {src}/x; mount -t tmpfs above {src}/x; exec "$@"', "sh")
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    b.mount("/mnt", src, options=options)
    b.save()
    done = subprocess.run([*words, *box.command("run", "--bundle", b.path, "c")], capture_output=True, text=True, timeout=30, check=False,
                          stdin=subprocess.DEVNULL)
    if "rbind" in options:
        assert done.returncode == 1 and "mounts[" in done.stderr and "/x is covered by another" in done.stderr, done.stderr
        assert "need mount_setattr (Linux 5.12)" in done.stderr
    else:
        assert done.returncode == 0 and "ro" in test_mounts.flags(done.stdout)["/mnt"], done.stderr


def test_idmap_is_refused(box):  # noqa: F811
    mappings = test_mounts.own(0, 2000)
    b = box.bundle()
    b.mount("/mnt", test_mounts.source(box), options=["rbind", "idmap"]).update(uidMappings=mappings, gidMappings=mappings)
    err = box.run(b, status=1).err
    assert "id-mapped mounts need mount_setattr (Linux 5.12)" in err
