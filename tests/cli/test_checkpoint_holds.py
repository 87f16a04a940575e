# SPDX-License-Identifier: Apache-2.0
"""What a container may hold that checkpoint and restore must be told of, option by option: without it the dump is refused and the container goes on; with it
all is as it was.  And where its memory goes: lazily to whoever uses it, to a page server, to a later image."""
import os
import re
import shutil
import socket
import subprocess
import threading

import pytest
from checkpoints import c, cgroups_of, delete_all, goes_on, major, may_ask_limits, numbers, program, starts_counting  # noqa: F401 - fixtures, too
from orlop import TIMEOUT, eventually, read_terminal

NULL = subprocess.DEVNULL


@pytest.fixture(scope="module")
def holds(tmp_path_factory):
    """The program that holds something: tests/lib/holds.c."""
    compiler = shutil.which(os.environ.get("CC", "cc")) or pytest.skip("no C compiler")
    made = tmp_path_factory.mktemp("holds") / "holds"
    subprocess.run([compiler, "-O2", "-static", "-o", made, os.path.join(os.path.dirname(__file__), "../lib/holds.c")], check=True, timeout=60)
    return made


def start(box, c, holds, *words, change=None):
    """A container whose program holds what WORDS say."""
    b = box.bundle(["/bin/holds", *map(str, words)])
    shutil.copy(holds, os.path.join(b.rootfs, "bin/holds"))
    if change:
        change(b)
    c.run(b)
    starts_counting(b)
    return b


def broken(b):
    path = os.path.join(b.rootfs, "tmp/broken")
    return os.path.exists(path) and open(path).read()


def refused(box, b, r, said):
    """The dump was refused for what is SAID, and the container goes on."""
    assert said in r.err and r.err.count("\n") == 1, r
    assert box.status() == "running" and not broken(b)
    goes_on(b)


def there_and_back(box, c, b, *options):
    c.checkpoint(*options)
    c.restore(b, *options)
    goes_on(b)
    assert not broken(b)


# --- connections

def test_tcp(box, c, holds):
    """A connection inside of the container: every number goes through it."""
    b = start(box, c, holds, "tcp")
    refused(box, b, c.checkpoint(status=1), "tcp-established")
    there_and_back(box, c, b, "--tcp-established")


def test_tcp_left_running(box, c, holds):
    """The network that was locked meanwhile is open again."""
    b = start(box, c, holds, "tcp")
    c.checkpoint("--tcp-established", "--leave-running")
    goes_on(b)
    assert not broken(b)


def test_tcp_needs_leave_at_restore(box, c, holds):
    b = start(box, c, holds, "tcp")
    c.checkpoint("--tcp-established")
    assert "Connected TCP socket" in c.restore(b, status=1).err
    assert box.processes() == [] and cgroups_of(box) == set()


@pytest.mark.parametrize("there", [True, False], ids=["a file", "no file"])
def test_tcp_by_a_file_of_options(box, c, holds, there):
    """An annotation names it; one that is not there is an error of CRIU's, or nothing."""
    options = os.path.join(box.dir, "criu.conf")
    if there:
        with open(options, "w") as f:
            f.write("tcp-established\n")
    b = start(box, c, holds, "tcp", change=lambda b: b.config.update(annotations={"org.criu.config": options}))
    if not there:
        assert c.checkpoint(status=1).err
        goes_on(b)
        return
    there_and_back(box, c, b)


def test_tcp_close(box, c, holds):
    """The program finds its connection closed."""
    b = start(box, c, holds, "tcp")
    c.checkpoint("--tcp-established")
    c.restore(b, "--tcp-close")
    eventually(lambda: broken(b), "the program has noticed")
    box.wait("stopped")


def test_tcp_in_flight(box, c, holds):
    """A connection that nobody has accepted yet is left out."""
    b = start(box, c, holds, "unaccepted")
    refused(box, b, c.checkpoint("--tcp-established", status=1), "n-flight")
    c.checkpoint("--tcp-established", "--tcp-skip-in-flight")
    c.restore(b, "--tcp-established")
    goes_on(b)


@pytest.fixture
def net():
    """A network namespace of another, with a server that answers every number."""
    server = """
import socket
s = socket.socket()
s.bind(("127.0.0.1", 4712))
s.listen()
print("ready", flush=True)
c, _ = s.accept()
try:
    while data := c.recv(4):
        c.sendall(data)
except (ConnectionResetError, BrokenPipeError):  # a client that is killed before it has read the last answer
    pass
print("end", flush=True)
"""
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", 'ip link set lo up; exec /usr/bin/python3 -c "$0"', server], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "ready\n"
    yield holder
    holder.kill()
    holder.wait()
    holder.stdout.close()


def test_tcp_to_another(box, c, holds, net):
    """The other end is no part of the images: it waits meanwhile, and does not notice."""
    b = start(box, c, holds, "tcp", 4712, change=lambda b: b.namespace("network", f"/proc/{net.pid}/ns/net"))
    refused(box, b, c.checkpoint(status=1), "tcp-established")
    there_and_back(box, c, b, "--tcp-established")
    assert net.poll() is None
    box.delete()
    assert net.stdout.readline() == "end\n"


def test_network_lock(box, c, holds):
    """By a program, whose absence is told of, or not at all."""
    tools = os.path.join(box.dir, "tools")
    os.makedirs(tools)
    for name in ("tar", "gzip", "ip"):  # CRIU's own need
        os.symlink(shutil.which(name), os.path.join(tools, name))
    b = start(box, c, holds, "tcp")
    r = c.orlop("checkpoint", "--image-path", c.images, "--tcp-established", "--network-lock", "iptables", "c", status=1, env={"PATH": tools})
    refused(box, b, r, "tables-restore")
    r = c.orlop("checkpoint", "--image-path", c.images, "--tcp-established", "--network-lock", "skip", "--leave-running", "c", status=None, env={"PATH": tools})
    goes_on(b)
    if r.status:
        assert major(c.program) < 4, r
        pytest.skip("CRIU before 4 cannot do without locking the network")
    there_and_back(box, c, b, "--tcp-established")


def test_empty_network(box, c, holds):
    """The namespace is there without what was in it."""
    b = box.bundle(["sh", "-c", "i=0; while true; do i=$((i+1)); echo $i >>/tmp/numbers; usleep 20000; done"])
    c.run(b)
    starts_counting(b)
    pid = box.state()["pid"]
    subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", "address", "add", "10.9.8.7/32", "dev", "lo"], check=True)

    def addresses():
        return subprocess.run(["nsenter", "-t", str(box.state()["pid"]), "-n", "ip", "-o", "address"], capture_output=True, text=True, check=True).stdout
    assert "10.9.8.7" in addresses()
    c.checkpoint()
    c.restore(b)
    assert "10.9.8.7" in addresses()
    c.checkpoint("--empty-ns", "network")
    c.restore(b, "--empty-ns", "network")
    goes_on(b)
    assert "10.9.8.7" not in addresses()


def test_unix_socket_outside(box, c, holds):
    """What the program sends goes on coming to a socket of the host.  CRIU finds it in the same network namespace alone, and by the name that it has
    on the host."""
    host = os.path.join(box.dir, "host")
    os.makedirs(host)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(os.path.join(host, "s"))
    last = [0]

    def listen():
        while data := listener.recv(4):
            last[0] = int.from_bytes(data, "little")
    threading.Thread(target=listen, daemon=True).start()
    b = start(box, c, holds, "unix", os.path.join(host, "s"), change=lambda b: (b.mount(host, host, options=["bind"]), b.namespace("network", False)))
    refused(box, b, c.checkpoint(status=1), "ext-unix-sk")
    there_and_back(box, c, b, "--ext-unix-sk")
    now = numbers(b)[-1]
    eventually(lambda: last[0] > now, "numbers come")
    box.delete()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.sendto(b"", os.path.join(host, "s"))
    listener.close()


# --- files and terminals

def test_file_lock(box, c, holds):
    """It is held by whom it was held."""
    b = start(box, c, holds, "lock")
    before = c.exec("/bin/holds", "tell", "lock")
    assert before == "process 1 from 10, 20 bytes\n"
    refused(box, b, c.checkpoint(status=1), "file-locks")
    there_and_back(box, c, b, "--file-locks")
    assert c.exec("/bin/holds", "tell", "lock") == before


def test_link_remap(box, c, holds):
    """A file that is open by a name that is gone while it has another."""
    b = start(box, c, holds, "unlinked")
    refused(box, b, c.checkpoint(status=1), "link-remap")
    c.checkpoint("--link-remap")
    c.restore(b)
    goes_on(b)
    assert os.stat(os.path.join(b.rootfs, "tmp/numbers")).st_nlink == 1 and sorted(os.listdir(os.path.join(b.rootfs, "tmp"))) == ["numbers"]


def test_shell_job(box, c):
    """A terminal of the caller's that was handed on: the restored has that of who restores."""
    masters, slaves = zip(*(os.openpty() for _ in range(2)))
    b = box.bundle(["sh", "-c", "while read x; do echo got $x; done"])
    b.save()
    try:
        subprocess.run(box.command("run", "--detach", "--bundle", b.path, "c"), stdin=slaves[0], stdout=slaves[0], stderr=slaves[0], check=True)
        os.write(masters[0], b"one\n")
        read_terminal(masters[0], "got one")
        r = c.checkpoint(status=1)
        assert "descriptor 0 of the container is /dev/pts/" in r.err and "takes --shell-job" in r.err
        os.write(masters[0], b"two\n")
        read_terminal(masters[0], "got two")
        c.checkpoint("--shell-job")
        subprocess.run(box.command("--criu", c.program, "restore", "--shell-job", "--detach", "--bundle", b.path, "--image-path", c.images, "c"),
                       stdin=slaves[1], stdout=slaves[1], stderr=slaves[1], check=True, timeout=TIMEOUT)
        os.write(masters[1], b"three\n")
        read_terminal(masters[1], "got three")
        box.delete()
    finally:
        for fd in masters + slaves:
            os.close(fd)


# --- memory

MIB = 32


def pages(images):
    """Bytes of memory in a directory of images."""
    return sum(os.stat(os.path.join(images, n)).st_blocks * 512 for n in os.listdir(images) if n.startswith("pages-"))


def needs_userfaultfd(r):
    if r.status != 0:
        assert "userfaultfd" in r.err
        pytest.skip(r.err.strip())


@pytest.fixture
def large_pipe():
    """CRIU reads into a pipe of 4 MiB, which takes CAP_SYS_RESOURCE, or that anybody may have one."""
    name, enough = "/proc/sys/fs/pipe-max-size", 4 << 20
    with open(name) as f:
        before = f.read()
    if may_ask_limits() or int(before) >= enough:
        yield
        return
    try:
        with open(name, "w") as f:
            f.write(str(enough))
    except OSError as e:
        pytest.skip(f"CRIU needs a pipe of {enough} bytes, and this is allowed neither by privilege nor by {name}: {e}")
    yield
    with open(name, "w") as f:
        f.write(before)


@pytest.fixture
def beside():
    """Starts programs beside the container, which are ended after the test whatever became of it."""
    started = []

    def start_beside(argv, **more):
        started.append(subprocess.Popen(argv, **more))
        return started[-1]

    yield start_beside
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_lazy_pages(box, c, holds, large_pipe, beside):
    """Memory comes from the dumped container over the network when the restored one uses it; a descriptor tells when it is to be had."""
    b = start(box, c, holds, "memory", MIB)
    ready, told = os.pipe()
    port = free_port()
    dump = beside(box.command("--criu", c.program, "checkpoint", "--image-path", c.images, "--lazy-pages", "--page-server", f"127.0.0.1:{port}",
                          "--status-fd", str(told), "c"), stdin=NULL, stdout=NULL, stderr=subprocess.PIPE, text=True, pass_fds=[told])
    os.close(told)
    assert os.read(ready, 2) == b"\0" and os.read(ready, 2) == b"", dump.communicate(timeout=TIMEOUT)
    os.close(ready)
    assert pages(c.images) < MIB << 18, "the memory is not in the images"
    assert dump.poll() is None
    work = os.path.join(box.dir, "work")
    os.makedirs(work)
    daemon = beside([c.program, "lazy-pages", "--images-dir", c.images, "--work-dir", work, "--page-server", "--address", "127.0.0.1", "--port", str(port),
                     "-v4", "--log-file", "lazy.log"], stdin=NULL, stdout=NULL, stderr=NULL)
    eventually(lambda: os.path.exists(os.path.join(work, "lazy-pages.socket")), "the daemon listens")
    assert box.processes(), "the old one is there until all is taken from it"
    b.config["linux"]["cgroupsPath"] += "-new"
    c.restore(b, "--lazy-pages", "--work-path", work, id="d")
    n = len(numbers(b))
    eventually(lambda: broken(b) or len(numbers(b)) > n + 3, "it goes through all of its memory")
    assert not broken(b)
    assert daemon.wait(TIMEOUT) == 0
    assert dump.wait(TIMEOUT) == 0, dump.stderr.read()
    dump.stderr.close()
    assert re.search(r"uffd.*#PF|page fault|uffd_io_complete|UFFD transferred pages", open(os.path.join(work, "lazy.log")).read())
    goes_on(b)
    box.state("c", status=1)
    box.delete("d")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_page_server(box, c, holds, beside):
    """The memory goes to another directory, as on another machine; with both together it is restored."""
    b = start(box, c, holds, "memory", MIB)
    there, port = os.path.join(box.dir, "there"), free_port()
    os.makedirs(there)
    server = beside([c.program, "page-server", "--images-dir", there, "--address", "127.0.0.1", "--port", str(port)], stdin=NULL, stdout=NULL, stderr=NULL)
    eventually(lambda: f":{port:04X} " in open("/proc/net/tcp").read(), "it listens")
    c.checkpoint("--page-server", f"127.0.0.1:{port}")
    assert server.wait(TIMEOUT) == 0
    assert pages(c.images) == 0 and pages(there) >= MIB << 20
    for name in os.listdir(there):
        if name.endswith(".img") and not os.path.exists(os.path.join(c.images, name)):
            os.rename(os.path.join(there, name), os.path.join(c.images, name))
    c.restore(b)
    goes_on(b)
    assert not broken(b)


def test_no_page_server(box, c, holds):
    """Nobody listens: the container goes on."""
    b = start(box, c, holds, "memory", 1)
    refused(box, b, c.checkpoint("--page-server", f"127.0.0.1:{free_port()}", status=1), "onnect")


def needs_tracking(r):
    if r.status != 0:
        assert "CONFIG_MEM_SOFT_DIRTY" in r.err
        pytest.skip(r.err.strip())


def chain(box, c, n):
    """Directories of N pre-dumps, each but the first with the one before as its parent."""
    made, last = [], c.images
    for i in range(n):
        c.images = os.path.join(box.dir, f"pre{i}")
        needs_tracking(c.checkpoint("--pre-dump", *(["--parent-path", f"../pre{i - 1}"] if i else []), status=None))
        made.append(c.images)
    c.images = last
    return made


def test_chain_of_dumps(box, c, holds):
    """Two pre-dumps and a dump: the later ones have what has changed since, and need the earlier."""
    b = start(box, c, holds, "memory", MIB)
    first, second = chain(box, c, 2)
    goes_on(b)
    c.checkpoint("--parent-path", "../pre1")
    sizes = [pages(x) for x in (first, second, c.images)]
    assert sizes[0] >= MIB << 20 and all(size < MIB << 18 for size in sizes[1:]), sizes
    c.restore(b)
    goes_on(b)
    assert not broken(b)


def test_auto_dedup(box, c, holds):
    """What a later image has is taken out of the earlier one."""
    b = start(box, c, holds, "memory", MIB)
    first, = chain(box, c, 1)
    before = pages(first)
    goes_on(b)
    c.checkpoint("--parent-path", "../pre0", "--auto-dedup")
    assert pages(first) < before
    c.restore(b)
    goes_on(b)
    assert not broken(b)


def test_auto_dedup_at_restore(box, c, holds):
    """Memory is taken out of the images as it is restored."""
    b = start(box, c, holds, "memory", MIB)
    c.checkpoint()
    before = pages(c.images)
    c.restore(b, "--auto-dedup")
    goes_on(b)
    assert before >= MIB << 20 and pages(c.images) < before // 4
