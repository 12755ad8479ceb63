#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
While the kernel's counters are drained again and again: 64-byte datagrams at full speed, and far more flows and
threads than have a place of their own in the kernel. No byte of difference.
"""
import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, need_root, tap  # noqa: E402

SECONDS = 10
PORT, PEERS, THREADS, EACH = 20000, 6000, 2000, 90


def flood():
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


def scatter(addr):
    """Threads that share a socket: each datagram's peer is that of its own call."""
    with Place() as place, Daemon(place, drain_interval="100 ms") as daemon:
        daemon.start()
        mouth = Role(place.traffic("mouth"), "scatter", addr, str(PORT), str(PEERS), str(THREADS), str(EACH), "64")
        sent = mouth.result(120)
        tap.equal(daemon.stop(), 0, f"to {addr}: the daemon stops cleanly")
        calls, of_bytes = collections.Counter(), collections.Counter()
        for r in daemon.rows("lport = ?", [sent["lport"]]):
            calls[r.raddr, r.rport] += r.calls
            of_bytes[r.raddr, r.rport] += r.sent
        want = {(addr, PORT + i): THREADS * EACH // PEERS for i in range(PEERS)}
        wrong = {peer: (calls[peer], want.get(peer)) for peer in {*calls, *want} if calls[peer] != want.get(peer)}
        tap.equal(wrong, {}, f"{THREADS} threads to {PEERS} ports of {addr}: the calls of each are exact")
        tap.ok(all(of_bytes[peer] == 64 * n for peer, n in calls.items()), "and its bytes")
        tap.equal([loss for loss in daemon.losses() if loss.stage == "flows"], [], "nothing was lost", daemon.messages())


def main():
    need_root()
    flood()
    scatter("127.0.0.1")
    scatter("::1")
    tap.done()


main()
