#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""covered.py ROOT: every source with functions that others call has a unit test beside it.

That is tests/unit/FLOOR/test_NAME.c for src/FLOOR/NAME.c (FLOOR is ocispec for libocispec, lib for the library's face, cmd for
main.c), or a row of ELSEWHERE: the test that covers it under another name.  A row is for what that test truly runs."""
import re

import tree

GOLDEN = "tests/golden/run-plan.c"

ELSEWHERE = {
    "libocispec/ocispec/fault.c": "tests/unit/ocispec/test_faults.c",
    "libocispec/ocispec/value.c": "tests/unit/ocispec/test_decode.c",
    "src/activation.c": "tests/cli/test_activation.py",
    "src/lib_checkpoint.c": "tests/cli/test_checkpoint.py",
    "src/lib_create.c": "tests/cli/test_lifecycle.py",
    "src/lib_exec.c": "tests/cli/test_exec_basic.py",
    "src/lib_mounts.c": "tests/cli/test_mounts_live.py",
    "src/lib_mounts_list.c": "tests/cli/test_mounts_live.py",
    "src/launch/child_live.c": "tests/cli/test_mounts_live.py",
    "src/launch/live.c": "tests/cli/test_mounts_live.py",
    "src/lib_several.c": "tests/cli/test_kill.py",
    "src/lib_update.c": "tests/unit/lib/test_lib.c",
    "src/look.c": "tests/unit/lib/test_lib.c",
    "src/lib_usage.c": "tests/cli/test_events.py",
    "src/lib_state.c": "tests/unit/lib/test_lib.c",
    "src/cgroup/cpuset.c": "tests/unit/cgroup/test_cgroup.c",
    "src/cgroup/devices_write.c": "tests/unit/cgroup/test_limits_write.c",
    "src/cgroup/dir.c": "tests/unit/cgroup/test_cgroup.c",
    "src/cgroup/make.c": "tests/unit/cgroup/test_cgroup.c",
    "src/cgroup/scope.c": "tests/systemd/test_driver.py",
    "src/cgroup/sdbus.c": "tests/systemd/test_driver.py",
    "src/cgroup/systemd.c": "tests/systemd/test_driver.py",
    "src/cgroup/update.c": "tests/cli/test_update.py",
    "src/cgroup/usage_read.c": "tests/unit/cgroup/test_usage.c",
    "src/cgroup/usage_take.c": "tests/unit/cgroup/test_usage.c",
    "src/cgroup/tree.c": "tests/unit/cgroup/test_remove.c",
    "src/cmd/report.c": "tests/unit/cmd/test_main.c",
    "src/image/at.c": "tests/image/test_hostile.py",
    "src/image/attributes.c": "tests/image/test_layer.py",
    "src/image/blob.c": "tests/image/test_import.py",
    "src/image/bundle.c": "tests/image/test_bundle.py",
    "src/image/collect.c": "tests/image/test_bundle.py",
    "src/image/convert.c": "tests/image/test_bundle.py",
    "src/image/documents.c": "tests/image/test_hostile.py",
    "src/image/entry.c": "tests/image/test_layer.py",
    "src/image/import.c": "tests/image/test_import.py",
    "src/image/main.c": "tests/image/test_import.py",
    "src/image/overlay.c": "tests/image/test_bundle.py",
    "src/image/pick.c": "tests/image/test_import.py",
    "src/image/report.c": "tests/image/test_import.py",
    "src/image/source.c": "tests/image/test_import.py",
    "src/image/store.c": "tests/image/test_import.py",
    "src/image/unpack.c": "tests/image/test_layer.py",
    "src/image/users.c": "tests/image/test_bundle.py",
    "src/kernel/idmap_helper.c": "tests/unit/kernel/test_idmap.c",
    "src/kernel/idmap_userns.c": "tests/unit/kernel/test_idmap.c",
    "src/kernel/filter_lib.c": "tests/unit/kernel/test_filter.c",
    "src/kernel/mount_below.c": "tests/unit/kernel/test_mount.c",
    "src/kernel/mount_old.c": "tests/unit/kernel/test_mount.c",
    "src/launch/child_seccomp.c": "tests/cli/test_seccomp.py",
    "src/launch/child_main.c": "tests/cli/test_container.py",
    "src/launch/filters.c": "tests/cli/test_seccomp.py",
    "src/launch/create.c": "tests/cli/test_lifecycle.py",
    "src/launch/events.c": "tests/cli/test_events.py",
    "src/launch/usage.c": "tests/cli/test_events.py",
    "src/launch/known.c": "tests/unit/launch/test_lifecycle.c",
    "src/launch/checkpoint.c": "tests/cli/test_checkpoint.py",
    "src/launch/parent_restore.c": "tests/cli/test_checkpoint.py",
    "src/launch/host_cgroups.c": "tests/cli/test_checkpoint_world.py",
    "src/launch/parent.c": "tests/cli/test_lifecycle.py",
    "src/launch/netreturn.c": "tests/cli/test_net_devices.py",
    "src/launch/parent_rdt.c": "tests/cli/test_rdt.py",
    "src/launch/parent_net.c": "tests/cli/test_net_devices.py",
    "src/launch/parent_seccomp.c": "tests/cli/test_seccomp.py",
    "src/launch/parent_spawn.c": "tests/cli/test_namespaces.py",
    "src/launch/device_rules.c": "tests/cli/test_update_devices.py",
    "src/launch/nodes.c": "tests/cli/test_update_devices.py",
    "src/launch/update.c": "tests/cli/test_update.py",
    "src/launch/parent_trees.c": "tests/cli/test_mounts.py",
    "src/plan/decide.c": GOLDEN,
    "src/plan/plan_cgroup.c": GOLDEN,
    "src/plan/plan_devices.c": GOLDEN,
    "src/plan/plan_hooks.c": GOLDEN,
    "src/plan/plan_idmap.c": GOLDEN,
    "src/plan/plan_labels.c": GOLDEN,
    "src/plan/plan_mounts.c": GOLDEN,
    "src/plan/plan_net.c": GOLDEN,
    "src/plan/plan_ns.c": GOLDEN,
    "src/plan/plan_process.c": GOLDEN,
    "src/plan/plan_rdt.c": GOLDEN,
    "src/plan/plan_root.c": GOLDEN,
    "src/plan/plan_task.c": GOLDEN,
    "src/plan/rules_space.c": "tests/unit/plan/test_rules.c",
    "src/plan/plan_seccomp.c": GOLDEN,
    "src/plan/show.c": GOLDEN,
}


def has_public(text):
    """True if a function of TEXT is not static; what consists of tables alone has none."""
    heads = re.findall(r"^(\S[^\n;{}]*)\n\w+ \([^;{}]*\)\n\{", tree.without_comments(text), re.M)
    return any(not head.startswith("static") for head in heads)


def complaints(root):
    for path in tree.sources(root, "src", "libocispec", suffixes=(".c",)):
        source = str(path)
        if not has_public((root / source).read_text()):
            continue
        floor = path.parent.name if len(path.parts) > 2 else "cmd" if source == "src/main.c" else "lib"
        own = f"tests/unit/{floor}/test_{path.stem}.c"
        elsewhere = ELSEWHERE.get(source)
        if elsewhere and (root / own).exists():
            yield f"{source}: has {own}, so tests/lint/covered.py need not name another test"
        elif elsewhere and not (root / elsewhere).exists():
            yield f"{source}: {elsewhere}, which is to cover it, does not exist"
        elif not elsewhere and not (root / own).exists():
            yield f"{source}: neither {own} nor a row in tests/lint/covered.py"


if __name__ == "__main__":
    tree.main(complaints)
