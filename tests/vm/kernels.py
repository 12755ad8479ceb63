# SPDX-License-Identifier: GPL-3.0-or-later
"""Distributions' kernels for vmrun.

They come from the package registry that this machine uses, are checked against its list, and are
kept in ~/.cache/picosnitch-vm.
"""
import glob
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import urllib.request

CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
TOOLS = ["qemu-system-x86_64", "busybox", "cpio", "depmod", "dpkg-deb", "xz", "apt-get"]


def missing():
    """The programs that are needed for it and not installed."""
    return [tool for tool in TOOLS if not shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]


def registry():
    """The address below which the distribution's own suites are."""
    uris = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
                          check=True, capture_output=True, text=True).stdout.split()
    return next(uri for uri in uris if uri.startswith("http") and re.search(r"/debian/?$", uri)).rstrip("/")


def newest(version, suite):
    """Address and SHA-256 of the newest image of that version, as the suite's package list has them."""
    base = registry()
    with urllib.request.urlopen(f"{base}/dists/{suite}/main/binary-amd64/Packages.xz", timeout=60) as answer:
        text = lzma.decompress(answer.read()).decode()
    found = []
    for entry in text.split("\n\n"):
        if re.match(rf"Package: linux-image-{re.escape(version)}[.\d]*[-+][^-]+-amd64\n", entry):
            field = dict(re.findall(r"^(\w+): (.*)$", entry, re.M))
            order = [int(n) for n in re.findall(r"\d+", field["Version"])]
            found.append((order, f"{base}/{field['Filename']}", field["SHA256"]))
    return max(found)[1:]


def fetch(version, suite):
    """The package's file, from the cache or fetched into it."""
    folder = f"{CACHE}/picosnitch-vm"
    os.makedirs(folder, exist_ok=True)
    kept = sorted(glob.glob(f"{glob.escape(folder)}/linux-image-{version}.*.deb"), key=os.path.getmtime)
    if kept:
        return kept[-1]
    uri, digest = newest(version, suite)
    path = f"{folder}/{os.path.basename(uri)}"
    with urllib.request.urlopen(uri, timeout=60) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{uri} is not what the package list says")
    with open(f"{path}.part", "wb") as out:
        out.write(data)
    os.rename(f"{path}.part", path)
    return path
