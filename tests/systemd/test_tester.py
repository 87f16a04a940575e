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
