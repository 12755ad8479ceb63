#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Desktop users who come and go are told by the sink `notify`: the whole daemon, session buses of two real users, a notification
server that writes down what it is given, and dunst, a real one, under Xvfb. logind is imitated by its files, in a mount namespace.
"""
import ctypes
import json
import os
import pwd
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import tap  # noqa: E402
from harness import Daemon, Place, built, need_root, wait_for  # noqa: E402
from notify_server import Session  # noqa: E402

need_root()
USERS = [pwd.getpwnam(name) for name in ("games", "mail")]
# A message has five lines: those are for this test's programs, and not for what else begins to talk on this machine.
SINKS = """[sink sqlite]
[sink textlog]
enabled = no
[sink notify]
user = auto
coalesce = 1 s
mute = /usr/ /bin/ /sbin/ /lib/ /opt/ /root/ /home/ /snap/ /srv/
"""
LONG = 90  # seconds, for what comes within one or two on a machine that is not busy
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18


def private_run():
    """Nobody else's sessions: /run/user and logind's files are this test's own."""
    libc = ctypes.CDLL(None, use_errno=True)
    for call in (libc.unshare(CLONE_NEWNS), libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)):
        if call:
            tap.skip_all(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    for path in ("/run/user", "/run/systemd/sessions"):
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path], check=True)


def session(user, active=True, remote=False, kind="user"):
    """As logind writes it; None as `active`: it ends."""
    path = f"/run/systemd/sessions/c{user.pw_uid}"
    if active is None:
        os.unlink(path)
        return
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(f"# This is private data. Do not parse.\nUID={user.pw_uid}\nUSER={user.pw_name}\nACTIVE={int(active)}\nIS_DISPLAY=1\n"
                f"STATE={'active' if active else 'online'}\nREMOTE={int(remote)}\nTYPE=wayland\nCLASS={kind}\nSEAT=seat0\n")
    os.rename(path + ".new", path)


def runtime(user):
    path = f"/run/user/{user.pw_uid}"
    os.makedirs(path, mode=0o700, exist_ok=True)
    os.chown(path, user.pw_uid, user.pw_gid)
    return path


def sinks(daemon):
    return {sink["name"]: sink for sink in daemon.status()["sinks"]}


def state(daemon, name):
    """None: there is none of that name now."""
    return sinks(daemon).get(name, {}).get("state")


def processes_of(uid, program):
    """Processes of this user that run this program."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as f:
                fields = dict(line.split(":", 1) for line in f)
            if os.path.realpath(f"/proc/{pid}/exe") == program and fields["Uid"].split()[0] == str(uid):
                found.append(fields)
        except OSError:
            pass
    return found


def talk(place, n):
    path = place.copy("/bin/bash", f"new-program-{n}")
    subprocess.run([path, "-c", "echo x >/dev/udp/127.0.0.1/9"], check=False, stderr=subprocess.DEVNULL)
    return path


def told(bus, path):
    return any(path in call["body"] for call in bus.heard())


def main():
    private_run()
    first, second = USERS
    with Place() as place, Daemon(place, sinks=SINKS) as daemon:
        plugins = os.environ.get("PICOSNITCH_PLUGINS")
        shutil.copy(os.path.join(plugins, "notify.so") if plugins else built("plugins/notify.so"), place.file("plugins"))
        daemon.spawn()
        wait_for("daemon", lambda: daemon.status() and sinks(daemon)["sqlite"]["state"] == "ready", 240)

        path = talk(place, 1)
        kept = wait_for("kept", lambda: (s := sinks(daemon)["notify"])["why"].startswith("nobody is logged in: ")
                        and not s["why"].endswith(" 0 kept") and s, LONG)
        tap.equal((kept["state"], kept["pid"]), ("waiting", 0), f"nobody is there: {kept['why']}")
        tap.ok("nobody is logged in" in daemon.command("status").stdout, "`status` says it")
        tap.equal([p for u in USERS for p in processes_of(u.pw_uid, daemon.program)], [], "no process waits for anybody")

        with Session(first.pw_uid, runtime(first)) as one:
            one.start_server()
            session(first, active=False)
            time.sleep(3)
            tap.equal(one.heard(), [], "a session that is not in front is not told")
            session(first, remote=True)
            time.sleep(3)
            tap.equal(one.heard(), [], "nor is one over the network")
            session(first, kind="greeter")
            time.sleep(3)
            tap.equal(one.heard(), [], "nor is a greeter")
            session(first)
            wait_for("kept, told", lambda: told(one, path), LONG)
            tap.ok(True, "who comes is told what was kept")
            tap.equal({call["uid"] for call in one.heard()}, {first.pw_uid}, "by himself, as the bus sees it")
            host = processes_of(first.pw_uid, daemon.program)
            tap.ok(len(host) == 1 and set(host[0]["Uid"].split() + host[0]["Gid"].split()) == {str(first.pw_uid), str(first.pw_gid)}
                   and not host[0]["Groups"].split() and int(host[0]["CapPrm"], 16) == 0
                   and host[0]["NoNewPrivs"].strip() == "1", "in a process of his, that has no rights beyond", host)
            name = f"notify@{first.pw_name}"
            tap.ok("notify" not in sinks(daemon) and sinks(daemon)[name]["state"] == "ready", "status names it", sinks(daemon))

            with Session(second.pw_uid, runtime(second)) as two:
                two.start_server()
                session(second)
                wait_for("second", lambda: state(daemon, f"notify@{second.pw_name}") == "ready", LONG)
                tap.ok(not told(two, path), "a second user is not told again what the first was")
                start = time.monotonic()
                path = talk(place, 2)
                wait_for("both", lambda: told(one, path) and told(two, path), LONG)
                tap.ok(True, f"both are told of what is new ({time.monotonic() - start:.1f} s)")
                session(second, active=None)
                wait_for("gone", lambda: f"notify@{second.pw_name}" not in sinks(daemon), LONG)
                tap.equal(processes_of(second.pw_uid, daemon.program), [], "who leaves leaves no process")
                two.forget()
                path = talk(place, 3)
                wait_for("one", lambda: told(one, path), LONG)
                tap.ok(not told(two, path), "and is told no more")

            one.mode("slow")
            path = talk(place, 4)
            wait_for("away", lambda: state(daemon, name) == "away", LONG)
            tap.ok(True, "a server that hangs: the sink is away")
            one.mode()
            wait_for("back", lambda: told(one, path), LONG)
            tap.equal(len([c for c in one.heard() if path in c["body"] and not c["replaces"]]) <= 1, True, "told once, when it answers again")
            time.sleep(2)  # so that the next is no part of the last message
            one.stop_bus()
            path = talk(place, 5)
            wait_for("away", lambda: state(daemon, name) in ("away", "restarting"), LONG)
            one.stop_server()
            one.start_bus()
            one.start_server()
            wait_for("back", lambda: told(one, path), LONG)
            tap.ok(True, "a bus that dies and comes again: told then")
            session(first, active=None)
            wait_for("waiting", lambda: "notify" in sinks(daemon), LONG)
            tap.ok(state(daemon, "notify") == "waiting", "and when all have gone it waits again")

        losses = [loss for loss in daemon.losses() if loss.stage == "sink"]
        tap.equal(losses, [], "none of this is an alert")
        dunst(place, daemon, first)
        tap.equal(daemon.stop(), 0, "it stops")
    tap.done()


def dunst(place, daemon, user):
    """The real thing."""
    if not shutil.which("dunst") or not shutil.which("Xvfb"):
        tap.skip("a real notification server", "dunst and Xvfb are not installed")
        return
    hostile = talk(place, "<b>6&amp;")
    with Session(user.pw_uid, runtime(user)) as desk:
        # It chooses a display that is free, and says so when it listens.
        screen = desk.run("Xvfb", "-displayfd", "1", "-screen", "0", "800x600x8", "-nolisten", "tcp", stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
        desk.others.append(screen)
        display = f":{screen.stdout.readline().strip()}"
        desk.others.append(desk.run("dunst", env={"DISPLAY": display}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

        def dunstctl(*words):
            done = desk.run("dunstctl", *words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            return done.communicate(timeout=LONG)[0]

        wait_for("dunst", lambda: dunstctl("count", "displayed").strip() == "0", LONG)
        session(user)
        wait_for("shown", lambda: dunstctl("count", "displayed").strip() not in ("", "0"), LONG)
        time.sleep(3)
        dunstctl("close-all")
        history = json.loads(dunstctl("history"))["data"][0]
        session(user, active=None)
    bodies = [entry["body"]["data"] for entry in history]
    tap.ok(history and all(entry["appname"]["data"] == "picosnitch" for entry in history), f"dunst has shown {len(history)} messages",
           history)
    name = os.path.basename(hostile)
    tap.ok(any("&lt;b&gt;6&amp;amp;" in body for body in bodies), f"with {name} as text, not as markup", bodies)


main()
