#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths (LISTS) under distributions' kernels, each door on one kernel; `make matrix`: each door on every
kernel, and one with tasks that can be preempted anywhere.

In a build for arm64 (contrib/cross-arm64) it is `picosnitch check` and the quick ones of the build's other tests,
through both doors of one kernel; `make matrix`: LISTS and all of them. The kernels are those of kernels.py. What
cannot be had or does not boot is a failure.
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

build = os.environ.get("top_builddir") or top
KERNELS = [("6.1", "bookworm", ["fexit"]), ("6.12", "bookworm-backports", ["tracepoint"])]
LISTS = [f"{top}/tests/system/test_{name}.py"
         for name in ("paths", "containers", "sockets", "families", "contention", "lookups")]
ARM_KERNELS = [("6.12", "bookworm-backports", ["tracepoint", "fexit"])]
ARM_ROOT = os.environ.get("VMRUN_ROOT") or f"{kernels.CACHE}/picosnitch-vm/arm64-root"
# These take half a minute and more where the processor is emulated; and those that build something.
SLOW = ["tests/unit/test_courier", "tests/unit/test_journal", "tests/sinks/contract_sqlite.sh", "tests/sinks/test_query",
        "tests/sinks/test_sqlite", "tests/sinks/contract_textlog_csv.sh", "tests/sinks/contract_textlog_json.sh"]
NEVER = ["tests/sinks/test_example.sh", "tests/unit/test_install.sh"]
# What the machine has for /tmp is changes in memory above a network's file system: of that, identity is not sure.
NEVER += ["tests/unit/test_executable", "tests/unit/test_ledger", "tests/unit/test_changes"]
# On one line: vmrun's quoting.
SCRIPT = ('run() { case $1 in *.py) "$PYTHON" "$1" ;; *.sh) sh "$1" ;; *) "$1" ;; esac; }; '
          'bad=0; for list; do run "$list" || bad=1; done; exit $bad')


def for_arm():
    """Whether the build is one for arm64: by the header of what was built."""
    program = f"{build}/tests/system/traffic"
    if not os.path.exists(program):
        return False
    with open(program, "rb") as f:
        return int.from_bytes(f.read(20)[18:], "little") == 183


def portable(slow):
    """The build's tests that need no daemon, as programs and scripts to be run elsewhere."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}  # may say TESTS=
    names = subprocess.run(["make", "-s", "-C", build, "list-tests"], env=env, check=True, capture_output=True,
                           text=True).stdout
    leave = NEVER + ([] if slow else SLOW)
    return [f"{top if name.endswith('.sh') else build}/{name}" for name in names.split()
            if re.match("tests/(unit|sinks|fuzz)/", name) and name not in leave]


def run(version, folder, door, lists, root="/"):
    """Boots, and gives the lists' results as this test's own. How many passed, failed and were skipped."""
    hooks, _, options = door.partition(" ")
    env = [f"{k}={os.environ[k]}" for k in ("top_srcdir", "top_builddir") if k in os.environ]
    env += [f"PICOSNITCH_HOOKS={hooks}", f"PYTHON={sys.executable if root == '/' else '/usr/bin/python3'}"]
    vm = subprocess.Popen([f"{top}/tests/vm/vmrun", folder, "env", *env, "sh", "-c", SCRIPT, "lists", *lists],
                          cwd=build if root == "/" else top,
                          env={"VMRUN_SECONDS": "1200", **os.environ, "VMRUN_ROOT": root, "VMRUN_KERNEL": options},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    plans, skipped, results, bad, line = [], 0, 0, 0, ""
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
    whole = len(plans) == len(lists) and sum(plans) == results
    good, what = whole and status == (bad > 0), f"{version} {door}: booted, and the lists came to their end"
    # In the name, which is what is read of a run of an hour.
    tap.ok(good, what if good else f"{what}: status {status}, {results} results, plans {plans}, at last {line.strip()[:200]!r}")
    return results - skipped - bad, bad, skipped


def main():
    arm, matrix = for_arm(), sys.argv[1:] == ["--matrix"]
    missing = kernels.missing("qemu-system-aarch64" if arm else "qemu-system-x86_64")
    if not os.environ.get("CI") and (os.geteuid() or missing):
        tap.skip_all(f"{', '.join(missing)} not installed" if missing else "needs root")
    table = []
    for name, suite, doors in ARM_KERNELS if arm else kernels.MATRIX if matrix else KERNELS:
        try:
            folder = kernels.fetch(name, suite, "arm64" if arm else "amd64")
        except (OSError, ValueError, KeyError, StopIteration, lzma.LZMAError, subprocess.CalledProcessError) as error:
            tap.ok(False, f"{name} from {suite}", error)
            continue
        release = os.listdir(f"{folder}/tree/lib/modules")[0] if os.path.isdir(f"{folder}/tree") else name
        for door in doors:
            if arm:
                rest = [] if door != doors[0] else portable(slow=matrix)
                lists = [f"{top}/tests/vm/check_paths.py", *(LISTS if matrix else []), *rest]
                table.append((release, door, *run(name, folder, door, lists, ARM_ROOT)))
            else:
                table.append((release, door, *run(name, folder, door, LISTS)))
    for row in table:
        tap.note("{:28} {:18} {:3} exact, {} wrong, {} that the kernel has not".format(*row))
    tap.done()


main()
