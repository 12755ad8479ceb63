#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Who listens, in the live feed: every family, whose it is, in which namespace; sockets that several processes have;
those that close; hostile names; more than can be told. Nobody looks while nobody reads.
"""
import contextlib
import ctypes
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from feed import Reader, unshow  # noqa: E402
from harness import PYTHON, Daemon, Namespaces, Place, need_root, sha256, tap, wait_for  # noqa: E402

MOST = 4096
SLACK = 100
HOSTILE = "<b>&'\"\\x00".encode() + b"\n\r\x1b[2J\x1b]0;x\x07\xff\xfe" + "\u202egnp".encode()
# Listens as it is told, tells its ports, and ends when its input does.
LISTENER = """
import json, os, socket, sys
kept = []
for family, kind, address in json.loads(sys.argv[1]):
    s = socket.socket(family, kind)
    s.bind((address, 0))
    if kind == socket.SOCK_STREAM:
        s.listen()
    kept.append(s)
sys.stdout.write(json.dumps([s.getsockname()[1] for s in kept]) + "\\n")
sys.stdout.flush()
sys.stdin.read()
"""


class Listener:
    """A process that listens."""

    def __init__(self, *sockets, program=PYTHON, netns=None, **popen):
        enter = ["ip", "netns", "exec", netns] if netns else []
        self.process = subprocess.Popen([*enter, program, "-c", LISTENER, json.dumps(sockets)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, **popen)
        self.ports = json.loads(self.process.stdout.readline())
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate(timeout=60)


def look(reader):
    """The last whole look: its sockets, and what ends it."""
    found, of, end = [], [], None
    for _, line in list(reader.lines):
        if line["kind"] == "listen":
            found.append(line)
        elif line["kind"] == "listening":
            of, end, found = found, line, []
    return of, end


def waiting(reader, **fields):
    """The lines of the last look with these fields."""
    return [line for line in look(reader)[0] if all(line.get(key) == value for key, value in fields.items())]


def shown(reader, what, n=1, **fields):
    """Those lines, once there are n."""
    try:
        return wait_for(what, lambda: (found := waiting(reader, **fields)) and len(found) == n and found, 60)
    except TimeoutError:
        tap.ok(False, what, fields, *waiting(reader, pid=fields.get("pid")), look(reader)[1])
        return [{}] * n


def host_netns():
    """Where the daemon may not look at init's, it is its own."""
    try:
        return os.stat("/proc/1/ns/net").st_ino
    except PermissionError:
        return os.stat("/proc/self/ns/net").st_ino


def unread(daemon):
    """While nobody reads, nobody looks."""
    time.sleep(3)
    tap.equal(daemon.status()["feed"]["listening"]["looks"], 0, "without a reader nobody looks")


def left(daemon, reader):
    """And nobody does again when the last reader has gone."""
    reader.close()
    wait_for("the reader to go", lambda: not daemon.status()["feed"]["readers"], 60)
    time.sleep(3)
    before = daemon.status()["feed"]["listening"]["looks"]
    time.sleep(5)
    tap.equal(daemon.status()["feed"]["listening"]["looks"], before, "nor when the last reader has gone")
    tap.ok(before > 1, "somebody did in between", before)
    # Readers that come and go make for no more looks.
    begun = time.monotonic()
    for _ in range(10):
        again = Reader(daemon).begin()
        wait_for("a look", lambda r=again: look(r)[1], 60)
        again.close()
    looks, seconds = daemon.status()["feed"]["listening"]["looks"] - before, time.monotonic() - begun
    tap.ok(looks <= 2 + seconds / 2, "readers that come and go make for few looks", looks, seconds)


def families(reader):
    own = os.stat("/proc/self/ns/net").st_ino
    exe = os.path.realpath("/proc/self/exe")
    cases = [(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"), (socket.AF_INET6, socket.SOCK_STREAM, "::1"),
             (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"), (socket.AF_INET6, socket.SOCK_DGRAM, "::1"),
             (socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0"), (socket.AF_INET6, socket.SOCK_STREAM, "::"),
             (socket.AF_INET, socket.SOCK_DGRAM, "0.0.0.0"), (socket.AF_INET6, socket.SOCK_DGRAM, "::")]
    with Listener(*cases) as other:
        for (family, kind, address), port in zip(cases, other.ports):
            protocol = 6 if kind == socket.SOCK_STREAM else 17
            line = shown(reader, f"{address}, {protocol}", pid=other.pid, lport=port, protocol=protocol, family=family)[0]
            tap.equal([line.get(key) for key in ("laddr", "uid", "netns", "exe", "sha256", "pexe")],
                      [address, os.getuid(), own, exe, sha256(exe), exe], f"{address}, {protocol}: where, whose")
        tap.equal(len(waiting(reader, pid=other.pid)), len(cases), "each once, and nothing else of it",
                  *waiting(reader, pid=other.pid))
        tap.equal(look(reader)[1]["host_netns"], host_netns(), "which namespace is the host's")
    tap.ok(wait_for("the end", lambda: not waiting(reader, pid=other.pid), 60), "of a process that has ended there is nothing")


def others(reader):
    """What does not wait for anybody, and what is not IP."""
    with contextlib.ExitStack() as stack:
        def sock(*kind):
            return stack.enter_context(socket.socket(*kind))
        bound, connected, unbound = (sock(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
        bound.bind(("127.0.0.1", 0))
        connected.connect(bound.getsockname())
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(server.getsockname()))
        stack.enter_context(server.accept()[0])
        idle = sock(socket.AF_INET, socket.SOCK_STREAM)
        idle.bind(("127.0.0.1", 0))
        again = stack.enter_context(bound.dup())
        unix = sock(socket.AF_UNIX, socket.SOCK_STREAM)
        unix.bind("\0picosnitch-test-listening")
        unix.listen()
        leaving = {server.getsockname()[1], bound.getsockname()[1]}
        want = set(leaving)
        with contextlib.suppress(OSError):
            protocol = 262  # MPTCP
            mptcp = sock(socket.AF_INET, socket.SOCK_STREAM, protocol)
            mptcp.bind(("127.0.0.1", 0))
            mptcp.listen()
            want.add(mptcp.getsockname()[1])
        with contextlib.suppress(OSError):
            vsock = sock(socket.AF_VSOCK, socket.SOCK_STREAM)
            vsock.bind((socket.VMADDR_CID_ANY, 5555))
            vsock.listen()
            # Before 5.11, what the module's types are is not told.
            port = 5555 if tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (5, 11) else None
            want.add(port)
        lines = shown(reader, "what waits here", n=len(want), pid=os.getpid())
        tap.equal({line.get("lport") for line in lines}, want,
                  "who is connected, or not bound, or has not called listen(), waits for nobody; a socket is told once",
                  *lines, connected.getsockname(), unbound, client, idle, again)
        if want & {5555, None}:
            line = [line for line in lines if line.get("lport") == port][0]
            tap.equal((line.get("family"), line.get("laddr")), (socket.AF_VSOCK, "any" if port else None), "vsock", line)
        # The same socket is someone's peer, and then is not.
        bound.connect(("127.0.0.1", 9))
        server.close()
        wait_for("the end", lambda: {line.get("lport") for line in waiting(reader, pid=os.getpid())} == want - leaving, 60)
        tap.ok(True, "a listener that is closed, or finds a peer, is gone")


def elsewhere(reader):
    with Namespaces() as spaces:
        name = spaces.names[0]
        with Listener((socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0"), netns=name) as other:
            line = shown(reader, "another namespace's", pid=other.pid, lport=other.ports[0])[0]
            tap.equal(line.get("netns"), spaces.inode(name), "a listener in another network namespace")


def shared(reader):
    """One socket of several processes."""
    pipe = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        child = os.fork()
        if not child:
            os.close(pipe[1])
            os.read(pipe[0], 1)
            os._exit(0)
        lines = shown(reader, "both", n=2, lport=port)
        tap.equal({line.get("pid") for line in lines}, {os.getpid(), child}, "a socket that a child has too: both are told")
        tap.ok(len({line.get("socket") for line in lines}) == 1 and lines[0].get("socket"), "as the same socket", *lines)
    try:
        lines = shown(reader, "the child's", lport=port)
        tap.equal(lines[0].get("pid"), child, "when one has closed it, it is the other's")
    finally:
        os.close(pipe[1])
        os.waitpid(child, 0)
    tap.ok(wait_for("the end", lambda: not waiting(reader, lport=port), 60), "and then nobody's")


def owner(reader, place):
    path = os.fsencode(place.path) + b"/" + HOSTILE
    shutil.copy(PYTHON, path)
    os.chmod(path, 0o755)
    with Listener((socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"), program=path, user=65534, group=65534, extra_groups=[]) as other:
        line = shown(reader, "a hostile name's", pid=other.pid, lport=other.ports[0])[0]
        tap.equal((unshow(line.get("exe", "")), line.get("uid"), line.get("sha256")), (path, 65534, sha256(path)),
                  "whose it is, and its name, of any bytes", line)
        tap.ok(not any(ord(c) < 32 or ord(c) == 127 for c in line.get("exe", "\n") + line.get("name", "\n")), "without control characters", line)
        # What a process calls itself is not what it is.
        libc = ctypes.CDLL(None)
        libc.prctl(15, b"\x1b[31msshd\n", 0, 0, 0)
        with socket.create_server(("127.0.0.1", 0)) as server:
            mine = shown(reader, "mine", pid=os.getpid(), lport=server.getsockname()[1])[0]
            tap.equal(mine.get("exe"), os.path.realpath("/proc/self/exe"), "a process that calls itself something else", mine)
    tap.ok(not reader.bad, "every line is JSON", *reader.bad)


def view(daemon):
    with Listener((socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"), (socket.AF_INET6, socket.SOCK_DGRAM, "::")) as other:
        done = daemon.command("top", "--json", "-n", "1", "-d", "4")
        mine = sorted((line["laddr"], line["protocol"], line["lport"], line["exe"], "netns" in line)
                      for line in json.loads(done.stdout).get("listening", []) if line["pid"] == other.pid)
        exe = os.path.realpath("/proc/self/exe")
        # Where the test runs, the host's namespace may be another.
        away = os.stat("/proc/self/ns/net").st_ino != host_netns()
        tap.equal(mine, [("127.0.0.1", "tcp", other.ports[0], exe, away), ("::", "udp", other.ports[1], exe, away)], "`top --json` has them",
                  done.stderr, done.stdout[:2000])
        text = daemon.command("top", "-b", "-n", "1", "-d", "4", "-w", "120").stdout
        tap.ok("\nLISTENING\n" in text and f"127.0.0.1:{other.ports[0]}" in text and f"[::]:{other.ports[1]}" in text,
               "and `top -b`", text)


def thousands(daemon, reader):
    """More than can be told."""
    wait_for("those of before to go", lambda: not waiting(reader, exe=os.path.realpath("/proc/self/exe")), 60)
    before = look(reader)[1]["count"]
    kept = []
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 8000), max(hard, 8000)))
    try:
        for n in range(6000):
            kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            kept[-1].bind((f"127.0.{1 + n // 250}.{1 + n % 250}", 9999))
        # Others on the machine listen as well, and cease to.
        wait_for("the last", lambda: abs(look(reader)[1]["count"] + look(reader)[1]["more"] - before - len(kept)) < SLACK, 60)
        of, end = look(reader)
        more = before + len(kept) - MOST
        tap.equal((len(of), end["count"]), (MOST, MOST), "of thousands, as many as there is room for are told")
        status = wait_for("status", lambda: (s := daemon.status()["feed"]["listening"])["more"] and s)
        tap.ok(status["found"] == MOST and abs(status["more"] - more) < SLACK, "the others are counted", end, status)
        tap.note(f"a look at {before + len(kept)} takes {status['took_us']} us, and {sum(len(json.dumps(line)) for line in of)} bytes")
        done = json.loads(daemon.command("top", "--json", "-n", "1", "-d", "4").stdout)
        tap.ok(len(done["listening"]) == MOST and abs(done["listening_more"] - more) < SLACK, "and `top` says so", done["listening_more"])
    finally:
        for s in kept:
            s.close()
    wait_for("them to go", lambda: not look(reader)[1]["more"] and not waiting(reader, pid=os.getpid()), 60)
    tap.ok(True, "and are gone when they are closed")


def main():
    need_root()
    # The daemon knows a module that is there when it starts.
    with contextlib.suppress(OSError):
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    with Place() as place, Daemon(place) as daemon:
        daemon.start()
        unread(daemon)
        reader = Reader(daemon).begin()
        wait_for("a look", lambda: look(reader)[1], 60)
        tap.ok("error" not in look(reader)[1], "this kernel can tell", look(reader)[1])
        families(reader)
        others(reader)
        elsewhere(reader)
        shared(reader)
        owner(reader, place)
        view(daemon)
        thousands(daemon, reader)
        left(daemon, reader)
        tap.equal(daemon.stop(), 0, "it stops")
        tap.ok("who listens" not in daemon.messages(), "and has nothing to complain of", daemon.messages())
    tap.done()


main()
