#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What programs say in their greetings of TLS, to servers that are real: the rows of those connections have the name."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Place, need_root, tap, wait_for  # noqa: E402
from names import OLD, Asker, Named, Net, check, named, reverse, v4, v6  # noqa: E402

TLS_PORT = "9443"
MPTCP = os.path.exists("/proc/sys/net/mptcp/enabled")
STARTTLS = """import socket, ssl, sys
address, port, name, first, protocol = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, int(protocol))
s.connect((address, int(port)))
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

    def greet(what, port, name, first, protocol):
        subprocess.run(["ip", "netns", "exec", net.here, program, "-c", STARTTLS, v4(35), port, name, first, protocol],
                       check=True, env=env, timeout=60)
        # The first bytes may be in a window of their own, when nothing was known yet.
        def told():
            rows = named(daemon, program, port) or []
            return [row for row in (rows if isinstance(rows, list) else [rows]) if row[0]]
        rows = wait_for(what, told)
        tap.ok([tuple(row[:3]) for row in rows] == [(reverse(name), "sni", 0)], what, rows)

    greet("TLS that is begun in the middle", "9587", "mail.tls.example", "2", "0")
    if MPTCP:
        greet("TLS over MPTCP", TLS_PORT, "paths.tls.example", "0", "262")
    else:
        tap.skip("TLS over MPTCP", "this kernel has none")


def main():
    need_root()
    with Place() as place, Net(place) as net, Daemon(place).start() as daemon:
        tls(net, daemon)
        daemon.stop()
    tap.done()


main()
