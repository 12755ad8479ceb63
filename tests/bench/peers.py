# SPDX-License-Identifier: GPL-3.0-or-later
"""
Other programs that tell traffic by program, each at its best, beside picosnitch in the same run:

nethogs   -a -t -C -v 2 -d 1: TCP and UDP, totals in bytes, looked at every second, on the host's end of the
          cable and on loopback. It counts packets with all their headers.
bpftrace  watch.bt: two tracepoints, summed by program name
ss        -tinp of the host's TCP sockets, looked at twice a second; the kernel's own bytes_sent, bytes_received

None of them knows more than a name, or a path as the process tells it: no hash, no history.
"""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import threading

HERE = os.path.dirname(os.path.realpath(__file__))
TRACING = "/sys/kernel/tracing"


class Tool:
    """sums() once stopped: {program's name: [bytes sent, bytes received]}."""

    per_scenario = False

    def __init__(self, output):
        self.output, self.process = output, None

    def spawn(self, *command):
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def said(self):
        with open(self.output, encoding="utf-8", errors="replace") as f:
            return f.read()


class Nethogs(Tool):
    name = "nethogs"
    per_scenario = True  # it searches /proc for each packet of an unknown program, and falls behind by seconds

    def watch(self, *devices, netns=None):
        enter = ["ip", "netns", "exec", netns] if netns else []
        self.spawn(*enter, "nethogs", "-a", "-t", "-C", "-v", "2", "-d", "1", *devices)

    def ready(self):
        return "Refreshing" in self.said()

    def sums(self):
        highest = collections.defaultdict(lambda: [0, 0])
        for line in self.said().splitlines():
            found = re.fullmatch(r"(.*/\d+/\d+)\t([\d.e+]+)\t([\d.e+]+)", line)
            if found:
                process = highest[found[1]]
                process[:] = max(process[0], float(found[2])), max(process[1], float(found[3]))
        sums = collections.defaultdict(lambda: [0, 0])
        for who, (sent, received) in highest.items():
            name = os.path.basename(who.rsplit("/", 2)[0].split(" ")[0])
            sums[name][0] += sent
            sums[name][1] += received
        return sums


class Bpftrace(Tool):
    name = "bpftrace"

    def watch(self, *_, **__):
        """Whole machines, not devices."""
        self.mounted = not os.path.exists(f"{TRACING}/events")
        if self.mounted:
            subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACING], check=True)
        self.spawn("bpftrace", "-f", "json", f"{HERE}/watch.bt")

    def ready(self):
        return '"attached_probes"' in self.said()

    def stop(self):
        super().stop()
        if self.mounted:
            subprocess.run(["umount", TRACING], check=False)

    def sums(self):
        sums = collections.defaultdict(lambda: [0, 0])
        for line in self.said().splitlines():
            try:
                data = json.loads(line).get("data", {})
            except ValueError:
                continue
            for i, key in enumerate(("@sent", "@received")):
                for name, value in data.get(key, {}).items() if isinstance(data, dict) else ():
                    sums[name][i] = value
        return sums


class Ss(Tool):
    name = "ss"

    def watch(self, *_, netns=None):
        self.seen, self.ended = {}, threading.Event()
        self.thread = threading.Thread(target=self.look, args=["-N", netns] if netns else [], daemon=True)
        self.thread.start()

    def look(self, *where):
        while not self.ended.wait(0.5):
            said = subprocess.run(["ss", *where, "-tinpHO"], capture_output=True, text=True, check=False).stdout
            for line in said.splitlines():
                who = re.search(r'users:\(\("([^"]*)",pid=(\d+)', line)
                if who:
                    sides = tuple(line.split()[3:5])
                    self.seen[who[1], who[2], sides] = [int((re.search(rf"\b{key}:(\d+)", line) or "00")[1])
                                                        for key in ("bytes_sent", "bytes_received")]

    def alive(self):
        return self.thread.is_alive()

    def ready(self):
        return True

    def stop(self):
        self.ended.set()
        self.thread.join()

    def sums(self):
        sums = collections.defaultdict(lambda: [0, 0])
        for (name, *_), (sent, received) in self.seen.items():
            sums[name][0] += sent
            sums[name][1] += received
        return sums


def installed():
    """The kinds of tool that are installed here."""
    return [kind for kind in (Nethogs, Bpftrace, Ss)
            if shutil.which(kind.name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
