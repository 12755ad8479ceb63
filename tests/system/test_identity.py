#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Who it was: the file that was executed and its hash, however briefly it ran and whatever became of
the file; the parent and grandparent; programs that are older than the daemon.
"""
import collections
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Place, Role, built, need_root, sha256, tap, wait_for  # noqa: E402

BINARIES, RUNS = 200, 100  # 20,000 processes
SEND = ["send,sendto,100,100"]
UDP = ["udp,127.0.0.1,0", "to,127.0.0.1,9"]
BLINK = ["127.0.0.1", "9"]
checks = []  # called with all rows once the daemon has stopped


def of(rows, path):
    return [r for r in rows if r.exe.path == path]


def expect(what, path, sent, hashes, **more):
    """These rows of `path` and no others: so many bytes, this hash (or these, in any order), and what else is named."""
    hashes = {hashes} if isinstance(hashes, str) else set(hashes)

    def check(rows):
        mine = of(rows, path)
        good = sum(r.sent for r in mine) == sent and {r.exe.sha256 for r in mine} == hashes
        for key, value in more.items():
            good = good and all(value == (getattr(r.exe, key) if key in r.exe._fields else getattr(r, key)) for r in mine)
        tap.ok(good, what, f"want {sent} bytes, {hashes}, {more}", *mine)
    checks.append(check)


def twenty_thousand(place, _):
    blinks = [place.copy(built("tests/system/blink"), f"blink-{i}") for i in range(BINARIES)]
    hashes = {path: sha256(path) for path in blinks}
    spawner = place.traffic("spawner")
    result = Role(spawner, "spawn", str(BINARIES * RUNS), "4", *blinks, "--", *BLINK).result(300)
    tap.note(f"{result['runs']} processes in {result['seconds']} s, 4 at a time")

    def check(rows):
        mine = [r for r in rows if r.exe.path in hashes]
        sums = collections.Counter()
        for r in mine:
            sums[r.exe.path] += r.sent
        wrong = [(p, sums[p]) for p in blinks if sums[p] != 8 * RUNS]
        tap.ok(not wrong, f"{BINARIES * RUNS} processes of a millisecond: none is missed", *wrong[:10])
        wrong = [r.exe for r in mine if r.exe.sha256 != hashes[r.exe.path]]
        tap.ok(not wrong, "each has the hash of the file that was executed", len(wrong), *wrong[:10])
        wrong = [r.parent for r in mine if r.parent.path != spawner or len(r.parent.sha256) != 64]
        tap.ok(not wrong, "each has its parent", len(wrong), *wrong[:10])
    checks.append(check)


def deleted(place, _):
    for i in range(20):
        path = place.traffic(f"deleted-{i}")
        hashed = sha256(path)
        role = Role(path, *UDP, "wait", *SEND)
        os.unlink(path)
        role.go()
        role.result()
        expect(f"a file that is deleted as soon as it runs, {i}", path, 100, hashed)
    path = place.copy(built("tests/system/blink"), "gone")
    hashed = sha256(path)
    with subprocess.Popen([path, *BLINK]):
        os.unlink(path)
    expect("a millisecond, and the file is gone too", path, 8, hashed)


def replaced(place, _):
    path, other = place.traffic("replaced"), place.traffic("other")
    first, second = sha256(path), sha256(other)
    role = Role(path, *UDP, "wait", *SEND)
    role.port()
    os.rename(other, path)
    role.go()
    pid = role.result()["pid"]
    tap.note(f"pid {pid} goes on with a file that has been replaced")
    expect("a file that is replaced while it runs keeps its hash", path, 100, first)
    checks[-1] = lambda rows, check=checks[-1]: check([r for r in rows if "wait" in r.exe.cmdline])
    Role(path, *UDP, *SEND).result()
    expect("what is run next has the new one", path, 100, second)
    checks[-1] = lambda rows, check=checks[-1]: check([r for r in rows if "wait" not in r.exe.cmdline])


def changed(place, daemon):
    path = place.traffic("changed")
    hashes = []
    for i in range(3):
        before = os.stat(path)
        if i:
            with open(path, "ab") as f:
                f.write(b"!")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        hashes.append(sha256(path))
        known = daemon.status()["identity"]["hashed"]
        Role(path, *UDP, *SEND).result()
        # A change while it is being read is another matter: that would be said instead.
        wait_for("hash", lambda n=known: daemon.status()["identity"]["hashed"] > n)
    tap.equal(len(set(hashes)), 3, "a file is changed in place twice, its modification time set back")
    expect("each run has the hash of what it ran", path, 300, hashes)


def ancestry(place, _):
    grand, parent, child = (place.traffic(n) for n in ("grand", "parent", "child"))
    Role(grand, "spawn", "1", "1", parent, "--", "spawn", "1", "1", child, "--", *UDP, *SEND).result()

    def check(rows):
        mine = of(rows, child)
        got = {(r.exe.sha256, r.parent.path, r.parent.sha256, r.grandparent.path, r.grandparent.sha256) for r in mine}
        tap.equal(got, {(sha256(child), parent, sha256(parent), grand, sha256(grand))},
                  "parent and grandparent, with their hashes")
        tap.equal({r.grandparent.cmdline.split()[:4] == [grand, "spawn", "1", "1"] for r in mine}, {True},
                  "and with their command lines")
    checks.append(check)
    shell, orphan = place.copy(shutil.which("dash") or "/bin/sh", "shell"), place.traffic("orphan")
    # In the background it would have /dev/null to read: it gets the shell's input by another number.
    command = f"exec 3<&0; {orphan} {' '.join(UDP)} wait {' '.join(SEND)} <&3 & echo"
    process = subprocess.Popen([shell, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    process.wait()
    process.communicate(b"\n")
    checks.append(lambda rows: tap.equal({r.parent.path for r in of(rows, orphan)}, {shell},
                                         "whoever started it stays the parent after its end", *of(rows, orphan)))


def others(place, _):
    path = place.traffic("linked")
    os.link(path, place.file("link"))
    Role(place.file("link"), *UDP, *SEND).result()
    expect("a hard link is known by the name that was executed", place.file("link"), 100, sha256(path), name="link")

    script = place.file("script")
    with open(script, "w", encoding="utf-8") as f:
        f.write(f"#!{PYTHON} -I\nimport socket\nsocket.socket(2, 2).sendto(b'x' * 77, ('127.0.0.1', 9))\n")
    os.chmod(script, 0o755)
    subprocess.run([script], check=True)
    checks.append(lambda rows: tap.equal(
        {(r.exe.sha256, r.exe.name, r.exe.cmdline) for r in of(rows, PYTHON) if r.sent == 77},
        {(sha256(PYTHON), "script", f"{PYTHON} -I {script}")}, "a script: its interpreter's file, its own name"))

    path = place.traffic("user")
    Role(path, *UDP, *SEND, user=65534).result()
    expect("a program of another user", path, 100, sha256(path), uid=65534)


def main():
    need_root()
    with Place() as place, Daemon(place, hooks="auto") as daemon:
        old = place.traffic("old")
        hashed = sha256(old)
        older = Role(old, *UDP, "wait", *SEND)
        older.port()
        daemon.start()
        older.go()
        older.result()
        expect("a program that is older than the daemon", old, 100, hashed, name="old",
               cmdline=" ".join([old, *UDP, "wait", *SEND]))
        checks.append(lambda rows: tap.equal({r.parent.path for r in of(rows, old)}, {PYTHON}, "and its parent"))
        for part in (deleted, replaced, changed, ancestry, others, twenty_thousand):
            part(place, daemon)
        status = daemon.status()
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        rows = daemon.rows()
        for check in checks:
            check(rows)
        tap.equal(status["losses"], [], "nothing was lost", daemon.messages())
    tap.done()


main()
