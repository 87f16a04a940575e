# SPDX-License-Identifier: Apache-2.0
"""The tree passes every check, and every check finds what it is for: it is fed a clean tree and violations."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import attacks  # noqa: E402
import conformance  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
CHECKS = sorted(p.stem for p in HERE.glob("*.py") if p.stem != "tree" and not p.stem.startswith("test_"))
NEEDS = {"sizes": "ctags", "shell": "shellcheck", "headers": "gcc"}
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def run(check, root):
    """The check's status and what it said."""
    program = NEEDS.get(check)
    if program and not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    if check == "format":
        sys.path.insert(0, str(HERE))
        if __import__("format").program() is None:
            pytest.skip("clang-format 14 is not installed")
    done = subprocess.run([sys.executable, str(HERE / f"{check}.py"), str(root)], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


# not the layout: clang-format is advice to those who have release 14 (`make format`)
@pytest.mark.parametrize("check", [c for c in CHECKS if c != "format"])
def test_our_tree(check):
    assert run(check, TOP) == (0, "")


def marked(*rules, above="", name="test_shows", mark="spec"):
    """A file of tests whose one function has a mark."""
    return f"import pytest\n{above}\n\n@pytest.mark.{mark}({', '.join(map(str, rules))})\ndef {name}():\n    pass\n"


# A small tree with nothing wrong.
CLEAN = {
    "tests/spec/rules.tsv": "# Rule\n1\tMUST\ta.md\tIt is so.\n2\tMAY\ta.md\tIt may.\n",
    "tests/spec/reasons.tsv": "# Rule\n2\twaived\tnobody asks\n",
    "tests/cli/test_a.py": marked(1),
    "docs/conformance.md": conformance.INTRODUCTION + conformance.HEADING +
                           "| 1 | MUST | a.md | It is so. | tested | tests/cli/test_a.py: test_shows |\n"
                           "| 2 | MAY | a.md | It may. | waived | nobody asks |\n",
    "tests/attacks/rows.tsv": "# Row\nT1\tCVE-1\tR1\t-\nT2\tCVE-2\tR1, R2\tno such program\n",
    "tests/attacks/test_a.py": marked('"T1"', mark="attack"),
    "docs/security.md": "# S\n\n**R1. So.**\n\n**R2. And so.**\n\n" + attacks.BEGIN + "\n" + attacks.HEAD +
                        "| T1 | CVE-1 | R1 | tests/attacks/test_a.py: test_shows |\n| T2 | CVE-2 | R1, R2 | no such program |\n\n" + attacks.END,
    "Makefile.am": "libocispec_sources = libocispec/ocispec/decode.c\n"
                   "base_child_sources = src/base/err.c\nbase_sources = src/base/own.c\n"
                   "kernel_child_sources =\nkernel_sources = src/kernel/mount.c\ncgroup_sources =\n"
                   "plan_sources = src/plan/make.c\nlaunch_shared_sources = src/launch/sync.c\n"
                   "launch_child_sources = src/launch/child_ns.c src/launch/child_steps.c\n"
                   "launch_parent_sources =\nmain_sources =\nlib_sources = \\\n\tsrc/lib.c\ncmd_sources =\nimage_sources =\n"
                   "unit_tests = tests/unit/base/test_err tests/unit/lib/test_lib\n",
    "libocispec/ocispec/decode.c": "/* Decodes.  */\n#include <yajl/yajl_parse.h>\nint x;\n",
    "libocispec/ocispec/config.h": "/* The document.  */\n#ifndef C\n#define C\nstruct oci_config\n{\n  int n;\n};\n#endif\n",
    "src/base/err.h": "/* Errors.  */\n#ifndef E\n#define E\n#include <stddef.h>\n\nstruct err;\n\n"
                      "/* Fills ERR.  */\nint err_fill (struct err *err, size_t n);\n\n"
                      "/* Rows of a table.  */\nint err_row (void *self);\nint err_next (void *self);\n\n"
                      "/* Nothing.  */\nstatic inline int\nerr_nothing (void)\n{\n  return 0;\n}\n#endif\n",
    "src/base/err.c": "/* Errors.  */\n#include \"base/err.h\"\n\nint\nerr_fill (struct err *err, size_t n)\n{\n"
                      "  return err == NULL && n == 0;\n}\n",
    "src/base/own.c": "/* Owns.  */\nstatic const int  table[] = {\n  1,  2,\n 30\n};\n#define A   1\n",
    "src/kernel/mount.h": "/* Mounts.  */\n#ifndef M\n#define M\n#endif\n",
    "src/kernel/mount.c": "/* Mounts.  */\n#include \"kernel/mount.h\"\n#include \"base/err.h\"\n",
    "src/plan/plan.h": "/* The plan.  */\n#ifndef P\n#define P\n#include \"kernel/mount.h\"\n#endif\n",
    "src/plan/make.c": "/* Makes it.  */\n#include \"ocispec/config.h\"\n#include \"plan/plan.h\"\n",
    "src/launch/child_ns.c": "/* Stage 1.  */\n#include \"kernel/mount.h\"\n#include \"plan/plan.h\"\n",
    "src/orlop.h": "/* The library.  */\n#ifndef O\n#define O\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
                   "/* Version.  */\nconst char *orlop_version (void);\n#ifdef __cplusplus\n}\n#endif\n#endif\n",
    "src/lib.c": "/* The library.  */\n#include \"orlop.h\"\n\nconst char *\norlop_version (void)\n{\n  return \"\";\n}\n",
    "tests/unit/base/test_err.c": "/* Tests.  */\n",
    "tests/unit/lib/test_lib.c": "/* Tests.  */\n",
    "src/launch/child_steps.c": "/* The steps.  */\n#include \"launch/step.h\"\nconst struct step child_create[] = {\n"
                                "  { \"ns.join\", 0 },\n  { \"ns.fork\", 0 }, /* then */\n  { 0 },\n};\n",
    "src/launch/sync.c": "/* Talks.  */\nstatic const struct\n{\n  const char *name;\n} messages[] = {\n"
                         "  [0] = { \"NONE\" },\n  [1] = { \"HELLO\" },\n  [2] = { \"READY\" },\n};\n",
    "src/launch/step.h": "/* A step.  */\n#ifndef S\n#define S\nstruct step\n{\n  const char *name;\n  int n;\n};\n#endif\n",
    "docs/kernel-order.md": "# Order\n\n`child_create`\n\n| step | why |\n|---|---|\n| `ns.join` | first |\n| `ns.fork` | then |\n",
    "docs/protocol.md": "| message | means |\n|---|---|\n| `HELLO` | begin |\n| `READY` | done |\n",
    "docs/architecture.md": "```\nspawn -> ns.join\n         ns.fork\n```\n",
    "quickstart": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\necho \"$1\"\n",
}


def make_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((LICENCE if path.suffix in (".c", ".h") else "") + text)
    return root


@pytest.mark.parametrize("check", CHECKS)
def test_clean_tree(check, tmp_path):
    assert run(check, make_tree(tmp_path, CLEAN)) == (0, "")


def function(n):
    """A function of N lines, its return type not counted."""
    return "static int\nf (void)\n{\n" + "  ;\n" * (n - 3) + "}\n"


def many(n_small, n_large):
    return "".join(f"static int\nf{i} (void)\n{{\n" + "  ;\n" * (7 if i < n_small else 52) + "}\n"
                   for i in range(n_small + n_large))


OPTIONS = """/* A command.  */
#define SHARED { "bundle", 'b', OPT_STRING, AT (bundle), "DIR", "directory" }
static const struct opt run_options[] = {
  SHARED,
  { "detach", 'd', OPT_FLAG, AT (detach), NULL, "do not wait" },
  { "old", 0, OPT_FLAG, AT (old), NULL, NULL },
  { NULL, 0, 0, 0, NULL, NULL }
};
const struct cmd cmd_run = { .name = "run", .options = run_options };
"""

REFUSES = """/* . */
static const struct { const char *path; int n; } later[] = {
  { "%s", 1 },
};
static const char *const rows[] = {
  LATER ("ridmap"),
};
"""

# With a function that others call, behind an attribute and one that is not.
PUBLIC = "/* . */\nstatic int\nhidden (void)\n{\n  return 1;\n}\n\nPUBLIC struct x *\nshown (int n,\n       int m)\n{\n  return 0;\n}\n"

# (check, what is found, files that differ from the clean tree)
VIOLATIONS = [
    ("floors", "plan.h is on floor 4, this file on 2", {"src/kernel/mount.h": '/* . */\n#include "plan/plan.h"\n'}),
    ("floors", "config.h is on floor 0|may include src/kernel/", {"src/kernel/mount.c": '/* . */\n#include "ocispec/config.h"\n'}),
    ("floors", "circle of includes: src/plan/a -> src/plan/b -> src/plan/a",
     {"src/plan/a.h": '/* . */\n#include "plan/b.h"\n', "src/plan/b.h": "/* . */\n", "src/plan/b.c": '/* . */\n#include "plan/a.h"\n'}),
    ("floors", "child_ns.c:3: may include .*, not src/plan/make.h",
     {"src/plan/make.h": "/* . */\n", "src/launch/child_ns.c": '/* . */\n#include "plan/make.h"\n'}),
    ("floors", "child_ns.c:3: may include .*, not src/cgroup/cgroup.h",
     {"src/cgroup/cgroup.h": "/* . */\n", "src/launch/child_ns.c": '/* . */\n# include "cgroup/cgroup.h"\n'}),
    ("floors", "may include .*, not src/launch/step.h",
     {"src/launch/step.h": "/* . */\n", "src/cmd/run.c": '/* . */\n#include "launch/step.h"\n'}),
    ("floors", "src/lib.c:3: src/cmd/cmd.h is on floor 7", {"src/cmd/cmd.h": "/* . */\n", "src/lib.c": '/* . */\n#include "cmd/cmd.h"\n'}),
    ("floors", "is for nobody", {"src/kernel/mount.c": "/* . */\n#include <sys/mount.h>\n"}),
    ("floors", "is for libocispec", {"src/plan/make.c": "/* . */\n#include <yajl/yajl_gen.h>\n"}),
    ("floors", "src/attic/old.c: is on no floor", {"src/attic/old.c": "/* . */\n"}),
    ("headers", "src/base/err.h: does not compile alone", {"src/base/err.h": "/* . */\nint f (size_t n);\n"}),
    ("headers", "src/base/err.h: does not compile alone", {"src/base/err.h": "/* twice */\nstruct s { int n; };\n"}),
    ("headers", "src/orlop.h: does not compile alone with .*\\+\\+",
     {"src/orlop.h": "/* . */\n#ifndef O\n#define O\nint orlop_version (int new);\n#endif\n"}),
    ("sizes", "err.c:4: f has 61 lines", {"src/base/err.c": "/* . */\n" + function(61)}),
    ("sizes", "err.h:.*: 701 lines|err.h: 701 lines", {"src/base/err.h": "/* . */\n" + "\n" * 699}),
    ("sizes", "test_err.c:4: f has 61 lines", {"tests/unit/base/test_err.c": "/* . */\n" + function(61)}),
    ("sizes", "95th percentile of functions is 55", {"src/base/err.c": "/* . */\n" + many(6, 1)}),
    ("docs", "err.h:3: err_fill has no comment", {"src/base/err.h": "/* . */\nint err_fill (void);\n"}),
    ("docs", "err.h:5: err_fill has no comment", {"src/base/err.h": "/* Fills.  */\n/* Not touching.  */\n\nint err_fill (void);\n"}),
    ("docs", "err.h:5: err_other has no comment",
     {"src/base/err.h": "/* . */\n/* Fills.  */\nint err_fill (void);\nint err_other (int n);\n"}),
    ("docs", "err_long has no comment",
     {"src/base/err.h": "/* . */\nconst struct err *err_long (const char *a,\n    int (*f) (void *),\n    ...) "
                        "__attribute__ ((format (printf, 1, 3)));\n"}),
    ("docs", "err_inline has no comment", {"src/base/err.h": "/* . */\nstatic inline int\nerr_inline (void)\n{\n  return 0;\n}\n"}),
    ("docs", "err.c:2: no comment", {"src/base/err.c": "int x;\n"}),
    ("docs", "lib.c: orlop_secret is not in orlop.h", {"src/lib.c": "/* . */\nint\norlop_secret (void)\n{\n  return 0;\n}\n"}),
    ("docs", "--detach of run is not in docs/man/orlop-run.1",
     {"src/cmd/run.c": OPTIONS, "docs/man/orlop-run.1": ".B \\-\\-bundle, \\-\\-detach\\-keys\n"}),
    ("docs", "--bundle of run is not in docs/man/orlop.1", {"src/cmd/run.c": OPTIONS, "docs/man/orlop.1": ".B \\-\\-detach\n"}),
    ("docs", "README.md:2: names src/lost.c", {"README.md": "see\n`src/lost.c`, src/base/*.c and tests/golden/hosts\n"}),
    ("docs", "docs/a.md:1: names lost.md", {"docs/a.md": "[a](lost.md) [b](protocol.md) [c](https://example.org/lost.md)\n"}),
    ("shell", "quickstart:2:.*SC2086", {"quickstart": "#!/bin/sh\necho $1\n"}),
    ("shell", "SC3010", {"tests/lib/a": "#! /usr/bin/env sh\n[[ -e x ]]\n"}),
    ("shell", "x.bash:1:.*SC2086", {"docs/x.bash": "cat <<<x; echo $1\n"}),
    ("paths", "README:2: names /wor" "k/", {"README": "a\nsee /wor" "k/main\n"}),
    ("paths", "names /tmp/orlo" "p/", {"src/base/err.c": '/* . */\nchar c[] = "/tmp/orlo' 'p/x";\n'}),
    ("sources", "src/base/log.c is missing in base_sources", {"src/base/log.c": "/* . */\n"}),
    ("sources", "tests/unit/base/test_own is missing in unit_tests", {"tests/unit/base/test_own.c": "/* . */\n"}),
    ("sources", "src/lib.c of lib_sources is no file", {"src/lib.c": None}),
    ("sources", "src/base/err.c of base_child_sources does not exist", {"src/base/err.c": None}),
    ("order", "row 2 of child_create is missing, and is ns.fork", {"docs/kernel-order.md": "`child_create`\n\n| s | w |\n|-|-|\n| `ns.join` | a |\n"}),
    ("order", "row 1 of child_create is ns.fork, and is ns.join",
     {"docs/kernel-order.md": "`child_create`\n\n| s | w |\n|-|-|\n| `ns.fork` | a |\n| `ns.join` | b |\n"}),
    ("order", "row 3 of child_create is ns.old, and is nothing",
     {"docs/kernel-order.md": CLEAN["docs/kernel-order.md"] + "| `ns.old` | gone |\n"}),
    ("order", "ns.fork of child_create has no explanation", {"docs/kernel-order.md": CLEAN["docs/kernel-order.md"].replace("then", "")}),
    ("order", "there is no table parent_old", {"docs/kernel-order.md": CLEAN["docs/kernel-order.md"] + "\n# Old\n\n`parent_old`\n"}),
    ("order", "row 1 of child_create is missing", {"docs/kernel-order.md": ""}),
    ("order", "ns.fork of child_create is not where it stands", {"docs/architecture.md": "```\nns.fork ns.join\n```\n"}),
    ("order", "row 1 of messages is READY, and is HELLO", {"docs/protocol.md": "| m | w |\n|-|-|\n| `READY` | done |\n"}),
    ("order", "src/hints.c: there is no step ns.fork2", {"src/hints.c": "/* . */\nx = {\n  { \"ns.fork2\", 0 },\n  { NULL, 0 },\n};\n"}),
    ("order", "src/lib.c: there is no step ns.was", {"src/lib.c": "/* . */\nint x = strcmp (err->step, \"ns.was\");\n"}),
    ("refused", "linux.seccomp is refused, and README.md does not say so",
     {"src/plan/make.c": REFUSES % "linux.seccomp", "README.md": "## What is refused\nidmapped\nmounts\n## More\nseccomp\n"}),
    ("refused", "seccomp is said to be refused, but is not",
     {"src/plan/make.c": REFUSES % "linux.personality", "README.md": "## What is refused\nseccomp, personality, idmapped mounts\n"}),
    ("refused", "linux.new is refused; which words", {"src/plan/make.c": REFUSES % "linux.new", "README.md": "## What is refused\nidmapped mounts\n"}),
    ("covered", "src/base/own.c: neither tests/unit/base/test_own.c nor", {"src/base/own.c": PUBLIC}),
    ("covered", "src/lib.c: neither tests/unit/lib/test_lib.c nor", {"tests/unit/lib/test_lib.c": None}),
    ("covered", "src/main.c: neither tests/unit/cmd/test_main.c nor", {"src/main.c": PUBLIC}),
    ("covered", "decode.c: neither tests/unit/ocispec/test_decode.c nor", {"libocispec/ocispec/decode.c": PUBLIC}),
    ("covered", "src/plan/show.c: .*, which is to cover it, does not exist", {"src/plan/show.c": PUBLIC}),
    ("covered", "src/plan/show.c: has tests/unit/plan/test_show.c",
     {"src/plan/show.c": PUBLIC, "tests/unit/plan/test_show.c": "/* . */\n"}),
    ("conformance", "rule 1 has neither a test nor a row", {"tests/cli/test_a.py": None}),
    ("conformance", "rule 1 has neither a test nor a row", {"tests/cli/test_a.py": marked(1, name="helper")}),
    ("conformance", "rule 2 has neither a test nor a row", {"tests/spec/reasons.tsv": "2\tnote\tin part\n"}),
    ("conformance", "tests/cli/test_a.py: there is no rule 9", {"tests/cli/test_a.py": marked(1, 9)}),
    ("conformance", "tests/cli/test_a.py: there is no rule 7", {"tests/cli/test_a.py":
     "X = [pytest.param(1, marks=pytest.mark.spec(7))]\n\n\n@pytest.mark.spec(1)\n@pytest.mark.parametrize('x', X)\ndef test_x(x):\n    pass\n"}),
    ("conformance", "test_err.c: there is no rule 8", {"tests/unit/base/test_err.c": "/* . */\n/* spec: 1, 8 */\nstatic void\ntest_x (void **s)\n{\n}\n"}),
    ("conformance", "docs/conformance.md: is not what", {"tests/spec/validation.tsv": "p\ttool\tlate\tit races\n"}),
    ("conformance", "2 later soon is no rule with waived or note", {"tests/spec/reasons.tsv": "2\twaived\tno\n2\tlater\tsoon\n"}),
    ("conformance", "rule 2 is waived, but tested by tests/cli/test_a.py", {"tests/cli/test_a.py": marked(1, 2)}),
    ("conformance", "docs/conformance.md: is not what the marks", {"tests/cli/test_a.py": marked(1, name="test_renamed")}),
    ("conformance", "docs/conformance.md: is not what the marks", {"docs/conformance.md": None}),
    ("conformance", "rules.tsv: no rules", {"tests/spec/rules.tsv": None}),
    ("attacks", "T1 has neither a test nor a reason", {"tests/attacks/test_a.py": None}),
    ("attacks", "T1 has neither a test nor a reason", {"tests/attacks/test_a.py": marked('"T1"')}),
    ("attacks", "tests/attacks/test_a.py: there is no row T9", {"tests/attacks/test_a.py": marked('"T1", "T9"', mark="attack")}),
    ("attacks", "T1 follows R7, which docs/security.md does not have", {"tests/attacks/rows.tsv": "T1\tCVE-1\tR7\t-\n"}),
    ("attacks", "T1 is there twice", {"tests/attacks/rows.tsv": "T1\tCVE-1\tR1\t-\nT1\tCVE-2\tR1\tno\n"}),
    ("attacks", "T1 CVE-1 R1 is not name, flaw", {"tests/attacks/rows.tsv": "T1\tCVE-1\tR1\n"}),
    ("attacks", "docs/security.md: is not what", {"docs/security.md": "**R1** **R2**\n"}),
    ("attacks", "docs/security.md: is not what", {"tests/attacks/test_a.py": marked('"T1"', mark="attack", name="test_renamed")}),
    ("format", "err.c:3:", {"src/base/err.c": "/* . */\nint f(void) { return 1 ; }\n"}),
]


@pytest.mark.parametrize("check, expected, files", VIOLATIONS, ids=lambda v: v if isinstance(v, str) else "")
def test_violation(check, expected, files, tmp_path):
    make_tree(tmp_path, {k: v for k, v in {**CLEAN, **files}.items() if v is not None})
    status, said = run(check, tmp_path)
    assert status == 1 and re.search(expected, said), said


def test_where_marks_stand(tmp_path):
    """On a function, a class, a parameter, a module; in C above the function, whatever its type says."""
    python = ("import pytest\n\npytestmark = [pytest.mark.spec(1)]\n\n\n@pytest.mark.spec(2)\nclass TestX:\n    def test_in_class(self):\n        pass\n\n\n"
              "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.spec(3))])\ndef test_parameter(x):\n    pass\n")
    c = "/* . */\n/* spec: 4 */\nstatic void\nfile_read (void **state)\n{\n}\n\n/* spec: 4, 5 */\nstatic void one_line (void **s) { }\n"
    make_tree(tmp_path, {**CLEAN, "tests/cli/test_a.py": python, "tests/unit/base/test_err.c": c})
    unit = {"tests/unit/base/test_err.c": ["file_read", "one_line"]}
    assert conformance.marks(tmp_path) == {"1": {"tests/cli/test_a.py": ["test_in_class", "test_parameter"]}, "2": {"tests/cli/test_a.py": ["test_in_class"]},
                                           "3": {"tests/cli/test_a.py": ["test_parameter"]}, "4": unit, "5": {"tests/unit/base/test_err.c": ["one_line"]}}


def test_options_in_manual(tmp_path):
    page = ".TP\n.B \\-b, \\-\\-bundle\n.TP\n.B \\-d, \\-\\-detach\n"
    assert run("docs", make_tree(tmp_path, {**CLEAN, "src/cmd/run.c": OPTIONS, "docs/man/orlop-run.1": page})) == (0, "")


LIMITS = 'static const struct cgroup_limit_row rows[] = {\n  { "a.b", "x.1", NULL, NULL, "X",\n    .text = a }, /* one */\n  { .where = NULL },\n};\n'
LIMITS_DOC = "<!-- from src/cgroup/limits.c: make docs -->\n{}<!-- end -->\n"


def test_limits_document(tmp_path):
    make_tree(tmp_path, {**CLEAN, "src/cgroup/limits.c": LICENCE + "/* . */\n" + LIMITS, "docs/cgroups.md": LIMITS_DOC.format("")})
    status, said = run("limits", tmp_path)
    assert status == 1 and "make docs" in said
    subprocess.run([sys.executable, str(HERE / "limits.py"), "--write", str(tmp_path)], check=True)
    assert run("limits", tmp_path) == (0, "")
    assert "| a.b | x.1 |  |  | X | one |\n" in (tmp_path / "docs/cgroups.md").read_text()


def test_limits_are_tried(tmp_path):
    cases = 'UNTRIED = {%s}\n\n\ndef tried():\n    """None."""\n    return set([%s])\n'
    row, other = '("a.b", "x.1")', '("c", "y")'
    for untried, tried, expected in (("", "", "nothing sets a.b and reads x.1"), ("", row, ""), (row + ': "so"', "", ""),
                                     (row + ': "so"', row, "a.b in x.1 is tried"), (other + ': "so"', row, "c in y is no row of")):
        make_tree(tmp_path, {**CLEAN, "src/cgroup/limits.c": LICENCE + "/* . */\n" + LIMITS, "docs/cgroups.md": LIMITS_DOC.format(""),
                             "tests/lib/properties.py": cases % (untried, tried)})
        subprocess.run([sys.executable, str(HERE / "limits.py"), "--write", str(tmp_path)], check=True)
        status, said = run("limits", tmp_path)
        assert status == bool(expected) and expected in said, said


def test_sources_update(tmp_path):
    make_tree(tmp_path, {**CLEAN, "src/base/log.c": "/* . */\n", "src/launch/child_exec.c": "/* . */\n"})
    argv = [sys.executable, str(HERE / "sources.py"), "--update", str(tmp_path)]
    assert subprocess.run(argv, check=False).returncode == 0
    text = (tmp_path / "Makefile.am").read_text()
    assert "base_child_sources = src/base/err.c\nbase_sources = src/base/log.c src/base/own.c\n" in text
    assert "launch_child_sources = src/launch/child_exec.c src/launch/child_ns.c src/launch/child_steps.c\n" in text


def test_only_tracked_files_count(tmp_path):
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    make_tree(tmp_path, {**CLEAN, "notes": "/wor" "k/main\n"})
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    assert run("paths", tmp_path) == (0, "")
    subprocess.run([*git, "add", "notes"], check=True)
    assert run("paths", tmp_path)[0] == 1


def test_exported_symbols():
    library = pathlib.Path(os.environ.get("ORLOP_BUILD", TOP / "build")) / ".libs/liborlop.so"
    if not library.exists() or not shutil.which("nm"):
        pytest.skip("no built liborlop.so, or no nm")
    done = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True)
    shown = {line.split()[2].split("@")[0] for line in done.stdout.splitlines() if line.split()[1] != "A"}
    declared = set(re.findall(r"\b(orlop_\w+) \(", (TOP / "src/orlop.h").read_text()))
    assert shown and shown <= declared


@pytest.mark.parametrize("target", sorted((TOP / "tests/fuzz").glob("fuzz_*.c")), ids=lambda p: p.stem)
def test_fuzz_target_fits_the_code(target):
    """The build leaves them out, and a run of them comes late."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    done = subprocess.run(["gcc", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-std=gnu11", "-D_GNU_SOURCE", f"-I{TOP}/src", f"-I{TOP}/libocispec", str(target)],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
