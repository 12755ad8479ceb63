#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A name server for tests: dns_server.py PORT ZONE.json ADDRESS..., over UDP and TCP. Prints a line when it listens.

The zone: {name: [[type, ttl, value], ...]}, with A, AAAA, CNAME (followed within the zone), HTTPS (hints: a list
of addresses) and PTR; with WAIT as a type, the answer comes so many seconds later. A name that begins with "big" is told over TCP alone, over UDP that it is too long; one that
begins with "rot" is told its addresses one at a time, in turn, and with "many" 100 at a time. The names that were asked for go to stdout, a line each.
"""
import ipaddress
import itertools
import json
import socket
import socketserver
import struct
import sys
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "AAAA": 28, "HTTPS": 65}
zone, turns = {}, itertools.count()


def labels(name):
    return b"".join(bytes([len(part)]) + part for part in name.encode().split(b".") if part) + b"\0"


def data_of(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind in ("CNAME", "PTR"):
        return labels(value)
    hints = b""
    for key, version in ((4, 4), (6, 6)):
        packed = b"".join(a.packed for a in map(ipaddress.ip_address, value) if a.version == version)
        if packed:
            hints += struct.pack("!HH", key, len(packed)) + packed
    return struct.pack("!H", 1) + b"\0" + hints


def answer(query, tcp):
    at, parts = 12, []
    while query[at]:
        parts.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    asked = query[12:at + 5]
    kind = struct.unpack("!H", query[at + 1:at + 3])[0]
    name = ".".join(parts).lower()
    sys.stdout.write(f"{name}\n")  # at once: there are other threads
    sys.stdout.flush()
    records, owner = b"", b"\xc0\x0c"
    n = 0
    for _ in range(10):
        found = zone.get(name, [])
        if name.startswith("rot"):
            found = [found[next(turns) % len(found)]]
        if name.startswith("many"):
            first = 100 * next(turns) % len(found)
            found = found[first:first + 100]
        time.sleep(sum(r[2] for r in found if r[0] == "WAIT"))
        alias = [r for r in found if r[0] == "CNAME"]
        for k, ttl, value in alias or [r for r in found if TYPES.get(r[0]) == kind]:
            data = data_of(k, value)
            records += owner + struct.pack("!HHIH", TYPES[k], 1, ttl, len(data)) + data
            n += 1
        if not alias:
            break
        name = alias[0][2]
        owner = labels(name)
    cut = name.startswith("big") and not tcp
    flags = 0x8580 | (0x0200 if cut else 0) | (0 if n or ".".join(parts).lower() in zone else 3)
    return query[:2] + struct.pack("!HHHHH", flags, 1, 0 if cut else n, 0, 0) + asked + (b"" if cut else records)


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        query, sock = self.request
        sock.sendto(answer(query, False), self.client_address)


class Tcp(socketserver.BaseRequestHandler):
    def handle(self):
        stream = self.request.makefile("rb")
        while len(size := stream.read(2)) == 2:
            reply = answer(stream.read(struct.unpack("!H", size)[0]), True)
            self.request.sendall(struct.pack("!H", len(reply)) + reply)


def main():
    with open(sys.argv[2], encoding="utf-8") as f:
        zone.update(json.load(f))
    for address in sys.argv[3:]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for base, handler in ((socketserver.ThreadingUDPServer, Udp), (socketserver.ThreadingTCPServer, Tcp)):
            kind = type("Server", (base,), {"address_family": family, "allow_reuse_address": True, "daemon_threads": True})
            threading.Thread(target=kind((address, int(sys.argv[1])), handler).serve_forever).start()
    print("ready", flush=True)


main()
