#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The memory of known programs: what is new is told within two seconds, in the store and in exe.log; a
name, a changed file, 300 of them; it outlives a restart and kill -9; what becomes of a file that is
damaged; `record`, with the daemon and without.
"""
import collections
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, built, need_root, sha256, tap, wait_for  # noqa: E402

UPGRADE = 300
FLOOD = 2000
BLINK = ["127.0.0.1", "9"]

Program = collections.namedtuple("Program", "time event role path name sha256 parent uid expected previous text")
Line = collections.namedtuple("Line", "time event role name path sha256 previous parent uid expected")


def programs(daemon, where="1", *values):
    """What the store says was new."""
    db = daemon.database()
    found = [Program(*row) for row in db.execute(
        "SELECT time, event, role, e.exe, e.name, e.sha256, p.exe, uid, expected, previous_sha256, text FROM programs "
        f"JOIN executables e ON e.id = exe_id JOIN executables p ON p.id = pexe_id WHERE {where} ORDER BY programs.rowid",
        values)]
    db.close()
    return found


def of(daemon, path):
    return programs(daemon, "e.exe = ?", path)


def lines(daemon):
    """exe.log, field by field."""
    with open(os.path.join(daemon.log, "exe.log"), encoding="utf-8") as f:
        return [Line(*line.split("\t")) for line in f.read().splitlines()]


def record(daemon, *words):
    done = daemon.command("record", *words)
    return done.returncode, done.stdout + done.stderr


def known(daemon, *words):
    return json.loads(daemon.command("record", "--json", *words).stdout)


def blink(path):
    subprocess.run([path, *BLINK], check=True)
    return time.monotonic()


def within(what, since, condition, seconds=2):
    """Whether it came in time: what is measured is how long it took since."""
    found = wait_for(what, condition)
    took = time.monotonic() - since
    tap.ok(took < seconds, what, f"after {took:.2f} s")
    return found


def at_once(place, daemon):
    """The window is half a minute long: what is told is told before its end."""
    path = place.copy(built("tests/system/blink"), "first")
    hashed = sha256(path)
    since = blink(path)
    found = within("a new executable is in the store within two seconds", since, lambda: of(daemon, path))
    tap.equal([(p.event, p.role, p.sha256, p.name, p.uid, p.expected, p.previous) for p in found],
              [("new_exe", "self", hashed, "first", 0, 0, "")], "once, with its hash", *found)
    tap.ok(found[0].text.startswith(f"new executable: {path} (first), started by /"), "and a line for people", found[0].text)
    mine = within("and in exe.log", since, lambda: [line for line in lines(daemon) if line.path == path])
    tap.equal([(m.event, m.role, m.name, m.sha256, m.previous, m.parent, m.uid, m.expected) for m in mine],
              [("new_exe", "self", "first", hashed, "-", found[0].parent, "0", "-")], "with the same fields", *mine)
    parents = programs(daemon, "role != 'self'")
    tap.ok({"parent", "grandparent"} <= {p.role for p in parents}, "so are its parent and grandparent", *parents)
    tap.equal(daemon.rows(), [], "no row of the window has been written yet")
    blink(path)
    time.sleep(1.5)
    tap.equal(len(of(daemon, path)), 1, "the second time it is known")


def silent(place, daemon):
    """Who never talks is not told."""
    path = place.copy(shutil.which("true"), "silent")
    subprocess.run([path], check=True)
    blink(place.copy(built("tests/system/blink"), "after-silent"))
    wait_for("another", lambda: of(daemon, place.file("after-silent")))
    tap.equal(of(daemon, path), [], "a program that never talks is not told")


def names(place, daemon):
    """A link is another name; what a thread calls itself is none."""
    path = place.traffic("named")
    script = ["udp,127.0.0.1,0", "to,127.0.0.1,9", "send,sendto,10,10"]
    Role(path, *script).result()
    wait_for("program", lambda: of(daemon, path))
    subprocess.run(["bash", "-c", f"exec -a whatever {path} {' '.join(script)}"], check=True, stdout=subprocess.DEVNULL)
    code = ("import ctypes, socket, threading\n"
            "def talk():\n"
            "    ctypes.CDLL(None).prctl(15, b'thread-name', 0, 0, 0)\n"
            "    socket.socket(2, 2).sendto(b'x', ('127.0.0.1', 9))\n"
            "t = threading.Thread(target=talk); t.start(); t.join()\n"
            "ctypes.CDLL(None).prctl(15, b'leader-name', 0, 0, 0)\n"
            "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', 9))\n")
    python = place.copy(os.path.realpath(sys.executable), "snake")
    subprocess.run([python, "-c", code], check=True, env={**os.environ, "PYTHONHOME": sys.base_prefix})
    wait_for("program", lambda: of(daemon, python))
    # A script has its own name, and its interpreter's file.
    other = place.file("other-script")
    with open(other, "w", encoding="utf-8") as f:
        f.write(f"#!{python}\nimport socket\nsocket.socket(2, 2).sendto(b'x', ('127.0.0.1', 9))\n")
    os.chmod(other, 0o755)
    since = time.monotonic()
    subprocess.run([other], check=True, env={**os.environ, "PYTHONHOME": sys.base_prefix})
    within("a new name of a known executable is told", since,
           lambda: [p for p in of(daemon, python) if p.event == "new_name"])
    tap.equal([(p.event, p.name) for p in of(daemon, python)], [("new_exe", "snake"), ("new_name", "other-script")],
              "a thread's name, and one that a program gives itself, are not told", *of(daemon, python))
    tap.equal([p.event for p in of(daemon, path)], ["new_exe"], "nor is argv[0]", *of(daemon, path))


def scripts(place, daemon):
    """Told like executables, by their own path."""
    path, blinks = place.file("talks.sh"), place.copy(built("tests/system/blink"), "of-a-script")

    def write(text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)
        return sha256(path)
    one = write(f"{blinks} 127.0.0.1 9")
    since = time.monotonic()
    subprocess.run([path], check=True)
    found = within("a new script is told, as the parent of who talks", since, lambda: of(daemon, path))
    tap.equal([(p.event, p.role, p.name, p.sha256, p.previous) for p in found], [("new_exe", "parent", "talks.sh", one, "")],
              "with its name and hash", *found)
    tap.ok(found[0].text.startswith(f"new script, of a parent: {path}, run by /"), "and a line for people", found[0].text)
    two = write(f": ; {blinks} 127.0.0.1 9")
    since = time.monotonic()
    subprocess.run(["sh", path], check=True)
    found = within("one that was changed, and is named on a command line", since, lambda: of(daemon, path)[1:])
    tap.equal([(p.event, p.role, p.name, p.sha256, p.previous) for p in found],
              [("new_hash", "parent", "talks.sh", two, one)], "likewise", *found)
    mine = wait_for("exe.log", lambda: [line for line in lines(daemon) if line.path == path][1:])
    tap.equal([(m.event, m.role, m.name, m.sha256, m.previous) for m in mine],
              [("new_hash", "parent", "talks.sh", two, one)], "and so in exe.log", *mine)


def changed(place, daemon):
    path = place.copy(built("tests/system/blink"), "changed")
    one = sha256(path)
    blink(path)
    wait_for("program", lambda: of(daemon, path))
    other = place.copy(built("tests/system/blink"), "changed.new")
    os.rename(other, path)
    two = sha256(path)
    since = blink(path)
    found = within("an executable that was replaced is told", since, lambda: of(daemon, path)[1:])
    tap.equal([(p.event, p.role, p.sha256, p.previous) for p in found], [("new_hash", "self", two, one)],
              "with the hash that it has, and that it had", *found)
    with open(path, "ab") as f:
        f.write(b"!")
    three = sha256(path)
    since = blink(path)
    found = within("one that was changed in place is too", since, lambda: of(daemon, path)[2:])
    tap.equal([(p.event, p.sha256, p.previous) for p in found], [("new_hash", three, two)], "likewise", *found)
    tap.equal([(m.event, m.sha256, m.previous) for m in lines(daemon) if m.path == path],
              [("new_exe", one, "-"), ("new_hash", two, one), ("new_hash", three, two)], "and exe.log is their history")


def upgrade(place, daemon):
    """A package with 300 programs, all of which talk: installed, and upgraded."""
    folder = place.file("package")
    os.mkdir(folder)
    paths = [os.path.join(folder, f"program-{i}") for i in range(UPGRADE)]
    hashes = []
    spawner = place.traffic("spawner")
    for _ in range(2):
        for path in paths:
            new = place.copy(built("tests/system/blink"), "new")
            os.rename(new, path)
        hashes.append({path: sha256(path) for path in paths})
        Role(spawner, "spawn", str(UPGRADE), "2", *paths, "--", *BLINK).result()
        wait_for("all of them", lambda n=len(hashes): len(programs(daemon, "e.exe GLOB ?", folder + "/*")) >= n * UPGRADE, 60)
    found = programs(daemon, "e.exe GLOB ?", folder + "/*")
    tap.equal(collections.Counter(p.event for p in found), {"new_exe": UPGRADE, "new_hash": UPGRADE},
              f"an upgrade of {UPGRADE} executables is {UPGRADE} records of change, and none is missed")
    wrong = [p for p in found if p.event == "new_hash" and (p.previous, p.sha256) != (hashes[0][p.path], hashes[1][p.path])]
    tap.equal(wrong, [], "each has both hashes")
    logged = collections.Counter(m.event for m in lines(daemon) if m.path.startswith(folder))
    tap.equal(logged, {"new_exe": UPGRADE, "new_hash": UPGRADE}, "and a line of exe.log")


HOSTILE = [b"\xff\xfe\x80bytes", b"line\n2026-11-23T09:19:49Z\tnew_exe\tself\tx\tbin", b"\x1b[2J\x07", "übel\u202e".encode(),
           b"back\\slash\\x41", b"quote\"'"]


def hostile(place, daemon):
    """Names that want to harm: stored so that the bytes can be had back, one line each, and they are known again."""
    base = os.fsencode(place.path) + b"/"
    for name in HOSTILE:
        shutil.copyfile(built("tests/system/blink"), base + name)
        os.chmod(base + name, 0o755)
        subprocess.run([base + name, *BLINK], check=True)
    wait_for("hostile names", lambda: len([m for m in lines(daemon) if "blink" not in m.path and
                                           unshow(m.path)[len(base):] in HOSTILE]) == len(HOSTILE))
    with open(os.path.join(daemon.log, "exe.log"), "rb") as f:
        text = f.read()
    tap.ok(not re.search(rb"[\0-\x08\x0b-\x1f\x7f]", text), "exe.log has no control characters but its own")
    tap.ok(all(line.count(b"\t") == 9 for line in text.splitlines()), "and no line that a name made")
    listed = {unshow(e["exe"]) for e in known(daemon)}
    tap.ok({base + name for name in HOSTILE} <= listed, "they can be had back from the memory", *listed)
    code, said = record(daemon, os.fsdecode(base + HOSTILE[0]))
    tap.ok(code == 0 and "\\xff" in said and not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f]", said),
           "one is found by its bytes, and shown", said)


def unshow(shown):
    return re.sub(rb"\\(?:x([0-9a-f]{2})|(\\))", lambda m: bytes([int(m[1], 16)]) if m[1] else m[2], shown.encode())


def orders(place, daemon):
    """With the daemon running."""
    path = place.copy(built("tests/system/blink"), "ordered")
    blink(path)
    wait_for("program", lambda: of(daemon, path))
    code, said = record(daemon, path)
    tap.ok(code == 0 and path in said and sha256(path)[:12] in said, "record shows what is known", said)
    tap.equal(record(daemon, place.file("nothing"))[0], 4, "and says so if there is nothing")
    tap.equal(record(daemon, "--forget")[0], 1, "to forget without saying what is an error")
    tap.equal(record(daemon, "--what")[0], 2, "a wrong option is usage")
    tap.equal(record(daemon, "--forget", path)[0], 0, "a program is forgotten")
    tap.equal(known(daemon, path), [], "then it is not known")
    next_window(place, daemon)
    blink(path)
    wait_for("program", lambda: len(of(daemon, path)) == 2)
    tap.equal([p.event for p in of(daemon, path)], ["new_exe", "new_exe"], "and new again")
    tap.equal(record(daemon, "--expect", path)[0], 0, "it is expected")
    os.rename(place.copy(built("tests/system/blink"), "ordered.new"), path)
    blink(path)
    found = wait_for("change", lambda: of(daemon, path)[2:])
    tap.equal([(p.event, p.expected) for p in found], [("new_hash", 1)], "what is new about it is recorded as expected")
    tap.equal([m.expected for m in lines(daemon) if m.path == path], ["-", "-", "expected"], "in exe.log too")
    later = place.file("later")
    tap.equal(record(daemon, "--expect", later)[0], 0, "one that is not known can be expected")
    blink(place.copy(built("tests/system/blink"), "later"))
    found = wait_for("program", lambda: of(daemon, later))
    tap.equal([(p.event, p.expected) for p in found], [("new_exe", 1)], "and comes as such")
    tap.ok({path, later} <= {e["exe"] for e in known(daemon, "--expected")}, "expected ones are listed",
           *known(daemon, "--expected"))
    nobody = subprocess.run([daemon.program, "--config", daemon.config, "record", "--forget", "--all"], user=65534,
                            capture_output=True, text=True, check=False)
    tap.ok(nobody.returncode == 1 and known(daemon), "who is not root forgets nothing", nobody.stderr)


def next_window(place, daemon):
    """Within a window a program is looked at once."""
    ended = daemon.status()["window"]["ended"]
    wait_for("window", lambda: daemon.status()["window"]["ended"] > ended, 70)


def lives_on(place, daemon):
    """Over a stop, and over kill -9."""
    path = place.copy(built("tests/system/blink"), "lasting")
    blink(path)
    wait_for("program", lambda: of(daemon, path))
    tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
    file = os.path.join(daemon.state, "record.json")
    st = os.stat(file)
    tap.equal((stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid), (0o640, 0, 0), "record.json has the mode of data files")
    with open(file, encoding="utf-8") as f:
        kept = json.load(f)
    tap.ok(kept["version"] == 1 and kept["Executables"][path] == ["lasting"] and path in kept["Names"]["lasting"] and
           list(kept["SHA256"][path]) == [sha256(path)], "what is in it: names by executable, the reverse, hashes")
    tap.ok(kept["Parent Executables"] and kept["Grandparent Names"], "parents and grandparents")
    tap.equal([n for n in os.listdir(daemon.state) if n.startswith("record.json")], ["record.json"], "and nothing beside it")
    before = len(of(daemon, path))
    daemon.start()
    blink(path)
    second = place.copy(built("tests/system/blink"), "second")
    blink(second)
    wait_for("program", lambda: of(daemon, second))
    tap.equal(len(of(daemon, path)), before, "after a restart it is known")
    wait_for("file", lambda: second in open(file, encoding="utf-8").read(), 30)
    daemon.kill()
    daemon.start()
    third = place.copy(built("tests/system/blink"), "third")
    for known_one in (path, second):
        blink(known_one)
    blink(third)
    wait_for("program", lambda: of(daemon, third))
    tap.equal((len(of(daemon, path)), len(of(daemon, second))), (before, 1), "so are both after kill -9")


def stopped(place, daemon):
    """Without a daemon the command changes the file itself."""
    path = place.file("second")
    daemon.stop()
    tap.equal([e["exe"] for e in known(daemon, path)], [path], "record shows the file without a daemon")
    tap.equal(record(daemon, "--expect", path)[0], 0, "it marks there")
    tap.equal(record(daemon, "--forget", place.file("third"))[0], 0, "and forgets")
    tap.equal(stat.S_IMODE(os.stat(os.path.join(daemon.state, "record.json")).st_mode), 0o640, "the file keeps its mode")
    daemon.start()
    tap.equal([e["expected"] for e in known(daemon, path)], [True], "the daemon has what was marked")
    before = len(of(daemon, place.file("third")))
    blink(place.file("third"))
    wait_for("program", lambda: len(of(daemon, place.file("third"))) > before)
    tap.ok(True, "and not what was forgotten")


def damaged(place, daemon):
    file = os.path.join(daemon.state, "record.json")
    path = place.file("second")
    for what, aside, make in (
            ("cut off", "damaged", lambda: os.truncate(file, os.path.getsize(file) // 2)),
            ("of a later version", "unknown", lambda: write(file, '{"version": 99}')),
            ("a symbolic link", "damaged", lambda: (os.unlink(file), os.symlink("/etc/passwd", file))),
            ("with a second link", "damaged", lambda: (os.unlink(file), write(file, "{}"), os.link(file, file + ".link")))):
        daemon.stop()
        make()
        daemon.start()
        known_before = len(of(daemon, path))
        blink(path)
        wait_for("program", lambda n=known_before: len(of(daemon, path)) > n)
        status = daemon.status()
        tap.ok([loss for loss in status["losses"] if loss["stage"] == "memory"], f"a file that is {what} is told",
               status["losses"])
        beside = [n for n in os.listdir(daemon.state) if n.startswith(f"record.json.{aside}-")]
        tap.ok(beside, f"{what}: it is set aside", *os.listdir(daemon.state))
        for name in beside + ["record.json.link"]:
            if os.path.lexists(os.path.join(daemon.state, name)):
                os.unlink(os.path.join(daemon.state, name))
    with open("/etc/passwd", encoding="utf-8") as f:
        tap.ok("version" not in f.read(), "and no link is followed")


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def flood(place, daemon):
    """Thousands of executables that live a millisecond, as a build makes them: each is told, once."""
    folder = place.file("build")
    os.mkdir(folder)
    paths = [os.path.join(folder, f"conftest-{i}") for i in range(FLOOD)]
    with open(built("tests/system/blink"), "rb") as f:
        content = f.read()
    for i, path in enumerate(paths):
        with open(path, "wb", opener=lambda p, m: os.open(p, m, 0o755)) as out:
            out.write(content + b"%d" % i)
    spawner = place.traffic("build-spawner")
    Role(spawner, "spawn", str(FLOOD), "4", *paths, "--", *BLINK).result(300)
    wait_for("all", lambda: len(programs(daemon, "e.exe GLOB ?", folder + "/*")) >= FLOOD, 60)
    found = programs(daemon, "e.exe GLOB ?", folder + "/*")
    tap.equal(collections.Counter(p.event for p in found), {"new_exe": FLOOD}, f"{FLOOD} executables of a build are told, each once")
    unhashed = [p for p in found if not p.sha256]
    tap.ok(len(unhashed) < FLOOD / 10, "with their hashes, or at most a tenth without, that were not ready in time", len(unhashed))


def main():
    need_root()
    with Place() as place, Daemon(place, write_interval="30 s") as daemon:
        daemon.start()
        for part in (at_once, silent, names, scripts, changed, upgrade, hostile):
            part(place, daemon)
        tap.equal([loss for loss in daemon.status()["losses"] if loss["stage"] == "memory"], [], "nothing was missed")
        daemon.options["write_interval"] = "1 s"
        daemon.configure()
        daemon.process.send_signal(signal.SIGHUP)
        wait_for("window", lambda: daemon.status()["window"]["ended"] > 2, 90)
        for part in (orders, lives_on, stopped, damaged, flood):
            part(place, daemon)
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
    tap.done()


main()
