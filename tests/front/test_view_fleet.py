#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`picosnitch view` on a terminal over a PostgreSQL and a MariaDB server that have the rows of several machines: screens, down
to one of them, a server that is held up, goes and comes back; and over the store of a daemon that is writing to it, as root.

PICOSNITCH  the program (default: that of the build tree)
"""
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "system")]
import fleet  # noqa: E402
import screens  # noqa: E402
from screens import tap, values  # noqa: E402
from terminal import Terminal  # noqa: E402
from harness import Daemon, Place, Role, need_root, wait_for  # noqa: E402


def has(terminal, what, *words, seconds=10):
    """Whether all of these come to be on the screen, and no question is out."""
    terminal.wait(lambda text: all(re.search(w, text) for w in words) and "ASKING" not in text, seconds)
    text = terminal.text()
    return tap.ok(all(re.search(w, text) for w in words), what, words, text)


def shown(terminal, what, path, rows):
    """Whether that way leads to those rows."""
    terminal.wait(lambda text: re.search(f"(?m)^{re.escape(path)}$", text) and values(terminal) == rows and "ASKING" not in text)
    tap.equal((path in terminal.lines(), values(terminal)), (True, rows), what, terminal.text())


def server(kind):
    name = kind.called
    machines = kind()
    machines.fill()
    with screens.Place("view", f"[paths]\nplugins = {fleet.PLUGINS}\nstate = {{path}}\n[geoip]\nenabled = no\n"
                       + machines.section(query_timeout="1 s", connect_timeout="2 s")) as place:
        os.chmod(place.config, 0o600)
        terminal = Terminal(place.argv("--store", "fleet"), 120, 30)
        try:
            has(terminal, f"{name}: the first screen", "fleet of 3 machines, last row [0-9]+ s ago", "by executable", "\n7 entries; sent 108.6 kB, received 6.3 MB",
                "LOST 4.5 kB sent, 60 B received; flows 12 times: the flow table was full", "(?m)^/usr/bin/curl .* 18.0 kB +6.3 MB", "█")
            terminal.key("da")
            shown(terminal, f"{name}: by machine", "by machine", ["gamma", "beta", "alpha"])
            terminal.key("jj ")
            shown(terminal, f"{name}: down to one of them", "host=alpha > by executable",
                  ["/usr/bin/curl", "/usr/lib/firefox/firefox", "/usr/bin/agent", "/usr/sbin/sshd", "/usr/bin/only-0"])
            has(terminal, f"{name}: its losses alone", "LOST 1.5 kB sent, 20 B received; flows 4 times")
            terminal.key("jj ")
            shown(terminal, f"{name}: and on", "host=alpha > exe=/usr/bin/agent > by domain", ["-"])
            terminal.key("\r")
            shown(terminal, f"{name}: to addresses", "host=alpha > exe=/usr/bin/agent > domain=- > by remote address",
                  ["11.0.0.1", "127.0.0.1", "10.0.0.1", "8.8.8.8", "1.0.0.1"])
            terminal.key("\x7f\x7f\x7f")
            shown(terminal, f"{name}: and back", "by machine", ["gamma", "beta", "alpha"])
            terminal.key("e")
            shown(terminal, f"{name}: without the one that was chosen", "host!=alpha > by machine", ["gamma", "beta"])
            terminal.key("E1")
            has(terminal, f"{name}: all of them", "\n7 entries; ")

            machines.lock()
            terminal.key("r")
            terminal.key("?")
            has(terminal, f"{name} is held up: keys are taken meanwhile", "any key goes back", seconds=0.5)
            terminal.key("x")
            has(terminal, f"{name}: after the limit it says so", "took longer than 1 s and was given up", "r asks again")
            machines.unlock()
            terminal.key("r")
            has(terminal, f"{name}: r asks again", "\n7 entries; ", "/usr/bin/agent")

            machines.stop()
            terminal.key("r")
            has(terminal, f"{name} is stopped: it says so", "(?i)connect", "r asks again")
            tap.equal(terminal.ended(0.3), None, f"{name}: and goes on")
            machines.again()
            terminal.key("r")
            has(terminal, f"{name} is back", "\n7 entries; ", "/usr/bin/agent")
            machines.stop()
            machines.again()
            terminal.key("2")
            has(terminal, f"{name} was started again between two questions: nobody sees that", "by domain", "(?m)^com.example.www ")
            machines.server.freeze()
            terminal.key("1")
            began = time.monotonic()
            terminal.key("q")
            tap.equal((terminal.ended(), terminal.restored(), time.monotonic() - began < 2), (0, True, True), f"{name} says nothing: q ends it nevertheless")
            machines.server.thaw()
        finally:
            terminal.close()
        for options, word in ((("--store", "fleet", "-f", "host=beta"), "host=beta > by executable"),
                              (("--store", "fleet", "-b", "host", "-l", "all"), "by machine")):
            terminal = Terminal(place.argv(*options), 120, 30)
            has(terminal, f"{name}: {' '.join(options)}", word, "entries; ")
            terminal.close()
        machines.rights("INSERT")
        terminal = Terminal(place.argv("--store", "fleet"), 120, 30)
        has(terminal, f"{name}: no right to read: what to do", "may only insert", "SELECT")
        terminal.close()
        machines.stop()
        terminal = Terminal(place.argv("--store", "fleet"), 120, 30)
        tap.ok(terminal.ended() == 1 and re.search("(?i)connect", terminal.text()), f"{name}: not there at the start: told", terminal.text())
        terminal.close()


def talk(place, name, size):
    """A program of that name sends a datagram to another."""
    ear = Role(place.traffic(f"{name}-ear"), "udp,127.0.0.1,0", f"recv,recvfrom,{size},{size}")
    mouth = Role(place.traffic(name), "udp,127.0.0.1,0", f"to,127.0.0.1,{ear.port()}", f"send,sendto,{size},{size}")
    mouth.result()
    ear.result()


def live():
    if os.geteuid() or not os.path.exists("/sys/kernel/btf/vmlinux"):
        tap.skip("a daemon's store", "needs root, and a kernel with BTF")
        return
    need_root()
    with Place() as place, Daemon(place, write_interval="1 s") as daemon:
        daemon.start()
        talk(place, "first", 4000)
        wait_for("the store", lambda: [r for r in daemon.rows() if r.exe.name == "first"])
        ours = f"{place.path}/"
        terminal = Terminal([daemon.program, "--config", daemon.config, "view", "-l", "1h"], 140, 40)
        try:
            has(terminal, "a daemon's store: what it has", f"(?m)^{ours}first .* 4.0 kB", "last row [0-9]+ s ago")
            talk(place, "second", 3000)
            wait_for("the store", lambda: [r for r in daemon.rows() if r.exe.name == "second"])
            tap.ok("second" not in terminal.text(), "it stays as it was while it is read")
            terminal.key("r")
            has(terminal, "r: the row that has come", f"(?m)^{ours}second .* 3.0 kB", f"{ours}first ")
            terminal.key(f"/{ours}second\n ")
            has(terminal, "down to it", f"exe={ours}second > by domain")
            terminal.key("3")
            has(terminal, "to its addresses", "(?m)^127.0.0.1 ", "1 entry; sent 3.0 kB")
            tap.equal(daemon.stop(), 0, "the daemon ends")
            terminal.key("r")
            time.sleep(0.5)
            has(terminal, "its store can be read on", "(?m)^127.0.0.1 ", "1 entry; sent 3.0 kB")
            terminal.key("q")
            tap.equal((terminal.ended(), terminal.restored()), (0, True), "q")
        finally:
            terminal.close()


def main():
    for kind, why in fleet.kinds():
        began = time.monotonic()
        if why:
            tap.skip(kind.called, why)
        else:
            server(kind)
            tap.note(f"{kind.called}: {time.monotonic() - began:.1f} s")
    live()
    tap.done()


main()
