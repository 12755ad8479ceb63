#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The self-audit: what the kernel counted beside what was seen, with nftables as the third witness.
What goes through sockets leaves no rest; what the kernel does by itself (it answers pings), and
what no process sees (a router's packets), does.
"""
import csv
import io
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Namespaces, Place, Role, need_root, tap, wait_for  # noqa: E402

MB = 1000 * 1000
DATAGRAMS, SIZE = 20000, 1000
STREAM = 40 * MB
PINGS, PING = 4000, 1400
FAR = "10.231.8.2"  # behind the router

WITNESS = """table inet witness {
 counter udp_in { }
 counter udp_out { }
 counter ip_in { }
 counter ip_out { }
 chain in { type filter hook input priority 0; counter name ip_in; meta l4proto udp counter name udp_in; }
 chain out { type filter hook output priority 0; counter name ip_out; meta l4proto udp counter name udp_out; }
}"""

# Echo requests from a raw socket, and their answers, a few on the way at a time.
PINGER = f"""import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.settimeout(5)
body = bytes({PING})
def check(data):
    n = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    n = (n >> 16) + (n & 0xffff)
    return ~(n + (n >> 16)) & 0xffff
for i in range({PINGS}):
    head = struct.pack('!BBHHH', 8, 0, 0, 7, i)
    head = head[:2] + struct.pack('!H', check(head + body)) + head[4:]
    s.sendto(head + body, (sys.argv[1], 0))
    while True:
        if s.recv(4096)[20] == 0:
            break
"""


def inside(netns, *words, **options):
    return subprocess.run(["ip", "netns", "exec", netns, *words], check=True, capture_output=True, text=True, **options)


def witness(netns):
    """Packets and bytes by counter."""
    found = json.loads(inside(netns, "nft", "-j", "list", "counters").stdout)["nftables"]
    return {c["counter"]["name"]: (c["counter"]["packets"], c["counter"]["bytes"]) for c in found if "counter" in c}


class Audit:
    """What `query --audit` says of a range of time."""

    def __init__(self, daemon, since):
        answer = daemon.command("query", "--audit", "--from", str(since), "--format", "json")
        self.rows = [json.loads(line) for line in answer.stdout.splitlines()]

    def of(self, netns, layer):
        return next((r for r in self.rows if r["netns"] == netns and r["layer"] == layer), None)


def settle(daemon):
    """Until a window that begins after now has been stored."""
    now = time.time()

    def stored():
        db = daemon.database()
        last = db.execute("SELECT max(starttime) FROM audit").fetchone()[0]
        db.close()
        return last is not None and last > now
    wait_for("audit", stored, 30)


def quiet(daemon):
    """A moment that no window with traffic reaches into, in whole seconds."""
    settle(daemon)
    time.sleep(1.1 - time.time() % 1)
    return int(time.time())


def udp_and_tcp(place, daemon, spaces, inodes):
    since = quiet(daemon)
    before = [witness(n) for n in spaces.names]
    ear = Role(place.traffic("udp-in"), f"udp,{spaces.v4[0]},0", f"recv,recvfrom,{DATAGRAMS * SIZE},{SIZE}",
               netns=spaces.names[0])
    Role(place.traffic("udp-out"), f"udp,{spaces.v4[1]},0", f"to,{spaces.v4[0]},{ear.port()}",
         f"send,sendmsg,{DATAGRAMS * SIZE},{SIZE}", netns=spaces.names[1]).result()
    ear.result()
    ear = Role(place.traffic("tcp-in"), f"tcp-listen,{spaces.v6[0]},0", "recv,recv,eof", netns=spaces.names[0])
    Role(place.traffic("tcp-out"), f"tcp-connect,{spaces.v6[0]},{ear.port()}", f"send,send,{STREAM}", "shut",
         netns=spaces.names[1]).result()
    ear.result()
    settle(daemon)
    audit = Audit(daemon, since)
    after = [witness(n) for n in spaces.names]
    for side, name in enumerate(("receiver", "sender")):
        seen = {c: [a - b for a, b in zip(after[side][c], before[side][c])] for c in after[side]}
        udp, ip = audit.of(inodes[side], "udp"), audit.of(inodes[side], "ip")
        tap.note(f"{name}: {json.dumps(udp)} {json.dumps(ip)} {seen}")
        datagrams = [udp["packets_received"], udp["packets_sent"]]
        tap.equal(datagrams, [0, DATAGRAMS] if side else [DATAGRAMS, 0], f"{name}: the kernel counted each datagram")
        tap.equal([seen["udp_in"][0], seen["udp_out"][0]], datagrams, f"{name}: and so did nftables")
        tap.equal((udp["own_calls"], udp["rest_packets"]), (DATAGRAMS, 0), f"{name}: UDP has no rest")
        moved = DATAGRAMS * SIZE + STREAM
        tap.equal(ip["own_sent" if side else "own_received"], moved, f"{name}: our own sum is the payload")
        for way, kernel in (("sent", seen["ip_out"][1]), ("received", seen["ip_in"][1])):
            tap.ok(abs(ip[way] - kernel) < moved / 100, f"{name}: IP counts what nftables does, {way}",
                   f"{ip[way]}, {kernel}")
            tap.ok(abs(ip["rest_" + way]) < moved / 50, f"{name}: next to nothing of IP is a rest, {way}",
                   f"{ip['rest_' + way]} of {ip[way]}")
    tap.equal([a for a in daemon.status()["losses"] if a["stage"] == "audit"], [], "and nothing is alerted")


def forwarded(place, daemon, spaces, inodes, router):
    """From b by way of a, which is a router for a while, to a third namespace."""
    since = quiet(daemon)
    ear = Role(place.traffic("far"), f"tcp-listen,{FAR},0", "recv,recv,eof", netns=router)
    Role(place.traffic("near"), f"tcp-connect,{FAR},{ear.port()}", f"send,send,{STREAM}", "shut",
         netns=spaces.names[1]).result()
    ear.result()
    settle(daemon)
    ip = Audit(daemon, since).of(inodes[0], "ip")
    tap.note(json.dumps(ip))
    tap.ok(ip["forwarded"] > STREAM / 65536 and ip["sent"] > STREAM and ip["own_sent"] == 0,
           "what a router forwards is shown, as forwarded", ip)
    tap.ok(abs(ip["rest_sent"]) < STREAM / 20 and abs(ip["rest_received"]) < STREAM / 20, "and is no rest", ip)
    tap.equal([a for a in daemon.status()["losses"] if a["stage"] == "audit"], [], "nor an alert")


def pings(place, daemon, spaces, inodes):
    """The kernel of namespace a answers: no process of it sends anything."""
    since = quiet(daemon)
    subprocess.run(["ip", "netns", "exec", spaces.names[1], PYTHON, "-c", PINGER, spaces.v4[0]], check=True)
    settle(daemon)
    audit = Audit(daemon, since)
    ip, icmp = audit.of(inodes[0], "ip"), audit.of(inodes[0], "icmp")
    asker = audit.of(inodes[1], "ip")
    tap.note(f"{json.dumps(ip)} {json.dumps(icmp)} {json.dumps(asker)}")
    tap.ok(icmp["packets_sent"] >= PINGS and icmp["own_calls"] == 0 and icmp["rest_packets"] >= 2 * PINGS,
           "answers of the kernel are a rest of ICMP", icmp)
    tap.ok(ip["rest_sent"] >= PINGS * PING and ip["rest_received"] >= PINGS * PING, "and of IP, byte for byte or more", ip)
    tap.ok(abs(asker["rest_sent"]) < PINGS * PING / 20, "where a program asked there is none", asker)
    said = wait_for("alert", lambda: [a for a in daemon.status()["losses"] if a["stage"] == "audit"])[0]
    tap.ok(said["sent"] > MB, "over the threshold it is an alert", said)
    told = [x for x in daemon.losses() if x.stage == "audit"]
    tap.ok(told and all(str(inodes[0]) in x.text for x in told), "which names the network namespace", told)


def shown(daemon, inodes):
    status = daemon.status()["audit"]
    mine = [n for n in status["namespaces"] if n["netns"] == inodes[1]]
    tap.ok(status["complete"] and mine and mine[0]["rest_datagrams"] == 0 and mine[0]["datagrams"] >= DATAGRAMS,
           "status --json has each namespace", status)
    tap.ok(f"audit {inodes[1]}" in daemon.command("status").stdout, "and status a line")
    table = daemon.command("query", "--audit", "--last", "all").stdout
    tap.ok(all(word in table for word in ("rest sent", "own received", "udp", "icmp", str(inodes[0]))), "a table", table)
    rows = list(csv.DictReader(io.StringIO(daemon.command("query", "--audit", "--format", "csv").stdout)))
    tap.ok(any(r["netns"] == str(inodes[0]) and r["layer"] == "tcp" for r in rows), "CSV", rows)


def main():
    need_root()
    router = f"pst{os.getpid()}c"
    with Place() as place, Namespaces() as spaces, Daemon(place, audit_threshold="1 MiB") as daemon:
        inodes = [spaces.inode(n) for n in spaces.names]
        held = []
        try:
            spaces.ip("netns", "add", router)
            spaces.ip("link", "add", "far", "netns", spaces.names[0], "type", "veth", "peer", "far", "netns", router)
            for name, addr in ((spaces.names[0], "10.231.8.1"), (router, FAR)):
                spaces.ip("-n", name, "addr", "add", addr + "/24", "dev", "far")
                spaces.ip("-n", name, "link", "set", "far", "up")
            spaces.ip("-n", router, "route", "add", "default", "via", "10.231.8.1")
            spaces.ip("-n", spaces.names[1], "route", "add", "default", "via", spaces.v4[0])
            inside(spaces.names[0], "sysctl", "-qw", "net.ipv4.ip_forward=1")
            for name in spaces.names:
                inside(name, "nft", "-f", "-", input=WITNESS)
                held.append(subprocess.Popen(["ip", "netns", "exec", name, "sleep", "1000"]))
            daemon.start()
            udp_and_tcp(place, daemon, spaces, inodes)
            forwarded(place, daemon, spaces, inodes, router)
            pings(place, daemon, spaces, inodes)
            shown(daemon, inodes)
            tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        finally:
            for process in held:
                process.kill()
                process.wait()
            subprocess.run(["ip", "netns", "del", router], check=False, capture_output=True)
    tap.done()


main()
