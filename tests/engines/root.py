#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: root.py RELEASE

Prints the name of a directory with RELEASE of Debian (trixie) and its engines, made and kept as guests' disks are (tests/vm/guest.py): with
ORLOP_ENGINE_ROOT set to it, drivers run in there.  The status is 77 with a reason where there can be none."""
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "vm"))
sys.dont_write_bytecode = True
import guest  # noqa: E402

# the engines, what they call, what the drivers call, and the libraries of orlop
PACKAGES = """podman conmon netavark aardvark-dns buildah docker.io docker-cli docker-buildx containerd runc tini umoci skopeo containernetworking-plugins
iptables nftables iproute2 uidmap slirp4netns passt fuse-overlayfs busybox-static tar mount util-linux procps python3 python3-grpcio
python3-protobuf protobuf-compiler libyajl2 libseccomp2""".split()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    release = sys.argv[1]
    name = "engines-" + hashlib.sha256(" ".join([release, *PACKAGES]).encode()).hexdigest()[:16]
    try:
        print(guest.cached(name, ["mmdebstrap"], lambda made: guest.debian(release, PACKAGES, made / "root")) / "root")
    except guest.NoGuest as why:
        print(f"no root directory with Debian {release}: {why}")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
