#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A guest to run tests in: Debian with systemd, pure cgroup v2 and AppArmor on a kernel of its own, in qemu.

    guest.py build [--kernel 6.1|6.12]
        makes the guest's disk, unless it is there, and prints where
    guest.py run [--kernel 6.1|6.12] [--at PATH] [--timeout SECONDS] DIRECTORY COMMAND
        copies DIRECTORY to PATH in the guest (/srv/tests), runs COMMAND (sh) there as root, as a service of systemd, and
        prints what it prints; the exit status is COMMAND's

The status is 77 with a reason where there can be no guest, and 125 with the end of the console if the guest failed.

Disks are kept in $ORLOP_VM_CACHE (/var/cache/orlop-tests), in a folder named by a hash of all that they are made from here,
which ORLOP_VM_PACKAGES adds packages to.  The
kernel starts without an initial ram disk: Debian's cloud kernels have NVMe and ext4 built in.  The
processor is emulated, which is ten times slower than this machine but works everywhere: a nested /dev/kvm may be there and yet end
in an emulation failure.  ORLOP_VM_ACCEL=kvm is for machines where it is known to work."""
import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ADAPTER = HERE / "adapter.c"
CACHE = pathlib.Path(os.environ.get("ORLOP_VM_CACHE", "/var/cache/orlop-tests"))
MIRROR = os.environ.get("ORLOP_VM_MIRROR", "http://deb.debian.org/debian")

# Where a kernel comes from: the suite that has it as linux-image-cloud-amd64.
KERNELS = {"6.1": "bookworm", "6.12": "bookworm-backports"}

PACKAGES = """systemd dbus dbus-user-session libpam-systemd uidmap procps kmod util-linux iproute2 bash busybox-static python3
python3-pytest strace apparmor libyajl2 libcmocka0 gcc libc6-dev make libelf1 criu iptables""".split()

MODULES = ("virtio_pci virtio_blk overlay veth bridge dummy tun fuse loop "
           "inet_diag tcp_diag udp_diag raw_diag unix_diag netlink_diag af_packet_diag")  # CRIU's questions about sockets

# What the guest's test service starts.  The second serial line is the command's output, and after it a line with its status.
RUNNER = f"""#!/bin/sh
exec </dev/null >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 raw -echo
modprobe -a {MODULES}
mkdir -p /dev/mqueue
mount -t mqueue mqueue /dev/mqueue  # as a host of systemd has
mkdir -p /srv/disk
mount -o noatime /dev/vda /srv/disk
at=$(cat /srv/disk/at)
mkdir -p "$at"
mount --bind /srv/disk/tree "$at"
date -s "@$(cat /srv/disk/time)" >/dev/null
echo "orlop-guest: begin"
cd "$at"
sh /srv/disk/command
echo "orlop-guest: end $?"
cd /
umount "$at" /srv/disk
sync
poweroff -ff
"""

# Programs lie at the same addresses each time (norandmaps): the emulator keeps what it has translated by the address too, and would translate each
# program anew whenever it starts, which is more than half of what a test costs.
APPEND = ("root=/dev/nvme0n1 rw rootfstype=ext4 console=ttyS0 quiet panic=-1 mitigations=off norandmaps random.trust_cpu=on net.ifnames=0 "
          "apparmor=1 security=apparmor systemd.unit=orlop-test.target systemd.unified_cgroup_hierarchy=1")

BOOT_SECONDS = 240  # a guest that has not begun by then does not; loaded machines without kvm need a minute


class NoGuest(Exception):
    """There can be no guest here, and why."""


class Failed(Exception):
    """The guest failed."""


def suite():
    """The release of Debian whose programs run in the guest: this machine's, so that what is built here runs there."""
    facts = dict(line.rstrip().replace('"', "").split("=", 1) for line in open("/etc/os-release") if "=" in line)
    name = facts.get("VERSION_CODENAME")
    if facts.get("ID") != "debian" or name not in ("bookworm", "trixie") or os.uname().machine != "x86_64":
        raise NoGuest("a guest has this machine's release of Debian, which must be 12 or 13 for amd64")
    return name


def command(*argv, **more):
    done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **more)
    if done.returncode != 0:
        raise Failed(f"{argv[0]} ended with status {done.returncode}:\n" + "\n".join(done.stdout.splitlines()[-15:]))
    return done.stdout


def fetch(*argv, **more):
    """A command that needs Debian's mirror: without it there is no guest."""
    try:
        return command(*argv, **more)
    except Failed as why:
        raise NoGuest(f"it cannot be fetched: {why}") from why


# --- the disk

def packages():
    return PACKAGES + os.environ.get("ORLOP_VM_PACKAGES", "").split()


def recipe(kernel):
    text = [suite(), kernel, KERNELS[kernel], *packages(), RUNNER, (HERE / "setup-root").read_text(), ADAPTER.read_text()]
    return hashlib.sha256("\0".join(text).encode()).hexdigest()[:16]


def fetch_kernel(kernel, work):
    """Unpacks the newest kernel of its suite, and what its modules are built with, by an apt with sources and state of its own.  Returns where it is."""
    apt, tree = work / "apt", work / "kernel"
    for sub in ("lists/partial", "cache/archives/partial"):
        (apt / sub).mkdir(parents=True)
    (apt / "sources.list").write_text(
        f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {MIRROR} {KERNELS[kernel]} main\n")
    own = [f"-oDir::Etc::sourcelist={apt}/sources.list", "-oDir::Etc::sourceparts=-", f"-oDir::State::lists={apt}/lists",
           f"-oDir::Cache={apt}/cache", "-oAPT::Sandbox::User=root", "-oAcquire::Languages=none", "-qq"]
    fetch("apt-get", *own, "update")

    def needed(name, kind):
        lines = command("apt-cache", *own, "depends", name).splitlines()
        return [line.split()[-1] for line in lines if re.search(f" Depends: linux-{kind}", line)]

    image, headers = needed("linux-image-cloud-amd64", "image-"), needed("linux-headers-cloud-amd64", "headers-")
    if not image or not headers:
        raise NoGuest(f"{KERNELS[kernel]} has no kernel linux-image-cloud-amd64, or no headers for it")
    fetch("apt-get", *own, "download", image[0], headers[0], *needed(headers[0], "(headers|kbuild)-"), cwd=apt)
    for package in apt.glob("*.deb"):
        command("dpkg-deb", "-x", package, tree)
    return tree


def debian(release, packages, root):
    """Makes a Debian tree.  What mmdebstrap mounts it mounts in a mount namespace of its own."""
    quiet = [f"--dpkgopt=path-exclude=/usr/share/{d}/*" for d in ("doc", "man", "locale", "info")]
    fetch("unshare", "--mount", "--propagation", "private", "mmdebstrap", "--mode=root", "--variant=essential",
            "--aptopt=Acquire::Languages none", "--aptopt=APT::Install-Recommends false", "--dpkgopt=force-unsafe-io", *quiet,
            "--include=" + ",".join(packages), release, root, MIRROR)


def make_root(root):
    debian(suite(), packages(), root)
    command(HERE / "setup-root", root)
    runner = root / "usr/local/lib/orlop-test"
    runner.write_text(RUNNER)
    runner.chmod(0o755)


def build_adapter(tree, release, root):
    """Builds the module orlop_adapter (adapter.c) in ROOT, with its compiler, for the kernel RELEASE that is unpacked in TREE."""
    modules, work = root / "usr/lib/modules" / release / "updates", root / "usr/src/orlop"
    tools = [*(tree / "usr/src").iterdir(), *(tree / "usr/lib").glob("linux-kbuild-*")]
    for tool in tools:
        shutil.copytree(tool, root / tool.relative_to(tree), symlinks=True)
    work.mkdir()
    shutil.copy(ADAPTER, work / "orlop_adapter.c")
    (work / "Kbuild").write_text("obj-m := orlop_adapter.o\n")
    command("chroot", root, "make", "-s", "-C", f"/usr/src/linux-headers-{release}", "M=/usr/src/orlop",
            "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules")  # which would need pahole
    modules.mkdir()
    shutil.copy(work / "orlop_adapter.ko", modules)
    for left in (work, *(root / tool.relative_to(tree) for tool in tools)):
        shutil.rmtree(left)


def make_disk(kernel, made, say):
    """Makes vmlinuz and disk in the directory MADE."""
    root = made / "root"
    say(f"a tree of Debian {suite()}")
    make_root(root)
    say(f"kernel {kernel}")
    tree = fetch_kernel(kernel, made)
    image = next((tree / "boot").glob("vmlinuz-*"))
    release = image.name.split("-", 1)[1]
    shutil.copy(image, made / "vmlinuz")
    modules = next(d for d in (tree / "usr/lib/modules", tree / "lib/modules") if d.is_dir())
    shutil.copytree(modules / release, root / "usr/lib/modules" / release, symlinks=True)
    build_adapter(tree, release, root)
    command("chroot", root, "depmod", release)
    say("packing")
    pack(root, made / "disk", 2048)
    for left in (root, tree, made / "apt"):
        shutil.rmtree(left)


def pack(tree, disk, megabytes):
    """Makes a file system of TREE in the file DISK; nothing is mounted."""
    command("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-E", "lazy_itable_init=1,nodiscard", "-m", "0",
            "-d", tree, disk, f"{megabytes}M")


def cached(name, tools, make):
    """The directory NAME of the cache; MAKE fills it with the help of TOOLS if it is missing."""
    done = CACHE / name
    if done.exists():
        return done
    for tool in tools:
        if not shutil.which(tool):
            raise NoGuest(f"{tool} is not installed")
    if os.geteuid() != 0:
        raise NoGuest("only root can make it")
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            made = pathlib.Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
            try:
                make(made)
                made.rename(done)
            finally:
                shutil.rmtree(made, ignore_errors=True)
    return done


def build(kernel, say=lambda what: None):
    """The directory with vmlinuz and disk, made if it is missing."""
    if not shutil.which("qemu-system-x86_64"):
        raise NoGuest("qemu-system-x86_64 is not installed")
    return cached(recipe(kernel), ("mmdebstrap", "mke2fs"), lambda made: make_disk(kernel, made, say))


# --- running

def qemu(made, disk, append, processors):
    machine = {"kvm": ["-accel", "kvm", "-cpu", "host", "-smp", "2"],
               # without cmpxchg16b, whose emulation on per-cpu data lets kernel 6.12 die of a double fault in qemu 7
               "tcg": ["-accel", "tcg,tb-size=1024", "-cpu", "qemu64,-cx16", "-smp", processors]}[os.environ.get("ORLOP_VM_ACCEL", "tcg")]
    return ["qemu-system-x86_64", "-M", "q35", *machine, "-m", "1536", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-nic", "none", "-kernel", made / "vmlinuz", "-append", f"{APPEND} {append}",
            "-drive", f"file={made}/disk,if=none,id=root,format=raw,snapshot=on,cache=unsafe",
            "-device", "nvme,drive=root,serial=root",
            "-drive", f"file={disk},if=none,id=work,format=raw,cache=unsafe", "-device", "virtio-blk-pci,drive=work",
            "-chardev", f"file,id=console,path={disk}.console", "-serial", "chardev:console",
            "-chardev", "stdio,id=out,signal=off", "-serial", "chardev:out"]


def attempt(made, disk, seconds, out, *machine):
    """Runs the guest once.  Returns whether the command began, and its status or None."""
    began, status = False, None
    guest = subprocess.Popen([str(a) for a in qemu(made, disk, *machine)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace")
    late = threading.Timer(BOOT_SECONDS, guest.kill)
    late.start()
    try:
        for line in guest.stdout:
            if line == "orlop-guest: begin\n":
                began = True
                late.cancel()
                late = threading.Timer(seconds, guest.kill)
                late.start()
            elif line.startswith("orlop-guest: end "):
                status = int(line.split()[-1])
            elif status is None:
                out(line)
        guest.wait()
    finally:
        late.cancel()
        guest.kill()
        guest.wait()
    return began, status


def run(kernel, tree, script, at="/srv/tests", seconds=600, out=sys.stdout.write, say=lambda what: None, append="", processors=1):
    """Runs the shell command SCRIPT in a guest that has the directory TREE at AT; gives each line to OUT.  APPEND are more words for the
    kernel; an emulated one is the slower the more PROCESSORS it has.  Returns the command's status."""
    made = build(kernel, say)
    with tempfile.TemporaryDirectory(prefix="orlop-guest-") as temporary:
        work = pathlib.Path(temporary)
        content = work / "content"
        content.mkdir()
        for name, text in (("at", at), ("time", str(int(time.time()))), ("command", script)):
            (content / name).write_text(text + "\n")
        command("cp", "-a", tree, content / "tree")
        size = sum(f.lstat().st_size for f in content.rglob("*")) >> 20
        disk = work / "disk"
        pack(content, disk, size * 5 // 4 + 256)
        for _ in range(2):  # once more if it did not boot
            began, status = attempt(made, disk, seconds, out, append, processors)
            if began:
                break
        if status is None:
            console = pathlib.Path(f"{disk}.console")
            said = console.read_text(errors="replace").splitlines()[-25:] if console.exists() else []
            raise Failed("\n".join(["the guest did not end by itself" if began else "the guest did not boot", *said]))
        return status


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("build", "run"))
    parser.add_argument("--kernel", choices=KERNELS, default="6.1")
    parser.add_argument("--at", default="/srv/tests")
    parser.add_argument("--timeout", type=int, default=600)
    parser.add_argument("words", nargs="*", metavar="DIRECTORY COMMAND")
    args = parser.parse_intermixed_args()
    sys.stdout.reconfigure(line_buffering=True)

    def say(what):
        print(f"guest.py: {what}", file=sys.stderr)

    try:
        if args.what == "build":
            print(build(args.kernel, say))
            return 0
        if len(args.words) != 2:
            parser.error("run wants DIRECTORY and COMMAND")
        return run(args.kernel, args.words[0], args.words[1], args.at, args.timeout, say=say)
    except NoGuest as why:
        print(f"guest.py: {why}")
        return 77
    except Failed as why:
        print(f"guest.py: {why}", file=sys.stderr)
        return 125


if __name__ == "__main__":
    sys.exit(main())
