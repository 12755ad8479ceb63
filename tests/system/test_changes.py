#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The file of a program that runs, and of the script that an interpreter runs, and those of the programs that started it,
which do not talk themselves: replaced, deleted, written to; told at once, with what lies there now. What leaves the content
as it is, and what happens after the program's end, is not told.
"""
import collections
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Place, Role, need_root, sha256, tap, wait_for  # noqa: E402

UPGRADE = 300
TALK = ["udp,127.0.0.1,0", "to,127.0.0.1,9", "send,sendto,10,10", "wait"]

Program = collections.namedtuple("Program", "event role name sha256 state previous text")


def of(daemon, path):
    db = daemon.database()
    found = [Program(*row) for row in db.execute(
        "SELECT event, role, name, sha256, hash_state, previous_sha256, text FROM programs JOIN executables e ON e.id = exe_id "
        "WHERE e.exe = ? ORDER BY programs.rowid", (path,))]
    db.close()
    return found


def told(daemon, path):
    return [p for p in of(daemon, path) if p.event == "changed"]


def runs(daemon, path, *words, **more):
    """A program that talks, and stays; it is known, and watched, when this returns."""
    role = Role(path, *(words or TALK), **more)
    wait_for(path, lambda: of(daemon, path))
    return role


def watched():
    time.sleep(1.5)


def is_told(what, daemon, path, now, before, n=1, role="self"):
    since = time.monotonic()
    found = wait_for(what, lambda: told(daemon, path)[n - 1:])
    took = time.monotonic() - since
    tap.equal([(p.role, p.sha256, p.state, p.previous) for p in found], [(role, now, "" if now else "gone", before)], what,
              *found)
    tap.ok(took < 5, "at once", f"after {took:.1f} s")
    return found


def replaced(place, daemon):
    path = place.traffic("replaced")
    one = sha256(path)
    role = runs(daemon, path)
    watched()
    os.rename(place.traffic("replaced.new"), path)
    two = sha256(path)
    found = is_told("replaced by a rename", daemon, path, two, one)
    tap.ok(found[0].text.startswith(f"changed while it runs: {path} (replaced)"), "with a line for people", found[0].text)
    os.rename(place.traffic("replaced.new"), path)
    three = sha256(path)
    is_told("and once more: what is running is the first", daemon, path, three, one, 2)
    with open(path, "ab") as f:
        f.write(b"!")
    is_told("and the new one is written to", daemon, path, sha256(path), one, 3)
    os.unlink(path)
    is_told("and deleted", daemon, path, "", one, 4)
    role.go()
    role.result()


def deleted(place, daemon):
    path = place.traffic("deleted")
    hashed = sha256(path)
    role = runs(daemon, path)
    watched()
    os.unlink(path)
    found = is_told("deleted", daemon, path, "", hashed)
    tap.ok(found[0].text.endswith("; its file is gone"), "and that is said", found[0].text)
    role.go()
    role.result()
    path = place.traffic("moved")
    hashed = sha256(path)
    role = runs(daemon, path)
    watched()
    os.rename(path, path + ".old")
    is_told("moved away", daemon, path, "", hashed)
    role.kill()


def scripts(place, daemon):
    path = place.file("script.py")
    text = "import socket, time\nsocket.socket(2, 2).sendto(b'x', ('127.0.0.1', 9))\ntime.sleep(1000)\n"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    one = sha256(path)
    with subprocess.Popen([PYTHON, path]) as process:
        wait_for(path, lambda: of(daemon, path))
        watched()
        with open(path, "a", encoding="utf-8") as f:
            f.write("# more\n")
        found = is_told("a script that is written to", daemon, path, sha256(path), one)
        tap.ok(found[0].text.startswith(f"script changed while it runs: {path}, run by {PYTHON}"), "with its line", found[0].text)
        tap.equal(told(daemon, PYTHON), [], "its interpreter has not changed")
        process.kill()


def chain(place, name, steps=()):
    """A shell that starts a shell that starts who talks, and waits for its end: the paths from the last to the first."""
    above = [place.copy(os.path.realpath("/bin/sh"), f"{name}-{n}") for n in (1, 2)]
    talks = place.traffic(f"{name}-0")
    inner = f"{above[0]} -c '{talks} {' '.join(steps or TALK)}; true'"
    # pylint: disable-next=consider-using-with
    return [talks, *above], subprocess.Popen([above[1], "-c", f"{inner}; true"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


def end_chain(process):
    process.stdin.close()
    process.wait()


def parents(place, daemon):
    """Who started the one that talks, and does not talk itself."""
    paths, process = chain(place, "above")
    wait_for("who talks", lambda: of(daemon, paths[0]))
    watched()
    one, two = sha256(paths[1]), sha256(paths[2])
    os.rename(place.traffic("above.new"), paths[1])
    found = is_told("a parent's file is replaced", daemon, paths[1], sha256(paths[1]), one, role="parent")
    tap.ok(found[0].text.startswith(f"changed while it runs, of a parent: {paths[1]} ("), "with a line for people", found[0].text)
    os.unlink(paths[2])
    is_told("a grandparent's is deleted", daemon, paths[2], "", two, role="grandparent")
    tap.equal(told(daemon, paths[0]), [], "who talks has not changed")
    end_chain(process)
    # A parent that has become another program does not run the first any more.
    left, talks = place.copy(os.path.realpath("/bin/sh"), "left"), place.traffic("left-0")
    with subprocess.Popen([left, "-c", f"exec 3<&0; {talks} {' '.join(TALK)} <&3 & exec sleep 1000"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL) as process:
        wait_for("who talks", lambda: of(daemon, talks))
        watched()
        os.rename(place.traffic("left.new"), left)
        time.sleep(2)
        tap.equal(told(daemon, left), [], "what a parent was before it became another program is not told")
        process.kill()


def quiet(place, daemon):
    """Nothing that changes nothing."""
    path = place.traffic("quiet")
    role = runs(daemon, path)
    ended = place.traffic("ended")
    runs(daemon, ended, *TALK[:-1]).result()
    watched()
    os.chmod(path, 0o700)
    os.utime(path)
    os.link(path, path + ".link")
    os.unlink(path + ".link")
    shutil.copyfile(path, path + ".new")
    os.chmod(path + ".new", 0o755)
    os.rename(path + ".new", path)
    os.rename(place.traffic("ended.new"), ended)
    time.sleep(3)
    tap.equal(told(daemon, path), [], "rights, times, links and the same content once more are no change")
    tap.equal(told(daemon, ended), [], "nor is what becomes of a program that has ended")
    os.rename(place.traffic("quiet.new"), path)
    wait_for("a change", lambda: told(daemon, path))
    tap.ok(True, "after all that, a change is seen")
    role.kill()


def elsewhere(place, daemon):
    """Below the same path, there is another file for a process in another mount namespace."""
    inner, other = place.traffic("inner"), place.traffic("other")
    folder = place.file("folder")
    os.mkdir(folder)
    one, two = sha256(inner), sha256(other)
    command = f"mount -t tmpfs inner {folder} && cp {inner} {folder}/prog && sleep 0.2 && exec {folder}/prog {' '.join(TALK)}"
    # What is in a mount that nobody else sees has the path that it has in there.
    with subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", command], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL) as process:
        found = wait_for("the program", lambda: [p for p in everything(daemon) if p.sha256 == one])
        watched()
        subprocess.run(["nsenter", "-t", str(process.pid), "-m", "sh", "-c", f"cp {other} {folder}/new && mv {folder}/new {folder}/prog"],
                       check=True)
        changed = wait_for("a change", lambda: [p for p in everything(daemon) if p.previous == one])
        tap.equal([(p.event, p.name, p.sha256, p.state) for p in changed], [("changed", found[0].name, two, "")],
                  "in another mount namespace: what lies there now", *changed)
        process.kill()


def everything(daemon):
    db = daemon.database()
    found = [Program(*row) for row in db.execute(
        "SELECT event, role, name, sha256, hash_state, previous_sha256, text FROM programs JOIN executables e ON e.id = exe_id")]
    db.close()
    return found


def upgrade(place, daemon):
    paths = [place.traffic(f"many-{i}") for i in range(UPGRADE)]
    before = [sha256(p) for p in paths]
    roles = [Role(p, *TALK) for p in paths]
    wait_for("programs", lambda: all(of(daemon, p) for p in paths), 60)
    watched()
    for path in paths:
        os.rename(place.traffic("many.new"), path)
    after = [sha256(p) for p in paths]
    wait_for("changes", lambda: all(told(daemon, p) for p in paths), 60)
    tap.equal([[(p.sha256, p.previous) for p in told(daemon, path)] for path in paths],
              [[pair] for pair in zip(after, before)], f"{UPGRADE} that are replaced: each is told, once")
    for role in roles:
        role.kill()


def restarted(place, daemon):
    """Those that were there before the daemon are watched as soon as one of them talks; what happened to their files
    while nobody watched is seen then."""
    later = [TALK[0], "wait", *TALK[1:]]
    paths, process = chain(place, "before", later)
    missed, other = chain(place, "away", later)
    was = [sha256(path) for path in missed]
    time.sleep(0.5)
    tap.equal(daemon.stop(), 0, "it is stopped")
    for path in missed:
        os.rename(place.traffic("away.new"), path)
    daemon.start()
    for waiting in (process, other):
        waiting.stdin.write(b"\n")
        waiting.stdin.flush()
    wait_for("who talks", lambda: of(daemon, paths[0]))
    roles = ("self", "parent", "grandparent")
    for path, before, role in zip(missed, was, roles):
        is_told(f"replaced while the daemon was away: the file of {role}", daemon, path, sha256(path), before, role=role)
    watched()
    for path, role in zip(paths, roles):
        before = sha256(path)
        os.rename(place.traffic("before.new"), path)
        is_told(f"after a restart: the file of {role}", daemon, path, sha256(path), before, role=role)
    end_chain(process)
    end_chain(other)


def main():
    need_root()
    with Place() as place, Daemon(place, self_test="no") as daemon:
        old = place.traffic("old")
        older = Role(old, *TALK)
        time.sleep(0.2)
        daemon.start()
        for part in (replaced, deleted, scripts, parents, quiet, elsewhere, upgrade):
            part(place, daemon)
        restarted(place, daemon)
        os.rename(place.traffic("old.new"), old)
        time.sleep(2)
        tap.equal(told(daemon, old), [], "a program that does not talk is not watched")
        older.kill()
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        tap.equal([loss for loss in daemon.losses() if loss.stage == "memory"], [], "nothing was missed")
    tap.done()


main()
