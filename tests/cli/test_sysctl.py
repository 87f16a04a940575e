# SPDX-License-Identifier: Apache-2.0
"""linux.sysctl: what belongs to a namespace of the container can be set, in both spellings; nothing of the host's can."""

import pytest
from orlop import give_user_namespace

# key -> (value, what is read, namespace)
SETTINGS = {
    "net.ipv4.ip_forward": ("1", "1", "network"),
    "net/ipv4/ip_default_ttl": ("77", "77", "network"),
    "net.ipv4.conf.lo.forwarding": ("1", "1", "network"),
    "kernel.shmmax": ("8388608", "8388608", "ipc"),
    "kernel/shm_rmid_forced": ("1", "1", "ipc"),
    "kernel.msgmax": ("4096", "4096", "ipc"),
    "kernel.sem": ("250 32000 33 129", "250\t32000\t33\t129", "ipc"),
    "fs.mqueue.msg_max": ("17", "17", "ipc"),
    "fs/mqueue/queues_max": ("200", "200", "ipc"),
}
NAMES = {"network": "net", "ipc": "ipc", "uts": "uts", "user": "user"}


def path(key):
    return "/proc/sys/" + (key if "/" in key else key.replace(".", "/"))


def host(key):
    with open(path(key)) as f:
        return f.read()


def bundle(box, sysctl, *, user=False, args=("true",)):
    b = box.bundle(args)
    b.config["linux"]["sysctl"] = sysctl
    if user:
        give_user_namespace(b)
    return b


@pytest.mark.parametrize("user", [False, True], ids=["root", "userns"])
def test_both_spellings(box, user):
    before = {key: host(key) for key in SETTINGS}
    b = bundle(box, {key: value for key, (value, _, _) in SETTINGS.items()}, user=user, args=["cat", *map(path, SETTINGS)])
    assert box.run(b).out.splitlines() == [read for _, read, _ in SETTINGS.values()]
    assert {key: host(key) for key in SETTINGS} == before


def test_both_spellings_of_one(box):
    """With one value they are the same; with two nobody knows which was meant, and nothing is made."""
    b = box.bundle(["cat", "/proc/sys/net/ipv4/ip_forward"])
    b.config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1", "net/ipv4/ip_forward": "1"}
    assert box.run(b).out == "1\n"
    b.config["linux"]["sysctl"]["net/ipv4/ip_forward"] = "0"
    err = box.run(b, status=1).err
    for key in "net.ipv4.ip_forward", "net/ipv4/ip_forward":
        assert f'linux.sysctl["{key}"]: another key is the same kernel parameter and has another value' in err


def test_user_namespaces_own(box):
    before = host("user.max_net_namespaces")
    b = bundle(box, {"user.max_net_namespaces": "12", "user/max_uts_namespaces": "13"}, user=True,
               args=["cat", "/proc/sys/user/max_net_namespaces", "/proc/sys/user/max_uts_namespaces"])
    assert box.run(b).out == "12\n13\n"
    assert host("user.max_net_namespaces") == before


@pytest.mark.root("kernel.domainname may be written by root of the host alone")
def test_domainname(box):
    before = host("kernel.domainname")
    b = bundle(box, {"kernel.domainname": "example.org"}, args=["cat", "/proc/sys/kernel/domainname"])
    assert box.run(b).out == "example.org\n"
    assert host("kernel.domainname") == before


@pytest.mark.parametrize("mounts", [
    "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys", "mount -t tmpfs tmpfs /proc/sys/net",
], ids=["read-only", "covered"])
@pytest.mark.root("mounts file systems before it runs")
def test_runtime_whose_own_are_out_of_reach(box, mounts):
    """As in a container that is not privileged, where engines run too."""
    before = host("net.ipv4.ip_forward"), host("kernel.msgmax")
    b = bundle(box, {"kernel.msgmax": "9000", "net.ipv4.ip_forward": "1"}, args=["cat", path("kernel.msgmax"), path("net.ipv4.ip_forward")])
    box.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    out = box.run(b).out
    box.prefix = []
    assert out == "9000\n1\n"
    assert before == (host("net.ipv4.ip_forward"), host("kernel.msgmax"))


@pytest.mark.spec(91)
@pytest.mark.parametrize("key, kind", [(k, n) for k, (_, _, n) in SETTINGS.items()] + [("kernel.domainname", "uts"), ("user.max_net_namespaces", "user")])
def test_needs_its_namespace(box, key, kind):
    b = bundle(box, {key: SETTINGS.get(key, ("1",))[0]})
    b.namespace(kind, False)
    if kind == "uts":
        b.config.pop("hostname", None)
    before = host(key)
    err = box.run(b, status=1).err
    assert f'linux.sysctl["{key}"]' in err and f"namespace of type {kind}" in err, err
    assert host(key) == before


@pytest.mark.spec(91)
@pytest.mark.parametrize("key", ["net.ipv4.ip_forward", "kernel.shmmax", "fs.mqueue.msg_max", "kernel.domainname"])
def test_namespace_by_path_that_is_the_hosts(box, key):
    kind = SETTINGS.get(key, (0, 0, "uts"))[2]
    b = bundle(box, {key: "1"})
    b.namespace(kind, f"/proc/self/ns/{NAMES[kind]}")
    if kind == "uts":
        b.config.pop("hostname", None)
    before = host(key)
    err = box.run(b, status=1).err
    assert f'linux.sysctl["{key}"]' in err and "is the runtime's own" in err, err
    assert host(key) == before
    assert box.orlop("list", "-q").out == ""


@pytest.mark.spec(72, 91)
@pytest.mark.parametrize("name", ["hostname", "domainname"])
def test_name_for_a_namespace_by_path_that_is_the_hosts(box, name):
    b = box.bundle()
    b.config.pop("hostname", None)
    b.config[name] = "other"
    b.namespace("uts", "/proc/self/ns/uts")
    before = (host("kernel.hostname"), host("kernel.domainname"))
    err = box.run(b, status=1).err
    assert f" {name}: " in err and "is the runtime's own" in err, err
    assert (host("kernel.hostname"), host("kernel.domainname")) == before


def test_namespace_by_path_of_another(box):
    other = box.bundle(["sleep", "100"])
    box.run(other, "-d", id="other")
    b = bundle(box, {"net.ipv4.ip_forward": "1"})
    b.join("network", f"/proc/{box.state('other')['pid']}/ns/net")
    box.run(b)
    assert box.orlop("exec", "other", "cat", "/proc/sys/net/ipv4/ip_forward").out == "1\n"
    box.delete("other")


@pytest.mark.spec(91)
@pytest.mark.parametrize("key", [
    "kernel.core_pattern", "kernel/core_pattern", "vm.overcommit_memory", "fs.file-max", "kernel.panic", "kernel.hostname", "kernel/hostname",
    "kernel.shmmax.x", "kernel.modprobe", "dev.tty.ldisc_autoload", "debug.exception-trace", "kernel", "net", "user",
])
def test_what_belongs_to_the_host(box, key):
    err = box.run(bundle(box, {key: "1"}, user=True), status=1).err
    assert f'linux.sysctl["{key}"]' in err, err
    assert ("hostname sets" if "hostname" in key else "belongs to no namespace") in err, err


@pytest.mark.parametrize("key", [
    "", ".", "/", "..", "net..ipv4", "net.ipv4.", ".net.ipv4", "/net/ipv4/ip_forward", "net/../kernel/core_pattern", "net.//kernel/core_pattern", "net/./x",
    "net.ipv4.ip_forward\n", "net ipv4", "net.ipv4.ip_forward=1", "net.ipv4.ip_forward+kernel.core_pattern", "net.ipv4.x*",
])
def test_keys_that_are_none(box, key):
    """CVE-2022-0811 smuggled a second parameter in one."""
    before = host("kernel.core_pattern")
    assert "linux.sysctl" in box.run(bundle(box, {key: "1"}), status=1).err
    assert host("kernel.core_pattern") == before


@pytest.mark.parametrize("value", ["1\nkernel.core_pattern=|/x", "1\r", "1\x00", "\x1b[0m", "1+kernel.core_pattern=|/x", "1 kernel.core_pattern", "=1", "", " "])
def test_values_that_are_none(box, value):
    """What looks harmless is written to the one file, which refuses it."""
    before = host("kernel.core_pattern")
    err = box.run(bundle(box, {"kernel.shm_rmid_forced": value}), status=1).err
    assert "linux.sysctl" in err, err
    assert host("kernel.core_pattern") == before
    assert box.orlop("list", "-q").out == ""


def test_parameter_that_the_kernel_lacks(box):
    err = box.run(bundle(box, {"net.is.not.there": "1"}), status=1).err
    assert 'linux.sysctl["net.is.not.there"]' in err and "/proc/sys/net/is/not/there" in err, err


@pytest.mark.spec(147)
def test_empty_value(box):
    """Of a text: no ports are reserved any more."""
    name = "net.ipv4.ip_local_reserved_ports"
    other = box.bundle(["sleep", "100"])
    other.config["linux"]["sysctl"] = {name: "8080,9000-9010"}
    box.run(other, "-d", id="other")
    b = bundle(box, {name: ""}, args=["cat", path(name)])
    b.join("network", f"/proc/{box.state('other')['pid']}/ns/net")
    assert box.orlop("exec", "other", "cat", path(name)).out == "8080,9000-9010\n"
    assert box.run(b).out == "\n"
    box.delete("other")
