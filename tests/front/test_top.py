#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`picosnitch top` on a terminal: every key, screens as text at several sizes and in both locales, hostile names, what
it does when the feed goes and comes, signals, and rounds of text and JSON. The feed is the test's own.

PICOSNITCH  the program (default: that of the build tree)
"""
import fcntl
import grp
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from screens import PROGRAM, Place, play, shell_job, tap  # noqa: E402
from terminal import Feed, Terminal  # noqa: E402

HOSTILE = "/opt/\u0301\u0301\u0301日本語\u202egnp\u0301\u0301\u0301\u0301👍🏽/\x1b[2J\x1b]0;x\x07\n\t" + "ü" * 500
LISTENING = ["tcp     0.0.0.0:22                   /usr/sbin/sshd        ssh.service",
             "tcp     [::]:22                      /usr/sbin/sshd        ssh.service",
             "udp     224.0.0.251:5353             ...ib/firefox/firefox web, netns 7"]
FOOT = "?: help  q: quit  sort >BOTH/s  units auto"


def drain(feed):
    """Three programs: half a second of theirs."""
    feed.traffic("/usr/bin/curl", 1000, 500000, domain="com.example.www")
    feed.traffic("/usr/lib/firefox/firefox", 20000, 3000, lport=40001, raddr="2001:db8::1")
    feed.traffic("/usr/sbin/sshd", 20, 30, lport=22, rport=5555, direction="in", raddr="203.0.113.7")
    feed.traffic("/usr/sbin/sshd", 20, 30, lport=22, rport=5556, direction="in", raddr="203.0.113.8")
    listeners(feed)
    feed.tick(21040, 503060)


def listeners(feed):
    """A look; not in order."""
    feed.waits("/usr/lib/firefox/firefox", 5353, protocol=17, laddr="224.0.0.251", uid=1000, netns=7, container="web")
    feed.waits("/usr/sbin/sshd", 22, unit="ssh.service")
    feed.waits("/usr/sbin/sshd", 22, family=10, laddr="::", unit="ssh.service")
    feed.looked()


class Shown:
    """top on a terminal, once it shows the drain."""

    def __init__(self, place, columns, rows, *options, **env):
        self.feed = Feed(place.path)
        self.terminal = Terminal(place.argv("-d", "0.2", *options), columns, rows, **env)
        self.feed.accept()
        drain(self.feed)
        self.terminal.wait(lambda text: "curl" in text and "sshd" in text or rows < 6 and "curl" in text)
        self.terminal.read(0.3)

    def __enter__(self):
        return self.terminal, self.feed

    def __exit__(self, *_):
        self.terminal.close()
        self.feed.close()


def programs(terminal):
    """The first letters of the programs' last names, from above."""
    return "".join(m[1][0] for m in re.finditer(r"(?m)(curl|firefox|sshd) .*[0-9.]+ k?M?G?B", terminal.text().split("NEW")[0]))


def squeeze(line):
    return re.sub(" +", " ", line.strip())


def screens(place):
    with Shown(place, 80, 24) as (terminal, feed):
        tap.equal(terminal.lines(), [
            "picosnitch 9.9 on box 22:13:20 live",
            "sent 42.1 kB/s, received 1.0 MB/s; since 22:13:20: 21.0 kB and 503.1 kB",
            "3 programs; nothing lost",
            "PROGRAM               SENT/s   RECV/s  >BOTH/s     TOTAL  CONN LAST PEER",
            "/usr/bin/curl         2.0 kB   1.0 MB   1.0 MB  501.0 kB     1 com.example.ww...",
            ".../firefox/firefox  40.0 kB   6.0 kB  46.0 kB   23.0 kB     1 [2001:db8::1]:443",
            "/usr/sbin/sshd          80 B    120 B    200 B     100 B     2 203.0.113.8:5556"] + [""] * 8 + [
            "NEWEST CONNECTIONS",
            "22:13:20 tcp  /usr/sbin/sshd                    <- 203.0.113.8:5556 at :22",
            "22:13:20 tcp  /usr/sbin/sshd                    <- 203.0.113.7:5555 at :22",
            "22:13:20 tcp  /usr/lib/firefox/firefox          -> [2001:db8::1]:443",
            "22:13:20 tcp  /usr/bin/curl                     -> com.example.www:443"] + [""] * 3 + [FOOT],
            "80x24: programs, connections, sums")
        terminal.size(20, 5)
        terminal.wait(lambda text: "prog\n" in text + "\n" and "LAST" not in text)
        terminal.read(0.2)
        small = ["1.0 MB/s 3 prog", "PROGRAM      >BOTH/s", "...bin/curl   1.0 MB", ".../firefox  46.0 kB", "?: help  q: quit ..."]
        tap.equal(terminal.lines(), small, "20x5 after a resize")
        terminal.key("\t")
        tap.equal(terminal.lines()[1:4], ["LISTENING", "0.0.0.0:22 ...n/sshd", "[::]:22    ...n/sshd"], "20x5: another pane takes its place")
        terminal.key("\t")
        tap.equal(terminal.lines()[1:4], ["NEW PROGRAMS AND ...", "none yet", ""], "20x5: and another")
        terminal.size(300, 100)
        terminal.wait(lambda text: "RECV" in text and len(terminal.lines()) == 100)
        terminal.key("\t\t")
        terminal.read(0.3)
        lines = terminal.lines()
        tap.equal([squeeze(line) for line in lines[3:5]],
                  ["PROGRAM SENT/s RECV/s >BOTH/s SENT RECV TOTAL CONN LISTEN LAST PEER",
                   "/usr/bin/curl 2.0 kB 1.0 MB 1.0 MB 1.0 kB 500.0 kB 501.0 kB 1 0 com.example.www:443"], "300x100: all columns")
        tap.ok(lines.index("NEWEST CONNECTIONS") < lines.index("NEW PROGRAMS AND ALERTS") and lines[99] == FOOT,
               "300x100: connections and news below", *lines)
        terminal.key("\t")
        lines = terminal.lines()
        tap.ok(lines.index("LISTENING") < lines.index("NEW PROGRAMS AND ALERTS"), "300x100: listeners and news below", *lines)
        terminal.key("\t\t\t")
        for columns, rows in ((1, 1), (2, 2), (7, 3), (19, 4), (39, 9), (40, 10), (1000, 3)):
            terminal.size(columns, rows)
            terminal.read(0.3)
        tap.equal(terminal.ended(0.3), None, "it survives any size")
        terminal.size(20, 5)
        terminal.wait(lambda text: text == "\n".join(small))
        tap.equal(terminal.lines(), small, "and draws the same again")
        terminal.key("q")
        tap.equal((terminal.ended(), terminal.restored()), (0, True), "q: the terminal is as it was")


def sort_keys(place):
    with Shown(place, 100, 30) as (terminal, feed):
        for key, want, title in (("b", "cfs", ">BOTH/s"), ("B", "sfc", "<BOTH/s"), ("s", "fcs", ">SENT/s"), ("S", "scf", "<SENT/s"),
                                 ("r", "cfs", ">RECV/s"), ("R", "sfc", "<RECV/s"), ("x", "fcs", ">SENT"), ("X", "scf", "<SENT"),
                                 ("y", "cfs", ">RECV"), ("Y", "sfc", "<RECV"), ("t", "cfs", ">TOTAL"), ("T", "sfc", "<TOTAL"),
                                 ("c", "scf", ">CONN"), ("C", "cfs", "<CONN"), ("p", "cfs", ">PROGRAM"), ("P", "sfc", "<PROGRAM"),
                                 ("l", "sfc", ">LISTEN"), ("L", "cfs", "<LISTEN"),
                                 ("w", "sfc", ">LAST PEER"), ("W", "cfs", "<LAST PEER"), ("<", "cfs", "<LISTEN"), ("<", "cfs", "<CONN"),
                                 (">", "cfs", "<LISTEN"), (">", "cfs", "<LAST PEER"),
                                 (">", "sfc", "<PROGRAM"), ("i", "cfs", ">PROGRAM")):
            terminal.key(key)
            tap.equal((programs(terminal), f"sort {title}  " in terminal.lines()[-1]), (want, True), f"key {key}: sorted {title}",
                      terminal.text())


def other_keys(place):
    with Shown(place, 80, 24) as (terminal, feed):
        for key, word in (("u", "units B"), ("u", "units kB"), ("u", "units MB"), ("u", "units GB"), ("U", "units MB"), ("u", "units GB"),
                          ("u", "units auto")):
            terminal.key(key)
            tap.ok(terminal.lines()[-1].endswith(word), f"key {key}: {word}", terminal.text())
        terminal.key(" ")
        before = terminal.lines()
        drain(feed)
        terminal.read(0.6)
        tap.ok(terminal.lines() == before and before[-1].startswith("PAUSED"), "space: nothing moves", terminal.text())
        terminal.key("t")
        terminal.read(0.3)
        tap.ok(">TOTAL" in terminal.text() and "501.0 kB" in terminal.text(), "but it can be sorted")
        terminal.key(" ")
        tap.ok("1.0 MB     1" in terminal.text() and "PAUSED" not in terminal.text(), "space: on, with what came meanwhile", terminal.text())
        terminal.key("z")
        tap.ok("since 22:13:21: 0 B and 0 B" in terminal.text(), "z: totals begin again", terminal.text())
        tap.ok("2.0 kB   1.0 MB   1.0 MB       0 B" in terminal.text(), "rates go on", terminal.text())
        feed.say("program", event="new_exe", start_ns=feed.now, end_ns=feed.now, text="new executable: /usr/bin/nc")
        feed.say("alert", stage="ring", start_ns=feed.now, end_ns=feed.now, text="events were lost", count=3, sent=1500, received=20)
        terminal.key("\t")
        tap.ok("\nLISTENING\n" in terminal.text(), "Tab: who listens", terminal.text())
        terminal.key("\t")
        terminal.wait(lambda text: "ALERT events" in text)
        lines = terminal.lines()
        at = lines.index("NEW PROGRAMS AND ALERTS")
        tap.equal(lines[at + 1:at + 3], ["22:13:21 ALERT events were lost", "22:13:21 new executable: /usr/bin/nc"], "Tab: what is new")
        tap.equal(lines[2], "3 programs; 1 ALERT, lost 1.5 kB sent, 20 B received", "losses are above")
        terminal.key("]")
        tap.equal(terminal.lines()[at + 1], "22:13:21 new executable: /usr/bin/nc", "]: scrolled")
        terminal.key("[")
        tap.equal(terminal.lines()[at + 1], "22:13:21 ALERT events were lost", "[: and back")
        terminal.key("\t")
        tap.ok("NEW" not in terminal.text(), "Tab: no pane")
        terminal.key("\t")
        tap.ok("NEWEST CONNECTIONS" in terminal.text(), "Tab: connections")
        terminal.key("?")
        tap.ok(terminal.lines()[0] == "Keys" and terminal.lines()[-1] == "any key goes back", "?: help", terminal.text())
        terminal.key("\x1b[B\x1b[B\x1b[A")
        tap.ok(terminal.lines()[0].startswith("space"), "it scrolls")
        terminal.key("\x1b[6~")
        tap.ok("-> opened here" in terminal.text(), "by pages")
        terminal.key("\x1b[5~")
        tap.ok(terminal.lines()[0] == "Keys", "and back")
        terminal.key("x")
        tap.ok("CONNECTIONS" in terminal.text() and "sort >TOTAL" in terminal.text(), "another key only goes back", terminal.text())
        terminal.key("\x0c")
        tap.ok("CONNECTIONS" in terminal.text(), "Ctrl-L draws again")


def listening(place):
    """The pane, and the column, from not known to known and back."""
    def column(terminal):
        at = next(line for line in terminal.lines() if line.startswith("PROGRAM")).index("LISTEN")
        return "".join(f"{line[0:14].rsplit('/')[-1].strip()}{line[at:at + 6].strip()} " for line in terminal.lines() if line.startswith("/usr/"))

    def pane(terminal):
        lines = terminal.lines()
        at = next(n for n, line in enumerate(lines) if line.startswith("LISTENING"))
        return [line for line in lines[at:-1] if line]

    feed = Feed(place.path)
    terminal = Terminal(place.argv("-d", "0.2"), 160, 24)
    try:
        feed.accept()
        feed.traffic("/usr/sbin/sshd", 100, 100)
        feed.tick(100, 100)
        terminal.wait(lambda text: "sshd" in text)
        terminal.key("\t")
        tap.equal((pane(terminal), column(terminal)), (["LISTENING (not known yet)"], "sshd? "), "before a look nothing is known")
        feed.looked()
        terminal.wait(lambda text: "LISTENING\n" in text)
        tap.equal((pane(terminal), column(terminal)), (["LISTENING", "none"], "sshd0 "), "a look that finds none says so")
        listeners(feed)
        terminal.wait(lambda text: ":5353" in text)
        tap.equal([squeeze(line) for line in pane(terminal)], ["LISTENING", *(squeeze(line) for line in LISTENING[:2]),
                  "udp 224.0.0.251:5353 /usr/lib/firefox/firefox web, netns 7"], "by port, with where", terminal.text())
        tap.equal(column(terminal), "sshd2 ", "the program's own are counted")
        terminal.key("]")
        tap.ok(pane(terminal)[1].startswith("tcp     [::]:22"), "]: scrolled", terminal.text())
        terminal.key("[")
        feed.waits("/usr/sbin/sshd", 2222)
        terminal.read(0.5)
        tap.ok(":5353" in terminal.text() and ":2222" not in terminal.text(), "half a look is not shown", terminal.text())
        feed.looked(more=7)
        terminal.wait(lambda text: ":2222" in text)
        tap.equal(([squeeze(line) for line in pane(terminal)], column(terminal)),
                  (["LISTENING (and 7 more)", "tcp 0.0.0.0:2222 /usr/sbin/sshd"], "sshd1+ "), "what found no room is counted")
        feed.waits("/usr/sbin/sshd", None, laddr=None, netns=None, pid=None)
        feed.looked(error="Input/output error")
        terminal.wait(lambda text: "incomplete" in text)
        tap.equal(([squeeze(line) for line in pane(terminal)], column(terminal)),
                  (["LISTENING (incomplete: Input/output error)", "tcp ?:? /usr/sbin/sshd"], "sshd1+ "), "an error is told, and what is not known")
        feed.looked(error="not known on this kernel")
        terminal.wait(lambda text: "on this kernel" in text)
        tap.equal((pane(terminal), column(terminal)), (["LISTENING (not known on this kernel)"], "sshd? "), "where it cannot be known, none is not said")
        for n in range(5000):
            feed.waits("/usr/sbin/sshd", n)
        feed.looked(more=10)
        terminal.wait(lambda text: "more" in text, 30)
        tap.equal((pane(terminal)[0], column(terminal)), ("LISTENING (and 914 more)", "sshd4096+ "), "more than there is room for here")
        feed.drop("slow")
        terminal.wait(lambda text: "LISTENING (not" in text)
        tap.equal(pane(terminal)[0], "LISTENING (not known yet)", "a feed that is lost takes it along")
    finally:
        terminal.close()
        feed.close()


def chosen(terminal):
    """The name in the line that is reversed."""
    for y in range(len(terminal.screen.display)):
        if terminal.screen.buffer[y][0].reverse:
            return re.search("curl|firefox|sshd|$", terminal.screen.display[y])[0]
    return None


def selection(place):
    with Shown(place, 80, 24) as (terminal, feed):
        tap.equal(chosen(terminal), None, "none is selected")
        for key, want in (("\x1b[B", "curl"), ("\x1bOB", "firefox"), ("j", "sshd"), ("j", "sshd"), ("k", "firefox"), ("\x1b[A", "curl"),
                          ("\x1b[A", "curl"), ("\x1b[4~", "sshd"), ("\x1b[1~", "curl"), ("\x1b[6~", "sshd"), ("\x1b[5~", "curl"),
                          ("S", "curl"), ("b", "curl"), ("/sbin\n", "sshd"), ("/US\r", "curl"), ("n", "firefox"), ("n", "sshd"),
                          ("n", "curl"), ("N", "sshd"), ("/fireX\x7ff\n", "firefox"), ("/curl\x1b", None), ("n", "curl")):
            terminal.key(key)
            if want is None:
                terminal.read(0.2)
                tap.ok(not terminal.lines()[-1].startswith("/"), "Esc: nothing is searched", terminal.text())
            else:
                tap.equal(chosen(terminal), want, f"{key!r} selects {want}", terminal.text())
        terminal.key("/zzz")
        tap.equal(terminal.lines()[-1], "/zzz_", "/: what is typed is shown")
        terminal.key("\n")
        tap.equal(terminal.lines()[-1], "not found", "and told when there is none")
        terminal.key("\x1b")
        terminal.read(0.3)
        tap.equal(chosen(terminal), None, "Esc: none")
        for n in range(40):
            feed.traffic(f"/bin/p{n:02}", 1000000 - n, 0)
        feed.tick(40000000)
        terminal.wait(lambda text: "/bin/p00" in text and "43 programs" in text)
        terminal.press("\x1b[4~")
        terminal.wait(lambda text: "sshd" in text and "/bin/p00" not in text)
        tap.ok("sshd" in terminal.text() and "/bin/p00" not in terminal.text(), "the list scrolls with it", terminal.text())


def hostile(place):
    for locale, rows, columns in (("C.UTF-8", 24, 80), ("C", 24, 80), ("C.UTF-8", 5, 20), ("C", 30, 300)):
        with Shown(place, columns, rows, LC_ALL=locale) as (terminal, feed):
            feed.traffic(HOSTILE, 10**11, 4 * 10**11, raddr=HOSTILE, name=HOSTILE)
            feed.say("program", end_ns=feed.now, text=HOSTILE)
            feed.waits(HOSTILE, 2**60, laddr=HOSTILE, unit=HOSTILE, protocol=2**50)
            feed.looked(error=HOSTILE, more=2**62)
            feed.raw(b"{\"kind\": \xff\n\x1b[2J\n{\"kind\":\"traffic\",\"sent\":1e999}\n" + b"x" * 3000000 + b"\n")
            feed.tick(10**11, 4 * 10**11)
            terminal.wait(lambda text: "GB" in text)
            terminal.key("\t")
            terminal.read(0.3)
            terminal.key("\t")
            terminal.read(0.3)
            # Its own moves aside, nothing of the names' that could have moved a cursor was written.
            tap.ok(b"\x1b]" not in terminal.written and b"\x1b[2J\x1b]" not in terminal.written and b"\xe2\x80\xae" not in terminal.written,
                   f"{locale} {columns}x{rows}: no name speaks to the terminal")
            if rows > 5:
                tap.ok("4 lines not understood" in terminal.text(), "garbled lines are counted", terminal.text())
                cells = [column_of(terminal, y, "B") for y in (4, 5, 6, 7)]
                tap.ok(len(set(cells)) == 1, f"{locale} {columns}x{rows}: columns stand below each other", cells, terminal.text())
            if locale == "C":
                tap.ok(all(b < 128 for b in terminal.written), f"{locale}: nothing but ASCII is written")


def column_of(terminal, y, letter):
    """Cells up to the last unit of a rate or total in the row."""
    row = [terminal.screen.buffer[y][x].data for x in range(terminal.screen.columns)]
    return max((x for x in range(terminal.screen.columns - 1) if row[x] == letter and row[x + 1] == " " and row[x - 1] in " kMG"), default=None)


def colours(place):
    for env, want in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "vt100"}, False)):
        with Shown(place, 80, 24, **env) as (terminal, feed):
            feed.say("alert", stage="ring", start_ns=feed.now, end_ns=feed.now, text="lost", count=1, sent=1, received=2)
            terminal.wait(lambda text: "ALERT" in text)
            coloured = bool(re.search(rb"\x1b\[[0-9;]*3[0-7]m", terminal.written))
            tap.equal(coloured, want, f"colours with {env}: {want}")


def feed_states(place):
    with Shown(place, 80, 24) as (terminal, feed):
        feed.drop("slow")
        feed.server.close()
        terminal.wait(lambda text: "NO FEED" in text)
        tap.ok("NO FEED (dropped: too slow), trying again" in terminal.lines()[0] or "NO FEED" in terminal.lines()[0], "the end is told",
               terminal.text())
        tap.ok("feed lost 1 time" in terminal.lines()[2] and "sent 0 B/s" in terminal.lines()[1], "counted, without rates", terminal.text())
        terminal.wait(lambda text: "the daemon does not run" in text)
        tap.ok("the daemon does not run" in terminal.text(), "and that it is not there", terminal.text())
        feed.listen()
        feed.accept()
        drain(feed)
        terminal.wait(lambda text: "live" in text and "1.0 MB" in text)
        tap.ok("live" in terminal.lines()[0] and "1.0 MB     1 com" in terminal.text(), "it goes on when it is back", terminal.text())
        feed.drop("stopped")
        terminal.wait(lambda text: "stopped" in text)
        tap.ok("NO FEED (the daemon has stopped)" in terminal.text(), "a daemon that stops is told", terminal.text())
        feed.server.close()
        feed.listen()
        feed.server.settimeout(10)
        feed.readers.append(feed.server.accept()[0])
        feed.say("hello", format=2)
        tap.equal((terminal.ended(), terminal.restored()), (1, True), "a feed of another format ends it")
        tap.ok("has the format 2" in terminal.written.decode(errors="replace"), "and is told")


def signals(place):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        with Shown(place, 80, 24) as (terminal, feed):
            os.kill(terminal.pid, number)
            tap.equal((terminal.ended(), terminal.restored()), (-number, True), f"{number.name}: ends it, with the terminal as it was")
    with Shown(place, 80, 24) as (terminal, feed):
        terminal.key("\x03")
        tap.equal((terminal.ended(), terminal.restored()), (-signal.SIGINT, True), "Ctrl-C")
    with Shown(place, 80, 24) as (terminal, feed):
        os.kill(terminal.pid, signal.SIGTSTP)
        # Of an orphaned process group, none stops; this one has no shell, so it is asked of the kernel directly.
        terminal.read(0.3)
        os.kill(terminal.pid, signal.SIGSTOP)
        terminal.size(100, 30)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait(lambda text: len(terminal.lines()) == 30 and terminal.lines()[29] == FOOT)
        tap.equal(terminal.lines()[29], FOOT, "after a stop it draws itself in the new size")
        terminal.key("q")
        tap.equal((terminal.ended(), terminal.restored()), (0, True), "and ends as ever")


def job_control(place):
    feed = Feed(place.path)

    def begin():
        feed.accept()
        drain(feed)
    try:
        shell_job(place.argv("-d", "0.2"), begin, lambda text: FOOT in text and "curl" in text)
    finally:
        feed.close()


def batch(place):
    feed = Feed(place.path)
    try:
        # The feed is spoken to while it runs.
        def rounds(*options, **env):
            child = subprocess.Popen(place.argv(*options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                     env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", **env})
            feed.accept()
            drain(feed)
            out, err = child.communicate(timeout=60)
            feed.drop()
            return child.returncode, out, err

        status, out, err = rounds("-b", "-n", "1", "-d", "0.5", "-w", "80")
        tap.equal((status, err, out.splitlines()), (0, "", [
            "picosnitch 9.9 on box 22:13:20 live",
            "sent 42.1 kB/s, received 1.0 MB/s; since 22:13:20: 21.0 kB and 503.1 kB",
            "3 programs; nothing lost", "",
            "PROGRAM               SENT/s   RECV/s  >BOTH/s     TOTAL  CONN LAST PEER",
            "/usr/bin/curl         2.0 kB   1.0 MB   1.0 MB  501.0 kB     1 com.example.ww...",
            ".../firefox/firefox  40.0 kB   6.0 kB  46.0 kB   23.0 kB     1 [2001:db8::1]:443",
            "/usr/sbin/sshd          80 B    120 B    200 B     100 B     2 203.0.113.8:5556", "",
            "NEWEST CONNECTIONS",
            "22:13:20 tcp  /usr/sbin/sshd                    <- 203.0.113.8:5556 at :22",
            "22:13:20 tcp  /usr/sbin/sshd                    <- 203.0.113.7:5555 at :22",
            "22:13:20 tcp  /usr/lib/firefox/firefox          -> [2001:db8::1]:443",
            "22:13:20 tcp  /usr/bin/curl                     -> com.example.www:443", "", "LISTENING",
            *LISTENING, ""]), "-b: a round of text")
        status, out, err = rounds("-b", "-n", "3", "-d", "0.3", "-u", "B")
        tap.ok(status == 0 and out.count("picosnitch 9.9") == 3 and "1000000 B" in out and "\x1b" not in out, "-b -n 3 -u B", out, err)
        status, out, err = rounds("--json", "-n", "2", "-d", "0.5")
        got = [json.loads(line) for line in out.splitlines()]
        tap.equal(len(got), 2, "--json: an object a round")
        first = got[0]
        tap.equal((first["state"], first["host"], first["sent_rate"], first["received"], first["lost"], first["evicted"]["programs"]),
                  ("live", "box", 42080, 503060, {"alerts": 0, "count": 0, "sent": 0, "received": 0}, 0), "with the sums")
        tap.equal(first["programs"][0], {"exe": "/usr/bin/curl", "name": "curl", "sent_rate": 2000, "received_rate": 1000000,
                                         "sent": 1000, "received": 500000, "connections": 1, "listening": 0, "peer": "com.example.www:443",
                                         "uid": 0, "pid": 1000, "last_ns": feed.now}, "programs")
        tap.equal(first["connections"][0], {"exe": "/usr/sbin/sshd", "name": "sshd", "direction": "in", "protocol": "tcp",
                                            "peer": "203.0.113.8:5556", "lport": 22, "since_ns": feed.now - 500000000, "closed": False,
                                            "sent": 20, "received": 30}, "connections")
        tap.equal((first["listening"], first["listening_more"], "listening_why" in first), ([
            {"exe": "/usr/sbin/sshd", "name": "sshd", "protocol": "tcp", "family": 2, "laddr": "0.0.0.0", "lport": 22,
             "place": "ssh.service", "uid": 0, "pid": 1000, "socket": 22},
            {"exe": "/usr/sbin/sshd", "name": "sshd", "protocol": "tcp", "family": 10, "laddr": "::", "lport": 22,
             "place": "ssh.service", "uid": 0, "pid": 1000, "socket": 22},
            {"exe": "/usr/lib/firefox/firefox", "name": "firefox", "protocol": "udp", "family": 2, "laddr": "224.0.0.251",
             "lport": 5353, "place": "web", "netns": 7, "uid": 1000, "pid": 1000, "socket": 5353}], 0, False), "who listens")
        child = subprocess.Popen(place.argv("-b", "-d", "0.2"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        feed.accept()
        child.stdout.close()
        tap.ok(child.wait(20) in (1, -signal.SIGPIPE), "a reader of -b that goes ends it")
        feed.drop()
        said = place.run()
        tap.ok(said.returncode == 1 and "this is no terminal" in said.stderr, "no terminal, no screen", said)
        terminal = Terminal(place.argv(), 80, 24, TERM="nonsense")
        tap.ok(terminal.ended() == 1 and "-b" in terminal.text(), "a terminal that is not known is told", terminal.text())
        terminal.close()
        terminal = Terminal(place.argv(), 80, 24, TERM="dumb")
        tap.ok(terminal.ended() == 1 and "TERM=dumb" in terminal.text(), "and one that can do nothing", terminal.text())
        terminal.close()
    finally:
        feed.close()
    for words in (["-x"], ["-d", "x"], ["-d", "0"], ["-n", "0"], ["-u", "TB"], ["-w", "5"], ["more"], ["-d"], ["--what"]):
        said = place.run(*words)
        tap.ok(said.returncode == 2 and "top --help" in said.stderr, f"{' '.join(words)}: usage", said)
    said = place.run("--help")
    tap.ok(said.returncode == 0 and "--json" in said.stdout, "--help")


def no_daemon(place):
    said = place.run()
    tap.ok(said.returncode == 3 and "picosnitch start" in said.stderr, "no daemon: how to start one", said)
    said = place.run("--json")
    tap.ok(said.returncode == 3 and json.loads(said.stdout) == {"state": "stopped"}, "--json too", said)
    pidfile = os.path.join(place.path, "picosnitch.pid")
    with open(pidfile, "w") as f:
        f.write(f"{os.getpid()}\n")
        f.flush()
        fcntl.flock(f, fcntl.LOCK_EX)
        said = place.run()
    tap.ok(said.returncode == 1 and "runs, but there is no live feed" in said.stderr, "a daemon without a feed", said)
    os.unlink(pidfile)
    if os.geteuid():
        tap.skip("who may read", "needs root")
        return
    nobody = pwd.getpwnam("nobody")
    as_nobody = dict(user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])
    copy = os.path.join(place.path, "picosnitch")
    for name in ("picosnitch", "picosnitch-top"):
        beside = os.path.join(os.path.dirname(PROGRAM), name)
        inside = os.path.join(os.path.dirname(PROGRAM), ".libs", name)
        shutil.copy(inside if os.path.exists(inside) else beside, os.path.join(place.path, name))
    feed = Feed(place.path)
    os.chmod(feed.path, 0o660)
    for gid, want in ((0, "only root may read"), (1, f"only root and the group {grp.getgrgid(1).gr_name} may read"), (54321, "only root and the group 54321")):
        os.chown(feed.path, 0, gid)
        said = subprocess.run([copy, *place.argv()[1:]], capture_output=True, text=True, timeout=60, **as_nobody)
        tap.ok(said.returncode == 1 and want in said.stderr, f"without permission: {want}", said)
    feed.close()


ALL = (no_daemon, batch, screens, listening, sort_keys, other_keys, selection, hostile, colours, feed_states, signals, job_control)


with Place("top", "[paths]\nrun = {path}\n") as folder:
    play(folder, ALL, sys.argv[1:])
