#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
`picosnitch view` on a terminal, over stores that tests/front/seed makes: every key, screens as text at several sizes and
in both locales, hostile values in every dimension, a store of a million rows, one that is written to, signals.

PICOSNITCH  the program (default: that of the build tree)
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir)]
import tap  # noqa: E402
try:
    from terminal import Terminal  # noqa: E402
except ImportError:
    tap.skip_all("needs pyte (Debian python3-pyte)")

BUILD = os.path.abspath(os.environ.get("top_builddir") or os.getcwd())
PROGRAM = os.environ.get("PICOSNITCH") or os.path.join(BUILD, "picosnitch")
SEED = os.path.join(BUILD, "tests", "front", "seed")
PLUGINS = os.path.join(BUILD, "plugins", ".libs")
UP, DOWN, RIGHT, LEFT, BACKTAB = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[Z"
# 2025-11-19, a Wednesday, 12:00:00 UTC: of stores whose times are shown as they are.
THEN = 1763553600


class Place:
    """A folder with a configuration, and stores that are made once."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="picosnitch-view.")
        os.chmod(self.path, 0o755)
        self.config = os.path.join(self.path, "picosnitch.ini")
        with open(self.config, "w") as f:
            f.write(f"[paths]\nplugins = {PLUGINS}\nstate = {self.path}\n[geoip]\nenabled = no\n")
        os.chmod(self.config, 0o644)

    def seed(self, name, now, *what):
        folder = os.path.join(self.path, name)
        os.makedirs(folder, exist_ok=True)
        subprocess.run([SEED, os.path.join(PLUGINS, "sqlite.so"), folder, str(now), *what], check=True, timeout=600)
        return os.path.join(folder, "snitch.db")

    def store(self, name, now, *what):
        path = os.path.join(self.path, name, "snitch.db")
        return path if os.path.exists(path) else self.seed(name, now, *what)

    def argv(self, *options):
        return [PROGRAM, "--config", self.config, "view", *options]

    def run(self, *options, **kwargs):
        return subprocess.run(self.argv(*options), capture_output=True, text=True, timeout=60, **kwargs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def quiet(terminal, seconds=0.3):
    """Until there is an answer, and what stands beside it."""
    terminal.wait(lambda text: "ASKING" not in text)
    terminal.read(seconds)


class Shown:
    """view on a terminal, once it shows the answer."""

    def __init__(self, place, columns, rows, *options, store=None, **env):
        store = store or place.store("then", THEN, "usual")
        self.terminal = Terminal(place.argv("--file", store, *options), columns, rows, **env)
        self.terminal.wait(lambda text: "curl" in text or "q: quit" in text)
        quiet(self.terminal)

    def __enter__(self):
        return self.terminal

    def __exit__(self, *_):
        self.terminal.close()


# The day before THEN, and a bit of it.
DAY = ("--from", str(THEN - 86400), "--to", str(THEN))


def usage(place):
    said = place.run("--help")
    tap.ok(said.returncode == 0 and "usage: picosnitch view" in said.stdout, "--help", said)
    said = place.run()
    tap.ok(said.returncode == 1 and "picosnitch query" in said.stderr, "no terminal: what to use instead", said)
    for words in (["--by", "nothing"], ["--by", "exe,uid"], ["--audit"], ["--limit", "3"], ["--format", "csv"], ["-f", "exe"],
                  ["--last", "x"], ["more"], ["--follow"]):
        said = place.run(*words)
        tap.ok(said.returncode == 2 and "view" in said.stderr, f"{' '.join(words)}: usage", said)


ALL = (usage,)


def main():
    with Place() as place:
        began = time.monotonic()
        for test in ALL if len(sys.argv) < 2 else [globals()[name] for name in sys.argv[1:]]:
            test(place)
            tap.note(f"{test.__name__}: {time.monotonic() - began:.1f} s")
    tap.done()


main()
