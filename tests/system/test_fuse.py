#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Programs on a file system that is a program, and that root may not even look at (FUSE, as AppImages are): they are read as the
user who executes them; whose server hangs disturbs nobody.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fuse_image import AS_NOBODY, NOBODY, Image, need_fuse  # noqa: E402
from harness import Daemon, Place, Role, need_root, sha256, tap, wait_for  # noqa: E402

UNSURE = 8
TALK = ["udp,127.0.0.1,0", "to,127.0.0.1,9", "send,sendto,10,10"]


class Program(Image):
    """With one program."""

    def __init__(self, place, name, padding=0):
        super().__init__(place, name)
        shutil.move(place.traffic("prog"), self.inside)
        self.original, self.program = os.path.join(self.inside, "prog"), os.path.join(self.folder, "prog")
        os.truncate(self.original, os.path.getsize(self.original) + padding)
        os.utime(self.original, (1e9, 1e9))
        self.pack()

    def run(self, *words, **more):
        return Role(self.program, *words, **AS_NOBODY, cwd="/", **more)


def rows_of(daemon, path):
    return [r for r in daemon.rows() if r.exe.path == path and r.sent]


def of_a_user(place, daemon):
    with Program(place, "image") as image:
        tap.ok(image.is_closed_to_root(), "root may not look")
        role = image.run(*TALK, "wait")
        rows = wait_for("a row", lambda: rows_of(daemon, image.program))
        tap.equal({(r.exe.sha256, r.exe.state, r.exe.flags & UNSURE) for r in rows}, {(sha256(image.original), "", UNSURE)},
                  "its hash is there, and that it is not sure", *rows)
        role.kill()


def swapped(place, daemon):
    """Two file systems, one after the other, with files that look the same."""
    for name in ("one", "two"):
        with Program(place, name) as image:
                # The path tells them apart for us; inode, size and times do not.
            role = image.run(*TALK, "wait")
            rows = wait_for("a row", lambda: rows_of(daemon, image.program))
            tap.equal({r.exe.sha256 for r in rows}, {sha256(image.original)}, f"each has its own hash: {name}", *rows)
            role.kill()
        time.sleep(4)


def of_a_namespace(place, daemon):
    """Mounted in a user namespace: open to who is in there."""
    image = Program(place, "inner")
    node = place.file("node")
    command = f"""mount -t tmpfs none {node} && mknod -m 666 {node}/fuse c 10 229 && mount --bind {node}/fuse /dev/fuse &&
        exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups unshare -U -r -m sh -c '
            squashfuse -f {image.file} {image.folder} 2>/dev/null & server=$!
            while ! [ -x {image.program} ]; do sleep 0.05; done
            {image.program} {" ".join(TALK)} wait; kill $server'"""
    os.mkdir(node)
    with subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", command], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL) as process:
        wanted = sha256(image.original)
        rows = wait_for("a row", lambda: [r for r in daemon.rows() if r.exe.name == "prog" and r.exe.sha256 == wanted])
        tap.equal({(r.exe.state, r.exe.flags & UNSURE) for r in rows}, {("", UNSURE)},
                  "mounted in a user namespace: it is read in there", *rows)
        process.communicate(b"\n")


def hangs(place, daemon):
    with Program(place, "hangs", 1 << 30) as image:
        role = image.run(*TALK, "wait")
        role.process.stdout.readline()
        image.server.send_signal(signal.SIGSTOP)
        since = time.monotonic()
        other = place.traffic("other")
        Role(other, *TALK).result()
        rows = wait_for("a row", lambda: [r for r in daemon.rows() if r.exe.path == other])
        tap.ok(all(r.exe.sha256 == sha256(other) for r in rows), "while a server hangs, others are hashed", *rows)
        rows = wait_for("a row", lambda: rows_of(daemon, image.program), 40)
        tap.ok(all(r.exe.state in ("late", "unreadable") for r in rows), "what hangs has no hash", *rows)
        tap.ok(any(image.program in loss.text for loss in daemon.losses()), "and that is told", *daemon.losses())
        tap.note(f"after {time.monotonic() - since:.0f} s")
        since = time.monotonic()
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        tap.ok(time.monotonic() - since < 10, "and soon", f"after {time.monotonic() - since:.1f} s")
        image.server.send_signal(signal.SIGCONT)
        role.kill()


def main():
    need_root()
    need_fuse()
    with Place() as place, Daemon(place, self_test="no") as daemon:
        daemon.start()
        for part in (of_a_user, swapped, of_a_namespace, hangs):
            part(place, daemon)
    tap.done()


main()
