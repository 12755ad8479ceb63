#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Programs that could pass for others: executed from memory, from files without a name, or with a
misleading one, on a mount that only they see, with the number of another, or changed at once so
that nobody notices. Path and hash are right, or it is said why not.
"""
import mmap
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Place, Role, built, need_root, sha256, tap, wait_for  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
DISGUISE = os.path.join(HERE, "disguise.py")
UNSHARE = shutil.which("unshare") or "/usr/bin/unshare"
SHELL = os.path.realpath(shutil.which("sh"))
BLINK = built("tests/system/blink")
ELSEWHERE, GUESSED, UNSURE = 4, 2, 8
REST = "rest,200"
checks = []  # called with all rows and losses once the daemon has stopped
ports = iter(range(7001, 8000))


def role(program, size, *enter, **popen):
    """One process that sends so many bytes in one datagram, to a port of its own: the port, the process' result. It lives for as
    long as the daemon may need to look at it: who ends at once, from a file that was changed just now, has no sure hash."""
    port = next(ports)
    done = Role(program, "udp,127.0.0.1,0", f"to,127.0.0.1,{port}", f"send,sendto,{size},{size}", REST, enter=enter, **popen).result()
    return port, done


def expect(what, port, path, hashed, flags=0, sent=100):
    def check(rows, _):
        mine = [r for r in rows if r.rport == port]
        got = {(r.exe.path, r.exe.sha256, r.exe.flags) for r in mine}
        tap.ok(got == {(path, hashed, flags)} and sum(r.sent for r in mine) == sent, what, f"want {path} {hashed} {flags}", *mine)
    checks.append(check)


def right_or_said(what, port, hashed, wrong=()):
    """The hash is right or missing, and what is missing or not sure is told."""
    def check(rows, losses):
        mine = [r.exe for r in rows if r.rport == port]
        told = [loss.text for loss in losses if loss.stage == "hash"]
        good = bool(mine)
        for exe in mine:
            sure = exe.sha256 == hashed and not exe.flags & UNSURE
            said = any((exe.path or exe.name) in text for text in told)
            good = good and (sure or said) and (exe.sha256 not in wrong or exe.flags & UNSURE)
        tap.ok(good, what, f"want {hashed}, or a word", *mine, *told)
        tap.note(f"{what}: {[(e.state, e.flags) for e in mine]}")
    checks.append(check)


# ---- files without a name, or with a strange one ----

def nameless(place, _):
    for how, path, flags in (("memfd", "/memfd:sshd (deleted)", ELSEWHERE), ("tmpfile", None, 0), ("unlinked", "", 0),
                             ("empty", "", 0)):
        program = place.traffic(f"nameless-{how}")
        hashed, port = sha256(program), next(ports)
        # Its name for the kernel is that of the descriptor; what it calls itself is its own affair.
        words = [PYTHON, "-I", DISGUISE, how, program, "sshd", "udp,127.0.0.1,0", f"to,127.0.0.1,{port}", "send,sendto,100,100", REST]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

        def check(rows, _, how=how, program=program, path=path, hashed=hashed, port=port, flags=flags):
            exes = {r.exe for r in rows if r.rport == port}
            want = path or (f"{place.path}/#" if how == "tmpfile" else program)
            tap.ok(len(exes) == 1 and all(e.sha256 == hashed and e.flags == flags and
                                          (e.path == want or (how == "tmpfile" and e.path.startswith(want))) for e in exes),
                   f"{how}: its hash, and as its path {want}", *exes)
        checks.append(check)
    # From memory, and gone at once: nothing but /proc could have shown it.
    port = next(ports)
    subprocess.run([PYTHON, "-I", DISGUISE, "memfd", BLINK, "curl", "127.0.0.1", str(port)], check=True)
    right_or_said("from memory, for a millisecond", port, sha256(BLINK))


def misnamed(place, _):
    program = place.traffic("tool (deleted)")
    expect("a name that ends in (deleted)", role(program, 100)[0], program, sha256(program))

    first = place.traffic("multi")
    names = [place.file(n) for n in ("multi-cat", "multi-ls")]
    for name in names:
        os.link(first, name)
        time.sleep(0.05)  # its hash is not sure within a tick of a change, which a new link is
        expect(f"a program of many names, as {name[-3:]}", role(name, 100)[0], name, sha256(first))
    kept = place.traffic("twice")
    os.link(kept, place.file("twice-kept"))
    port = next(ports)
    subprocess.run([PYTHON, "-I", DISGUISE, "unlinked", kept, "x", "udp,127.0.0.1,0", f"to,127.0.0.1,{port}",
                    "send,sendto,100,100", REST], check=True, stdout=subprocess.DEVNULL)
    expect("a name that was removed, of a file that has another", port, kept, sha256(place.file("twice-kept")))

    # Deeper than a path can be long: it is reached step by step.
    home, source = os.open(".", os.O_RDONLY), place.traffic("deep")
    os.chdir(place.path)
    for _ in range(30):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    shutil.copy(source, "deep")
    port, hashed = role("./deep", 100)[0], sha256(source)
    os.chdir(home)
    os.close(home)
    subprocess.run(["rm", "-rf", place.file("d" * 200)], check=True)
    expect("a path of more than 4096 bytes is not made up, and the hash is right", port, "./deep", hashed, GUESSED)


# ---- mounts ----

def mounts(place, _):
    program, victim = place.traffic("bound"), place.traffic("victim")
    subprocess.run(["mount", "--bind", program, victim], check=True)
    try:
        port = role(victim, 100)[0]
    finally:
        subprocess.run(["umount", "-l", victim], check=True)
    expect("a bind mount over another program: that path, and its own hash", port, victim, sha256(program))

    program, victim = place.traffic("hidden"), "/usr/bin/env"
    script = f'mount --bind "{program}" {victim} && exec "$@"'
    port = role(victim, 100, UNSHARE, "-m", "--propagation", "private", SHELL, "-c", script, SHELL)[0]
    expect("the same where nobody else sees it: it is told, too", port, victim, sha256(program), ELSEWHERE)

    # A file system that only they see: its first program is found through /proc, the others are told of.
    program, folder = place.traffic("inner"), place.file("inner-mount")
    os.mkdir(folder)
    port, brief = next(ports), next(ports)
    script = f"""mount -t tmpfs inner {folder} && cp {program} {folder}/first && cp {BLINK} {folder}/blink && sleep 0.1 &&
        {folder}/first udp,127.0.0.1,0 to,127.0.0.1,{port} send,sendto,100,100 {REST} >/dev/null && sleep 0.5 &&
        for i in 1 2 3 4 5 6 7 8 9 10; do {folder}/blink 127.0.0.1 {brief}; done"""
    subprocess.run([UNSHARE, "-m", "--propagation", "private", SHELL, "-c", script], check=True)
    expect("a program of a file system that is mounted elsewhere", port, f"{folder}/first", sha256(program), ELSEWHERE)
    expect("and those of a millisecond after it", brief, f"{folder}/blink", sha256(BLINK), ELSEWHERE, 80)


def interpreters(place, _):
    """What binfmt_misc starts is the interpreter."""
    control = "/proc/sys/fs/binfmt_misc"
    mounted = not os.path.exists(control + "/register")
    if mounted and subprocess.run(["mount", "-t", "binfmt_misc", "none", control], check=False, capture_output=True).returncode:
        tap.skip("binfmt_misc", "this kernel does not have it")
        return
    try:
        for flag in ("", "F"):
            interpreter, name = place.copy(BLINK, f"interpreter{flag}"), f"picosnitch-test{flag}"
            folder, port = place.file(f"documents{flag}"), next(ports)
            os.mkdir(folder)
            # The interpreter gets the name of the document as its first argument: an address.
            document = os.path.join(folder, "127.0.0.1")
            with open(document, "w", encoding="utf-8") as f:
                f.write(f"picosnitch-magic{flag}\n")
            os.chmod(document, 0o755)
            with open(control + "/register", "w", encoding="utf-8") as f:
                f.write(f":{name}:M::picosnitch-magic{flag}\\x0a::{interpreter}:{flag}")
            try:
                subprocess.run([PYTHON, "-I", "-c", f"import os; os.execv('127.0.0.1', ['x', '{port}'])"], check=True, cwd=folder)
            finally:
                with open(f"{control}/{name}", "w", encoding="utf-8") as f:
                    f.write("-1")
            expect(f"binfmt_misc, flags '{flag}': the interpreter", port, interpreter, sha256(interpreter), sent=8)
    finally:
        if mounted:
            subprocess.run(["umount", control], check=True)


# ---- changed so that nobody notices ----

def overwrite(path, content_at_end, back_to=None):
    """The last bytes of a file, by a mapping that was read first."""
    with open(path, "r+b") as f, mmap.mmap(f.fileno(), 0) as pages:
        assert pages[-1] is not None
        pages[-len(content_at_end):] = content_at_end
    if back_to:
        os.utime(path, ns=(back_to.st_atime_ns, back_to.st_mtime_ns))


def in_memory(place, _):
    folder = place.file("memory")
    os.mkdir(folder)
    subprocess.run(["mount", "-t", "tmpfs", "memory", folder], check=True)
    try:
        # Known, and then changed without a new time.
        program = os.path.join(folder, "tool")
        shutil.copy(place.traffic("tool"), program)
        time.sleep(0.3)
        before, hashed = os.stat(program), sha256(program)
        expect("in memory, as it was", role(program, 100)[0], program, hashed)
        time.sleep(1)
        overwrite(program, b"changed!")
        after = os.stat(program)
        tap.equal((after.st_ctime_ns, after.st_mtime_ns, after.st_size, after.st_ino),
                  (before.st_ctime_ns, before.st_mtime_ns, before.st_size, before.st_ino), "a change that stat() does not show")
        expect("in memory, changed: the new hash", role(program, 100)[0], program, sha256(program))

        # A millisecond, and changed before so large a file can have been read.
        for i in range(3):
            program, port = os.path.join(folder, f"large-{i}"), next(ports)
            shutil.copy(BLINK, program)
            with open(program, "r+b") as f:
                f.truncate(30 << 20)
            time.sleep(0.2)
            run = sha256(program)
            subprocess.run([program, "127.0.0.1", str(port)], check=True)
            overwrite(program, b"harmless")
            right_or_said(f"in memory, changed as soon as it had run, {i}", port, run, [sha256(program)])
            os.unlink(program)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def at_once(place, _):
    """Run for a millisecond, changed, its time set back, deleted; and written, run and changed within a tick of the clock."""
    for i in range(3):
        program, port = place.copy(BLINK, f"at-once-{i}"), next(ports)
        with open(program, "r+b") as f:
            f.truncate(30 << 20)
        time.sleep(0.2)
        before, run = os.stat(program), sha256(program)
        subprocess.run([program, "127.0.0.1", str(port)], check=True)
        overwrite(program, b"harmless", before)
        wrong = sha256(program)
        os.unlink(program)
        right_or_said(f"changed as soon as it had run, its time set back, and deleted, {i}", port, run, [wrong])
    for i in range(10):
        program, port = place.file(f"tick-{i}"), next(ports)
        with open(BLINK, "rb") as f:
            content = f.read()
        with open(program, "wb", opener=lambda p, m: os.open(p, m, 0o755)) as f:
            f.write(content + b"%08d" % i)
        with subprocess.Popen([program, "127.0.0.1", str(port)]):
            pass
        with open(program, "r+b") as f:
            f.seek(-8, 2)
            f.write(b"harmless")
        wrong = sha256(program)
        with open(program, "r+b") as f:
            f.seek(-8, 2)
            f.write(b"%08d" % i)
        right_or_said(f"written, run and changed within a tick, {i}", port, sha256(program), [wrong])


# ---- numbers ----

def numbers(place, _):
    """Three programs one after the other with the same number."""
    pid = int(subprocess.run([SHELL, "-c", "echo $$"], check=True, capture_output=True, text=True).stdout)
    for i in range(3):
        program, port = place.traffic(f"number-{i}"), next(ports)
        subprocess.run([PYTHON, "-I", DISGUISE, "pid", str(pid), program, "udp,127.0.0.1,0", f"to,127.0.0.1,{port}",
                        "send,sendto,100,100", REST], check=True, stdout=subprocess.DEVNULL)
        expect(f"the number of a process that has ended, {i}", port, program, sha256(program))


def overflow(place, daemon):
    """More executions than the queue of fanotify holds, of programs that are replaced meanwhile."""
    spawner, blink = place.traffic("spawner"), place.copy(BLINK, "overflown")
    other, port = place.copy(BLINK, "overflown-new"), next(ports)
    old, new = sha256(blink), sha256(other)
    os.kill(daemon.process.pid, signal.SIGSTOP)
    Role(spawner, "spawn", "200", "4", blink, "--", "127.0.0.1", str(port)).result()
    os.rename(other, blink)
    Role(spawner, "spawn", "200", "4", blink, "--", "127.0.0.1", str(port)).result()
    os.kill(daemon.process.pid, signal.SIGCONT)
    wait_for("overflow", lambda: [x for x in daemon.status()["losses"] if x["stage"] == "fanotify"])

    def check(rows, losses):
        mine = [r for r in rows if r.rport == port]
        sums = {h: sum(r.sent for r in mine if r.exe.sha256 == h) for h in {r.exe.sha256 for r in mine}}
        tap.ok(sum(sums.values()) == 3200 and set(sums) <= {old, new, ""} and sums.get(old, 0) <= 1600 and
               sums.get(new, 0) <= 1600, "an overflow: each hash is that of what was run, or missing", sums, old, new)
        tap.ok(any(x.stage == "fanotify" for x in losses), "and it is told", *losses)
    checks.append(check)


def play(*parts):
    with Place() as place, Daemon(place, hooks="auto") as daemon:
        daemon.start()
        for part in parts:
            part(place, daemon)
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        rows, losses = daemon.rows(), daemon.losses(unsure=True)
        for check in checks:
            check(rows, losses)
        checks.clear()


def main():
    need_root()
    play(nameless, misnamed, mounts, interpreters, in_memory, at_once, numbers)
    limit = "/proc/sys/fs/fanotify/max_queued_events"
    with open(limit, encoding="utf-8") as f:
        usual = f.read()
    try:
        with open(limit, "w", encoding="utf-8") as f:
            f.write("100")
        play(overflow)
    finally:
        with open(limit, "w", encoding="utf-8") as f:
            f.write(usual)
    tap.done()


main()
