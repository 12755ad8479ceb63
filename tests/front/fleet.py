# SPDX-License-Identifier: GPL-3.0-or-later
"""Database servers of the test's own (tests/sinks) with the rows of machines called alpha, beta and gamma: what people look at."""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, os.pardir, "sinks"), os.path.join(HERE, os.pardir)]
import mariadb  # noqa: E402
import postgres_server  # noqa: E402

BUILD = os.path.abspath(os.environ.get("top_builddir") or os.getcwd())
SEED = os.path.join(BUILD, "tests/front/seed")
PLUGINS = os.path.join(BUILD, "plugins/.libs")
MACHINES = ("alpha", "beta", "gamma")


def seed(plugin, folder, now, first, n, *options):
    """The rows of n machines, from that number on."""
    subprocess.run([SEED, os.path.join(PLUGINS, plugin + ".so"), folder, str(now), "fleet", str(first), str(n), *options], check=True,
                   stdout=subprocess.DEVNULL, timeout=60)


class Fleet:
    """What the two kinds have in common; they say how a statement is run as administrator, and how a table is locked."""

    def __init__(self):
        self.start()
        self.make()
        self.now = int(time.time())
        self.holder = None

    def section(self, name="fleet", **more):
        """A [sink] to be asked, which nothing is written to."""
        return f"[sink {name}]\nplugin = {self.plugin}\nenabled = no\n" + "".join(
            f"{k} = {v}\n" for k, v in {**self.where, "password": "secret", **more}.items())

    def fill(self, first=0, n=len(MACHINES)):
        seed(self.plugin, "/tmp", self.now, first, n, *(f"{k}={v}" for k, v in {**self.where, "password": "secret"}.items()))

    def again(self):
        self.server.start()

    def stop(self):
        self.server.stop()

    def rename(self, table, to):
        self.server.rename(table, to)

    def lock(self):
        """Until unlock(), nobody else can read connections."""
        self.holder = subprocess.Popen(self.client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.holder.stdin.write(self.locking)
        self.holder.stdin.flush()
        while "locked" not in (line := self.holder.stdout.readline()):
            assert line, "the table cannot be locked"

    def unlock(self):
        self.holder.stdin.close()
        self.holder.wait(30)
        self.holder.stdout.close()
        self.holder = None


class Postgres(Fleet):
    plugin = "postgres"
    called = "PostgreSQL"
    locking = "BEGIN; LOCK TABLE connections IN ACCESS EXCLUSIVE MODE;\nSELECT 'locked';\n"

    @staticmethod
    def missing():
        return postgres_server.missing()

    def start(self):
        self.server = postgres_server.Server(settings=postgres_server.NO_SYNC, hba="local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self.where = {"host": "127.0.0.1", "port": self.server.port}
        self.client = [f"{self.server.bin}/psql", "-XAtq", "-d", self.server.conninfo()]

    def make(self):
        self.server.set_password("secret")
        self.server.give_schema(rights="INSERT, SELECT")

    def rights(self, given):
        """What the role may do."""
        self.server.sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM picosnitch; GRANT {given} ON ALL TABLES IN SCHEMA public TO picosnitch")


class MariaDB(Fleet):
    plugin = "mariadb"
    called = "MariaDB"
    locking = "LOCK TABLES connections WRITE;\nSELECT 'locked';\n"

    @staticmethod
    def missing():
        return mariadb.missing()

    def start(self):
        self.server = mariadb.Server().start()
        self.where = {"host": "127.0.0.1", "port": self.server.port}
        self.client = [mariadb.find("mariadb") or mariadb.find("mysql"), "--no-defaults", f"--socket={self.server.socket}", "--user=root", "--batch",
                       "--unbuffered", "--skip-column-names", "picosnitch"]

    def make(self):
        self.server.prepare("CREATE, INSERT, SELECT")

    def rights(self, given):
        self.server.sql(f"REVOKE ALL, GRANT OPTION FROM 'picosnitch'@'%'; GRANT {given} ON picosnitch.* TO 'picosnitch'@'%';")


def kinds():
    """Each kind, and why there can be none here, or None."""
    for kind in (Postgres, MariaDB):
        plugin = os.path.exists(os.path.join(PLUGINS, kind.plugin + ".so"))
        yield kind, kind.missing() if plugin else f"the plugin {kind.plugin} is left out of this build"
