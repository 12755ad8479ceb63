#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A notification server that writes down each call, for the tests; and the session bus of a user, with whatever is to run on it.

  notify_server.py FOLDER    as the user, with DBUS_SESSION_BUS_ADDRESS

FOLDER/calls gets a line of JSON for each Notify; FOLDER/mode says what it does: words of `plain` (it reads no markup), `slow`
(it does not answer) and `refuse` (Notify is answered with an error).
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time


class Session:
    """The session bus of user `uid`, in a folder of his own; servers on it. Ended and removed at the end."""

    def __init__(self, uid, runtime=None):
        self.uid = uid if not os.geteuid() else None
        self.folder = tempfile.mkdtemp(prefix="picosnitch-bus.")
        self.runtime = runtime or self.folder
        os.chmod(self.folder, 0o755)
        self.calls = os.path.join(self.folder, "calls")
        for name in ("calls", "mode"):
            with open(os.path.join(self.folder, name), "w", encoding="ascii"):
                pass
        if self.uid is not None:
            for path in (self.folder, self.calls, self.runtime):
                os.chown(path, uid, uid)
        self.address = f"unix:path={self.runtime}/bus"
        self.bus = self.server = None
        self.others = []

    def __enter__(self):
        return self.start_bus()

    def __exit__(self, *_):
        for process in self.others:
            self.end(process, signal.SIGTERM)  # an X server removes what others would stumble over
        for process in (self.server, self.bus):
            self.end(process)
        subprocess.run(["rm", "-rf", self.folder], check=False)

    @staticmethod
    def end(process, how=signal.SIGKILL):
        if process and process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process and process.stdout:
            process.stdout.close()

    def run(self, *words, **popen):
        """Starts a program as the user, on his bus."""
        environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.address, "XDG_RUNTIME_DIR": self.runtime, "HOME": self.folder,
                       **popen.pop("env", {})}
        if self.uid is not None:
            popen.update(user=self.uid, group=self.uid, extra_groups=[])
        return subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, cwd="/", **popen)

    def copy(self, path):
        """Where the user can read it, whatever the folders above the build tree are like."""
        there = os.path.join(self.folder, os.path.basename(path))
        shutil.copyfile(path, there)
        os.chmod(there, 0o755)
        return there

    def wait(self, what, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(what)
            time.sleep(0.02)

    def start_bus(self):
        if os.path.exists(f"{self.runtime}/bus"):
            os.unlink(f"{self.runtime}/bus")
        self.bus = self.run("dbus-daemon", "--session", "--nofork", "--nosyslog", f"--address={self.address}",
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait("bus", lambda: os.path.exists(f"{self.runtime}/bus"))
        return self

    def stop_bus(self):
        self.end(self.bus)

    def start_server(self):
        ready = os.path.join(self.folder, "ready")
        if os.path.exists(ready):
            os.unlink(ready)
        # Debian's own Python has its D-Bus.
        self.server = self.run("/usr/bin/python3", self.copy(os.path.abspath(__file__)), self.folder)
        self.wait("server", lambda: os.path.exists(ready))

    def stop_server(self):
        self.end(self.server)

    def mode(self, *words):
        with open(os.path.join(self.folder, "mode"), "w", encoding="ascii") as f:
            f.write(" ".join(words))

    def heard(self):
        """What was notified, in order."""
        with open(self.calls, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def forget(self):
        with open(self.calls, "w", encoding="ascii"):
            pass


def serve(folder):
    import dbus
    import dbus.mainloop.glib
    import dbus.service
    from gi.repository import GLib

    name = "org.freedesktop.Notifications"

    def mode():
        with open(os.path.join(folder, "mode"), encoding="ascii") as f:
            return f.read().split()

    class Server(dbus.service.Object):
        last = 0

        @dbus.service.method(name, out_signature="as", async_callbacks=("reply", "fail"))
        def GetCapabilities(self, reply, fail):
            if "slow" not in mode():
                reply(["body", "actions", *([] if "plain" in mode() else ["body-markup"])])

        @dbus.service.method(name, in_signature="susssasa{sv}i", out_signature="u", sender_keyword="sender",
                             async_callbacks=("reply", "fail"))
        def Notify(self, app, replaces, icon, summary, body, actions, hints, expire, reply, fail, sender=None):
            if "refuse" in mode():
                fail(dbus.exceptions.DBusException("too many", name=name + ".Error.ExcessNotificationGeneration"))
                return
            if not replaces:
                Server.last += 1
            bus = dbus.SessionBus()
            uid = bus.call_blocking("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionUnixUser", "s", (sender,))
            call = {"at": time.monotonic(), "app": app, "replaces": int(replaces), "icon": icon, "summary": summary, "body": body,
                    "urgency": int(hints["urgency"]), "expire": int(expire), "uid": int(uid), "id": int(replaces or Server.last)}
            with open(os.path.join(folder, "calls"), "a", encoding="utf-8") as f:
                f.write(json.dumps(call) + "\n")
            reply(call["id"])

        @dbus.service.method(name, out_signature="ssss")
        def GetServerInformation(self):
            return "test", "picosnitch", "1", "1.2"

    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SessionBus()
    claimed = dbus.service.BusName(name, bus)
    server = Server(bus, "/org/freedesktop/Notifications")
    with open(os.path.join(folder, "ready"), "w", encoding="ascii"):
        pass
    GLib.MainLoop().run()
    del claimed, server


if __name__ == "__main__":
    serve(sys.argv[1])
