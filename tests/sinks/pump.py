# SPDX-License-Identifier: GPL-3.0-or-later
"""tests/sinks/pump in the background: rows that flow into a sink; and a proxy that cuts connections."""
import os
import re
import socket
import struct
import subprocess
import threading
import time

TOP = os.environ["top_builddir"]


class Pump:
    def __init__(self, plugin, options, batches=100, rows=50, host=1, pause=20, limit=60, start=1700000000):
        self.lines = []
        self.process = subprocess.Popen(
            [f"{TOP}/tests/sinks/pump", f"{TOP}/plugins/.libs/{plugin}.so", str(batches), str(rows), str(host), str(pause),
             str(limit), str(start), *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            if not self.lines or self.lines[-1] != line.rstrip("\n"):
                self.lines.append(line.rstrip("\n"))

    def saw(self, word, limit=30, since=0):
        """Waits for a line that has the word; gives whether it came."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if any(word in line for line in self.lines[since:]):
                return True
            if self.process.poll() is not None and not self.reader.is_alive():
                return any(word in line for line in self.lines[since:])
            time.sleep(0.02)
        return False

    def end(self):
        """Waits: stored, rejected and away of its last line."""
        self.process.wait()
        self.reader.join()
        last = [line for line in self.lines if line.startswith("end:")]
        return tuple(int(n) for n in re.findall(r"\d+", last[0])[:3]) if last else (0, 0, 0)

    def text(self):
        return "\n".join(self.lines[-30:])


class Proxy:
    """Between a client and a server. cut(bytes): the next packet of the client that has them is handed on, and
    then both sides are reset before an answer can pass. Or "mute": the answer never passes; or "orphan": it is
    not handed on, the client is reset, and the server is not told. hang(): nothing passes any more."""

    def __init__(self, to):
        self.to = to
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.word = None
        self.how = "reset"
        self.orphans = []
        self.cuts = 0
        self.hung = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, word, how="reset"):
        self.how = how
        self.word = word

    def close(self):
        """What orphans are left."""
        self._reset(*self.orphans)

    def hang(self, hung=True):
        self.hung = hung

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                server = socket.create_connection(self.to)
            except OSError:
                client.close()
                continue
            gate = threading.Event()
            for a, b, up in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._copy, args=(a, b, up, gate), daemon=True).start()

    @staticmethod
    def _reset(*sockets):
        for s in sockets:
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()
            except OSError:
                pass

    def _copy(self, a, b, up, gate):
        try:
            while True:
                data = a.recv(1 << 16)
                while self.hung:
                    time.sleep(0.05)
                if not data or gate.is_set():
                    break
                if up and self.word and self.word in data:
                    self.word = None
                    gate.set()
                    if self.how == "orphan":
                        self.cuts += 1
                        self.orphans.append(b)
                        self._reset(a)
                        return
                    b.sendall(data)
                    time.sleep(0.3)  # the server has done it by then
                    self.cuts += 1
                    if self.how == "reset":
                        self._reset(a, b)
                    return
                b.sendall(data)
        except OSError:
            pass
        if not gate.is_set():
            for s in (a, b):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
