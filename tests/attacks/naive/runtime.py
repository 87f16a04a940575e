#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A container runtime as one might write it in an evening.  It runs containers, and it makes the mistakes that real ones have made: every
path in the root is a string, descriptors stay open, values are passed on as they come.  The attacks of this directory must succeed against
it, or they would prove nothing; each mistake names the row of rows.tsv that it is for.

    runtime.py --root DIR run|create|start|state|delete|exec ...   as orlop's, as far as the tests need it"""
import ctypes
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
SPACES = {"mount": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "network": 0x40000000}
CLONE_NEWPID = 0x20000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
FLAGS = {"ro": MS_RDONLY, "nosuid": 2, "nodev": 4, "noexec": 8, "bind": MS_BIND, "rbind": MS_BIND | MS_REC}
CAPS = ["CAP_" + n.upper() for n in """chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot
sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm
block_suspend audit_read perfmon bpf checkpoint_restore""".split()]


def call(name, *args):
    if getattr(LIBC, name)(*(a.encode() if isinstance(a, str) else a for a in args)) < 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind=None, flags=0, data=None):
    call("mount", source, target, kind, ctypes.c_ulong(flags), data)


def number(text):
    """As atoi: the digits that it begins with, else 0 (T27)."""
    found = re.match(r"\s*([+-]?\d+)", text)
    return int(found.group(1)) % 2 ** 32 if found else 0


def mount_all(rootfs, mounts):
    for m in mounts:
        target, options = rootfs + m["destination"], m.get("options", [])  # T10, T11, T13, T21: resolved again by each call
        flags = sum(FLAGS.get(o, 0) for o in options)
        data = ",".join(o for o in options if "=" in o or o == "newinstance")
        if flags & MS_BIND and not os.path.isdir(m["source"]):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            open(target, "a").close()
        else:
            os.makedirs(target, exist_ok=True)
        if m.get("type") == "cgroup":
            mount("/sys/fs/cgroup", target, None, MS_BIND | MS_REC)  # T19: without its options
            continue
        mount(m.get("source"), target, m.get("type"), flags & ~MS_RDONLY if flags & MS_BIND else flags, None if flags & MS_BIND else data)


def fill_dev(rootfs):
    dev = rootfs + "/dev"  # T28: may be a link
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        if not os.path.lexists(f"{dev}/{name}"):
            os.mknod(f"{dev}/{name}", 0o20666, os.makedev(1, minor))
        os.chmod(f"{dev}/{name}", 0o666)
    if os.path.lexists(f"{dev}/ptmx"):
        os.unlink(f"{dev}/ptmx")
    os.symlink("pts/ptmx", f"{dev}/ptmx")


def make_console(rootfs, console_socket):
    master, slave = pty.openpty()
    open(rootfs + "/dev/console", "a").close()  # T29: creates what a link points to
    mine = f"{rootfs}/dev/pts/{os.path.basename(os.ttyname(slave))}"
    mount(mine if os.path.exists(mine) else os.ttyname(slave), rootfs + "/dev/console", None, MS_BIND)  # T24: whatever has the name
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(console_socket)
        socket.send_fds(s, [b"/dev/pts/0"], [master])
    os.close(master)
    for fd in range(3):
        os.dup2(slave, fd)
    # T33: the terminal of whoever called us stays ours


def mask(rootfs, paths):
    for path in paths:
        target = rootfs + path
        if os.path.isdir(target):
            mount("tmpfs", target, "tmpfs", MS_RDONLY)
        elif os.path.exists(target):
            mount(rootfs + "/dev/null", target, None, MS_BIND)  # T23: the image's


def own_caps(names, uid):
    numbers = [CAPS.index(n) for n in names]
    bits = sum(1 << n for n in numbers)
    header = struct.pack("=Ii", 0x20080522, 0)
    data = struct.pack("=6I", *[bits & 0xffffffff] * 3, *[bits >> 32] * 3)  # T17: inheritable ones nobody asked for
    LIBC.prctl(8, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(uid[1])
    os.setuid(uid[0])
    LIBC.capset(header, data)
    for n in numbers:
        LIBC.prctl(47, 2, n, 0, 0)  # T5: ambient ones neither


NUMBERS = {"sethostname": 170}


def load_filter(rules):
    """What the rules refuse, by number alone: whose architecture a number is of is not asked (T32)."""
    code = [(0x20, 0, 0, 0)]  # load the number
    for rule in rules:
        for name in rule["names"]:
            code += [(0x15, 0, 1, NUMBERS[name]), (0x06, 0, 0, 0x50000 | rule["errnoRet"])]
    code.append((0x06, 0, 0, 0x7fff0000))
    text = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *c) for c in code))
    if rules:
        LIBC.prctl(38, 1, 0, 0, 0)
        call("prctl", 22, 2, struct.pack("@HP", len(code), ctypes.addressof(text)))


def start_program(bundle, config, options):
    rootfs, process = os.path.join(bundle, "rootfs"), config["process"]
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount(rootfs, rootfs, None, MS_BIND | MS_REC)
    mount_all(rootfs, config.get("mounts", []))
    fill_dev(rootfs)
    if process.get("terminal"):
        make_console(rootfs, options["--console-socket"])
    env = dict(e.split("=", 1) for e in process.get("env", []))
    for hook in config.get("hooks", {}).get("createContainer", []):
        # H1: the image's variables, and its root as working directory
        subprocess.run(hook.get("args", [hook["path"]]), executable=hook["path"], env={**os.environ, **env}, cwd=rootfs, close_fds=False)
    if os.fstat(0).st_rdev == os.makedev(1, 3):
        os.dup2(os.open(rootfs + "/dev/null", os.O_RDWR), 0)  # T30: followed, on the host
    mask(rootfs, config["linux"].get("maskedPaths", []))
    for key, value in config["linux"].get("sysctl", {}).items():
        with open(f"{rootfs}/proc/sys/{key.replace('.', '/')}", "w") as f:  # T16, T25: any name, whatever is mounted there
            f.write(value)
    if process.get("apparmorProfile"):
        try:
            with open(f"{rootfs}/proc/self/attr/exec", "w") as f:  # T9: whatever is mounted there; and where it does not work, without
                f.write(f"exec {process['apparmorProfile']}")
        except OSError:
            pass
    user = process.get("user", {})
    uid = (user.get("uid", 0) % 2 ** 32, user.get("gid", 0) % 2 ** 32)  # T15
    os.fchown(0, *uid)  # T30: whatever it is
    os.chroot(rootfs)
    os.chdir("/")
    os.chdir(process.get("cwd", "/"))  # T20: through any descriptor that is open
    own_caps(process.get("capabilities", {}).get("bounding", []), uid)
    load_filter(config["linux"].get("seccomp", {}).get("syscalls", []))
    env = {k: v[:65535 & len(v)] for k, v in env.items()}  # T15: lengths of 16 bits
    os.execvpe(process["args"][0], process["args"], {**os.environ, **env})  # D2: the caller's variables as well


def launch(root, id, bundle, options):
    with open(os.path.join(bundle, "config.json")) as f:
        config = json.load(f)
    fd = os.open("/", os.O_RDONLY | os.O_DIRECTORY)  # T20, D1: a directory of the host
    os.set_inheritable(fd, True)
    known = socket.socket(socket.AF_UNIX)
    known.bind(f"\0naive-{id}-{os.getpid()}")  # T12
    read, write = os.pipe()
    middle = os.fork()
    if middle == 0:
        call("unshare", sum(SPACES.values()) | CLONE_NEWPID)
        for n in config["linux"]["namespaces"]:
            if n["type"] == "mount" and "path" in n:
                call("setns", os.open(n["path"], os.O_RDONLY), SPACES["mount"])  # P2: the paths below mean something else in it
        first = os.fork()
        if first == 0:
            LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)
            os.setsid() if config["process"].get("terminal") is False else None
            try:
                start_program(bundle, config, options)
            except OSError as why:
                sys.stderr.write(f"naive: {why}\n")
                os._exit(1)
        os.write(write, str(first).encode())
        os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) % 256)
    pid = int(os.read(read, 20))
    with open(os.path.join(root, id, "state.json"), "w") as f:  # T14: anybody may read
        json.dump({"id": id, "pid": pid, "bundle": bundle, "config": config}, f)
    if "-d" in options:
        return 0
    status = os.waitstatus_to_exitcode(os.waitpid(middle, 0)[1])
    shutil.rmtree(os.path.join(root, id))
    return status


def load(root, id):
    with open(os.path.join(root, id, "state.json")) as f:
        return json.load(f)


def look_up(user, passwd):
    """The id of a user: a name of the image's passwd wins over a number (T4)."""
    try:
        with open(passwd) as f:
            for line in f:
                fields = line.split(":")
                if fields[0] == user:
                    return int(fields[2])
    except OSError:
        pass
    return number(user)


def execute(root, id, options, args):
    pid = load(root, id)["pid"]
    user, _, group = options.get("-u", "0").partition(":")
    uid = look_up(user, f"/proc/{pid}/root/etc/passwd")
    helper = os.environ["NAIVE_ENTER"]
    return subprocess.run([helper, str(pid), str(uid), str(number(group)), *args], check=False, close_fds=False).returncode


def add_mounts(pid, file):
    with open(file) as f:
        for m in json.load(f):
            os.makedirs(f"/proc/{pid}/root{m['destination']}", exist_ok=True)  # L1: a link there leads to the host
            command = ["mount", "-t", m["type"], m["source"], m["destination"]]
            subprocess.run([os.environ["NAIVE_ENTER"], str(pid), "0", "0", *command], check=True, close_fds=False)  # L3: is seen from inside


def add_device(pid, host, path):
    inside = f"/proc/{pid}/root{path}"
    os.makedirs(os.path.dirname(inside), exist_ok=True)  # L2: as L1
    if not os.path.lexists(inside):
        os.mknod(inside, 0o20666, os.stat(host).st_rdev)
    os.chmod(inside, 0o666)


def restore(bundle, images):
    with open(os.path.join(images, "restore.log"), "w") as log:  # L4: what came with the images
        log.write("naive\n")
    with open(os.path.join(bundle, "config.json")) as f:
        for m in json.load(f)["mounts"]:
            os.makedirs(f"{bundle}/rootfs{m['destination']}", exist_ok=True)  # L4: a link there leads to the host
    return 1


def main():
    words, options = sys.argv[1:], {}
    root = words[words.index("--root") + 1]
    command, rest = words[2], words[3:]
    while rest and rest[0].startswith("-"):
        key = rest.pop(0)
        options[key] = rest.pop(0) if key in ("--bundle", "-u", "--console-socket", "--device", "--image-path") else True
    id, args = rest[0], rest[1:]
    if command == "mounts":
        add_mounts(load(root, args[0])["pid"], args[1])
        return 0
    directory = os.path.join(root, id)
    if command in ("run", "create"):
        os.makedirs(directory)
        options["bundle"] = options["--bundle"]
        if command == "create":
            with open(os.path.join(directory, "state.json"), "w") as f:
                json.dump({"id": id, "pid": 0, "bundle": options["bundle"]}, f)
            return 0
        return launch(root, id, options["bundle"], options)
    if command == "start":
        return launch(root, id, load(root, id)["bundle"], {"-d": True})  # T31: the document as it is now
    if command == "restore":
        return restore(options["--bundle"], options["--image-path"])
    if command == "update":
        add_device(load(root, id)["pid"], *options["--device"].split(":"))
    elif command == "state":
        print(json.dumps(load(root, id)))
    elif command == "exec":
        return execute(root, id, options, args)
    elif command == "delete":
        pid = load(root, id)["pid"]
        if pid and os.path.exists(f"/proc/{pid}"):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(directory)
    return 0


fcntl.fcntl(0, fcntl.F_GETFD)
sys.exit(main())
