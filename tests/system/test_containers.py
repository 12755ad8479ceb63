#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Programs in mount, pid and network namespaces of their own, as containers have them: path (as it is
in there when the root was changed for good; from the host's root when it was only narrowed), hash,
ancestry, and every byte.
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import TCP, Case, check_all  # noqa: E402
from harness import Daemon, Namespaces, Place, Role, need_root, sha256  # noqa: E402

UNSHARE = os.path.realpath(shutil.which("unshare") or "/usr/bin/unshare")
SHELL = os.path.realpath(shutil.which("sh"))


class Container(Case):
    """One that is told where its file is, since its path is of another root."""

    def __init__(self, name, netns, files):
        super().__init__(name, TCP, "", "", netns=netns)
        self.files = files
        self.parents.append(UNSHARE)

    def hash_of(self, program):
        return sha256(self.files.get(program, program))


def root_for(place, name):
    root = place.file(name)
    for folder in ("", "/old", "/proc"):
        os.mkdir(root + folder)
    return root, place.traffic(f"{name}/{name}-traffic")


def contained(place, spaces, name, kind):
    root, program = root_for(place, name)
    inside = os.path.basename(program)
    if kind == "pivot_root":
        script = f'mount --bind {root} {root} && cd {root} && pivot_root . old && exec "$@"'
        enter = [UNSHARE, "-m", "-p", "-f", SHELL, "-c", script, SHELL]
    else:
        enter = [UNSHARE, "-m", "-p", "-f", f"--root={root}"]
    path = "/" + inside if kind == "pivot_root" else program
    ear = Role(place.traffic(f"{name}-ear"), f"tcp-listen,{spaces.v4[0]},0", "recv,recv,30000", "send,send,50000",
               netns=spaces.names[0])
    mouth = Role("/" + inside, f"tcp-connect,{spaces.v4[0]},{ear.port()}", "send,send,30000", "recv,splice,50000",
                 netns=spaces.names[1], enter=enter)
    mouth.program = path
    case = Container(f"own mount, pid and network namespaces, {kind}", spaces.names, {path: program})
    case.took_part(mouth, 1)
    case.took_part(ear)
    return case


def main():
    need_root()
    with Place() as place, Namespaces() as spaces, Daemon(place) as daemon:
        daemon.start()
        check_all(place, daemon, spaces, [lambda p: contained(p, spaces, "pivoted", "pivot_root"),
                                          lambda p: contained(p, spaces, "rooted", "chroot")])


main()
