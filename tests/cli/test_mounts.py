# SPDX-License-Identifier: Apache-2.0
"""Mounts of real containers: options, order, links, maps of owners; also as containers with a user namespace."""
import os
import shutil
import subprocess

import pytest
from orlop import eventually, give_user_namespace, needs_cgroupfs, needs_linux

NO_SYSFS = "no sysfs is mounted in a user namespace where others are mounted in the one in sight"


def sh(box, script, change=None, **more):
    b = box.bundle(["sh", "-c", script])
    if change:
        change(b)
    return box.run(b, **more).out


def in_user_namespace(b):
    give_user_namespace(b, 65536)


@pytest.fixture(params=["host ids", "user namespace"])
def ids(request):
    """What to do to a bundle, so that its container has a user namespace or none."""
    return in_user_namespace if request.param == "user namespace" else lambda b: None


def source(box, **files):
    """A directory of the host with files."""
    path = os.path.join(box.dir, "source")
    os.makedirs(path, exist_ok=True)
    for name, text in files.items():
        with open(os.path.join(path, name), "w") as f:
            f.write(text)
    return path


def flags(out):
    """Mount point: flags, from /proc/self/mountinfo."""
    return {line.split()[4]: set(line.split()[5].split(",")) for line in out.splitlines()}


def privately(*words):
    """Runs mount commands and a program in a mount namespace of its own."""
    return ["unshare", "-m", "--propagation", "private", "sh", "-ec", *words]


# --- tmpcopyup

def fill(path):
    """A directory with one of everything."""
    os.makedirs(os.path.join(path, "sub/deep"))
    with open(os.path.join(path, "sub/deep/file"), "w") as f:
        f.write("x" * 100000)
    os.chmod(os.path.join(path, "sub/deep/file"), 0o640)
    os.utime(os.path.join(path, "sub/deep/file"), (1000000000, 1000000000))
    os.symlink("/etc/passwd", os.path.join(path, "link"))
    os.symlink("/etc", os.path.join(path, "dirlink"))
    os.mkfifo(os.path.join(path, "fifo"), 0o611)
    os.chmod(os.path.join(path, "sub"), 0o2750)
    os.chmod(path, 0o751)


@pytest.mark.spec(54)
def test_tmpcopyup(box, ids):
    """SPEC 54"""
    def change(b):
        fill(os.path.join(b.rootfs, "run"))
        ids(b)
        b.mount("/run", "tmpfs", "tmpfs", ["tmpcopyup", "nosuid", "nodev"])
    out = sh(box, """cd /run; stat -c '%n %F %a %s' . sub sub/deep sub/deep/file fifo; stat -c '%u:%g %Y' sub/deep/file
             readlink link; readlink dirlink; echo new > sub/new; grep -c ' /run .*tmpfs' /proc/self/mountinfo""", change)
    lines = out.splitlines()
    assert [line.rsplit(" ", 1)[0] for line in lines[:5]] == [
        ". directory 751", "sub directory 2750", "sub/deep directory 755", "sub/deep/file regular file 640", "fifo fifo 611"]
    assert lines[3].endswith(" 100000")
    assert lines[5:] == ["0:0 1000000000", "/etc/passwd", "/etc", "1"]
    assert not os.path.exists(os.path.join(box.dir, "bundle1/rootfs/run/sub/new"))


@pytest.mark.root("gives files to others before it runs")
def test_tmpcopyup_owners_and_attributes(box):
    """SPEC 54"""
    def change(b):
        path = os.path.join(b.rootfs, "run")
        fill(path)
        os.chown(os.path.join(path, "link"), 7, 8, follow_symlinks=False)
        os.chown(os.path.join(path, "sub"), 5, 6)
        os.chmod(os.path.join(path, "sub"), 0o2755)
        os.mknod(os.path.join(path, "null"), 0o20640, os.makedev(1, 3))
        os.chmod(os.path.join(path, "sub/deep/file"), 0o6755)
        b.mount("/run", "tmpfs", "tmpfs", ["tmpcopyup", "mode=700"])
    out = sh(box, "cd /run; stat -c '%a %u:%g' . sub link null sub/deep/file; stat -c '%t:%T' null", change)
    assert out.splitlines() == ["700 0:0", "2755 5:6", "777 7:8", "640 0:0", "6755 0:0", "1:3"]


@pytest.mark.root("gives files to others before it runs")
def test_tmpcopyup_keeps_capabilities_of_files(box):
    """SPEC 54"""
    value = bytes.fromhex("0100000200040000000000000000000000000000")
    b = box.bundle(["sleep", "100"])
    os.makedirs(os.path.join(b.rootfs, "run"))
    path = os.path.join(b.rootfs, "run/file")
    open(path, "w").close()
    os.setxattr(path, "security.capability", value)
    b.mount("/run", "tmpfs", "tmpfs", ["tmpcopyup"])
    box.run(b, "-d")
    assert os.getxattr(f"/proc/{box.state()['pid']}/root/run/file", "security.capability") == value
    box.delete()


def test_tmpcopyup_read_only(box):
    """SPEC 54: what is read-only is filled before it becomes so."""
    def change(b):
        fill(os.path.join(b.rootfs, "run"))
        b.mount("/run", "tmpfs", "tmpfs", ["tmpcopyup", "ro"])
    assert sh(box, "readlink /run/link; touch /run/x 2>/dev/null || echo ro", change).split() == ["/etc/passwd", "ro"]


def test_tmpcopyup_under_mounts(box):
    """SPEC 54: what lies in it and was copied may be a link: later mounts do not leave the root by it."""
    outside = os.path.join(box.dir, "outside")
    os.makedirs(outside)
    src = source(box, file="text\n")
    def change(b):
        os.makedirs(os.path.join(b.rootfs, "run/real"))
        os.symlink("/run/real", os.path.join(b.rootfs, "run/inside"))
        os.symlink(outside, os.path.join(b.rootfs, "run/outside"))
        b.mount("/run", "tmpfs", "tmpfs", ["tmpcopyup"])
        b.mount("/run/inside", src, options=["bind"])
        b.mount("/run/outside", src, options=["bind"])
    assert sh(box, "cat /run/real/file /run/inside/file /run/outside/file", change) == "text\n" * 3
    assert os.listdir(outside) == []


def test_tmpcopyup_of_nothing(box):
    """SPEC 54"""
    assert sh(box, "ls /new/run; stat -f -c %T /new/run", lambda b: b.mount("/new/run", "tmpfs", "tmpfs", ["tmpcopyup"])) == "tmpfs\n"


def test_tmpcopyup_does_not_follow(box):
    """SPEC 54: a link to the host's own files is copied as a link."""
    secret = source(box, secret="host")
    def change(b):
        os.makedirs(os.path.join(b.rootfs, "run"))
        os.symlink(secret, os.path.join(b.rootfs, "run/d"))
        os.symlink(secret + "/secret", os.path.join(b.rootfs, "run/f"))
        b.mount("/run", "tmpfs", "tmpfs", ["tmpcopyup"])
    assert sh(box, "readlink /run/d; cat /run/f /run/d/secret 2>/dev/null || echo none", change) == f"{secret}\nnone\n"


def test_tmpcopyup_too_large(box):
    """SPEC 54"""
    b = box.bundle()
    fill(os.path.join(b.rootfs, "run"))
    b.mount("/run", "tmpfs", "tmpfs", ["tmpcopyup", "size=8k"])
    err = box.run(b, status=1).err
    assert "mounts[" in err and "No space" in err


def test_tmpcopyup_needs_tmpfs(box):
    b = box.bundle()
    b.mount("/run", source(box), options=["bind", "tmpcopyup"])
    assert "tmpcopyup needs a tmpfs" in box.run(b, status=1).err


# --- flags

ON = {"ro": "ro", "nosuid": "nosuid", "nodev": "nodev", "noexec": "noexec", "noatime": "noatime", "nodiratime": "nodiratime",
      "nosymfollow": "nosymfollow"}
OFF = {"rw": "ro", "suid": "nosuid", "dev": "nodev", "exec": "noexec", "atime": "noatime", "diratime": "nodiratime",
       "symfollow": "nosymfollow", "relatime": "noatime"}


def nested(box, script, inner=""):
    """A command that runs the container with a source that has a mount in it."""
    src = source(box)
    os.makedirs(os.path.join(src, "in"), exist_ok=True)
    return privately(f'mount -t tmpfs -o "$1" tmpfs {src}; mkdir {src}/in; mount -t tmpfs -o "$1" tmpfs {src}/in; shift; exec "$@"',
                     "sh", inner or "rw"), src


def run_nested(box, options, inner, change=None):
    words, src = nested(box, "", inner)
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    if change:
        change(b)
    b.mount("/mnt", src, options=["rbind", *options])
    b.save()
    done = subprocess.run([*words, *box.command("run", "--bundle", b.path, "c")], capture_output=True, text=True, timeout=30,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return flags(done.stdout)


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("option, flag", ON.items())
def test_recursive_flag(box, option, flag, ids):
    """SPEC 52, 53: with r the flag is on all mounts below, too; without, on the one."""
    all_of = run_nested(box, ["r" + option], "rw", ids)
    assert flag in all_of["/mnt"] and flag in all_of["/mnt/in"]
    if option != "nosymfollow":
        return
    one = run_nested(box, [option], "rw", ids)
    assert flag in one["/mnt"] and flag not in one["/mnt/in"]


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("option, flag", OFF.items())
def test_recursive_flag_off(box, option, flag):
    """SPEC 53"""
    found = run_nested(box, ["r" + option], "nosuid,nodev,noexec,noatime,nodiratime" + (",nosymfollow" if option == "symfollow" else ""))
    assert flag not in found["/mnt"] and flag not in found["/mnt/in"]


@pytest.mark.root("mounts file systems before it runs")
def test_recursive_strictatime(box):
    """SPEC 53"""
    found = run_nested(box, ["rstrictatime"], "noatime")
    assert not found["/mnt/in"] & {"relatime", "noatime"}
    assert "relatime" in run_nested(box, ["rnostrictatime"], "strictatime")["/mnt/in"]


@pytest.mark.root("mounts file systems before it runs")
def test_recursive_flag_and_plain(box):
    """SPEC 53: the recursive one comes after the others."""
    found = run_nested(box, ["ro", "nosuid", "rrw"], "rw")
    assert "rw" in found["/mnt"] and "nosuid" in found["/mnt"] and "nosuid" not in found["/mnt/in"]


def test_recursive_flag_of_new_mount(box):
    """SPEC 53: a new mount has none below it."""
    out = sh(box, "cat /proc/self/mountinfo; touch /mnt/x 2>/dev/null || echo", lambda b: b.mount("/mnt", "tmpfs", "tmpfs", ["rro", "rnosuid"]))
    assert {"ro", "nosuid"} <= flags(out.strip())["/mnt"]


def test_recursive_remount(box):
    """SPEC 53"""
    def change(b):
        b.mount("/mnt", "tmpfs", "tmpfs", [])
        b.mount("/mnt/in", "tmpfs", "tmpfs", [])
        b.mount("/mnt", "none", "none", ["remount", "rnoexec"])
    found = flags(sh(box, "cat /proc/self/mountinfo", change))
    assert "noexec" in found["/mnt"] and "noexec" in found["/mnt/in"]


def test_nosymfollow(box, ids):
    """SPEC 52"""
    src = source(box, file="text\n")
    os.symlink("file", os.path.join(src, "link"))
    def change(b):
        ids(b)
        b.mount("/a", src, options=["bind", "nosymfollow"])
        b.mount("/b", src, options=["bind", "nosymfollow", "symfollow"])
    assert sh(box, "cat /b/link; cat /a/file; cat /a/link 2>/dev/null || echo no", change) == "text\ntext\nno\n"


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("options", [["rbind"], ["rbind", "ro"], ["rbind", "rro"]])
def test_locked_flags_are_kept(box, options):
    """A mount that came from a more privileged namespace keeps its flags, and others can be added."""
    needs_cgroupfs("there is no systemd of this user namespace's root")
    words, src = nested(box, "", "nosuid,nodev")
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    b.config["linux"].pop("resources", None)
    b.config["linux"]["namespaces"] = [{"type": t} for t in ("mount", "pid", "ipc", "uts", "user", "network")]
    b.config["linux"]["uidMappings"] = b.config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 1}]
    for m in b.config["mounts"]:
        m["options"] = [o for o in m.get("options", []) if o != "gid=5"]
    b.mount("/mnt", src, options=options)
    b.save()
    # a runtime whose own user namespace has all ids, but not the source's mount
    runtime = subprocess.Popen([*words, "unshare", "-U", "-m", "sh", "-ec", 'read go; exec "$@"', "sh",
                                *box.command("run", "--bundle", b.path, "c")],
                               text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        here = os.readlink("/proc/self/ns/user")
        eventually(lambda: os.readlink(f"/proc/{runtime.pid}/ns/user") != here, "a user namespace")
        for kind in ("uid_map", "gid_map"):
            with open(f"/proc/{runtime.pid}/{kind}", "w") as f:
                f.write("0 0 65536")
        out, err = runtime.communicate("go\n", timeout=30)
    finally:
        runtime.kill()
    assert runtime.returncode == 0, err
    found = flags(out)["/mnt"]
    assert {"nosuid", "nodev"} <= found and ("ro" in found) == (len(options) == 2)


# --- sources and destinations

def test_source_out_of_sight(box):
    """A source that the container's root may not see is opened by the runtime."""
    src = source(box, file="text\n")
    os.makedirs(os.path.join(box.dir, "closed"))
    os.rename(src, os.path.join(box.dir, "closed/source"))
    os.chmod(os.path.join(box.dir, "closed"), 0o700)
    def change(b):
        in_user_namespace(b)
        b.mount("/mnt", os.path.join(box.dir, "closed/source"), options=["bind", "ro"])
        b.mount("/file", os.path.join(box.dir, "closed/source/file"), options=["bind"])
    assert sh(box, "cat /mnt/file /file", change) == "text\ntext\n"


def test_relative_source_and_destination(box, ids):
    """SPEC 49, 50"""
    def change(b):
        os.makedirs(os.path.join(b.path, "here"))
        with open(os.path.join(b.path, "here/file"), "w") as f:
            f.write("text\n")
        ids(b)
        b.mount("mnt/a", "here", options=["bind"])
        b.mount("mnt/../mnt/./b", "here", type="none", options=["rbind"])
    assert sh(box, "cat /mnt/a/file /mnt/b/file", change) == "text\ntext\n"


def test_a_directory_and_what_is_none(box, ids):
    """Neither is mounted on the other, and what is said has the words that Docker explains: "not a directory"."""
    s = source(box, file="x")
    for from_, to, said in ((os.path.join(s, "file"), "/etc", "what is not a directory is to be mounted on one"), (s, "/etc/passwd", "on what is not a directory"),
                            (os.path.join(s, "file"), "/made/x", None), (s, "/made/y", None)):
        b = box.bundle(["true"])
        ids(b)
        b.config["mounts"].append({"destination": to, "type": "bind", "source": from_, "options": ["bind"]})
        r = box.run(b, status=1 if said else 0)
        assert not said or said in r.err and f"mounts[{len(b.config['mounts']) - 1}]" in r.err, r.err


def test_source_link(box, ids):
    """A link as source: followed; with src-nofollow bound itself; with copy-symlink made anew."""
    src = source(box, file="text\n")
    os.symlink("file", os.path.join(src, "link"))
    def change(b):
        ids(b)
        b.mount("/mnt/followed", src + "/link", options=["bind"])
        b.mount("/mnt/copied", src + "/link", options=["bind", "copy-symlink"])
        b.mount("/mnt/plain", src + "/file", options=["bind", "copy-symlink"])
    out = sh(box, "cd /mnt; cat followed plain; readlink copied; readlink followed plain; grep -c /mnt/copied /proc/self/mountinfo", change,
             status=1)
    assert out == "text\ntext\nfile\n0\n"


def test_source_link_itself(box, ids):
    src = source(box, file="text\n")
    os.symlink("file", os.path.join(src, "link"))
    def change(b):
        os.symlink("elsewhere", os.path.join(b.rootfs, "to"))
        ids(b)
        b.mount("/to", src + "/link", options=["bind", "src-nofollow", "dest-nofollow"])
    assert sh(box, "readlink /to", change) == "file\n"


def test_copied_link_is_there(box):
    src = source(box)
    os.symlink("file", os.path.join(src, "link"))
    def change(text):
        def do(b):
            os.symlink(text, os.path.join(b.rootfs, "link"))
            b.mount("/link", src + "/link", options=["bind", "copy-symlink"])
        return do
    assert sh(box, "readlink /link", change("file")) == "file\n"
    b = box.bundle()
    change("other")(b)
    assert "mounts[" in box.run(b, status=1).err


def test_destination_link(box):
    """A link as destination stays inside the root; with dest-nofollow it is covered itself."""
    src = source(box, file="text\n")
    os.makedirs(os.path.join(box.dir, "outside"))
    def change(b):
        os.symlink("/made/here", os.path.join(b.rootfs, "dangling"))
        os.symlink(os.path.join(box.dir, "outside"), os.path.join(b.rootfs, "host"))
        os.symlink("/etc/passwd", os.path.join(b.rootfs, "link"))
        b.mount("/dangling", src, options=["bind"])
        b.mount("/host/in", src, options=["bind"])
        b.mount("/link", src + "/file", options=["bind", "dest-nofollow"])
    out = sh(box, "cat /made/here/file; cat /link; grep -c . /etc/passwd", change)
    assert out == "text\ntext\n2\n"
    assert os.listdir(os.path.join(box.dir, "outside")) == []


def test_order(box, ids):
    """SPEC 48: later mounts lie in and over earlier ones."""
    one, two = source(box, file="one\n"), os.path.join(box.dir, "two")
    os.makedirs(two)
    with open(two + "/file", "w") as f:
        f.write("two\n")
    def change(b):
        ids(b)
        b.mount("/mnt", "tmpfs", "tmpfs", [])
        b.mount("/mnt/a", one, options=["bind"])
        b.mount("/mnt/b", one, options=["bind"])
        b.mount("/mnt/b", two, options=["bind"])
        b.mount("/mnt/c/file", two + "/file", options=["bind"])
    assert sh(box, "cat /mnt/a/file /mnt/b/file /mnt/c/file", change) == "one\ntwo\ntwo\n"


@pytest.mark.root("gives files to others before it runs")
def test_setgid_parent(box):
    """A mount point made in a directory with the set-group-ID bit gets its group, as mkdir does."""
    def change(b):
        os.makedirs(os.path.join(b.rootfs, "shared"))
        os.chown(os.path.join(b.rootfs, "shared"), 0, 77)
        os.chmod(os.path.join(b.rootfs, "shared"), 0o2775)
        b.mount("/shared/new/mnt", "tmpfs", "tmpfs", [])
    assert sh(box, "stat -c '%g %a' /shared /shared/new", change) == "77 2775\n77 2755\n"


def test_unknown_option_is_data(box):
    """SPEC 57, 58"""
    assert "size=64k" in sh(box, "grep ' /mnt ' /proc/self/mountinfo", lambda b: b.mount("/mnt", "tmpfs", "tmpfs", ["size=64k", "nr_inodes=20"]))
    b = box.bundle()
    b.mount("/mnt", "tmpfs", "tmpfs", ["nonsense=1"])
    err = box.run(b, status=1).err
    assert "mounts[" in err and "nonsense" in err


def test_file_system_options_on_a_bind(box):
    """What a bind cannot do is a warning that names the option and its place; what may be a misspelt flag is an error. SPEC 57, 58"""
    b = box.bundle(["grep", " /mnt ", "/proc/self/mountinfo"])
    b.mount("/mnt", source(box, file="x"), options=["bind", "nosuid", "mode=755", "size=1k", "sync", "ro"])
    b.save()
    r = box.orlop("--log-level", "warning", "run", "--bundle", b.path, "c")
    at = len(b.config["mounts"]) - 1
    for i, option in enumerate(b.config["mounts"][at]["options"]):
        warned = f"mounts[{at}].options[{i}]: {option} belongs to a file system and does nothing here" in r.err
        assert warned == (option in ("mode=755", "size=1k", "sync")), option
    assert {"ro", "nosuid"} <= flags(r.out)["/mnt"] and "size=1k" not in r.out
    for wrong in (["bind", "sise=1k"], ["bind", "size"], ["bind", "remount", "size=1k"]):
        b.config["mounts"][at]["options"] = wrong
        assert f"mounts[{at}].options[{len(wrong) - 1}]: {wrong[-1]} is an option of a new file system" in box.run(b, status=1).err


FSTAB = ["nofail", "_netdev", "auto", "noauto", "user", "nouser", "users", "nousers", "owner", "noowner", "group", "nogroup", "x-systemd.automount", "X-mine=1",
         "X-mount.mkdir", "comment=hi", "uhelper=udisks2", "helper=x", "user,exec", "exec,user", "user,suid,dev", "owner,noexec", "nofail,ro"]


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.spec(57)
@pytest.mark.parametrize("kind", ["bind", "tmpfs"])
def test_options_of_fstab(box, kind):
    """What mount(8) keeps from the kernel is kept from it, and what it makes of the words that let users mount is made of them."""
    if not shutil.which("mount") or "util-linux" not in subprocess.run(["mount", "--version"], capture_output=True, text=True, check=False).stdout:
        pytest.skip("there is no mount of util-linux to compare with")
    here, common = source(box), ["bind"] if kind == "bind" else []
    os.mkdir(f"{box.dir}/at")
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    for i, words in enumerate(FSTAB):
        b.mount(f"/mnt{i}", here if kind == "bind" else "tmpfs", kind, [*common, *words.split(",")])
    inside = flags(box.run(b).out)
    for i, words in enumerate(FSTAB):
        options = ",".join([*common, *words.split(",")])
        line = subprocess.run(privately(f"mount -t {'none' if common else kind} -o {options} {here if common else kind} {box.dir}/at && cat /proc/self/mountinfo"),
                              capture_output=True, text=True, check=True).stdout
        assert inside[f"/mnt{i}"] == flags(line)[f"{box.dir}/at"], words
    for wrong in ("loop", "nofial", "X-mount.subdir=x", "x_foo"):  # what changes what is mounted, and what nobody knows
        b.config["mounts"][-1]["options"] = [*common, wrong]
        assert f"mounts[{len(b.config['mounts']) - 1}]" in box.run(b, status=1).err


def test_nofail_is_for_who_boots(box):
    """A source that is missing is an error all the same, as of runc and crun."""
    b = box.bundle()
    b.mount("/mnt", "/is/not/here", options=["bind", "nofail"])
    assert "/is/not/here" in box.run(b, status=1).err


# --- fallbacks

def test_sysfs_fallback(box):
    """Without a network namespace of its own a user namespace may not mount sysfs: it sees the host's."""
    def change(b):
        in_user_namespace(b)
        b.namespace("network", False)
    out = sh(box, "ls -d /sys/class/net/lo; touch /sys/x 2>/dev/null || echo ro; cat /proc/self/mountinfo", change)
    assert out.startswith("/sys/class/net/lo\nro\n") and "ro" in flags(out.split("ro\n", 1)[1])["/sys"]


def test_proc_fallback(box):
    """Likewise proc without a pid namespace."""
    def change(b):
        in_user_namespace(b)
        b.namespace("pid", False)
    assert sh(box, "test -d /proc/1 && cat /proc/self/comm", change) == "cat\n"


# --- id-mapped mounts

def owner(box, options, change=None, uid=0, inner=None, **mount):
    """Owners of what is in an id-mapped bind of a tmpfs, as the container sees them: of a file of UID, and of one in a mount below."""
    needs_linux(6, 3, "a tmpfs that can be id-mapped")
    words, src = nested(box, "")
    b = box.bundle(["stat", "-c", "%u:%g", "/mnt/file", "/mnt/in/file"])
    if change:
        change(b)
    m = b.mount("/mnt", src, options=["rbind", *options])
    m.update(mount)
    b.save()
    make = f'touch {src}/file {src}/in/file; chown {uid}:{uid} {src}/file {src}/in/file; exec "$@"'
    done = subprocess.run([*words, "sh", "-ec", make, "sh", *box.command("run", "--bundle", b.path, "c")], capture_output=True, text=True,
                          timeout=30, stdin=subprocess.DEVNULL)
    return done


def own(container, host, size=1000):
    return [{"containerID": container, "hostID": host, "size": size}]


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(55, 56, 59)
def test_idmap_of_the_mount(box):
    """SPEC 55, 56, 59"""
    done = owner(box, ["idmap"], uid=5, uidMappings=own(0, 2000), gidMappings=own(0, 3000))
    assert done.stdout == "2005:3005\n5:5\n", done.stderr


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(55)
def test_idmap_recursive(box):
    """SPEC 55"""
    done = owner(box, ["ridmap"], uid=5, uidMappings=own(0, 2000), gidMappings=own(0, 3000))
    assert done.stdout == "2005:3005\n2005:3005\n", done.stderr


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(59)
def test_idmap_by_mappings_alone(box):
    """SPEC 59"""
    done = owner(box, [], uid=5, uidMappings=own(0, 2000), gidMappings=own(0, 3000))
    assert done.stdout == "2005:3005\n5:5\n", done.stderr


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(56)
def test_idmap_of_the_container(box):
    """SPEC 56: the container's root sees the host's root's files as its own."""
    done = owner(box, ["ridmap"], in_user_namespace, uid=7)
    assert done.stdout == "7:7\n7:7\n", done.stderr


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(56)
def test_idmap_of_a_joined_namespace(box):
    """SPEC 56"""
    other = box.bundle(["sleep", "100"])
    in_user_namespace(other)
    box.run(other, "-d", id="other")
    def join(b):
        in_user_namespace(b)
        b.config["linux"].pop("uidMappings")
        b.config["linux"].pop("gidMappings")
        b.namespace("user", f"/proc/{box.state('other')['pid']}/ns/user")
    try:  # it may skip
        done = owner(box, ["idmap"], join, uid=7)
    finally:
        box.delete("other")
    assert done.stdout.startswith("7:7\n"), done.stderr


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(56)
def test_idmap_of_nobody(box):
    """SPEC 56: neither the mount nor the container has a mapping."""
    b = box.bundle()
    b.mount("/mnt", source(box), options=["bind", "idmap"])
    assert "idmap needs uidMappings" in box.run(b, status=1).err


@pytest.mark.root("only root can id-map a mount")
def test_idmap_words(box):
    """crun's form, in ids of the host or, with @, of the container."""
    done = owner(box, ["idmap=uids=0-2000-3#5-3000-10;gids=0-4000-10"], uid=5)
    assert done.stdout.startswith("3000:4005\n"), done.stderr
    done = owner(box, ["idmap=uids=@0-20-10;gids=@0-30-10"], in_user_namespace, uid=5)
    assert done.stdout.startswith("25:35\n"), done.stderr
    for bad in ("idmap=uids=0-1;gids=0-1-1", "idmap=uids=a-b-c;gids=0-1-1", "idmap=users=0-1-1", "idmap=uids=0-1-1"):
        assert owner(box, [bad]).returncode == 1


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(55)
def test_idmap_with_flags(box):
    """SPEC 55: attributes and a map together."""
    needs_linux(6, 3, "a tmpfs that can be id-mapped")
    words, src = nested(box, "")
    b = box.bundle(["cat", "/proc/self/mountinfo"])
    b.mount("/mnt", src, options=["bind", "ro", "nosuid", "idmap"]).update(uidMappings=own(0, 2000), gidMappings=own(0, 2000))
    b.save()
    done = subprocess.run([*words, *box.command("run", "--bundle", b.path, "c")], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=30)
    assert {"ro", "nosuid", "idmapped"} <= flags(done.stdout)["/mnt"], done.stderr


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(55)
def test_idmap_of_new_mount(box):
    """SPEC 55"""
    needs_linux(6, 3, "a tmpfs that can be id-mapped")

    def change(b):
        b.mount("/mnt", "tmpfs", "tmpfs", ["idmap", "mode=755"]).update(uidMappings=own(0, 2000), gidMappings=own(0, 3000))
    assert sh(box, "stat -c %u:%g /mnt", change) == "2000:3000\n"


@pytest.mark.root("only root can id-map a mount")
@pytest.mark.spec(55)
def test_idmap_where_impossible(box):
    """SPEC 55: a file system that cannot is named."""
    b = box.bundle()
    b.mount("/mnt", "/proc/sys/kernel", options=["bind", "idmap"]).update(uidMappings=own(0, 2000), gidMappings=own(0, 3000))
    err = box.run(b, status=1).err
    assert "/proc/sys/kernel" in err and "cannot be id-mapped" in err


# --- rootfsPropagation

@pytest.mark.parametrize("word", ["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"])
def test_rootfs_propagation(box, word, ids):
    """linux.rootfsPropagation, as /proc/self/mountinfo shows it."""
    def change(b):
        ids(b)
        b.config["linux"]["rootfsPropagation"] = word
    kind = word.removeprefix("r") if word != "r" else word
    for line in sh(box, "grep ' / / \\| /rootfs / \\|/ rw' /proc/self/mountinfo; cat /proc/self/mountinfo", change).splitlines():
        fields = line.split()
        if fields[4] != "/":
            continue
        tags = " ".join(fields[6:fields.index("-")])
        if kind == "shared":
            assert "shared:" in tags
        elif kind == "unbindable":
            assert "unbindable" in tags
        else:
            assert "shared:" not in tags and "unbindable" not in tags
            assert kind == "slave" or "master:" not in tags


@pytest.mark.parametrize("word", ["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"])
@pytest.mark.parametrize("cwd", ["/", "//", "/tmp"])
def test_rootfs_propagation_and_the_working_directory(box, word, cwd, ids):
    """However the root is entered, a relative path starts in it and not in the host's, which is entered by the way."""
    def change(b):
        ids(b)
        b.config["linux"]["rootfsPropagation"] = word
        b.config["process"]["cwd"] = cwd
    name, here, inside = sh(box, f"/bin/busybox pwd; stat -c %d:%i .; stat -c %d:%i {cwd}", change).split()
    assert (name, here) == (os.path.normpath(cwd).replace("//", "/"), inside)


@pytest.mark.root("mounts file systems before it runs")
@pytest.mark.parametrize("word", ["shared", "rshared", "slave", "private"])
def test_rootfs_propagation_leaves_the_hosts_mounts(box, word):
    """The old root is dropped with mounts that are shared with the host, as with systemd all are: the host keeps its own."""
    b = box.bundle(["true"])
    b.config["linux"]["rootfsPropagation"] = word
    top = f"{box.dir}/top"
    os.mkdir(top)
    box.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-ec",
                  f"mount -t tmpfs a {top}; mount --make-rshared /; mkdir {top}/in; mount -t tmpfs b {top}/in; mkdir {top}/in/er; mount -t tmpfs c {top}/in/er; "
                  f'"$@"; cut -d" " -f5 /proc/self/mountinfo | grep {top}', "sh"]
    assert box.run(b).out.split() == [top, f"{top}/in", f"{top}/in/er"]
    box.prefix = []


@pytest.mark.parametrize("option", [[], ["--no-pivot"]], ids=["pivot_root", "chroot"])
@pytest.mark.parametrize("type, namespace", [("proc", "-p"), pytest.param("sysfs", "-n", marks=pytest.mark.root(NO_SYSFS))])
def test_no_other_procfs_is_mounted_around_the_masks(box, option, type, namespace):
    """To the kernel a bare procfs or sysfs anywhere in the mount namespace, the host's too, is leave to mount another one in a new user namespace."""
    script = f"unshare -r -m {namespace} -f mount -t {type} {type} /mnt && echo mounted"

    def change(b, masked):
        os.makedirs(f"{b.rootfs}/mnt", exist_ok=True)
        b.config["process"]["user"] = {"uid": 1000, "gid": 1000}
        b.config["process"]["args"] = ["sh", "-c", script]
        b.config["linux"]["maskedPaths"] = [f"/{'sys' if type == 'sysfs' else type}/{'kernel' if type == 'sysfs' else 'irq'}"] if masked else []
        b.config["linux"]["readonlyPaths"] = []
        if type == "sysfs":  # what is mounted in it covers as well
            b.config["mounts"] = [m for m in b.config["mounts"] if not m["destination"].startswith("/sys/")]
            for m in b.config["mounts"]:
                m["options"] = [o for o in m.get("options", []) if not (m["destination"] == "/sys" and o == "ro")]

    b = box.bundle(["true"])
    change(b, masked=False)
    r = box.run(b, *option, status=None)
    assert r.out == "mounted\n", f"without masks there is nothing to get around, and yet it is refused: {r.err}"
    change(b, masked=True)
    r = box.run(b, *option, status=None)
    assert r.out == "" and r.status != 0 and "ermi" in r.err, r.err


@pytest.mark.parametrize("option, capability, warned", [("--no-pivot", "CAP_SYS_ADMIN", True), ("--no-pivot", "CAP_KILL", False), (None, "CAP_SYS_ADMIN", False)])
def test_no_pivot_warns_of_what_is_below_the_root(box, option, capability, warned):
    b = box.bundle(["true"])
    b.config["process"]["capabilities"] = {kind: [capability] for kind in ("bounding", "effective", "permitted")}
    b.save()
    err = box.orlop("--log-level", "warning", "run", *[option] * bool(option), "--bundle", b.path, "c").err
    assert ("switch_root" in err) == warned, err
