#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The self-test at start and by `check`: passed, switched off, and failed by what really does not count
here (a flow map of one flow; no cgroup v2 to attach to). What else it finds: tests/unit/test_self_test.c.
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, need_root, tap, wait_for  # noqa: E402


def tried(daemon):
    return wait_for("self-test", lambda: (s := daemon.status()) and s["self_test"]["state"] != "running" and s)


def at_start(place):
    with Daemon(place) as daemon:
        daemon.start()
        status = tried(daemon)
        test = status["self_test"]
        wrong = [p for p in test["paths"] if p["verdict"] not in ("counted", "not tried")]
        tap.ok(test["state"] == "passed" and not wrong, "every path that this kernel has is counted", *map(json.dumps, wrong))
        tap.ok(test["counted"] >= 25, "and that are many", test["counted"])
        names = [p["path"] for p in test["paths"] if p["verdict"] == "counted"]
        seen = [line for line in daemon.command("status").stdout.splitlines() if line.startswith("self-test")]
        tap.ok(seen and "passed" in seen[0], "`status` says so", *seen)
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        own = [r for r in daemon.rows() if r.exe.path == daemon.program]
        tap.equal(own, [], "its own bytes are nobody's traffic")
        check = daemon.command("check")
        table = [line for line in check.stdout.splitlines() if line.endswith(" counted")]
        tap.equal([name for name in names if not any(line.strip().startswith(name) for line in table)], [],
                  "`check` shows the same paths")
        tap.equal(check.returncode, 0, "and ends with success")


def switched_off(place):
    with Daemon(place, self_test="no") as daemon:
        daemon.start()
        tap.equal(daemon.status()["self_test"]["state"], "off", "self_test = no: it is not run, and that is said")
        daemon.stop()


def no_room(place):
    """A flow map of one flow: what finds no room has no ports, and is not what was moved."""
    with Daemon(place, max_flows="1") as daemon:
        daemon.start()
        test = tried(daemon)["self_test"]
        failed = [p["path"] for p in test["paths"] if p["verdict"] == "not counted"]
        tap.ok(test["state"] == "failed" and "UDP, IPv6" in failed, "a flow map that is full: the self-test fails", test)
        line = [s for s in daemon.command("status").stdout.splitlines() if s.startswith("self-test")]
        tap.ok(line and "failed" in line[0], "`status` says so", *line)
        daemon.stop()
        told = [loss.text for loss in daemon.losses() if loss.text.split(":")[0] in failed]
        tap.equal(sorted({t.split(":")[0] for t in told}), sorted(failed), "and the store, path by path", *told)


def no_cgroup(place):
    """Without cgroup v2 the tracepoint door does not know whom unconnected sockets talk to."""
    with Daemon(place, hooks="tracepoint") as daemon:
        blind = subprocess.run(["unshare", "-m", "sh", "-c", "umount -a -t cgroup2 && exec \"$@\"", "sh", daemon.program,
                                "--config", daemon.config, "check"], capture_output=True, text=True, timeout=90, check=False)
        failed = {line.split("  ")[1] for line in blind.stdout.splitlines() if line.endswith(" peer not known")}
        if "seen through the tracepoint hooks" not in blind.stdout:
            tap.skip("without cgroup v2", "this kernel has no tracepoint door")
            return
        tap.ok({"UDP, IPv4", "UDP, IPv6"} <= failed and "UDP, IPv4, connected" not in failed,
               "without cgroup v2, `check` names the paths whose peer is not known", blind)
        tap.equal(blind.returncode, 1, "and ends with failure")


def main():
    need_root()
    with Place() as place:
        at_start(place)
    with Place() as place:
        switched_off(place)
    with Place() as place:
        no_room(place)
    with Place() as place:
        no_cgroup(place)
    tap.done()


main()
