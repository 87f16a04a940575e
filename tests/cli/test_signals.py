# SPDX-License-Identifier: Apache-2.0
"""Signals as the program finds them: whatever the caller ignores or blocks, the program is started with none of it."""
import signal

import pytest
from orlop import give_user_namespace


def shut():
    """As careless callers do: some signals ignored, some blocked."""
    for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTTOU, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM})


def masks(text):
    return {line.split()[0]: int(line.split()[1], 16) for line in text.splitlines() if line[:6] in ("SigBlk", "SigIgn", "SigCgt")}


@pytest.mark.parametrize("by", ["run", "create", "exec", "user namespace"])
def test_none_ignored_or_blocked(box, by):
    command = ["cat", "/proc/self/status"]
    b = box.bundle(command if by != "exec" else ["sleep", "100"])
    if by == "user namespace":
        give_user_namespace(b)
    if by == "create":
        out = box.create(b, preexec_fn=shut).out
        box.orlop("start", "c")
        box.wait("stopped")
        with open(out) as f:
            text = f.read()
        box.delete()
    elif by == "exec":
        box.run(b, "-d")
        text = box.orlop("exec", "c", *command, preexec_fn=shut).out
        box.delete()
    else:
        text = box.run(b, preexec_fn=shut).out
    assert masks(text) == {"SigBlk:": 0, "SigIgn:": 0, "SigCgt:": 0}
