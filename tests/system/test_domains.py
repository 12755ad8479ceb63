#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Names of remote addresses, from what name servers answer, and from hosts files: resolvers of all kinds ask, then
talk to what they were told; the rows say the name, and how it is known. Wants dnsmasq, unbound and named for the
stubs.
"""
import collections
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Namespaces, Place, Role, need_root, tap, wait_for  # noqa: E402
from names import CROWD, OLD, PORT, SINK, ZONE, Asker, Named, Net, check, named, reverse, v4, v6  # noqa: E402

# Asks a name server for names, one after the other: no faster than the daemon reads.
ASK = """import socket, struct, sys, time
server, first, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
s = socket.socket(2, 2)
s.connect((server, 53))
s.settimeout(5)
for i in range(n):
    name = first.replace("%", str(i))
    s.send(struct.pack("!HHHHHH", i, 256, 1, 0, 0, 0) + b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) +
           b"\\0\\0\\1\\0\\1")
    if len(s.recv(8192)) < 40:
        sys.exit("no answer")
    time.sleep(0.0003)
"""


def resolvers(net, daemon):
    """Programs that ask by themselves."""
    askers = []
    datagrams = "read", "recvfrom", "recvmsg", "recvmmsg", "ping"
    for how in datagrams if OLD else (*datagrams, "tcp", "tcp-whole", "tcp-readv"):
        askers.append(Asker(net, how, net.server, "A", f"{how}.plain.example"))
        askers.append(Asker(net, how, v6(2), "AAAA", f"{how}.plain.example"))
    askers.append(Asker(net, "read", net.server, "A", "mapped.plain.example", "mapped," + PORT))
    askers.append(Asker(net, "read", net.server, "A", "www.shop.example"))
    askers.append(Asker(net, "recvmsg" if OLD else "tcp", v6(2), "AAAA", "www.shop.example"))
    askers.append(Asker(net, "recvfrom", net.server, "HTTPS", "svc.example"))
    if OLD:
        tap.skip("TCP", "who opened a connection is not known before 5.11")
    else:
        askers.append(Asker(net, "tcp", net.server, "A", "big.example"))
    askers.append(Asker(net, "read", net.server, "A", next(n for n in ZONE if len(n) > 200)))
    check(daemon, askers)


def stubs(net, daemon):
    """Servers on loopback that pass questions on, each a real one: what they say to the program counts."""
    place, server = net.place, net.server
    with open(place.file("unbound.conf"), "w", encoding="ascii") as f:
        f.write(f"""server:
 do-daemonize: no
 use-syslog: no
 username: ""
 chroot: ""
 pidfile: ""
 directory: "{place.path}"
 interface: 127.0.0.54
 module-config: "iterator"
 do-not-query-localhost: no
forward-zone:
 name: "."
 forward-addr: {server}
""")
    with open(place.file("named.conf"), "w", encoding="ascii") as f:
        f.write(f"""options {{ directory "{place.path}"; pid-file none; session-keyfile none; listen-on {{ 127.0.0.1; }}; max-cache-size 16m;
 listen-on-v6 {{ none; }}; forwarders {{ {server}; }}; forward only; recursion yes; dnssec-validation no; }};
controls {{ }};
""")
    kinds = {"dnsmasq": ("127.0.0.53", ["dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "-S", server, "-a", "127.0.0.53", "-z",
                                        "-u", "root", "-x", ""]),
             "unbound": ("127.0.0.54", ["unbound", "-d", "-c", place.file("unbound.conf")]),
             "named": ("127.0.0.1", ["named", "-f", "-c", place.file("named.conf")])}
    for kind, (address, command) in kinds.items():
        process = net.run(net.here, *command)
        wait_for(kind, lambda p=process, a=address: listens(p, a))
        check(daemon, [Asker(net, "recvfrom", address, "A", f"{kind}.example")])
    net.resolve_by("127.0.0.53")
    check(daemon, [Asker(net, "libc", "", "4", "stub.example", program="asker_libc")], ("dns", "getaddrinfo"))


def listens(process, address):
    if process.poll() is not None:
        raise RuntimeError(process.communicate()[0])
    wanted = "%02X%02X%02X%02X:0035" % tuple(int(n) for n in reversed(address.split(".")))
    with open(f"/proc/{process.pid}/net/udp", encoding="ascii") as f:
        return wanted in f.read()


def shared(net, daemon):
    """Two names of one address, as at a CDN: who asked gets what it asked for, others the newest, and a rival."""
    first = Asker(net, "read", net.server, "A", "one.shared.example", "w" + PORT)
    wait_for("the first lookup", first.role.process.stdout.readline)
    check(daemon, [Asker(net, "read", net.server, "A", "two.shared.example")])
    stranger = Role(net.place.traffic("stranger"), f"tcp-connect,{v4(32)},{PORT}", "send,send,777", netns=net.here)
    stranger.result()
    first.role.go()
    first.role.process.wait()
    row = wait_for(first.what, lambda: first.row(daemon))
    tap.equal(row[:3], (reverse("one.shared.example"), "dns", 0), "who asked first gets its own name")
    row = wait_for("stranger", lambda: named(daemon, stranger.program))
    tap.equal(row[:3], (reverse("two.shared.example"), "dns", 1), "who asked nobody gets the newest, and how many rivals")


def hosts(net, daemon):
    """Files of other namespaces, as their programs see them; what others say of the same address is stronger."""
    file = net.place.file("hosts")

    def write(*lines):
        with open(file, "w", encoding="ascii") as f:
            f.write("".join(line + "\n" for line in ("127.0.0.1 localhost", *lines)))

    def talk(number):
        program = net.place.traffic(f"hosts-{number}")
        Role(program, f"tcp-connect,{v4(57)},{PORT}", "send,send,77", netns=space).result()
        return wait_for("the row", lambda: named(daemon, program))

    write(f"{v4(57)} printer.lan.example printer")
    space = net.here + "h"
    Namespaces.ip("netns", "add", space)
    try:
        # A server at that address, in the same namespace.
        Namespaces.ip("-n", space, "link", "set", "lo", "up")
        Namespaces.ip("-n", space, "addr", "add", v4(57) + "/32", "dev", "lo")
        net.run(space, "sh", "-c", f'mount --bind {file} /etc/hosts && exec {PYTHON} -c "$0"', SINK, ready=True)
        numbers = iter(range(1000))
        row = wait_for("the hosts file", lambda: (r := talk(next(numbers))) and r[0] and r, 90)
        tap.equal(row[:3], (reverse("printer.lan.example"), "hosts", 1), "a name of the hosts file that its namespace has")
        write(f"{v4(57)} scanner.lan.example")
        row = wait_for("the new one", lambda: (r := talk(next(numbers))) and "scanner" in r[0] and r, 60)
        tap.equal(row[:3], (reverse("scanner.lan.example"), "hosts", 0), "a change of it")
    finally:
        Namespaces.ip("netns", "del", space)


def nameless(net, daemon, what, address, space=None, **role):
    other = Role(net.place.traffic(f"nameless-{Asker.sent}"), f"tcp-connect,{address},{PORT}", "send,send,55",
                 netns=space or net.here, **role)
    Asker.sent += 1
    other.result()
    row = wait_for(what, lambda: named(daemon, other.program))
    tap.ok(isinstance(row, Named) and row[:3] == ("", "", 0), what, row)


def message(name, address):
    """An answer that nobody asked for."""
    question = b"".join(bytes([len(p)]) + p for p in name.encode().split(b".")) + b"\0\0\1\0\1"
    return (b"\x12\x34\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\1\0\1\0\0\1\0\0\4" +
            bytes(int(n) for n in address.split(".")))


FORGE = """import socket, sys
kind, source, target, port, data = sys.argv[1:]
s = socket.socket(2, 2 if kind == "udp" else 1)
s.setsockopt(1, 2, 1)
s.bind((source, 53))
s.connect((target, int(port)))
s.sendall(bytes.fromhex(data))
"""


def forged(net, daemon):
    """What comes from port 53 to whoever did not ask there says nothing."""
    nameless(net, daemon, "another namespace's answers are not believed", v4(10), net.far)
    data = message("evil.udp.example", v4(55))
    ear = Role(net.place.traffic("ear-udp"), "udp,0.0.0.0,0", f"recv,recvfrom,{len(data)},1500", netns=net.here)
    port = str(ear.port())
    net.run(net.far, PYTHON, "-c", FORGE, "udp", v4(54), v4(1), port, data.hex()).wait()
    ear.result()
    nameless(net, daemon, "a datagram from port 53 that is no answer to a question is not believed", v4(55))
    ear = Role(net.place.traffic("ear-tcp"), "tcp-listen,0.0.0.0,0", "recv,recv,eof", netns=net.here)
    port = str(ear.port())
    data = message("evil.tcp.example", v4(56))
    net.run(net.far, PYTHON, "-c", FORGE, "tcp", v4(54), v4(1), port, (bytes([0, len(data)]) + data).hex()).wait()
    ear.result()
    nameless(net, daemon, "nor is who calls from port 53", v4(56))


def crowd(net, daemon):
    """10,000 names of one address, and 10,000 addresses of one name, as a name server tells them."""
    def ask(name, n):
        was = daemon.status()["names"], memory(daemon)
        done = subprocess.run(["ip", "netns", "exec", net.here, PYTHON, "-c", ASK, net.server, name, str(n)],
                              capture_output=True, check=False)
        tap.equal((done.returncode, done.stderr), (0, b""), f"{name} is asked for, {n} times")
        time.sleep(1.5)
        now = daemon.status()["names"]
        return {key: now[key] - was[0][key] for key in ("learnt", "evicted", "pairs")}, memory(daemon) - was[1]

    def told(what, address, *expected):
        talker = Role(net.place.traffic(f"crowd-{address}"), f"tcp-connect,{address},{PORT}", "send,send,77", netns=net.here)
        talker.result()
        row = wait_for(what, lambda: named(daemon, talker.program))
        tap.ok(isinstance(row, Named) and row[:3] == expected, what, row)

    more, grown = ask("n%.crowd.example", CROWD)
    tap.equal(more, {"learnt": CROWD, "evicted": CROWD - 64, "pairs": 64}, f"{CROWD} names of an address: 64 are kept")
    tap.ok(grown < 2048 or is_sanitized(daemon), "in less than 2 MiB", f"{grown} KiB")
    told("the newest of them names it, and all that are kept are its rivals", v4(35), f"example.crowd.n{CROWD - 1}", "dns", 63)
    more, grown = ask("many.wide.example", CROWD // 100)
    tap.equal(more, {"learnt": CROWD, "evicted": 0, "pairs": CROWD}, f"{CROWD} addresses of a name: each is known")
    tap.ok(grown < 8192 or is_sanitized(daemon), "in less than 8 MiB", f"{grown} KiB")
    told("the first of them has the name, and no rival", v4(36), "example.wide.many", "dns", 0)
    told("so has the last", v4(37), "example.wide.many", "dns", 0)
    lost = collections.Counter()
    for loss in daemon.losses():
        if loss.stage == "names":
            lost[loss.text] += loss.count
    tap.equal(list(lost.values()), [CROWD - 64], "what was forgotten is told, with its number, and nothing else was lost", *lost)


def flood(net, daemon):
    """A program that asks itself as fast as it can: bounded, counted, and nothing else is lost."""
    before = memory(daemon)
    flooder = Asker(net, "flood", "127.0.0.99", "A", "flood.example", "0")
    check(daemon, [Asker(net, "recvfrom", net.server, "A", "after.plain.example")])
    asked = int(flooder.role.result()["address"])
    loss = wait_for("the loss", lambda: [l for l in daemon.losses() if "faster than they are read" in l.text])
    tap.ok(asked > 50000 and sum(l.count for l in loss) > asked / 10, "answers beyond what can be read are counted", asked, loss)
    tap.equal([l for l in daemon.losses() if l.stage in ("ring", "process")], [], "no process event is lost to them")
    tap.ok(memory(daemon) < before + 16 << 10, "memory stays bounded", before, memory(daemon))


def memory(daemon, key="VmRSS"):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key))


def is_sanitized(daemon):
    """Then it keeps what it has freed, and terabytes of addresses."""
    return memory(daemon, "VmSize") > 1 << 30


def main():
    need_root()
    with Place() as place, Net(place) as net, Daemon(place).start() as daemon:
        resolvers(net, daemon)
        stubs(net, daemon)
        shared(net, daemon)
        hosts(net, daemon)
        forged(net, daemon)
        crowd(net, daemon)
        flood(net, daemon)
        daemon.stop()
    tap.done()


main()
