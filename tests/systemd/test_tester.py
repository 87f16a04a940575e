# SPDX-License-Identifier: Apache-2.0
"""Containers of an ordinary user, where there is a user manager."""
import json
import os
import shutil
import subprocess

import pytest

import orlop


@pytest.fixture
def bundle(tmp_path_factory):
    """A bundle as `orlop spec --rootless` makes it for tester, with a program that he can reach."""
    top = tmp_path_factory.mktemp("tester")
    for parent in (top, *top.parents[:2]):
        os.chmod(parent, 0o755)
    shutil.copy(orlop.PROGRAM, top / "orlop")
    orlop.make_rootfs(str(top / "rootfs"))
    done = subprocess.run([orlop.PROGRAM, "spec", "--rootless", "--bundle", str(top)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    config = json.loads((top / "config.json").read_text())
    for kind in ("uid", "gid"):
        config["linux"][f"{kind}Mappings"] = [{"containerID": 0, "hostID": 6000, "size": 1}]
    config["process"].update(terminal=False, args=["sh", "-c", "id -u; cat /proc/self/uid_map; ps -o pid | tail -n 1"])
    (top / "config.json").write_text(json.dumps(config))
    subprocess.run(["chown", "-R", "6000:6000", str(top)], check=True)
    return top


def test_run(bundle, tester):
    done = tester(str(bundle / "orlop"), "--root", f"{bundle}/state", "run", "--bundle", str(bundle), "c")
    assert done.returncode == 0, done.stderr
    uid, uid_map = done.stdout.splitlines()[:2]
    assert uid == "0" and uid_map.split() == ["0", "6000", "1"]
    assert os.listdir(bundle / "state") == []


@pytest.fixture
def outside():
    """Runs a command as the ordinary user outside of what his user manager manages, as in a login session."""
    orlop.eventually(lambda: os.path.exists("/run/user/6000/systemd/private"), "the user manager of tester")

    def run(*argv, **env):
        words = [f"{k}={v}" for k, v in {"XDG_RUNTIME_DIR": "/run/user/6000", "HOME": "/home/tester", "PATH": os.environ["PATH"], **env}.items()]
        return subprocess.run(["setpriv", "--reuid=6000", "--regid=6000", "--init-groups", "env", "-i", *words, *argv], capture_output=True, text=True,
                              timeout=orlop.TIMEOUT, stdin=subprocess.DEVNULL, check=False, cwd="/")
    return run


MANAGER = "/user.slice/user-6000.slice/user@6000.service"


def set_up(bundle, path, *args):
    config = json.loads((bundle / "config.json").read_text())
    config["linux"]["cgroupsPath"] = path
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "cgroup"]
    config["process"]["args"] = list(args)
    (bundle / "config.json").write_text(json.dumps(config))


def life(bundle, run):
    """Creates, looks into, and deletes a container; says what its processes see of their cgroups."""
    program = [str(bundle / "orlop"), "--root", f"{bundle}/state"]

    def good(*words):
        """Output goes to a file: a pipe would be kept open by the container."""
        done = run("sh", "-c", f'exec "$@" >{bundle}/out 2>&1 </dev/null', "sh", *program, *words)
        output = (bundle / "out").read_text()
        assert done.returncode == 0, output
        return output

    good("--systemd-cgroup", "create", "--bundle", str(bundle), "--pid-file", f"{bundle}/pid", "c")
    good("start", "c")
    with open(f"/proc/{(bundle / 'pid').read_text()}/cgroup") as f:
        first = f.read()
    second = good("exec", "c", "cat", "/proc/self/cgroup")
    good("kill", "--all", "c", "KILL")
    good("delete", "--force", "c")
    assert os.listdir(bundle / "state") == []
    return [text[text.index("0::") + 3:].split()[0] for text in (first, second)]


def units(run):
    return run("systemctl", "--user", "list-units", "--all", "--plain", "--no-legend", "orlop-tester*").stdout


def test_systemd_of_the_user(bundle, tester, outside):
    set_up(bundle, ":orlop-tester:1", "sleep", "1000")
    assert life(bundle, tester) == [f"{MANAGER}/user.slice/orlop-tester-1.scope"] * 2
    assert units(outside) == ""


def test_systemd_of_the_user_from_a_session(bundle, outside):
    """A user's processes may leave his session's cgroup by systemd's help alone, in exec, too."""
    set_up(bundle, "orlop.slice:orlop-tester:1", "sleep", "1000")
    assert life(bundle, outside) == [f"{MANAGER}/orlop.slice/orlop-tester-1.scope"] * 2
    assert units(outside) == ""


def test_systemd_of_the_user_by_the_bus(bundle, outside):
    """With no word of $XDG_RUNTIME_DIR."""
    set_up(bundle, ":orlop-tester:1", "sleep", "1000")
    assert len(life(bundle, lambda *argv: outside(*argv, XDG_RUNTIME_DIR="", DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/6000/bus"))) == 2
    assert len(life(bundle, lambda *argv: outside(*argv, XDG_RUNTIME_DIR=""))) == 2
    assert units(outside) == ""


def test_no_systemd_of_the_user(bundle, outside):
    shutil.chown(bundle, 0, 0)
    done = subprocess.run(["setpriv", "--reuid=6001", "--regid=6001", "--clear-groups", "env", "-i", str(bundle / "orlop"), "--root", "/tmp/orlop-none",
                           "--systemd-cgroup", "create", "--bundle", str(bundle), "c"], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 1 and "the systemd of this user cannot be reached" in done.stderr, done.stderr
    shutil.rmtree("/tmp/orlop-none", ignore_errors=True)


def test_limit_whose_controller_is_not_delegated(bundle, tester):
    """The user manager has been given some controllers, and hugetlb is not among them."""
    with open("/sys/fs/cgroup/cgroup.controllers") as f:
        if "hugetlb" not in f.read().split() or not os.path.isdir("/sys/kernel/mm/hugepages/hugepages-2048kB"):
            pytest.skip("cgroup v2 has no controller hugetlb, or the machine no huge pages of 2 MiB")
    config = json.loads((bundle / "config.json").read_text())
    config["linux"]["resources"] = {"unified": {"hugetlb.2MB.max": "4194304"}}
    (bundle / "config.json").write_text(json.dumps(config))
    done = tester(str(bundle / "orlop"), "--root", f"{bundle}/state", "run", "--bundle", str(bundle), "c")
    assert done.returncode == 1
    for words in ('linux.resources.unified["hugetlb.2MB.max"]', "the cgroup has no controller hugetlb", "/cgroup.subtree_control", "hint: ", "Delegate="):
        assert words in done.stderr, done.stderr
    assert os.listdir(bundle / "state") == []
