#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon sees to a database of countries: later, by a process without rights, again after a failure."""
import os
import pty
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, need_root, tap, wait_for  # noqa: E402
from country_server import Server, database, packed, send, trickle  # noqa: E402

NOBODY = 65534


def countries(daemon):
    return (daemon.status() or {}).get("countries", {})


def on_terminal(daemon, *words):
    """What a command prints on a terminal."""
    ours, its = pty.openpty()
    with subprocess.Popen([daemon.program, "--config", daemon.config, *words], stdout=its, stderr=subprocess.DEVNULL) as process:
        os.close(its)
        said = b""
        try:
            while part := os.read(ours, 4096):
                said += part
        except OSError:
            pass
        process.wait(30)
    os.close(ours)
    return said.decode()


def main():
    need_root()
    server = Server()
    built = time.time() - 60
    with Place() as place, Daemon(place) as daemon:
        geoip = f"[geoip]\nurl = {server.url}/x.gz\n"
        daemon.configure(geoip + "delay = 1 s\n")
        server.answers["/x.gz"] = lambda r: send(r, b"", status=503)
        daemon.start()
        wait_for("a failure", lambda: countries(daemon).get("state") == "failed")
        tap.ok("the server says 503" in countries(daemon)["said"], "a failure is in the status", countries(daemon))
        wait_for("another try", lambda: len(server.asked) > 1)
        tap.equal(daemon.messages().count("countries: "), 1, "and told once, however often it is tried", daemon.messages())
        asked = daemon.command("query", "--by", "country")
        tap.ok(asked.returncode == 0 and "there is no database of countries yet" in asked.stderr,
               "whoever asks for countries is told how to get them", asked.stderr)
        server.answers["/x.gz"] = packed(database(built))
        wait_for("it", lambda: countries(daemon).get("state") == "waiting", 60)
        file = place.file("cache/geoip/country.mmdb")
        with open(file, "rb") as f:
            tap.equal(f.read(), database(built), "it is fetched in the end")
        tap.equal((os.stat(file).st_uid, os.stat(place.file("cache")).st_uid), (NOBODY, 0), "by nobody")
        now = countries(daemon)
        tap.ok(now["said"].startswith("fetched ") and 86000 < now["next"] - time.time() < 91000, "the next look is in a day", now)
        tap.ok("fetched " in daemon.command("status").stdout, "people are told")
        asked = daemon.command("query", "--by", "country")
        tap.ok(asked.returncode == 0 and "country" not in asked.stderr, "and countries are known", asked.stderr)
        credit = "IP Geolocation by DB-IP (https://db-ip.com)"
        said = on_terminal(daemon, "query", "--by", "country", "--last", "1h")
        tap.ok(said.rstrip().endswith(credit) and credit not in asked.stdout, "a terminal shows whose they are, a file does not",
               said)
        tap.ok(credit not in on_terminal(daemon, "query", "--by", "raddr"), "nor do answers without countries")
        with open(f"/proc/{daemon.process.pid}/maps", encoding="utf-8") as f:
            maps = f.read()
        tap.ok("libcurl" not in maps and "maxminddb" not in maps, "the daemon itself has neither library")
        # It is not time again for a month.
        n = len(server.asked)
        tap.equal(daemon.stop(), 0, "it stops")
        daemon.start()
        wait_for("a look", lambda: countries(daemon).get("said"))
        tap.ok("what is there is of " in countries(daemon)["said"] and len(server.asked) == n, "started anew, it asks nobody",
               countries(daemon))
        # A stop does not wait for it; nor does it outlive the daemon.
        os.unlink(file)
        server.answers["/x.gz"] = trickle
        daemon.stop()
        daemon.start()
        wait_for("a slow one", lambda: countries(daemon).get("state") == "fetching" and len(server.asked) > n)
        begun = time.monotonic()
        tap.equal(daemon.stop(), 0, "it stops while a slow server is asked")
        tap.ok(time.monotonic() - begun < 8, "without waiting for that", time.monotonic() - begun)
        def left():
            return [p for p in os.listdir("/proc") if p.isdigit() and b"--fetch" in words(p)]
        def words(pid):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    line = f.read()
                return line if place.path.encode() in line else b""
            except OSError:
                return b""
        wait_for("its end", lambda: not left())
        tap.ok(True, "no process is left")
        n = len(server.asked)
        daemon.configure(geoip + "delay = 1 s\nupdate = never\n")
        daemon.start()
        time.sleep(3)
        tap.equal((countries(daemon)["state"], len(server.asked)), ("off", n), "it can be switched off")
        daemon.stop()
    server.close()
    tap.done()


main()
