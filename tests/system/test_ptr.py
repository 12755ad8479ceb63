#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
[core] ptr: addresses that nothing tells a name of are asked for, once; but not that of the name server, to whom only the
daemon talks. A name that comes a few seconds later still reaches the row, which nobody else waits for. The daemon has a resolv.conf of its own, and is in one of the test's two network namespaces, the name server
in the other.
"""
import collections
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Namespaces, Place, Role, need_root, tap, wait_for  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = "10.231.8.53"
NAMED, NAMELESS, V6 = "10.231.8.20", "10.231.8.21", "fd31:8::20"
LATE, NEVER = "10.231.8.22", "10.231.8.23"
ZONE = {
    "20.8.231.10.in-addr.arpa": [["PTR", 60, "Named.Owner.example"]],
    ".".join(reversed("fd310008000000000000000000000020")) + ".ip6.arpa": [["PTR", 60, "six.owner.example"]],
    "22.8.231.10.in-addr.arpa": [["WAIT", 0, 2.5], ["PTR", 60, "late.owner.example"]],
    "23.8.231.10.in-addr.arpa": [["WAIT", 0, 100], ["PTR", 60, "never.owner.example"]],
}


class Asking(Daemon):
    """A daemon that asks the test's name server."""
    netns = None

    def spawn(self):
        conf = self.place.file("resolv.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"nameserver {SERVER}\noptions timeout:4 attempts:1\n")
        with open(self.output, "a", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.netns}", "unshare", "--mount", "--propagation", "private", "sh", "-c",
                 'mount --bind "$1" "$(readlink -f /etc/resolv.conf)" && shift && exec "$@"', "sh", conf, self.program,
                 "--config", self.config, "run"], stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def talk(place, spaces, name, address):
    """A program of its own here sends a datagram there, and gets one back."""
    here, there = spaces.names
    ear = Role(place.traffic(f"{name}-ear"), f"udp,{address},0", "recv,recvfrom,1000,1000", netns=there)
    mouth = Role(place.traffic(f"{name}-mouth"), f"udp,{'::' if ':' in address else '0.0.0.0'},0",
                 f"to,{address},{ear.port()}", "send,sendto,1000,1000", netns=here)
    mouth.result()
    ear.result()


def asked(server):
    with open(server, encoding="utf-8") as f:
        return [line.strip() for line in f if line.strip().endswith(".arpa")]


def names(daemon):
    """By the name of the program: the domains of its rows, and how they are known."""
    found = collections.defaultdict(set)
    with daemon.database() as db:
        for path, domain, source in db.execute("SELECT exe, domain, domain_source FROM connections c JOIN executables e "
                                               "ON e.id = c.exe_id JOIN domains d ON d.id = c.domain_id"):
            found[os.path.basename(path)].add((domain, source))
    return found


def own_rows(daemon):
    with daemon.database() as db:
        return db.execute("SELECT 1 FROM connections c JOIN executables e ON e.id = c.exe_id "
                          "WHERE e.exe = ? AND c.rport = 53", [daemon.program]).fetchall()


def late(place, spaces, daemon):
    """With windows of a second: a name that comes 2.5 s after its question, and one that does not come."""
    def of(name):
        return daemon.rows("exe_id IN (SELECT id FROM executables WHERE exe = ?)", [place.file(f"{name}-mouth")])
    since = time.monotonic()
    talk(place, spaces, "late", LATE)
    talk(place, spaces, "never", NEVER)
    talk(place, spaces, "beside", NAMED)
    wait_for("the row of another", lambda: of("beside"))
    tap.equal((of("late"), of("never")), ([], []), "rows whose names are on their way wait; those of others do not")
    rows = wait_for("the row whose name came late", lambda: of("late"))
    tap.equal([r.sent for r in rows], [1000], "the name is there: the row is, once, and whole", *rows)
    rows = wait_for("the row whose name does not come", lambda: of("never"))
    took = time.monotonic() - since
    tap.ok(took < 8, "a row waits for a few seconds, and not longer", f"{took:.1f} s")
    tap.equal([r.sent for r in rows], [1000], "and is whole, too", *rows)
    found = names(daemon)
    tap.equal(found.get("late-mouth"), {("example.owner.late", "ptr")}, "a name that came late reached its row", found)
    tap.equal(found.get("never-mouth"), {("", "")}, "one that did not come is not there")


def main():
    need_root()
    with Place() as place, Namespaces() as spaces:
        far = spaces.names[1]
        for address in (f"{NAMED}/24", f"{NAMELESS}/24", f"{LATE}/24", f"{NEVER}/24", f"{SERVER}/24"):
            Namespaces.ip("-n", far, "addr", "add", address, "dev", far)
        Namespaces.ip("-n", far, "addr", "add", f"{V6}/64", "dev", far, "nodad")
        Namespaces.ip("-n", spaces.names[0], "addr", "add", "10.231.8.1/24", "dev", spaces.names[0])
        Namespaces.ip("-n", spaces.names[0], "addr", "add", "fd31:8::1/64", "dev", spaces.names[0], "nodad")
        zone, log = place.file("zone.json"), place.file("asked")
        with open(zone, "w", encoding="utf-8") as f:
            json.dump(ZONE, f)
        with open(log, "w", encoding="utf-8") as out:
            server = subprocess.Popen(["ip", "netns", "exec", far, PYTHON, f"{HERE}/dns_server.py", "53", zone, SERVER],
                                      stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_for("name server", lambda: os.path.getsize(log))
            play(place, spaces, log)
        finally:
            server.kill()
            server.wait()
    tap.done()


def play(place, spaces, log):
    with Asking(place, ptr="no") as daemon:
        daemon.netns = spaces.names[0]
        daemon.start()
        talk(place, spaces, "off", NAMED)
        time.sleep(2)
        tap.equal(asked(log), [], "nobody is asked if that is not wanted")
        daemon.stop()
        daemon.options["ptr"] = "yes"
        daemon.configure()
        daemon.start()
        for turn in range(2):
            talk(place, spaces, f"on-{turn}", NAMED)
            talk(place, spaces, f"nameless-{turn}", NAMELESS)
            talk(place, spaces, f"six-{turn}", V6)
            time.sleep(2.2)
        status = daemon.status()["names"]
        tap.equal((status["ptr_asked"] >= 3, status["ptr_named"] >= 2, status["ptr_failed"]), (True, True, 0),
                  "status counts what was asked, and named")
        late(place, spaces, daemon)
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        ours = [name for name in asked(log) if name in ZONE or name.startswith("21.8.231.10")]
        tap.equal(sorted(ours), sorted([*ZONE, "21.8.231.10.in-addr.arpa"]), "each address is asked for once")
        tap.ok(own_rows(daemon), "the daemon's own questions are rows, too")
        tap.equal([name for name in asked(log) if name.startswith("53.8.231.10")], [],
                  "but nobody is asked about them, which would go on for ever")
        found = names(daemon)
        tap.equal(found.get("on-1-mouth"), {("example.owner.named", "ptr")}, "who has the address says its name", found)
        tap.equal(found.get("six-1-mouth"), {("example.owner.six", "ptr")}, "over IPv6, too")
        tap.equal(found.get("nameless-1-mouth"), {("", "")}, "what has no name has none")


main()
