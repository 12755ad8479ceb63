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
from harness import PYTHON, Daemon, Namespaces, Place, Role, family, need_root, plain, sha256, tap  # noqa: E402

TCP, UDP = 6, 17
V4, V6, MAPPED = "127.0.0.1", "::1", "::ffff:127.0.0.1"


class Case:
    """One way, by two programs of its own that keep accounts of each other."""

    def __init__(self, name, protocol, listener, opener, addr=V4, netns=(None, None), bind=None):
        self.name, self.protocol = name, protocol
        self.listener, self.opener = listener.split(), opener.split()
        self.addr, self.bind, self.netns = addr, bind or addr, netns
        self.flows = []  # (program, flow, netns)

    def play(self, place, n):
        """{to} in the steps is the other's address and port, {heir} a third program."""
        names = [place.traffic(f"{n}-{side}") for side in ("listener", "opener", "heir")]
        tcp = self.protocol == TCP
        listener = Role(names[0], f"{'tcp-listen' if tcp else 'udp'},{self.bind},0", *self.listener, netns=self.netns[0])
        to = f"{self.addr},{listener.port()}"
        steps = [s.format(to=to, heir=names[2]) for s in self.opener]
        opener = Role(names[1], f"tcp-connect,{to}" if tcp else f"udp,{self.addr if self.netns[0] is None else '::'},0",
                      *steps, netns=self.netns[1])
        done = opener.results()
        for i, result in enumerate(done):
            self.flows += [(names[2 if i else 1], flow, 1) for flow in result["flows"]]
        self.flows += [(names[0], flow, 0) for flow in listener.result()["flows"]]
        self.programs = names[:3 if len(done) > 1 else 2]

    def check(self, rows, door, own_netns):
        """What does not hold, one line each."""
        wrong = []
        for program in self.programs:
            mine = [r for r in rows if r.exe.path == program]
            flows = [(f, side) for p, f, side in self.flows if p == program and f["sent"] + f["received"]]
            want = (sum(f["sent"] for f, _ in flows), sum(f["received"] for f, _ in flows))
            got = (sum(r.sent for r in mine), sum(r.received for r in mine))
            if got != want:
                wrong.append(f"{os.path.basename(program)}: stored {got} bytes, moved {want}")
            for flow, side in flows:
                wrong += self.check_flow(flow, mine, door, own_netns[side])
            hashed = sha256(program)
            for r in mine:
                if (r.exe.sha256, r.exe.name) != (hashed, os.path.basename(program)[:15]):
                    wrong.append(f"executable {r.exe}, its hash is {hashed}")
                if r.parent.path not in (PYTHON, *self.programs) or len(r.parent.sha256) != 64:
                    wrong.append(f"parent {r.parent}")
                if (r.protocol, r.uid) != (self.protocol, 0):
                    wrong.append(f"protocol {r.protocol}, user {r.uid}")
        return wrong

    def check_flow(self, flow, rows, door, netns):
        laddr, raddr = plain(flow["laddr"]), plain(flow["raddr"])
        found = [r for r in rows if r.lport == flow["lport"] and (r.raddr, r.rport) == (raddr, flow["rport"])]
        if not raddr:  # nobody told the program: whoever it was must be the other one, or empty
            others = {(plain(f["laddr"]), f["lport"]) for _, f, _ in self.flows if f is not flow}
            found = [r for r in rows if r.lport == flow["lport"] and
                     ((r.raddr, r.rport) in others or (door == "tracepoint" and (r.raddr, r.rport) == ("", 0)))]
        got = (sum(r.sent for r in found), sum(r.received for r in found))
        if got != (flow["sent"], flow["received"]):
            return [f"flow {flow}: stored {got}", *(str(r[2:13]) for r in rows)]
        if self.protocol == TCP:
            side = "in" if found and found[0].exe.path == self.programs[0] else "out"
            wrong = [str(r) for r in found if r.direction != side or not r.opened or abs(r.opened - r.time) > 60]
            if wrong or not any(r.closed and r.closed >= r.opened for r in rows if r.lport == flow["lport"]):
                return [f"flow {flow}: who opened it when, until when:", *wrong, *map(str, found)]
        return [f"flow {flow}: local {r.laddr}, family {r.family}, netns {r.netns}" for r in found
                if (laddr and r.laddr != laddr) or r.netns != netns or
                r.family != family(raddr or laddr or r.laddr or r.raddr)]


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
    """One socket, five peers: who got what. As a case that was played."""
    case = Case("UDP, one socket and five peers", UDP, "", "")
    ears = [Role(place.traffic(f"peer-{i}"), f"udp,{V4},0", "recv,recvmsg,6000,1000") for i in range(5)]
    mouth = Role(place.traffic("mouth"), f"udp,{V4},0", *(f"to,{V4},{e.port()}" for e in ears), "send,sendmsg,15000,1000",
                 "send,sendmmsg,15000,1000")
    case.flows = [(mouth.program, flow, 0) for flow in mouth.result()["flows"]]
    for ear in ears:
        case.flows += [(ear.program, flow, 0) for flow in ear.result()["flows"]]
    case.programs = [mouth.program, *(e.program for e in ears)]
    return case


def refused(place):
    """A datagram that nobody takes comes back on the error queue: it was sent, and never received."""
    case = Case("UDP, the error queue is not received data", UDP, "", "")
    program = place.traffic("refused")
    flows = Role(program, f"udp,{V4},0", "recverr", f"to,{V4},9", "send,sendto,500,500", "errqueue").results()[-1]["flows"]
    case.flows = [(program, flow, 0) for flow in flows]
    case.programs = [program]
    return case


def main():
    need_root()
    own = os.stat("/proc/self/ns/net").st_ino
    with Place() as place, Namespaces() as spaces, Daemon(place) as daemon:
        daemon.start()
        door = daemon.status()["hooks"]
        tap.note(f"door: {door}")
        cases = [*streams(), *datagrams(), *across(spaces)]
        for n, case in enumerate(cases):
            case.play(place, n)
        cases += [several_peers(place), refused(place)]
        lost = daemon.status()["losses"]
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        tap.equal(lost, [], "nothing was lost", daemon.messages())
        rows = daemon.rows()
        for case in cases:
            inodes = [spaces.inode(n) if n else own for n in case.netns]
            wrong = case.check(rows, door, inodes)
            tap.ok(not wrong, case.name, *wrong[:12])
    tap.done()


main()
