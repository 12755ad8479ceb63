#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of paths (tests/system/test_paths.py) under distributions' kernels, through both doors.

The kernels are those of kernels.py. What cannot be had or does not boot is a failure.
"""
import lzma
import os
import re
import subprocess
import sys

top = os.environ.get("top_srcdir") or os.path.realpath(f"{os.path.dirname(__file__)}/../..")
sys.path[:0] = [f"{top}/tests", f"{top}/tests/vm"]
import kernels  # noqa: E402
import tap  # noqa: E402

# version, suite of the registry, door. The newest build of the version in that suite is taken.
KERNELS = [("6.1", "bookworm", "fexit"), ("6.12", "bookworm-backports", "tracepoint")]
LIST = f"{top}/tests/system/test_paths.py"


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


missing = kernels.missing()
if not os.environ.get("CI") and (os.geteuid() or missing):
    tap.skip_all(f"{', '.join(missing)} not installed" if missing else "needs root")
for name, suite, door in KERNELS:
    try:
        deb = kernels.fetch(name, suite)
    except (OSError, ValueError, StopIteration, lzma.LZMAError, subprocess.CalledProcessError) as error:
        tap.ok(False, f"{name} from {suite}", error)
        continue
    run(name, deb, door)
tap.done()
