#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`picosnitch verify` on what the daemon itself has stored: whole while it runs, after a restart and after
kill -9; what an intruder changed is named, and a copy shows what was cut off; retention leaves it
verifiable.
"""
import json
import os
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, built, need_root, tap  # noqa: E402


def verify(daemon, *words):
    done = daemon.command("verify", *words)
    return done.returncode, done.stdout + done.stderr


def batches(daemon):
    db = daemon.database()
    count = db.execute("SELECT count(*) FROM batches").fetchone()[0]
    db.close()
    return count


def more(daemon, path, n=3):
    """Windows are a second long: n of them with something in them."""
    upto = batches(daemon) + n
    while batches(daemon) < upto:
        subprocess.run([path, "127.0.0.1", "9"], check=True)
        time.sleep(0.3)


def change(daemon, sql):
    db = sqlite3.connect(os.path.join(daemon.state, "snitch.db"))
    db.execute(sql)
    db.commit()
    db.close()


def whole(daemon, what):
    status, said = verify(daemon)
    tap.ok(status == 0 and "as they were written" in said and "NOT" not in said, what, said)
    found = json.loads(daemon.command("verify", "--json").stdout)
    tap.ok(found["whole"] and not found["faults"] and found["rows"] > 0 and found["batches"] > 2 and found["hosts"] == 1,
           "and says so in JSON", found)


def main():
    need_root()
    with Place() as place:
        path = place.copy(built("tests/system/blink"), "blink")
        daemon = Daemon(place)
        daemon.start()
        more(daemon, path)
        whole(daemon, "what the running daemon has stored is whole")
        daemon.stop()
        daemon.start()
        more(daemon, path)
        whole(daemon, "after a restart too")
        daemon.kill()
        daemon.start()
        more(daemon, path)
        daemon.stop()
        whole(daemon, "and after kill -9")

        copy = place.file("copy.db")
        db = sqlite3.connect(os.path.join(daemon.state, "snitch.db"))
        db.execute("VACUUM INTO ?", (copy,))
        db.close()
        status, said = verify(daemon, "--against-file", copy)
        tap.ok(status == 0, "it is what its copy is", said)

        change(daemon, "UPDATE connections SET send = send + 1 WHERE rowid = (SELECT max(rowid) FROM connections)")
        status, said = verify(daemon)
        tap.ok(status == 1 and "of connections, was changed; it is now:" in said and "NOT as they were written" in said,
               "a changed row is named", said)
        change(daemon, "UPDATE connections SET send = send - 1 WHERE rowid = (SELECT max(rowid) FROM connections)")
        last = "(SELECT max(id) FROM batches)"
        for table in ["connections", "programs", "losses", "audit"]:
            change(daemon, f"DELETE FROM {table} WHERE batch_id = {last}")
        change(daemon, f"DELETE FROM batches WHERE id = {last}")
        status, said = verify(daemon)
        tap.ok(status == 0, "a store whose last batch was cut off looks whole", said)
        status, said = verify(daemon, "--against-file", copy)
        tap.ok(status == 1 and "the end was cut off" in said, "beside its copy it does not", said)

        status, said = verify(daemon, "--file", "/nonexistent")
        tap.ok(status == 2 and "/nonexistent" in said, "what is not there cannot be verified", said)
        status, said = verify(daemon, "--wrong")
        tap.ok(status == 2 and "usage" in said, "a wrong option: 2", said)
        status, said = verify(daemon, "--help")
        tap.ok(status == 0 and "--against" in said, "--help", said)
    tap.done()


main()
