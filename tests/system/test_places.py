#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Where a program ran: control groups as systemd, container engines and desktops make them, processes
that are moved, groups that are gone before anyone can look, groups that are older than the daemon;
and two real engines, crun and podman, which start a container of a root folder with one file.
"""
import collections
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, built, need_root, tap, wait_for  # noqa: E402

SEND = ["send,sendto,100,100"]
UDP = ["udp,127.0.0.1,0", "to,127.0.0.1,9"]
BLINK = ["127.0.0.1", "9"]
BRIEF = 50
ID = "%064x"
NONE = {"unit": "", "slice": "", "session": "", "engine": "", "container": "", "pod": "", "owner": None}
POD = "2c48a299-e1f2-4001-bdd4-8632d39ea02b"
USER = "/user.slice/user-4242.slice/user@4242.service"

# A path, and what is to be read from it.
KINDS = {
    "service": ("/system.slice/picosnitch-test.service", {"unit": "picosnitch-test.service", "slice": "system.slice"}),
    "session": ("/user.slice/user-4242.slice/session-c7.scope",
                {"unit": "session-c7.scope", "slice": "user-4242.slice", "session": "c7", "owner": 4242}),
    "user-service": (USER + "/session.slice/sound.service",
                     {"unit": "sound.service", "slice": "session.slice", "owner": 4242}),
    "docker": ("/docker/" + ID % 1, {"engine": "docker", "container": ID % 1}),
    "docker-systemd": ("/system.slice/docker-" + ID % 2 + ".scope",
                       {"unit": "docker-" + ID % 2 + ".scope", "slice": "system.slice", "engine": "docker",
                        "container": ID % 2}),
    "rootless": (USER + "/user.slice/libpod-" + ID % 3 + ".scope/container",
                 {"unit": "libpod-" + ID % 3 + ".scope", "slice": "user.slice", "engine": "podman",
                  "container": ID % 3, "owner": 4242}),
    "containerd": ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + POD.replace("-", "_") +
                   ".slice/cri-containerd-" + ID % 4 + ".scope",
                   {"unit": "cri-containerd-" + ID % 4 + ".scope",
                    "slice": "kubepods-burstable-pod" + POD.replace("-", "_") + ".slice",
                    "engine": "containerd", "container": ID % 4, "pod": POD}),
    "kubelet": ("/kubepods/besteffort/pod" + POD + "/" + ID % 5,
                {"engine": "kubernetes", "container": ID % 5, "pod": POD}),
    "lxc": ("/lxc.payload.web/system.slice/nginx.service",
            {"unit": "nginx.service", "slice": "system.slice", "engine": "lxc", "container": "web"}),
    "nested": ("/lxc.payload.box/docker/" + ID % 6, {"engine": "lxc", "container": "box"}),
    "nspawn": ("/machine.slice/machine-deb\\x2dian.scope/payload",
               {"unit": "machine-deb\\x2dian.scope", "slice": "machine.slice", "engine": "nspawn",
                "container": "deb-ian"}),
    "flatpak": (USER + "/app.slice/app-flatpak-org.example.App-77.scope",
                {"unit": "app-flatpak-org.example.App-77.scope", "slice": "app.slice", "engine": "flatpak",
                 "container": "org.example.App", "owner": 4242}),
    "snap": (USER + "/app.slice/snap.example.run-3dcfaa86-bf58-4d3e-a7c6-4e34dfdb050f.scope",
             {"unit": "snap.example.run-3dcfaa86-bf58-4d3e-a7c6-4e34dfdb050f.scope", "slice": "app.slice",
              "engine": "snap", "container": "example", "owner": 4242}),
    "desktop": (USER + "/app.slice/app-gnome-example\\x2dapp-99.scope",
                {"unit": "app-gnome-example\\x2dapp-99.scope", "slice": "app.slice", "engine": "desktop",
                 "container": "example-app", "owner": 4242}),
    "long": ("/" + "/".join(c * 200 for c in "abcdefg"), {}),
}

Where = collections.namedtuple("Where", "sent place")
checks = []


class Groups:
    """Control groups of version 2, wherever they are mounted; those that were made are removed."""

    def __init__(self):
        self.made = []
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            roots = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"]
        if not roots:
            tap.skip_all("no control groups of version 2 are mounted")
        self.root = roots[0]

    def __enter__(self):
        with open(f"{self.root}/cgroup.subtree_control", encoding="utf-8") as f:
            self.controllers = f.read().split()
        return self

    def __exit__(self, *_):
        for path in reversed(self.made):
            try:
                os.rmdir(path)
            except OSError:
                pass
        # What an engine has switched on for its own groups.
        with open(f"{self.root}/cgroup.subtree_control", encoding="utf-8") as f:
            added = set(f.read().split()) - set(self.controllers)
        for name in added:
            try:
                with open(f"{self.root}/cgroup.subtree_control", "w", encoding="utf-8") as f:
                    f.write("-" + name)
            except OSError:
                pass

    def make(self, path):
        at = self.root
        for part in path.strip("/").split("/"):
            at = f"{at}/{part}"
            if not os.path.isdir(at):
                os.mkdir(at)
                self.made.append(at)
        return at

    def forget(self, path):
        """Everything below it goes."""
        for folder, _, _ in os.walk(self.root + path, topdown=False):
            os.rmdir(folder)

    @staticmethod
    def put(folder, pid=0):
        with open(folder + "/cgroup.procs", "w", encoding="utf-8") as f:
            f.write(str(pid))

    def enter(self, folder):
        """To be called between fork and exec."""
        return lambda: self.put(folder)


def stored(value):
    """As the store has a text."""
    return value.replace("\\", "\\\\") if isinstance(value, str) else value


def expect(what, path, *wanted):
    """So many bytes of the program at each of these places, and no others; a place is its path and columns."""
    keys = [*NONE, "cgroup"]

    def check(rows):
        places = [{**NONE, **more, "cgroup": cgroup} for _, cgroup, more in wanted]
        want = {(w[0], *(stored(p[k]) for k in keys)) for w, p in zip(wanted, places)}
        tap.equal({(w.sent, *(w.place[k] for k in keys)) for w in rows.get(path, [])}, want, what)
    checks.append(check)


def rows_of(daemon):
    """What each program has sent, by where it was."""
    db = daemon.database()
    db.row_factory = lambda cursor, row: {c[0]: v for c, v in zip(cursor.description, row)}
    found = collections.defaultdict(list)
    for r in db.execute("SELECT e.exe, sum(c.send) AS sent, p.cgroup, p.unit, p.slice, p.session, p.engine, p.container,"
                        " p.pod, p.owner FROM connections c JOIN executables e ON e.id = c.exe_id"
                        " JOIN places p ON p.id = c.place_id GROUP BY 1, c.place_id"):
        found[r["exe"]].append(Where(r["sent"], r))
    db.close()
    return found


def kinds(place, groups, _):
    for name, (path, columns) in KINDS.items():
        folder, program = groups.make(path), place.traffic(name)
        Role(program, *UDP, *SEND, preexec_fn=groups.enter(folder)).result()
        expect(name, program, (100, path, columns))


def moved(place, groups, daemon):
    first, second = "/system.slice/first.service", "/docker/" + ID % 10
    program = place.traffic("moved")
    groups.make(first)
    role = Role(program, *UDP, *SEND, "wait", "send,sendto,70,70", preexec_fn=groups.enter(groups.make(first)))
    wait_for("the first bytes", lambda: program in rows_of(daemon))
    groups.put(groups.make(second), role.process.pid)
    role.go()
    role.result()
    expect("a process that is moved without an exec", program,
           (100, first, {"unit": "first.service", "slice": "system.slice"}),
           (70, second, {"engine": "docker", "container": ID % 10}))

    program = place.traffic("thread")
    role = Role(program, *UDP, "thread", "wait", "thread", *SEND, preexec_fn=groups.enter(groups.make(first)))
    role.port()
    groups.put(groups.make(second), role.process.pid)
    role.go()
    role.result()
    expect("all of its threads with it", program, (100, second, {"engine": "docker", "container": ID % 10}))


def inherited(place, groups, _):
    path, parent, child = "/lxc.payload.family", place.traffic("parent"), place.traffic("child")
    Role(parent, "spawn", "1", "1", child, "--", *UDP, *SEND, preexec_fn=groups.enter(groups.make(path))).result()
    expect("a child is where its parent is", child, (100, path, {"engine": "lxc", "container": "family"}))


class CloneArgs(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint64) for n in ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack",
                                                "stack_size", "tls", "set_tid", "set_tid_size", "cgroup")]


def born_inside(place, groups, _):
    path, program = "/docker/" + ID % 11, place.copy(built("tests/system/blink"), "born-inside")
    fd = os.open(groups.make(path), os.O_RDONLY)
    args = CloneArgs(flags=0x200000000, exit_signal=signal.SIGCHLD, cgroup=fd)  # CLONE_INTO_CGROUP
    libc = ctypes.CDLL(None, use_errno=True)
    pid = libc.syscall(435, ctypes.byref(args), ctypes.sizeof(args))  # clone3, on every architecture
    if pid == 0:
        os.execv(program, [program, *BLINK])
    os.close(fd)
    if pid < 0:
        tap.skip("a process that is born into a group", os.strerror(ctypes.get_errno()))
        return
    os.waitpid(pid, 0)
    expect("a process that is born into a group", program, (8, path, {"engine": "docker", "container": ID % 11}))


def brief(place, groups, daemon):
    """The daemon sleeps while they come and go: it can look none of them up."""
    program = place.copy(built("tests/system/blink"), "brief")
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        for i in range(BRIEF):
            folder = groups.make("/docker/" + ID % (100 + i))
            subprocess.run([program, *BLINK], check=True, preexec_fn=groups.enter(folder))
            wait_for("an empty group", lambda f=folder: not os.rmdir(f) if empty(f) else False)
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    expect(f"{BRIEF} containers that are gone before anyone can look", program,
           *((8, "/docker/" + ID % (100 + i), {"engine": "docker", "container": ID % (100 + i)}) for i in range(BRIEF)))


def empty(folder):
    with open(folder + "/cgroup.events", encoding="utf-8") as f:
        return "populated 0" in f.read()


def container(place, name):
    """A root folder with the generator as its only program; its path inside."""
    root = place.file(name)
    for folder in ("", "/proc", "/sys", "/dev", "/etc", "/run", "/tmp"):
        os.mkdir(root + folder)
    return root, "/" + os.path.basename(place.traffic(f"{name}/{name}-traffic"))


def engine(groups, name, command):
    """Engines want version 2 alone, at its usual place: they get that, in a mount namespace."""
    script = ("if [ $(stat -fc %T /sys/fs/cgroup) != cgroup2fs ]; then umount -R /sys/fs/cgroup;"
              " mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 125; fi; exec \"$@\"")
    result = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *command], capture_output=True, text=True, check=False,
                            timeout=120)
    tap.equal(result.returncode, 0, f"{name} runs a container", result.stdout, result.stderr)
    return result


def crun(place, groups, _):
    if not shutil.which("crun"):
        tap.skip("crun", "not installed")
        return
    root, program = container(place, "bundle")
    path = "/kubepods/burstable/pod" + POD + "/crio-" + ID % 12
    with open(place.file("config.json"), "w", encoding="utf-8") as f:
        json.dump({"ociVersion": "1.0.2", "root": {"path": root},
                   "process": {"args": [program, *UDP, *SEND], "cwd": "/", "env": [], "user": {"uid": 0, "gid": 0}},
                   "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
                   "linux": {"cgroupsPath": path, "namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts")]}}, f)
    engine(groups, "crun", ["crun", "--root", place.file("crun"), "--cgroup-manager=cgroupfs", "run", "-b", place.path,
                            f"picosnitch-test-{os.getpid()}"])
    groups.made += [groups.root + "/kubepods", groups.root + "/kubepods/burstable", groups.root + os.path.dirname(path)]
    expect("crun: a container of its own cgroup, mount and pid namespaces", program,
           (100, path, {"engine": "crio", "container": ID % 12, "pod": POD}))


def podman(place, groups, _):
    if not shutil.which("podman"):
        tap.skip("podman", "not installed")
        return
    root, program = container(place, "pod")
    cid = place.file("cid")
    # What a machine without some controllers, and without raising limits, can do.
    limits = ["--pids-limit=-1", *(f"--ulimit={u}" for u in ("nofile=1024:1024", "nproc=100:100", "memlock=65536:65536"))]
    engine(groups, "podman", ["podman", "--root", place.file("storage"), "--runroot", place.file("runroot"), "--tmpdir",
                              place.file("tmpdir"), "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--runtime=crun",
                              "run", f"--cidfile={cid}", "--privileged", "--network=host", *limits, "--rootfs", root, program,
                              *UDP, *SEND])
    try:
        with open(cid, encoding="utf-8") as f:
            name = f.read().strip()
    except OSError:
        return
    wait_for("an empty group", lambda: not os.path.isdir(f"{groups.root}/libpod_parent/conmon") or
             empty(f"{groups.root}/libpod_parent/conmon"))
    if os.path.isdir(groups.root + "/libpod_parent"):
        groups.forget("/libpod_parent")
    expect("podman: a container by the id that it gave", program,
           (100, f"/libpod_parent/libpod-{name}", {"engine": "podman", "container": name}))


def main():
    need_root()
    with Place() as place, Groups() as groups, Daemon(place) as daemon:
        path, program = "/lxc.payload.old", place.traffic("old")
        older = Role(program, *UDP, "wait", *SEND, preexec_fn=groups.enter(groups.make(path)))
        older.port()
        daemon.start()
        older.go()
        older.result()
        expect("a group that is older than the daemon", program, (100, path, {"engine": "lxc", "container": "old"}))
        for part in (kinds, moved, inherited, born_inside, brief, crun, podman):
            part(place, groups, daemon)
        tap.equal(daemon.stop(), 0, "the daemon stops cleanly")
        rows = rows_of(daemon)
        for check in checks:
            check(rows)
        lost = [loss for loss in daemon.losses() if loss.stage != "selftest"]
        tap.equal(lost, [], "nothing was lost")
    tap.done()


main()
