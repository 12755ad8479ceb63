# SPDX-License-Identifier: GPL-3.0-or-later
"""Distributions' kernels for vmrun.

They come from the package registry that this machine uses, are checked against its list, and are
kept in ~/.cache/picosnitch-vm.
"""
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import urllib.request

CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
TOOLS = ["busybox", "cpio", "depmod", "dpkg-deb", "xz", "apt-get"]


def missing(emulator="qemu-system-x86_64"):
    """The programs that are needed for it and not installed."""
    return [tool for tool in [emulator, *TOOLS] if not shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]


def registry():
    """The address below which the distribution's own suites are."""
    uris = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
                          check=True, capture_output=True, text=True).stdout.split()
    return next(uri for uri in uris if uri.startswith("http") and re.search(r"/debian/?$", uri)).rstrip("/")


# Each kernel that is tried, the suite of the registry that has it, and the doors that it has.
MATRIX = [("5.10", "bullseye", ["fexit"]), ("6.1", "bookworm", ["fexit"]),
          ("6.12", "bookworm-backports", ["fexit", "tracepoint", "fexit preempt=full"]), ("6.16", "trixie-backports", ["fexit", "tracepoint"]),
          ("7.", "sid", ["fexit", "tracepoint"])]


def packages(suite, arch):
    """The suite's packages: name to fields, and the address that their files are below."""
    base = registry()
    with urllib.request.urlopen(f"{base}/dists/{suite}/main/binary-{arch}/Packages.xz", timeout=120) as answer:
        text = lzma.decompress(answer.read()).decode()
    fields = (dict(re.findall(r"^([\w-]+): (.*)$", entry, re.M)) for entry in text.split("\n\n") if "Package: linux-" in entry)
    return {f["Package"]: f for f in fields if "Package" in f}, base


def newest(version, suite, arch):
    """Name, address and SHA-256 of each file of the newest image of that version."""
    known, base = packages(suite, arch)
    images = [f for name, f in known.items()
              if re.fullmatch(rf"linux-image-{re.escape(version)}[.\d]*[-+][\w.+~]+-{arch}", name)]
    image = max(images, key=lambda f: [int(n) for n in re.findall(r"\d+", f["Version"])])
    # From 7 on the kernel and its modules are packages of their own, which the image's depends on.
    parts = re.findall(r"(linux-(?:base|binary|modules)-[^\s,(]+)", image.get("Depends", ""))
    return [(os.path.basename(f["Filename"]), f"{base}/{f['Filename']}", f["SHA256"])
            for f in [image, *(known[p] for p in parts)]]


def fetch(version, suite, arch="amd64"):
    """A folder with the kernel's packages, from the cache or fetched into it."""
    folder = f"{CACHE}/picosnitch-vm/{suite}-{version.rstrip('.')}{'' if arch == 'amd64' else '-' + arch}"
    if os.path.isdir(folder):
        return folder
    new = f"{folder}.{os.getpid()}"
    os.makedirs(new)
    try:
        for name, uri, digest in newest(version, suite, arch):
            with urllib.request.urlopen(uri, timeout=120) as answer:
                data = answer.read()
            if hashlib.sha256(data).hexdigest() != digest:
                raise ValueError(f"{uri} is not what the package list says")
            with open(f"{new}/{name}", "wb") as out:
                out.write(data)
        os.rename(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder
