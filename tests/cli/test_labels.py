# SPDX-License-Identifier: Apache-2.0
"""Labels of AppArmor and SELinux: set where the kernel has the module, refused by name where it has not, never passed over; and the session keyring."""
import ctypes
import errno
import json
import os
import shutil
import subprocess

import pytest
from test_without import without  # noqa: F401 a fixture

APPARMOR = "/sys/module/apparmor/parameters/enabled"
SELINUX = "/sys/fs/selinux/enforce"


def has_apparmor():
    return os.path.exists(APPARMOR) and open(APPARMOR).read().startswith("Y")


no_apparmor = pytest.mark.skipif(has_apparmor(), reason="this kernel has AppArmor")
no_selinux = pytest.mark.skipif(os.path.exists(SELINUX), reason="this kernel has SELinux")
LABEL = "system_u:system_r:container_t:s0:c1,c2"


def exec_with(box, process, status=255):
    path = os.path.join(box.dir, "process.json")
    with open(path, "w") as f:
        json.dump({"args": ["true"], "cwd": "/", "env": ["PATH=/bin"], **process}, f)
    return box.orlop("exec", "--process", path, "c", status=status).err


# --- a kernel without the modules

@no_apparmor
def test_profile_without_apparmor(box):
    b = box.bundle(apparmorProfile="docker-default")
    err = box.run(b, status=1).err
    assert "process.apparmorProfile: AppArmor is not there" in err and APPARMOR in err and "docker-default" in err and "config.json:" in err
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert "apparmorProfile: AppArmor is not there" in exec_with(box, {"apparmorProfile": "x"})
    assert "AppArmor is not there" in box.orlop("exec", "--apparmor", "x", "c", "true", status=255).err
    box.delete()


@no_apparmor
def test_unconfined_passes(box):
    box.run(box.bundle(["sleep", "100"], apparmorProfile="unconfined", selinuxLabel=""), "-d")
    box.orlop("exec", "--apparmor", "unconfined", "c", "true")
    exec_with(box, {"apparmorProfile": "unconfined"}, status=0)
    box.delete()


@no_selinux
@pytest.mark.spec(156)
def test_label_without_selinux(box):
    err = box.run(box.bundle(selinuxLabel=LABEL), status=1).err
    assert "process.selinuxLabel: SELinux is not there" in err and "/sys/fs/selinux" in err
    b = box.bundle()
    b.config["linux"]["mountLabel"] = LABEL
    assert "linux.mountLabel: SELinux is not there" in box.run(b, status=1).err
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert "SELinux is not there" in box.orlop("exec", "--process-label", LABEL, "c", "true", status=255).err
    assert "selinuxLabel: SELinux is not there" in exec_with(box, {"selinuxLabel": LABEL})
    box.delete()


@pytest.mark.spec(91)
@pytest.mark.parametrize("label", ["a\nb", 'a"b', "a\u007f"])
def test_broken_label(box, label):
    b = box.bundle(apparmorProfile=label, selinuxLabel=label)
    b.config["linux"]["mountLabel"] = label
    err = box.run(b, status=1).err
    assert "process.apparmorProfile: must not" in err and "process.selinuxLabel: must not" in err and "linux.mountLabel: must not" in err


# --- a machine that says it has them and a kernel that has not: the label is written, and the kernel's answer is an error

PRETEND = """
mount -t tmpfs none /sys/module && mkdir -p /sys/module/apparmor/parameters && echo Y > /sys/module/apparmor/parameters/enabled || exit 99
d=$(mktemp -d) && mount --rbind /sys/fs/cgroup $d && mount -t tmpfs none /sys/fs && mkdir /sys/fs/selinux /sys/fs/cgroup \\
  && echo 0 > /sys/fs/selinux/enforce && mount --rbind $d /sys/fs/cgroup && umount -l $d && rmdir $d || exit 99
exec "$@"
"""


@pytest.fixture
def pretending(box):
    if has_apparmor() or os.path.exists(SELINUX):
        pytest.skip("this kernel has a security module of its own")
    box.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", PRETEND, "sh"]
    yield box
    box.prefix = []


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("process, path", [({"apparmorProfile": "docker-default"}, "process.apparmorProfile"), ({"selinuxLabel": LABEL}, "process.selinuxLabel")])
def test_label_that_the_kernel_refuses(pretending, process, path):
    b = pretending.bundle(**process)
    err = pretending.run(b, "--no-new-keyring", status=1).err
    assert f"{path}: label: " in err and "`/proc/self/attr/exec`" in err and "write(" in err  # engines look for the backquotes
    assert pretending.orlop("list", "-q").out == ""


@pytest.mark.root("mounts file systems before it runs")
def test_label_of_exec_that_the_kernel_refuses(pretending):
    pretending.run(pretending.bundle(["sleep", "100"]), "-d")
    err = pretending.orlop("exec", "--process-label", LABEL, "c", "true", status=255).err
    assert "attr/keycreate`" in err and "process.selinuxLabel" in err
    err = pretending.orlop("exec", "--apparmor", "p", "c", "true", status=255).err
    assert "apparmorProfile" in err and "`/proc/self/attr/exec`" in err
    pretending.delete()


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.spec(156)
def test_mount_label_that_the_kernel_refuses(pretending):
    b = pretending.bundle()
    b.config["linux"]["mountLabel"] = LABEL
    err = pretending.run(b, status=1).err
    assert "mounts[1]" in err and "context" in err  # the first of tmpfs; proc is not labelled


@pytest.mark.root("mounts file systems before it runs")
def test_procfs_of_the_container_is_not_asked(pretending):
    """Files that the image or a mount puts in place of /proc/self/attr are not written (CVE-2019-16884)."""
    b = pretending.bundle(apparmorProfile="docker-default")
    os.makedirs(os.path.join(b.rootfs, "proc/self/attr/apparmor"))
    for name in ("exec", "apparmor/exec"):
        with open(os.path.join(b.rootfs, "proc/self/attr", name), "w"):
            pass
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/proc"]
    b.config["linux"]["maskedPaths"] = b.config["linux"]["readonlyPaths"] = []
    assert "process.apparmorProfile" in pretending.run(b, status=1).err
    assert os.path.getsize(os.path.join(b.rootfs, "proc/self/attr/exec")) == os.path.getsize(os.path.join(b.rootfs, "proc/self/attr/apparmor/exec")) == 0


@pytest.mark.root("mounts file systems before it runs")
def test_procfs_of_the_container_is_not_asked_by_exec(pretending):
    """As above, where the container has had all the time to prepare."""
    b = pretending.bundle(["sleep", "100"])
    b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/proc"]
    b.config["linux"]["maskedPaths"] = b.config["linux"]["readonlyPaths"] = []
    os.makedirs(os.path.join(b.rootfs, "proc/self/attr/apparmor"))
    for name in ("exec", "apparmor/exec", "keycreate"):
        with open(os.path.join(b.rootfs, "proc/self/attr", name), "w"):
            pass
    pretending.run(b, "-d", "--no-new-keyring")
    assert "apparmorProfile" in pretending.orlop("exec", "--apparmor", "p", "c", "true", status=255).err
    assert "selinuxLabel" in pretending.orlop("exec", "--process-label", LABEL, "c", "true", status=255).err
    for name in ("exec", "apparmor/exec", "keycreate"):
        assert os.path.getsize(os.path.join(b.rootfs, "proc/self/attr", name)) == 0
    pretending.delete()


# --- the real thing

PROFILE = """
profile orlop-test flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  signal,
  deny /secret rw,
}
"""


@pytest.fixture
def profile(tmp_path):
    if not has_apparmor():
        pytest.skip(f"this kernel has no AppArmor ({APPARMOR})")
    if not shutil.which("apparmor_parser"):
        pytest.skip("apparmor_parser is not installed, so no profile can be loaded")
    path = tmp_path / "profile"
    path.write_text(PROFILE)
    subprocess.run(["apparmor_parser", "--replace", path], check=True)
    yield "orlop-test"
    subprocess.run(["apparmor_parser", "--remove", path], check=False)


@pytest.mark.root("loads a profile before it runs")
def test_real_profile(box, profile):
    b = box.bundle(["sleep", "100"], apparmorProfile=profile)
    with open(os.path.join(b.rootfs, "secret"), "w") as f:
        f.write("x")
    box.run(b, "-d")
    read = ["cat", "/proc/self/attr/current"]
    with open(f"/proc/{box.state()['pid']}/attr/current") as f:
        assert f.read().startswith(profile)
    assert box.orlop("exec", "c", *read).out.startswith(profile)
    assert box.orlop("exec", "--apparmor", "unconfined", "c", *read).out.startswith("unconfined")
    assert "Permission denied" in box.orlop("exec", "c", "cat", "/secret", status=1).err
    box.delete()
    err = box.run(box.bundle(apparmorProfile="no-such-profile"), status=1).err
    assert "process.apparmorProfile" in err and "exec`" in err and "loaded" in err


@pytest.fixture
def selinux():
    """A policy's labels: ours, a container's, that of its mounts and that of a file which it may not read.  tests/vm/with-selinux sets them."""
    if not os.path.exists(SELINUX):
        pytest.skip(f"this kernel has no SELinux ({SELINUX})")
    names = ("ORLOP_SELINUX_LABEL", "ORLOP_SELINUX_MOUNT_LABEL", "ORLOP_SELINUX_SECRET")
    if not all(name in os.environ for name in names):
        pytest.skip(f"the policy's labels are not known here: {', '.join(names)}")
    with open("/proc/self/attr/current") as f:
        return [f.read().strip("\0\n"), *(os.environ[name] for name in names)]


CURRENT = ["cat", "/proc/self/attr/current"]


@pytest.mark.parametrize("no_new_privileges", [False, True])
@pytest.mark.spec(156)
def test_real_label(box, selinux, no_new_privileges):
    ours, label, mount_label, _ = selinux
    b = box.bundle(["sleep", "100"], selinuxLabel=label, noNewPrivileges=no_new_privileges)
    b.config["linux"]["maskedPaths"].append("/home")
    b.config["linux"]["mountLabel"] = mount_label
    box.run(b, "-d")
    pid = box.state()["pid"]
    with open(f"/proc/{pid}/attr/current") as f:
        assert f.read().strip("\0\n") == label
    assert box.orlop("exec", "c", *CURRENT).out.strip("\0\n") == label
    assert box.orlop("exec", "--process-label", ours, "c", *CURRENT).out.strip("\0\n") == ours
    mounts = box.orlop("exec", "c", "cat", "/proc/self/mountinfo").out.splitlines()
    for target in ("/dev", "/dev/pts", "/dev/shm", "/home"):
        assert f'context="{mount_label}"' in [line for line in mounts if line.split()[4] == target][-1]
    assert os.getxattr(f"/proc/{pid}/root/dev/mqueue", "security.selinux").rstrip(b"\0").decode() == mount_label
    box.delete()


def test_real_label_that_the_policy_lacks(box, selinux):
    err = box.run(box.bundle(selinuxLabel="no:such:label:s0"), "--no-new-keyring", status=1).err
    assert "process.selinuxLabel" in err and "`/proc/self/attr/exec`" in err and "policy" in err
    b = box.bundle()
    b.config["linux"]["mountLabel"] = "no:such:label:s0"
    assert "context" in box.run(b, status=1).err
    assert box.orlop("list", "-q").out == ""


def test_real_label_is_enforced(box, selinux):
    """A container may not read what the policy denies its label; one without a label of its own may."""
    with open("/sys/fs/selinux/enforce") as f:
        assert f.read().strip() == "1"
    _, label, _, secret = selinux
    b = box.bundle(["cat", "/secret"], selinuxLabel=label)
    path = os.path.join(b.rootfs, "secret")
    with open(path, "w") as f:
        f.write("told")
    os.setxattr(path, "security.selinux", secret.encode())
    assert "Permission denied" in box.run(b, status=1).err
    b.config["process"].pop("selinuxLabel")
    assert box.run(b).out == "told"


def test_real_label_of_the_keyring(box, selinux):
    """The session keyring has the label of the program (keycreate), for exec, too."""
    ours, label, _, _ = selinux
    box.run(box.bundle(["sleep", "100"], selinuxLabel=label), "-d", id="labelled")
    assert keyring_label("_ses.labelled") == label
    box.orlop("delete", "--force", "labelled")
    box.run(box.bundle(["sleep", "100"]), "-d", id="plain")
    assert keyring_label("_ses.plain") == ours
    box.orlop("delete", "--force", "plain")


def keyring_label(name):
    with open("/proc/keys") as f:
        key = next(int(line.split()[0], 16) for line in f if name in line)
    libc, text = ctypes.CDLL(None, use_errno=True), ctypes.create_string_buffer(200)
    got = libc.syscall(250, 17, ctypes.c_int(key), text, len(text))  # keyctl(KEYCTL_GET_SECURITY)
    assert got > 0, os.strerror(ctypes.get_errno())
    return text.value.decode()


# --- the session keyring

def test_used_up_quota_is_a_warning(box, without):  # noqa: F811
    box.prefix, box.own_id_alone = [without, str(errno.EDQUOT), "keyctl"], True
    b = box.bundle(["echo", "runs"])
    b.save()
    r = box.orlop("--log-level", "warning", "run", "--bundle", b.path, "c")
    assert r.out == "runs\n" and "quota of keys" in r.err and "maxkeys" in r.err and "--no-new-keyring" in r.err
    box.run(box.bundle(["sleep", "100"]), "-d")
    assert "quota of keys" in box.orlop("--log-level", "warning", "exec", "c", "true").err
    box.delete()
    assert box.run(box.bundle(["echo", "runs"]), "--no-new-keyring").err == ""


def test_kernel_without_keys(box, without):  # noqa: F811
    box.prefix, box.own_id_alone = [without, str(errno.ENOSYS), "keyctl"], True
    assert box.run(box.bundle(["echo", "runs"])).err == ""


def test_keyring_of_its_own(box):
    if not os.path.exists("/proc/keys"):
        pytest.skip("this kernel has no /proc/keys")
    b = box.bundle(["cat", "/proc/keys"])
    b.config["linux"]["maskedPaths"] = []
    assert "_ses.container-x" in box.run(b, id="container-x").out
    assert "_ses.container-y" not in box.run(b, "--no-new-keyring", id="container-y").out
