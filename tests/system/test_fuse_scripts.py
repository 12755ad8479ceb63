#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Scripts on a file system that is a program, and that root may not even look into (FUSE): they are looked for and read as the
user who runs them. What he may not read has no hash, and a server that hangs disturbs nobody.
"""
import collections
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fuse_image import AS_NOBODY, AS_ROOT, NOBODY, Image, need_fuse  # noqa: E402
from harness import Daemon, Place, need_root, sha256, tap, wait_for  # noqa: E402

SHELL = os.path.realpath(shutil.which("dash") or "/bin/sh")
ENV = os.path.realpath("/usr/bin/env")
# The one that is everybody's.
PATH = "/usr/bin:/bin"
PYTHON = os.path.realpath(shutil.which("python3", path=PATH) or "/")
UNSURE = 16
BRIEF = 20

Script = collections.namedtuple("Script", "exe path sha256 state unsure")


def executed(daemon, mark):
    """The scripts of who has the mark as the last word of its command line."""
    db = daemon.database()
    found = db.execute("SELECT DISTINCT exe, script, script_sha256, script_state, flags & ?, cmdline FROM connections "
                       "JOIN executables e ON e.id = exe_id", (UNSURE,)).fetchall()
    db.close()
    return {Script(*r[:5]) for r in found if r[5].split()[-1:] == [mark]}


class Scripts(Image):
    def __init__(self, place, name):
        super().__init__(place, name)
        os.mkdir(os.path.join(self.inside, "sub"))
        self.hashes = {}
        for file, first, text in (("x.sh", SHELL, "sleep 0.3"), ("sub/brief.sh", SHELL, "exit 0"),
                                  ("x.py", PYTHON, "import time; time.sleep(1)"),
                                  ("env.py", "/usr/bin/env python3", "import time; time.sleep(0.3)"),
                                  ("goes.sh", SHELL, "sleep 0.02; cd /; sleep 0.3")):
            path = os.path.join(self.inside, file)
            with open(path, "w", encoding="utf-8") as f:
                f.write(f"#!{first}\n{text} # {name}\n")
            os.chmod(path, 0o755)
            os.utime(path, (1e9, 1e9))
            self.hashes[file] = sha256(path)
        os.symlink("../x.sh", os.path.join(self.inside, "sub/up"))
        os.symlink(place.file("secret"), os.path.join(self.inside, "secret"))
        self.pack()

    def path(self, file):
        return os.path.join(self.folder, file)

    def found(self, exe, file):
        return {Script(exe, self.path(file), self.hashes[file], "", UNSURE)}


def run(*words, **who):
    return subprocess.run(words, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env={"PATH": PATH},
                          **(who or AS_NOBODY))


def from_folder(folder, *words, who=None):
    """By a relative path: who goes there must be the user already."""
    return run(ENV, "-C", folder, *words, **(who or AS_NOBODY))


def ways(place, daemon):
    with Scripts(place, "image") as image:
        tap.ok(image.is_closed_to_root(), "root may not look")
        run(image.path("x.sh"), "by-path")
        from_folder(image.folder, "./x.sh", "by-relative")
        run(image.path("x.py"), "py-path")
        from_folder(image.folder, "./x.py", "py-relative")
        run(image.path("env.py"), "py-env")
        run(SHELL, image.path("x.sh"), "sh-path")
        run(PYTHON, "-u", image.path("x.py"), "py-file")
        from_folder(image.folder, PYTHON, "x.py", "py-from-folder")
        from_folder(image.path("sub"), PYTHON, "../x.py", "py-up")
        from_folder(image.path("sub"), SHELL, "./up", "sh-link")
        run(SHELL, "-c", f"exec {SHELL} /dev/fd/3 by-number 3<{image.path('x.sh')}", "-")
        from_folder(image.folder, "./goes.sh", "by-goes")
        for mark, exe, file in (("by-path", SHELL, "x.sh"), ("by-relative", SHELL, "x.sh"), ("py-path", PYTHON, "x.py"),
                                ("py-relative", PYTHON, "x.py"), ("sh-path", SHELL, "x.sh"), ("py-file", PYTHON, "x.py"),
                                ("by-number", SHELL, "x.sh"), ("by-goes", SHELL, "goes.sh")):
            got = wait_for(mark, lambda m=mark, e=exe: {s for s in executed(daemon, m) if s.exe == e and s.state != "late"})
            tap.equal(got, image.found(exe, file), f"{mark}: path and hash, and that they are not sure", *executed(daemon, mark))
        for mark, exe, file in (("py-from-folder", PYTHON, "x.py"), ("py-up", PYTHON, "x.py"), ("sh-link", SHELL, "x.sh"),
                                ("py-env", ENV, "env.py"), ("py-env", PYTHON, "env.py")):
            got = wait_for(mark, lambda m=mark, e=exe: {s for s in executed(daemon, m) if s.exe == e and s.state != "late"})
            tap.equal(got, image.found(exe, file), f"{mark} of {os.path.basename(exe)}", *executed(daemon, mark))
        # A process that reads takes longer to start than these live: not all at once, or they are late.
        for _ in range(BRIEF):
            run(SHELL, image.path("sub/brief.sh"), "brief")
            time.sleep(0.1)
        from_folder(image.path("sub"), "sh", "-c",
                    f"for i in $(seq {BRIEF}); do {SHELL} brief.sh brief-relative; sleep 0.1; done")
        for mark in ("brief", "brief-relative"):
            wait_for(mark, lambda m=mark: [s for s in executed(daemon, m) if s.state != "late"])
            time.sleep(3)
            got = {s for s in executed(daemon, mark) if s.state != "late"}
            tap.equal(got, image.found(SHELL, "sub/brief.sh"), f"{mark}: {BRIEF} runs that are gone at once")
        texts = [loss.text for loss in daemon.losses(unsure=True)]
        tap.ok(any(t.startswith(f"the SHA-256 of the script {image.path('x.sh')} may not") for t in texts),
               "that they are not sure is told", *texts)


def refused(place, daemon):
    """Who could not read it gets no hash by way of the daemon."""
    with open(place.file("secret"), "w", encoding="utf-8") as f:
        f.write("exit 0\n")
    os.chmod(place.file("secret"), 0o600)
    os.utime(place.file("secret"), (1e9, 1e9))
    time.sleep(0.1)
    with Scripts(place, "closed") as image:
        run(SHELL, image.path("secret"), "to-secret")
        run(SHELL, image.path("x.sh"), "as-other", user=1, group=1, extra_groups=[])
        run(SHELL, image.path("x.sh"), "as-root", user=0)
        for mark, file in (("to-secret", "secret"), ("as-other", "x.sh"), ("as-root", "x.sh")):
            got = wait_for(mark, lambda m=mark: {s for s in executed(daemon, m) if s.state != "late"})
            tap.equal(got, {Script(SHELL, image.path(file), "", "unreadable", 0)}, f"{mark}: no hash")


def of_root(place, daemon):
    """Where root may look, what it finds is read apart all the same."""
    image = Scripts(place, "roots")
    image.owner = AS_ROOT
    with image:
        tap.ok(not image.is_closed_to_root(), "root may look")
        run(image.path("x.sh"), "of-root", **AS_ROOT)
        from_folder(image.folder, PYTHON, "x.py", "of-root-relative", who=AS_ROOT)
        for mark, exe, file in (("of-root", SHELL, "x.sh"), ("of-root-relative", PYTHON, "x.py")):
            got = wait_for(mark, lambda m=mark, e=exe: {s for s in executed(daemon, m) if s.exe == e and s.state != "late"})
            tap.equal(got, image.found(exe, file), mark, *executed(daemon, mark))


def of_a_namespace(place, daemon):
    """Mounted in a user namespace: open to who is in there."""
    image, node = Scripts(place, "inner"), place.file("node")
    command = f"""mount -t tmpfs none {node} && mknod -m 666 {node}/fuse c 10 229 && mount --bind {node}/fuse /dev/fuse &&
        exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups unshare -U -r -m sh -c '
            squashfuse -f {image.file} {image.folder} 2>/dev/null & server=$!
            while ! [ -x {image.path("x.sh")} ]; do sleep 0.05; done
            cd {image.folder}; ./x.sh in-namespace; {PYTHON} {image.path("x.py")} py-namespace; kill $server'"""
    os.mkdir(node)
    subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-c", command], check=True, stdout=subprocess.DEVNULL)
    for mark, exe, file in (("in-namespace", SHELL, "x.sh"), ("py-namespace", PYTHON, "x.py")):
        got = wait_for(mark, lambda m=mark: {s for s in executed(daemon, m) if s.state != "late"})
        tap.equal({s.sha256 for s in got}, {image.hashes[file]}, f"{mark}: it is read in there", exe, *got)


def hangs(place, daemon):
    with Scripts(place, "hangs") as image:
        image.server.send_signal(signal.SIGSTOP)
        hung = [subprocess.Popen([SHELL, image.path("x.sh"), f"hung-{i}"], cwd="/", **AS_NOBODY) for i in range(6)]
        since = time.monotonic()
        other = place.file("other.sh")
        with open(other, "w", encoding="utf-8") as f:
            f.write("sleep 0.3 # other\n")
        os.chmod(other, 0o644)
        time.sleep(0.1)
        run(SHELL, other, "not-hung")
        got = wait_for("others", lambda: executed(daemon, "not-hung"))
        tap.equal(got, {Script(SHELL, other, sha256(other), "", 0)}, "while a server hangs, other scripts are hashed")
        tap.ok(time.monotonic() - since < 8, "at once", f"after {time.monotonic() - since:.1f} s")
        for i in range(6):
            got = wait_for("an end", lambda m=f"hung-{i}": executed(daemon, m), 40)
            tap.ok(all(s.state in ("late", "unreadable") for s in got), "what hangs has no hash", *got)
        wait_for("it to be told", lambda: [t for t in daemon.losses(unsure=True) if image.path("x.sh") in t.text], 40)
        readers = [p for p in os.listdir("/proc") if p.isdigit() and is_reader(p, daemon.program)]
        tap.ok(len(readers) <= 2, "two readers of a user at most", *readers)
        since = time.monotonic()
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        tap.ok(time.monotonic() - since < 10, "and soon", f"after {time.monotonic() - since:.1f} s")
        image.server.send_signal(signal.SIGCONT)
        for process in hung:
            process.wait(20)


def is_reader(pid, program):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().startswith(f"{program}\0read-file\0".encode())
    except OSError:
        return False


def main():
    need_root()
    need_fuse()
    if PYTHON == "/":
        tap.skip_all("needs a Python of the system's")
    with Place() as place, Daemon(place, every_exe="yes", self_test="no") as daemon:
        daemon.start()
        for part in (ways, refused, of_root, of_a_namespace, hangs):
            part(place, daemon)
    tap.done()


main()
