#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths (LISTS) under distributions' kernels, each door on one kernel; `make matrix`: each door on every kernel.

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

KERNELS = [("6.1", "bookworm", ["fexit"]), ("6.12", "bookworm-backports", ["tracepoint"])]
LISTS = [f"{top}/tests/system/test_{name}.py" for name in ("paths", "containers", "sockets", "families")]
SCRIPT = "bad=0; for list; do \"$PYTHON\" \"$list\" || bad=1; done; exit $bad"


def run(version, folder, door):
    """Boots, and gives the lists' results as this test's own. How many passed, failed and were skipped."""
    env = [f"{k}={os.environ[k]}" for k in ("top_srcdir", "top_builddir") if k in os.environ]
    env += [f"PICOSNITCH_HOOKS={door}", f"PYTHON={sys.executable}"]
    vm = subprocess.Popen([f"{top}/tests/vm/vmrun", folder, "env", *env, "sh", "-c", SCRIPT, "lists", *LISTS],
                          cwd=os.environ.get("top_builddir", top), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace")
    plans, skipped, results, bad = [], 0, 0, 0
    for line in vm.stdout:
        result = re.match(r"(not )?ok \d+ - (.*?)( # SKIP (.*))?$", line.rstrip())
        plan = re.match(r"1\.\.(\d+)", line)
        plans += [int(plan[1])] if plan else []
        if not result:
            tap.note(line.lstrip("#").strip())
            continue
        results += 1
        what = f"{version} {door}: {result[2]}".replace("\\#", "#")
        if result[3]:
            skipped += 1
            tap.skip(what, result[4])
        else:
            bad += not tap.ok(not result[1], what)
    status = vm.wait()
    whole = len(plans) == len(LISTS) and sum(plans) == results
    tap.ok(whole and status == (bad > 0), f"{version} {door}: booted, and the lists came to their end",
           f"status {status}, {results} results, plans {plans}")
    return results - skipped - bad, bad, skipped


def main():
    missing = kernels.missing()
    if not os.environ.get("CI") and (os.geteuid() or missing):
        tap.skip_all(f"{', '.join(missing)} not installed" if missing else "needs root")
    table = []
    matrix = sys.argv[1:] == ["--matrix"]
    for name, suite, doors in kernels.MATRIX if matrix else KERNELS:
        try:
            folder = kernels.fetch(name, suite)
        except (OSError, ValueError, KeyError, StopIteration, lzma.LZMAError, subprocess.CalledProcessError) as error:
            tap.ok(False, f"{name} from {suite}", error)
            continue
        release = os.listdir(f"{folder}/tree/lib/modules")[0] if os.path.isdir(f"{folder}/tree") else name
        for door in doors:
            table.append((release, door, *run(name, folder, door)))
    for row in table:
        tap.note("{:28} {:10} {:3} exact, {} wrong, {} that the kernel has not".format(*row))
    tap.done()


main()
