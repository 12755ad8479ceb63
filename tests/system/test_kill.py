#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
kill -9 of the sink's host and of the daemon, in the middle of traffic: no row twice, no batch that
was in the journal missing, and at most the open window lost.
"""
import os
import random
import signal
import sqlite3
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, need_root, tap, wait_for  # noqa: E402

HOST_KILLS, DAEMON_KILLS = 25, 50


def load(place, name):
    """Traffic until stopped: its receiver knows how much it took, its sender sends for as long."""
    ear = Role(place.traffic(f"{name}-ear"), "flood-recv", "127.0.0.1", "0")
    port = ear.port()
    return ear, Role(place.traffic(f"{name}-mouth"), "pace", "127.0.0.1", str(port), "2000", "100")


def journaled(daemon):
    """Batches that wait in the journal, as they were left behind: number and digest."""
    db = sqlite3.connect(f"{daemon.state}/journal.db")
    found = dict(db.execute("SELECT seq, digest FROM batch"))
    db.close()
    return found


def batches(daemon):
    db = daemon.database()
    found = list(db.execute("SELECT id, seq, digest, rows, hex(host), hex(boot) FROM batches ORDER BY seq"))
    rows = dict(db.execute("SELECT batch_id, sum(n) FROM (SELECT batch_id, count(*) n FROM connections GROUP BY 1 "
                           "UNION ALL SELECT batch_id, count(*) FROM losses GROUP BY 1 "
                           "UNION ALL SELECT batch_id, count(*) FROM audit GROUP BY 1 "
                           "UNION ALL SELECT batch_id, count(*) FROM programs GROUP BY 1) GROUP BY 1"))
    db.close()
    return found, rows


def stored(daemon, role, what):
    return sum(getattr(r, what) for r in daemon.rows() if r.exe.path == role.program)


def sink(daemon):
    return daemon.status()["sinks"][0]


def judge(daemon, what):
    """The chain of batches is whole, and each has the rows that it says."""
    found, rows = batches(daemon)
    tap.equal([b[1] for b in found], list(range(1, len(found) + 1)), f"{what}: every batch is there, and once")
    wrong = [(b[0], b[3], rows.get(b[0], 0)) for b in found if b[3] != rows.get(b[0], 0)]
    tap.equal(wrong, [], f"{what}: each has its rows, and once")
    return {b[1]: b[2] for b in found}


def hosts(place, dice):
    """Only the sink's process is killed: nothing at all may be lost."""
    with Daemon(place, write_interval="100 ms", drain_interval="50 ms") as daemon:
        daemon.start()
        ear, mouth = load(place, "host")
        for _ in range(HOST_KILLS):
            before = sink(daemon)
            time.sleep(dice.uniform(0, 0.15))
            os.kill(before["pid"], signal.SIGKILL)
            wait_for("another host", lambda pid=before["pid"]: sink(daemon)["pid"] not in (0, pid) and
                     sink(daemon)["state"] == "ready", 70)
        restarts = sink(daemon)["restarts"]
        sent, received = mouth.stop(), ear.stop()
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        tap.equal(restarts, HOST_KILLS, "the sink's process was killed, and started again")
        judge(daemon, "sink killed")
        tap.equal(stored(daemon, mouth, "sent"), sent["sent"], "sink killed: what was sent is stored, to the byte")
        tap.equal(stored(daemon, ear, "received"), received["received"], "sink killed: what was received too")


def daemons(place, dice):
    """The daemon is killed: the journal's batches arrive, the open window is said to be lost."""
    with Daemon(place, write_interval="100 ms", drain_interval="50 ms") as daemon:
        ear, mouth = load(place, "daemon")
        waiting = {}
        for _ in range(DAEMON_KILLS):
            daemon.start()
            last = daemon.status()["journal"]["last_batch"]
            wait_for("a batch", lambda n=last: daemon.status()["journal"]["last_batch"] > n)
            time.sleep(dice.uniform(0, 0.25))
            daemon.kill()
            waiting.update(journaled(daemon))
        daemon.start()
        sent, received = mouth.stop(), ear.stop()
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        found = judge(daemon, "daemon killed")
        missing = [seq for seq, digest in waiting.items() if found.get(seq) != digest]
        tap.equal(missing, [], f"daemon killed: {len(waiting)} batches that waited in the journal have arrived")
        told = [loss for loss in daemon.losses() if loss.stage == "restart"]
        tap.equal(sum(loss.count for loss in told), DAEMON_KILLS, "daemon killed: each next start says what was cut off", *told)
        for role, what, moved in ((mouth, "sent", sent), (ear, "received", received)):
            kept = stored(daemon, role, what)
            # How much depends on how long a start takes here; none twice is what counts.
            tap.ok(moved[what] / 20 < kept <= moved[what], f"daemon killed: {what}, not more than was moved", kept, moved)


def main():
    need_root()
    seed = int(os.environ.get("SEED", time.time_ns() % 1000000))
    tap.note(f"SEED={seed}")
    dice = random.Random(seed)
    for part in (hosts, daemons):
        with Place() as place:
            part(place, dice)
    tap.done()


main()
