# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of a test's own: in a temporary folder, on a port of its own, as a user without privileges."""
import atexit
import glob
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, f"{HERE}/..")
import server_home  # noqa: E402
import tap  # noqa: E402
from server_home import free_port, who  # noqa: E402

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
# Where processes are killed, and never the machine: nothing has to reach the disk, which is what takes the time.
NO_SYNC = "fsync = off\n"


def folder():
    """A folder that servers can use, removed at the end."""
    return server_home.folder("ps-pg-")


def _bin():
    """Where initdb and postgres are, or None."""
    where = [os.path.dirname(shutil.which("initdb") or ""), *sorted(glob.glob("/usr/lib/postgresql/*/bin"))]
    where = [w for w in where if all(os.path.exists(f"{w}/{t}") for t in ("initdb", "postgres", "psql", "pg_isready"))]
    return where[-1] if where else None


def missing():
    """Why there can be no server here, or None."""
    return None if _bin() else "there is no PostgreSQL server here (Debian: postgresql)"


def tools():
    """Where initdb and postgres are; the test is skipped if they are nowhere."""
    if missing():
        tap.skip_all(missing())
    return _bin()


def _gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class Server:
    """Started, with the database picosnitch and its role of that name, which owns nothing. Has what
    tests/sinks/outage.py asks for."""
    plugin, row, key = "postgres", "row", "key"
    words = b"BEGIN", b"COMMIT"
    network = False

    def __init__(self, settings="", hba="", data=None, init=True, start=True, dir=None):
        self.bin = tools()
        self.dir = dir or folder()
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
        done = subprocess.run([f"{self.bin}/{name}", *args], cwd="/", capture_output=True, text=True, **who())
        if done.returncode:
            print(f"Bail out! {name}: {done.stdout} {done.stderr}")
            sys.exit(1)
        return done.stdout

    def write(self, name, text, append=False, mode=0o600):
        path = f"{self.data}/{name}"
        with open(path, "a" if append else "w", encoding="utf-8") as out:
            out.write(text)
        server_home.give(path)
        os.chmod(path, mode)

    def start(self, *options, wait=True):
        with open(f"{self.dir}/log", "ab") as log:
            self.process = subprocess.Popen(
                [f"{self.bin}/postgres", "-D", self.data, "-p", str(self.port), "-k", self.dir, *options], cwd="/",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **who())
        atexit.register(self.kill)
        if wait:
            self.wait()

    def until(self, condition, what, seconds=60):
        """The test ends here if that does not come."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if condition():
                return
            time.sleep(0.05)
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as log:
            tap.note(log.read()[-2000:])
        print(f"Bail out! {what}")
        sys.exit(1)

    def is_ready(self):
        return subprocess.run([f"{self.bin}/pg_isready", "-q", "-h", self.dir, "-p", str(self.port)],
                              check=False).returncode == 0

    def wait(self, seconds=60):
        self.until(self.is_ready, "the server does not start", seconds)

    def stop(self, how=signal.SIGINT):
        """SIGINT: connections are ended; SIGQUIT: at once, as after a crash."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def processes(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
                return [self.process.pid, *map(int, children.read().split())]
        except OSError:
            return [self.process.pid]

    @staticmethod
    def signal(number, *pids):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self, children=True):
        """The postmaster and all of its children, without a word; or it alone, and its children see that."""
        if not self.process:
            return
        self.freeze()  # so that none is made meanwhile
        pids = self.processes()
        self.signal(signal.SIGKILL, pids[0])
        self.process.wait()
        self.process = None
        self.signal(signal.SIGKILL if children else signal.SIGCONT, *pids[1:])
        # What the children hold of shared memory, nobody else can use.
        self.until(lambda: all(map(_gone, pids)), "the server's processes do not end")

    def freeze(self):
        self.signal(signal.SIGSTOP, self.process.pid)
        self.signal(signal.SIGSTOP, *self.processes())

    def thaw(self):
        self.signal(signal.SIGCONT, *self.processes())

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

    def arguments(self, **more):
        """The same, over TCP and with the role's password."""
        return self.options(**{"host": "127.0.0.1", "password": "secret"} | more)

    def run(self, sql):
        self.sql(sql)

    def rename(self, table, to):
        self.sql(f"ALTER TABLE {table} RENAME TO {to}")

    def refuse_ports(self, *ports):
        self.sql("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.lport IN"
                 f" ({', '.join(map(str, ports))}) THEN RAISE 'not that one'; END IF; RETURN NEW; END $$;"
                 "CREATE TRIGGER no BEFORE INSERT ON connections FOR EACH ROW EXECUTE FUNCTION no()")

    def reload(self):
        """Its settings, and who may connect how."""
        before = self.sql("SELECT pg_conf_load_time()", dbname="postgres")
        self.sql("SELECT pg_reload_conf()", dbname="postgres")
        self.until(lambda: self.sql("SELECT pg_conf_load_time()", dbname="postgres") != before, "nothing is reloaded")

    def set_password(self, password):
        self.sql(f"ALTER ROLE picosnitch PASSWORD '{password}'", dbname="postgres")

    def sessions(self):
        """Processes that serve the role; none while the server is not there."""
        _, pids, _ = self.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'picosnitch'", check=False)
        return [int(pid) for pid in pids.split()]

    def disconnect(self):
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'picosnitch'")

    def reset(self, rights="GRANT CREATE ON SCHEMA public TO picosnitch"):
        self.sql("DROP DATABASE IF EXISTS picosnitch WITH (FORCE)", dbname="postgres")
        self.sql("CREATE DATABASE picosnitch", dbname="postgres")
        self.set_password("secret")
        self.sql(rights)

    def make_tables(self):
        self.give_schema()

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
