# SPDX-License-Identifier: Apache-2.0
"""What attacks stand on.

    @pytest.mark.attack("T28")               # the row of rows.tsv
    def test_something(victim):
        b = victim.bundle(["true"])          # its root file system is the attacker's
        os.symlink(outside, f"{b.rootfs}/dev")
        victim.run(b, status=None)
        victim.judge(os.listdir(outside))    # what the attacker got

The same attack runs against orlop as root, as root with a user namespace, as an ordinary user, and as root without the newer calls of the
kernel (the ways around them must withstand as well), and against naive/runtime.py.
`judge` takes what the attack got: nothing from orlop, and something from the naive runtime, or the attack would prove nothing."""
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import orlop  # noqa: E402

orlop.under_reaper()

USER, BASE = 4343, 100000
MAPS = [{"containerID": 0, "hostID": BASE, "size": 65536}]
NAIVE = os.path.join(HERE, "naive/runtime.py")


class Victim:
    def __init__(self, box, kind, tools):
        self.box, self.kind, self.tools, self.dir = box, kind, tools, box.dir
        self.naive, self.judged = kind == "naive", False
        self.spec = [orlop.PROGRAM]
        os.chmod(box.dir, 0o755)
        if self.naive:
            box.program = NAIVE
        if kind == "older kernel":
            box.prefix = [tools.without, "38", "openat2,fsopen,fsconfig,fsmount,open_tree,open_tree_attr,fchmodat2,move_mount,mount_setattr,close_range"]
        if kind == "rootless":
            box.program = shutil.copy(orlop.PROGRAM, os.path.join(box.dir, "orlop"))
            box.root = os.path.join(self.folder("run"), "state")
            os.chown(os.path.dirname(box.root), USER, USER)
            self.spec = box.prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all", "--"]

    @property
    def owner(self):
        """The uid of the host that the container's root is."""
        return {"user namespace": BASE, "rootless": USER}.get(self.kind, 0)

    def folder(self, name):
        """A new directory of the host, which belongs to nobody but root."""
        path = os.path.join(self.dir, name)
        os.makedirs(path)
        return path

    def file(self, name, text):
        """A new file of the host."""
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def bundle(self, args, **process):
        prefix, program = self.box.prefix, self.box.program
        self.box.prefix, self.box.program = [], orlop.PROGRAM
        b = self.box.bundle(args)
        if self.kind == "rootless":
            os.unlink(f"{b.path}/config.json")
            subprocess.run(["chown", f"{USER}:{USER}", b.path], check=True)
            subprocess.run([*prefix, program, "spec", "--rootless", "--bundle", b.path], check=True)
            config = orlop.json.load(open(f"{b.path}/config.json"))
            config["process"].update(b.config["process"])
            config["root"] = b.config["root"]
            b.config = config
        self.box.prefix, self.box.program = prefix, program
        b.config["process"].update(process)
        if self.kind == "user namespace":
            b.namespace("user")
            b.config["linux"]["uidMappings"] = b.config["linux"]["gidMappings"] = MAPS
        return b

    def put(self, b, path, text=None, program=None, link=None, mode=0o644):
        """Puts a file, a program or a link into the root."""
        whole = os.path.join(b.rootfs, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        if os.path.lexists(whole):
            shutil.rmtree(whole) if os.path.isdir(whole) and not os.path.islink(whole) else os.unlink(whole)
        if link is not None:
            os.symlink(link, whole)
        elif program:
            shutil.copy(program, whole)
        else:
            with open(whole, "w") as f:
                f.write(text)
            os.chmod(whole, mode)
        return whole

    def ready(self, b):
        """Gives the root file system to its owner."""
        if self.owner and not hasattr(b, "given"):
            b.given = True
            subprocess.run(["chown", "-h", "-R", f"{self.owner}:{self.owner}", b.rootfs], check=True)

    def run(self, b, *options, **more):
        self.ready(b)
        return self.box.run(b, *options, **more)

    def create(self, b, *options, **more):
        self.ready(b)
        return self.box.create(b, *options, **more)

    def exec(self, *words, status=0, options=(), **more):
        return self.box.orlop("exec", *options, "c", *words, status=status, env={"NAIVE_ENTER": self.tools.enter}, **more)

    def pid(self, id="c"):
        return self.box.state(id)["pid"]

    def judge(self, got, may=(), bites=True):
        """GOT: what the attacker got.  Without BITES the naive runtime is not open to this variant."""
        got = [g for g in got if g not in may]
        self.judged = True
        if self.naive:
            assert got or not bites, "the attack got nothing from a runtime that is open to it: it proves nothing"
        else:
            assert not got, f"the attacker got {got}"


class Tools:
    """Programs of the attackers, made once."""

    def __init__(self, directory):
        self.directory = directory

    def build(self, source, name, *flags):
        path = os.path.join(self.directory, name)
        subprocess.run(["gcc", "-O1", "-w", "-o", path, os.path.join(HERE, source), *flags], check=True)
        return path

    def __getattr__(self, name):
        sources = {"swap": ("swap.c", "-static"), "peek": ("peek.c", "-static"), "enter": ("naive/enter.c", "-static"),
                   "without": ("../lib/without.c", "-static"), "steal": ("steal.c", "-shared", "-fPIC"), "call": ("../lib/call.c", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"),
                   "call32": ("../lib/call.c", "-m32", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pie", "-no-pie"),
                   "push": ("push.c", "-static"), "escape": ("escape.c", "-static")}
        if name not in sources:
            raise AttributeError(name)
        source, *flags = sources[name]
        path = self.build(source, name, *flags)
        setattr(self, name, path)
        return path


@pytest.fixture(scope="session")
def tools(tmp_path_factory):
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed: the attackers' programs cannot be made")
    directory = tmp_path_factory.mktemp("attackers")
    for path in (directory, directory.parent, directory.parent.parent):
        os.chmod(path, 0o755)
    return Tools(str(directory))


KINDS = ["root", "user namespace", "rootless", "older kernel", "naive"]


def no_user_namespace():
    """Why an ordinary user gets no user namespace here, or None."""
    done = subprocess.run(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--", "unshare", "-U", "true"], capture_output=True, text=True)
    return done.stderr.strip() or f"status {done.returncode}" if done.returncode else None


@pytest.fixture
def victim(request, tools):
    if os.geteuid() != 0:
        pytest.skip("containers of this suite need root")
    if request.param == "rootless" and no_user_namespace():
        pytest.skip(f"an ordinary user gets no user namespace here: {no_user_namespace()}")
    box = orlop.Box()
    v = Victim(box, request.param, tools)
    yield v
    box.close()
    assert v.judged or request.node.rep_failed, "the test judged nothing"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    item.rep_failed = getattr(item, "rep_failed", False) or report.failed or report.skipped


def pytest_generate_tests(metafunc):
    """A row that concerns some kinds only is not run, nor skipped, for the others."""
    if "victim" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("only")
        metafunc.parametrize("victim", [k for k in KINDS if not marker or k in marker.args], indirect=True)
