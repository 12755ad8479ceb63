# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB servers for the tests: each in a folder of its own, on a socket and a port of 127.0.0.1, run by a
user without rights, and ended with the test."""
import atexit
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

SHARE = "/usr/share/mysql"
TABLES = ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"]

_template = None


def find(program):
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin:/usr/local/sbin:/usr/libexec")


def missing():
    """Why there can be no server here, or None."""
    for names in [("mariadbd", "mysqld"), ("mariadb", "mysql")]:
        if not any(find(n) for n in names):
            return f"{names[0]} is not installed (Debian: mariadb-server-core, mariadb-client-core)"
    if not os.path.exists(os.path.join(SHARE, TABLES[0])):
        return f"{SHARE}/{TABLES[0]} is not there"
    return None


def folder():
    return server_home.folder("ps-maria-")


def daemon():
    return find("mariadbd") or find("mysqld")


def template():
    """A folder with the system's tables, made once."""
    global _template
    if _template:
        return _template
    where = folder()
    path = os.path.join(where, "data")
    text = "CREATE DATABASE mysql;\nUSE mysql;\n"
    for name in TABLES:
        with open(os.path.join(SHARE, name), encoding="utf-8") as f:
            text += f.read() + "\n"
    # Whoever can use the socket may do everything; and so may root with an empty password.
    text = text.replace("@skip_auth_anonymous", "1").replace("@auth_root_socket", "NULL")
    subprocess.run(["mkdir", path], check=True, **who())
    subprocess.run([daemon(), "--no-defaults", "--bootstrap", f"--datadir={path}", f"--tmpdir={where}",
                    "--default-storage-engine=Aria", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M"],
                   input=text.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, **who())
    _template = path
    return path


class Server:
    """Members that tests/sinks/outage.py asks for, too."""
    plugin, row, key = "mariadb", "`row`", "`key`"
    words = b"START TRANSACTION", b"COMMIT"
    network = False

    def __init__(self, *options, data=None, port=None, dir=None):
        self.dir = dir or folder()
        self.data = os.path.join(self.dir, "data")
        self.socket = os.path.join(self.dir, "socket")
        self.log = os.path.join(self.dir, "log")
        self.port = port or free_port()
        self.options = list(options)
        self.process = None
        if not os.path.exists(self.data):
            subprocess.run(["cp", "-r", data or template(), self.data], check=True, **who())
        atexit.register(self.kill)

    def launch(self, *more):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [daemon(), "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}",
                 "--bind-address=127.0.0.1", f"--tmpdir={self.dir}", "--skip-name-resolve", "--performance-schema=OFF",
                 "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=64M", f"--pid-file={self.dir}/pid",
                 *self.options, *more], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **who())

    def start(self, *more, wait=60):
        self.launch(*more)
        return self.wait(wait)

    def wait(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                self.sql("SELECT 1")
                return self
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        with open(self.log, encoding="utf-8", errors="replace") as f:
            raise RuntimeError("the server does not start:\n" + "".join(f.readlines()[-20:]))

    def stop(self, limit=60):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(limit)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def sql(self, text, database=""):
        """Rows as lists of texts; as root."""
        out = subprocess.run([find("mariadb") or find("mysql"), "--no-defaults", f"--socket={self.socket}", "--user=root",
                              "--batch", "--raw", "--skip-column-names", "--connect-timeout=10", database],
                             input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout
        return [line.split("\t") for line in out.decode(errors="replace").splitlines()]

    def number(self, text, database="picosnitch"):
        return int(self.sql(text, database)[0][0])

    def run(self, text):
        self.sql(text, "picosnitch")

    def rename(self, table, to):
        self.run(f"RENAME TABLE {table} TO {to}")

    def refuse_ports(self, *ports):
        self.run("DELIMITER //\nCREATE TRIGGER no BEFORE INSERT ON connections FOR EACH ROW BEGIN IF NEW.lport IN"
                 f" ({', '.join(map(str, ports))}) THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not that one';"
                 " END IF; END//\n")

    def set_password(self, password):
        self.sql(f"SET PASSWORD FOR 'picosnitch'@'%' = PASSWORD('{password}')")

    def disconnect(self):
        for (number,) in self.sql("SELECT id FROM information_schema.processlist WHERE user = 'picosnitch'"):
            self.sql(f"KILL {number}")

    def reset(self):
        self.sql("DROP DATABASE IF EXISTS picosnitch")
        self.prepare("CREATE, INSERT")

    def make_tables(self):
        """The role makes them: they are nobody's here."""

    def prepare(self, rights="ALL", user="picosnitch", password="secret"):
        self.sql(f"CREATE DATABASE IF NOT EXISTS picosnitch; CREATE OR REPLACE USER '{user}'@'%' IDENTIFIED BY '{password}';"
                 f"GRANT {rights} ON picosnitch.* TO '{user}'@'%';")
        return self

    def arguments(self, **more):
        """Options of the plugin that lead to this server."""
        options = {"host": "127.0.0.1", "port": self.port, "password": "secret"} | more
        return [f"{key}={value}" for key, value in options.items()]


def play(program, rights, *beside):
    """Ends with what tests/sinks/PROGRAM says of a server whose defaults are hostile, and of the plugins beside it."""
    why = missing()
    if why:
        tap.skip_all(why)
    server = Server("--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE,NO_AUTO_VALUE_ON_ZERO",
                    "--completion-type=RELEASE", "--autocommit=0", "--max-error-count=0", "--default-time-zone=+05:30",
                    "--lower-case-table-names=1", "--character-set-server=latin1").start()
    server.prepare(rights)
    os.environ["PS_TEST_SOCKET"] = server.socket
    top = os.environ["top_builddir"]
    plugins = [f"{top}/plugins/.libs/{name}.so" for name in [*beside, "mariadb"]]
    status = subprocess.run([f"{top}/tests/sinks/{program}", *plugins, *server.arguments()], check=False).returncode
    server.stop()
    sys.exit(status)
