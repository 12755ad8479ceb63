#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The audit trail off the machine: the daemon hands what it sees to SQLite and to a database server at once, whose role
may only insert. Somebody else may ask there: the same answers; and verify finds what was done to either, also what one
store alone cannot know. While the server is away nothing waits for it, and everything arrives later.
"""
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from database import MariaDB, Postgres, mariadb  # noqa: E402
from harness import Daemon, Place, built, need_root, tap, wait_for  # noqa: E402

AWAY = 12  # seconds


def talk(path, times=1):
    for _ in range(times):
        subprocess.run([path, "127.0.0.1", "9"], check=True)


def sums(daemon, store, *words):
    done = daemon.command("query", "--store", store, "--last", "all", "--format", "json", *words)
    if done.returncode:
        tap.note(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def verify(daemon, *words):
    done = daemon.command("verify", *words)
    return done.returncode, done.stdout + done.stderr


def sink(daemon, name):
    return next(s for s in daemon.status()["sinks"] if s["name"] == name)


def caught_up(daemon, server):
    """All that SQLite has is on the server, too."""
    def same():
        db = daemon.database()
        have = db.execute("SELECT count(*) FROM batches").fetchone()[0]
        db.close()
        return have and int(server.sql("SELECT count(*) FROM batches")) == have
    wait_for(f"{server.name} to have what sqlite has", same, 60)


def outage(daemon, server, path):
    rows = len(daemon.rows())
    server.stop()
    began = time.monotonic()
    while time.monotonic() - began < AWAY:
        talk(path)
        time.sleep(0.2)
    wait_for("status to say so", lambda: sink(daemon, server.name)["state"] != "ready")
    tap.ok(True, "status tells that the server is away")
    tap.ok(len(daemon.rows()) > rows + 3, "what is seen meanwhile is stored here at once")
    server.start()
    caught_up(daemon, server)
    alerts = [loss for loss in daemon.losses() if loss.stage == "sink" and "away" in loss.text]
    tap.ok(len(alerts) <= 1, "one alert at most", alerts)


def lines(daemon, *sinks):
    """What `check --sinks` says, and its exit status."""
    done = daemon.command("check", "--sinks")
    said = [next((line for line in done.stdout.splitlines() if line.split()[:2] == ["sink", s]), "") for s in sinks]
    return done.returncode, *said


def tried(daemon, server):
    status, here, there, asked = lines(daemon, "sqlite", server.name, "auditor")
    tap.ok(status == 0 and here.endswith("ready") and there.endswith("ready") and asked.endswith("off"),
           "check --sinks opens both", (here, there, asked))
    server.stop()
    status, here, there = lines(daemon, "sqlite", server.name)
    tap.ok(status == 1 and here.endswith("ready") and "away: " in there, "and says of one that is away why", there)
    server.start()


def play(server):
    with Place() as place:
        path = place.copy(built("tests/system/blink"), "blink")
        daemon = Daemon(place, sinks="[sink sqlite]\n[sink textlog]\nenabled = no\n" + server.section)
        plugins = os.environ.get("PICOSNITCH_PLUGINS")
        shutil.copy(f"{plugins}/{server.name}.so" if plugins else built(f"plugins/{server.name}.so"), place.file("plugins"))
        daemon.start()
        daemon.stop()
        tried(daemon, server)
        daemon.start()
        tap.ok("in use by the daemon" in lines(daemon, "sqlite")[1], "while the daemon runs, its files are its own")
        talk(path, 20)
        outage(daemon, server, path)
        talk(path, 5)
        tap.equal(daemon.stop(), 0, "it stops")

        for words in ([], ["--by", "exe,raddr,rport"], ["--filter", f"exe={path}", "--by", "name,cmdline,sha256"],
                      ["--by", "none"], ["--audit"]):
            here, there = sums(daemon, "sqlite", *words), sums(daemon, "auditor", *words)
            tap.ok(here and here == there, f"the same answers here and there: query {' '.join(words)}", (here, there))
        done = daemon.command("query", "--store", server.name)
        tap.ok(done.returncode == 1 and "SELECT" in done.stderr and "--store" in done.stderr,
               "the sink's own role may not ask, and is told what to do", done.stderr)
        status, said = verify(daemon, "--store", "auditor")
        tap.ok(status == 0 and "as they were written" in said, "the trail there is whole", said)
        status, said = verify(daemon, "--store", "auditor", "--against", "sqlite")
        tap.ok(status == 0, "and the one that is here", said)

        local = daemon.place.file("state/snitch.db")
        shutil.copy(local, local + ".kept")
        change = "PRAGMA foreign_keys = off; " + " ".join(
            f"DELETE FROM {t} WHERE batch_id = (SELECT max(id) FROM batches);"
            for t in ("connections", "programs", "losses", "audit", "verdicts")) + "DELETE FROM batches WHERE id = (SELECT max(id) FROM batches)"
        subprocess.run([sys.executable, "-c", f"import sqlite3; d = sqlite3.connect({local!r}); d.executescript({change!r})"], check=True)
        tap.equal(verify(daemon)[0], 0, "the intruder cuts off the end here: nothing is to be seen here alone")
        status, said = verify(daemon, "--against", "auditor")
        tap.ok(status == 1 and "the end was cut off" in said, "beside the server's there is", said)
        shutil.move(local + ".kept", local)
        server.sql("UPDATE connections SET recv = recv + 1 WHERE send = (SELECT m FROM (SELECT max(send) AS m FROM connections) x)")
        status, said = verify(daemon, "--store", "auditor")
        tap.ok(status == 1 and "was changed; it is now:" in said, "what is changed there is named", said)
        status, said = verify(daemon, "--store", "auditor", "--from", str(int(time.time()) + 60))
        tap.ok(status == 0 and "retired" not in said and "retention" in said, "but not what may have been removed", said)
        tap.equal(verify(daemon, "--from", "yesterday")[0], 2, "a time that is none")


def main():
    need_root()
    if not mariadb.missing():
        play(MariaDB())
    else:
        tap.skip("MariaDB", mariadb.missing())
    play(Postgres())  # last: it ends the test where there is no server
    tap.done()


main()
