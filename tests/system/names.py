# SPDX-License-Identifier: GPL-3.0-or-later
"""
What tests of names share: two network namespaces of the test's own, with a name server and a sink in the far
one; and programs that look a name up and then talk to what they were told, for the rows to say it.
"""
import collections
import json
import os
import shutil
import subprocess

from harness import PYTHON, Namespaces, Role, built, tap, wait_for

PORT = "9000"
HERE = os.path.dirname(os.path.abspath(__file__))
SINK = f"""import socketserver
class Take(socketserver.BaseRequestHandler):
    def handle(self):
        while self.request.recv(65536): pass
class Server(socketserver.ThreadingTCPServer):
    address_family, daemon_threads, allow_reuse_address, request_queue_size = 10, True, True, 128
server = Server(("::", {PORT}), Take)
print("ready", flush=True)
server.serve_forever()
"""
CROWD = 10000
OLD = tuple(int(n) for n in os.uname().release.split(".")[:2]) < (5, 11)
Named = collections.namedtuple("Named", "domain source rivals received sent")


def v4(n):
    return f"10.231.7.{n}"


def v6(n):
    return f"fd31:7::{n}"


# Each name has addresses of its own, so that nothing learnt before helps.
ZONE = {
    **{f"{how}.plain.example": [["A", 60, v4(10 + i)], ["AAAA", 60, v6(10 + i)]] for i, how in enumerate(
        ("read", "recvfrom", "recvmsg", "recvmmsg", "ping", "tcp", "tcp-whole", "tcp-readv", "mapped", "narrow", "after"))},
    "www.shop.example": [["CNAME", 60, "shop.cdn.example"]],
    "shop.cdn.example": [["CNAME", 60, "edge.cdn.example"]],
    "edge.cdn.example": [["A", 60, v4(30)], ["AAAA", 60, v6(30)]],
    "svc.example": [["HTTPS", 60, [v4(31), v6(31)]]],
    "one.shared.example": [["A", 60, v4(32)]],
    "two.shared.example": [["A", 60, v4(32)]],
    "big.example": [["A", 60, v4(33)], *(["A", 60, f"10.9.{i // 256}.{i % 256}"] for i in range(400))],
    "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "." + "d" * 53 + ".example": [["A", 60, v4(34)]],
    "glibc.example": [["A", 60, v4(40)]],
    "glibc6.example": [["AAAA", 60, v6(41)]],
    "musl.example": [["A", 60, v4(42)]],
    "dnsmasq.example": [["A", 60, v4(50)]],
    "unbound.example": [["A", 60, v4(51)]],
    "named.example": [["A", 60, v4(52)]],
    "stub.example": [["A", 60, v4(53)]],
    "nothing.example": [],
    **{f"n{i}.crowd.example": [["A", 3600, v4(35)]] for i in range(CROWD)},
    "many.wide.example": [["A", 3600, v4(36)], *(["A", 3600, f"10.8.{i // 256}.{i % 256}"] for i in range(CROWD - 2)),
                          ["A", 3600, v4(37)]],
}


def reverse(name):
    return ".".join(reversed(name.split(".")))


class Net:
    """The namespaces, with the name server and a sink in the far one; what is started here ends with it."""

    def __init__(self, place):
        self.place, self.spaces, self.running = place, Namespaces(), []
        self.etc = None

    def __enter__(self):
        self.spaces.__enter__()
        self.here, self.far = self.spaces.names
        for n in range(10, 60):
            Namespaces.ip("-n", self.far, "addr", "add", v4(n) + "/24", "dev", self.far)
            Namespaces.ip("-n", self.far, "addr", "add", v6(n) + "/64", "dev", self.far, "nodad")
        zone = self.place.file("zone.json")
        with open(zone, "w", encoding="utf-8") as f:
            json.dump(ZONE, f)
        self.server = v4(2)
        log = self.place.file("asked")
        self.run(self.far, "sh", "-c", 'exec "$@" >"$0"', log, PYTHON, f"{HERE}/dns_server.py", "53", zone, self.server, v6(2))
        wait_for("name server", lambda: os.path.exists(log) and os.path.getsize(log))
        self.run(self.far, PYTHON, "-c", SINK, ready=True)
        return self

    def run(self, space, *words, ready=False):
        process = subprocess.Popen(["ip", "netns", "exec", space, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        self.running.append(process)
        if ready and process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{words}: {process.communicate()[0]}")
        return process

    def resolve_by(self, address):
        """What /etc/resolv.conf says to who is started here."""
        folder = f"/etc/netns/{self.here}"
        os.makedirs(folder, exist_ok=True)
        self.etc = folder
        with open(f"{folder}/resolv.conf", "w", encoding="ascii") as f:
            f.write(f"nameserver {address}\n")

    def __exit__(self, *_):
        for process in self.running:
            process.kill()
            process.communicate()
        if self.etc:
            shutil.rmtree(self.etc)
            try:
                os.rmdir("/etc/netns")
            except OSError:
                pass
        self.spaces.__exit__()


class Asker:
    """One lookup by a program of its own, and the talk that follows it."""

    sent = 0

    def __init__(self, net, how, server, kind, name, port=PORT, program="asker", space=None):
        Asker.sent += 1
        self.name, self.bytes = name, 1000 + Asker.sent
        label = name if len(name) < 40 else "long"
        self.what = f"{how} {kind} {label} at {server or 'the libc’s'}"
        self.program = net.place.copy(built(f"tests/system/{program}"), f"ask-{Asker.sent}-{program}")
        self.role = Role(self.program, how, server, kind, name, port, str(self.bytes), netns=space or net.here)

    def done(self):
        self.address = self.role.result()["address"]
        return self

    def row(self, daemon):
        return named(daemon, self.program)


def named(daemon, program, port=PORT):
    """What is stored of the talk, or None yet."""
    db = daemon.database()
    rows = db.execute("SELECT domain, domain_source, domain_rivals, sum(recv), sum(send) FROM connections c "
                      "JOIN executables e ON e.id = c.exe_id JOIN domains d ON d.id = c.domain_id "
                      "WHERE e.exe = ? AND rport = ? GROUP BY 1, 2, 3", [program, port]).fetchall()
    db.close()
    return Named(*rows[0]) if len(rows) == 1 else rows or None


def check(daemon, askers, sources=("dns",)):
    for asker in askers:
        asker.done()
        row = wait_for(asker.what, lambda a=asker: a.row(daemon))
        tap.ok(isinstance(row, Named) and row.domain == reverse(asker.name) and row.source in sources and not row.rivals and
               row.sent == asker.bytes, asker.what, row, asker.address)
