#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody touches what the daemon stands on: each change is told, and only what changed."""
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, need_root, tap, wait_for  # noqa: E402

LIBC = ctypes.CDLL(None, use_errno=True)
LOOK = 3  # seconds between two looks of the daemon


def told(daemon, stage="tamper"):
    return [loss for loss in daemon.losses() if loss.stage == stage]


@contextlib.contextmanager
def expect(daemon, what, *words):
    """Exactly one more alert, with these words; it is said once only."""
    before = len(told(daemon)) if os.path.exists(f"{daemon.state}/snitch.db") else 0
    yield
    try:
        found = wait_for(what, lambda: told(daemon)[before:], 3 * LOOK)
    except TimeoutError as e:
        found = str(e)
    tap.ok(len(found) == 1 and all(w in found[0].text for w in words), what, found, *words)


def replaced(path):
    """Another file in its place, with the same content."""
    shutil.copy2(path, path + ".new")
    os.rename(path + ".new", path)


def libc_call(function, *args):
    result = getattr(LIBC, function)(*args)
    if result < 0:
        raise OSError(ctypes.get_errno(), function)


def close_inside(pid, fd):
    """Makes that process close a descriptor, as a debugger would: by the system call that it waits in, for once another."""
    registers, here = (ctypes.c_ulonglong * 27)(), (ctypes.c_ulonglong * 27)()
    libc_call("ptrace", 16, pid, None, None)  # PTRACE_ATTACH
    os.waitpid(pid, 0)
    try:
        libc_call("ptrace", 12, pid, None, registers)  # PTRACE_GETREGS
        ctypes.memmove(here, registers, ctypes.sizeof(here))
        # orig_rax, rax, rdi, and rip: back to the instruction that entered the kernel
        here[15], here[10], here[14], here[16] = ctypes.c_ulonglong(-1).value, 3, fd, registers[16] - 2
        libc_call("ptrace", 13, pid, None, here)  # PTRACE_SETREGS
        libc_call("ptrace", 9, pid, None, None)  # PTRACE_SINGLESTEP
        os.waitpid(pid, 0)
        libc_call("ptrace", 12, pid, None, here)
        if here[10]:
            raise OSError(f"close() gives {here[10]:x}")
        libc_call("ptrace", 13, pid, None, registers)
    finally:
        libc_call("ptrace", 17, pid, None, None)  # PTRACE_DETACH


def descriptors(pid, what):
    """The process's descriptors of one kind."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found += [int(fd)] if what in os.readlink(f"/proc/{pid}/fd/{fd}") else []
    return sorted(found)


def from_inside(daemon):
    """Who has the rights of root can also reach into the daemon."""
    pid = daemon.process.pid
    if os.uname().machine != "x86_64":
        tap.skip("a descriptor that is closed from inside", "the test knows the registers of x86-64 only")
        return

    def libraries():
        return daemon.status()["names"]["libraries"]

    had = wait_for("a libc", libraries)
    # To switch a probe off has no effect: this is no alert.
    pidfd, event = os.pidfd_open(pid), descriptors(pid, "perf_event")[0]
    copy = LIBC.syscall(438, pidfd, event, 0)  # pidfd_getfd
    libc_call("ioctl", copy, 0x2401, 0)  # PERF_EVENT_IOC_DISABLE
    os.close(copy)
    os.close(pidfd)
    time.sleep(LOOK)
    with expect(daemon, "the probe of a libc is taken away", "getaddrinfo()", "taken away"):
        close_inside(pid, event)
    tap.equal(wait_for("the probe", lambda: libraries() == had and libraries()), had, "and it is probed again")
    # The first links are those of hooks that every kernel has.
    link = min(descriptors(pid, "bpf_link") or descriptors(pid, "bpf-link"))
    with expect(daemon, "a link is closed", "it was detached"):
        close_inside(pid, link)


def links(pid):
    """The daemon's links to cgroups: program name -> id of the link."""
    ids = set()
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="utf-8") as f:
                info = dict(line.split(":", 1) for line in f if ":" in line)
        except OSError:
            continue
        if "link_type" in info:
            ids.add(int(info["link_id"]))
    programs = {p["id"]: p.get("name") for p in json.loads(subprocess.check_output(["bpftool", "-j", "prog"]))}
    return {programs.get(link["prog_id"]): link["id"] for link in json.loads(subprocess.check_output(["bpftool", "-j", "link"]))
            if link["id"] in ids and link["type"] == "cgroup"}


def files(daemon):
    plugin = daemon.place.file("plugins/sqlite.so")
    with expect(daemon, "a plugin is swapped", "plugin", plugin, "replaced"):
        replaced(plugin)
    with expect(daemon, "the configuration is edited", daemon.config, "content"):
        with open(daemon.config, "a", encoding="utf-8") as f:
            f.write("# a remark\n")
    with expect(daemon, "the program itself is swapped", daemon.program, "replaced"):
        replaced(daemon.program)


def reload(daemon):
    before = len(told(daemon))
    daemon.configure("# another remark\n")
    os.kill(daemon.process.pid, signal.SIGHUP)
    found = wait_for("the reload", lambda: told(daemon, "config"))
    tap.ok(len(found) == 1 and "read again" in found[0].text and not found[0].count, "a reload is told, as no loss", *found)
    time.sleep(2 * LOOK)
    tap.ok(all(daemon.config in loss.text for loss in told(daemon)[before:]), "nothing but the edit is told of it",
           *told(daemon)[before:])
    with expect(daemon, "an edit after the reload", daemon.config):
        with open(daemon.config, "a", encoding="utf-8") as f:
            f.write("# the last remark\n")


def hooks(daemon):
    ours = links(daemon.process.pid)
    if daemon.status()["hooks"] != "tracepoint":
        tap.ok(not ours, "this door has no link that can be detached", ours)
        return
    with expect(daemon, "a link is detached", "cgroup/sendmsg4", "detached", "the peer of datagrams from unconnected IPv4"):
        subprocess.run(["bpftool", "link", "detach", "id", str(ours["on_sendmsg4"])], check=True)
    hook = [h for h in daemon.status()["programs"] if h["name"] == "cgroup/sendmsg4"]
    tap.ok(len(hook) == 1 and not hook[0]["attached"], "status: it is not attached any more", hook)


def maps(daemon):
    """Somebody puts a map of his own in the place of ours."""
    found = []
    for fd in os.listdir(f"/proc/{daemon.process.pid}/fdinfo"):
        with open(f"/proc/{daemon.process.pid}/fdinfo/{fd}", encoding="utf-8") as f:
            info = dict(line.split(":", 1) for line in f if ":" in line)
        if int(info.get("map_type", 0)) == 12:  # BPF_MAP_TYPE_ARRAY_OF_MAPS
            found.append(int(info["map_id"]))
    outer = min(found)
    with expect(daemon, "the map in use is taken away", "map", "replaced"):
        subprocess.run(["bpftool", "map", "delete", "id", str(outer), "key", "0", "0", "0", "0"], check=True)


def main():
    need_root()
    with Place() as place, Daemon(place) as daemon:
        daemon.start()
        time.sleep(2 * LOOK)
        tap.ok(not told(daemon), "nothing is told while nothing happens", *told(daemon))
        files(daemon)
        reload(daemon)
        hooks(daemon)
        maps(daemon)
        from_inside(daemon)
        time.sleep(LOOK + 2)
        tap.equal(daemon.stop(), 0, "it stops")
    tap.done()


main()
