# SPDX-License-Identifier: Apache-2.0
"""linux.netDevices: interfaces that move into the container.  The runtime runs in a network namespace of the test's own, so that the
machine's network is out of reach."""
import json
import os
import signal
import subprocess

import pytest
from orlop import eventually, give_user_namespace

pytestmark = pytest.mark.root("moves network interfaces that are the host's")


class Net:
    """A network namespace that a sleeping process holds."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
        mine = os.readlink("/proc/self/ns/net")
        eventually(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != mine, "a network namespace")
        self.path = f"/proc/{self.holder.pid}/ns/net"
        self.prefix = ["nsenter", f"--net={self.path}"]

    def ip(self, *words):
        done = subprocess.run([*self.prefix, "ip", "-j", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else []

    def veth(self, name, *, up=True):
        self.ip("link", "add", "name", name, "type", "veth", "peer", "name", f"{name}-peer")
        if up:
            self.ip("link", "set", name, "up")
            self.ip("link", "set", f"{name}-peer", "up")

    def names(self):
        return {link["ifname"].split("@")[0] for link in self.ip("link")} - {"lo"}

    def link(self, name):
        return next(link for link in self.ip("addr") if link["ifname"] == name)

    def close(self):
        self.holder.send_signal(signal.SIGKILL)
        self.holder.wait()


@pytest.fixture
def net(box):
    n = Net()
    box.prefix = n.prefix
    yield n
    n.close()


@pytest.fixture
def pod(box):
    """Another namespace, to be joined."""
    n = Net()
    yield n
    n.close()


def inside(box, *words, id="c"):
    """ip of this machine in the container's network namespace."""
    pid = box.state(id)["pid"]
    done = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-j", *words], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def addresses(link):
    return sorted((a["family"], a["local"], a["prefixlen"]) for a in link["addr_info"] if a["scope"] == "global")


def link_of(box, name):
    return next(link for link in inside(box, "addr") if link["ifname"] == name)


def sleeper(box, **devices):
    b = box.bundle(["sleep", "100"])
    b.config["linux"]["netDevices"] = {name.replace("_", "-"): d for name, d in devices.items()}
    return b


@pytest.mark.spec(111, 113, 114)
@pytest.mark.parametrize("user", [False, True], ids=["root", "userns"])
def test_moves_with_addresses(box, net, user):
    net.veth("net0")
    for address in ("10.1.2.3/24", "10.1.2.4/24", "10.9.9.9/32", "2001:db8::5/64", "2001:db8:1::5/128"):
        net.ip("addr", "add", address, "dev", "net0")
    net.ip("addr", "add", "169.254.1.1/16", "dev", "net0", "scope", "link")
    net.ip("addr", "add", "10.7.7.7/24", "dev", "net0", "valid_lft", "1000", "preferred_lft", "1000")
    net.ip("link", "set", "net0", "mtu", "1400", "address", "02:00:00:00:00:07")
    permanent = [a for a in addresses(net.link("net0")) if a[1] != "10.7.7.7"]
    b = sleeper(box, net0={})
    if user:
        give_user_namespace(b)
    box.run(b, "-d")
    assert net.names() == {"net0-peer"}
    moved = link_of(box, "net0")
    assert addresses(moved) == permanent and len(permanent) == 5
    assert moved["mtu"] == 1400 and moved["address"] == "02:00:00:00:00:07" and "UP" in moved["flags"]
    # what is not permanent, or of another scope, is not ours to give
    assert not {"10.7.7.7", "169.254.1.1"} & {a["local"] for a in moved["addr_info"]}
    # the program of exec sees it as well
    assert "net0" in box.orlop("exec", "c", "ip", "addr").out
    box.delete()
    # not moved out: a virtual device ends with its namespace, and its peer with it
    eventually(lambda: net.names() == set(), "the end of the pair")


@pytest.mark.spec(111, 114)
def test_new_name_and_down_before(box, net):
    net.veth("net0", up=False)
    b = sleeper(box, net0={"name": "eth7"})
    box.run(b, "-d")
    assert "UP" in link_of(box, "eth7")["flags"]
    assert {link["ifname"] for link in inside(box, "link")} == {"lo", "eth7"}
    box.delete()


@pytest.mark.spec(111)
def test_several_that_swap_names(box, net):
    net.veth("net0")
    net.veth("net1")
    addresses_of = {n: net.link(n)["address"] for n in ("net0", "net1")}
    box.run(sleeper(box, net0={"name": "net1"}, net1={"name": "net0"}), "-d")
    assert link_of(box, "net0")["address"] == addresses_of["net1"] and link_of(box, "net1")["address"] == addresses_of["net0"]
    box.delete()


@pytest.mark.spec(112)
def test_template(box, net, pod):
    pod.veth("eth0")
    pod.veth("eth2")
    for name in ("x", "y", "z"):
        net.veth(name)
    net.ip("addr", "add", "10.1.2.3/24", "dev", "y")
    b = sleeper(box, x={"name": "eth%d"}, y={"name": "eth%d"}, z={"name": "eth%d"})
    b.namespace("network", pod.path)
    box.run(b, "-d")
    assert pod.names() == {"eth0", "eth0-peer", "eth2", "eth2-peer", "eth1", "eth3", "eth4"}
    assert [addresses(pod.link(f"eth{i}")) for i in (1, 3, 4)] == [[], [("inet", "10.1.2.3", 24)], []]
    box.delete()


@pytest.mark.spec(112)
def test_template_leaves_the_names_of_others(box, net):
    net.veth("x")
    net.veth("y")
    net.ip("addr", "add", "10.1.2.3/24", "dev", "y")
    box.run(sleeper(box, x={"name": "eth%d"}, y={"name": "eth0"}), "-d")
    assert addresses(link_of(box, "eth0")) == [("inet", "10.1.2.3", 24)] and addresses(link_of(box, "eth1")) == []
    box.delete()


@pytest.mark.spec(112)
def test_template_where_the_number_is_taken(box, net, pod):
    """An interface keeps its index only where that is free."""
    net.veth("x")
    index = net.link("x")["ifindex"]
    pod.ip("link", "add", "name", "other", "index", str(index), "type", "veth", "peer", "name", "other-peer")
    net.ip("addr", "add", "10.1.2.3/24", "dev", "x")
    b = sleeper(box, x={"name": "eth%d"})
    b.namespace("network", pod.path)
    box.run(b, "-d")
    assert pod.link("eth0")["ifindex"] != index and addresses(pod.link("eth0")) == [("inet", "10.1.2.3", 24)]
    box.delete()


@pytest.mark.spec(115, 40)
def test_joined_namespace_keeps_the_device(box, net, pod):
    net.veth("net0")
    net.ip("addr", "add", "10.1.2.3/24", "dev", "net0")
    b = sleeper(box, net0={})
    b.namespace("network", pod.path)
    box.run(b, "-d")
    assert addresses(pod.link("net0")) == [("inet", "10.1.2.3", 24)]
    box.delete()
    assert addresses(pod.link("net0")) == [("inet", "10.1.2.3", 24)]
    assert net.names() == {"net0-peer"}


def unchanged(box, net, b, *, words, options=(), status=1):
    """The create fails with these words, and neither an interface nor an address has changed."""
    def facts():
        return {link["ifname"]: (addresses(link), "UP" in link["flags"], link["address"], link["mtu"]) for link in net.ip("addr")}
    before = facts()
    err = box.run(b, *options, status=status).err
    for word in words:
        assert word in err, err
    assert facts() == before
    assert box.orlop("list", "-q").out == ""


@pytest.mark.spec(112, 20)
def test_collision(box, net, pod):
    pod.veth("eth0")
    for name in ("aa", "net0"):
        net.veth(name)
        net.ip("addr", "add", "10.1.2.3/24", "dev", name)
    b = sleeper(box, aa={"name": "fine"}, net0={"name": "eth0"})
    b.namespace("network", pod.path)
    unchanged(box, net, b, words=['linux.netDevices["net0"]', "has a network device eth0 already", "net.devices"])
    assert pod.names() == {"eth0", "eth0-peer"}


@pytest.mark.spec(111, 20)
def test_no_such_device(box, net):
    net.veth("aa")
    unchanged(box, net, sleeper(box, aa={}, zz={}), words=['linux.netDevices["zz"]', "no network device of this name"])


@pytest.mark.spec(111, 20)
def test_device_that_may_not_move(box, net):
    net.ip("link", "add", "br0", "type", "bridge")
    net.veth("aa")
    net.ip("addr", "add", "10.1.2.3/24", "dev", "aa")
    net.ip("addr", "add", "2001:db8::5/64", "dev", "aa", "nodad")
    unchanged(box, net, sleeper(box, aa={"name": "bb"}, br0={}), words=['linux.netDevices["br0"]'])


@pytest.mark.spec(111)
def test_loopback_may_not_move(box, net):
    unchanged(box, net, sleeper(box, lo={"name": "lo1"}), words=["loopback"])


@pytest.mark.spec(20)
@pytest.mark.parametrize("when", ["hook", "program", "mount"])
def test_later_failure_brings_them_back(box, net, when):
    net.veth("net0")
    net.veth("down", up=False)
    for address in ("10.1.2.3/24", "2001:db8::5/64"):
        net.ip("addr", "add", address, "dev", "net0")
    b = sleeper(box, net0={"name": "eth0"}, down={"name": "eth%d"})
    if when == "hook":
        b.config["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    elif when == "program":
        b.config["process"]["args"] = ["does-not-exist"]
    else:
        b.mount("/x", "/does/not/exist", options=["bind"])
    unchanged(box, net, b, words=[])


@pytest.mark.spec(20)
def test_failing_start_of_run_brings_them_back(box, net):
    net.veth("net0")
    b = sleeper(box, net0={"name": "eth0"})
    b.config["hooks"] = {"poststart": [{"path": "/bin/false"}]}
    unchanged(box, net, b, words=["hooks.poststart"], options=["-d"])


@pytest.mark.spec(20)
def test_killed_create_is_repaired_by_delete(box, net, pod):
    """In a namespace that others hold the devices outlive the create."""
    net.veth("net0")
    net.ip("addr", "add", "10.1.2.3/24", "dev", "net0")
    b = sleeper(box, net0={"name": "eth0"})
    b.namespace("network", pod.path)
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "100"]}]}
    b.save()
    creator = subprocess.Popen(box.command("create", "--bundle", b.path, "c"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    eventually(lambda: "eth0" in pod.names(), "the move")
    os.killpg(creator.pid, signal.SIGKILL)
    creator.wait()
    for hook in [p for p in box.orphans() if "sleep 100" in p]:
        os.kill(int(hook.split()[0]), signal.SIGKILL)
    box.delete()
    assert pod.names() == set()
    assert addresses(net.link("net0")) == [("inet", "10.1.2.3", 24)]


def test_hooks_see_them(box, net):
    net.veth("net0")
    out = f"{box.dir}/seen"
    b = sleeper(box, net0={"name": "eth0"})
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f'''
        pid=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/;t;d'); nsenter --net=/proc/$pid/ns/net ip link > {out}'''],
        "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]}
    box.run(b, "-d")
    with open(out) as f:
        assert "eth0" in f.read()
    box.delete()


@pytest.mark.spec(111)
@pytest.mark.parametrize("namespace", [False, "own"], ids=["inherited", "own"])
def test_needs_a_network_namespace(box, net, namespace):
    net.veth("net0")
    b = sleeper(box, net0={"name": "eth0"})
    b.namespace("network", net.path if namespace else False)
    unchanged(box, net, b, words=["linux.netDevices"])


@pytest.mark.spec(91, 112)
@pytest.mark.parametrize("key, device", [
    ("", {}), ("a/b", {}), ("..", {}), ("a b", {}), ("a:1", {}), ("abcdefghijklmnop", {}), ("a%d", {}),
    ("net0", {"name": "a/b"}), ("net0", {"name": "abcdefghijklmnop"}), ("net0", {"name": "%d%d"}), ("net0", {"name": "a%s"}),
    ("net0", {"name": "a\n"}), ("net0", {"name": 5}),
])
def test_impossible_names(box, net, key, device):
    net.veth("net0")
    unchanged(box, net, sleeper(box, **{key: device}), words=["linux.netDevices"])


@pytest.mark.spec(112)
def test_two_with_one_name(box, net):
    net.veth("net0")
    net.veth("net1")
    unchanged(box, net, sleeper(box, net0={"name": "x"}, net1={"name": "x"}), words=["another device has the same name"])


def test_anothers_namespace_is_out_of_reach(box, net):
    """CVE-2017-5985: nobody moves a device into a namespace that is not his; the kernel is asked with the caller's own rights."""
    net.veth("net0")
    b = sleeper(box, net0={})
    b.namespace("network", net.path)
    b.save()
    # root of a user namespace of its own, with a network namespace of its own
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "--mount", *box.command("run", "--bundle", b.path, "c")[len(net.prefix):]],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode != 0 and "linux.namespaces[" in done.stderr, done
    assert "net0" in net.names()
    assert box.orlop("list", "-q").out == ""
