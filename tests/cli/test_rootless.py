# SPDX-License-Identifier: Apache-2.0
"""Containers of an ordinary user: with his own id alone, and with the ranges that /etc/subuid and /etc/subgid give him.  Both files, and the
/etc/passwd that has him, are seen in a private mount namespace only."""
import json
import os
import shutil
import subprocess

import pytest
from limits import ROOT, VIEW, hierarchies, v2_controllers, v2_root
from orlop import DRIVER, PROGRAM, eventually, make_rootfs

pytestmark = [pytest.mark.skipif(DRIVER != "cgroupfs", reason="this user has no systemd of his own; tests/systemd has one that has"),
              pytest.mark.root("becomes another user")]

USER, RANGE = 4242, 300000
ENTER = """set -e
for f in passwd group subuid subgid; do mount --bind "$0/$f" /etc/$f; done
exec setpriv --reuid=%d --regid=%d --clear-groups --inh-caps=-all -- "$@"
""" % (USER, USER)


@pytest.fixture
def user(box):
    """The box belongs to the user, and what it runs is run by him."""
    etc = os.path.join(box.dir, "etc")
    os.mkdir(etc)
    for name, line in (("passwd", f"tester:x:{USER}:{USER}::/nowhere:/bin/sh"), ("group", f"tester:x:{USER}:"),
                       ("subuid", f"tester:{RANGE}:5000"), ("subgid", f"tester:{RANGE}:5000")):
        with open(f"/etc/{name}" if os.path.exists(f"/etc/{name}") else "/dev/null") as f, open(f"{etc}/{name}", "w") as out:
            out.write(f.read() + line + "\n")
        if not os.path.exists(f"/etc/{name}"):
            pytest.skip(f"/etc/{name} is missing")
    box.program = shutil.copy(PROGRAM, os.path.join(box.dir, "orlop"))
    os.mkdir(os.path.join(box.dir, "run"))
    os.chown(os.path.join(box.dir, "run"), USER, USER)
    box.root = os.path.join(box.dir, "run/state")
    os.chmod(box.dir, 0o755)
    box.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, etc]
    return box


@pytest.fixture
def ranges(user):
    if not shutil.which("newuidmap"):
        pytest.skip("newuidmap is not installed")
    return user


def bundle(box, args, *, maps=False, **process):
    """As `spec --rootless` writes it, with his own id or with the ranges."""
    prefix, box.prefix = box.prefix, []
    b = box.bundle(args)
    box.prefix = prefix
    os.chown(b.path, USER, USER)
    os.unlink(f"{b.path}/config.json")
    box.orlop("spec", "--rootless", "--bundle", b.path)
    with open(f"{b.path}/config.json") as f:
        b.config = json.load(f)
    b.config["process"].update(terminal=False, args=list(args), **process)
    b.config["root"]["readonly"] = False
    if maps:
        for key in ("uidMappings", "gidMappings"):
            b.config["linux"][key] = [{"containerID": 0, "hostID": USER, "size": 1}, {"containerID": 1, "hostID": RANGE, "size": 5000}]
    subprocess.run(["chown", "-R", f"{USER}:{USER}", b.path], check=True)
    return b


def sh(script):
    return ["sh", "-c", script]


@pytest.mark.spec(98)
def test_own_id(user):
    b = bundle(user, sh("id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; echo x > /dev/null; echo y > /tmp/f"))
    assert user.run(b).out.split() == ["0", "0", "0", str(USER), "1", "0", str(USER), "1", "deny"]
    assert os.stat(f"{b.rootfs}/tmp/f").st_uid == USER


def test_root_directory_of_the_user(user):
    """Without --root, below XDG_RUNTIME_DIR."""
    b = bundle(user, ["id", "-u"])
    b.save()
    done = subprocess.run([*user.prefix, user.program, "run", "--bundle", b.path, "c"], capture_output=True, text=True,
                          env=dict(os.environ, XDG_RUNTIME_DIR=f"{user.dir}/run"), stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
    assert os.listdir(f"{user.dir}/run/orlop") == []


@pytest.mark.parametrize("maps", [["--map-root-user"], ["--map-auto", "--map-root-user"]], ids=["own id", "ranges"])
def test_root_of_an_engines_namespace(ranges, maps):
    """A rootless engine starts the runtime as root of a user namespace, to whom /run does not belong, and who may not be allowed to set groups."""
    b = bundle(ranges, ["sleep", "100"])
    for key in ("uidMappings", "gidMappings"):
        b.config["linux"][key] = [{"containerID": 0, "hostID": 0, "size": 1}]
    b.save()
    script = 'o=$1 && $o run --detach --bundle "$2" c </dev/null >/dev/null && $o exec c id -u && $o delete --force c'
    done = subprocess.run([*ranges.prefix, "unshare", "--user", *maps, "--mount", "sh", "-ec", script, "sh", ranges.program, b.path], capture_output=True,
                          text=True, env=dict(os.environ, XDG_RUNTIME_DIR=f"{ranges.dir}/run"), stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "0\n")
    assert os.listdir(f"{ranges.dir}/run/orlop") == []


@pytest.mark.parametrize("namespace", ["new", "inherited"])
@pytest.mark.parametrize("unshare", [["--map-root-user"], ["--map-root-user", "--mount"]], ids=["mounts of the host", "own mounts"])
def test_root_of_a_namespace_without_groups(user, unshare, namespace):
    """Who denies setgroups by `unshare -r` may mount nothing where he is without a mount namespace: the container's sources are opened from inside."""
    b = bundle(user, sh("id -u; cat /proc/self/setgroups; head -n 1 /file; echo x > /dev/null; grep -c ' /sys/fs/cgroup' /proc/self/mountinfo"))
    for key in ("uidMappings", "gidMappings"):
        b.config["linux"][key] = [{"containerID": 0, "hostID": 0, "size": 1}]
        if namespace == "inherited":
            del b.config["linux"][key]
    b.namespace("user", None if namespace == "new" else False)
    b.mount("/file", b.path + "/config.json", options=["bind", "ro"])
    user.prefix = [*user.prefix, "unshare", "--user", *unshare]
    out = user.run(b).out.splitlines()
    assert out[:3] == ["0", "deny", "{"] and int(out[-1]) > 0
    b.config["process"]["user"]["additionalGids"] = [0]
    err = user.run(b, status=1).err
    assert "process.user.additionalGids" in err and "groups cannot be set" in err
    assert user.orlop("list", "-q").out == ""


def test_exec_from_outside_of_a_namespace_without_groups(user):
    """The container's maps do not tell that setgroups is denied in it: that was done further up."""
    b = bundle(user, ["sleep", "100"])
    for key in ("uidMappings", "gidMappings"):
        b.config["linux"][key] = [{"containerID": 0, "hostID": 0, "size": 1}]
    outside, user.prefix = user.prefix, [*user.prefix, "unshare", "--user", "--map-root-user"]
    user.run(b, "-d")
    user.prefix = outside
    assert user.orlop("exec", "c", "cat", "/proc/self/setgroups").out == "deny\n"
    err = user.orlop("exec", "--additional-gids", "0", "c", "true", status=255).err
    assert "additionalGids" in err and "groups cannot be set" in err, err
    user.delete()


def test_exec_drops_the_callers_groups(ranges):
    """As run does, where setgroups is allowed."""
    b = bundle(ranges, ["sleep", "100"], maps=True)
    ranges.prefix = [word.replace("--clear-groups", f"--groups={USER},5") for word in ranges.prefix]
    ranges.run(b, "-d")
    assert ranges.orlop("exec", "c", "id", "-G").out == "0\n"
    ranges.delete()


@pytest.mark.parametrize("masked", [True, False])
def test_no_pivot_beside_a_procfs_out_of_reach(user, masked):
    """Which he cannot cover: to the kernel it is leave for who makes a user namespace in the container to mount one without masks."""
    closed = os.path.join(user.dir, "closed")
    os.makedirs(f"{closed}/proc")
    os.chmod(closed, 0o700)
    enter = user.prefix.index(ENTER)
    user.prefix[enter] = f'mount -t proc proc "$0/../closed/proc"\n{ENTER}'
    b = bundle(user, ["echo", "runs"])
    if not masked:
        b.config["linux"]["maskedPaths"] = b.config["linux"]["readonlyPaths"] = []
    r = user.run(b, "--no-pivot", status=int(masked))
    if masked:
        assert f"the host's {closed}/proc" in r.err and "leave --no-pivot out" in r.err
    else:
        assert r.out == "runs\n"
    assert user.run(b).out == "runs\n"


def test_root_directory_of_root(box):
    """Whatever XDG_RUNTIME_DIR says: a login's and a service's commands are to see the same containers."""
    run, b = os.path.join(box.dir, "run"), box.bundle(["id", "-u"])
    os.mkdir(run)
    b.save()
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-ec", 'mount -t tmpfs tmpfs /run; "$1" run --bundle "$2" c; ls /run', "sh",
                           box.program, b.path], capture_output=True, text=True, env=dict(os.environ, XDG_RUNTIME_DIR=run), check=False)
    assert (done.stdout, os.listdir(run)) == ("0\norlop\n", []), done


def test_life(user):
    b = bundle(user, ["sleep", "100"])
    user.create(b)
    assert user.status() == "created"
    user.orlop("start", "c")
    assert user.status() == "running"
    assert user.orlop("exec", "c", *sh("id -u; hostname")).out == "0\norlop\n"
    assert user.state()["owner"] == str(USER)
    assert user.orlop("list", "-q").out == "c\n"
    user.orlop("kill", "c", "KILL")
    user.wait("stopped")
    user.delete(force=False)
    assert not os.listdir(user.root)


@pytest.mark.spec(98)
def test_ranges(ranges):
    script = "id -u; id -g; id -G; cat /proc/self/setgroups; echo x > /tmp/f"
    b = bundle(ranges, sh(script), maps=True, user={"uid": 7, "gid": 8, "additionalGids": [9, 4000]})
    os.chmod(f"{b.rootfs}/tmp", 0o1777)
    assert ranges.run(b).out.splitlines() == ["7", "8", "8 9 4000", "allow"]
    st = os.stat(f"{b.rootfs}/tmp/f")
    assert (st.st_uid, st.st_gid) == (RANGE + 6, RANGE + 7)


def test_exec_with_ranges(ranges):
    b = bundle(ranges, ["sleep", "100"], maps=True)
    ranges.run(b, "-d")
    assert ranges.orlop("exec", "--user", "5:6", "--additional-gids", "11", "c", *sh("id -u; id -g; id -G")).out == "5\n6\n6 11\n"
    maps = [line.split() for line in ranges.orlop("exec", "c", "cat", "/proc/self/uid_map").out.splitlines()]
    assert maps == [["0", str(USER), "1"], ["1", str(RANGE), "5000"]]
    ranges.delete()


@pytest.mark.spec(99)
@pytest.mark.parametrize("no_new_privs", [True, False])
def test_seccomp(user, no_new_privs):
    """A filter needs no privilege but that of the user's own namespace, and his cache is his own."""
    b = bundle(user, ["sh", "-c", "grep Seccomp: /proc/self/status; mkdir /tmp/a"], noNewPrivileges=no_new_privs)
    b.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}
    for _ in range(2):
        r = user.run(b, status=1)
        assert r.out.split() == ["Seccomp:", "2"] and "No space left" in r.err


def test_joined_user_namespace(ranges):
    b = bundle(ranges, ["sleep", "100"], maps=True)
    b.namespace("network")
    ranges.run(b, "-d", id="other")
    there = ranges.state("other")["pid"]
    b = bundle(ranges, sh("cat /proc/self/uid_map; readlink /proc/self/ns/net; id -G; echo x > /tmp/f"), user={"uid": 3, "gid": 4, "additionalGids": [5]})
    for key in ("uidMappings", "gidMappings"):
        del b.config["linux"][key]
    for kind, file in (("user", "user"), ("network", "net")):
        b.namespace(kind, f"/proc/{there}/ns/{file}")
    os.chmod(f"{b.rootfs}/tmp", 0o1777)
    out = ranges.run(b).out.split()
    assert out[:6] == ["0", str(USER), "1", "1", str(RANGE), "5000"]
    assert out[6] == os.readlink(f"/proc/{there}/ns/net") and out[7:] == ["4", "5"]
    assert os.stat(f"{b.rootfs}/tmp/f").st_uid == RANGE + 2
    ranges.delete("other")


@pytest.mark.spec(98, 104)
def test_time_offsets(user):
    b = bundle(user, ["cat", "/proc/self/timens_offsets"])
    b.namespace("time")
    b.config["linux"]["timeOffsets"] = {"boottime": {"secs": 86400}}
    assert user.run(b).out.split()[3:] == ["boottime", "86400", "0"]


def test_mounts_of_a_running_container(user):
    """He may mount nothing where he is: his sources are opened from within his user namespace, before that sees the container's mounts."""
    b = bundle(user, ["sleep", "100"])
    user.run(b, "-d")
    source = os.path.join(user.dir, "source")
    os.mkdir(source)
    with open(f"{source}/file", "w") as f:
        f.write("x\n")
    os.chmod(source, 0o777)

    def change(what, *mounts, status=0):
        with open(os.path.join(user.dir, "mounts.json"), "w") as f:
            json.dump(list(mounts), f)
        return user.orlop("mounts", what, "c", f"{user.dir}/mounts.json", status=status)
    change("add", {"destination": "/new", "source": source, "options": ["bind", "ro"]}, {"destination": "/t", "type": "tmpfs"},
           {"destination": "/etc/passwd", "source": f"{source}/file", "options": ["bind"]})
    out = user.orlop("exec", "c", *sh("cat /new/file /etc/passwd; touch /new/no || echo ro; touch /t/yes; stat -c %u /t/yes")).out
    assert out == "x\nx\nro\n0\n"
    rows = json.loads(user.orlop("mounts", "list", "-f", "json", "c").out)
    assert sorted(m["destination"] for m in rows if m["added"]) == ["/etc/passwd", "/new", "/t"]
    err = change("add", {"destination": "/more", "type": "tmpfs"}, {"destination": "/no", "source": "/root/secret", "options": ["bind"]}, status=1).err
    assert "mounts[1]" in err and ("Permission denied" in err or "No such file" in err)
    change("remove", *({"destination": d} for d in ("/new", "/t", "/etc/passwd")))
    rows = json.loads(user.orlop("mounts", "list", "-f", "json", "c").out)
    assert not [m for m in rows if m["added"] or m["destination"] in ("/new", "/t", "/etc/passwd", "/more")]
    user.delete()


@pytest.mark.parametrize("mounted", [True, False])
@pytest.mark.parametrize("namespace", [True, False])
def test_cgroups_are_readonly(user, namespace, mounted):
    """CVE-2023-25809: neither what is mounted for the container nor what comes with the host's /sys below it can be written."""
    b = bundle(user, sh("grep ' /sys' /proc/self/mountinfo"))
    b.namespace("cgroup", None if namespace else False)
    if not mounted:
        b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
    lines = [line.split() for line in user.run(b).out.splitlines()]
    assert "/sys/fs/cgroup" in [words[4] for words in lines]
    assert [words for words in lines if "ro" not in words[5].split(",")] == []


def test_cgroups_are_writable_if_asked(user):
    b = bundle(user, sh("grep ' /sys/fs/cgroup ' /proc/self/mountinfo"))
    b.namespace("cgroup")
    for m in b.config["mounts"]:
        if m["destination"] == "/sys/fs/cgroup":
            m["options"] = [o for o in m["options"] if o != "ro"]
    lines = user.run(b).out.splitlines()
    assert "rw" in lines[-1].split()[5].split(",")


def test_without_a_cgroup(user):
    """Where he may make no cgroup, the container stays in his: what would be done to that one is not done to the container."""
    b = bundle(user, ["sleep", "100"])
    user.run(b, "-d")
    pid = user.state()["pid"]
    with open(f"/proc/{pid}/cgroup") as theirs, open("/proc/self/cgroup") as ours:
        assert theirs.read() == ours.read()
    limit = os.path.join(user.dir, "limit.json")
    with open(limit, "w") as f:
        json.dump({"pids": {"limit": 50}}, f)
    os.chmod(limit, 0o644)
    for words in (["ps", "c"], ["pause", "c"], ["exec", "--cgroup", "/", "c", "true"], ["exec", "--cgroup", "pids:/", "c", "true"],
                  ["update", "--pids-limit", "50", "c"], ["update", "--resources", limit, "c"], ["events", "--stats", "c"], ["events", "c"]):
        err = user.orlop(*words, status=255 if words[0] == "exec" else 1).err
        assert "cgroup of its own" in err, (words, err)
    assert user.status() == "running"
    user.orlop("resume", "c", status=1)
    assert user.orlop("exec", "c", "id", "-u").out == "0\n"
    user.orlop("kill", "--all", "c", "KILL")
    user.wait("stopped")
    user.delete(force=False)


@pytest.fixture
def taken(user):
    """The name that a container `c` without a path would have is that of a cgroup of root's, in which a process lives."""
    tops = [ROOT] if VIEW == "v2" else [*hierarchies().values(), *filter(None, [v2_root()])]
    paths = []
    for top, own in ((t, own_cgroup(t)) for t in tops):
        paths.append(top + (os.path.dirname(own) if VIEW == "v2" else own).rstrip("/") + user.cgroup)
        os.mkdir(paths[-1])
        cpuset = f"{paths[-1]}/cpuset."
        for name in ("cpus", "mems") if os.path.exists(cpuset + "sched_load_balance") else ():
            with open(f"{os.path.dirname(paths[-1])}/cpuset.{name}") as f, open(cpuset + name, "w") as out:
                out.write(f.read())
    process = subprocess.Popen(["sleep", "100"])
    for path in paths:
        with open(f"{path}/cgroup.procs", "w") as f:
            f.write(str(process.pid))
    yield user
    process.kill()
    process.wait()
    for path in paths:
        eventually(lambda path=path: not open(f"{path}/cgroup.procs").read(), "it is gone")
        os.rmdir(path)


def own_cgroup(top):
    """Where this process is in the hierarchy at TOP."""
    with open("/proc/self/cgroup") as f:
        lines = [line.rstrip().split(":", 2) for line in f]
    names = {ROOT: "", f"{ROOT}/unified": ""}
    controller = names.get(top, os.path.basename(top))
    return next(path for _, controllers, path in lines if (controller in controllers.split(",") if controller else controllers == ""))


def test_name_of_anothers_cgroup(taken):
    """Where he could make no cgroup it does not matter whose is there by the name; by his document's word it does."""
    user, name = taken, taken.cgroup[1:]
    b = bundle(user, ["cat", "/proc/self/cgroup"])
    b.namespace("cgroup", False)
    with open("/proc/self/cgroup") as ours:
        assert user.run(b, id=name).out == ours.read()
    b.config["linux"]["cgroupsPath"] = name
    err = user.run(b, id=name, status=1).err
    assert "linux.cgroupsPath" in err and ("cgroup is not empty" in err or "needs a delegated cgroup" in err), err
    assert user.orlop("list", "-q").out == ""


LIMITS = {"pids": ({"pids": {"limit": 40}}, {"pids": {"limit": 30}}, "pids.max", "40", "30"),
          "hugetlb": ({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 << 20}]}, {"hugepageLimits": [{"pageSize": "2MB", "limit": 2 << 20}]},
                      "hugetlb.2MB.max", str(4 << 20), str(2 << 20))}


@pytest.fixture
def delegated(user):
    """The user is in a cgroup that is his, with the controllers that it was given, as his login manager would have it."""
    if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        pytest.skip("cgroups are delegated on v2 alone")
    group = f"/sys/fs/cgroup{user.cgroup}-user"
    os.makedirs(f"{group}/start")
    with open("/sys/fs/cgroup/cgroup.controllers") as f:
        controllers = f.read().split()
    user.controller = next((c for c in LIMITS if c in controllers), None)
    if user.controller:
        with open("/sys/fs/cgroup/cgroup.subtree_control", "w") as f:
            f.write(f"+{user.controller}")
    for name in ("", "/cgroup.procs", "/cgroup.subtree_control", "/start", "/start/cgroup.procs"):
        os.chown(group + name, USER, USER)
    user.prefix = ["sh", "-c", 'echo 0 > "$0/start/cgroup.procs" && exec "$@"', group, *user.prefix]
    user.group = group
    yield user
    user.orlop("delete", "--force", "c", status=None) # of a test that failed
    os.rmdir(f"{group}/start")
    os.rmdir(group)


def test_delegated_cgroup(delegated):
    """He may make one there, which is the container's beside his own, and delete leaves nothing of it."""
    user, b = delegated, bundle(delegated, ["sleep", "100"])
    before = sorted(os.listdir(user.group))
    user.run(b, "-d")
    with open(f"/proc/{user.state()['pid']}/cgroup") as f:
        assert f.read().splitlines()[-1] == f"0::{user.cgroup}-user/c"
    assert len(user.orlop("ps", "c").out.splitlines()) == 2
    user.orlop("pause", "c")
    assert user.status() == "paused"
    user.orlop("resume", "c")
    assert '"type":"stats"' in user.orlop("events", "--stats", "c").out
    assert user.orlop("exec", "--cgroup", "/", "c", "tail", "-n", "1", "/proc/self/cgroup").out == "0::/\n"
    user.delete()
    assert [name for name in os.listdir(user.group) if name not in before] == []


def test_file_that_the_kernel_lacks(delegated):
    """Of a controller that he has: that he may not enable it further up is not the reason."""
    user, b = delegated, bundle(delegated, ["true"])
    if not user.controller:
        pytest.skip("no controller of v2 that a user may be given")
    file = f"{user.controller}.of_no_kernel"
    b.config["linux"]["resources"] = {"unified": {file: "1"}}
    err = user.run(b, status=1).err
    assert f'linux.resources.unified["{file}"]' in err and f"/c/{file}" in err and "No such file" in err, err
    assert "subtree_control" not in err, err


def test_name_of_a_cgroup_in_use(delegated):
    """Where he can make cgroups one that has processes stays another's."""
    user, b = delegated, bundle(delegated, ["sleep", "100"])
    user.run(b, "-d")
    first, user.root = user.root, os.path.join(user.dir, "run/other")
    err = user.run(bundle(user, ["true"]), status=1).err
    assert "linux.cgroupsPath" in err and "cgroup is not empty" in err
    assert user.orlop("list", "-q").out == ""
    user.root = first
    user.delete()


def test_limits_in_a_delegated_cgroup(delegated):
    user, b = delegated, bundle(delegated, ["sleep", "100"])
    if user.controller is None:
        pytest.skip(f"cgroup v2 has none of these controllers here: {' '.join(LIMITS)}")
    first, then, file, value, changed = LIMITS[user.controller]
    b.config["linux"]["resources"] = first
    user.run(b, "-d")
    with open(f"{user.group}/c/{file}") as f:
        assert f.read().strip() == value
    with open(f"{user.dir}/then.json", "w") as f:
        json.dump(then, f)
    os.chmod(f"{user.dir}/then.json", 0o644)
    user.orlop("update", "--resources", f"{user.dir}/then.json", "c")
    with open(f"{user.group}/c/{file}") as f:
        assert f.read().strip() == changed
    user.delete()
    assert not os.path.exists(f"{user.group}/c")


def refused(box, b, *words):
    err = box.run(b, status=1).err
    for word in words:
        assert word in err, err
    assert box.orlop("list", "-q").out == ""


@pytest.mark.spec(28)
def test_range_that_is_not_granted(ranges):
    b = bundle(ranges, ["true"], maps=True)
    b.config["linux"]["uidMappings"][1]["hostID"] = RANGE + 1
    refused(ranges, b, "linux.uidMappings", "newuidmap")


@pytest.mark.spec(28)
def test_group_range_that_is_not_granted(ranges):
    b = bundle(ranges, ["true"], maps=True)
    b.config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": USER, "size": 1}, {"containerID": 1, "hostID": 5, "size": 1}]
    refused(ranges, b, "linux.gidMappings", "newgidmap")


@pytest.mark.spec(28)
def test_helper_that_is_missing(user):
    b = bundle(user, ["true"], maps=True)
    b.save()
    done = subprocess.run([*user.prefix, "env", "PATH=/nowhere", *user.command("run", "--bundle", b.path, "c")[len(user.prefix):]],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and "newgidmap" in done.stderr and "linux." in done.stderr, done
    assert user.orlop("list", "-q").out == ""


def test_groups_without_a_range(user):
    """CVE-2014-8989: who maps himself alone may drop no group, so nobody may be given one."""
    b = bundle(user, ["true"], user={"uid": 0, "gid": 0, "additionalGids": [0]})
    refused(user, b, "process.user.additionalGids", "groups cannot be set")


def test_without_user_namespace(user):
    b = bundle(user, ["true"])
    b.namespace("user", False)
    for key in ("uidMappings", "gidMappings"):
        del b.config["linux"][key]
    refused(user, b, "linux.namespaces", "without privilege a container needs a user namespace")


def option(kind, text):
    def change(b):
        next(m for m in b.config["mounts"] if m["type"] == kind)["options"].append(text)
    return change


def new_mount(kind):
    return lambda b: b.mount("/tmp", kind, kind)


def cgroup2(b):
    if VIEW == "v2":
        pytest.skip("on cgroup v2 the host's is bound instead")
    b.mount("/tmp", "cgroup2", "cgroup2")


def foreign_root(b):
    """Files of another user, to which a mount point is missing."""
    os.rmdir(f"{b.rootfs}/proc")
    subprocess.run(["chown", "-R", "0:0", b.rootfs], check=True)


def closed(b):
    os.makedirs(f"{b.path}/closed/in")
    os.chmod(f"{b.path}/closed", 0o700)


def root_in_closed(b):
    closed(b)
    b.config["root"]["path"] = "closed/in"


def source_in_closed(b):
    closed(b)
    b.mount("/tmp", f"{b.path}/closed/in", options=["bind"])


def closed_directory(b):
    os.makedirs(f"{b.rootfs}/private/in")
    os.chmod(f"{b.rootfs}/private", 0o700)
    b.config["process"]["cwd"] = "/private/in"


def ping(b):
    b.namespace("network")
    b.config["linux"]["sysctl"] = {"net.ipv4.ping_group_range": "0 2147483647"}


def limit(b):
    name = next((c for c in LIMITS if c in [*hierarchies(), *v2_controllers()]), None) or pytest.skip("none of the controllers is here")
    b.config["linux"]["resources"] = LIMITS[name][0]


FIRST_DAY = [
    (lambda b: b.namespace("user", False) or [b.config["linux"].pop(f"{k}Mappings") for k in ("uid", "gid")], ["user namespace", "spec --rootless"]),
    (option("devpts", "gid=5"), ["mounts[2]", "gid=", "linux.gidMappings", "spec --rootless"]),
    (option("tmpfs", "uid=5"), ["mounts[1]", "uid=5", "linux.uidMappings"]),
    (cgroup2, ["create cgroup2", "cgroup namespace"]),
    (new_mount("ext4"), ["ext4", "hint: "]),
    (foreign_root, ["mounts[0]", 'mkdirat("proc"): Permission denied', "make it in the image"]),
    (root_in_closed, ["root.path", "/closed (mode 0700, owner 0, group 0) is not searchable"]),
    (source_in_closed, ["mounts[", "/closed (mode 0700, owner 0, group 0) is not searchable"]),
    (closed_directory, ["process.cwd", "/private/in", "searchable"]),
    (ping, ["ping_group_range", "both groups must be mapped"]),
    (lambda b: b.config["linux"].update(devices=[{"path": "/dev/none", "type": "c", "major": 10, "minor": 3}]), ["linux.devices[0]", "is the host's"]),
    (limit, ["linux.resources.", "delegated"]),
    (lambda b: b.config["linux"].update(uidMappings=[{"containerID": 0, "hostID": 0, "size": 1}]), ["linux.uidMappings", "/etc/subuid"]),
]


@pytest.mark.parametrize("change, words", FIRST_DAY, ids=[" ".join(words[:1]) for _, words in FIRST_DAY])
def test_first_day(ranges, change, words):
    """What meets users at first: what was done, on what, what the kernel said, and what to do."""
    b = bundle(ranges, ["true"])
    change(b)
    refused(ranges, b, *words)


def test_closed_bundle(user):
    b = bundle(user, ["true"])
    os.chown(b.path, 0, 0)
    os.chmod(b.path, 0o700)
    b.save()
    for path in (f"{b.path}/none", os.path.relpath(f"{b.path}/none")):
        err = user.orlop("run", "--bundle", path, "c", status=1).err
        assert "cannot open the bundle" in err and os.path.dirname(path) + " (mode 0700, owner 0, group 0) is not searchable for user" in err, err


def test_unreadable_program(user):
    """The kernel gives the /proc of what its user may not read to root."""
    b = bundle(user, ["true"])
    os.chmod(user.program, 0o711)
    user.prefix = [*user.prefix, "env"]  # (setpriv has root's capabilities, among them that to read, until it starts something)
    refused(user, b, "linux.uidMappings", "setgroups", "the program orlop must be readable")


def test_state_directory_of_another(user):
    b = bundle(user, ["true"])
    user.root = "/orlop-none/state"
    refused_err = user.run(b, status=1).err
    assert "record.reserve" in refused_err and "give --root" in refused_err


def test_id_that_is_not_mapped(user):
    refused(user, bundle(user, ["true"], user={"uid": 1, "gid": 0}), "process.user.uid")


@pytest.mark.spec(99)
def test_namespace_of_the_host(user):
    """Of which he may not be a member by his own namespace's rights."""
    b = bundle(user, ["true"])
    b.namespace("network", "/proc/1/ns/net")
    refused(user, b, "linux.namespaces[")


def test_network_device_of_the_host(user):
    b = bundle(user, ["true"])
    b.namespace("network")
    b.config["linux"]["netDevices"] = {"lo0": {}}
    refused(user, b, 'linux.netDevices["lo0"]')


def test_anothers_bundle_and_state(user):
    """State directories are the owner's: another user sees no container in them, and makes none."""
    b = bundle(user, ["sleep", "100"])
    user.run(b, "-d")
    other = ["setpriv", "--reuid=5151", "--regid=5151", "--clear-groups", user.program, "--root", user.root]
    for words in (["state", "c"], ["kill", "c", "KILL"], ["delete", "--force", "c"], ["exec", "c", "true"]):
        done = subprocess.run([*other, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode != 0, (words, done)
    assert user.status() == "running"
    user.delete()


def test_orlop_in_orlop(box):
    """Root of a container with a user namespace runs the program in there, on a bundle of its own."""
    outer = box.bundle(["sh", "-c", "cd /bundle && /bin/orlop --root /tmp/state run inner; echo status $?"])
    inner = os.path.join(outer.rootfs, "bundle")
    os.makedirs(os.path.join(inner, "rootfs"))
    make_rootfs(os.path.join(inner, "rootfs"))
    box.orlop("spec", "--rootless", "--bundle", inner)
    path = os.path.join(inner, "config.json")
    with open(path) as f:
        config = json.load(f)
    config["process"].update(terminal=False, args=["sh", "-c", "id -u; cat /proc/self/uid_map; echo x > /tmp/f && cat /tmp/f; echo $$"])
    config["root"]["readonly"] = False
    for key in ("uidMappings", "gidMappings"):
        config["linux"][key] = [{"containerID": 0, "hostID": 0, "size": 1}]
    with open(path, "w") as f:
        json.dump(config, f)
    shutil.copy(PROGRAM, os.path.join(outer.rootfs, "bin/orlop"))
    for line in subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout.splitlines():
        for word in line.split():
            if word.startswith("/"):
                os.makedirs(os.path.dirname(outer.rootfs + word), exist_ok=True)
                shutil.copy(word, outer.rootfs + word)
    names = [f"CAP_{n}" for n in ("SYS_ADMIN", "SETUID", "SETGID", "SETPCAP", "CHOWN", "DAC_OVERRIDE", "KILL", "NET_ADMIN", "SYS_CHROOT", "AUDIT_WRITE",
                                  "NET_BIND_SERVICE", "FOWNER", "FSETID", "MKNOD", "SYS_RESOURCE", "SETFCAP")]
    outer.config["process"]["capabilities"] = {k: names for k in ("bounding", "effective", "permitted")}
    # the kernel lets nobody mount a procfs where a part of the one that he sees is hidden (mount_too_revealing)
    outer.config["linux"]["maskedPaths"] = outer.config["linux"]["readonlyPaths"] = []
    outer.namespace("user")
    outer.config["linux"]["uidMappings"] = outer.config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": RANGE, "size": 65536}]
    subprocess.run(["chown", "-R", "-h", f"{RANGE}:{RANGE}", outer.rootfs], check=True)
    os.chmod(box.dir, 0o755)
    r = box.run(outer)
    assert r.out.split() == ["0", "0", "0", "1", "x", "1", "status", "0"], r
