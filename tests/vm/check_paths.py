#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`picosnitch check` under a kernel that has everything, as modules at least: a test for each of its lines."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../system"))
from harness import HOOKS, Daemon, Place, need_root, tap  # noqa: E402

need_root()
for module in ("sctp", "tls", "tun", "vsock_loopback"):
    subprocess.run(["modprobe", "-q", module], check=False)
with Place() as place, Daemon(place) as daemon:
    check = daemon.command("check", timeout=120)
lines = check.stdout.splitlines()
tap.ok(f"kernel: seen through the {HOOKS} hooks" in lines, "the programs are loaded", check.stdout, check.stderr)
hooks = [line.split() for line in lines if line.startswith(("  tp_btf/", "  iter/", "  cgroup/", "  fexit/", "  fentry/"))]
for hook in hooks:
    tap.equal(hook[1:2], ["attached"], f"{hook[0]} is attached", hook)
table = [line[2:] for line in lines[next((n for n, line in enumerate(lines) if line.startswith("  path ")), len(lines)) + 1:]]
for line in table:
    if line.startswith("fanotify:"):
        tap.ok(line.endswith(" not on 0"), "executions are watched", line)
    else:
        tap.ok(line.endswith("  counted"), f"{line[:30].strip()}: counted", line)
tap.ok(len(hooks) > 10 and len(table) > 30, "there are many of either", check)
tap.equal(check.returncode, 0, "it ends with success", check.stderr)
tap.done()
