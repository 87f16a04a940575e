#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""headers.py ROOT: every header compiles alone and twice, by every compiler there is; the public one in C++ too."""
import concurrent.futures
import os
import shutil
import subprocess

import tree

FLAGS = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
C = ["-std=gnu11", "-D_GNU_SOURCE", "-Isrc", "-Ilibocispec", "-x", "c"]
CXX = ["-std=c++11", "-x", "c++"]


def compile_alone(root, compiler, flags, header):
    text = f'#include "{root / header}"\n' * 2
    done = subprocess.run([compiler, *FLAGS, *flags, "-"], input=text, text=True, cwd=root, capture_output=True, check=False)
    return done.returncode and f"{header}: does not compile alone with {compiler}:\n{done.stderr.rstrip()}"


def complaints(root):
    jobs = [(compiler, C, header) for header in tree.sources(root, "src", "libocispec", suffixes=(".h",))
            for compiler in ("gcc", "clang") if shutil.which(compiler)]
    jobs += [(compiler, CXX, "src/orlop.h") for compiler in ("g++", "clang++")
             if shutil.which(compiler) and (root / "src/orlop.h").exists()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(lambda job: compile_alone(root, *job), jobs))


if __name__ == "__main__":
    tree.main(complaints)
