#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Scripts: for an interpreter that was started on a script, the script's path and SHA-256 beside its own, whether the
kernel was given the script or the interpreter was; none where the interpreter was given something else. With every_exe,
so that what is executed is a row by itself.
"""
import collections
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PYTHON, Daemon, Place, built, need_root, sha256, tap, wait_for  # noqa: E402

SHELL = os.path.realpath(shutil.which("dash") or "/bin/sh")
UNSHARE = shutil.which("unshare")
STORM = 500

Script = collections.namedtuple("Script", "exe cmdline path sha256 state uid parent parent_script")
checks = []


def executed(daemon):
    db = daemon.database()
    found = [Script(*r) for r in db.execute(
        "SELECT e.exe, e.cmdline, e.script, e.script_sha256, e.script_state, uid, p.exe, p.script FROM connections "
        "JOIN executables e ON e.id = exe_id JOIN executables p ON p.id = pexe_id")]
    db.close()
    return found


def ignored(daemon, hashed):
    daemon.configure(f"[log]\nignore_hashes = {hashed}\n")
    os.kill(daemon.process.pid, signal.SIGHUP)


def expect(what, mark, exe, path, hashed, state=""):
    """Whoever has the mark on its command line, and is that executable, has that script."""
    def check(rows):
        mine = {(r.path, r.sha256, r.state) for r in rows if mark in r.cmdline.split() and r.exe == exe}
        tap.equal(mine, {(path, hashed, state)}, what, *{r for r in rows if mark in r.cmdline})
    checks.append(check)


def same(what, wanted, got):
    """What got() finds in the rows is this."""
    checks.append(lambda rows: tap.equal(got(rows), wanted, what, *got(rows)))


def none(what, mark, exe):
    expect(what, mark, exe, "", "", "absent")


def write(path, first, text, mode=0o755):
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"#!{first}\n{text}\n" if first else f"{text}\n")
    os.chmod(path, mode)
    # It is older than its execution by more than a tick of the kernel's clock.
    time.sleep(0.03)
    return path, sha256(path)


def run(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **more)


def ways(place):
    path, hashed = write(place.file("shebang"), SHELL, "sleep 0.2")
    run(path, "by-shebang")
    expect("#! of a shell", "by-shebang", SHELL, path, hashed)
    run("./shebang", "by-relative", cwd=place.path)
    expect("by a relative path", "by-relative", SHELL, path, hashed)
    os.symlink("shebang", place.file("link"))
    run(place.file("link"), "by-link")
    expect("by a link: the file has its own path", "by-link", SHELL, path, hashed)
    run(SHELL, path, "by-shell")
    expect("sh FILE", "by-shell", SHELL, path, hashed)
    run(SHELL, "-e", "shebang", "by-shell-relative", cwd=place.path)
    expect("sh -e FILE, from another folder", "by-shell-relative", SHELL, path, hashed)
    os.mkdir(place.file("folder"))
    run(SHELL, "../shebang", "by-dots", cwd=place.file("folder"))
    expect("sh ../FILE", "by-dots", SHELL, path, hashed)
    run(SHELL, "-c", "exit 0", "by-text")
    none("sh -c TEXT has no script", "by-text", SHELL)
    run(SHELL, "-s", "by-input", input=b"exit 0\n")
    none("nor has a shell that reads its input", "by-input", SHELL)
    run(shutil.which("true"), path, "by-true")
    none("nor a program that is no interpreter", "by-true", os.path.realpath(shutil.which("true")))
    deep = place.file("x" * 200)
    deep, hashed = write(deep, SHELL, "exit 0")
    run(deep, "by-long-path")
    expect("a path longer than the kernel tells", "by-long-path", SHELL, deep, hashed)
    run(SHELL, deep, *["y" * 100] * 300, "by-long-line")
    expect("a command line of 30 kB", "by-long-line", SHELL, deep, hashed)


def python(place):
    path, hashed = write(place.file("prog.py"), PYTHON, "import sys")
    run(path, "py-shebang")
    expect("#! of Python", "py-shebang", PYTHON, path, hashed)
    run("python3", "-u", "-W", "ignore", path, "py-file", executable=PYTHON)
    expect("python3 -u -W ignore FILE", "py-file", PYTHON, path, hashed)
    run("python3", "prog.py", "py-relative", executable=PYTHON, cwd=place.path)
    expect("python3 FILE, from its folder", "py-relative", PYTHON, path, hashed)
    run("python3", "-c", "pass", path, "py-text", executable=PYTHON)
    none("python3 -c TEXT has none", "py-text", PYTHON)
    run("python3", "-m", "this", path, "py-module", executable=PYTHON)
    none("nor has python3 -m MODULE", "py-module", PYTHON)
    path, hashed = write(place.file("env.py"), "/usr/bin/env python3", "import sys")
    python3 = os.path.realpath(shutil.which("python3"))
    run(path, "py-env")
    expect("#!/usr/bin/env python3: env has it", "py-env", os.path.realpath("/usr/bin/env"), path, hashed)
    expect("and then Python", "py-env", python3, path, hashed)


def brief(place):
    """Those that are gone when one looks."""
    path, hashed = write(place.file("gone"), SHELL, 'rm "$0"')
    run(path, "by-gone")
    expect("a script that deletes itself", "by-gone", SHELL, path, hashed)
    path, hashed = write(place.file("gone-env"), "/usr/bin/env -S sh", 'rm "$0"')
    run(path, "env-gone")
    expect("one that env hands to the shell, and that deletes itself", "env-gone", SHELL, path, hashed)
    path, hashed = write(place.file("memory"), SHELL, "sleep 0.2")
    fd = os.open(path, os.O_RDONLY)
    os.unlink(path)
    run(SHELL, f"/proc/self/fd/{fd}", "by-number", pass_fds=[fd])
    os.close(fd)
    expect("an open file that is deleted", "by-number", SHELL, path, hashed)
    path, hashed = write(place.file("many"), "", "exit 0")
    for _ in range(STORM):
        run(SHELL, path, "by-many")
    expect(f"{STORM} runs of a millisecond of sh FILE", "by-many", SHELL, path, hashed)
    for _ in range(STORM):
        run(SHELL, "many", "by-many-relative", cwd=place.path)
    cd, hashed_cd = write(place.file("cd"), "", "sleep 0.3; cd / && sleep 0.05")
    run(SHELL, "cd", "by-cd", cwd=place.path)
    expect("a script that goes to another folder", "by-cd", SHELL, cd, hashed_cd)
    # Until the daemon has stopped: the last of them are looked at after they ended.
    os.chdir(place.path)
    for _ in range(STORM):
        run(SHELL, "many", "by-many-here")
    expect("from the folder of their parent", "by-many-here", SHELL, path, hashed)

    expect(f"{STORM} likewise, by a relative path, from a folder of their own", "by-many-relative", SHELL, path, hashed)


def unseen(place, daemon):
    """All that happens while the daemon looks away: it finds neither the process nor its parent's folder."""
    folders = [place.file("deep/" + "/".join(["x" * 20] * 8)), place.file("moved"), place.file("other"), place.file("left")]
    scripts = []
    for folder in folders:
        os.makedirs(folder)
        scripts.append(write(os.path.join(folder, "s"), "", f"exit 0 # {folder}"))
    os.kill(daemon.process.pid, signal.SIGSTOP)
    for _ in range(20):
        run(SHELL, "s", "by-deep", cwd=folders[0])
        run(SHELL, "../left/../left/s", "by-up", cwd=folders[3])
    run(SHELL, "s", "by-moved", cwd=folders[1])
    run(SHELL, "s", "by-removed", cwd=folders[2])
    os.rename(folders[1], folders[1] + ".away")
    shutil.copytree(folders[3], folders[1])
    shutil.rmtree(folders[2])
    os.symlink(folders[3], folders[2])
    os.kill(daemon.process.pid, signal.SIGCONT)
    expect("who ended unseen, from a folder that is deep", "by-deep", SHELL, *scripts[0])
    expect("by a path that leaves it", "by-up", SHELL, *scripts[3])
    expect("whose folder was moved, and another took its place", "by-moved", SHELL, "s", "", "gone")
    expect("whose folder was removed, and a link to another took its place", "by-removed", SHELL, "s", "", "gone")


def elsewhere(place):
    """Other folders under the same names: another mount namespace, another root."""
    outside, _ = write(place.file("shown"), "", "exit 0 # outside")
    inside, hashed = write(place.file("inside"), "", "sleep 0.05 # inside")
    for _ in range(10):
        run(UNSHARE, "-m", "--propagation", "private", SHELL, "-c",
            f"mount --bind {inside} {outside} && exec {SHELL} {outside} by-mount")
    expect("in another mount namespace, which ends: what lies under that path there", "by-mount", SHELL, outside, hashed)
    os.makedirs(place.file("source/below"))
    os.mkdir(place.file("target"))
    hashed = write(place.file("source/below/by-kernel"), SHELL, "exit 0")[1]
    for _ in range(50):
        run(UNSHARE, "-m", "--propagation", "private", SHELL, "-c",
            f"mount --bind {place.file('source')} {place.file('target')} && exec {place.file('target/below/by-kernel')} by-kernel")
    expect("and by #!", "by-kernel", SHELL, place.file("target/below/by-kernel"), hashed)
    root = place.file("root")
    os.mkdir(root)
    hashed = write(place.file("in-root"), "", "sleep 0.2 # in the root")[1]
    command = (f"mount -t tmpfs none {root} && cd {root} && mkdir bin lib lib64 usr && for d in bin lib lib64 usr; do "
               f"mount --bind /$d $d; done && cp ../in-root shown && sleep 0.1 && exec chroot . {SHELL} /shown by-root")
    run(UNSHARE, "-m", "--propagation", "private", SHELL, "-c", command)
    same("below another root", {(hashed, "")},
         lambda rows: {(r.sha256, r.state) for r in rows if r.cmdline == f"{SHELL} /shown by-root"})


def odd(place):
    """What is no file to be read."""
    fifo = place.file("fifo")
    os.mkfifo(fifo)
    with subprocess.Popen([SHELL, fifo, "by-fifo"]) as reader:
        with open(fifo, "w", encoding="utf-8") as f:
            f.write("exit 0\n")
            time.sleep(0.3)
        reader.wait()
    expect("a pipe has no hash, and its bytes are the shell's", "by-fifo", SHELL, fifo, "", "unreadable")
    subprocess.run([SHELL, place.file("nothing"), "by-nothing"], check=False, stderr=subprocess.DEVNULL)
    expect("a file that is not there", "by-nothing", SHELL, place.file("nothing"), "", "gone")
    path, _ = write(place.file("changes"), "", "sleep 0.5")
    with subprocess.Popen([SHELL, "-c", f"sleep 0.3; exec {SHELL} {path} by-changes"]) as shell:
        time.sleep(0.1)
        with open(path, "a", encoding="utf-8") as f:
            f.write("exit 0\n")
        shell.wait()
    expect("one that was changed before: as it is", "by-changes", SHELL, path, sha256(path))


def parents(place):
    blink = place.copy(built("tests/system/blink"), "child")
    path, hashed = write(place.file("parent"), "", f"{blink}; sleep 0.05; {blink}")
    run(SHELL, path, "by-parent")
    expect("a script with children", "by-parent", SHELL, path, hashed)
    same("its children have it as their parent, with the script", {(SHELL, path)},
         lambda rows: {(r.parent, r.parent_script) for r in rows if r.exe == blink})
    path, hashed = write(place.file("of-a-user"), "", "sleep 0.05", 0o644)
    run(SHELL, path, "by-user", user=65534)
    expect("of another user", "by-user", SHELL, path, hashed)
    first = write(place.file("same"), "", "sleep 0.3 # one")[1]
    run(SHELL, place.file("same"), "by-same")
    second = write(place.file("same"), "", "sleep 0.3 # two")[1]
    run(SHELL, place.file("same"), "by-same")
    same("a script that was changed between two runs has two hashes", {(first, ""), (second, "")},
         lambda rows: {(r.sha256, r.state) for r in rows if "by-same" in r.cmdline.split()})


def left_out(place, daemon):
    """[log] ignore_hashes, of a script."""
    path, hashed = write(place.file("quiet"), "", "sleep 0 # quiet")
    before = len(daemon.losses())
    ignored(daemon, hashed)
    wait_for("the reload", lambda: len(daemon.losses()) > before)
    run(SHELL, path, "by-quiet")
    run(SHELL, place.file("many"), "by-loud")
    same("a script whose hash is ignored has no row", {place.file("many")},
         lambda rows: {r.path for r in rows if r.cmdline.split()[-1:] in (["by-quiet"], ["by-loud"])})


def main():
    need_root()
    here = os.getcwd()
    with Place() as place, Daemon(place, every_exe="yes", self_test="no") as daemon:
        old, hashed = write(place.file("old"), SHELL, "sleep 1000 & wait")
        with subprocess.Popen([old, "by-old"], start_new_session=True) as older:
            time.sleep(0.1)
            daemon.start()
            expect("a script that runs when the daemon starts", "by-old", SHELL, old, hashed)
            for part in (ways, python, brief, elsewhere, odd, parents):
                part(place)
            unseen(place, daemon)
            left_out(place, daemon)
            tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
            os.chdir(here)
            os.killpg(older.pid, signal.SIGKILL)
        rows = executed(daemon)
        for check in checks:
            check(rows)
        alerts = [loss.text for loss in daemon.losses(unsure=True) if place.file("fifo") in loss.text]
        tap.ok(alerts and "no SHA-256 of the script" in alerts[0], "a script without a hash is told", *alerts)
    tap.done()


main()
