#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`picosnitch import` while the daemon writes to the same store: both are whole, nothing of either is lost; the memory
of known programs is the daemon's as long as it runs.
"""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "sinks"))
import old_files  # noqa: E402
from harness import Daemon, Place, built, need_root, tap, wait_for  # noqa: E402

ROWS = 40000


def main():
    need_root()
    with Place() as place:
        path, old, state = place.copy(built("tests/system/blink"), "blink"), place.file("old.db"), place.file("state.json")
        begin = int(time.time()) - 5 * 86400
        old_files.make_v4(old, [dict(old_files.row(i, 4), time=begin + i) for i in range(ROWS)]).close()
        os.chmod(old, 0o600)
        with open(state, "w", encoding="utf-8") as f:
            json.dump({"Executables": {"/opt/known": ["known"]}, "SHA256": {}}, f)
        with Daemon(place) as daemon:
            daemon.start()
            sent = 0
            importing = subprocess.Popen([daemon.program, "--config", daemon.config, "import", "--json", old],
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            while importing.poll() is None:
                subprocess.run([path, "127.0.0.1", "9"], check=True)
                sent += 1
                time.sleep(0.2)
            out, err = importing.communicate()
            said = json.loads(out)
            tap.ok(importing.returncode == 0 and said["taken"] == ROWS, "all rows are taken while the daemon writes", said, err)
            subprocess.run([path, "127.0.0.1", "9"], check=True)
            wait_for("the last window", lambda: len(daemon.rows("exe_id IN (SELECT id FROM executables WHERE exe = ?)", (path,)))
                     and sum(r.calls for r in daemon.rows("exe_id IN (SELECT id FROM executables WHERE exe = ?)", (path,))) > sent)
            tap.equal(len(daemon.rows("contime < ?", (begin + ROWS,))), ROWS, "they are in the store")
            sinks = daemon.status()["sinks"]
            tap.ok(all(s["state"] == "ready" for s in sinks), "the sink was never away for long", sinks)
            db = daemon.database()
            tap.equal(db.execute("SELECT closed FROM upkeep").fetchone()[0], 0, "the store is still in use")
            db.close()
            done = daemon.command("verify", "--json")
            tap.ok(done.returncode == 0 and json.loads(done.stdout)["hosts"] == 2, "two chains, both whole", done.stdout)
            done = daemon.command("import", state)
            tap.ok(done.returncode == 2 and "systemctl stop picosnitch" in done.stderr, "the memory is the daemon's: what to type",
                   done.stderr)
            daemon.stop()
            done = daemon.command("import", state)
            tap.ok(done.returncode == 0 and "/opt/known" in daemon.command("record").stdout, "without it, it is taken",
                   done.stdout, done.stderr)
            daemon.start()
            tap.ok("/opt/known" in daemon.command("record").stdout, "and the daemon knows it")
            daemon.stop()
    tap.done()


main()
