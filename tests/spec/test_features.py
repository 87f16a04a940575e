# SPDX-License-Identifier: Apache-2.0
"""features.md and features-linux.md: what `features` claims is so, and is claimed in the words of the version that it claims."""
import json
import os
import pathlib
import subprocess

import pytest
from orlop import PROGRAM

DATA = pathlib.Path(__file__).resolve().parents[1] / "data/schema/supplement-1.3.json"

pytestmark = pytest.mark.views


def say(*prefix, **more):
    return subprocess.run([*prefix, PROGRAM, "features"], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=False, **more)


@pytest.fixture(scope="module")
def features():
    done = say()
    if done.returncode != 0:
        pytest.skip(f"no features command: {done.stderr}")
    assert done.stderr == ""
    return json.loads(done.stdout)


def walk(value, path=""):
    """(path, kind, value) of everything below; x[] are items, x.* what a map holds."""
    if isinstance(value, dict):
        for key, inner in value.items():
            where = f"{path}.*" if path == "annotations" else f"{path}.{key}".lstrip(".")
            yield where, inner
            yield from walk(inner, where)
    elif isinstance(value, list):
        for inner in value:
            yield f"{path}[]", inner
            yield from walk(inner, f"{path}[]")


KINDS = {"string": str, "boolean": bool, "array": list, "object": dict, "map": dict}


@pytest.mark.spec(160, 161)
def test_members_are_those_of_the_version(features):
    """By the schema of 1.3: each member is known, of its kind, and the two versions are there."""
    known = json.loads(DATA.read_text())["features"]
    wrong = [(path, value) for path, value in walk(features) if path not in known or not isinstance(value, KINDS[known[path][0]])]
    assert wrong == [] and features["ociVersionMax"] == "1.3.0" and features["ociVersionMin"]


@pytest.mark.spec(159)
def test_what_is_unknown_is_absent(features):
    """Nothing is null; lists of what is not supported are absent, and of what is are not empty."""
    assert [path for path, value in walk(features) if value is None or value == []] == []
    off = [part for part in features["linux"].values() if isinstance(part, dict) and part.get("enabled") is False]
    assert all(isinstance(v, bool) for part in off for v in part.values())


@pytest.mark.spec(158)
def test_independent_of_the_machine(features, tmp_path):
    """For nobody, without capabilities, environment, /proc and /sys, the same text."""
    here = say()
    assert json.loads(here.stdout) == features
    assert say(env={}).stdout == here.stdout and say(cwd="/").stderr == ""
    if os.geteuid() != 0:
        pytest.skip("no root to be somebody else")
    program = tmp_path / "orlop"
    program.write_bytes(pathlib.Path(PROGRAM).read_bytes())
    program.chmod(0o755)
    for parent in (tmp_path, *tmp_path.parents[:-2]):
        parent.chmod(0o755)
    words = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /sys && mount -t tmpfs none /proc && exec setpriv --reuid 65534 --regid 65534 "
             f"--clear-groups --bounding-set=-all --inh-caps=-all {program} features"]
    other = subprocess.run(words, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=False)
    assert (other.returncode, other.stdout, other.stderr) == (0, here.stdout, "")


@pytest.mark.spec(160)
@pytest.mark.parametrize("which", ["ociVersionMin", "ociVersionMax"])
def test_versions_are_accepted(box, features, which):
    number = lambda v: [int(n) for n in v.split("-")[0].split("+")[0].split(".")]  # noqa: E731
    assert number(features["ociVersionMin"]) <= number(features["ociVersionMax"])
    assert box.sh("echo ran", lambda b: b.config.update(ociVersion=features[which])) == "ran\n"


@pytest.mark.spec(162)
def test_hooks_run(box, features):
    log = f"{box.dir}/log"
    b = box.bundle(["true"])
    b.mount(box.dir, box.dir, options=["bind"])
    b.config["hooks"] = {n: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {n} >> {log}"]}] for n in features["hooks"]}
    box.run(b)
    with open(log) as f:
        assert f.read().split() == features["hooks"]


MAPS = [{"containerID": 0, "hostID": 1000, "size": 1}]


@pytest.mark.spec(163)
def test_mount_options_are_known(box, features):
    """An option that is not known would be data, which a tmpfs refuses."""
    assert not {"size", "mode", "data", "loop", "nr_inodes", "lowerdir", "newinstance", "gid"} & set(features["mountOptions"])
    wrong = {}
    for option in features["mountOptions"]:
        b = box.bundle(["true"])
        if option in ("bind", "rbind", "copy-symlink", "src-nofollow", "dest-nofollow", "remount", "idmap", "ridmap"):
            m = b.mount("/mnt", "/tmp", "none", ["bind"] if option in ("bind", "rbind", "remount") else ["bind", option])
            if option in ("idmap", "ridmap"):
                m.update(source=b.rootfs, uidMappings=MAPS, gidMappings=MAPS)
        if option in ("rbind", "remount"):
            b.mount("/mnt", "/tmp", "none", [option, "bind"])
        elif option != "bind" and not option.endswith(("nofollow", "idmap")) and option != "copy-symlink":
            b.mount("/mnt", "tmpfs", "tmpfs", [option])
        r = box.run(b, status=None)
        if r.status != 0:
            wrong[option] = r.err
    assert wrong == {}


@pytest.mark.spec(164)
def test_annotations(features):
    assert all(key and isinstance(value, str) for key, value in features.get("annotations", {}).items())
    assert all(isinstance(name, str) and name for name in features.get("potentiallyUnsafeConfigAnnotations", []))


@pytest.mark.spec(166)
def test_namespaces_are_known(box, features):
    assert {"pid", "network", "mount", "ipc", "uts", "cgroup", "user", "time"} >= set(features["linux"]["namespaces"])
    def change(b):
        b.config["linux"]["namespaces"] = [{"type": n} for n in features["linux"]["namespaces"]]
        b.config["linux"]["uidMappings"] = b.config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 0, "size": 1000}]
    names = {"network": "net", "mount": "mnt"}
    files = [names.get(n, n) for n in features["linux"]["namespaces"]]
    inside = box.sh("for n in " + " ".join(files) + "; do readlink /proc/self/ns/$n; done", change).split()
    assert len(inside) == len(files) and not set(inside) & {os.readlink(f"/proc/self/ns/{n}") for n in files}


@pytest.mark.spec(167)
def test_capabilities_are_known(box, features):
    """One that is not known would be warned of, and left out."""
    log = f"{box.dir}/log"
    b = box.bundle(["true"])
    b.config["process"]["capabilities"] = {"bounding": features["linux"]["capabilities"]}
    b.save()
    box.orlop("--log-level", "warning", "--log", log, "run", "--bundle", b.path, "c")
    text = open(log).read() if os.path.exists(log) else ""
    assert "unknown" not in text


@pytest.mark.spec(168)
def test_cgroup(box, features):
    """The version that this view shows is claimed, and used."""
    cgroup = features["linux"]["cgroup"]
    assert set(cgroup) == {"v1", "v2", "systemd", "systemdUser", "rdma"}
    view = os.environ.get("ORLOP_VIEW", "hybrid")
    b = box.bundle(["cat", "/proc/self/cgroup"])
    b.namespace("cgroup", False)
    path = b.cgroup
    used = {int(line.split(":")[0]) != 0 for line in box.run(b).out.splitlines() if line.endswith(path)}
    assert used and cgroup["v2" if view == "v2" else "v1"] is True
    assert used == {"v2": {False}, "v1": {True}}.get(view, used)


def refused(box, change):
    """What create says against it, or nothing."""
    b = box.bundle(["true"])
    change(b)
    r = box.create(b, "--dry-run", status=None)
    return r.err or open(r.out).read() if r.status != 0 else ""


def no_directories(b):
    b.config["process"]["args"] = ["mkdir", "/new"]
    b.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}


UNKNOWN = "not implemented"
IMPOSSIBLE = {  # on every machine, with the module or without
    "apparmor": lambda b: b.config["process"].update(apparmorProfile="no-such-profile"),
    "selinux": lambda b: b.config["process"].update(selinuxLabel="no:such:label:s0"),
    "intelRdt": lambda b: b.config["linux"].update(intelRdt={"closID": "no-such-class"}),
    "netDevices": lambda b: b.config["linux"].update(netDevices={"no-such-device": {}}),
    "seccomp": no_directories,
}


@pytest.mark.parametrize("part", [
    pytest.param("apparmor", marks=pytest.mark.spec(170)), pytest.param("selinux", marks=pytest.mark.spec(170)),
    pytest.param("intelRdt", marks=pytest.mark.spec(172)), pytest.param("netDevices", marks=pytest.mark.spec(174)), "seccomp"])
def test_enabled_is_implemented(box, features, part):
    """enabled, and heeded: what cannot be is an error, which it would not be to one that leaves the property alone."""
    b = box.bundle(["true"])
    assert features["linux"][part]["enabled"] is True and box.run(b).status == 0
    IMPOSSIBLE[part](b)
    assert box.run(b, status=None).status != 0


@pytest.mark.spec(172)
def test_intel_rdt(features):
    """What is claimed is done to a false resctrl by the tests of the rules 139 to 145."""
    assert features["linux"]["intelRdt"] == {"enabled": True, "schemata": True, "monitoring": True}


@pytest.mark.spec(171)
def test_memory_policy(box, features):
    """Listed are those of the specification; each is taken."""
    part = features["linux"].get("memoryPolicy")
    if part is None:
        assert UNKNOWN in refused(box, lambda b: b.config["linux"].update(memoryPolicy={"mode": "MPOL_BIND", "nodes": "0"}))
        return
    words = json.loads(DATA.read_text())["config"]
    assert {k: sorted(v) for k, v in part.items()} == {"modes": sorted(words["linux.memoryPolicy.mode"][2].split()),
                                                       "flags": sorted(words["linux.memoryPolicy.flags[]"][2].split())}
    for mode in part["modes"]:
        nodes = {} if mode in ("MPOL_DEFAULT", "MPOL_LOCAL") else {"nodes": "0"}
        assert UNKNOWN not in refused(box, lambda b, m=mode, n=nodes: b.config["linux"].update(memoryPolicy={"mode": m, **n}))


def filter_of(action="SCMP_ACT_ERRNO", op="SCMP_CMP_EQ", **more):
    """A filter with one rule for a call that nobody makes."""
    rule = {"names": ["lookup_dcookie"], "action": action, "args": [{"index": 0, "value": 77, "valueTwo": 78, "op": op}]}
    return {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule], **more}


@pytest.mark.spec(169)
def test_seccomp(box, features):
    part = features["linux"]["seccomp"]
    if not part["enabled"]:
        assert list(part) == ["enabled"]
        return
    wrong = {}
    def taken(word, filters, run=False):
        said = refused(box, lambda b: b.config["linux"].update(seccomp=filters))
        if said == "" and run:
            b = box.bundle(["true"])
            b.config["linux"]["seccomp"] = filters
            said = box.run(b, status=None).err
        if said and "libseccomp cannot filter for" not in said:  # known; not to the machine's library, or of the other byte order
            wrong[word] = said
    for action in part["actions"]:
        more = {"listenerPath": f"{box.dir}/listener"} if action == "SCMP_ACT_NOTIFY" else {}
        taken(action, filter_of(action, **more))
    for operator in part["operators"]:
        taken(operator, filter_of(op=operator), run=True)
    for architecture in part["archs"]:
        taken(architecture, filter_of(architectures=[architecture]))
    for flag in part["knownFlags"]:
        if "WAIT_KILLABLE" not in flag:  # which is for listeners
            taken(flag, filter_of(flags=[flag]), run=flag in part["supportedFlags"])
    assert wrong == {} and set(part["supportedFlags"]) <= set(part["knownFlags"])


@pytest.mark.spec(173)
def test_idmap(box, features):
    """enabled, and id-mapped mounts are tried: an error names the kernel's answer, not us."""
    enabled = features["linux"]["mountExtensions"]["idmap"]["enabled"]
    b = box.bundle(["stat", "-c", "%u", "/mnt"])
    b.mount("/mnt", "tmpfs", "tmpfs", ["idmap"]).update(uidMappings=MAPS, gidMappings=MAPS)
    r = box.run(b, status=None)
    assert enabled is True and (r.out == "1000\n" or "mount_setattr" in r.err)


@pytest.mark.spec(163, 173)
def test_what_engines_read(features):
    """CRI-O and containerd: both versions, idmap and rro for what they tell the kubelet, and whether there are checkpoints."""
    assert features["ociVersionMin"] and features["ociVersionMax"] and {"rro", "idmap"} <= set(features["mountOptions"])
    assert features["linux"]["mountExtensions"]["idmap"]["enabled"] is True
    assert features["annotations"]["org.opencontainers.runc.checkpoint.enabled"] == "true"
