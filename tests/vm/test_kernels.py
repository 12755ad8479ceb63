#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of paths (tests/system/test_paths.py) under distributions' kernels, through both doors.

The kernels come from the package registry that this machine uses, are checked against its list,
and are kept in ~/.cache/picosnitch-vm. What cannot be had or does not boot is a failure.
"""
import glob
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import urllib.request

top = os.environ.get("top_srcdir") or os.path.realpath(f"{os.path.dirname(__file__)}/../..")
sys.path.insert(0, f"{top}/tests")
import tap  # noqa: E402

# version, suite of the registry, door. The newest build of the version in that suite is taken.
KERNELS = [("6.1", "bookworm", "fexit"), ("6.12", "bookworm-backports", "tracepoint")]
LIST = f"{top}/tests/system/test_paths.py"
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
TOOLS = ["qemu-system-x86_64", "busybox", "cpio", "depmod", "dpkg-deb", "xz", "apt-get"]


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


def kernel(version, suite):
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


def run(version, deb, door):
    """Boots, and gives the list's results as this test's own."""
    env = [f"{k}={os.environ[k]}" for k in ("top_srcdir", "top_builddir") if k in os.environ]
    vm = subprocess.Popen([f"{top}/tests/vm/vmrun", deb, "env", *env, f"PICOSNITCH_HOOKS={door}", sys.executable, LIST],
                          cwd=os.environ.get("top_builddir", top), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace")
    plan, results, bad = None, 0, 0
    for line in vm.stdout:
        result = re.match(r"(not )?ok \d+ - (.*?)( # SKIP (.*))?$", line.rstrip())
        plan = plan or re.match(r"1\.\.(\d+)", line)
        if not result:
            tap.note(line.lstrip("#").strip())
            continue
        results += 1
        what = f"{version} {result[2]}".replace("\\#", "#")
        if result[3]:
            tap.skip(what, result[4])
        else:
            bad += not tap.ok(not result[1], what)
    status = vm.wait()
    whole = plan is not None and int(plan[1]) == results > 0
    tap.ok(whole and status == (bad > 0), f"{version} {door}: booted, and the list came to its end",
           f"status {status}, {results} results, plan {plan[1] if plan else 'missing'}")


missing = [tool for tool in TOOLS if not shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
if not os.environ.get("CI") and (os.geteuid() or missing):
    tap.skip_all(f"{', '.join(missing)} not installed" if missing else "needs root")
for name, suite, door in KERNELS:
    try:
        deb = kernel(name, suite)
    except (OSError, ValueError, StopIteration, lzma.LZMAError, subprocess.CalledProcessError) as error:
        tap.ok(False, f"{name} from {suite}", error)
        continue
    run(name, deb, door)
tap.done()
