# SPDX-License-Identifier: Apache-2.0
"""Reads what cmocka prints with CMOCKA_MESSAGE_OUTPUT=TAP.

A skipped test is `not ok 2 # SKIP name` up to cmocka 1.1.5 (Debian 12) and `ok 2 - name # SKIP` in later releases; the Test Anything
Protocol counts the directive, not the word before it.  cmocka has no words for the reason: it is what the test printed last before."""
import re

RESULT = re.compile(r"\s*(not ok|ok)\b(?: +(\d+))?(?: +- +(.*?))??\s*(?:# *skip\w*\b *(.*))?$", re.I)
REASON = re.compile(r"(?!\s*#)(?:\w+: )?(?:skip(?:ped)?: *)?(.*\S)")
PLAN = re.compile(r"\s*1\.\.(\d+)\b")


class Tap:
    """What a program said: names of passed and failed tests, (name, reason) of skipped ones."""

    def __init__(self, text):
        self.passed, self.failed, self.skipped, self.planned = [], [], [], None
        reason = None
        for line in text.splitlines():
            plan, result, said = PLAN.match(line), RESULT.match(line), REASON.match(line)
            if plan:
                self.planned = (self.planned or 0) + int(plan.group(1))
            elif result and (result.group(2) or result.group(3)):
                self._count(result, reason)
                reason = None
            elif said:
                reason = said.group(1)

    def _count(self, result, reason):
        word, _, name, skip = result.groups()
        if skip is not None:
            self.skipped.append((name or skip, reason or (skip if name else "") or "no reason given"))
        elif word.lower() == "ok":
            self.passed.append(name or "")
        else:
            self.failed.append(name or "")

    def complete(self):
        """True if every planned test has a result: a program can end early, even with status 0."""
        return self.planned == len(self.passed) + len(self.failed) + len(self.skipped) != 0
