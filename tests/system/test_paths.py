#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Every way that bytes take through a socket: attributed to the right executable with the right hash,
parent and peer, and exact to the byte. All of it runs under one daemon; then it is stopped, and
what it stored is compared with what the generator's processes say of themselves.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import MAPPED, TCP, UDP, V4, V6, Case, check_all, played  # noqa: E402
from harness import Daemon, Namespaces, Place, Role, need_root  # noqa: E402

# What a door does not see; check_all() says how to read it.
EXCEPTIONS = [(r"UDP.*, unconnected, (recv|read|peek|splice|uring-recv)$", "tracepoint", "no peer",
               "the program does not ask for it")]


def streams():
    for m in ("send", "write", "writev", "sendmsg", "sendfile", "splice", "vmsplice", "uring-send", "uring-sendmsg",
              "uring-write", "uring-zc", "async-send", "sqpoll-send", "sqpoll-sendmsg"):
        yield Case(f"TCP, {m}", TCP, "recv,recv,eof", f"send,{m},300001")
    for m in ("recv", "read", "readv", "recvmsg", "recvfrom", "splice", "waitall", "peek", "trunc", "mixed", "uring-recv",
              "uring-recvmsg", "uring-read", "async-recv", "sqpoll-recv", "sqpoll-recvmsg"):
        yield Case(f"TCP over IPv6, {m}", TCP, f"recv,{m},300002", "send,send,300002", V6)
    for m in ("recv", "splice", "mixed"):
        yield Case(f"TCP over a mapped address, {m} until the end of the stream", TCP, f"recv,{m},eof", "send,send,70001",
                   MAPPED)
    yield Case("TCP to a socket of both families", TCP, "recv,recv,5000", "send,send,5000", V4, bind="::")
    yield Case("TCP, both directions", TCP, "recv,recv,30000 send,write,50000", "send,send,30000 recv,read,50000")
    yield Case("TCP, splice both ways", TCP, "recv,splice,30000 send,splice,50000", "send,splice,30000 recv,splice,50000")
    yield Case("TCP, peeked at and never read", TCP, "peek,5000", "send,send,5000")
    yield Case("TCP, MSG_ZEROCOPY and its error queue", TCP, "recv,recv,90000", "zerocopy send,zerocopy,90000 errqueue")
    yield Case("TCP, another thread sends", TCP, "thread recv,recv,7000", "thread send,send,7000")
    yield Case("TCP, a child goes on", TCP, "recv,recv,9000", "send,send,2000 fork send,send,7000")
    yield Case("TCP, another program goes on", TCP, "recv,recv,9000", "send,send,2000 exec,{heir} send,send,7000")


def datagrams():
    for m in ("sendto", "sendmsg", "sendmmsg", "uring-sendmsg", "async-sendmsg", "sqpoll-sendmsg"):
        yield Case(f"UDP, unconnected, {m}", UDP, "recv,recvfrom,12000,1500", f"to,{{to}} send,{m},12000,1200")
        yield Case(f"UDP over IPv6, unconnected, {m}", UDP, "recv,recvfrom,12000,1500",
                   f"to,{{to}} send,{m},12000,1200", V6)
    for m in ("send", "write", "writev", "sendmsg", "sendmmsg", "sendfile", "splice", "uring-send", "uring-zc"):
        yield Case(f"UDP, connected, {m}", UDP, "recv,recvfrom,12000,1500", f"connect,{{to}} send,{m},12000,1200")
    for m in ("recvfrom", "recvmsg", "recvmmsg", "recv", "read", "peek", "splice", "uring-recv", "uring-recvmsg",
              "async-recvmsg", "sqpoll-recvmsg"):
        for family_, addr in (("", V4), (" over IPv6", V6)):
            yield Case(f"UDP{family_}, unconnected, {m}", UDP, f"recv,{m},12000,1500", "to,{to} send,sendto,12000,1200",
                       addr)
    yield Case("UDP over a mapped address", UDP, "recv,recvfrom,6000,1000", "to,{to} send,sendto,6000,1000", MAPPED)
    yield Case("UDP to a socket of both families", UDP, "recv,recvfrom,6000,1000", "to,{to} send,sendto,6000,1000", V4,
               bind="::")
    yield Case("UDP, a short buffer", UDP, "recv,short,1000,100", "to,{to} send,sendto,12000,1200")
    yield Case("UDP, MSG_TRUNC: the caller is given the whole length", UDP, "recv,trunc,12000,100",
               "to,{to} send,sendto,12000,1200")
    yield Case("UDP, peeked at and never read", UDP, "peek,1000", "to,{to} send,sendto,1000,1000")


def across(spaces):
    for n, addr in ((4, spaces.v4[0]), (6, spaces.v6[0])):
        yield Case(f"TCP between network namespaces, IPv{n}", TCP, "recv,recv,200000 send,send,100", "send,send,200000 "
                   "recv,recv,100", addr, netns=spaces.names)
        yield Case(f"UDP between network namespaces, IPv{n}", UDP, "recv,recvfrom,12000,1200", "to,{to} "
                   "send,sendto,12000,1200", addr, netns=spaces.names)


def several_peers(place):
    """One socket, five peers: who got what."""
    ears = [Role(place.traffic(f"peer-{i}"), f"udp,{V4},0", "recv,recvmsg,6000,1000") for i in range(5)]
    mouth = Role(place.traffic("mouth"), f"udp,{V4},0", *(f"to,{V4},{e.port()}" for e in ears), "send,sendmsg,15000,1000",
                 "send,sendmmsg,15000,1000")
    return played("UDP, one socket and five peers", UDP, mouth, *ears)


def refused(place):
    """A datagram that nobody takes comes back on the error queue: it was sent, and never received."""
    return played("UDP, the error queue is not received data", UDP,
                  Role(place.traffic("refused"), f"udp,{V4},0", "recverr", f"to,{V4},9", "send,sendto,500,500", "errqueue"))


def main():
    need_root()
    with Place() as place, Namespaces() as spaces, Daemon(place) as daemon:
        daemon.start()
        check_all(place, daemon, spaces, [*streams(), *datagrams(), *across(spaces), several_peers, refused],
                  EXCEPTIONS)


main()
