#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
TCP and UDP as the newer kernels have them (kTLS, fast open, GSO and GRO, io_uring's buffers and
zero copy), and sockets that change hands: shared ports, passed and inherited ones, those of 32-bit
programs, and those that are older than the daemon. Modules that are wanted: tls.
"""
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import TCP, UDP, V4, V6, Case, check_all, played  # noqa: E402
from harness import Daemon, Namespaces, Place, Role, built, need_root  # noqa: E402

# What a door does not see; check_all() says how to read it.
EXCEPTIONS = [(r"UDP, uring-msgzc to a peer and uring-|32 bits, UDP, sendto and recv$|older than the daemon: UDP, recv$",
               "tracepoint", "no peer", "the program does not ask for it"),
              (r"kTLS.*, splice$", "tracepoint", "received", "splice() from it passes no tracepoint"),
              (r"older than the daemon.* that was waiting$", "fexit", "received", "the call began before the hook was there")]


def streams(spaces):
    for m in ("send", "write", "sendmsg", "sendfile", "splice", "uring-send"):
        yield Case(f"kTLS, {m}", TCP, "ktls recv,recv,eof", f"ktls send,{m},60000")
    for m in ("read", "recvmsg", "splice", "peek", "uring-recv"):
        yield Case(f"kTLS over IPv6, {m}", TCP, f"ktls recv,{m},eof", "ktls send,send,60000", V6)
    yield Case("kTLS, both directions", TCP, "ktls recv,recv,30000 send,send,50000", "ktls send,send,30000 recv,recv,50000")
    here = spaces.names[0]
    # Without a cookie, so that the first connection does it too.
    subprocess.run(["ip", "netns", "exec", here, "sysctl", "-qw", "net.ipv4.tcp_fastopen=519"], check=True)
    for addr in (V4, V6):
        yield Case(f"TCP fast open over {addr}, with the first bytes", TCP, "syndata recv,recv,eof",
                   "send,send,5000,500 syndata", addr, netns=(here, here),
                   sockets=(f"tfo-listen,{addr},0", "tfo-connect,{to}"))
        yield Case(f"TCP fast open over {addr}, MSG_FASTOPEN", TCP, "syndata recv,recv,500 recv,splice,eof",
                   "to,{to} send,fastopen,500,500 send,send,600 syndata", addr, netns=(here, here),
                   sockets=(f"tfo-listen,{addr},0", f"tcp,{addr}"))
    for m in ("msgzc", "sendmsg"):
        for r in ("select", "multishot"):
            yield Case(f"TCP, uring-{m} and uring-{r}", TCP, f"recv,uring-{r},eof", f"send,uring-{m},60000,12000")


def datagrams():
    for addr in (V4, V6):
        for m in ("sendmsg", "sendto", "uring-sendmsg"):
            yield Case(f"UDP over {addr}, GSO by {m}", UDP, "recv,recvmmsg,60000,1300",
                       f"to,{{to}} segment,1200 send,{m},60000,12000", addr)
        yield Case(f"UDP over {addr}, GSO and GRO", UDP, "gro recv,recvmsg,60000,65000",
                   "connect,{to} segment,1200 send,send,60000,12000", addr)
        yield Case(f"UDP over {addr}, MSG_ZEROCOPY", UDP, "recv,recvfrom,12000,1500",
                   "connect,{to} zerocopy send,zerocopy,12000,1200 errqueue", addr)
    for r in ("select", "multishot"):
        yield Case(f"UDP, uring-msgzc to a peer and uring-{r}", UDP, f"recv,uring-{r},12000,1500",
                   "to,{to} send,uring-msgzc,12000,1200")


def narrow():
    """The programs of 32 bits: socketcall, and calls of their own."""
    for s, r in (("send", "recv"), ("write", "read"), ("writev", "readv"), ("sendmsg", "recvmsg"), ("sendfile", "splice"),
                 ("splice", "waitall"), ("vmsplice", "recvfrom"), ("uring-send", "uring-recv")):
        yield Case(f"32 bits, TCP, {s} and {r}", TCP, f"recv,{r},eof", f"send,{s},300001", bits="32")
    for s, r in (("sendto", "recvfrom"), ("sendmsg", "recvmsg"), ("sendmmsg", "recvmmsg"), ("sendto", "recv")):
        yield Case(f"32 bits, UDP, {s} and {r}", UDP, f"recv,{r},12000,1500", f"to,{{to}} send,{s},12000,1200", bits="32")


def shared_tcp(place):
    """Four processes listen on one port."""
    ears = [Role(place.traffic("shared-0"), "churn-serve", V4, "300", "0")]
    port = str(ears[0].port())
    for i in range(1, 4):
        ears.append(Role(place.traffic(f"shared-{i}"), "churn-serve", V4, "300", port))
        ears[i].port()
    mouth = Role(place.traffic("shared-mouth"), "churn", V4, port, "200", "0", "300")
    case = Case("TCP, SO_REUSEPORT: to each its share", TCP, "", "")
    for role, result in [(mouth, mouth.result()), *((ear, ear.stop()) for ear in ears)]:
        case.programs.append(role.program)
        case.totals[role.program] = (result["sent"], result["received"])
    return case


def shared_udp(place):
    ears = [Role(place.traffic("reuse-0"), "flood-recv", V4, "0")]
    port = str(ears[0].port())
    for i in range(1, 4):
        ears.append(Role(place.traffic(f"reuse-{i}"), "flood-recv", V4, port))
        ears[i].port()
    mouths = [Role(place.traffic(f"reuse-mouth-{i}"), f"udp,{V4},0", f"to,{V4},{port}", "send,sendto,12000,1200")
              for i in range(16)]
    case = played("UDP, SO_REUSEPORT: to each its share", UDP, *mouths)
    for ear in ears:
        case.programs.append(ear.program)
        case.totals[ear.program] = (0, ear.stop()["received"])
    return case


def passed(place):
    """Over a Unix socket to another program: each counts for its own calls."""
    path = place.file("passed")
    heir = Role(place.traffic("passed-heir"), f"passed,{path}", "send,send,7000", "recv,recv,3000", "send,splice,500",
                "recv,splice,eof")
    heir.port()
    ear = Role(place.traffic("passed-ear"), f"tcp-listen,{V4},0", "recv,recv,9000", "send,send,3000", "recv,recv,500",
               "send,send,400")
    mouth = Role(place.traffic("passed-mouth"), f"tcp-connect,{V4},{ear.port()}", "send,send,2000", f"pass,{path}")
    return played("a socket that is passed to another program", TCP, mouth, ear, heir)


def inherited(place):
    """The opener has never moved a byte: the child does, with what it was given."""
    ear = Role(place.traffic("inherited-ear"), f"tcp-listen,{V4},0", "recv,recv,5000", "send,send,6000")
    with socket.create_connection((V4, ear.port())) as opened:
        child = Role(place.traffic("inherited"), f"fd,{opened.fileno()}", "send,send,5000", "recv,recv,6000",
                     pass_fds=(opened.fileno(),))
        return played("a socket that was inherited", TCP, ear, child)


def outlived(place):
    """Its end comes when the opener has been gone for some windows: the other one did not read on before."""
    with socket.socket() as ear:
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ear.bind((V4, 0))
        ear.listen()
        mouth = Role(place.traffic("outlived"), f"tcp-connect,{V4},{ear.getsockname()[1]}", "send,send,60000")
        conn, _ = ear.accept()
        with conn:
            case = played("TCP, and the socket outlives its process", TCP, mouth)
            case.sides = {mouth.program: "out"}
            time.sleep(3.5)
            while conn.recv(65536):
                pass
    return case


class Older:
    """Opened and used before the daemon starts: what comes after that counts, and nothing else."""

    def __init__(self, name, protocol, listener, opener, addr=V4, waiting=False):
        self.name, self.protocol, self.addr, self.waiting = name, protocol, addr, waiting
        self.listener, self.opener = listener.split(), opener.split()

    def begin(self, place, n):
        ear, mouth = ("tcp-listen", "tcp-connect") if self.protocol == TCP else ("udp", "udp")
        first = ["recv,recv,5000,1000", "pause"]
        listener = Role(place.traffic(f"older-ear-{n}"), f"{ear},{self.addr},0", *first, *self.listener)
        to = f"{self.addr},{listener.port()}"
        steps = ["send,send,5000,1000", "pause", *self.opener]
        if self.protocol == TCP:
            opener = Role(place.traffic(f"older-mouth-{n}"), f"{mouth},{to}", *steps)
        else:
            opener = Role(place.traffic(f"older-mouth-{n}"), f"{mouth},{self.addr},0", f"connect,{to}", *steps)
            opener.port()
        self.roles = [listener, opener]
        for role in self.roles:
            role.port()
        if self.waiting:
            listener.go()
            time.sleep(0.3)

    def finish(self, _):
        for role in self.roles[1 if self.waiting else 0:]:
            role.go()
        return played(f"older than the daemon: {self.name}", self.protocol, *self.roles)


def older():
    for m in ("recv", "readv", "splice", "mixed", "waitall", "peek", "uring-recv"):
        yield Older(f"TCP, {m}", TCP, f"recv,{m},7000,2000", "send,send,7000")
        yield Older(f"TCP over IPv6, {m} until the end", TCP, f"recv,{m},eof,2000", "send,send,7000", V6)
    for m in ("sendfile", "splice", "sendmsg"):
        yield Older(f"TCP, {m}", TCP, "recv,recv,eof", f"send,{m},7000")
    yield Older("TCP, a receive that was waiting", TCP, "recv,waitall,7000,7000", "send,send,7000", waiting=True)
    yield Older("TCP, a splice that was waiting", TCP, "recv,splice,eof,7000", "send,send,7000", waiting=True)
    yield Older("TCP, kTLS comes later", TCP, "ktls recv,recv,eof", "ktls send,send,7000")
    for m in ("recv", "recvmsg", "recvmmsg"):
        yield Older(f"UDP, {m}", UDP, f"recv,{m},7000,1000", "send,send,7000,1000")
    yield Older("UDP, a receive that was waiting", UDP, "recv,recvfrom,7000,1000", "send,send,7000,1000", waiting=True)


def main():
    need_root()
    subprocess.run(["modprobe", "-q", "tls"], check=False)
    with Place() as place, Namespaces() as spaces, Daemon(place) as daemon:
        old = list(older())
        for n, case in enumerate(old):
            case.begin(place, n)
        daemon.start()
        cases = [*(case.finish for case in old), *streams(spaces), *datagrams(), shared_tcp, shared_udp, passed, inherited,
                 outlived]
        try:
            subprocess.run([built("tests/system/traffic32")], capture_output=True, check=False)
            cases += narrow()
        except OSError as why:
            cases.append(lambda _, why=why: no_narrow(why.strerror))
        check_all(place, daemon, spaces, cases, EXCEPTIONS)


def no_narrow(why):
    case = Case("32 bits", TCP, "", "")
    case.lacks = f"the compiler makes no 32-bit programs, or the kernel runs none: {why}"
    return case


main()
