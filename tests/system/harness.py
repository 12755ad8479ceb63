# SPDX-License-Identifier: GPL-3.0-or-later
"""
A daemon of the build tree in a temporary place of its own, the traffic generator's roles, network
namespaces, and what the daemon stored. Standard library only; root only.

PICOSNITCH        the daemon's program (default: that of the build tree)
PICOSNITCH_PLUGINS  folder with the plugins (default: that of the build tree)
PICOSNITCH_HOOKS  door: auto, fexit, tracepoint
"""
import collections
import errno
import fcntl
import glob
import hashlib
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import tap  # noqa: E402

BUILD = os.environ.get("top_builddir") or os.getcwd()
HOOKS = os.environ.get("PICOSNITCH_HOOKS", "auto")
# Everything in a test's folder is executed, loaded by the daemon and read by an unprivileged
# user, so each folder above it must be root's and open: /run may be noexec, /tmp anybody's.
BASE = "/var/lib"
PYTHON = os.path.realpath("/proc/self/exe")


turn = None


def need_root():
    """Skips the test where it cannot be run. A daemon sees the whole machine: tests take turns."""
    global turn
    if os.geteuid():
        tap.skip_all("needs root")
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        tap.skip_all("this kernel has no BTF")
    turn = os.open(BASE, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(turn, fcntl.LOCK_EX)


def wait_for(what, condition, seconds=20):
    """Polls until the condition gives something true, and gives that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def sha256(path):
    with open(path, "rb") as f:
        digest = hashlib.sha256()
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
        return digest.hexdigest()


def sanitary(who, said):
    """Fails when a sanitizer has found something."""
    if re.search(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: ", said):
        tap.ok(False, f"{who}: nothing for a sanitizer to find", said)


def built(*names):
    """A file of the build tree: a program, or what libtool hides behind a wrapper."""
    for name in names:
        folder, base = os.path.split(os.path.join(BUILD, name))
        for path in (os.path.join(folder, ".libs", base), os.path.join(folder, base)):
            if os.path.isfile(path):
                return path
    raise FileNotFoundError(errno.ENOENT, f"{names[0]}: not in {BUILD}; run make first")


class Place:
    """A temporary folder that the daemon trusts, removed at the end."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="picosnitch-test.", dir=BASE)
        os.chmod(self.path, 0o755)
        self.copies = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name):
        return os.path.join(self.path, name)

    def copy(self, program, name):
        """A copy of a program with a hash of its own."""
        path = self.file(name)
        shutil.copyfile(program, path)
        self.copies += 1
        with open(path, "ab") as f:
            f.write(b"\0copy %d" % self.copies)
        os.chmod(path, 0o755)
        return path

    def traffic(self, name, bits=""):
        """A copy of the traffic generator; of the 32-bit one if bits is "32"."""
        return self.copy(built("tests/system/traffic" + bits), name)


# One stored connection. The last three are the texts of an executable, its parent and grandparent.
Row = collections.namedtuple("Row", "time end sent received calls uid family protocol lport rport laddr raddr netns "
                                    "batch direction opened closed exe parent grandparent")
Exe = collections.namedtuple("Exe", "path name cmdline sha256 state flags")
Loss = collections.namedtuple("Loss", "start end stage count sent received text")

ROWS = """SELECT contime, endtime, send, recv, events, uid, family, protocol, lport, rport, l.addr, r.addr, netns,
 batch_id, direction, opened, closed, exe_id, pexe_id, gpexe_id FROM connections c JOIN addresses l ON l.id = c.laddr_id
 JOIN addresses r ON r.id = c.raddr_id"""


class Daemon:
    """One picosnitch with everything that belongs to it under `place`."""

    def __init__(self, place, sinks="[sink sqlite]\n[sink textlog]\nenabled = no\n", user="nobody", **options):
        self.place, self.process = place, None
        self.program = place.file("picosnitch")
        self.config = place.file("picosnitch.ini")
        self.output = place.file("output")
        self.state, self.log, self.run = (place.file(n) for n in ("state", "log", "run"))
        source = os.environ.get("PICOSNITCH") or built("picosnitch")
        plugins = os.environ.get("PICOSNITCH_PLUGINS")
        shutil.copy(source, self.program)
        for front in glob.glob(source + "-*[a-z]"):
            shutil.copy(front, place.path)
        os.mkdir(place.file("plugins"))
        for name in ("sqlite.so", "textlog.so"):
            shutil.copy(os.path.join(plugins, name) if plugins else built("plugins/" + name), place.file("plugins"))
        self.options = {"write_interval": "1 s", "user": user, "hooks": HOOKS, **options}
        self.sinks = sinks
        self.configure()

    def configure(self, extra=""):
        capture = ("hooks", "ring_buffer_pages", "max_flows")
        journal = ("max_size", "max_age")
        groups = collections.defaultdict(list)
        for key, value in self.options.items():
            section = "capture" if key in capture else "journal" if key in journal else "core"
            groups[section].append(f"{key} = {value}")
        groups["paths"] = [f"{n} = {self.place.file(n)}" for n in ("state", "log", "run", "cache", "plugins")]
        with open(self.config, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            for section, lines in groups.items():
                f.write(f"[{section}]\n" + "\n".join(lines) + "\n")
            f.write(self.sinks + extra)

    def command(self, *words, timeout=90):
        """Runs one of its commands to the end."""
        done = subprocess.run([self.program, "--config", self.config, *words], capture_output=True, text=True,
                              errors="replace", timeout=timeout, check=False)
        sanitary(f"`{words[0]}`", done.stderr)
        return done

    def spawn(self):
        with open(self.output, "a", encoding="utf-8") as output:
            self.process = subprocess.Popen([self.program, "--config", self.config, "run"], stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output)

    def start(self):
        """Starts it in the foreground and waits until it watches and its sinks are open."""
        self.spawn()
        self.wait_running()
        return self

    def wait_running(self):
        def running():
            if self.process and self.process.poll() is not None:
                raise RuntimeError(f"the daemon ended with {self.process.returncode}:\n{self.messages()}")
            status = self.status()
            return status and all(sink["state"] == "ready" for sink in status["sinks"]) and status
        try:
            return wait_for("daemon", running, 240)  # an emulated processor takes its time to verify programs
        except TimeoutError:
            tap.note(self.status())
            tap.note(self.messages())
            raise

    def status(self):
        """What `status --json` says; None when it does not run."""
        answer = self.command("status", "--json")
        try:
            status = json.loads(answer.stdout)
        except ValueError:
            return None
        return status if status.get("state") == "running" else None

    def messages(self):
        with open(self.output, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        """SIGTERM, and waits for the end. The exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(120)
        finally:
            self.kill()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        if os.path.exists(f"{self.state}/snitch.db"):
            db = self.database()
            wrong = [row for row in db.execute("SELECT exe, sha256, hash_state FROM executables")
                     if row[1] and not re.fullmatch("[0-9a-f]{64}", row[1])]
            db.close()
            if wrong:
                tap.ok(False, "a SHA-256 is one, or empty: no error stands in its place", *wrong)
        if os.path.exists(self.output):
            sanitary("the daemon, or a process of a sink", self.messages())

    def database(self):
        return sqlite3.connect(f"file:{self.state}/snitch.db?mode=ro", uri=True)

    def rows(self, where="1", values=()):
        db = self.database()
        db.execute("BEGIN")  # one look at both
        exes = {e[0]: Exe(*e[1:]) for e in db.execute("SELECT id, exe, name, cmdline, sha256, hash_state, flags FROM executables")}
        found = [Row(*r[:17], *(exes[i] for i in r[17:])) for r in db.execute(f"{ROWS} WHERE {where}", values)]
        db.close()
        return found

    def losses(self, unsure=False):
        """What is told as an alert; only if asked for, hashes that may be of what a file held later: those of
        programs that are executed right after they were made, as the tests' own are."""
        db = self.database()
        found = [Loss(*r) for r in db.execute("SELECT starttime, endtime, stage, count, send, recv, text FROM losses")]
        db.close()
        return [loss for loss in found if unsure or loss.count or loss.stage != "hash"]


class Lacking(Exception):
    """This kernel does not have what a role wants."""


class Role:
    """One process of the traffic generator."""

    def __init__(self, program, *args, netns=None, enter=(), **popen):
        enter = [*(["ip", "netns", "exec", netns] if netns else []), *enter]
        self.program = program
        self.process = subprocess.Popen([*enter, program, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **popen)

    def port(self):
        """The port that it listens on, once it does."""
        line = self.process.stdout.readline()
        if not line:
            self.result()
        return json.loads(line)["port"]

    def go(self):
        """Ends its step `wait`."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def results(self, timeout=150):
        """Each line that it, or who took over from it, said at its end."""
        out, err = self.process.communicate(timeout=timeout)
        if self.process.returncode == 77:
            raise Lacking(err.strip())
        if self.process.returncode:
            raise RuntimeError(f"{self.program}: {err.strip() or self.process.returncode}")
        return [json.loads(line) for line in out.splitlines() if "port\":" not in line[:9]]

    def result(self, timeout=150):
        return self.results(timeout)[-1]

    def stop(self):
        self.process.terminate()
        return self.result()

    def kill(self):
        self.process.kill()
        self.process.communicate()


def plain(addr):
    """An address as the store has it: IPv4-mapped as IPv4, nothing for none, a vsock's as it is."""
    if not addr or addr.isdigit():
        return addr
    ip = ipaddress.ip_address(addr)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return "" if ip.is_unspecified else str(ip)


def family(addr):
    return socket.AF_INET6 if ":" in addr else socket.AF_INET


class Namespaces:
    """Two network namespaces with a cable between them; removed at the end."""

    def __init__(self):
        self.names = [f"pst{os.getpid()}{side}" for side in "ab"]
        self.v4 = ["10.231.7.1", "10.231.7.2"]
        self.v6 = ["fd31:7::1", "fd31:7::2"]

    def __enter__(self):
        for name in self.names:
            self.ip("netns", "add", name)
        self.ip("link", "add", self.names[0], "netns", self.names[0], "type", "veth", "peer", self.names[1], "netns",
                self.names[1])
        for i, name in enumerate(self.names):
            self.ip("-n", name, "addr", "add", self.v4[i] + "/24", "dev", name)
            self.ip("-n", name, "addr", "add", self.v6[i] + "/64", "dev", name, "nodad")
            self.ip("-n", name, "link", "set", name, "up")
            self.ip("-n", name, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    @staticmethod
    def inode(name):
        return os.stat(f"/run/netns/{name}").st_ino
