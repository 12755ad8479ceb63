#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The sink `virustotal` against a server that speaks its API, through the whole daemon: each answer as a verdict in the
store, in record.json, in exe.log; asked once, at a pace; history that is scored again. See tests/sinks/test_virustotal.py.
"""
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir)]
from harness import Daemon, Place, built, need_root, sha256, tap, wait_for  # noqa: E402
from virustotal_server import Server  # noqa: E402

KEY = "0123456789abcdef" * 4
BLINK = ["127.0.0.1", "9"]


class Watched(Daemon):
    def __init__(self, place, server, key=KEY, **options):
        plugins = os.environ.get("PICOSNITCH_PLUGINS")
        given = {"api_key": key, "api_url": server.url, "request_interval": "1 s", "answer_timeout": "2 s", **options}
        lines = "".join(f"{k} = {v}\n" for k, v in given.items())
        super().__init__(place, sinks=f"[sink sqlite]\n[sink virustotal]\nenabled = yes\n{lines}")
        shutil.copy(os.path.join(plugins, "virustotal.so") if plugins else built("plugins/virustotal.so"),
                    place.file("plugins"))

    def sink(self):
        return next(s for s in self.status()["sinks"] if s["name"] == "virustotal")

    def verdicts(self, digest):
        db = self.database()
        found = db.execute("SELECT state, previous, malicious, suspicious, harmless + undetected, exe, text, link FROM "
                           "verdicts WHERE sha256 = ? ORDER BY rowid", (digest,)).fetchall()
        db.close()
        return found

    def until(self, digest, state, seconds=60):
        """Waits until the last verdict on it is that; the verdict."""
        def is_so():
            found = self.verdicts(digest)
            return found and found[-1][0] == state and found[-1]
        try:
            return wait_for(f"{digest[:8]} {state}", is_so, seconds)
        except TimeoutError:
            tap.note(self.verdicts(digest))
            tap.note(self.sink())
            return None

    def remembered(self, path):
        known = json.loads(self.command("record", "--json", path).stdout)
        return [h["verdict"] for e in known for h in e["sha256"]]


def talk(program):
    subprocess.run([program, *BLINK], check=False, capture_output=True)


def usual(place):
    server = Server(KEY)
    blink = built("tests/system/blink")
    files = {n: place.copy(blink, n) for n in ("good", "bad", "none", "empty", "garbage", "html", "long", "cut", "other",
                                               "redirect", "broken", "alien404", "slow")}
    digest = {n: sha256(f) for n, f in files.items()}
    server.answers = {
        digest["good"]: {"undetected": 70, "harmless": 2},
        digest["bad"]: {"malicious": 3, "suspicious": 1, "undetected": 68},
        digest["empty"]: {},
        digest["garbage"]: lambda r: server.send(r, 200, b'{"data": {"id"'),
        digest["html"]: lambda r: server.send(r, 200, b"<html>log in</html>", "text/html"),
        digest["long"]: lambda r: server.send(r, 200, b" " * (5 << 20)),
        digest["cut"]: lambda r: server.send(r, 200, b'{"data": ', length=5000),
        digest["other"]: lambda r: server.send(r, 200, server.file("0" * 64, undetected=5)),
        digest["redirect"]: lambda r: server.send(r, 302, b"", headers=[("Location", server.url + "/elsewhere")]),
        digest["broken"]: lambda r: server.send(r, 503, server.error("TransientError")),
        digest["alien404"]: lambda r: server.send(r, 404, b"<html>404</html>", "text/html"),
        digest["slow"]: lambda r: time.sleep(4),
    }
    with Watched(place, server) as daemon:
        daemon.start()
        for name in ("good", "bad", "none", "empty"):
            talk(files[name])
        good = daemon.until(digest["good"], "clean")
        tap.ok(good and good[2:5] == (0, 0, 72) and good[5] == files["good"], "clean, with its counts and path", good)
        bad = daemon.until(digest["bad"], "suspicious")
        tap.ok(bad and bad[2:5] == (3, 1, 68) and bad[7].endswith(digest["bad"]), "suspicious, with a link", bad)
        tap.ok(daemon.until(digest["none"], "unknown"), "unknown to VirusTotal")
        tap.ok(daemon.verdicts(digest["good"])[0][0] == "pending", "pending before that")
        tap.ok(daemon.until(digest["empty"], "pending"), "what no engine has looked at is pending, not clean")
        tap.equal(daemon.remembered(files["good"]), ["clean (virustotal)"], "the memory has it beside the hash")
        tap.equal(daemon.remembered(files["bad"]), ["suspicious, 4 of 72 (virustotal)"], "and who is suspicious")
        with open(os.path.join(daemon.log, "exe.log"), encoding="utf-8") as f:
            lines = [line.split("\t") for line in f.read().splitlines() if "\tverdict\t" in line]
        tap.ok(any(x[2] == "suspicious" and x[4] == files["bad"] and x[8] == "4/72" for x in lines), "exe.log", lines)
        with open(os.path.join(daemon.log, "error.log"), encoding="utf-8") as f:
            tap.ok("suspicious: 4 of 72 engines of virustotal object: " + files["bad"] in f.read(), "an alert")
        script = place.file("script.sh")
        with open(script, "w", encoding="utf-8") as f:
            f.write(f"{files['good']} {' '.join(BLINK)}\ntrue\n")
        subprocess.run(["/bin/sh", script], check=False, capture_output=True)
        tap.ok(daemon.until(sha256(script), "unknown"), "a script is asked for, too")
        reasons = {"garbage": "damaged JSON", "html": "not JSON", "long": "longer than", "cut": "has not said",
                   "other": "not about this file", "redirect": "not followed", "broken": "503 TransientError",
                   "alien404": "not the service's own", "slow": "imeout"}
        for name, reason in reasons.items():
            talk(files[name])
            failed = daemon.until(digest[name], "failed", 90)
            tap.ok(failed and reason in failed[6], f"failed, not clean: {name}", failed)
        copied = place.file("copied")
        shutil.copy(files["bad"], copied)
        before = server.asked.count(digest["bad"])
        talk(copied)
        wait_for("told again", lambda: daemon.verdicts(digest["bad"])[-1][5] == copied)
        tap.equal(daemon.remembered(copied), ["suspicious, 4 of 72 (virustotal)"], "known under another path at once")
        tap.equal((before, server.asked.count(digest["bad"])), (1, 1), "and not asked for again")
        daemon.stop()
        daemon.start()
        talk(files["good"])
        time.sleep(3)
        tap.equal((server.asked.count(digest["good"]), server.asked.count(digest["none"])), (1, 1),
                "nor after a restart")
        gaps = [b - a for a, b in zip(server.times, server.times[1:])]
        # By the server's clock, which a busy machine keeps waiting: one gap may be short after a long one, not all.
        tap.ok(min(gaps) > 0.5 and sum(gaps) > 0.97 * len(gaps), f"{len(gaps)} requests, never sooner than the interval", gaps)
        daemon.stop()
        tap.equal(server.strangers, [], "nothing but SHA-256s was sent")
        said = daemon.messages() + "".join(open(os.path.join(daemon.log, n), encoding="utf-8").read()
                                           for n in os.listdir(daemon.log))
        tap.ok(KEY not in said, "the key is in no log")
    server.close()


def rescored(place):
    server = Server(KEY)
    file = place.copy(built("tests/system/blink"), "turns")
    digest = sha256(file)
    server.answers[digest] = {"undetected": 70}
    with Watched(place, server, recheck="2 s", daily_limit="100000") as daemon:
        daemon.start()
        talk(file)
        tap.ok(daemon.until(digest, "clean"), "clean at first")
        server.answers[digest] = {"malicious": 9, "undetected": 61}
        turned = daemon.until(digest, "suspicious", 90)
        tap.ok(turned and turned[1] == "clean" and "before it was clean" in turned[6], "history is scored again", turned)
        server.answers[digest] = lambda r: server.send(r, 500, b"")
        n = server.asked.count(digest)
        wait_for("asked again", lambda: server.asked.count(digest) > n, 90)
        time.sleep(1)
        tap.equal(daemon.verdicts(digest)[-1][0], "suspicious", "an answer that fails takes nothing back")
        daemon.stop()
    server.close()


def main():
    need_root()
    for test in (usual, rescored):
        with Place() as place:
            try:
                test(place)
            except TimeoutError as error:
                tap.ok(False, f"{test.__name__}: {error}")
    tap.done()


if __name__ == "__main__":
    main()
