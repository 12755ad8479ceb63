#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program opens a way to the network that cannot be seen: an alert names it, once."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Namespaces, Place, need_root, tap, wait_for  # noqa: E402

LOOK = 3  # seconds between two looks of the daemon
AF_XDP = 44
XDP = f"import socket, sys\ns = socket.socket({AF_XDP}, socket.SOCK_RAW)\nprint('open', flush=True)\nsys.stdin.read()\n"
OTHER = XDP.replace(f"socket.socket({AF_XDP}, socket.SOCK_RAW)", "socket.socket(), open('/dev/net/tun')")


class Program:
    """A Python of its own name that keeps something open."""

    def __init__(self, place, name, code, enter=()):
        self.path = place.copy(PYTHON, name)
        self.process = subprocess.Popen([*enter, self.path, "-I", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"open\n":
            raise RuntimeError(f"{name}: it could not open it")

    def end(self):
        self.process.communicate()


def told(daemon, program=None):
    return [loss for loss in daemon.losses() if loss.stage == "channel" and (not program or f"{program.path} (" in loss.text)]


def main():
    need_root()
    with Place() as place, Namespaces() as net, Daemon(place) as daemon:
        before = Program(place, "before", XDP)
        daemon.start()
        after = Program(place, "after", XDP)
        inside = Program(place, "inside", XDP, ["ip", "netns", "exec", net.names[0]])
        other = Program(place, "other", OTHER)
        for program, what in ((before, "older than the daemon"), (after, "younger"), (inside, "in another network namespace")):
            found = wait_for(what, lambda p=program: told(daemon, p), 4 * LOOK)
            tap.ok(len(found) == 1 and "AF_XDP" in found[0].text and f"(pid {program.process.pid})" in found[0].text,
                   f"an AF_XDP socket, {what}: an alert names its program", *found)
        time.sleep(2 * LOOK)
        tap.ok(all(len(told(daemon, p)) == 1 for p in (before, after, inside)), "it is told once", *told(daemon))
        tap.equal(told(daemon, other), [], "another socket and another device are no channel")
        after.end()
        again = Program(place, "again", XDP)
        tap.ok(wait_for("another", lambda: told(daemon, again), 4 * LOOK), "a later program is told too")
        for program in (before, inside, other, again):
            program.end()
        tap.equal(daemon.stop(), 0, "it stops")
    tap.done()


main()
