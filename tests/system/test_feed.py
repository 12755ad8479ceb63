#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The live feed, on real traffic: it comes within a second and adds up, a slow reader is dropped and told while a
quick one loses nothing, nobody but root and the group may read, hostile names stay JSON.
"""
import errno
import grp
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from feed import Reader, unshow  # noqa: E402
from harness import Daemon, Place, built, need_root, sha256, tap, wait_for  # noqa: E402

READERS = 16
GROUP = "daemon"
CONFIG = f"[data]\ngroup = {GROUP}\n"
NAMES = [b"\xff\xfe\x80", b"line\nbreak\r", b"\x1b[2J\x07", b"quote\"'\\x00\\", "\u202egnp.exe\u2028".encode(), b"\xed\xa0\x80"]


def hello(daemon, reader):
    line = reader.lines[0][1]
    version = daemon.command("version").stdout.split()[1]
    tap.equal([line[k] for k in ("kind", "format", "version", "host", "interval_ms")],
              ["hello", 1, version, socket.gethostname(), 500], "the first line says what comes")
    tap.ok(line["dropped"] == 0 and abs(line["time_ns"] / 1e9 - time.time()) < 60, "and when", line)


def connects_as(path, gid):
    """What a user without rights, of that group, gets: an error number, or 0."""
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(65534)
        os._exit(socket.socket(socket.AF_UNIX).connect_ex(path))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def permission(daemon):
    path = daemon.run + "/feed.sock"
    st = os.stat(path)
    tap.equal((stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid), (0o660, 0, grp.getgrnam(GROUP).gr_gid), "0660, root and the group")
    tap.equal((connects_as(path, grp.getgrnam(GROUP).gr_gid), connects_as(path, 65534)), (0, errno.EACCES),
              "one of the group may read, another may not")


def promptness(reader):
    """Datagrams at odd moments."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        s.connect(sink.getsockname())
        lport, waits = s.getsockname()[1], []
        for n in range(12):
            before, sent = reader.sum("sent", lport=lport), time.monotonic()
            s.send(b"x" * (100 + n))
            wait_for("the line", lambda b=before: reader.sum("sent", lport=lport) > b)
            waits.append(reader.of("traffic", pid=os.getpid(), lport=lport)[-1][0] - sent)
            time.sleep(0.13 * (n % 5))
        tap.ok(max(waits) < 1, "what is sent is shown within a second", *waits)
        tap.note(f"longest of 12: {max(waits):.3f} s")
        tap.equal(reader.sum("sent", lport=lport), sum(100 + n for n in range(12)), "each datagram once")
        line = reader.of("traffic", pid=os.getpid(), lport=lport)[-1][1]
        exe = os.path.realpath("/proc/self/exe")
        tap.equal((line["exe"], line["sha256"], line["uid"], line["family"], line["protocol"], line["raddr"], line["rport"]),
                  (exe, sha256(exe), os.getuid(), 2, 17, "127.0.0.1", sink.getsockname()[1]), "with who it was, and to whom", line)


def sums(reader):
    """A stream over several drains."""
    total = 0
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as out:
        back = server.accept()[0]
        port, other = server.getsockname()[1], out.getsockname()[1]
        taker = threading.Thread(target=lambda: [0 for _ in iter(lambda: len(back.recv(1 << 20)), 0)])
        taker.start()
        for _ in range(30):
            out.sendall(b"y" * 100001)
            total += 100001
            time.sleep(0.08)
        out.shutdown(socket.SHUT_WR)
        taker.join()
        back.close()
    wait_for("the last bytes", lambda: reader.sum("received", lport=port) >= total and reader.sum("sent", lport=other) >= total)
    tap.equal((reader.sum("sent", lport=other), reader.sum("received", lport=port)), (total, total), "bytes add up, both ways")
    tap.ok(len(reader.of("traffic", pid=os.getpid(), lport=other)) >= 4, "as they are moved, not at the end")
    wait_for("ends", lambda: [1 for _, line in reader.of("traffic", lport=other) if "closed_ns" in line])
    lines = [line for _, line in reader.of("traffic", pid=os.getpid(), lport=other)]
    tap.ok({line["direction"] for line in lines} == {"out"} and len({line["opened_ns"] // 10**6 for line in lines}) <= 2,
           "the connection's direction, beginning and end", *lines[:3])


def programs(daemon, place, reader):
    """New programs, with names that want to harm."""
    source = place.copy(built("tests/system/blink"), "source")
    for n, name in enumerate(NAMES):
        path = os.fsencode(place.path) + b"/" + name
        shutil.copy(os.fsencode(source), path)
        with open(path, "ab") as f:
            f.write(b"%d" % n)
        subprocess.run([path, b"127.0.0.1", b"%d" % (1000 + n)], check=True)
        told = wait_for("the program", lambda p=path: [line for _, line in reader.of("program", event="new_exe", role="self")
                                                       if unshow(line["exe"]) == p])
        tap.ok(len(told) == 1 and told[0]["sha256"] == sha256(path) and told[0]["pexe"], f"a new program, {name!r}", *told)
        shown = wait_for("its flow", lambda p=path: [line for _, line in reader.of("traffic") if unshow(line.get("exe", "")) == p])
        tap.ok(shown[0]["sent"] > 0, "and what it sent", shown)
    tap.ok(not reader.bad, "every line is JSON", *reader.bad)
    os.kill(daemon.process.pid, signal.SIGHUP)
    alert = wait_for("the alert", lambda: reader.of("alert", stage="config"))
    tap.ok("read again" in alert[0][1]["text"], "alerts come, too", alert)


def live_view(daemon):
    """What `picosnitch top` makes of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        s.connect(sink.getsockname())
        lport, rport = s.getsockname()[1], sink.getsockname()[1]
        readers = daemon.status()["feed"]["readers"]
        child = subprocess.Popen([daemon.program, "--config", daemon.config, "top", "--json", "-n", "1", "-d", "4"],
                                 stdout=subprocess.PIPE, text=True)
        wait_for("it to read", lambda: daemon.status()["feed"]["readers"] > readers)
        for n in range(10):
            s.send(b"x" * (1000 + n))
            time.sleep(0.1)
        shown = json.loads(child.communicate(timeout=60)[0])
    mine = [c for c in shown["connections"] if c.get("lport") == lport and c["exe"] == os.path.realpath("/proc/self/exe")]
    tap.equal([(c["sent"], c["protocol"], c["peer"].rsplit(":")[-1]) for c in mine], [(10045, "udp", str(rport))], "top has the flow, to the byte")
    tap.ok(shown["state"] == "live" and shown["garbled"] == 0 and shown["host"] == socket.gethostname(), "and understands every line", shown)
    found = [p for p in shown["programs"] if p.get("exe") == os.path.realpath("/proc/self/exe")]
    tap.ok(len(found) >= 1 and sum(p["sent"] for p in found) >= 10045 and shown["sent"] >= 10045, "and the program", found)


def flood(until):
    """Datagrams to thousands of ports: what was sent."""
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        while not until():
            for port in range(20000, 23000):
                s.sendto(b"z" * 10, ("127.0.0.3", port))
                sent += 10
            time.sleep(0.2)
    return sent


def slow(daemon, quick):
    lazy = Reader(daemon)
    lazy.start()  # takes nothing
    before = daemon.status()["feed"]
    deadline = time.monotonic() + 60

    def dropped():
        return daemon.status()["feed"]["dropped"] > before["dropped"] or time.monotonic() > deadline

    sent = flood(dropped)
    after = daemon.status()["feed"]
    tap.equal(after["dropped"] - before["dropped"], 1, "a reader that takes nothing is dropped, and status says so")
    tap.ok(after["waiting"] <= 8 << 20, "no more than 8 MiB waits for it", after)
    lazy.go.set()
    wait_for("its end", lambda: lazy.ended)
    tap.ok(lazy.lines[-1][1]["kind"] == "end" and lazy.lines[-1][1]["why"] == "slow" and not lazy.bad,
           "its last line says that it was too slow", lazy.lines[-1], *lazy.bad)
    tap.ok(lazy.lines[0][1]["kind"] == "hello" and sum(line["sent"] for _, line in lazy.of("traffic", raddr="127.0.0.3")) > 0,
           "it has what came until then")

    def seen():
        flows = [line for _, line in quick.of("traffic", pid=os.getpid())]
        return sum(line["sent"] for line in flows if line.get("raddr") == "127.0.0.3" or "merged" in line)
    wait_for("the last datagrams", lambda: seen() >= sent)
    tap.equal(seen(), sent, "the quick reader has every byte")
    tap.ok(any("merged" in line for _, line in quick.of("traffic", pid=os.getpid())), "flows beyond a drain's bound are added up")
    tap.ok(not quick.bad and not quick.ended, "and is still there", *quick.bad)
    late = Reader(daemon).begin()
    tap.equal(late.lines[0][1]["dropped"], 1, "who comes next is told")
    late.close()
    text = daemon.command("status").stdout
    tap.ok("live feed" in text and "1 were too slow" in text, "and `picosnitch status` does", text)


def many(daemon):
    wait_for("readers to go", lambda: daemon.status()["feed"]["readers"] == 1)
    readers = [Reader(daemon) for _ in range(READERS - 1 + 50)]
    for reader in readers:
        reader.start()
        reader.go.set()
    wait_for("an answer", lambda: all(r.lines for r in readers))
    kinds = [(r.lines[0][1]["kind"], r.lines[0][1].get("why")) for r in readers]
    tap.equal((kinds.count(("hello", None)), kinds.count(("end", "full"))), (READERS - 1, 50), "beyond 16 readers, the others are told")
    tap.equal(daemon.status()["feed"]["refused"], 50, "and counted")
    for reader in readers:
        if not reader.ended:
            reader.close()
    wait_for("readers to go", lambda: daemon.status()["feed"]["readers"] == 1)


def main():
    need_root()
    with Place() as place, Daemon(place) as daemon:
        daemon.configure(CONFIG)
        daemon.start()
        quick = Reader(daemon).begin()
        hello(daemon, quick)
        permission(daemon)
        promptness(quick)
        sums(quick)
        programs(daemon, place, quick)
        live_view(daemon)
        slow(daemon, quick)
        many(daemon)
        tap.equal(daemon.stop(), 0, "it stops")
        wait_for("the end", lambda: quick.ended)
        tap.equal(quick.lines[-1][1], {"kind": "end", "why": "stopped"}, "which is said")
        tap.ok(not os.path.exists(daemon.run + "/feed.sock"), "the socket is gone")
        ticks = [line for _, line in quick.of("tick")]
        flows = [line for _, line in quick.of("traffic")]
        for key in "sent", "received", "calls":
            tap.equal(sum(t[key] for t in ticks), sum(f[key] for f in flows), f"lines add up to the drains' sums: {key}")
        tap.ok(all(b["start_ns"] == a["end_ns"] for a, b in zip(ticks, ticks[1:])), "drains follow each other without a gap")
    tap.done()


main()
