# SPDX-License-Identifier: Apache-2.0
"""Labels of AppArmor and SELinux are what they were before a checkpoint, or what the caller of restore says."""
import re
import shutil
import subprocess

import pytest
from checkpoints import COUNT, c, cgroups_of, counter, delete_all, goes_on, numbers, program, starts_counting  # noqa: F401 - fixtures, too
from test_labels import selinux  # noqa: F401 - a fixture


def has_lsm(name):
    try:
        with open("/sys/kernel/security/lsm") as f:
            return name in f.read().split(",")
    except OSError:
        return False


def contexts(box):
    """The SELinux contexts of the container's mounts, by mount point."""
    with open(f"/proc/{box.state()['pid']}/mountinfo") as f:
        return {line.split()[4]: found.group(1) for line in f if (found := re.search(r'context="?([^",]+(?:,c\d+)*)"?', line))}


def label_of(box):
    with open(f"/proc/{box.state()['pid']}/attr/current") as f:
        return f.read().strip("\0\n")


@pytest.mark.parametrize("label", ["apparmor:unconfined", "selinux:system_u:system_r:container_t:s0"])
def test_lsm_profile(box, c, label):
    """Where the kernel and CRIU have that module it is taken; elsewhere CRIU says that they have not, and nothing is left."""
    b = counter(box, c)
    c.checkpoint()
    r = c.restore(b, "--lsm-profile", label, status=None)
    if r.status == 0:
        assert has_lsm(label.split(":")[0])
        goes_on(b)
        return
    assert "not supported by kernel" in r.err and (label.startswith("selinux") or not has_lsm("apparmor"))
    assert box.processes() == [] and cgroups_of(box) == set()


@pytest.fixture
def profiles(tmp_path):
    """Two profiles of AppArmor."""
    if not has_lsm("apparmor"):
        pytest.skip("this kernel has no AppArmor")
    parser = shutil.which("apparmor_parser") or pytest.skip("apparmor_parser is not installed, so no profile can be loaded")
    names, path = ["orlop-test-first", "orlop-test-second"], tmp_path / "profiles"
    path.write_text("".join(f"profile {n} flags=(attach_disconnected,mediate_deleted) {{ file, capability, signal, network, mount, ptrace, unix, }}\n" for n in names))
    subprocess.run([parser, "--replace", path], check=True)
    yield names
    subprocess.run([parser, "--remove", path], check=False)


def test_profiles_of_apparmor(box, c, profiles):
    """A profile is what it was, or what the caller says."""
    def profile():
        with open(f"/proc/{box.state()['pid']}/attr/current") as f:
            return f.read().split()[0]
    b = box.bundle(["sh", "-c", COUNT], apparmorProfile=profiles[0])
    c.run(b)
    starts_counting(b)
    assert profile() == profiles[0]
    for words, expected in ([], profiles[0]), (["--lsm-profile", f"apparmor:{profiles[1]}"], profiles[1]):
        c.checkpoint()
        c.restore(b, *words)
        goes_on(b)
        assert profile() == expected


def test_lsm_mount_context(box, c):
    """It is given to mounts whose images have a context; without SELinux none has."""
    b = counter(box, c)
    c.checkpoint()
    c.restore(b, "--lsm-mount-context", "system_u:object_r:container_file_t:s0")
    goes_on(b)
    assert has_lsm("selinux") or contexts(box) == {}


def test_real_mount_context(box, c, selinux):
    """Of mounts: what it was, or what the caller says."""
    _, _, label, _ = selinux
    b = box.bundle(["sh", "-c", COUNT])
    b.config["linux"]["mountLabel"] = label
    c.run(b)
    starts_counting(b)
    before = contexts(box)
    assert set(before.values()) == {label} and "/dev/shm" in before
    other = label.rsplit(":", 1)[0] + ":c0"
    for words, expected in ([], label), (["--lsm-mount-context", other], other):
        c.checkpoint()
        c.restore(b, *words)
        goes_on(b)
        assert contexts(box) == dict.fromkeys(before, expected)


def test_real_label_of_processes(box, c, selinux):
    """What it was; a CRIU that was built without SELinux forgets it, and then what was confined does not go on without."""
    _, label, _, _ = selinux
    b = box.bundle(["sh", "-c", COUNT], selinuxLabel=label)
    c.run(b)
    starts_counting(b)
    assert label_of(box) == label
    c.checkpoint()
    before = numbers(b)
    r = c.restore(b, status=None)
    if r.status == 0:
        assert label_of(box) == label
        goes_on(b)
        return
    assert "process.selinuxLabel: " in r.err and "this CRIU has not brought it back" in r.err and r.status == 1
    assert box.processes() == [] and cgroups_of(box) == set() and numbers(b) == before
