# SPDX-License-Identifier: Apache-2.0
"""The same tests of containers on a kernel without this or that: a filter (tests/lib/without.c) makes the calls fail.

Without the calls for mounts all of them run, else those that the missing call concerns."""
import errno
import os
import shutil
import subprocess

import orlop
import pytest
import test_container
import test_mounts
from limits import VIEW, v2_controllers
from test_container import *  # noqa: F401,F403 the tests themselves

MISSING = {
    "openat2": (errno.ENOSYS, "openat2"),  # before Linux 5.6
    "mount_api": (errno.ENOSYS, "fsopen,fsconfig,fsmount,open_tree,open_tree_attr,move_mount,mount_setattr"),  # before 5.2
    "mount_setattr": (errno.ENOSYS, "mount_setattr,open_tree_attr"),  # before 5.12
    "open_tree_attr": (errno.ENOSYS, "open_tree_attr,fchmodat2"),  # before 6.15 and 6.6
    "close_range": (errno.ENOSYS, "close_range"),  # before 5.9
    "close_range_cloexec": (errno.EINVAL, "close_range:2:4"),  # before 5.11
    "memfd_exec": (errno.EACCES, "memfd_create:1:16"),  # vm.memfd_noexec=2
    "old_memfd": (errno.EINVAL, "memfd_create:1:16"),  # before 6.3
}
MOUNTS = {name for name in dir(test_container) if name.startswith("test_")}
SOME = {"test_namespaces_are_its_own", "test_user_namespace", "test_bind_file_and_directory", "test_masked_and_readonly_paths",
        "test_symlinks_stay_inside", "test_dev_symlink_is_not_followed_outside", "test_proc_symlink_is_refused", "test_devices",
        "test_descriptors", "test_preserved_descriptor", "test_program_errors_are_creates", "test_start_reports_execve"}
MORE_IDS = {"test_identity", "test_rlimits_for_another_user", "test_no_other_procfs_is_mounted_around_the_masks"}  # than an ordinary user's own
ONE = {"test_namespaces_are_its_own", "test_descriptors", "test_preserved_descriptor"}
TESTS = {"mount_api": MOUNTS, "mount_setattr": SOME, "open_tree_attr": SOME, "openat2": SOME}


def pytest_generate_tests(metafunc):
    if "box" in metafunc.fixturenames:
        metafunc.parametrize("box", [m for m in MISSING if metafunc.function.__name__ in TESTS.get(m, ONE)], indirect=True)


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    compiler = shutil.which(os.environ.get("CC", "cc")) or pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("without") / "without"
    source = os.path.join(os.path.dirname(orlop.__file__), "without.c")
    subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-o", program, source], check=True)
    done = subprocess.run([program, "1", "bpf", "true"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == 77:
        pytest.skip(done.stdout)
    return str(program)


@pytest.fixture
def box(request, without):
    orlop.needs_root_or_tester()
    if orlop.USER and request.node.originalname in MORE_IDS:
        pytest.skip("as root alone: the ids are mapped by newuidmap, which has no privilege under a filter")
    number, calls = MISSING[request.param]
    b = orlop.Box()
    b.own_id_alone = True
    b.prefix = [without, str(number), calls]
    yield b
    b.close()


def test_the_filter_works(without):
    """A call that is refused is refused: otherwise everything here would pass for nothing."""
    script = "import ctypes,sys; l = ctypes.CDLL(None, use_errno=True); sys.exit(l.syscall(437, -1, b'', None, 0) != -1 or ctypes.get_errno())"
    assert subprocess.run([without, "38", "openat2", "/usr/bin/python3", "-c", script], check=False).returncode == 38
    assert subprocess.run([without, "38", "bpf", "/usr/bin/python3", "-c", script], check=False).returncode != 38


@pytest.fixture
def bare():
    orlop.needs_root_or_tester()
    b = orlop.Box()
    b.own_id_alone = True
    yield b
    b.prefix = []
    b.close()


def test_clone3_is_needed(bare, without):
    b = bare.bundle()
    bare.prefix = [without, str(errno.ENOSYS), "clone3"]
    err = bare.run(b, status=1).err
    assert "clone3" in err and "orlop needs Linux 5.4" in err
    assert bare.orlop("list", "-q").out == ""


@pytest.mark.parametrize("call", ["pidfd_open", "pidfd_send_signal"])
def test_pidfds_are_needed(bare, without, call):
    """Never a signal by number instead: it could meet another process."""
    bare.run(bare.bundle(["sleep", "100"]), "-d")
    bare.prefix = [without, str(errno.ENOSYS), call]
    err = bare.orlop("kill", "c", "KILL", status=1).err
    assert call in err and "orlop needs Linux 5.4" in err
    bare.prefix = []
    assert bare.status() == "running"
    bare.delete()


@pytest.mark.parametrize("user_namespace", [False, True])
def test_setns_takes_no_pidfd(bare, without, user_namespace):
    """Before Linux 5.8: exec joins one namespace after the other."""
    b = bare.bundle(["sleep", "100"])
    if user_namespace:
        test_mounts.in_user_namespace(b)
    flags = {"pid": 0x20000000, "network": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000, "mount": 0x00020000, "cgroup": 0x02000000, "user": 0x10000000}
    all_of_them = sum(flags[n["type"]] for n in b.config["linux"]["namespaces"])
    bare.run(b, "-d")
    bare.prefix = [without, str(errno.EINVAL), f"setns:1:={all_of_them}"]
    names = "cgroup ipc mnt net pid user uts"
    out = bare.orlop("exec", "c", "sh", "-c", f"for n in {names}; do readlink /proc/self/ns/$n; done; id -u; hostname; ls /bin/busybox").out.split()
    pid = bare.state()["pid"]
    assert out[:7] == [os.readlink(f"/proc/{pid}/ns/{n}") for n in names.split()]
    assert out[7:] == ["0", b.config["hostname"], "/bin/busybox"]
    bare.prefix = []
    bare.delete()


def test_oom_and_sysctl(box, request):  # noqa: F811
    if "mount_api" in request.node.name and orlop.mounts_below("/proc/sys"):
        pytest.skip(f"without fsopen the host's /proc is written through, where mounts cover: {' '.join(orlop.mounts_below('/proc/sys'))}")
    test_container.test_oom_and_sysctl(box)


@pytest.mark.parametrize("user_namespace", [False, True])
@pytest.mark.parametrize("error", ["EACCES", "EINVAL", "E2BIG", "EOPNOTSUPP", "EBUSY"])
def test_clone_into_cgroup_is_refused(bare, error, user_namespace):
    """By an older kernel, or one that does not let us: the container's first process joins by cgroup.procs, and so does what exec starts."""
    if VIEW != "v2":
        pytest.skip("clone3 makes processes in a cgroup on cgroup v2 alone")
    orlop.needs_cgroupfs("the first process is moved to its cgroup")
    if not shutil.which("strace"):
        pytest.skip("strace is missing")
    b, trace = bare.bundle(["sleep", "100"]), os.path.join(bare.dir, "trace")
    if user_namespace:
        test_mounts.in_user_namespace(b)
    bare.prefix = ["strace", "-o", trace, "-e", "trace=clone3", "-e", f"inject=clone3:error={error}:when=1"]

    def refused_once():
        with open(trace) as f:
            calls = f.read().split("clone3(")[1:]
        assert [("CLONE_INTO_CGROUP" in c, "INJECTED" in c) for c in calls] == [(True, True), (False, False)], calls

    bare.run(b, "-d")
    refused_once()
    with open(f"/proc/{bare.state()['pid']}/cgroup") as f:
        assert f.read().endswith(f"::{b.cgroup}\n")
    assert bare.orlop("exec", "c", "cat", "/proc/self/cgroup").out.endswith("::/\n")
    with open(trace) as f:
        assert "INJECTED" in f.read()
    bare.prefix = []
    bare.delete()


def test_cgroup_that_takes_no_process(bare):
    """What refuses is told by the cgroup's own file, not by the call that makes processes."""
    if VIEW != "v2":
        pytest.skip("only a cgroup of v2 takes no process because it hands on controllers")
    orlop.needs_cgroupfs("the first process is in the cgroup already, which then hands on no controllers")
    if "hugetlb" not in v2_controllers():
        pytest.skip("no hugetlb controller of cgroup v2 in this view")
    b = bare.bundle()
    b.config["linux"]["resources"] = {"unified": {"hugetlb.2MB.max": "0", "cgroup.subtree_control": "+hugetlb"}}
    err = bare.run(b, status=1).err
    assert "cgroup.procs" in err and "Device or resource busy" in err, err
    assert bare.orlop("list", "-q").out == ""
