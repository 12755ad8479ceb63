#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes may do: hosts of sinks nothing, the daemon only what it needs."""
import os
import stat
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, need_root, tap  # noqa: E402

SINKS = "[sink sqlite]\n[sink textlog]\nenabled = yes\n"
NOBODY = ["65534"] * 4


def of_process(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":", 1) for line in f)


def open_files(pid):
    folder = f"/proc/{pid}/fd"
    return [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]


def main():
    need_root()
    with Place() as place, Daemon(place, sinks=SINKS) as daemon:
        daemon.start()
        status = daemon.status()
        for sink in status["sinks"]:
            name, process = sink["name"], of_process(sink["pid"])
            tap.equal(process["Uid"].split(), NOBODY, f"{name}: its process is not root")
            tap.equal(process["Gid"].split(), NOBODY, f"{name}: nor of root's group")
            tap.ok("0" not in process["Groups"].split(), f"{name}: nor in it", process["Groups"])
            tap.equal([int(process[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")], [0] * 4,
                      f"{name}: no capability")
            tap.equal(process["NoNewPrivs"].strip(), "1", f"{name}: and no way to any")
            tap.equal(process["Seccomp"].strip(), "2", f"{name}: system calls that it has no use for are refused")
            files = open_files(sink["pid"])
            tap.ok(not [f for f in files if "bpf" in f or "fanotify" in f or "journal" in f or f.endswith(".ini")],
                   f"{name}: no file of the daemon is open in it", *files)
        own = of_process(daemon.process.pid)
        kept = int(own["CapEff"], 16)
        tap.ok(kept != 0 and kept.bit_count() <= 13, "the daemon has given up most capabilities", own["CapEff"])
        tap.equal(int(own["CapBnd"], 16) & ~kept, 0, "for good")
        for name in ("state", "log", "run"):
            found = os.stat(place.file(name))
            tap.ok(found.st_uid == 0 and not found.st_mode & 0o022, f"folder {name} is root's", oct(found.st_mode))
        socket = os.stat(os.path.join(daemon.run, "control.sock"))
        tap.equal(stat.S_IMODE(socket.st_mode), 0o660, "the control socket is root's and the data group's")
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
    tap.done()


main()
