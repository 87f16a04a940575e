# SPDX-License-Identifier: Apache-2.0
"""procfs, sysfs, cgroups and what is masked: what a container sees of the kernel, and what the runtime writes into it."""
import os
import subprocess

import orlop
import pytest


def at(options, destination, source="tmpfs", type="tmpfs"):
    return {"destination": destination, "type": type, "source": source, "options": options}


@pytest.mark.attack("T3", "T9", "T25")
@pytest.mark.parametrize("over", ["/proc", "/proc/self/attr", "/proc/thread-self/attr", "/proc/sys", "/proc/sys/net", "/proc/1", "/proc/sys/net/ipv4"])
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_mount_over_proc(victim, over, kind):
    """What the runtime writes through /proc must not land in a file that a mount put there; such mounts are refused."""
    fake = victim.folder("fake")
    for path in ("self/attr", "attr", "sys/net/ipv4", "net/ipv4", "ipv4"):
        os.makedirs(f"{fake}/{path}", exist_ok=True)
    for path in ("self/attr/exec", "attr/exec", "exec", "sys/net/ipv4/ip_default_ttl", "net/ipv4/ip_default_ttl", "ipv4/ip_default_ttl", "ip_default_ttl"):
        victim.file(f"fake/{path}", "")
    subprocess.run(["chmod", "-R", "a+rwX", fake], check=True)
    # the one label that every machine takes; where AppArmor is, it is written
    b = victim.bundle(["true"], apparmorProfile="unconfined")
    b.namespace("network")
    b.config["linux"]["sysctl"] = {"net.ipv4.ip_default_ttl": "77"}
    b.config["mounts"].append(at(["bind"], over, fake, "bind") if kind == "bind" else at(["mode=755"], over))
    r = victim.run(b, status=None)
    written = [f for d, _, files in os.walk(fake) for f in files if os.path.getsize(os.path.join(d, f))]
    assert victim.naive or "/proc" in r.err and "mounts[" in r.err, r
    # the naive one opens the name: a file of the mount, or nothing where a tmpfs has none
    victim.judge([*written, *[f"a mount over {over}"] * (r.status == 0)], bites=kind == "bind" and over != "/proc/thread-self/attr")


@pytest.mark.attack("T26", "T25")
def test_kernel_parameter_reaches_the_kernel(victim):
    """/proc of the image's is a directory of plain files that looks like procfs, and nothing is mounted there."""
    b = victim.bundle(["sleep", "100"])
    b.namespace("network")
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/proc")]
    b.config["linux"]["maskedPaths"] = b.config["linux"]["readonlyPaths"] = []
    victim.put(b, "proc/sys/net/ipv4/ip_default_ttl", text="")
    b.config["linux"]["sysctl"] = {"net.ipv4.ip_default_ttl": "77"}
    victim.run(b, "-d")
    pid = victim.pid()
    value = subprocess.run(["nsenter", "-t", str(pid), "-n", "cat", "/proc/sys/net/ipv4/ip_default_ttl"], capture_output=True, text=True, check=True).stdout
    victim.box.delete()
    got = [] if value == "77\n" else [value]
    got += ["the image's file"] * (os.path.getsize(f"{b.rootfs}/proc/sys/net/ipv4/ip_default_ttl") > 0)
    victim.judge(got)


OTHERS = "kernel/printk_ratelimit_burst"


@pytest.mark.attack("T16")
@pytest.mark.parametrize("key, value", [
    ("kernel.printk_ratelimit_burst", "%d"), ("net/../kernel/printk_ratelimit_burst", "%d"), ("net.ipv4/../../kernel/printk_ratelimit_burst", "%d"),
    ("net//../kernel/printk_ratelimit_burst", "%d"), ("../sys/kernel/printk_ratelimit_burst", "%d"), ("/kernel/printk_ratelimit_burst", "%d"),
    ("net.ipv4.ip_forward", "1\n%d"), ("net.ipv4.ip_forward", "1+kernel.printk_ratelimit_burst=%d"),
])
def test_kernel_parameters(victim, key, value):
    """A name or a value that is more than one reaches nothing of the host."""
    path = f"/proc/sys/{OTHERS}"
    before = open(path).read()
    value = value % (int(before) + 1)
    b = victim.bundle(["cat", "/proc/sys/net/ipv4/ip_forward"])
    b.namespace("network")
    b.config["linux"]["sysctl"] = {key: value}
    try:
        victim.run(b, status=None)
        got = ["the host's parameter"] if open(path).read() != before else []
    finally:
        if open(path).read() != before:
            with open(path, "w") as f:
                f.write(before)
    # in others a dot becomes a slash on the way, or the kernel refuses them
    victim.judge(got, bites=key in ("kernel.printk_ratelimit_burst", "/kernel/printk_ratelimit_burst"))


def seen(text, path):
    """Mounts at and below PATH that no other covers, from mountinfo: [mount point, flags].  Whatever lies on the way to one is what it is
    mounted on, or covers it: the order of the lines does not tell."""
    rows = [line.split() for line in text.splitlines() if " - " in line]
    parent, point = {r[0]: r[1] for r in rows}, {r[0]: r[4] for r in rows}

    def below(mount):
        while (mount := parent.get(mount)) in parent:
            yield mount

    def covered(mount):
        under = {mount, *below(mount)}
        return any(n not in under and (point[mount] + "/").startswith(point[n].rstrip("/") + "/") for n in point)
    return [[r[4], r[5].split(",")] for r in rows if (r[4] + "/").startswith(path + "/") and not covered(r[0])]


@pytest.mark.attack("T19", "N5")
@pytest.mark.parametrize("how", ["own namespace", "the host's namespace", "as spec has it", "with the host's sysfs"])
def test_cgroups_are_read_only(victim, how):
    """Every mount of cgroups, also where it is the host's: a writable one has release_agent, and the limits of all."""
    b = victim.bundle(["sh", "-c", "cat /proc/self/mountinfo; for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/tasks; do echo 1 > $f && echo written; done"])
    if how == "with the host's sysfs":  # as engines bind it where there is no network namespace
        b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/sys")]
        b.config["mounts"].append(at(["rbind", "nosuid", "noexec", "nodev", "ro"], "/sys", "/sys", "bind"))
    elif how != "as spec has it":
        b.namespace("cgroup", None if how == "own namespace" else False)
        b.config["mounts"] = [m for m in b.config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
        b.config["mounts"].append(at(["nosuid", "noexec", "nodev", "relatime", "ro"], "/sys/fs/cgroup", "cgroup", "cgroup"))
    r = victim.run(b, status=None)
    mounts = seen(r.out, "/sys/fs/cgroup")
    assert mounts, r
    victim.judge([m for m in mounts if "ro" not in m[1]] + ["written"] * ("written" in r.out))


@pytest.mark.attack("T23")
@pytest.mark.parametrize("planted", ["link", "file", "other device", "link to proc"])
@pytest.mark.parametrize("dev", ["the image's", "a volume"])
def test_what_masks(victim, planted, dev):
    """maskedPaths are empty, whatever the image or a volume has as /dev/null."""
    if planted == "other device" and victim.kind in ("rootless", "user namespace"):
        planted = "file"  # who has no devices
    b = victim.bundle(["sh", "-c", "head -c 99 /hidden/file; head -c 99 /proc/keys; ls /hidden/dir"])
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    b.config["linux"]["maskedPaths"] = ["/hidden/file", "/hidden/dir", "/proc/keys"]
    victim.put(b, "hidden/file", text="hidden\n")
    victim.put(b, "hidden/dir/inside", text="hidden\n")
    victim.put(b, "evil", text="evil\n")
    where = b.rootfs + "/dev" if dev == "the image's" else victim.folder("volume")
    null = os.path.join(where, "null")
    if planted == "other device":
        os.mknod(null, 0o20666, os.makedev(1, 5))
    elif planted == "file":
        with open(null, "w") as f:
            f.write("evil\n")
    else:
        os.symlink("/evil" if planted == "link" else "/proc/version", null)
    if victim.naive and planted.startswith("link"):
        os.unlink(null)
        os.symlink(f"{b.rootfs}/evil" if planted == "link" else "/proc/version", null)
    if dev == "a volume":
        subprocess.run(["chown", "-hR", f"{victim.owner}:{victim.owner}", where], check=True)
        b.mount("/dev", where, options=["bind"])
    r = victim.run(b, status=None)
    victim.judge([r.out] if r.status == 0 and r.out else [])


@pytest.mark.attack("T23")
def test_race_for_what_masks(victim):
    """A sibling swaps /dev/null of a shared volume while the paths are masked."""
    from test_paths import Sibling, rounds
    volume = victim.folder("volume")
    evil = victim.file("evil", "evil\n")
    os.mknod(f"{volume}/null", 0o20666, os.makedev(1, 3))
    os.symlink(evil, f"{volume}/link")
    b = victim.bundle(["cat", "/hidden"])
    b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/dev")]
    b.mount("/dev", volume, options=["bind"])
    b.config["linux"]["maskedPaths"] = ["/hidden"]
    victim.put(b, "hidden", text="hidden\n")
    with Sibling(victim, f"{volume}/null", f"{volume}/link"):
        got = rounds(victim, b, lambda r: [r.out] if "evil" in r.out or "hidden" in r.out and r.status == 0 else [])
    victim.judge(got)


@pytest.mark.attack("T2")
@pytest.mark.only("root", "user namespace", "older kernel", "naive", why="the container must mount")
def test_exec_into_a_container_that_covers_proc(victim):
    """A container covers its /proc with files of its own that look like those for labels: exec does not write them."""
    script = "mount -t tmpfs tmpfs /proc && mkdir -p /proc/self/attr/apparmor && : > /proc/self/attr/exec && : > /proc/self/attr/apparmor/exec; echo ready; sleep 100"
    caps = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_CHOWN"]
    b = victim.bundle(["sh", "-c", script], capabilities={k: caps for k in ("bounding", "permitted", "effective")})
    b.config["linux"]["maskedPaths"] = b.config["linux"]["readonlyPaths"] = []
    out = victim.file("out", "")
    b.save()
    victim.ready(b)
    with open(out, "w") as f:
        subprocess.run(victim.box.command("run", "-d", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL, stdout=f, stderr=f, timeout=orlop.TIMEOUT, check=True)
    orlop.eventually(lambda: "ready" in open(out).read(), "the mount")
    victim.exec("true")
    if not victim.naive:
        process = victim.file("process.json", '{"args": ["true"], "cwd": "/", "apparmorProfile": "unconfined", "selinuxLabel": ""}')
        victim.box.orlop("exec", "--process", process, "c", status=None)
    said = victim.exec("sh", "-c", "cat /proc/self/attr/exec /proc/self/attr/apparmor/exec").out
    victim.box.delete()
    victim.judge([said] if said else [])
