# SPDX-License-Identifier: Apache-2.0
"""The tests of mounts on a kernel without the new mount API: all through mount(2), except what it cannot do."""
import subprocess

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
        detached = metafunc.function.__name__.startswith("test_recursive")  # of Linux 5.2 to 5.11: mountinfo does not have their mounts
        metafunc.parametrize("box", ["mount_api", *["mount_setattr"] * detached], indirect=True)


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("options", [["rbind"], ["rbind", "ro"]])
def test_locked_flags(box, options):  # noqa: F811
    test_mounts.test_locked_flags_are_kept(box, options)


def run(box, src, prepare, options, script="cat /proc/self/mountinfo"):  # noqa: F811
    """A container with SRC at /mnt, after the shell did PREPARE to it."""
    b = box.bundle(["sh", "-c", script])
    b.mount("/mnt", src, options=options)
    b.save()
    return subprocess.run([*test_mounts.privately(prepare + '; exec "$@"', "sh"), *box.command("run", "--bundle", b.path, "c")],
                          capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("options", [["rbind", "rro"], ["rbind", "rnoexec", "rprivate"], ["rbind", "ro", "rrw"], ["bind", "rro"]])
def test_recursive_flag_of_mounts_below(box, options):
    """Whoever owns the directories could hide what is mounted in them: told, never left writable.  Without rbind it is not there."""
    src = test_mounts.source(box)
    done = run(box, src, f"mount -t tmpfs on {src}; mkdir {src}/x; mount -t tmpfs below {src}/x", options)
    if "rbind" in options:
        assert done.returncode == 1 and "mounts[" in done.stderr, done.stderr
        assert "attributes of mounts below another need mount_setattr (Linux 5.12)" in done.stderr
    else:
        assert done.returncode == 0 and "ro" in test_mounts.flags(done.stdout)["/mnt"], done.stderr


@pytest.mark.parametrize("options", [["rbind", "rnoexec"], ["rbind", "rnoexec", "rprivate"], ["rbind", "rnoexec", "unbindable"]])
def test_recursive_flag_of_one_mount(box, options):
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    b.mount("/mnt", test_mounts.source(box), options=options)
    assert "noexec" in test_mounts.flags(box.run(b).out)["/mnt"]


@pytest.mark.root("mounts file systems before it runs")
def test_recursive_flag_below_proc(box):
    """There nobody moves directories."""
    src = test_mounts.source(box)
    done = run(box, src, f"mount -t proc on {src}; mount -t tmpfs below {src}/tty", ["rbind", "rro"])
    found = test_mounts.flags(done.stdout)
    assert done.returncode == 0 and "ro" in found["/mnt"] and "ro" in found["/mnt/tty"], done.stderr


@pytest.mark.root("mounts file systems before it runs")
def test_recursive_flag_of_a_covered_mount(box):
    src = test_mounts.source(box)
    done = run(box, src, f"mount -t proc on {src}; mount -t tmpfs below {src}/tty; mount -t tmpfs above {src}/tty", ["rbind", "rro"])
    assert done.returncode == 1 and "/tty is covered by another" in done.stderr and "need mount_setattr (Linux 5.12)" in done.stderr, done.stderr


def test_idmap_is_refused(box):  # noqa: F811
    mappings = test_mounts.own(0, 2000)
    b = box.bundle()
    b.mount("/mnt", test_mounts.source(box), options=["rbind", "idmap"]).update(uidMappings=mappings, gidMappings=mappings)
    err = box.run(b, status=1).err
    assert "id-mapped mounts need mount_setattr (Linux 5.12)" in err
