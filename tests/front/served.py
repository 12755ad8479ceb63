# SPDX-License-Identifier: GPL-3.0-or-later
"""A store's file, and `picosnitch dash` over it at a port of its own."""
import os
import signal
import subprocess

BUILD = os.path.abspath(os.environ.get("top_builddir") or os.getcwd())


class Dash:
    """The server at a port of its own, over a store's file."""

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.base = self.process.stdout.readline().strip()
        if not self.base.startswith("http"):
            raise RuntimeError(self.base + self.process.stdout.read())

    def __enter__(self):
        return self.base

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.process.stdout.close()


def dash_of(folder, file):
    config = os.path.join(folder, "picosnitch.ini")
    with open(config, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o644)) as f:
        f.write(f"[paths]\nrun = {folder}/run\nplugins = {BUILD}/plugins/.libs\n[core]\nuser = nobody\n")
    return Dash([os.path.join(BUILD, "picosnitch"), "--config", config, "dash", "--file", file, "--port", "0"])


def seed(folder, now, *what):
    """A store in that folder, of all that; its file."""
    os.makedirs(folder)
    os.chmod(folder, 0o755)
    for words in what:
        subprocess.run([os.path.join(BUILD, "tests/front/seed"), os.path.join(BUILD, "plugins/.libs/sqlite.so"), folder, str(now), *words], check=True)
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o644)
    return os.path.join(folder, "snitch.db")
