# SPDX-License-Identifier: Apache-2.0
"""Values that are too long, too many, or not what they are called; and calls that a filter was not told of."""
import errno
import os
import subprocess

import pytest


@pytest.mark.attack("T15")
@pytest.mark.parametrize("size", [65535, 65536, 65537, 100000])
def test_long_variables(victim, size):
    """Nothing is cut to fit a field of a message: what arrives is whole."""
    b = victim.bundle(["sh", "-c", "echo ${#LONG}"], env=["PATH=/bin", "LONG=" + "x" * size])
    r = victim.run(b, status=None)
    victim.judge([r.out] if r.status == 0 and r.out != f"{size}\n" else [], bites=size > 65535)


@pytest.mark.attack("T15")
@pytest.mark.parametrize("what", ["mappings", "mounts", "arguments", "groups", "hostname", "a huge number"])
def test_many_and_long_values(victim, what):
    """More than any buffer: done as said, or an error that says what; never in part."""
    b, expected = victim.bundle(["true"]), None
    if what == "mappings":
        b.namespace("user")
        b.config["linux"]["uidMappings"] = b.config["linux"]["gidMappings"] = [{"containerID": i, "hostID": 200000 + i, "size": 1} for i in range(5000)]
    elif what == "mounts":
        b.config["mounts"] += [{"destination": f"/m{i}", "type": "tmpfs", "source": "tmpfs"} for i in range(3000)]
    elif what == "arguments":
        b.config["process"]["args"], expected = ["sh", "-c", "echo $#", "sh", *["y" * 50] * 20000], "20000\n"
    elif what == "groups":
        b.config["process"]["user"]["additionalGids"] = list(range(70000))
    elif what == "hostname":
        b.config["hostname"] = "h" * 70000
    else:
        b.config["process"]["user"]["uid"] = 2 ** 32 + 0
    r = victim.run(b, status=None)
    got = [] if r.status != 0 else [what] if expected is None else [r.out] * (r.out != expected)
    assert victim.naive or r.status == 0 or len(r.err.splitlines()) == 1 and "config.json" in r.err or expected and "Argument list too long" in r.err, r.err[:500]
    victim.judge(got, bites=what in ("mappings", "groups", "a huge number"))


X32 = 1 << 30
GETPID, SETHOSTNAME = 39, 170
GETPID_32, SETHOSTNAME_32 = 20, 74


def has(program, number):
    """True if the kernel has such calls: here it answers with a number that is no error."""
    try:
        return int(subprocess.run([program, str(number)], capture_output=True, text=True).stdout or "-1") > 0
    except OSError:
        return False


@pytest.mark.attack("T32")
@pytest.mark.parametrize("kind", ["x86_64", "x32", "32 bits"])
def test_numbers_of_others(victim, kind):
    """A filter for x86_64 is not passed by the numbers of x32, which are those of x86_64 with a bit more, or by those of 32 bits."""
    if os.uname().machine != "x86_64":
        pytest.skip("x32 is of x86_64")
    program = victim.tools.call32 if kind == "32 bits" else victim.tools.call
    number, getpid = {"x86_64": (SETHOSTNAME, GETPID), "x32": (X32 + SETHOSTNAME, X32 + GETPID), "32 bits": (SETHOSTNAME_32, GETPID_32)}[kind]
    got = []
    for architectures in (["SCMP_ARCH_X86_64"], ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]):
        b = victim.bundle(["call", str(number), "evil", "4"])
        victim.put(b, "bin/call", program=program)
        names = ["CAP_SYS_ADMIN"]
        b.config["process"]["capabilities"] = {k: names for k in ("bounding", "permitted", "effective")}
        b.config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": architectures,
                                        "syscalls": [{"names": ["sethostname"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EXFULL}]}
        out = victim.run(b, status=None).out.strip()
        got += [(architectures, number, out)] if out == "0" else []
    # the naive one looks at the number alone
    victim.judge(got, bites=kind != "x86_64" and has(program, getpid))


@pytest.mark.attack("N4")
@pytest.mark.only("root", "older kernel", why="what annotations do depends on nobody's ids")
def test_annotations_that_other_runtimes_obey(victim):
    """Files of the host, hooks' output, filters and handlers by an annotation, which images and users choose: nothing happens."""
    outside = victim.folder("outside")
    os.chmod(outside, 0o777)
    b = victim.bundle(["true"])
    b.config["annotations"] = {
        "run.oci.hooks.stdout": f"{outside}/stdout", "run.oci.hooks.stderr": f"{outside}/stderr", "run.oci.handler": "krun",
        "run.oci.keep_original_groups": "1", "run.oci.seccomp_fail_unknown_syscall": "0", "run.oci.seccomp_bpf_data": "AAAA",
        "run.oci.seccomp.receiver": f"{outside}/receiver", "run.oci.pidfd_receiver": f"{outside}/pidfd", "run.oci.mount_context_type": "context",
        "run.oci.systemd.subgroup": "../..", "org.criu.config": f"{outside}/criu", "module.wasm.image/variant": "compat"}
    b.config["hooks"] = {"createRuntime": [{"path": "/bin/echo", "args": ["echo", "said"]}]}
    victim.run(b)
    victim.judge(os.listdir(outside))
