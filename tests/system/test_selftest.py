#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The self-test at start and by `check`. That it finds what is missing: tests/unit/test_self_test.c.
"""
import json
import os
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


def main():
    need_root()
    with Place() as place:
        at_start(place)
    with Place() as place:
        switched_off(place)
    tap.done()


main()
