# SPDX-License-Identifier: Apache-2.0
"""What documents show for pasting is what is installed as examples, and these are well formed."""
import json
import os
import pathlib
import tomllib

import pytest

TOP = pathlib.Path(os.path.abspath(__file__)).parents[2]
EXAMPLES = sorted((TOP / "packaging/examples").iterdir())


def text(path):
    return path.read_text().replace("@bindir@", "/usr/bin")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_shown(path):
    shown = {line.strip().split("#")[0].strip() for d in ("docs/engines.md", "docs/kubernetes.md") for line in (TOP / d).read_text().splitlines()
             if line.startswith("    ")}
    # the file's own version is said in words, since a file that has other lines has it already
    missing = [line.strip() for line in text(path).splitlines() if line.strip() and not line.startswith("#") and line.strip() not in {*shown, "version = 2"}]
    assert not missing


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_well_formed(path):
    if path.suffix == ".json":
        json.loads(text(path))
    elif path.suffix in (".toml", ".conf"):
        tomllib.loads(text(path))
    else:
        assert path.suffix == ".yaml" and "handler: orlop\n" in text(path)


# What crio.conf(5) knows of a handler.
HANDLER = set("""runtime_path runtime_type runtime_root runtime_config_path monitor_path monitor_cgroup monitor_exec_cgroup monitor_env
                 privileged_without_host_devices allowed_annotations platform_runtime_paths no_sync_log""".split())


def test_crio():
    """Names and kinds of values, as there is no CRI-O here to ask; crio.py uses them as CRI-O would."""
    config = tomllib.loads(text(TOP / "packaging/examples/crio.conf"))
    assert set(config) == {"crio"} and set(config["crio"]) == {"runtime"} and set(config["crio"]["runtime"]) == {"default_runtime", "runtimes"}
    runtime = config["crio"]["runtime"]
    handler = runtime["runtimes"][runtime["default_runtime"]]
    assert set(handler) - HANDLER == set() and handler["runtime_type"] in ("oci", "vm", "pod")
    assert all(isinstance(value, str) for value in handler.values())
    assert all(value.startswith("/") for name, value in handler.items() if name.endswith(("_path", "_root")))
