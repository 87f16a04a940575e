# SPDX-License-Identifier: Apache-2.0
"""Images made by hand, as directories of a layout and as archives, and a store to import them into."""
import glob
import gzip
import hashlib
import io
import json
import lzma
import os
import pathlib
import platform
import shutil
import subprocess
import tarfile

import orlop

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.join(os.environ.get("ORLOP_BUILD", str(TOP / "build")), "orlop-image")
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
PACK = {"": bytes, "gzip": lambda b: gzip.compress(b, 1), "xz": lzma.compress,
        "zstd": lambda b: subprocess.run(["zstd", "-q", "-c"], input=b, stdout=subprocess.PIPE, check=True).stdout}
MEDIA = "application/vnd.oci.image."


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Entry(tarfile.TarInfo):
    data = b""


def entry(name, data=None, type=None, link="", mode=0o644, uid=0, gid=0, mtime=1000000000, dev=(0, 0), **pax):
    """One entry of an archive: a file with DATA, or of TYPE."""
    e = Entry(name)
    e.type = type or (tarfile.REGTYPE if data is not None else tarfile.DIRTYPE)
    e.mode = 0o755 if e.type == tarfile.DIRTYPE and mode == 0o644 else mode
    e.uid, e.gid, e.mtime, e.linkname, e.size = uid, gid, mtime, link, len(data or b"")
    e.devmajor, e.devminor = dev
    e.pax_headers = {k.replace("__", "."): v for k, v in pax.items()}
    e.data = data or b""
    return e


def xattrs(e, **values):
    """E with extended attributes; a dot in a name is written __."""
    e.pax_headers.update({"SCHILY.xattr." + k.replace("__", "."): v for k, v in values.items()})
    return e


def archive(*entries, format=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for e in entries:
            tar.addfile(e, io.BytesIO(e.data) if e.data else None)
    return out.getvalue()


def busybox_layer():
    """A root file system of one static busybox."""
    with open(orlop.busybox(), "rb") as f:
        program = f.read()
    return archive(*(entry(d) for d in ("bin", "etc", "proc", "sys", "dev", "tmp", "root")), entry("bin/busybox", program, mode=0o755),
                   *(entry(f"bin/{a}", type=tarfile.SYMTYPE, link="busybox") for a in orlop.APPLETS),
                   entry("etc/passwd", b"root:x:0:0::/root:/bin/sh\nmail:x:8:12::/:/bin/sh\n"),
                   entry("etc/group", b"root:x:0:\nmail:x:12:\nextra:x:77:mail,root\n"))


class Layout:
    """The directory of a layout."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.index = {"schemaVersion": 2, "manifests": []}
        self.save()

    def save(self):
        (self.path / "index.json").write_text(json.dumps(self.index))

    def blob(self, data, media, **more):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        (self.path / "blobs/sha256" / sha(data)).write_bytes(data)
        return {"mediaType": media, "digest": f"sha256:{sha(data)}", "size": len(data), **more}

    def file(self, descriptor):
        return self.path / "blobs" / descriptor["digest"].replace(":", "/")

    def manifest(self, layers, config=None, pack="gzip", architecture=ARCHITECTURE, **more):
        """The descriptor of a manifest of LAYERS, which are plain archives; MORE is of the configuration."""
        kind = {"": "", "gzip": "+gzip", "zstd": "+zstd", "xz": ""}[pack]
        c = {"os": "linux", "architecture": architecture, "config": config or {},
             "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha(x)}" for x in layers]}, **more}
        self.config = self.blob(c, MEDIA + "config.v1+json")
        self.layers = [self.blob(PACK[pack](x), MEDIA + "layer.v1.tar" + kind) for x in layers]
        return self.blob({"schemaVersion": 2, "config": self.config, "layers": self.layers}, MEDIA + "manifest.v1+json")

    def add(self, name, layers, config=None, **more):
        """An image of index.json."""
        d = self.manifest(layers, config, **more)
        self.index["manifests"].append({**d, "annotations": {"org.opencontainers.image.ref.name": name}} if name else d)
        self.save()
        return self

    def tar(self, path, pack=""):
        with io.BytesIO() as out:
            with tarfile.open(fileobj=out, mode="w") as tar:
                for p in sorted(self.path.rglob("*")):
                    tar.add(p, arcname=str(p.relative_to(self.path)), recursive=False)
            pathlib.Path(path).write_bytes(PACK[pack](out.getvalue()))
        return str(path)


def saved(path, layers, config=None, tags=("saved:latest",), **more):
    """An archive as `docker save` wrote it for years: a layer that is there twice is a link the second time."""
    c = json.dumps({"os": "linux", "architecture": ARCHITECTURE, "config": config or {},
                    "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha(x)}" for x in layers]}, **more}).encode()
    names, entries = {}, [entry(f"{sha(c)}.json", c)]
    for i, x in enumerate(layers):
        name = f"{sha(x + bytes([i]))}/layer.tar"
        link = names.setdefault(sha(x), name)
        entries.append(entry(os.path.dirname(name)))
        entries.append(entry(name, x) if link == name else entry(name, type=tarfile.SYMTYPE, link=f"../{link}"))
    files = [e.name for e in entries if e.name.endswith("layer.tar")]
    entries.append(entry("manifest.json", json.dumps([{"Config": f"{sha(c)}.json", "RepoTags": list(tags), "Layers": files}]).encode()))
    pathlib.Path(path).write_bytes(archive(*entries))
    return str(path)


class Store:
    def __init__(self, path, prefix=()):
        self.path, self.prefix, self.bundles = pathlib.Path(path), list(prefix), []

    def command(self, *words):
        return [*self.prefix, PROGRAM, "--store", str(self.path), *map(str, words)]

    def run(self, *words, status=0, **more):
        """Runs the program; any status but the expected one, or with None one by a signal, fails."""
        done = orlop.Result(subprocess.run(self.command(*words), text=True, errors="replace", capture_output=True, timeout=60 * orlop.PATIENCE,
                                           check=False, **{"stdin": subprocess.DEVNULL, **more}))
        assert done.status == status or status is None, done
        return done

    def load(self, source, *words, **more):
        return self.run("import", *words[:-1], source, *words[-1:], **more)

    def unpack(self, path, *layers, **more):
        """Imports an image of LAYERS; returns the directories that they were unpacked into."""
        self.load(Layout(path).add("x", layers, **more).path, "x")
        return self.layers("x")

    def refuse(self, path, *layers, words=(), **more):
        """What is said of an image of LAYERS that is refused.  Nothing may be left of it."""
        source = Layout(path).add("x", layers, **more).path
        return self.refused("import", *words, source)

    def refused(self, *words):
        done = self.run(*words, status=1)
        assert done.out == "" and done.err.startswith("orlop-image: import: ") and done.err.count("\n") == 1
        assert self.content() == [], "something is left"
        return done.err

    def content(self):
        return sorted(os.path.relpath(p, self.path) for d in ("layers", "images", "names", "bundles", "tmp") for p in glob.glob(f"{self.path}/{d}/*"))

    def record(self, image):
        return json.loads(self.run("inspect", image).out)["record"]

    def layers(self, image):
        return [self.path / "layers" / n / "fs" for n in self.record(image)["layers"]]

    def bundle(self, image, path, *args, options=(), **more):
        self.bundles.append(path)
        return self.run("bundle", *options, image, path, *args, **more)

    def config(self, path):
        return json.loads((pathlib.Path(path) / "config.json").read_text())

    def close(self):
        for b in self.bundles:
            if os.path.isdir(b):
                subprocess.run(self.command("rm-bundle", b), capture_output=True, check=False)
        with open("/proc/self/mountinfo") as f:
            left = [line.split()[4] for line in f if str(self.path.parent) in line]
        for mount in left:
            subprocess.run(["umount", mount], check=False)
        shutil.rmtree(self.path, ignore_errors=True)
        assert not left, f"still mounted: {left}"
