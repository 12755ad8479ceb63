#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Names of remote addresses: resolvers of all kinds ask a name server in a network namespace of the test's
own, then talk to what they were told; the rows say the name, and how it is known. Wants dnsmasq, unbound
and named for the stubs, and musl.
"""
import collections
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Namespaces, Place, Role, built, need_root, tap, wait_for  # noqa: E402

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


def libcs(net, daemon):
    net.resolve_by(net.server)
    askers = [Asker(net, "libc", "", "4", "glibc.example", program="asker_libc"),
              Asker(net, "libc", "", "6", "glibc6.example", program="asker_libc")]
    try:
        askers.append(Asker(net, "libc", "", "4", "musl.example", program="asker_musl"))
    except FileNotFoundError:
        tap.skip("musl", "musl-gcc is not here")
    check(daemon, askers, ("dns", "getaddrinfo"))
    try:
        subprocess.run([built("tests/system/asker32")], capture_output=True, check=False)
        check(daemon, [Asker(net, "recvmsg", net.server, "A", "narrow.plain.example", program="asker32"),
                       Asker(net, "read" if OLD else "tcp-readv", v6(2), "AAAA", "narrow.plain.example", program="asker32")])
    except OSError as lack:
        tap.skip("32 bits", f"neither made nor run here: {lack}")


def lookups(net, daemon):
    """Names that no name server is asked for: the C library alone knows them."""
    net.resolve_by(net.server)
    with open(f"{net.etc}/hosts", "w", encoding="ascii") as f:
        f.write(f"127.0.0.1 localhost\n{v4(44)} glibc.files.example\n{v6(45)} glibc6.files.example\n{v4(46)} musl.files.example\n"
                f"{v4(47)} copy.files.example\n")

    def libraries():
        return daemon.status()["names"]["libraries"]

    wait_for("the libc", libraries)
    check(daemon, [Asker(net, "libc", "", "4", "glibc.files.example", program="asker_libc"),
                   Asker(net, "libc", "", "6", "glibc6.files.example", program="asker_libc")], ("getaddrinfo",))
    def learns(what, name, program):
        """Once the library is found, which takes some seconds."""
        def source():
            asker = Asker(net, "libc", "", "4", name, program=program).done()
            row = wait_for(asker.what, lambda: asker.row(daemon))
            return isinstance(row, Named) and row.source == "getaddrinfo" and row
        row = wait_for(what, source, 60)
        tap.equal(row[:3], (reverse(name), "getaddrinfo", 0), what)

    try:
        holder = Asker(net, "libc", "", "4", "musl.files.example", "w" + PORT, program="asker_musl")
        learns("musl", "musl.files.example", "asker_musl")
        holder.role.kill()
    except FileNotFoundError:
        tap.skip("musl", "musl-gcc is not here")
    # Another file system with a library of its own, as a container has.
    mount = net.place.file("mount")
    os.mkdir(mount)
    subprocess.run(["mount", "-t", "tmpfs", "none", mount], check=True)
    try:
        with open("/proc/self/maps", encoding="utf-8") as f:
            shutil.copy(next(line.split()[-1] for line in f if line.endswith("/libc.so.6\n")), f"{mount}/libc.so.6")
        os.environ["LD_LIBRARY_PATH"] = mount
        holder = subprocess.Popen(["sleep", "1000"])
        try:
            learns("another file system's library", "copy.files.example", "asker_libc")
        finally:
            del os.environ["LD_LIBRARY_PATH"]
            holder.kill()
            holder.wait()
        done = wait_for("the file system", lambda: subprocess.run(["umount", mount], check=False, capture_output=True).returncode == 0)
        tap.ok(done, "a library is let go with the process that it was found by")
    finally:
        subprocess.run(["umount", "-l", mount], check=False, capture_output=True)
    os.unlink(f"{net.etc}/hosts")


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


TLS_PORT = "9443"
STARTTLS = """import socket, ssl, sys
address, port, name, first = sys.argv[1:]
s = socket.create_connection((address, int(port)))
for _ in range(int(first)):
    s.sendall(b"EHLO\\r\\n")
    s.recv(100)
c = ssl.create_default_context()
c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
c.wrap_socket(s, server_hostname=name)
"""
STARTTLS_SERVER = """import socket, ssl, sys
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain(sys.argv[1])
l = socket.create_server(("", 9587))
print("ready", flush=True)
while True:
    s = l.accept()[0]
    for _ in range(2):
        s.recv(100)
        s.sendall(b"250\\r\\n")
    c.wrap_socket(s, server_side=True).close()
"""


def tls(net, daemon):
    """What programs say in TLS, to servers that are real: stronger than what they asked for."""
    if OLD:
        tap.skip("TLS", "who opened a connection is not known before 5.11")
        return
    place, pem = net.place, net.place.file("server.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", pem,
                    "-out", pem + ".crt", "-subj", "/CN=test", "-days", "2"], check=True, capture_output=True)
    with open(pem, "a", encoding="ascii") as f, open(pem + ".crt", encoding="ascii") as crt:
        f.write(crt.read())
    net.run(net.far, "openssl", "s_server", "-accept", TLS_PORT, "-cert", pem, "-quiet", "-naccept", "100")
    net.run(net.far, PYTHON, "-c", STARTTLS_SERVER, pem, ready=True)

    def greets(path, to, *words):
        return subprocess.run(["ip", "netns", "exec", net.here, path, "s_client", "-connect", f"{to}:{TLS_PORT}", *words], input="",
                              text=True, capture_output=True, timeout=30, check=False).returncode == 0

    def client(what, to, *words, name):
        path = place.copy(shutil.which("openssl"), f"openssl-{what}")
        done = greets(path, to, *words)
        row = wait_for(what, lambda: named(daemon, path, TLS_PORT))
        tap.ok(done and isinstance(row, Named) and row[:3] == ((reverse(name), "sni", 0) if name else ("", "", 0)),
               f"TLS, {what}", row)

    wait_for("the server", lambda: greets("openssl", v4(35)))
    client("1.3", v4(35), "-servername", "www.tls.example", name="www.tls.example")
    client("1.2", v4(35), "-tls1_2", "-servername", "old.tls.example", name="old.tls.example")
    client("IPv6", f"[{v6(35)}]", "-servername", "six.tls.example", name="six.tls.example")
    client("no name", v4(36), "-noservername", name="")
    client("two at one address", v4(35), "-servername", "other.tls.example", name="other.tls.example")
    client("a long name", v4(35), "-servername", ".".join(["x" * 60] * 4), name=".".join(["x" * 60] * 4))
    # Asked for by one name, and greeted by another.
    check(daemon, [Asker(net, "read", net.server, "A", "glibc.example")])
    client("against DNS", v4(40), "-servername", "front.tls.example", name="front.tls.example")
    program = place.copy(PYTHON, "python-starttls")
    env = {**os.environ, "PYTHONHOME": sys.base_prefix}
    subprocess.run(["ip", "netns", "exec", net.here, program, "-c", STARTTLS, v4(35), "9587", "mail.tls.example", "2"], check=True,
                   env=env, timeout=60)
    row = wait_for("STARTTLS", lambda: named(daemon, program, "9587"))
    tap.ok(isinstance(row, Named) and row[:3] == (reverse("mail.tls.example"), "sni", 0), "TLS that is begun in the middle", row)


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
        libcs(net, daemon)
        stubs(net, daemon)
        lookups(net, daemon)
        shared(net, daemon)
        tls(net, daemon)
        hosts(net, daemon)
        forged(net, daemon)
        crowd(net, daemon)
        flood(net, daemon)
        daemon.stop()
    tap.done()


main()
