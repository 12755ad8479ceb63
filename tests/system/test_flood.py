#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""64-byte datagrams at full speed while the kernel's counters are drained again and again: no byte of difference."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, need_root, tap  # noqa: E402

SECONDS = 10


def main():
    need_root()
    with Place() as place, Daemon(place, drain_interval="100 ms", hash_threads="1") as daemon:
        daemon.start()
        ear = Role(place.traffic("ear"), "flood-recv", "127.0.0.1", "0")
        port = ear.port()
        mouth = Role(place.traffic("mouth"), "flood-send", "127.0.0.1", str(port), str(SECONDS), "64")
        sent = mouth.result()
        received = ear.stop()
        windows = daemon.status()["window"]["ended"]
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        rows = daemon.rows()
        out = [r for r in rows if r.exe.path == mouth.program]
        came = [r for r in rows if r.exe.path == ear.program]
        tap.note(f"{sent['calls']} datagrams in {sent['seconds']} s, {windows} windows")
        tap.ok(sent["calls"] > 100000 and windows >= SECONDS - 2, "it is a flood, and was drained meanwhile", sent, windows)
        tap.equal(sum(r.sent for r in out), sent["sent"], "sent: exact")
        tap.equal(sum(r.calls for r in out), sent["calls"], "calls that sent: exact")
        tap.equal(sum(r.received for r in came), received["received"], "received: exact")
        tap.equal(sum(r.calls for r in came), received["calls"], "calls that received: exact")
        tap.equal({(r.lport, r.rport, r.raddr) for r in out}, {(sent["lport"], port, "127.0.0.1")}, "with whom")
        tap.equal(daemon.losses(), [], "nothing was lost", daemon.messages())
    tap.done()


main()
