#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Who it was on file systems whose files have other device numbers, or inodes, than one would think: overlays, and btrfs with
subvolumes whose files have the same inode numbers; [core] st_dev_mask.
"""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, built, need_root, sha256, tap, wait_for  # noqa: E402

UDP = ["udp,127.0.0.1,0", "to,127.0.0.1,9"]
SEND = ["send,sendto,100,100"]
BLINK = ["127.0.0.1", "9"]
BRIEF = 50
checks = []


def expect(what, path, hashes, sent=None):
    """All rows of that path have these hashes, nothing else, and are sure of them."""
    def check(rows):
        mine = [r for r in rows if r.exe.path == path]
        good = {(r.exe.sha256, r.exe.state) for r in mine} == {(h, "") for h in hashes}
        tap.ok(good and (sent is None or sum(r.sent for r in mine) == sent), what, *mine)
    checks.append(check)


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def put(place, program, path):
    """A program of its own, older than a tick of the kernel's clock."""
    shutil.move(place.copy(program, "made"), path)
    return sha256(path)


def talk(path):
    Role(path, *UDP, *SEND).result()


def brief(path):
    for _ in range(BRIEF):
        run(path, *BLINK)


class Mount:
    def __init__(self, folder, *words):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        run("mount", *words, folder)

    def __enter__(self):
        return self.folder

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.folder], check=False)


def overlay(place):
    """Lower files, upper ones, copied up while they run; of two overlays over one lower folder."""
    traffic, blink = built("tests/system/traffic"), built("tests/system/blink")
    lower, base = place.file("lower"), place.file("base")
    os.mkdir(base)
    os.mkdir(lower)
    hashes = {name: put(place, program, os.path.join(lower, name))
              for name, program in (("low", traffic), ("brief", blink), ("changed", traffic), ("copied", traffic))}
    mounts = []
    with Mount(base, "-t", "tmpfs", "upper"):
        for side in "ab":
            for part in ("upper", "work"):
                os.mkdir(os.path.join(base, side + part))
            mounts.append(Mount(place.file("over-" + side), "-t", "overlay", "-o",
                                f"lowerdir={lower},upperdir={base}/{side}upper,workdir={base}/{side}work", "overlay"))
        a, b = (m.folder for m in mounts)
        try:
            time.sleep(0.1)
            for side in (a, b):
                talk(f"{side}/low")
                expect("a file of the lower folder", f"{side}/low", [hashes["low"]], 100)
                brief(f"{side}/brief")
                expect(f"{BRIEF} of a millisecond", f"{side}/brief", [hashes["brief"]], 8 * BRIEF)
            upper = put(place, traffic, f"{a}/up")
            time.sleep(0.1)
            talk(f"{a}/up")
            expect("a file of the upper folder", f"{a}/up", [upper], 100)
            # The same path, and another file for one of them.
            other = put(place, traffic, f"{a}/new")
            os.rename(f"{a}/new", f"{a}/changed")
            time.sleep(0.1)
            talk(f"{a}/changed")
            talk(f"{b}/changed")
            expect("a file that hides a lower one", f"{a}/changed", [other], 100)
            expect("which is still that in the other overlay", f"{b}/changed", [hashes["changed"]], 100)
            # It is copied up because of its rights, while it runs.
            role = Role(f"{a}/copied", *UDP, "wait", *SEND)
            time.sleep(0.5)  # what is hashed by then is not disturbed by it
            os.chmod(f"{a}/copied", 0o700)
            role.go()
            role.result()
            time.sleep(0.1)
            talk(f"{a}/copied")
            expect("a file that is copied up while it runs, and runs again", f"{a}/copied", [hashes["copied"]], 200)
            time.sleep(0.5)  # likewise
            with open(f"{a}/copied", "ab") as f:
                f.write(b"!")
            time.sleep(0.1)
            talk(f"{a}/copied")
            checks.pop()
            expect("and is written to", f"{a}/copied", [hashes["copied"], sha256(f"{a}/copied")], 300)
            yield
        finally:
            for mount in mounts:
                mount.__exit__()


def make(image):
    with open(image, "wb") as f:
        f.truncate(256 << 20)
    run("mkfs.btrfs", "-q", image)


def btrfs(place):
    """Two subvolumes, whose files have equal inode numbers, and a snapshot."""
    make(place.file("btrfs"))
    with Mount(place.file("pool"), "-o", "loop", place.file("btrfs")) as pool:
        traffic, blink = built("tests/system/traffic"), built("tests/system/blink")
        hashes = {}
        for side in ("a", "b"):
            run("btrfs", "subvolume", "create", f"{pool}/{side}")
            for name, program in (("prog", traffic), ("brief", blink)):
                hashes[side, name] = put(place, program, f"{pool}/{side}/{name}")
        tap.equal(os.stat(f"{pool}/a/prog").st_ino, os.stat(f"{pool}/b/prog").st_ino, "two programs have one inode number")
        run("btrfs", "subvolume", "snapshot", f"{pool}/a", f"{pool}/snapshot")
        time.sleep(0.1)
        for side in ("a", "b"):
            talk(f"{pool}/{side}/prog")
            expect(f"each is itself: {side}", f"{pool}/{side}/prog", [hashes[side, "prog"]], 100)
        # By turns, so that a mistake would show.
        for _ in range(BRIEF):
            for side in ("a", "b"):
                run(f"{pool}/{side}/brief", *BLINK)
        for side in ("a", "b"):
            expect(f"{BRIEF} of a millisecond, by turns: {side}", f"{pool}/{side}/brief", [hashes[side, "brief"]], 8 * BRIEF)
        # One process executes the one, and then the other.
        run("sh", "-c", f"{pool}/a/brief {' '.join(BLINK)}; exec {pool}/b/brief {' '.join(BLINK)}")
        del checks[-2:]
        for side in ("a", "b"):
            expect(f"by turns, and in one process: {side}", f"{pool}/{side}/brief", [hashes[side, "brief"]], 8 * (BRIEF + 1))
        talk(f"{pool}/snapshot/prog")
        expect("a snapshot's", f"{pool}/snapshot/prog", [hashes["a", "prog"]], 100)
        put(place, traffic, f"{pool}/snapshot/new")
        os.rename(f"{pool}/snapshot/new", f"{pool}/snapshot/prog")
        time.sleep(0.1)
        talk(f"{pool}/snapshot/prog")
        checks.pop()
        expect("which is replaced", f"{pool}/snapshot/prog", [hashes["a", "prog"], sha256(f"{pool}/snapshot/prog")], 200)
        yield


def masks():
    """st_dev_mask = 0xffffffff compares what cannot be equal on btrfs; then there is no hash, and that is said."""
    with Place() as place, Daemon(place, self_test="no", st_dev_mask="0xffffffff") as daemon:
        make(place.file("btrfs"))
        with Mount(place.file("pool"), "-o", "loop", place.file("btrfs")) as pool:
            run("btrfs", "subvolume", "create", f"{pool}/a")
            put(place, built("tests/system/traffic"), f"{pool}/a/masked")
            daemon.start()
            time.sleep(0.1)
            talk(f"{pool}/a/masked")
            rows = wait_for("a row", lambda: [r for r in daemon.rows() if r.exe.name == "masked"])
            tap.ok(all(not r.exe.sha256 and r.exe.state for r in rows),
                   "a mask that does not fit: no hash, and why, rather than one that may be another's", *rows)
            daemon.stop()


def main():
    need_root()
    with Place() as place:
        with Daemon(place, self_test="no") as daemon:
            daemon.start()
            parts = [part(place) for part in (overlay, btrfs)]
            for part in parts:
                next(part)
            tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
            rows = daemon.rows()
            for part in parts:
                part.close()
        for check in checks:
            check(rows)
    masks()
    tap.done()


main()
