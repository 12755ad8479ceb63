#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
More than it was given room for. The daemon is stopped (SIGSTOP) meanwhile, so that its smallest
buffers must overflow: what is stored and what is said to be lost make what was sent.
"""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, built, need_root, tap, wait_for  # noqa: E402

FLOWS, SIZE, RUNS = 500, 1000, 3000


def lost(status, stage):
    return [loss for loss in status["losses"] if loss["stage"] == stage]


def flows(place, daemon):
    """500 flows of 1000 bytes each way, where 64 have room."""
    server = Role(place.traffic("server"), "churn-serve", "127.0.0.1", str(SIZE))
    client = place.traffic("client")
    port = server.port()
    os.kill(daemon.process.pid, signal.SIGSTOP)
    Role(client, "churn", "127.0.0.1", str(port), str(FLOWS), "0", str(SIZE)).result()
    server.stop()
    os.kill(daemon.process.pid, signal.SIGCONT)
    total = 2 * FLOWS * SIZE
    said = wait_for("losses", lambda: lost(daemon.status(), "flows"))[0]
    tap.ok(said["sent"] > 0 and said["received"] > 0, "flows without room are said to be lost", said)

    def check(rows, losses):
        mine = [r for r in rows if r.exe.path in (server.program, client)]
        theirs = [loss for loss in losses if loss.stage == "flows"]
        for what in ("sent", "received"):
            stored, gone = sum(getattr(r, what) for r in mine), sum(getattr(loss, what) for loss in theirs)
            tap.ok(stored > 0 and gone > 0 and stored + gone == total,
                   f"{what}: stored and lost make what was moved", f"{stored} + {gone}, want {total}", *theirs)
            tap.equal(gone, said[what], f"{what}: status and store say the same")
    return check


def events(place, daemon):
    """3000 processes, where one page of events has room."""
    blink, spawner = place.copy(built("tests/system/blink"), "blink"), place.traffic("spawner")
    os.kill(daemon.process.pid, signal.SIGSTOP)
    Role(spawner, "spawn", str(RUNS), "4", blink, "--", "127.0.0.1", "19").result()
    os.kill(daemon.process.pid, signal.SIGCONT)
    said = wait_for("losses", lambda: lost(daemon.status(), "ring"))[0]
    tap.ok(said["count"] > 0, "events without room are said to be lost", said)

    def check(rows, losses):
        told = sum(loss.count for loss in losses if loss.stage == "ring")
        tap.equal(told, said["count"], "events: status and store say the same")
        mine = [r for r in rows if r.rport == 19]
        stored = sum(r.sent for r in mine)
        gone = sum(loss.sent for loss in losses if loss.stage == "flows")
        tap.ok(stored + gone >= 8 * RUNS, "the bytes of processes whose events were lost are there", stored, gone)
        tap.ok(all(r.exe.path in ("", blink) for r in mine), "no other program is blamed for them",
               *{r.exe for r in mine if r.exe.path not in ("", blink)})
    return check


def run(part, **options):
    with Place() as place, Daemon(place, **options) as daemon:
        daemon.start()
        check = part(place, daemon)
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        check(daemon.rows(), daemon.losses())


def main():
    need_root()
    run(flows, max_flows="64")
    run(events, ring_buffer_pages="1")
    tap.done()


main()
