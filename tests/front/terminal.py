# SPDX-License-Identifier: GPL-3.0-or-later
"""
A program on a terminal of its own, whose screen is text (pyte), and a live feed that says what a test wants.
"""
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import sys
import termios
import time

try:
    import pyte
except ImportError:
    # Debian's package, where another Python comes first.
    sys.path.append("/usr/lib/python3/dist-packages")
    import pyte


class Screen(pyte.Screen):
    """With the two ways to scroll that pyte leaves out and ncurses uses."""

    def scroll(self, step, line, n):
        before, self.cursor.y = self.cursor.y, line
        for _ in range(n):
            step()
        self.cursor.y = before

    def scroll_up(self, n=1):
        self.scroll(self.index, self.margins.bottom if self.margins else self.lines - 1, n)

    def scroll_down(self, n=1):
        self.scroll(self.reverse_index, self.margins.top if self.margins else 0, n)


class Stream(pyte.ByteStream):
    csi = {**pyte.ByteStream.csi, "S": "scroll_up", "T": "scroll_down"}
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down"}


class Terminal:
    """argv under a pty of that size, until close()."""

    def __init__(self, argv, columns, rows, **env):
        self.screen = Screen(columns, rows)
        self.stream = Stream(self.screen)
        self.written = b""
        self.master, slave = pty.openpty()
        self.slave = slave
        self.size(columns, rows)
        self.before = termios.tcgetattr(slave)
        kept = {k: v for k, v in os.environ.items() if k not in ("LINES", "COLUMNS", "LC_ALL", "LANG", "NO_COLOR")}
        self.pid = os.fork()
        if not self.pid:
            os.setsid()
            # A test that runs in the background ignores these, and so would its children.
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            os.closerange(3, 256)
            os.execvpe(argv[0], argv, {**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "TZ": "UTC", **env})
        self.status = None

    def size(self, columns, rows):
        """The kernel tells the program, as of any terminal that is resized."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.05):
        """Takes what the program writes until it is quiet for that long."""
        while select.select([self.master], [], [], seconds)[0]:
            try:
                got = os.read(self.master, 65536)
            except OSError:
                return
            if not got:
                return
            self.written += got
            self.stream.feed(got)

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def wait(self, condition, seconds=10, pause=0.05):
        """The lines, once condition(text) holds, looked at when it is quiet for `pause`; else as they are then."""
        deadline = time.monotonic() + seconds
        while not condition(self.text()) and time.monotonic() < deadline:
            self.read(pause)
        return self.lines()

    def press(self, keys):
        os.write(self.master, keys.encode())

    def key(self, keys):
        self.press(keys)
        self.read(0.1)

    def ended(self, seconds=10):
        """The exit status, or minus the signal; None: it goes on."""
        deadline = time.monotonic() + seconds
        while self.status is None and time.monotonic() < deadline:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0.02)
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def restored(self):
        """Whether the terminal's modes are those of before, and the screen and cursor too."""
        after = termios.tcgetattr(self.slave)
        shown = self.written.rfind(b"\x1b[?25h") >= self.written.rfind(b"\x1b[?25l")
        normal = self.written.rfind(b"\x1b[?1049l") > self.written.rfind(b"\x1b[?1049h")
        return after == self.before and shown and normal

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)
        os.close(self.slave)


class Feed:
    """run/feed.sock, which speaks picosnitch-feed(7). Time is the test's."""

    START = 1_700_000_000_000_000_000  # 22:13:20 UTC

    def __init__(self, run):
        self.path = os.path.join(run, "feed.sock")
        self.now = self.START
        self.readers = []
        self.listen()

    def listen(self):
        if os.path.lexists(self.path):
            os.unlink(self.path)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen(16)

    def accept(self):
        self.server.settimeout(10)
        self.readers.append(self.server.accept()[0])
        self.say("hello", format=1, version="9.9", host="box", time_ns=self.now, interval_ms=500, dropped=0, refused=0)

    def raw(self, data):
        for reader in self.readers:
            reader.sendall(data)

    def say(self, kind, **fields):
        self.raw(json.dumps({"kind": kind, **fields}, ensure_ascii=False).encode("utf-8") + b"\n")

    def traffic(self, exe, sent, received, name=None, **fields):
        fields = {"pid": 1000, "pid_start": 1, "family": 2, "protocol": 6, "lport": 40000, "rport": 443, "netns": 1, "uid": 0,
                  "direction": "out", "laddr": "10.0.0.1", "raddr": "192.0.2.1", **fields}
        self.say("traffic", start_ns=self.now, end_ns=self.now + 500_000_000, sent=sent, received=received, calls=1, exe=exe,
                 name=name or exe.rsplit("/", 1)[-1], **{k: v for k, v in fields.items() if v is not None})

    def waits(self, exe, lport, **fields):
        """A line of a look."""
        fields = {"pid": 1000, "pid_start": 1, "uid": 0, "family": 2, "protocol": 6, "laddr": "0.0.0.0", "netns": 1, "socket": lport, **fields}
        self.say("listen", exe=exe, name=exe.rsplit("/", 1)[-1], lport=lport, **{k: v for k, v in fields.items() if v is not None})

    def looked(self, **fields):
        """Ends a look."""
        self.say("listening", **{"count": 0, "more": 0, "host_netns": 1, **fields})

    def tick(self, sent=0, received=0, seconds=0.5):
        """Ends a drain."""
        start, self.now = self.now, self.now + int(seconds * 1e9)
        self.say("tick", start_ns=start, end_ns=self.now, sent=sent, received=received, calls=1, flows=1, executions=0)

    def drop(self, why=None):
        if why:
            self.say("end", why=why)
        for reader in self.readers:
            reader.close()
        self.readers = []

    def close(self):
        self.drop()
        self.server.close()
        os.unlink(self.path)
