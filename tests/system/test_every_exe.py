#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
[core] every_exe: each program that is executed is a row, however it is executed, however briefly it lives, and though it never
touches the network: 20,000 of a millisecond, none missed; what finds no room is counted.
"""
import collections
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Place, Role, built, need_root, sha256, tap, wait_for  # noqa: E402

BINARIES, RUNS = 200, 100  # 20,000 processes
SHELL = os.path.realpath(shutil.which("dash") or "/bin/sh")
EXECVEAT = {"x86_64": 322, "aarch64": 281}.get(os.uname().machine)
AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
libc = ctypes.CDLL(None, use_errno=True)
checks = []


def executions(rows):
    return [r for r in rows if r.family == 0]


def expect(what, path, times, **more):
    """These executions, with no bytes, no ends, and ports of -1."""
    def check(rows):
        mine = [r for r in executions(rows) if r.exe.path == path]
        good = sum(r.calls for r in mine) == times
        good = good and {(r.lport, r.rport, r.sent, r.received, r.laddr, r.raddr, r.protocol) for r in mine} == {
            (-1, -1, 0, 0, "", "", 0)}
        for key, value in more.items():
            good = good and all(value == (getattr(r.exe, key) if key in r.exe._fields else getattr(r, key)) for r in mine)
        tap.ok(good, what, f"want {times} executions of {path}, {more}", *mine)
    checks.append(check)


def in_child(function):
    """Runs it in a child that becomes another program by it. Waits for its end."""
    pid = os.fork()
    if not pid:
        try:
            function()
        finally:
            os._exit(111)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 111:
        raise RuntimeError("nothing was executed")


def idle(place, name):
    path = place.copy(built("tests/system/blink"), name)
    return path, sha256(path)


def execveat(folder, path, args, flags):
    array = (ctypes.c_char_p * (len(args) + 1))(*[a.encode() for a in args], None)
    libc.syscall(EXECVEAT, folder, path.encode(), array, None, flags)


def plain(place, _):
    path, hashed = idle(place, "plain")
    for _ in range(3):
        subprocess.run([path], check=True)
    expect("a program that is executed three times", path, 3, sha256=hashed, name="plain", cmdline=path, uid=0,
           netns=os.stat("/proc/self/ns/net").st_ino)
    checks.append(lambda rows: tap.equal({r.parent.path for r in executions(rows) if r.exe.path == path}, {PYTHON},
                                         "with its parent"))
    path, hashed = idle(place, "of-a-user")
    subprocess.run([path], check=True, user=65534)
    expect("of another user", path, 1, sha256=hashed, uid=65534)


def again(place, daemon):
    """Who executes himself again and again, and then ends: all of it while the daemon does not look."""
    path = place.copy(SHELL, "again")
    text = '[ "$1" = 0 ] || exec "$0" -c "$2" "$0" $(($1 - 1)) "$2"'
    os.kill(daemon.process.pid, signal.SIGSTOP)
    subprocess.run([path, "-c", text, path, "200", text], check=True)
    os.kill(daemon.process.pid, signal.SIGCONT)
    expect("a program that executes itself again 200 times", path, 201, sha256=sha256(path))


def ways(place, daemon):
    path, hashed = idle(place, "at")
    if EXECVEAT:
        folder = os.open(place.path, os.O_RDONLY | os.O_DIRECTORY)
        in_child(lambda: execveat(folder, "at", ["by-name"], 0))
        os.close(folder)
        expect("execveat() of a folder and a name", path, 1, sha256=hashed, cmdline="by-name", name="at")
    path, hashed = idle(place, "fd")
    fd = os.open(path, os.O_RDONLY)
    in_child(lambda: os.execve(fd, ["by-fd"], {}))
    os.close(fd)
    expect("fexecve() of an open file", path, 1, sha256=hashed, cmdline="by-fd")
    path, hashed = idle(place, "gone")
    fd = os.open(path, os.O_RDONLY)
    os.unlink(path)
    in_child(lambda: os.execve(fd, ["deleted"], {}))
    os.close(fd)
    expect("an open file that has been deleted", path, 1, sha256=hashed, cmdline="deleted")
    path = place.traffic("lives")
    hashed = sha256(path)
    fd = os.memfd_create("memory", 0)
    with open(path, "rb") as f:
        os.write(fd, f.read())
    # It lives until it has been read: in memory there is nothing that announces an execution with its open file.
    hashed_before = daemon.status()["identity"]["hashed"]
    with subprocess.Popen([f"/proc/self/fd/{fd}", "udp,127.0.0.1,0", "wait"], pass_fds=[fd], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL) as process:
        wait_for("exec", lambda: os.readlink(f"/proc/{process.pid}/exe").startswith("/memfd:"))
        wait_for("hash", lambda: daemon.status()["identity"]["hashed"] > hashed_before)
        process.communicate(b"\n")
    os.close(fd)
    expect("a file in memory", "/memfd:memory (deleted)", 1, sha256=hashed)
    fd = os.memfd_create("brief", 0)
    with open(built("tests/system/blink"), "rb") as f:
        os.write(fd, f.read())
    in_child(lambda: os.execve(fd, ["brief"], {}))
    os.close(fd)

    def brief(rows):
        mine = [r for r in executions(rows) if r.exe.cmdline == "brief"]
        tap.ok(sum(r.calls for r in mine) == 1 and all(r.exe.sha256 or r.exe.state for r in mine),
               "a file in memory that lives a millisecond: a row, with the hash or why there is none", *mine)
    checks.append(brief)
    try:
        path = place.traffic("bits", "32")
        Role(path, "udp,127.0.0.1,0").result()
    except OSError as why:
        tap.skip("a 32-bit program", f"the compiler makes none, or the kernel runs none: {why.strerror}")
        return
    Role(path, "spawn", "7", "1", path, "--", "udp,127.0.0.1,0").result()
    expect("a 32-bit program, also by itself", path, 9, sha256=sha256(path))


def mounted(place, _):
    """Where each lives for a millisecond, and is the last that has these mounts: an open file without its mount says only the
    rest of its path."""
    if not (unshare := shutil.which("unshare")):
        tap.skip("mounts that end with a program", "unshare is not installed")
        return
    path, hashed = idle(place, "mounted")
    folder, alone = place.file("folder"), place.file("alone")
    os.makedirs(place.file("source/below"))
    os.mkdir(folder)
    shutil.copy(path, place.file("source/below/prog"))
    shutil.copy(built("tests/system/traffic"), alone)
    for what in (f"exec {folder}/below/prog", f"cd {folder}/below; exec ./prog", f"exec {alone}"):
        for _ in range(50):
            subprocess.run([unshare, "-m", "--propagation", "private", SHELL, "-c",
                            f"mount --bind {place.file('source')} {folder}; mount --bind {path} {alone}; {what}"], check=True)
    expect("where it was mounted is a part of its path", f"{folder}/below/prog", 100, sha256=hashed)
    expect("a file that is mounted by itself", alone, 50, sha256=hashed, cmdline=alone)


def scripts(place, _):
    path = place.file("script")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"#!{SHELL}\nexit 0\n")
    os.chmod(path, 0o755)
    subprocess.run([path, "with", "words"], check=True)
    checks.append(lambda rows: tap.equal(
        {(r.calls, r.exe.sha256, r.exe.path) for r in executions(rows) if r.exe.cmdline == f"{SHELL} {path} with words"},
        {(1, sha256(SHELL), SHELL)}, "a script: its interpreter, and its own command line"))
    first, hash_first = idle(place, "first")
    second, hash_second = idle(place, "second")
    shell = place.copy(SHELL, "shell")
    subprocess.run([shell, "-c", f"{first}; exec {second}"], check=True)
    expect("a shell's child", first, 1, sha256=hash_first)
    expect("what a shell becomes", second, 1, sha256=hash_second)
    checks.append(lambda rows: tap.equal(
        {(r.exe.path, r.parent.path) for r in executions(rows) if r.exe.path in (first, second)},
        {(first, shell), (second, PYTHON)}, "each has whoever started the process as its parent"))
    long, hashed = idle(place, "long")
    words = ["".join(chr(97 + (i * j) % 26) for j in range(100)) for i in range(300)]
    subprocess.run([long, *words], check=False)
    expect("a command line of 30 kB", long, 1, sha256=hashed, cmdline=" ".join([long, *words]))


def storm(place, _):
    blinks = [place.copy(built("tests/system/blink"), f"blink-{i}") for i in range(BINARIES)]
    hashes = {path: sha256(path) for path in blinks}
    spawner = place.traffic("spawner")
    time.sleep(0.3)  # what was changed a tenth of a second before is read again, and is a file of its own
    result = Role(spawner, "spawn", str(BINARIES * RUNS), "4", *blinks).result(1200)
    tap.note(f"{result['runs']} processes in {result['seconds']} s, {result['runs'] / result['seconds']:.0f} a second")

    def check(rows):
        mine = [r for r in executions(rows) if r.exe.path in hashes]
        sums = collections.Counter()
        for r in mine:
            sums[r.exe.path] += r.calls
        wrong = [(p, sums[p]) for p in blinks if sums[p] != RUNS]
        tap.ok(not wrong, f"{BINARIES * RUNS} executions, 4 at a time: none is missed", len(wrong), *wrong[:10])
        wrong = [r.exe for r in mine if r.exe.sha256 != hashes[r.exe.path]]
        tap.ok(not wrong, "each has its hash", len(wrong), *wrong[:10])
        wrong = [r.parent for r in mine if r.parent.path != spawner]
        tap.ok(not wrong, "and its parent", len(wrong), *wrong[:10])
        twice = collections.defaultdict(list)
        for r in mine:
            twice[r.batch, r.exe.path].append(r)
        twice = [rows for rows in twice.values() if len(rows) > 1]
        tap.ok(not twice, "equal executions in a window are one row", len(twice), len(mine), *twice[:1])
    checks.append(check)


def switched(place, daemon):
    """By SIGHUP; and ignored hashes are left out."""
    quiet, hashed = idle(place, "quiet")
    off, _ = idle(place, "off")

    def reload(every_exe, extra=""):
        def told():
            return sum(1 for loss in daemon.losses() if loss.stage == "config")
        before = told()
        daemon.options["every_exe"] = every_exe
        daemon.configure(extra)
        os.kill(daemon.process.pid, signal.SIGHUP)
        wait_for("the reload", lambda: told() > before)
    # Rules hold for the whole window in which they come: they stay for both.
    rules = f"[log]\nignore_hashes = {hashed}\n"
    reload("yes", rules)
    subprocess.run([quiet], check=True)
    checks.append(lambda rows: tap.equal([r for r in rows if r.exe.path == quiet], [], "an ignored executable has no row"))
    reload("no", rules)
    subprocess.run([off], check=True)
    checks.append(lambda rows: tap.equal([r for r in rows if r.exe.path == off], [], "every_exe = no: nothing is recorded"))


def at_start(rows, old, hashed):
    mine = [r for r in executions(rows) if r.exe.path == old]
    tap.ok(len(mine) == 1 and mine[0].calls == 0 and mine[0].exe.sha256 == hashed,
           "a program that runs when the daemon starts has a row with 0 executions", *mine)
    tap.ok(not [r for r in executions(rows) if r.exe.name == "kthreadd"], "kernel threads have none")


def overflow():
    """With hardly any room for events, and the daemon held up: what is missed is counted."""
    with Place() as place, Daemon(place, every_exe="yes", ring_buffer_pages="1", self_test="no") as daemon:
        daemon.start()
        blink, spawner = place.copy(built("tests/system/blink"), "missed"), place.traffic("fast")
        os.kill(daemon.process.pid, signal.SIGSTOP)
        Role(spawner, "spawn", "2000", "4", blink).result()
        os.kill(daemon.process.pid, signal.SIGCONT)
        wait_for("rows", lambda: [r for r in executions(daemon.rows()) if r.exe.path == blink])
        tap.equal(daemon.stop(), 0, "it stops")
        seen = sum(r.calls for r in executions(daemon.rows()) if r.exe.path == blink)
        lost = [loss for loss in daemon.losses() if loss.stage == "ring" and loss.text.startswith("executions")]
        missed = sum(loss.count for loss in lost)
        tap.ok(seen < 2000 <= seen + missed, "each execution is a row, or is counted as missed", seen, missed, *lost)


def main():
    need_root()
    with Place() as place, Daemon(place, every_exe="yes") as daemon:
        old = place.traffic("old")
        hashed = sha256(old)
        older = Role(old, "udp,127.0.0.1,0", "wait")
        older.port()
        daemon.start()
        for part in (plain, again, ways, mounted, scripts, storm):
            part(place, daemon)
        losses = [loss for loss in daemon.status()["losses"] if loss["stage"] in ("ring", "fanotify", "handoff")]
        switched(place, daemon)
        older.kill()
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        rows = daemon.rows()
        for check in checks:
            check(rows)
        at_start(rows, old, hashed)
        tap.equal(losses, [], "nothing was lost", daemon.messages())
    overflow()
    tap.done()


main()
