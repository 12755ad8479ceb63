# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of programs that fill a terminal have in common: a folder of their own, job control, the order of parts."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
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


class Place:
    """A folder with a configuration, for a command of the program."""

    def __init__(self, command, configuration):
        self.command = command
        self.path = tempfile.mkdtemp(prefix=f"picosnitch-{command}.")
        os.chmod(self.path, 0o755)
        self.config = os.path.join(self.path, "picosnitch.ini")
        with open(self.config, "w", encoding="ascii") as f:
            f.write(configuration.format(path=self.path))
        os.chmod(self.config, 0o644)

    def argv(self, *options):
        return [PROGRAM, "--config", self.config, self.command, *options]

    def run(self, *options, **kwargs):
        return subprocess.run(self.argv(*options), capture_output=True, text=True, timeout=60, **kwargs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def values(terminal):
    """The first word of each of view's rows, from above."""
    lines = terminal.lines()
    at = next((i for i, line in enumerate(lines) if re.search("TOTAL|LAST SEEN", line)), len(lines))
    return [line.split("  ")[0].strip() for line in lines[at + 1:-1] if line.strip()]


def shell_job(command, begin, shows):
    """A shell's job on a terminal, whose modes are the shell's after Ctrl-Z, and the program's again after fg. begin():
    what the program waits for; shows(text): it is there, and drawn."""
    terminal = Terminal(["/bin/bash", "--norc", "--noprofile", "-i"], 100, 24, PS1="$ ")
    try:
        terminal.wait(lambda text: "$" in text)
        terminal.key(" ".join(command) + "\n")
        begin()
        terminal.wait(shows)
        terminal.key("\x1a")
        terminal.wait(lambda text: "Stopped" in text)
        tap.ok("Stopped" in terminal.text() and terminal.written.rfind(b"\x1b[?1049l") > terminal.written.rfind(b"\x1b[?1049h"),
               "Ctrl-Z: the shell has its terminal", terminal.text())
        terminal.key("stty -a | grep -o ' echo '; echo so\n")
        terminal.wait(lambda text: "so\n" in text)
        tap.ok(" echo" in terminal.text().split("grep")[-1], "in its modes", terminal.text())
        terminal.key("fg\n")
        terminal.wait(shows)
        tap.ok(shows(terminal.text()), "fg: it is back", terminal.text())
        terminal.key("q")
        terminal.key("echo status $?\n")
        terminal.wait(lambda text: "status 0" in text)
        tap.ok("status 0" in terminal.text(), "and is quit", terminal.text())
    finally:
        terminal.close()


def play(place, parts, names):
    """The parts of those names, or all of them."""
    began = time.monotonic()
    for part in parts:
        if not names or part.__name__ in names:
            part(place)
            tap.note(f"{part.__name__}: {time.monotonic() - began:.1f} s")
    tap.done()
