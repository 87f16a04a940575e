# SPDX-License-Identifier: Apache-2.0
"""Programs that are there and cannot be executed: what of the file is the matter is said."""
import os
import struct

import pytest

ELF = struct.Struct("<4sBBBBQHHIQQQIHHHHHH")


def elf(machine, interpreter=b"", kind=2, type=3):
    """A program for MACHINE whose only segment names the loader."""
    head = ELF.pack(b"\x7fELF", kind, 1, 1, 0, 0, type, machine, 1, 0x400000, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 3 if interpreter else 1, 4, 120, 0, 0, len(interpreter), len(interpreter), 1) + interpreter + bytes(4096)


HERE = {"x86_64": 62, "aarch64": 183}.get(os.uname().machine, 0)
CASES = {
    "no interpreter": (b"#! /bin/nosuch -x\n", "no such file or directory", 'the interpreter "/bin/nosuch" of its #! line is missing'),
    "line ends of DOS": (b"#!/bin/sh\r\necho\r\n", "no such file or directory", 'the interpreter "/bin/sh" of its #! line, which ends with a carriage return'),
    "no loader": (elf(HERE, b"/lib64/nosuch.so.2\0"), "no such file or directory", 'its loader "/lib64/nosuch.so.2" is missing'),
    "another machine": (elf(243), "exec format error", "it is a program for riscv"),
    "unknown machine": (elf(4567), "exec format error", "it is a program for another machine (ELF number 4567)"),
    "no first line": (b"echo hi\n", "exec format error", "it begins with neither #! nor an ELF header"),
    "empty": (b"", "exec format error", "it is empty"),
    "cut": (elf(HERE, b"/lib64/nosuch.so.2\0")[:50], "exec format error", "it begins with neither"),
}
GENTLE = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["execve", "open", "openat", "pread64", "exit_group", "sendmsg", "sendto", "write"],
                                                           "action": "SCMP_ACT_ALLOW"}]}
STRICT = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["openat", "open"], "action": "SCMP_ACT_KILL_PROCESS"}]}


def program(box, content, **process):
    b = box.bundle(["/bin/program"], **process)
    with open(f"{b.rootfs}/bin/program", "wb") as f:
        f.write(content)
    os.chmod(f"{b.rootfs}/bin/program", 0o755)
    return b


@pytest.mark.parametrize("how", ["run", "start", "exec"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_the_matter(box, case, how):
    content, phrase, words = CASES[case]
    if b"nosuch.so" in content and HERE == 0:
        pytest.skip(f"the number of {os.uname().machine} is not known here")
    b = program(box, content)
    if how == "run":
        err = box.run(b, status=1).err
    elif how == "start":
        box.create(b)
        err = box.orlop("start", "c", status=1).err
        box.delete()
    else:
        b.config["process"]["args"] = ["sleep", "100"]
        box.run(b, "-d")
        err = box.orlop("exec", "c", "/bin/program", status=255).err
        box.delete()
    assert f'exec: "/bin/program": {phrase}: {words}' in err and 'execve("/bin/program")' in err, err


def test_interpreter_that_is_no_program(box):
    b = program(box, b"#!/bin/other\n")
    with open(f"{b.rootfs}/bin/other", "wb") as f:
        f.write(elf(243))
    os.chmod(f"{b.rootfs}/bin/other", 0o755)
    err = box.run(b, status=1).err
    assert 'exec format error: the interpreter "/bin/other" of its #! line cannot be executed itself' in err, err


def test_of_a_file_that_may_not_be_read(box):
    b = program(box, CASES["no interpreter"][0], user={"uid": 12, "gid": 34})
    os.chmod(f"{b.rootfs}/bin/program", 0o711)
    err = box.run(b, status=1).err
    assert 'exec: "/bin/program": ' in err and "nosuch" not in err, err


@pytest.mark.parametrize("profile, told", [(GENTLE, True), (STRICT, False)], ids=["gentle", "strict"])
def test_behind_a_filter(box, profile, told):
    """Where the profile ends a process nothing is called after it but execve."""
    b = program(box, CASES["no interpreter"][0])
    b.config["linux"]["seccomp"] = profile
    err = box.run(b, status=1).err
    assert 'exec: "/bin/program": no such file or directory' in err and ("/bin/nosuch" in err) == told, err
