#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What [log] leaves out or blanks, from the file to the store: ports, networks (mapped addresses too), domains, hashes, both ends on
this machine; addresses, ports and command lines that are not recorded. Each set of rules comes by SIGHUP.
"""
import contextlib
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Namespaces, Place, Role, built, need_root, sha256, tap, wait_for  # noqa: E402

UDP = 17
# What the hosts file says that programs of the first namespace see.
HOSTS = {"example.com": 21, "www.example.com": 22, "www.examples.com": 23, "example.com.org": 24, "com.example.org": 25}
SENT = "send,sendto,1000,100"


class Desk:
    """One daemon, whose rules change."""

    def __init__(self, place, daemon, spaces):
        self.place, self.daemon, self.spaces = place, daemon, spaces
        self.n = 0

    def told(self):
        return [loss for loss in self.daemon.losses() if loss.stage == "config" and "read again" in loss.text]

    def rules(self, *lines):
        before = sum(1 for _ in self.told())
        self.daemon.configure("\n[log]\n" + "\n".join(lines) + "\n")
        os.kill(self.daemon.process.pid, signal.SIGHUP)
        wait_for("the reload", lambda: len(self.told()) > before)

    def send(self, to, netns=0, bind=None, step=SENT, program=None):
        """A new program that sends there: its path."""
        self.n += 1
        path = program or self.place.traffic(f"sender-{self.n}")
        bind = bind or ("::" if ":" in to else "0.0.0.0")
        Role(path, f"udp,{bind},0", f"to,{to}", step, netns=netns and self.spaces.names[netns - 1]).result()
        return path

    def check(self, gone, kept, what):
        """Of these programs nothing is stored, of those all."""
        def rows():
            return self.daemon.rows("protocol = ?", (UDP,))
        wait_for("rows", lambda: set(kept) <= {r.exe.path for r in rows()})
        found = [r for r in rows() if r.exe.path in gone]
        tap.ok(not found, f"{what}: left out", *found)
        sums = {path: sum(r.sent for r in rows() if r.exe.path == path) for path in kept}
        tap.equal(sums, {path: 1000 for path in kept}, f"{what}: the others are there, to the byte")


def ports(d):
    d.rules("ignore_ports = 443, 6000-6063")
    gone = [d.send("127.0.0.1,443"), d.send("127.0.0.1,6063"), d.send("::1,6000")]
    d.check(gone, [d.send("127.0.0.1,442"), d.send("127.0.0.1,6064")], "ports")
    # The rules look at what the switch blanks.
    d.rules("ignore_ports = 443", "ports = no")
    gone, kept = d.send("127.0.0.1,443"), d.send("127.0.0.1,442")
    d.check([gone], [kept], "ports that are not recorded")
    tap.equal({(r.lport, r.rport) for r in d.daemon.rows() if r.exe.path == kept}, {(0, 0)}, "no port is recorded")


def subnets(d):
    d.rules("ignore_subnets = 127.7.0.9/16, ::ffff:127.9.0.1, ::1")
    gone = [d.send("127.7.255.255,9"), d.send("127.9.0.1,9"), d.send("::1,9"), d.send("::ffff:127.7.1.1,9"),
            d.send("::ffff:127.9.0.1,9")]
    kept = [d.send("127.8.0.1,9"), d.send("127.9.0.2,9"), d.send("::ffff:127.8.1.1,9")]
    d.check(gone, kept, "networks, with host bits and mapped into IPv6")
    d.rules("ignore_subnets = 127.7.0.0/16", "addresses = no")
    gone, kept = d.send("127.7.1.1,9"), d.send("127.8.0.1,9")
    d.check([gone], [kept], "addresses that are not recorded")
    tap.equal({(r.raddr, r.rport) for r in d.daemon.rows() if r.exe.path == kept}, {("", 9)}, "no address is recorded")


def domains(d):
    """By whole labels."""
    here, there = d.spaces.names
    for n in HOSTS.values():
        Namespaces.ip("-n", there, "addr", "add", f"10.231.7.{n}/24", "dev", there)

    def name(path):
        db = d.daemon.database()
        names = db.execute("SELECT domain FROM connections c JOIN executables e ON e.id = c.exe_id JOIN domains d ON d.id = domain_id "
                           "WHERE exe = ?", [path]).fetchall()
        db.close()
        return names[0][0] if names else None

    def known():
        path = d.send("10.231.7.22,9", 1)
        return wait_for("the row", lambda: name(path) is not None) and name(path) == "com.example.www"
    d.rules()
    wait_for(f"the hosts file of {here}", known, 60)
    d.rules("ignore_domains = com.example, org.nothing")
    sent = {host: d.send(f"10.231.7.{n},9", 1) for host, n in HOSTS.items()}
    kept = [path for host, path in sent.items() if not host.endswith("example.com")]
    d.check([sent["example.com"], sent["www.example.com"]], kept, "domains, by whole labels")
    tap.equal([name(path) for path in kept], ["com.examples.www", "org.com.example", "org.example.com"], "with their names")
    d.rules("ignore_domains = com.example", "addresses = no")
    d.check([d.send("10.231.7.22,9", 1)], [d.send("10.231.7.23,9", 1)], "domains that are not recorded")


def hashes(d):
    path, other = d.place.traffic("known"), d.place.traffic("unknown")
    d.rules(f"ignore_hashes = {sha256(path).upper()}, {'0' * 64}")
    d.check([d.send("127.0.0.1,9", program=path)], [d.send("127.0.0.1,9", program=other)], "hashes")


def local(d):
    a, b = d.spaces.v4
    d.rules("ignore_local = yes")
    gone = [d.send("127.0.0.1,9"), d.send("::1,9"), d.send(f"{a},9", 1, bind=a)]
    # The socket knows no local address: that the other one is here too is known of the interfaces.
    gone.append(d.send(f"{a},9", 1))
    gone.append(d.send(f"{d.spaces.v6[0]},9", 1))
    kept = [d.send(f"{b},9", 1), d.send(f"{a},9", 2), d.send(f"{d.spaces.v6[1]},9", 1)]
    d.check(gone, kept, "both ends on this machine")


def commands(d):
    d.rules("commands = no")
    ear = d.place.traffic("many")
    for i in range(3):
        d.send(f"127.0.0.1,{9 + i % 2}", program=ear, bind="127.0.0.1")
    spawner, blink = d.place.traffic("silent"), d.place.copy(built("tests/system/blink"), "blink")
    Role(spawner, "spawn", "20", "2", blink, "--", "127.0.0.1", "9").result()
    wait_for("rows", lambda: sum(r.sent for r in d.daemon.rows() if r.exe.path == blink) == 160)
    mine = [r for r in d.daemon.rows() if r.exe.path in (ear, blink)]
    tap.equal({text for r in mine for text in (r.exe.cmdline, r.parent.cmdline, r.grandparent.cmdline)}, {""},
              "no command line is recorded, of parents neither", *mine)
    tap.equal({r.parent.path for r in mine if r.exe.path == blink}, {spawner}, "parents are")
    tap.ok(sum(r.sent for r in mine if r.exe.path == ear) == 3000, "and every byte", *mine)


def seen_anyway(d):
    """What is left out is still seen: the self-audit finds no rest, and `status` says how much it is."""
    d.rules("ignore_ports = 7777")
    before = d.daemon.status()["ignored"]
    path = d.send(f"{d.spaces.v4[1]},7777", 1, step="send,sendto,100000,100")
    inode = d.spaces.inode(d.spaces.names[0])

    def counted():
        now = d.daemon.status()["ignored"]
        return now["sent"] >= before["sent"] + 100000 and now
    now = wait_for("what is left out", counted)
    tap.equal((now["sent"] - before["sent"], now["calls"] - before["calls"]), (100000, 1000), "status: so much is left out")
    db = d.daemon.database()

    def sums():
        return db.execute("SELECT sum(own_events), sum(rest_packets) FROM audit WHERE netns = ? AND layer = 'udp'",
                          (inode,)).fetchone()
    audit = wait_for("the audit", lambda: (sums()[0] or 0) >= 1000 and sums())
    tap.equal(audit[1], 0, "the self-audit counts it as seen", audit)
    d.check([path], [d.send(f"{d.spaces.v4[1]},7778", 1)], "what is seen anyway")
    losses = [loss for loss in d.daemon.losses() if loss.stage not in ("config", "tamper")]
    tap.ok(not losses, "nothing is said to be lost", *losses)


def mistakes(d):
    """A word that is wrong is told with its line, and does not harm the others."""
    d.daemon.configure("\n[log]\nignore_ports = 443, https\nignore_subnets = 10.0.0.0/33\n")
    answer = d.daemon.command("check")
    said = answer.stdout + answer.stderr
    with open(d.daemon.config, encoding="utf-8") as f:
        line = next(i for i, text in enumerate(f, 1) if "https" in text)
    tap.ok(f":{line}: [log] ignore_ports: \"https\"" in said and f":{line + 1}: [log] ignore_subnets: \"10.0.0.0/33\"" in said,
           "check names each word that is wrong, with its line", said)


def play(place, spaces, daemon):
    folder = f"/etc/netns/{spaces.names[0]}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/hosts", "w", encoding="ascii") as f:
        f.write("127.0.0.1 localhost\n" + "".join(f"10.231.7.{n} {name}\n" for name, n in HOSTS.items()))
    daemon.start()
    desk = Desk(place, daemon, spaces)
    # A namespace is looked at while a process lives in it of which something was seen.
    sleepers = [Role(place.traffic(f"sleeper-{i}"), "udp,127.0.0.1,0", "to,127.0.0.1,9", SENT, "wait", netns=name)
                for i, name in enumerate(spaces.names)]
    inodes = {spaces.inode(name) for name in spaces.names}
    wait_for("both namespaces", lambda: inodes <= {n["netns"] for n in daemon.status()["audit"]["namespaces"]})
    for part in (ports, subnets, domains, hashes, local, commands, seen_anyway, mistakes):
        part(desk)
    desk.rules()
    desk.check([], [desk.send("127.0.0.1,443")], "without rules")
    tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
    for sleeper in sleepers:
        sleeper.kill()


def main():
    need_root()
    with Place() as place, Namespaces() as spaces, Daemon(place) as daemon:
        try:
            play(place, spaces, daemon)
        finally:
            shutil.rmtree(f"/etc/netns/{spaces.names[0]}", ignore_errors=True)
            with contextlib.suppress(OSError):
                os.rmdir("/etc/netns")
    tap.done()


main()
