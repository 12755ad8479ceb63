#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`picosnitch view` on a terminal, over stores that tests/front/seed makes: every key, screens as text at several sizes and
in both locales, hostile values in every dimension, a store of a million rows, one that is written to, signals.

PICOSNITCH  the program (default: that of the build tree)
"""
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import screens as common  # noqa: E402
from screens import BUILD, PROGRAM, play, shell_job, tap, values  # noqa: E402
from terminal import Terminal  # noqa: E402

SEED = os.path.join(BUILD, "tests", "front", "seed")
PLUGINS = os.path.join(BUILD, "plugins", ".libs")
UP, DOWN, RIGHT, LEFT, BACKTAB = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[Z"
# 2025-11-19, a Wednesday, 12:00:00 UTC: of stores whose times are shown as they are.
THEN = 1763553600


class Place(common.Place):
    """With stores that are made once."""

    def seed(self, name, now, *what):
        folder = os.path.join(self.path, name)
        os.makedirs(folder, exist_ok=True)
        subprocess.run([SEED, os.path.join(PLUGINS, "sqlite.so"), folder, str(now), *what], check=True, timeout=600)
        return os.path.join(folder, "snitch.db")

    def store(self, name, now, *what):
        path = os.path.join(self.path, name, "snitch.db")
        return path if os.path.exists(path) else self.seed(name, now, *what)


def quiet(terminal, seconds=0.2):
    """Until there is an answer, and what stands beside it."""
    terminal.wait(lambda text: "ASKING" not in text)
    terminal.read(seconds)


class Shown:
    """view on a terminal, once it shows the answer."""

    def __init__(self, place, columns, rows, *options, store=None, **env):
        store = store or place.store("then", THEN, "usual")
        self.terminal = Terminal(place.argv("--file", store, *options), columns, rows, **env)
        self.terminal.wait(lambda text: "curl" in text or "q: quit" in text)
        quiet(self.terminal)

    def __enter__(self):
        return self.terminal

    def __exit__(self, *_):
        self.terminal.close()


# The day before THEN, and a bit of it.
DAY = ("--from", str(THEN - 86400), "--to", str(THEN))


def usage(place):
    said = place.run("--help")
    tap.ok(said.returncode == 0 and "usage: picosnitch view" in said.stdout, "--help", said)
    said = place.run()
    tap.ok(said.returncode == 1 and "picosnitch query" in said.stderr, "no terminal: what to use instead", said)
    for words in (["--by", "nothing"], ["--by", "exe,uid"], ["--audit"], ["--limit", "3"], ["--format", "csv"], ["-f", "exe"],
                  ["--last", "x"], ["more"], ["--follow"]):
        said = place.run(*words)
        tap.ok(said.returncode == 2 and "view" in said.stderr, f"{' '.join(words)}: usage", said)


def squeeze(line):
    return re.sub(" +", " ", line.strip())


def chosen(terminal):
    """The line that is reversed, up to its first gap."""
    for y in range(len(terminal.screen.display)):
        if terminal.screen.buffer[y][0].reverse:
            return terminal.screen.display[y].split("  ")[0].strip()
    return None


def path(terminal):
    return next((line for line in terminal.lines() if re.search("(^|> )by ", line)), None)


def press(terminal, keys):
    terminal.key(keys)
    quiet(terminal)


def no_store(place):
    def said_by(*options):
        terminal = Terminal(place.argv(*options), 100, 24)
        terminal.ended()
        status, text = terminal.status, "".join(line.ljust(100) for line in terminal.lines())
        terminal.close()
        return status, text

    status, text = said_by()
    tap.ok(status == 1 and "there is no store at" in text and "start picosnitch" in text, "no store: what to do", status, text)
    empty = os.path.join(place.path, "empty.db")
    open(empty, "w").close()
    status, text = said_by("--file", empty)
    tap.ok(status == 1 and "nothing has been recorded yet" in text, "an empty one", status, text)
    with open(empty, "w") as f:
        f.write("no database " * 1000)
    status, text = said_by("--file", empty)
    tap.ok(status == 1 and "not a database" in text, "one that is none", status, text)
    status, text = said_by("--store", "nowhere")
    tap.ok(status == 1 and "there is no [sink nowhere]" in text, "a sink that is not there", status, text)
    for term, word in (("dumb", "TERM=dumb"), ("nonsense", "picosnitch query")):
        terminal = Terminal(place.argv("--file", place.store("then", THEN, "usual")), 80, 24, TERM=term)
        tap.ok(terminal.ended() == 1 and word in terminal.text(), f"TERM={term} is told", terminal.text())
        terminal.close()


def screens(place):
    store = place.store("then", THEN, "usual")
    with Shown(place, 80, 24, *DAY) as terminal:
        lines = terminal.lines()
        tap.ok(re.match("sqlite .*snitch.db of test, last row [0-9]+ days ago$", lines[0]) or "..." in lines[0], "80x24: the store", lines[0])
        tap.equal(lines[1:9], [
            "1d: 2025-11-18 12:00:00 to 2025-11-19 12:00:00",
            "by executable",
            "3 entries; sent 26.0 kB, received 2.1 MB, 27 calls",
            "LOST 1.5 kB sent, 20 B received; flows 4 times: the flow table was full",
            "EXECUTABLE                     TREND/2h          SENT  RECEIVED    >TOTAL  SHARE",
            "/usr/bin/curl                             █    6.0 kB    2.1 MB    2.1 MB  98.9%",
            "/usr/lib/firefox/firefox                  █   20.0 kB    3.0 kB   23.0 kB   1.1%",
            "/usr/sbin/sshd                            █      40 B      60 B     100 B   0.0%"], "and the rest")
        tap.equal(lines[23], "?: help  q: quit  d: by what  sort >TOTAL  units auto  1/3", "the last line")
        terminal.size(20, 5)
        small = ["LOST 1d by exe", "EXECUTABLE    >TOTAL", "...in/curl    2.1 MB", "...firefox   23.0 kB", "?: help  q: quit ..."]
        terminal.wait(lambda text: text == "\n".join(small))
        tap.equal(terminal.lines(), small, "20x5 after a resize")
        terminal.size(300, 100)
        terminal.wait(lambda text: "CALLS" in text and len(terminal.lines()) == 100)
        quiet(terminal)
        lines = terminal.lines()
        tap.equal([squeeze(line) for line in lines[5:7]],
                  ["EXECUTABLE TREND/2h SENT RECEIVED >TOTAL SHARE CALLS LAST SEEN",
                   "/usr/bin/curl █ 6.0 kB 2.1 MB 2.1 MB 98.9% █████████▉ 18 2025-11-19 11:50:00"], "300x100: all columns")
        for columns, rows in ((1, 1), (2, 2), (7, 3), (19, 4), (39, 9), (40, 10), (1000, 3)):
            terminal.size(columns, rows)
            terminal.read(0.2)
        tap.equal(terminal.ended(0.3), None, "it survives any size")
        for n in range(40):
            terminal.size(20 + n * 7 % 281, 5 + n * 13 % 96)
            terminal.key("d" if n % 9 == 0 else "\t" if n % 3 else "?")
        terminal.key("xq")
        if terminal.ended(3) is None:
            terminal.key("q")
        tap.equal((terminal.ended(), terminal.restored()), (0, True), "and a storm of them, with keys; q: the terminal is as it was")
    with Shown(place, 80, 24, *DAY, store=store, LC_ALL="C") as terminal:
        tap.ok("@" in terminal.text() and "█" not in terminal.text() and all(b < 128 for b in terminal.written), "the C locale: only ASCII",
               terminal.text())


def drill(place):
    with Shown(place, 100, 24, *DAY) as terminal:
        tap.equal((values(terminal), chosen(terminal)), (["/usr/bin/curl", "/usr/lib/firefox/firefox", "/usr/sbin/sshd"], "/usr/bin/curl"),
                  "rows, of which the first is selected")
        for key, want in ((DOWN, "/usr/lib/firefox/firefox"), ("j", "/usr/sbin/sshd"), ("j", "/usr/sbin/sshd"), ("k", "/usr/lib/firefox/firefox"),
                          (UP, "/usr/bin/curl"), ("\x1b[4~", "/usr/sbin/sshd"), ("\x1b[1~", "/usr/bin/curl"), ("\x1b[6~", "/usr/sbin/sshd"),
                          ("\x1b[5~", "/usr/bin/curl"), ("/FIRE\n", "/usr/lib/firefox/firefox"), ("n", "/usr/lib/firefox/firefox"),
                          ("/usr\r", "/usr/sbin/sshd"), ("n", "/usr/bin/curl"), ("N", "/usr/sbin/sshd"), ("/cuX\x7frl\n", "/usr/bin/curl")):
            terminal.key(key)
            tap.equal(chosen(terminal), want, f"{key!r} selects {want}")
        terminal.key("/zz")
        tap.equal(terminal.lines()[-1], "/zz_", "what is typed is shown")
        terminal.key("\n")
        tap.equal(terminal.lines()[-1], "not found", "and told when there is none")
        for key, want, rows in ((" ", "exe=/usr/bin/curl > by domain", ["com.example.www"]),
                                ("\r", "exe=/usr/bin/curl > domain=com.example.www > by remote address", ["198.51.100.7"]),
                                ("f", "exe=/usr/bin/curl > domain=com.example.www > raddr=198.51.100.7 > by remote port", ["443"]),
                                ("\x7f", "exe=/usr/bin/curl > domain=com.example.www > by remote address", ["198.51.100.7"]),
                                ("F", "exe=/usr/bin/curl > by domain", ["com.example.www"]),
                                ("\x08", "by executable", ["/usr/bin/curl", "/usr/lib/firefox/firefox", "/usr/sbin/sshd"]),
                                ("e", "exe!=/usr/bin/curl > by executable", ["/usr/lib/firefox/firefox", "/usr/sbin/sshd"]),
                                ("e", "exe!=/usr/bin/curl > exe!=/usr/lib/firefox/firefox > by executable", ["/usr/sbin/sshd"]),
                                ("2", "exe!=/usr/bin/curl > exe!=/usr/lib/firefox/firefox > by domain", ["-"]),
                                (" ", "exe!=/usr/bin/curl > exe!=/usr/lib/firefox/firefox > domain=- > by executable", ["/usr/sbin/sshd"]),
                                ("E", "exe!=/usr/bin/curl > domain=- > by executable", ["/usr/sbin/sshd"]),
                                ("E", "domain=- > by executable", ["/usr/sbin/sshd"])):
            press(terminal, key)
            tap.equal((path(terminal), values(terminal)), (want, rows), f"{key!r}: {want}", terminal.text())
        press(terminal, "E")
        tap.equal(terminal.lines()[-1], "nothing is left out", "E: there is no more of that")
        press(terminal, "F")
        press(terminal, "\x7f")
        tap.equal(terminal.lines()[-1], "there is no filter to remove", "nor of any")
    long = "/opt/" + "x" * 300
    with Shown(place, 80, 24, "-f", f"exe={long}", "-x", f"cmdline={long}", "-f", "uid=0", "-b", "domain") as terminal:
        tap.ok(re.match(r"exe=/opt/x*\.\.\.x+ > .*uid=root.* by domain$", path(terminal) or "") and "nothing was recorded that fits" in terminal.text(),
               "a long way is cut in the middle", terminal.text())


def dimensions(place):
    want = {"1": "executable", "2": "domain", "3": "remote address", "4": "remote port", "5": "country", "6": "user", "7": "command line",
            "8": "parent", "9": "systemd unit", "0": "time"}
    with Shown(place, 110, 40, *DAY) as terminal:
        for key, title in want.items():
            press(terminal, key)
            tap.equal(path(terminal), f"by {title}", f"{key}: by {title}")
        seen = set()
        for _ in range(35):
            press(terminal, "\t" if len(seen) % 2 else RIGHT)
            seen.add(path(terminal))
        tap.equal(len(seen), 35, "Tab and right go through all of them", sorted(seen))
        before = path(terminal)
        press(terminal, BACKTAB)
        press(terminal, LEFT)
        press(terminal, "\t\t")
        tap.equal(path(terminal), before, "shift-Tab and left go back")
        terminal.key("d")
        menu = terminal.text()
        tap.ok("1 executable" in menu and "by what?" in menu and all(title in menu for title in want.values()), "d: the menu", menu)
        press(terminal, "b")
        tap.equal(path(terminal), "by process name", "one by its letter")
        press(terminal, "d" + DOWN + "\n")
        tap.equal(path(terminal), "by SHA-256", "one by arrows")
        rows = [squeeze(line) for line in terminal.lines()[6:9]]
        tap.ok(" clean " in rows[0] and " SUSPICIOUS 4/72 " in rows[1] and "clean" not in rows[2], "verdicts stand beside hashes", rows)
        press(terminal, "d\x1b")
        tap.equal(path(terminal), "by SHA-256", "Esc: none")
        press(terminal, "3")
        tap.ok("COUNTRY" in terminal.text() and "documentation" in terminal.text(), "what is no country is told", terminal.text())
        press(terminal, "6")
        tap.ok("root" in values(terminal), "users have names", values(terminal))
        press(terminal, "d?")
        terminal.key("?")
        tap.ok(terminal.lines()[0] == "Keys" and terminal.lines()[-1] == "any key goes back", "?: help", terminal.text())
        terminal.key("q")
        tap.equal((terminal.ended(0.5), "Keys" in terminal.text()), (None, False), "any key goes back")
        press(terminal, "7")
        terminal.key("v")
        tap.ok(terminal.lines()[0] == "command line" and "curl https://www.example.com/file" in terminal.text() and "rows      6" in terminal.text(),
               "v: all of it", terminal.text())
        terminal.key("vuuuU")
        tap.ok(terminal.lines()[-1].endswith("units kB  1/3"), "u U: units", terminal.lines()[-1])
        terminal.key("\x0c")
        tap.ok("units kB" in terminal.text(), "Ctrl-L draws again")


def orders(place):
    with Shown(place, 130, 20, *DAY) as terminal:
        for key, title, rows in (("s", ">SENT", "fcs"), ("s", ">RECEIVED", "cfs"), ("s", ">CALLS", "csf"), ("s", ">LAST SEEN", "scf"),
                                 ("s", "<VALUE", "cfs"), ("s", ">TOTAL", "cfs"), ("S", "<VALUE", "cfs"), ("S", ">LAST SEEN", "scf")):
            press(terminal, key)
            tap.equal(("".join(value.rsplit("/")[-1][0] for value in values(terminal)), f"sort {title}  " in terminal.lines()[-1]), (rows, True),
                      f"{key}: sorted {title}", terminal.text())
            tap.equal(chosen(terminal), "/usr/bin/curl", "what was selected is")


def ranges(place):
    # Of now, so that ranges have something in them.
    now = int(time.time())
    store = place.store("now", now, "usual")
    with Shown(place, 100, 20, store=store) as terminal:
        lines = terminal.wait(lambda text: "last row" in text)
        tap.ok(re.search("of test, last row [0-9]+ (s|min) ago$", lines[0]), "who has written, and when", lines[0])
        for key, name in (("t", "last 3d"), ("t", "last 7d"), ("t", "last 30d"), ("t", "last 365d"), ("t", "all"), ("t", "last 1min"),
                          ("t", "last 3min"), ("t", "last 5min"), ("t", "last 10min"), ("t", "last 15min"), ("t", "last 30min"), ("t", "last 1h"),
                          ("t", "last 3h"), ("t", "last 6h"), ("t", "last 12h"), ("t", "last 1d"), ("T", "last 12h"), ("T", "last 6h")):
            press(terminal, key)
            tap.ok(terminal.lines()[1].startswith(name + ": "), f"{key}: {name}", terminal.lines()[1])
        tap.ok("wget" not in terminal.text() and "firefox" in terminal.text(), "with what is in it")
        press(terminal, "H")
        tap.equal(terminal.lines()[-1], "this is the latest", "H: not beyond now")
        press(terminal, "tt" + "h")
        tap.ok(re.match("1d, 1 back: .* 00:00:00 to .* 00:00:00$", terminal.lines()[1]), "h: the day before, from midnight on", terminal.lines()[1])
        day = time.strftime("%Y-%m-%d", time.gmtime(now - 40 * 3600))
        for _ in range(3):
            if f": {day} " in terminal.lines()[1]:
                break
            press(terminal, "h")
        tap.ok("wget" in values(terminal)[0], "what was then is found", terminal.text())
        press(terminal, "hhhh")
        tap.ok("nothing was recorded in this time" in terminal.text(), "and where nothing was", terminal.text())
        press(terminal, "HHHHHHHH")
        tap.ok(terminal.lines()[1].startswith("last 1d"), "H: forward to now", terminal.lines()[1])
        press(terminal, "0")
        press(terminal, " ")
        tap.ok(re.match("[0-9]+(min|h): ", terminal.lines()[1]) and re.match("time=.* > by executable", path(terminal)), "space narrows the time to a step",
               terminal.text())
        press(terminal, "h")
        tap.ok(", 1 back" in terminal.lines()[1], "and h goes by that step", terminal.lines()[1])
        press(terminal, "\x7f")
        tap.ok(terminal.lines()[1].startswith("last 1d") and path(terminal) == "by time", "backspace widens it again", terminal.text())
    with Shown(place, 100, 20, "-l", "all", store=store) as terminal:
        tap.ok("wget" in terminal.text() and re.match("all: .* to now, ", terminal.lines()[1]), "--last all", terminal.lines()[1])


def grows(place):
    now = int(time.time())
    store = place.seed("grows", now, "usual")
    with Shown(place, 100, 20, store=store) as terminal:
        terminal.key(DOWN)
        for seq in range(100, 104):
            place.seed("grows", int(time.time()), "grow", str(seq))
        tap.ok("late" not in terminal.text(), "it stays as it was")
        press(terminal, "r")
        tap.ok(values(terminal)[0] == "/usr/bin/late" and "4.0 GB" in terminal.text() and chosen(terminal) == "/usr/lib/firefox/firefox",
               "r: what has come, and the selection stays", terminal.text())
        os.rename(store, store + ".away")
        press(terminal, "r")
        terminal.wait(lambda text: "no store" in text)
        tap.ok("there is no store at" in terminal.text() and "r asks again" in terminal.text(), "a store that has gone is told", terminal.text())
        os.rename(store + ".away", store)
        press(terminal, "r")
        tap.ok("/usr/bin/late" in terminal.text(), "and found again", terminal.text())
        terminal.key("q")
        tap.equal((terminal.ended(), terminal.restored()), (0, True), "q")


def hostile(place):
    store = place.store("hostile", THEN, "hostile")
    for locale, rows, columns in (("C.UTF-8", 24, 100), ("C", 24, 80), ("C.UTF-8", 5, 20), ("C", 30, 300)):
        with Shown(place, columns, rows, *DAY, store=store, LC_ALL=locale) as terminal:
            for _ in range(35):
                press(terminal, "\t")
                if rows > 5:
                    column = re.search(r"[0-9.]+ GB", terminal.text())
                    if not column:
                        tap.ok(False, f"{locale}: a row {path(terminal)}", terminal.text())
            terminal.key("v")
            terminal.key("vd")
            terminal.key("\x1b")
            press(terminal, "1 ")
            press(terminal, "e")
            # Its own moves aside, nothing of the values' that could have moved a cursor was written.
            tap.ok(not any(evil in terminal.written for evil in (b"\x1b]0", b"\x1b[2J\x1b]", b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\x9b31m", b"\xff", b"\x07")),
                   f"{locale} {columns}x{rows}: no value speaks to the terminal")
            if locale == "C":
                tap.ok(all(b < 128 for b in terminal.written), f"{locale}: nothing but ASCII is written")
            terminal.key("q")
            tap.equal((terminal.ended(), terminal.restored()), (0, True), "q")


def colours(place):
    for env, want in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "vt100"}, False), ({"TERM": "screen"}, True), ({"TERM": "linux"}, True)):
        with Shown(place, 80, 24, *DAY, **env) as terminal:
            coloured = bool(re.search(rb"\x1b\[[0-9;]*3[0-7]m", terminal.written))
            tap.equal((coloured, "curl" in terminal.text()), (want, True), f"colours with {env}: {want}", terminal.text())
            terminal.key("q")
            tap.equal(terminal.ended(), 0, "q")


def signals(place):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        with Shown(place, 80, 24, *DAY) as terminal:
            os.kill(terminal.pid, number)
            status, good = terminal.ended(), terminal.restored()
            # A sanitizer makes its own end of a crash.
            tap.ok(good and (status == -number or "sanitizer" in PROGRAM or "asan" in PROGRAM), f"{number.name}: ends it, with the terminal as it was", status, good)
    with Shown(place, 80, 24, *DAY) as terminal:
        terminal.key("\x03")
        tap.equal((terminal.ended(), terminal.restored()), (-signal.SIGINT, True), "Ctrl-C")
    with Shown(place, 80, 24, *DAY) as terminal:
        os.close(terminal.master)
        terminal.master = os.open("/dev/null", os.O_RDONLY)
        tap.ok(terminal.ended() is not None, "a terminal that goes ends it")


def job_control(place):
    argv = place.argv("--file", place.store("then", THEN, "usual"), *DAY)
    shell_job(argv, lambda: None, lambda text: "q: quit" in text and "curl" in text)


def many(place):
    """A million rows: keys are taken while it is asked, and answers come soon."""
    now = int(time.time())
    store = place.seed("many", now, "month", "1000000")
    began = time.monotonic()
    terminal = Terminal(place.argv("--file", store, "--last", "30d"), 120, 40)
    try:
        terminal.wait(lambda text: "program-" in text, 60)
        tap.note(f"1,000,000 rows, 30 days: the first rows after {time.monotonic() - began:.2f} s")
        tap.ok("program-" in terminal.text(), "a million rows are shown", terminal.text())
        for key, word in (("2", "com.example"), ("3", "198.51"), ("4", "443"), ("7", "program-"), ("0", "202"), ("1", "program-"), (" ", "com.example")):
            began = time.monotonic()
            terminal.key(key)
            # Of the first two rows, as one may be that of nothing; and of their values, as other columns have such words, too.
            terminal.wait(lambda text: any(word in line[:40] for line in terminal.lines()[5:7]) and "ASKING" not in text, 60)
            tap.note(f"{path(terminal)}: {time.monotonic() - began:.2f} s with the terminal's 0.1 s")
            tap.ok(any(word in line[:40] for line in terminal.lines()[5:7]), f"{key}: {path(terminal)}", terminal.text())
        # All rows one by one take their time; keys do not.
        for key in "dddd":
            terminal.key("d")
            began = time.monotonic()
            terminal.key("7")
            terminal.key("?")
            terminal.wait(lambda text: "any key goes back" in text, 5)
            took = time.monotonic() - began
            tap.ok("any key goes back" in terminal.text() and took < 1.5, f"a key while it is asked: {took:.2f} s")
            terminal.key("x")
        terminal.key("q")
        tap.equal((terminal.ended(), terminal.restored()), (0, True), "q while it is asked")
    finally:
        terminal.close()


ALL = (usage, no_store, screens, drill, dimensions, orders, ranges, grows, hostile, colours, signals, job_control, many)


with Place("view", f"[paths]\nplugins = {PLUGINS}\nstate = {{path}}\n[geoip]\nenabled = no\n") as folder:
    play(folder, ALL, sys.argv[1:])
