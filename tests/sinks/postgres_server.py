# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of a test's own: in a temporary folder, on a port of its own, as a user without privileges."""
import atexit
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, f"{HERE}/..")
import tap  # noqa: E402

TOP = os.environ.get("top_builddir", f"{HERE}/../../build")
PLUGIN = f"{os.environ.get('PICOSNITCH_PLUGINS', f'{TOP}/plugins/.libs')}/postgres.so"
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_permissions = 0777
max_connections = 250
shared_buffers = 64MB
max_wal_size = 4GB
wal_level = replica
max_wal_senders = 4
logging_collector = off
log_checkpoints = off
"""
_folders = []


def _remove():
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)


atexit.register(_remove)


def folder():
    """A folder that servers can use, removed at the end."""
    path = tempfile.mkdtemp(prefix="ps-pg-", dir="/tmp")
    _folders.append(path)
    os.chmod(path, 0o755)
    if os.geteuid() == 0:
        shutil.chown(path, "nobody", "nogroup")
    return path


def tools():
    """Where initdb and postgres are; the test is skipped if they are nowhere."""
    where = [os.path.dirname(shutil.which("initdb") or ""), *sorted(glob.glob("/usr/lib/postgresql/*/bin"))]
    where = [w for w in where if all(os.path.exists(f"{w}/{t}") for t in ("initdb", "postgres", "psql", "pg_isready"))]
    if not where:
        tap.skip_all("there is no PostgreSQL server here (Debian: postgresql)")
    return where[-1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def as_nobody():
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


class Server:
    """Started, with the database picosnitch and its role of that name, which owns nothing."""

    def __init__(self, settings="", hba="", data=None, init=True, start=True):
        self.bin = tools()
        self.dir = folder()
        self.data = data or f"{self.dir}/data"
        self.port = free_port()
        self.process = None
        if not init:
            return
        self._tool("initdb", "--no-sync", "-A", "trust", "-U", "admin", "-E", "UTF8", "--locale=C", self.data)
        self.write("postgresql.conf", SETTINGS + settings, append=True)
        if hba:
            self.write("pg_hba.conf", hba)
        if start:
            self.start()
            self.sql("CREATE ROLE picosnitch LOGIN", dbname="postgres")
            self.sql("CREATE DATABASE picosnitch", dbname="postgres")

    def _tool(self, name, *args):
        done = subprocess.run([f"{self.bin}/{name}", *args], cwd="/", capture_output=True, text=True, **as_nobody())
        if done.returncode:
            print(f"Bail out! {name}: {done.stdout} {done.stderr}")
            sys.exit(1)
        return done.stdout

    def write(self, name, text, append=False, mode=0o600):
        path = f"{self.data}/{name}"
        with open(path, "a" if append else "w", encoding="utf-8") as out:
            out.write(text)
        if os.geteuid() == 0:
            shutil.chown(path, "nobody", "nogroup")
        os.chmod(path, mode)

    def start(self, wait=True):
        with open(f"{self.dir}/log", "ab") as log:
            self.process = subprocess.Popen(
                [f"{self.bin}/postgres", "-D", self.data, "-p", str(self.port), "-k", self.dir], cwd="/",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **as_nobody())
        atexit.register(self.kill)
        if wait:
            self.wait()

    def wait(self, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            done = subprocess.run([f"{self.bin}/pg_isready", "-q", "-h", self.dir, "-p", str(self.port)], check=False)
            if done.returncode == 0:
                return
            time.sleep(0.05)
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as log:
            tap.note(log.read()[-2000:])
        print("Bail out! the server does not start")
        sys.exit(1)

    def stop(self, how=signal.SIGINT):
        """SIGINT: connections are ended; SIGQUIT: at once, as after a crash."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def kill(self):
        """The postmaster and all of its children, without a word."""
        if not self.process:
            return
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
                pids = [self.process.pid, *map(int, children.read().split())]
        except OSError:
            pids = [self.process.pid]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None
        # What the children held of shared memory goes with the next start; theirs is the lock until they are gone.
        time.sleep(0.3)

    def conninfo(self, user="admin", dbname="picosnitch"):
        return f"host={self.dir} port={self.port} user={user} dbname={dbname}"

    def sql(self, sql, user="admin", dbname="picosnitch", check=True):
        done = subprocess.run([f"{self.bin}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d",
                               self.conninfo(user, dbname), "-c", sql], capture_output=True, text=True, check=False)
        if done.returncode and check:
            print(f"Bail out! {sql}: {done.stderr}")
            sys.exit(1)
        return done.stdout.strip() if check else (done.returncode, done.stdout.strip(), done.stderr.strip())

    def number(self, sql):
        return int(self.sql(sql) or 0)

    def options(self, **more):
        """For a program that loads the plugin."""
        return [f"{k}={v}" for k, v in {"host": self.dir, "port": self.port, **more}.items()]

    def give_schema(self, user="admin", rights="INSERT"):
        """What an administrator does: the tables, and INSERT on them for the role, nothing else."""
        with open(f"{HERE}/../../etc/postgres.sql", encoding="utf-8") as f:
            self.sql(f.read(), user)
        self.sql(f"GRANT {rights} ON ALL TABLES IN SCHEMA public TO picosnitch; REVOKE INSERT ON connections_flat FROM"
                 " picosnitch")


def play(program, rights, *beside):
    """Ends with what tests/sinks/PROGRAM says of a server, and of the plugins beside it."""
    server = Server()
    server.give_schema(rights=rights)
    os.environ["EXPECT_POSTGRES"] = server.conninfo()
    plugins = [os.path.join(os.path.dirname(PLUGIN), f"{name}.so") for name in [*beside, "postgres"]]
    raise SystemExit(os.spawnv(os.P_WAIT, f"{TOP}/tests/sinks/{program}", [program, *plugins, *server.options()]))
