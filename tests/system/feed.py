# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader of a daemon's live feed."""
import json
import os
import re
import socket
import threading
import time

from harness import wait_for


def unshow(text):
    """The bytes behind a shown text."""
    return re.sub(rb"\\(?:x([0-9a-fA-F]{2})|(.))", lambda m: bytes([int(m[1], 16)]) if m[1] else m[2], text.encode())


class Reader(threading.Thread):
    """Reads the feed; each line with the time when it came."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(daemon.run + "/feed.sock")
        self.lines, self.bad = [], []
        self.ended = False
        self.go = threading.Event()

    def run(self):
        rest = b""
        while True:
            self.go.wait()
            try:
                got = self.socket.recv(1 << 20)
            except ConnectionResetError:
                got = b""
            if not got:
                break
            now = time.monotonic()
            *lines, rest = (rest + got).split(b"\n")
            for line in lines:
                try:
                    self.lines.append((now, json.loads(line)))
                except ValueError as error:
                    self.bad.append((error, line))
        if rest:
            self.bad.append(("no newline", rest))
        self.ended = True

    def begin(self):
        self.start()
        self.go.set()
        wait_for("hello", lambda: self.lines)
        return self

    def of(self, kind, **fields):
        return [(at, line) for at, line in list(self.lines) if line["kind"] == kind and
                all(line.get(key) == value for key, value in fields.items())]

    def sum(self, key, **fields):
        return sum(line[key] for _, line in self.of("traffic", pid=os.getpid(), **fields))

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.socket.close()
