#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`query --follow` and `query --events` over a store that a daemon is writing to: what comes is told once, soon, and all of
it; a program that is new is an event; who closes the pipe ends it.
"""
import csv
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, need_root, tap, wait_for  # noqa: E402


class Follower:
    """A `query --follow`, and the lines that it has told so far."""

    def __init__(self, daemon, *words):
        self.output = daemon.place.file(f"follow-{len(words)}-{time.monotonic_ns()}")
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen([daemon.program, "--config", daemon.config, "query", "--follow", *words],
                                            stdout=out, stderr=subprocess.PIPE)

    def text(self):
        with open(self.output, encoding="utf-8", newline="") as f:
            return f.read()

    def rows(self):
        return list(csv.DictReader(self.text().splitlines()))

    def objects(self):
        return [json.loads(line) for line in self.text().splitlines(True) if line.endswith("\n")]

    def stop(self):
        self.process.terminate()
        _, err = self.process.communicate(timeout=20)
        return err.decode()


def talk(place, name, size, count=1):
    """A program of that name sends datagrams to another."""
    ear = Role(place.traffic(f"{name}-ear"), "udp,127.0.0.1,0", f"recv,recvfrom,{size * count},{size}")
    mouth = Role(place.traffic(name), "udp,127.0.0.1,0", f"to,127.0.0.1,{ear.port()}", f"send,sendto,{size * count},{size}")
    mouth.result()
    ear.result()


def sent(rows, name):
    return sum(int(row["sent"]) for row in rows if os.path.basename(row["exe"]) == name)


def main():
    need_root()
    with Place() as place, Daemon(place, write_interval="1 s") as daemon:
        daemon.start()
        talk(place, "before", 500)
        wait_for("the store", lambda: [r for r in daemon.rows() if r.exe.name == "before"])
        time.sleep(1.1)  # times are of whole seconds
        plain = Follower(daemon, "--by", "exe,rport", "--format", "csv")
        ranged = Follower(daemon, "--last", "1h", "--format", "csv")
        table = Follower(daemon, "--by", "exe")
        events = Follower(daemon, "--events=program", "--format", "json")
        wait_for("what is there", lambda: sent(ranged.rows(), "before"))
        time.sleep(3)  # the others have looked, too
        for i in range(3):
            talk(place, "steady", 1000 + i, 10)
            time.sleep(1.2)
        talk(place, "after", 700)
        total = 10 * (1000 + 1001 + 1002)
        wait_for("all that came", lambda: sent(ranged.rows(), "after") and sent(plain.rows(), "after"))
        wait_for("the sums", lambda: sent(plain.rows(), "steady") == total)
        tap.equal(sent(plain.rows(), "steady"), total, "what comes to a group adds up to what was sent, to the byte")
        tap.ok(len([r for r in plain.rows() if os.path.basename(r["exe"]) == "steady"]) >= 3, "and is told as it comes")
        tap.equal(sent(plain.rows(), "before"), 0, "without a range, from now on")
        tap.equal(sent(ranged.rows(), "before"), 500, "with one, what is there comes first")
        tap.equal(sent(ranged.rows(), "steady"), total, "and then the rest")
        tap.equal(plain.text().count("exe,rport"), 1, "the header once")
        shown = wait_for("a table", lambda: "after" in table.text() and table.text())
        tap.ok(shown.count("last seen") == 1 and "total" not in shown, "a table's header too, and no total", shown)
        found = wait_for("an event", lambda: [e for e in events.objects() if e["exe"].endswith("/after") and
                                              e["what"] == "new_exe"])
        tap.equal([(e["kind"], e["role"]) for e in found], [("program", "self")], "a new program is told, once")
        tap.ok(len(found[0]["sha256"]) == 64 and "after" in found[0]["text"], "with its hash, and in words", found)
        tap.ok(not any(e["exe"].endswith("/before") for e in events.objects()), "nothing from before")

        all_events = daemon.command("query", "--last", "1h", "--events", "--format", "csv").stdout.splitlines()
        rows = list(csv.DictReader(all_events))
        mine = [row for row in rows if row["exe"].endswith("/before") and row["what"] == "new_exe"]
        tap.equal(len(mine), 1, "`query --events` tells what was before", *all_events[:3])
        tap.equal([int(r["start"]) for r in rows], sorted(int(r["start"]) for r in rows), "the earliest first")
        latest = list(csv.DictReader(daemon.command("query", "--last", "1h", "--events", "-n", "1", "--format", "csv")
                                     .stdout.splitlines()))
        tap.equal([r["start"] for r in latest], [rows[-1]["start"]], "--limit keeps the latest")
        only = list(csv.DictReader(daemon.command("query", "--last", "1h", "--events=program", "-f", f"exe={mine[0]['exe']}",
                                                  "--format", "csv").stdout.splitlines()))
        tap.ok(only and {r["exe"] for r in only} == {mine[0]["exe"]}, "a filter holds", only)
        words = daemon.command("query", "--last", "1h", "--events=program", "-f", f"exe={mine[0]['exe']}").stdout
        tap.ok("new_exe" in words and mine[0]["exe"] in words, "for people, a line", words)
        host = daemon.command("query", "--last", "1h", "--by", "host", "--format", "csv").stdout.splitlines()
        tap.equal([line.split(",")[0] for line in host], ["host", os.uname().nodename], "the machine is a dimension")
        tap.equal(daemon.command("query", "--events=nothing").returncode, 2, "another kind is no question")
        tap.equal(daemon.command("query", "--follow", "--to", "2030-01-01").returncode, 2, "nor is an end that is followed")

        with subprocess.Popen([daemon.program, "--config", daemon.config, "query", "--follow"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as piped:
            time.sleep(0.5)
            piped.stdout.close()
            tap.equal(piped.wait(10), 0, "who closes the pipe ends it")
        # The machine's own traffic may be too much for it for a moment: then `query` says the same.
        said = [line for f in (plain, ranged, table, events) for line in f.stop().splitlines()]
        stages = set(re.findall(r"in this range .*\((\w+), ", daemon.command("query", "--last", "1h").stderr))
        tap.equal([line for line in said if not any(f"({stage}, " in line for stage in stages)], [],
                  "nothing else was said", *said)
    tap.done()


main()
