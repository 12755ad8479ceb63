# SPDX-License-Identifier: GPL-3.0-or-later
"""
A case is one way that bytes take, by programs of its own that keep accounts of each other. All
cases of a test run under one daemon; then it is stopped, and what it stored is compared with what
the generator's processes say of themselves: executable, hash, parent, peer, and every byte.
"""
import os
import re
import socket

from harness import PYTHON, Lacking, Role, family, plain, sha256, tap

ICMP, TCP, UDP, ICMPV6, SCTP, UDPLITE, MPTCP = 1, 6, 17, 58, 132, 136, 262
TUN = 200  # family of frames of a tun or tap device
V4, V6, MAPPED = "127.0.0.1", "::1", "::ffff:127.0.0.1"
CONNECTIONS = {TCP: "tcp", MPTCP: "mptcp"}
DATAGRAMS = {UDP: "udp", UDPLITE: "udplite"}


class Case:
    """Two programs: one opens a socket and waits, the other comes to it. {to} in steps and sockets
    is the first one's address and port, {heir} a third program, {path} a free name."""

    def __init__(self, name, protocol, listener, opener, addr=V4, netns=(None, None), bind=None, sockets=None, family_=None,
                 bits=""):
        self.name, self.protocol, self.family, self.bits = name, protocol, family_, bits
        self.listener, self.opener = listener.split(), opener.split()
        self.addr, self.bind, self.netns, self.sockets = addr, bind or addr, netns, sockets
        self.flows = []   # (program, flow, which of netns)
        self.totals = {}  # program: (sent, received), of who does not tell his flows
        self.sides = {}   # program: who opened its connection
        self.programs, self.parents, self.lacks = [], [PYTHON], None

    def specs(self):
        if self.sockets:
            return self.sockets
        if self.protocol in CONNECTIONS:
            kind = CONNECTIONS[self.protocol]
            return f"{kind}-listen,{self.bind},0", f"{kind}-connect,{{to}}"
        kind = DATAGRAMS[self.protocol]
        return f"{kind},{self.bind},0", f"{kind},{self.addr if self.netns[0] is None else '::'},0"

    def play(self, place, n):
        roles = []
        try:
            names = [place.traffic(f"{n}-{side}", self.bits) for side in ("listener", "opener", "heir")]
            ear, mouth = self.specs()
            words = {"heir": names[2], "path": place.file(f"{n}-path")}
            listener = Role(names[0], ear, *(s.format(**words) for s in self.listener), netns=self.netns[0])
            roles.append(listener)
            words["to"] = f"{self.addr},{listener.port()}"
            opener = Role(names[1], mouth.format(**words), *(s.format(**words) for s in self.opener), netns=self.netns[1])
            roles.append(opener)
            try:
                self.took_part(opener, 1, names[2])
            except RuntimeError:
                listener.results()  # it may have left because of what the kernel lacks
                raise
            self.took_part(listener, 0)
            if self.protocol == TCP and not self.sockets:
                self.sides = {names[0]: "in", names[1]: "out", names[2]: "out"}
        except Lacking as lack:
            self.lacks = str(lack)
            for role in roles:
                role.kill()

    def took_part(self, role, side=0, heir=None):
        """Waits for its end. What follows its own account is that of the heir."""
        for i, result in enumerate(role.results()):
            program = heir if i else role.program
            self.programs.append(program)
            self.flows += [(program, flow, side) for flow in result["flows"]]

    def check(self, rows, door, inodes):
        """What does not hold: (what kind of thing, a line about it)."""
        wrong = []
        for program in dict.fromkeys(self.programs):
            mine = [r for r in rows if r.exe.path == program]
            flows = [(f, side) for p, f, side in self.flows if p == program and f["sent"] + f["received"]]
            want = self.totals.get(program) or (sum(f["sent"] for f, _ in flows), sum(f["received"] for f, _ in flows))
            got = (sum(r.sent for r in mine), sum(r.received for r in mine))
            if got[0] != want[0]:
                wrong.append(("sent", f"{os.path.basename(program)}: stored {got} bytes, moved {want}"))
            if got[1] != want[1]:
                wrong.append(("received", f"{os.path.basename(program)}: stored {got} bytes, moved {want}"))
            if got == want:
                for flow, side in flows:
                    wrong += self.check_flow(flow, mine, inodes[side])
            hashed = self.hash_of(program)
            for r in mine:
                if (r.exe.sha256, r.exe.name) != (hashed, os.path.basename(program)[:15]):
                    wrong.append(("executable", f"{r.exe}, its hash is {hashed}"))
                if r.parent.path not in (*self.parents, *self.programs) or len(r.parent.sha256) != 64:
                    wrong.append(("parent", r.parent))
                if r.protocol != self.protocol:
                    wrong.append(("protocol", r.protocol))
                if r.uid != 0:
                    wrong.append(("user", r.uid))
        return wrong

    def hash_of(self, program):
        return sha256(program)

    def peers(self, flow):
        """The other ends that may stand in the store for this one."""
        raddr, rport = plain(flow["raddr"]), flow["rport"]
        if self.family in (socket.AF_PACKET, TUN):
            return {("", -1)}
        if raddr:
            return {(raddr, -1 if self.portless(flow) else rport)}
        # Nobody told the program: it must be the other one.
        return {(plain(f["laddr"]), f["lport"]) for _, f, _ in self.flows if f is not flow}

    def portless(self, flow):
        return flow["lport"] == -1 or self.protocol in (ICMP, ICMPV6)

    def check_flow(self, flow, rows, netns):
        laddr, raddr = plain(flow["laddr"]), plain(flow["raddr"])
        peers = self.peers(flow)
        # A ping's own port is the number that its requests have.
        ports = {flow["lport"], -1 if self.portless(flow) else flow["lport"]}
        near = [r for r in rows if r.lport in ports]
        found = [r for r in near if (r.raddr, r.rport) in peers]
        moved = (flow["sent"], flow["received"])
        if (sum(r.sent for r in found), sum(r.received for r in found)) != moved:
            empty = ("", -1 if self.portless(flow) else 0)
            found = [r for r in near if (r.raddr, r.rport) in {*peers, empty}]
            known = (sum(r.sent for r in found), sum(r.received for r in found)) == moved
            return [("no peer" if known else "peer", f"{flow}"), *(("row", r[2:13]) for r in rows)]
        wrong = [("life", f"{flow}: opened {r.direction} at {r.opened}, closed {r.closed}, window {r.time} to {r.end}") for r in found
                 if r.exe.path in self.sides and (r.direction != self.sides[r.exe.path] or not r.opened or
                                                  not r.time - 60 <= r.opened <= r.end + 1)]
        heir = len(set(self.programs)) > 2  # the end is that of who had it last
        if self.sides and not heir and not any(r.closed and r.closed >= r.opened for r in near):
            wrong += [("life", f"{flow}: its end is not stored"), *(("row", r[2:13]) for r in rows)]
        return wrong + [("ends", f"{flow}: local {r.laddr}, family {r.family}, netns {r.netns}") for r in found
                if (laddr and r.laddr != laddr) or r.netns != netns or
                r.family != (self.family or family(raddr or laddr or r.laddr or r.raddr))]


def played(name, protocol, *roles, netns=(None, None), **more):
    """A case of roles that have been started already, all in the first namespace."""
    case = Case(name, protocol, "", "", netns=netns, **more)
    try:
        for role in roles:
            case.took_part(role)
    except Lacking as lack:
        case.lacks = str(lack)
        for role in roles:
            role.kill()
    return case


def check_all(place, daemon, spaces, cases, exceptions=(), said=()):
    """Plays the cases (functions give theirs), stops the daemon, and gives one result for each.
    exceptions: (pattern of the case's name, door, what, why) of what a door does not see; `what` is
    sent, received, protocol or no peer (it is empty in the store). One that did not occur in any of
    its cases is an error too. said: the stages of losses that the daemon must have told of, and no other."""
    own = os.stat("/proc/self/ns/net").st_ino
    door = daemon.status()["hooks"]
    tap.note(f"door: {door}")
    done = []
    for n, case in enumerate(cases):
        if isinstance(case, Case):
            case.play(place, n)
        else:
            case = case(place)
        done.append(case)
    lost = daemon.status()["losses"]
    tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
    tap.equal(sorted({loss["stage"] for loss in lost}), sorted(said), "nothing was lost, or it is said", daemon.messages())
    rows = daemon.rows()
    here = {e: False for e in exceptions if e[1] == door}
    for case in done:
        if case.lacks:
            tap.skip(case.name, case.lacks)
            continue
        wrong = case.check(rows, door, [spaces.inode(n) if n else own for n in case.netns])
        excused = [e for e in here if re.match(e[0], case.name) and e[2] in {kind for kind, _ in wrong}]
        here.update(dict.fromkeys(excused, True))
        kinds = {"row", *(e[2] for e in excused)}
        bad = [w for w in wrong if w[0] not in kinds]
        tap.ok(not bad, case.name + "".join(f" ({e[2]}: {e[3]})" for e in excused), *wrong[:12])
    played_names = [case.name for case in done if not case.lacks]
    for e, occurred in here.items():
        if any(re.match(e[0], name) for name in played_names):
            tap.ok(occurred, f"an exception that holds: {e[0]}, {e[2]}")
    tap.done()
