#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The sink `notify` on a session bus of its own, against a server that writes down each call.
"""
import os
import subprocess
import sys
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)
sys.path.insert(0, TESTS)
import tap  # noqa: E402
from notify_server import Session  # noqa: E402

BUILD = os.environ.get("top_builddir") or os.getcwd()
NOBODY = 65534


def built(name):
    folder, base = os.path.split(os.path.join(BUILD, name))
    hidden = os.path.join(folder, ".libs", base)
    return hidden if os.path.exists(hidden) else os.path.join(folder, base)


class Sink:
    """One run of the plugin, as the session's user."""

    def __init__(self, session, **options):
        options = {"bus": session.address, "coalesce": "500 ms", **options}
        words = [word for pair in options.items() for word in pair]
        user = {"user": session.uid, "group": session.uid, "extra_groups": []} if session.uid is not None else {}
        self.process = subprocess.Popen([session.copy(built("tests/sinks/tell_notify")),
                                         session.copy(os.path.join(BUILD, "plugins/.libs/notify.so")), *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **user)

    def say(self, *lines):
        """Lines without an answer."""
        for line in lines:
            self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, *lines):
        """The last of these lines has one."""
        self.say(*lines)
        return self.line()

    def line(self):
        """What it says next; what the host it is made to believe in says is left out."""
        while True:
            line = self.process.stdout.readline()
            if not line.startswith("#"):
                return line.strip()

    def batch(self, *lines):
        return self.ask("begin", *lines, "write")

    def end(self):
        self.process.stdin.close()
        self.process.stdout.read()
        return self.process.wait(30)


def coalescing(session):
    sink = Sink(session, rate="600")
    tap.equal(sink.ask("open"), "open: stored", "it opens where there is a server")
    start = time.monotonic()
    tap.equal(sink.batch("new curl /usr/bin/curl new executable: /usr/bin/curl (curl)"), "write: stored", "one new program")
    heard = session.heard()
    tap.ok(len(heard) == 1 and time.monotonic() - start < 0.4, "is told at once", heard)
    first = heard[0]
    tap.ok(first["summary"] == "1 new program" and first["body"] == "new executable: /usr/bin/curl (curl)" and first["urgency"] == 1
           and first["app"] == "picosnitch" and first["replaces"] == 0, "with what it is", first)
    tap.equal(first["uid"], session.uid if session.uid is not None else os.getuid(), "by its user")
    began = time.monotonic()
    for i in range(50):
        sink.batch(f"many 10 /usr/bin/p{i}.", f"hash upgraded /usr/bin/u{i}")
    most = 3 + (time.monotonic() - began) / 0.5  # one in half a second, however long it takes
    sink.ask("idle 1500")
    heard = session.heard()
    tap.ok(2 <= len(heard) <= most, f"an upgrade with 550 more is {len(heard)} messages, not more than {most:.1f}", heard)
    last = heard[-1]
    tap.ok(all(call["replaces"] == first["id"] for call in heard[1:]), "each in the place of the first: one is seen")
    tap.equal(last["summary"], "501 new programs, 50 changed programs", "with the counts of all")
    tap.ok(last["body"].endswith("and 546 more") and last["body"].count("\n") == 5, "and a few of them", last["body"])
    gaps = [b["at"] - a["at"] for a, b in zip(heard, heard[1:])]
    tap.ok(min(gaps) > 0.2 and sum(gaps) > 0.45 * len(gaps), "not more often than coalesce says", gaps)
    time.sleep(0.6)
    sink.batch("new later /usr/bin/later")
    tap.ok(session.heard()[-1]["replaces"] == 0, "after a while of quiet, the next is a message of its own")
    sink.batch("new later /usr/bin/later")
    sink.ask("idle 700")
    tap.equal(session.heard()[-1]["summary"], "1 new program", "the same again is not told again")
    tap.ok("messages shown" in sink.ask("stats"), "its state is said")
    tap.equal(sink.end(), 0, "it ends")


def rate(session):
    session.forget()
    sink = Sink(session, coalesce="50 ms", rate="1")
    sink.ask("open")
    for i in range(20):
        sink.batch(f"new n{i} /usr/bin/n{i}")
        sink.ask("idle 80")
    heard = session.heard()
    tap.equal(len([call for call in heard if not call["replaces"]]), 3, "of twenty, three are messages of their own")
    tap.equal(heard[-1]["summary"], "18 new programs", "the rest is counted in the last", heard[-1])
    sink.end()


def urgency(session):
    session.forget()
    sink = Sink(session)
    sink.ask("open")
    sink.batch("alert 7 7 calls were not seen")
    tap.ok(session.heard()[-1]["urgency"] == 2 and session.heard()[-1]["summary"] == "1 error", "an error is critical")
    sink.batch("new a /a", "changed b /b", "name c /c")
    tap.ok(session.heard()[-1]["urgency"] == 1 and "1 new name of a program" in session.heard()[-1]["summary"],
           "programs are not, and have a message of their own", session.heard())
    sink.batch("verdict 4 clean")
    before = len(session.heard())
    sink.ask("idle 700")
    tap.equal(len(session.heard()), before, "a clean verdict is not told")
    sink.batch("verdict 5 /usr/bin/bad: 3 of 70 engines object")
    tap.ok(session.heard()[-1]["urgency"] == 2 and "1 suspicious program" in session.heard()[-1]["summary"], "a suspicious one is",
           session.heard()[-1])
    sink.end()


def muted(session):
    session.forget()
    sink = Sink(session, mute="cc1, /usr/bin/ld /opt/build/, */target/*")
    sink.ask("open")
    sink.batch("new cc1 /usr/lib/gcc/cc1", "new ld /usr/bin/ld", "new t /opt/build/x/t", "new r /home/a/target/debug/r", "expected",
               "new e /usr/bin/e")
    tap.equal(session.heard(), [], "names, paths, folders and patterns are muted, and what is expected is not told")
    tap.ok("4 muted, 1 expected" in sink.ask("stats"), "but counted")
    sink.batch("new cc1plus /usr/lib/gcc/cc1plus", "new ld2 /usr/bin/ld2", "new b /opt/buildx")
    tap.equal(session.heard()[-1]["summary"], "3 new programs", "and nothing else is")
    sink.end()


def text(session):
    session.forget()
    sink = Sink(session)
    sink.ask("open")
    sink.batch("hostile", "long 102400")
    call = session.heard()[-1]
    body = call["body"]
    tap.ok("<" not in body and "&lt;b&gt;bold&lt;/b&gt; &amp;amp; " in body, "markup is escaped", body)
    tap.ok(not [c for c in body if (ord(c) < 32 and c != "\n") or 0x7f <= ord(c) < 0xa0 or 0x202a <= ord(c) <= 0x202e
                or 0x2066 <= ord(c) <= 0x2069], "no control character is in it, and none that turns text", body)
    tap.ok(body.count("\n") == 2, "a newline in a name makes no line", body)
    tap.ok("begin" in body and "\u2026" in body and body.endswith("end") and len(body) < 2000, "100 KiB are cut in their middle", body)
    sink.end()
    session.mode("plain")
    session.forget()
    sink = Sink(session)
    sink.ask("open")
    sink.batch("hostile")
    tap.ok("<b>bold</b> &amp; " in session.heard()[-1]["body"], "a server that reads no markup gets it as it is", session.heard())
    sink.end()
    session.mode()


def troubles(session):
    session.forget()
    sink = Sink(session)
    sink.ask("open")
    session.mode("slow")
    start = time.monotonic()
    answer = sink.batch("new a /a")
    tap.ok(answer.startswith("write: away") and time.monotonic() - start < 5, "a server that hangs: away, within seconds", answer)
    tap.ok(sink.ask("again").startswith("again: away"), "as often as it comes")
    session.mode()
    tap.equal(sink.ask("again"), "again: stored", "when it answers again, the batch is taken")
    tap.equal([call["summary"] for call in session.heard()], ["1 new program"], "and told once")
    sink.ask("idle 600")
    session.mode("refuse")
    answer = sink.batch("new b /b")
    tap.ok(answer.startswith("write: away") and "too many" in answer, "a server that refuses: away, with what it says", answer)
    session.mode()
    tap.equal(sink.ask("again"), "again: stored", "then taken")
    sink.batch("new b2 /b2")
    session.stop_server()
    answer = sink.ask("begin", "many 3 /c", "write", "idle 900")
    tap.equal(answer, "write: stored", "what comes while a message is young waits")
    sink.line()
    session.start_server()
    sink.ask("idle 6000")
    heard = session.heard()
    tap.ok(heard[-1]["replaces"] == 0 and heard[-1]["summary"] == "5 new programs", "another server is given all of it as a new message",
           heard)
    session.stop_bus()
    answer = sink.batch("new d /d")
    if answer == "write: stored":
        answer = sink.ask("idle 1000", "begin", "new d2 /d2", "write")
        answer = sink.line()
    tap.ok(answer.startswith("write: away"), "a bus that has died: away", answer)
    session.stop_server()
    session.start_bus()
    tap.ok(sink.ask("again").startswith("again: away"), "a bus without a server: away")
    session.start_server()
    tap.equal(sink.ask("again"), "again: stored", "with one, on a new bus, it goes on")
    sink.end()
    sink = Sink(session, bus=f"unix:path={session.folder}/none")
    answer = sink.ask("open")
    tap.ok(answer.startswith("open: away"), "no bus: away", answer)
    sink.end()


def root(session):
    if os.geteuid():
        tap.skip("root", "this is not root")
        return
    done = subprocess.run([built("tests/sinks/tell_notify"), os.path.join(BUILD, "plugins/.libs/notify.so"), "bus", session.address],
                          input="open\n", capture_output=True, text=True, check=False)
    tap.ok("open: misconfigured: root" in done.stdout, "root does not open it", done.stdout)


if __name__ == "__main__":
    with Session(NOBODY) as bus:
        bus.start_server()
        for test in (coalescing, rate, urgency, muted, text, troubles, root):
            test(bus)
    tap.done()
