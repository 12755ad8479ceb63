#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""More programs that talk without a pause than there are processors: each is preempted all the time, and where the
kernel can be preempted also inside of what counts it. No byte of difference; where even those that stand in are busy,
which must be rare, the calls that are missing are told.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, need_root, tap  # noqa: E402

SECONDS, PAIRS, TCP_BYTES = 6, 4, 10_000_000


def totals(rows, program):
    mine = [r for r in rows if r.exe.path == program]
    return [sum(r.sent for r in mine), sum(r.received for r in mine), sum(r.calls for r in mine)]


def main():
    need_root()
    with Place() as place, Daemon(place) as daemon:
        daemon.start()
        programs = {name: place.traffic(name) for name in ("ear", "mouth", "drain", "pump")}
        ears = [Role(programs["ear"], "flood-recv", "127.0.0.1", "0") for _ in range(PAIRS)]
        mouths = [Role(programs["mouth"], "flood-send", "127.0.0.1", str(ear.port()), str(SECONDS), "64") for ear in ears]
        sent = [mouth.result(120) for mouth in mouths]
        received = [ear.stop() for ear in ears]
        drains = [Role(programs["drain"], "tcp-listen,127.0.0.1,0", "recv,recv,eof,4096") for _ in range(PAIRS)]
        pumps = [Role(programs["pump"], f"tcp-connect,127.0.0.1,{d.port()}", f"send,send,{TCP_BYTES},4096") for d in drains]
        pumped = [flow for role in pumps for flow in role.result()["flows"]]
        drained = [flow for role in drains for flow in role.result()["flows"]]
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        rows, missed = daemon.rows(), [loss for loss in daemon.losses() if loss.stage == "programs"]
        told = sum(loss.count for loss in missed)
        missing, all_calls = 0, sum(r["calls"] for r in sent + received)
        for name, results in (("mouth", sent), ("ear", received)):
            stored = totals(rows, programs[name])
            calls, moved = (sum(r[field] for r in results) for field in ("calls", "sent" if name == "mouth" else "received"))
            missing += calls - stored[2]
            tap.equal(stored[0] + stored[1] + 64 * (calls - stored[2]), moved, f"{name}: the bytes of every call that is stored")
        for name, results in (("pump", pumped), ("drain", drained)):
            want = [sum(r[field] for r in results) for field in ("sent", "received")]
            short = sum(want) - sum(totals(rows, programs[name])[:2])
            tap.ok(0 <= short <= 4096 * told, f"{name}: its bytes", short, told)
        named = all(re.search(r", the last at (tp_btf|fexit|fentry|iter|cgroup)/\w", loss.text) for loss in missed)
        tap.ok(0 <= missing <= told <= all_calls / 10000 and named, "the calls that are missing are told, with the hook, and few",
               missing, told, all_calls, *missed, daemon.messages())
    tap.done()


main()
