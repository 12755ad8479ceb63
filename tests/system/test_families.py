#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Every family and protocol beside TCP and UDP: ICMP, raw, SCTP, UDP-Lite, MPTCP, frames (AF_PACKET,
tun, tap) and vsock. Modules that are wanted where they are not built in: sctp, vsock_loopback, tun.
"""
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import ICMP, ICMPV6, MPTCP, SCTP, TUN, UDP, UDPLITE, V4, V6, Case, check_all, played  # noqa: E402
from harness import Daemon, Namespaces, Place, Role, need_root  # noqa: E402

# What a door does not see; check_all() says how to read it.
DOORS = ("fexit", "tracepoint")
EXCEPTIONS = [
    (r"raw IPv|ping over|echo by|SCTP, one to many", "tracepoint", "no peer", "it passes no program of this door"),
    (r"UDP-Lite.*( and recv|, connected)$", "tracepoint", "no peer", "the program does not ask for it"),
    (r"raw IPv4, (sendmsg and recv|connected)$", "fexit", "no peer", "the program does not ask for it"),
    *((r"AF_PACKET without headers", door, "protocol", "it is only in the call's address") for door in DOORS),
    *((r"t(un|ap), reading", door, "received", "what is read from a device has been counted when it was sent") for door in DOORS),
]
MODULES = ["sctp", "vsock_loopback", "tun"]
ETHERTYPE = 0x88b5  # for experiments
PROTOCOL = 253      # likewise
IPV4 = 0x0800       # EtherType of frames of a tun device


def icmp(spaces):
    """In a namespace of their own: raw sockets get whatever ICMP there is, and pings a group's leave."""
    here = spaces.names[0]
    subprocess.run(["ip", "netns", "exec", here, "sysctl", "-qw", "net.ipv4.ping_group_range=0 0"], check=True)
    for protocol, addr in ((ICMP, V4), (ICMPV6, V6)):
        for send, recv in (("sendto", "recvfrom"), ("sendmsg", "recvmsg"), ("sendmmsg", "recvmmsg")):
            yield lambda place, p=protocol, a=addr, s=send, r=recv: played(
                f"ping over {a}, {s} and {r}", p, Role(place.traffic(f"ping-{p}-{s}"), f"ping,{a}", f"to,{a},0",
                f"send,{s},500,100", f"recv,{r},500,100", netns=here), netns=(here, here))
        yield lambda place, p=protocol, a=addr: played(
            f"ping over {a}, connected", p, Role(place.traffic(f"ping-{p}-connected"), f"ping,{a}", f"connect,{a},0",
            "send,send,500,100", "recv,recv,500,100", netns=here), netns=(here, here))
        # Requests and answers; those of IPv4 with their header of 20 bytes.
        yield lambda place, p=protocol, a=addr, n=1200 if protocol == ICMP else 1000: played(
            f"echo by a raw socket over {a}", p, Role(place.traffic(f"raw-{p}"), f"raw,{a},{p}", f"to,{a},0",
            "send,sendto,500,100", f"recv,recvfrom,{n},200", netns=here), netns=(here, here))


def raw(spaces):
    for send, recv in (("sendto", "recvfrom"), ("sendmsg", "recvmsg"), ("sendmmsg", "recvmmsg"), ("sendmsg", "recv"),
                       ("uring-sendmsg", "uring-recvmsg")):
        yield Case(f"raw IPv4, {send} and {recv}", PROTOCOL, f"recv,{recv},1200,200", f"to,{{to}} send,{send},1000,100",
                   sockets=(f"raw,{V4},{PROTOCOL}", f"raw,127.0.0.2,{PROTOCOL}"))
    yield Case("raw IPv4, connected", PROTOCOL, "recv,recv,1200,200", "connect,{to} send,send,1000,100",
               sockets=(f"raw,{V4},{PROTOCOL}", f"raw,127.0.0.2,{PROTOCOL}"))
    yield Case("raw IPv6", PROTOCOL, "recv,recvfrom,1000,200", "to,{to} send,sendto,1000,100", spaces.v6[0],
               netns=spaces.names, sockets=(f"raw,{spaces.v6[0]},{PROTOCOL}", f"raw,{spaces.v6[1]},{PROTOCOL}"))

    def own_header(place):
        # Two protocols: the receiver's, and that of sockets that bring a header (255).
        ear = Role(place.traffic("header-in"), f"raw,{V4},{PROTOCOL}", "recv,recvfrom,1000,200")
        ear.port()
        mouth = played("raw IPv4 with a header of its own", 255, Role(
            place.traffic("header-out"), "raw,127.0.0.2,255", f"to,{V4},0", "send,sendto,1000,100"))
        ear.results()
        return mouth
    yield own_header


def transports():
    for protocol, kind in ((SCTP, "sctp"), (MPTCP, "mptcp")):
        for addr in (V4, V6):
            sockets = (f"{kind}-listen,{addr},0", f"{kind}-connect,{{to}}")
            for send, recv in (("send", "recv"), ("sendmsg", "recvmsg"), ("writev", "readv"), ("uring-send", "uring-recv")):
                yield Case(f"{kind} over {addr}, {send} and {recv}", protocol, f"recv,{recv},eof",
                           f"send,{send},60000,12000", addr, sockets=sockets)
    yield Case("MPTCP, both directions", MPTCP, "recv,recv,30000 send,send,50000", "send,send,30000 recv,recv,50000")
    yield Case("MPTCP, sendfile and splice", MPTCP, "recv,splice,eof", "send,sendfile,300001")
    yield Case("MPTCP, peeked at and then read", MPTCP, "recv,peek,eof", "send,splice,30001")
    for addr in (V4, V6):
        yield Case(f"SCTP, one to many, over {addr}", SCTP, "recv,recvmsg,12000,1500", "to,{to} send,sendmsg,12000,1200",
                   addr, sockets=(f"sctp,{addr},0", f"sctp,{addr},0"))
        for send, recv in (("sendto", "recvfrom"), ("sendmmsg", "recvmmsg"), ("sendmsg", "recv")):
            yield Case(f"UDP-Lite over {addr}, {send} and {recv}", UDPLITE, f"recv,{recv},12000,1500",
                       f"to,{{to}} send,{send},12000,1200", addr)
    yield Case("UDP-Lite, connected", UDPLITE, "recv,recv,12000,1500", "connect,{to} send,send,12000,1200")


def frames(spaces):
    a, b = spaces.names
    cable = {"netns": spaces.names, "family_": socket.AF_PACKET}
    for send, recv in (("send", "recv"), ("write", "read"), ("sendmsg", "recvmsg"), ("sendmmsg", "recvmmsg"),
                       ("uring-send", "uring-recv"), ("txring", "recvfrom")):
        yield Case(f"AF_PACKET, {send} and {recv}", ETHERTYPE, f"recv,{recv},12000,1500", f"send,{send},12000,1200",
                   sockets=(f"packet,{a},{ETHERTYPE}", f"packet,{b},{ETHERTYPE}"), **cable)
    for send in ("sendto", "sendmsg", "sendmmsg", "uring-sendmsg"):
        yield Case(f"AF_PACKET without headers, {send} to a type", ETHERTYPE, "recv,recvfrom,12000,1500",
                   f"to,{b},{ETHERTYPE} send,{send},12000,1200",
                   sockets=(f"packet,{a},{ETHERTYPE},dgram", f"packet,{b},0,dgram"), **cable)


def devices(spaces):
    here = spaces.names[0]
    # Nothing but what is asked for: the kernel would look for routers on its own.
    for which in ("all", "default"):
        subprocess.run(["ip", "netns", "exec", here, "sysctl", "-qw", f"net.ipv6.conf.{which}.accept_dad=0",
                        f"net.ipv6.conf.{which}.router_solicitations=0"], check=True)
    subprocess.run(["ip", "netns", "exec", here, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"], check=True)
    for i, send in enumerate(("write", "writev", "uring-write")):
        def tun(place, i=i, send=send):
            device = Role(place.traffic(f"tun-{i}"), f"tun,pst{i},10.232.{i}.1", "wait", f"send,{send},1000,100",
                          "wait", netns=here)
            device.port()
            ear = Role(place.traffic(f"tun-ear-{i}"), f"udp,10.232.{i}.1,253", "recv,recvfrom,720,1000", netns=here)
            ear.port()
            device.go()
            ear.results()  # each frame has arrived; less 28 bytes of headers
            device.go()
            return played(f"tun, writing by {send}", IPV4, device, netns=(here, here), family_=TUN)
        yield tun

        def tap(place, i=i, send=send):
            device = Role(place.traffic(f"tap-{i}"), f"tap,pst{i}", "wait", f"send,{send},1000,100",
                          "wait", netns=here)
            device.port()
            ear = Role(place.traffic(f"tap-ear-{i}"), f"packet,pst{i},{ETHERTYPE}", "recv,recvfrom,1000,1000", netns=here)
            ear.port()
            device.go()
            ear.results()
            device.go()
            return played(f"tap, writing by {send}", ETHERTYPE, device, netns=(here, here), family_=TUN)
        yield tap
    for i, recv in enumerate(("read", "readv", "uring-read")):
        def from_tun(place, i=i, recv=recv):
            device = Role(place.traffic(f"tun-in-{i}"), f"tun,pst{i},10.232.{i}.1", f"recv,{recv},1280,2000", netns=here)
            device.port()
            Role(place.traffic(f"tun-mouth-{i}"), f"udp,10.232.{i}.1,0", f"to,10.232.{i}.2,9", "send,sendto,1000,100",
                 netns=here).results()
            return played(f"tun, reading by {recv}", IPV4, device, netns=(here, here), family_=TUN)
        yield from_tun

        def from_tap(place, i=i, recv=recv):
            device = Role(place.traffic(f"tap-in-{i}"), f"tap,pst{i}", f"recv,{recv},1000,2000", netns=here)
            device.port()
            Role(place.traffic(f"tap-mouth-{i}"), f"packet,pst{i},{ETHERTYPE}", "send,send,1000,100", netns=here).results()
            return played(f"tap, reading by {recv}", ETHERTYPE, device, netns=(here, here), family_=TUN)
        yield from_tap


def vsock():
    for kind in ("vsock", "vsock-seq"):
        for send, recv in (("send", "recv"), ("sendmsg", "recvmsg"), ("write", "read"), ("uring-send", "uring-recv")):
            yield Case(f"{kind}, {send} and {recv}", 0, f"recv,{recv},30000,2000 send,send,1000",
                       f"send,{send},30000,1000 recv,recv,1000", "1", family_=socket.AF_VSOCK,
                       sockets=(f"{kind}-listen,1,0", f"{kind}-connect,{{to}}"))
    yield Case("vsock, datagrams", 0, "recv,recvfrom,3000,1000", "to,{to} send,sendto,3000,1000", "1",
               family_=socket.AF_VSOCK, sockets=("vsock-dgram,1,0", "vsock-dgram,1,0"))


def main():
    need_root()
    for module in MODULES:
        subprocess.run(["modprobe", "-q", module], check=False)
    with Place() as place, Namespaces() as spaces, Daemon(place) as daemon:
        daemon.start()
        # Before 5.11 the kernel has no types of modules, so that the hooks cannot go into them.
        blind = daemon.status()["hooks"] == "fexit" and not os.path.exists("/sys/kernel/btf/vsock")
        unseen = [("vsock, ", "fexit", what, "no hook on modules before 5.11") for what in ("sent", "received")] if blind else []
        with open("/proc/kallsyms", encoding="ascii") as symbols:
            if any(line.split()[2] == "mptcp_splice_read" for line in symbols):
                unseen.append(("MPTCP, sendfile and splice$", "tracepoint", "received", "splice() from it passes no tracepoint"))
        check_all(place, daemon, spaces, [*icmp(spaces), *raw(spaces), *transports(), *frames(spaces), *devices(spaces),
                                          *vsock()], EXCEPTIONS + unseen, ["capture", "selftest"] if blind else [])


main()
