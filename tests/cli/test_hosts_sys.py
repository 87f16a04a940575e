# SPDX-License-Identifier: Apache-2.0
"""A recursive read-only bind of the host's /sys leaves the cgroups in it read-only, whatever name it has, and on older kernels, too (CVE-2023-25809)."""
import os

import orlop
import pytest
from test_mounts import ids  # noqa: F401 a fixture
from test_mounts_live import add, inside, mount, start
from test_without import MISSING, without  # noqa: F401 a fixture

NAMES = ["/sys", "/sys/", "//sys", "/sys/.", "/sys/fs", "/sys/fs/cgroup", "/sys/fs/cgroup/", "/sys/fs/../fs//cgroup", "link"]


@pytest.fixture(params=["this kernel", "mount_setattr", "mount_api"])
def any_kernel(request, box, without):  # noqa: F811
    if request.param != "this kernel":
        orlop.needs_root_or_tester()
        number, calls = MISSING[request.param]
        box.own_id_alone = True
        box.prefix = [without, str(number), calls]


def hosts_sys(box, name):
    """The host's /sys by NAME, or by a link to it."""
    if name != "link":
        return name
    link = os.path.join(box.dir, "sys")
    os.symlink("/sys", link)
    return link


def writable(mountinfo, at):
    """Of the cgroups mounted at AT and below it, of which there are some, and of what they stand in: those that are writable."""
    words = [line.split() for line in mountinfo.splitlines()]
    found = [w for w in words if (w[4] + "/").startswith(at + "/")]
    cgroups = [w for w in found if w[w.index("-") + 1].startswith("cgroup")]
    assert cgroups, mountinfo
    around = [w for w in found if w[4] == at or w[4].endswith("/fs/cgroup")]
    return [w[4] for w in cgroups + around if "ro" not in w[5].split(",")]


@pytest.mark.parametrize("name", NAMES)
def test_cgroups_are_read_only(box, any_kernel, ids, name):  # noqa: F811
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    ids(b)
    b.mount("/mnt", hosts_sys(box, name), options=["rbind", "ro"])
    assert writable(box.run(b).out, "/mnt") == []


@pytest.mark.root("to others the host's cgroups may be read-only anyway")
@pytest.mark.parametrize("options", [["rbind"], ["rbind", "ro", "rrw"]])
def test_cgroups_are_writable_if_asked(box, options):
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    b.mount("/mnt", "/sys", options=options)
    assert writable(box.run(b).out, "/mnt")


@pytest.mark.parametrize("name", NAMES)
def test_added_cgroups_are_read_only(box, ids, name):  # noqa: F811
    """As at create."""
    start(box, ids)
    add(box, mount("/new", hosts_sys(box, name), "rbind", "ro"))
    assert writable(inside(box, "cat /proc/self/mountinfo"), "/new") == []
    box.delete()
