#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Names that want to harm: invalid UTF-8, escapes, newlines, 4 KiB of path and 100 KiB of argument.
They are stored reversibly, disturb no other row, and the text log keeps one line a row.
"""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, built, need_root, sha256, tap  # noqa: E402

SINKS = """[sink sqlite]
[sink textlog]
enabled = yes
[sink textlog.json]
enabled = yes
plugin = textlog
format = json
file = conn.json
"""
BASH = shutil.which("bash")
NAMES = [
    b"plain",
    b"\xff\xfe\x80invalid\xc0\xaf",
    b"line\nbreak\r\n",
    b"escape\\x00\\n\\\\%00&#0;",
    b"\x1b[2J\x1b]0;title\x07",
    b"quote'\"`$(touch x);,|&",
    "übermäßig\u202egnp.exe\u2028".encode(),
    b"\xed\xa0\x80surrogate\xf4\x90\x80\x80",
]
ARGUMENTS = [
    b"", b" ", b"\xff\n\r\t\x1b\\x00", b"'", b"a'b\"c$d`e\\f", bytes(range(1, 256)), b"!*?[]{}~#", "é\u202e\u0085".encode(),
    bytes(range(1, 256)) * 400 + b"end",
]


def unshow(text):
    """The bytes behind a text of the store: \\xHH and \\\\ are undone."""
    return re.sub(rb"\\(?:x([0-9a-fA-F]{2})|(.))", lambda m: bytes([int(m[1], 16)]) if m[1] else m[2], text.encode())


def unquote(line):
    """The arguments of a command line as bash reads it."""
    script = b"printf '%s\\0' " + line.encode()
    done = subprocess.run([BASH, "--norc", "-s"], input=script, capture_output=True, check=True,
                          env={"LC_ALL": "C", "PATH": "/nonexistent"})
    return done.stdout.split(b"\0")[:-1]


def blink(path, port, *args):
    command = [path, b"127.0.0.1", b"%d" % port, *args]
    subprocess.run(command, check=True)
    return path, command


def deep(place):
    """A program whose path is as long as a path can be."""
    folder = os.fsencode(place.path)
    home = os.open(".", os.O_RDONLY)
    try:
        while len(folder) < 3800:
            part = (b"\xfe\n" * 100)[:min(200, 4000 - len(folder))]
            os.chdir(folder if folder == os.fsencode(place.path) else b".")
            os.mkdir(part)
            os.chdir(part)
            folder += b"/" + part
    finally:
        os.chdir(home)
        os.close(home)
    return folder + b"/deep"


def main():
    need_root()
    with Place() as place, Daemon(place, sinks=SINKS) as daemon:
        daemon.start()
        ran = {}  # port: (path, arguments)
        base = os.fsencode(place.path) + b"/"
        source = place.copy(built("tests/system/blink"), "source")
        for i, name in enumerate([*(base + n for n in NAMES), deep(place)]):
            with open(source, "rb") as f, open(name, "wb", opener=lambda p, m: os.open(p, m, 0o755)) as out:
                out.write(f.read())
            ran[1000 + i] = blink(name, 1000 + i)
        for i, argument in enumerate(ARGUMENTS):
            ran[2000 + i] = blink(base + b"plain", 2000 + i, argument, b"after", b"")
        every = [a for a in ARGUMENTS if len(a) < 1000]
        ran[3000] = blink(base + b"plain", 3000, *every)
        hashed = sha256(source)
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")

        rows = {r.rport: r for r in daemon.rows() if r.exe.sha256 == hashed}
        tap.equal(sorted(rows), sorted(ran), "one row for each program, with its hash")
        for port, (path, command) in ran.items():
            row, what = rows[port], repr(path[-30:]) if port < 2000 else f"{len(b' '.join(command[3:]))} bytes of argument"
            tap.equal(unshow(row.exe.path), path, f"path: {what}", row.exe)
            tap.equal(unshow(row.exe.name), os.path.basename(path)[:15], f"name: {what}", row.exe)
            tap.ok(unquote(row.exe.cmdline) == command, f"command line: {what}", row.exe.cmdline[:500])
            tap.ok(row.sent == 8 and row.raddr == "127.0.0.1" and row.parent.name.startswith("python"),
                   f"the rest of its row: {what}", row)
            tap.ok(not re.search("[\0-\x1f\x7f-\x9f\u2028-\u202e]", row.exe.path + row.exe.name + row.exe.cmdline),
                   f"no control characters: {what}")
        logs(daemon, len(daemon.rows()), ran)
    tap.done()


def logs(daemon, n, ran):
    with open(os.path.join(daemon.log, "conn.log"), "rb") as f:
        lines = f.read().split(b"\n")
    tap.ok(lines.pop() == b"" and len(lines) == n, "CSV: one line a row", len(lines), n)
    tap.equal({line.count(b",") for line in lines}, {16}, "CSV: 17 fields a line")
    tap.ok(all(byte >= 32 and byte != 127 for line in lines for byte in line), "CSV: no control characters")
    ports = {int(line.split(b",")[13]) for line in lines}
    tap.ok(set(ran) <= ports, "CSV: every program has its line", sorted(set(ran) - ports))
    with open(os.path.join(daemon.log, "conn.json"), "rb") as f:
        records = [json.loads(line) for line in f.read().splitlines()]
    tap.ok(len(records) >= n, "JSON: one object a line", len(records), n)


main()
