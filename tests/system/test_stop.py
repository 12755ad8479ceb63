#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, stopping and reloading, by hand and by signal: nothing is lost, nobody else is hit."""
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Daemon, Place, Role, need_root, tap, wait_for  # noqa: E402

SEND = ["udp,127.0.0.1,0", "to,127.0.0.1,9", "send,sendto,100,100"]


def pidfile(daemon):
    return os.path.join(daemon.run, "picosnitch.pid")


def stop_at_once(daemon, place):
    """What was sent right before SIGTERM, in a window of an hour, is there."""
    daemon.start()
    path = place.traffic("last")
    for _ in range(20):
        Role(path, *SEND).result()
    tap.equal(daemon.stop(), 0, "SIGTERM: the exit status says success")
    tap.equal(sum(r.sent for r in daemon.rows() if r.exe.path == path), 2000, "the window that was open is stored")
    tap.ok(not os.path.exists(pidfile(daemon)), "the pid file is gone")
    left = [p for p in os.listdir("/proc") if p.isdigit() and runs(p, daemon.program)]
    tap.equal(left, [], "no process is left")
    tap.equal(daemon.losses(), [], "nothing is said to be lost")


def gap(daemon, place):
    """What was not watched between a stop and a start has a record, and is no loss; quiet or not."""
    path = place.traffic("between")
    stopped = time.time()
    Role(path, *SEND).result()
    time.sleep(1)
    daemon.start()
    started = time.time()
    tap.equal([loss for loss in daemon.status()["losses"] if loss["stage"] == "restart"], [], "a stop and a start lose nothing")
    ending = time.time()
    daemon.stop()
    ended = time.time()
    told = [loss for loss in daemon.losses() if loss.stage == "restart"]
    tap.ok(len(told) == 1 and not told[0].count and "was stopped" in told[0].text, "but are a record", *told)
    tap.ok(stopped - 10 < told[0].start <= stopped < told[0].end <= started,
           "from the last window's end to the start", told[0], stopped, started)
    tap.equal([r for r in daemon.rows() if r.exe.path == path], [], "what was sent then is not there")
    time.sleep(1)
    again = time.time()
    daemon.start()
    daemon.stop()
    told = [loss for loss in daemon.losses() if loss.stage == "restart"]
    # Whole seconds: the first gap's end and the second one's beginning may be the same.
    tap.ok(len(told) == 2 and told[0].end <= told[1].start and ending - 1 < told[1].start <= ended and
           again - 1 < told[1].end, "the next gap begins at that stop", *told, ending, ended, again)


def stop_in_a_drain(place):
    """Often a drain is under way when SIGTERM comes: what was sent behind its back is drained once more."""
    sent, ear = 0, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.bind(("127.0.0.1", 0))
    with Daemon(place, write_interval="1 h", drain_interval="50 ms") as daemon, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.connect(ear.getsockname())
        for i in range(30):
            daemon.start()
            for _ in range(10 + 2 * i):  # so that the stop meets the drain in every phase
                sent += mouth.send(b"x" * 10)
                time.sleep(0.001)
            sent += mouth.send(b"x" * 10)
            daemon.stop()
        stored = sum(r.sent for r in daemon.rows() if r.rport == ear.getsockname()[1])
    ear.close()
    tap.equal(stored, sent, "SIGTERM during a drain loses nothing, thirty times")


def runs(pid, program):
    try:
        return os.readlink(f"/proc/{pid}/exe") == program
    except OSError:
        return False


def by_hand(daemon):
    answer = daemon.command("status")
    tap.ok(answer.returncode != 0 and "not run" in answer.stdout + answer.stderr, "status: does not run", answer)
    tap.equal(json.loads(daemon.command("status", "--json").stdout or "{}").get("state"), "stopped", "the same as JSON")
    answer = daemon.command("stop")
    tap.ok(answer.returncode == 1 and "does not run" in answer.stderr, "stop: there is nothing to stop", answer)
    tap.equal(daemon.command("start").returncode, 0, "start")
    first = daemon.status()["pid"]
    answer = daemon.command("start")
    tap.ok(answer.returncode == 1 and f"runs already (pid {first})" in answer.stderr, "a second start is refused", answer)
    answer = daemon.command("run")
    tap.ok(answer.returncode == 1 and f"pid {first}" in answer.stderr, "in the foreground too", answer)
    answer = daemon.command("status")
    tap.ok(answer.returncode == 0 and all(w in answer.stdout for w in ("hooks", "sink sqlite", "losses", f"pid {first}")),
           "status: hooks, sinks, losses", answer)
    tap.equal(daemon.command("restart").returncode, 0, "restart")
    second = daemon.status()["pid"]
    tap.ok(second not in (0, first), "it is another process", first, second)
    tap.equal(daemon.command("stop").returncode, 0, "stop")
    tap.equal(daemon.status(), None, "it has stopped")
    tap.equal(daemon.command("nonsense").returncode, 2, "an unknown command: exit status 2")


def pid_files(daemon):
    """A pid file that names nobody, or somebody else, is no daemon."""
    with subprocess.Popen(["sleep", "600"]) as bystander:
        for what, text in (("nobody", "999999999"), ("another program", str(bystander.pid)), ("nothing", ""),
                           ("nonsense", "\0-1 all\n"), ("everybody", "-1"), ("init", "1")):
            with open(pidfile(daemon), "w", encoding="utf-8") as f:
                f.write(text)
            answer = daemon.command("stop")
            tap.ok(answer.returncode == 1 and "does not run" in answer.stderr, f"stop: the pid file names {what}", answer)
        tap.equal(bystander.poll(), None, "the other program was not hit")
        daemon.start()
        with open(pidfile(daemon), encoding="utf-8") as f:
            tap.equal(int(f.read()), daemon.process.pid, "start: the pid file is taken over")
        daemon.stop()
        bystander.kill()


def reload(daemon):
    daemon.start()
    pid = daemon.process.pid

    def sinks():
        return sorted(s["name"] for s in daemon.status()["sinks"] if s["state"] == "ready")
    tap.equal(sinks(), ["sqlite"], "one sink")
    daemon.sinks = "[sink sqlite]\n[sink textlog]\nenabled = yes\n"
    daemon.configure()
    os.kill(pid, signal.SIGHUP)
    tap.ok(wait_for("the second sink", lambda: sinks() == ["sqlite", "textlog"]), "SIGHUP: another sink is there")
    daemon.configure("[data]\nmode = rather\n[nonsense]\nkey = value\n")
    os.kill(pid, signal.SIGHUP)
    wait_for("message", lambda: "left as it is" in daemon.messages())
    tap.ok(wait_for("both sinks", lambda: sinks() == ["sqlite", "textlog"]), "SIGHUP: mistakes change nothing")
    tap.ok(f"{daemon.config}:" in daemon.messages() and "nonsense" in daemon.messages(), "but are told with their lines",
           daemon.messages())
    for command in ("check", "start", "run"):
        answer = daemon.command(command)
        tap.ok(answer.returncode == 1 and "rather" in answer.stderr and "nonsense" in answer.stderr,
               f"{command}: every mistake is told", answer)
    answer = daemon.command("restart")
    tap.ok(answer.returncode == 1 and daemon.status()["pid"] == pid, "restart: it goes on running", answer)
    tap.equal(daemon.stop(), 0, "it stops")
    daemon.configure()
    answer = daemon.command("check")
    tap.ok(answer.returncode == 0 and "no mistakes" in answer.stdout and "hooks" in answer.stdout, "check: all is well", answer)


def main():
    need_root()
    with Place() as place:
        stop_in_a_drain(place)
    with Place() as place, Daemon(place, write_interval="1 h") as daemon:
        stop_at_once(daemon, place)
        gap(daemon, place)
        by_hand(daemon)
        pid_files(daemon)
        reload(daemon)
    tap.done()


main()
