#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MariaDB server that is stopped, killed, hung, cut off, full, or changed while rows flow: what was sent is
stored, and nothing twice."""
import os
import signal
import subprocess
import sys
import time

import mariadb
from pump import Proxy, Pump

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests"))
from tap import done, equal, note, ok, skip, skip_all  # noqa: E402

ROWS = 50
PLUGIN = "mariadb"


def reset(server):
    server.sql("DROP DATABASE IF EXISTS picosnitch")
    server.prepare("CREATE, INSERT")


def stored(server):
    """Rows, and how many of them are there once."""
    return (server.number("SELECT count(*) FROM connections"),
            server.number("SELECT count(*) FROM (SELECT DISTINCT batch, `row` FROM connections) d"))


def check(server, pump, batches, what, rejected=0, refused=0):
    end = pump.end()
    equal(end[:2], (batches - rejected, rejected), f"{what}: every batch is stored", pump.text())
    equal(stored(server), (batches * ROWS - refused, batches * ROWS - refused),
          f"{what}: {batches * ROWS} rows sent, {refused or 'none'} set aside, the rest stored, none twice")
    equal(server.number("SELECT count(*) FROM batches"), batches, f"{what}: the ledger has them all")
    return end


def test_rights(server):
    reset(server)
    server.sql("CREATE OR REPLACE USER 'picosnitch'@'%' IDENTIFIED BY 'secret'")
    pump = Pump(PLUGIN, server.arguments(), batches=2, limit=3)
    pump.end()
    ok(any("Access denied" in line for line in pump.lines), "no right to the database: told", pump.text())

    server.sql("GRANT SELECT ON picosnitch.* TO 'picosnitch'@'%'")
    pump = Pump(PLUGIN, server.arguments(), batches=2, limit=2)
    pump.end()
    wanted = [line.split(": ", 2)[2] for line in pump.lines if "to be run in database" in line]
    ok(len(wanted) > 15 and any("CREATE TABLE" in w for w in wanted) and any("GRANT INSERT" in w for w in wanted),
       "no tables, and no right to make them: the log has the statements", pump.text())
    equal(len(set(wanted)), len(wanted), "once")
    server.sql("REVOKE ALL ON picosnitch.* FROM 'picosnitch'@'%'; GRANT USAGE ON picosnitch.* TO 'picosnitch'@'%'")
    server.sql("\n".join(wanted), "picosnitch")
    equal(server.sql("SELECT DISTINCT privilege_type FROM information_schema.table_privileges WHERE grantee LIKE"
                     " '%picosnitch%' UNION SELECT privilege_type FROM information_schema.schema_privileges WHERE"
                     " grantee LIKE '%picosnitch%'"), [["INSERT"]], "with them, the role may INSERT and nothing else")
    check(server, Pump(PLUGIN, server.arguments(), batches=3, rows=ROWS), 3, "INSERT alone")
    for statement in ("UPDATE connections SET send = 0", "DELETE FROM connections", "SELECT * FROM connections",
                      "DELETE FROM batches", "DROP TABLE losses"):
        result = subprocess.run([mariadb.find("mariadb"), "--no-defaults", "-h127.0.0.1", f"-P{server.port}", "-upicosnitch",
                                 "-psecret", "picosnitch", "-e", statement], capture_output=True, text=True, check=False)
        ok("denied" in result.stderr, f"the role may not: {statement}", result.stderr)


def test_socket(server):
    reset(server)
    options = server.arguments(host=server.socket)
    check(server, Pump(PLUGIN, options, batches=3), 3, "Unix socket")


def test_password(server):
    reset(server)
    path = os.path.join(server.dir, "password")
    with open(path, "w", encoding="ascii") as f:
        f.write("secret\n")
    os.chmod(path, 0o640)
    pump = Pump(PLUGIN, server.arguments(password="") + [f"password_file={path}"], batches=60)
    ok(pump.saw("stored"), "password from a file")
    server.sql("SET PASSWORD FOR 'picosnitch'@'%' = PASSWORD('another')")
    for (number,) in server.sql("SELECT id FROM information_schema.processlist WHERE user = 'picosnitch'"):
        server.sql(f"KILL {number}")
    ok(pump.saw("away"), "the password is changed: away", pump.text())
    with open(path, "w", encoding="ascii") as f:
        f.write("another\n")
    check(server, pump, 60, "password changed")
    ok(not any("another" in line or "secret" in line for line in pump.lines), "no password is told")
    os.chmod(path, 0o644)
    pump = Pump(PLUGIN, server.arguments(password="") + [f"password_file={path}"], batches=1, limit=1)
    pump.end()
    ok(any("others may not read" in line for line in pump.lines), "a password that all can read is refused", pump.text())


def test_restart(server):
    for what, act in (("stopped", server.stop), ("killed", server.kill)):
        reset(server)
        pump = Pump(PLUGIN, server.arguments(), batches=200, pause=10)
        ok(pump.saw("stored"), "rows flow")
        act()
        ok(pump.saw("away"), f"{what}: away", pump.text())
        time.sleep(1)
        server.start()
        check(server, pump, 200, what)


def test_hang(server):
    reset(server)
    pump = Pump(PLUGIN, server.arguments(answer_timeout="2 s", connect_timeout="2 s"), batches=100, pause=10)
    ok(pump.saw("stored"), "rows flow")
    server.signal(signal.SIGSTOP)
    ok(pump.saw("away", limit=20), "a server that hangs is away", pump.text())
    server.signal(signal.SIGCONT)
    check(server, pump, 100, "hung")


def test_cut(server):
    reset(server)
    proxy = Proxy(("127.0.0.1", server.port))
    pump = Pump(PLUGIN, server.arguments(port=proxy.port), batches=120, pause=10)
    ok(pump.saw("stored"), "rows flow")
    for word in [b"COMMIT"] * 8 + [b"START TRANSACTION"] * 2:
        proxy.cut(word)
        end = time.monotonic() + 10
        while proxy.word and time.monotonic() < end:
            time.sleep(0.02)
    check(server, pump, 120, "cut between COMMIT and its answer")
    ok(proxy.cuts == 10, f"cut {proxy.cuts} times")


def test_refused(server):
    reset(server)
    Pump(PLUGIN, server.arguments(), batches=1, rows=1, host=9).end()
    server.sql("DELETE FROM connections; DELETE FROM batches;"
               "ALTER TABLE connections ADD CONSTRAINT lucky CHECK (lport <> 32775)", "picosnitch")
    pump = Pump(PLUGIN, server.arguments(), batches=3)
    check(server, pump, 3, "a CHECK", rejected=3, refused=3)
    ok("row 8 of connections: " in pump.lines[-1] and "lucky" in pump.lines[-1], "the row is named, and what the server said",
       pump.lines[-1])
    equal(server.sql("SELECT DISTINCT set_aside FROM batches", "picosnitch"), [["1"]], "the ledger says so")

    reset(server)
    Pump(PLUGIN, server.arguments(), batches=1, rows=1, host=9).end()
    server.sql("DELETE FROM connections; DELETE FROM batches;\nDELIMITER //\n"
               "CREATE TRIGGER no BEFORE INSERT ON connections FOR EACH ROW BEGIN IF NEW.lport IN (32770, 32771) THEN"
               " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not that one'; END IF; END//\n", "picosnitch")
    pump = Pump(PLUGIN, server.arguments(), batches=2)
    check(server, pump, 2, "a trigger", rejected=2, refused=4)
    ok("not that one" in pump.lines[-1], "the trigger's message is told", pump.lines[-1])

    reset(server)
    Pump(PLUGIN, server.arguments(), batches=1, rows=1, host=9).end()
    server.sql("DELETE FROM connections; DELETE FROM batches; DELETE FROM executables WHERE exe <> '';"
               "ALTER TABLE executables ADD CONSTRAINT narrow CHECK (exe <> '/usr/bin/program-1')", "picosnitch")
    pump = Pump(PLUGIN, server.arguments(), batches=1)
    # Every third row is of that program.
    check(server, pump, 1, "an executable that is refused", rejected=1, refused=17)
    ok("executables" in pump.lines[-1] and "narrow" in pump.lines[-1], "and named", pump.lines[-1])
    equal(server.number("SELECT count(*) FROM connections c LEFT JOIN executables e ON e.`key` = c.exe_id WHERE e.exe IS"
                        " NULL"), 0, "no row refers to what is not there: IGNORE hides nothing")


def test_schema(server):
    reset(server)
    pump = Pump(PLUGIN, server.arguments(), batches=150, pause=10)
    ok(pump.saw("stored"), "rows flow")
    server.sql("ALTER TABLE connections ADD COLUMN note VARCHAR(20) DEFAULT 'x'", "picosnitch")
    time.sleep(0.3)
    server.sql("RENAME TABLE audit TO audit_old", "picosnitch")
    time.sleep(0.3)
    server.sql("ALTER TABLE connections DROP COLUMN domain_rivals", "picosnitch")
    ok(pump.saw("connections.domain_rivals"), "a column is gone: told which", pump.text())
    server.sql("ALTER TABLE connections ADD COLUMN domain_rivals BIGINT NOT NULL DEFAULT 0", "picosnitch")
    check(server, pump, 150, "schema changed under us")

    reset(server)
    server.sql("CREATE TABLE connections (contime DATETIME NOT NULL)", "picosnitch")
    pump = Pump(PLUGIN, server.arguments(), batches=1, limit=1)
    pump.end()
    ok(any("contime is of type datetime" in line for line in pump.lines), "another's table is left alone", pump.text())


def test_full():
    folder = mariadb.folder()
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m,mode=777", "none", folder],
                                     check=False).returncode:
        skip("a full disk", "nothing can be mounted here")
        return
    try:
        server = mariadb.Server("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", dir=folder).start()
        reset(server)
        pump = Pump(PLUGIN, server.arguments(), batches=40, pause=20, limit=120)
        ok(pump.saw("stored"), "rows flow")
        room = os.statvfs(folder)
        with open(os.path.join(folder, "ballast"), "wb") as f:
            try:
                while True:
                    f.write(bytes(1 << 20))
            except OSError:
                pass
        note(f"{room.f_bavail * room.f_bsize >> 20} MiB were free")
        big = Pump(PLUGIN, server.arguments(), batches=3, rows=20000, host=2, limit=120)
        ok(big.saw("away", limit=60), "a disk that is full: away", big.text())
        os.unlink(os.path.join(folder, "ballast"))
        equal(big.end()[:2], (3, 0), "with room again: stored", big.text())
        equal(pump.end()[:2], (40, 0), "as are the others", pump.text())
        total = 3 * 20000 + 40 * ROWS
        equal(stored(server), (total, total), f"full disk: {total} rows sent, as many stored, none twice")
        server.kill()
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def test_hundred(server):
    reset(server)
    pumps = [Pump(PLUGIN, server.arguments(), batches=5, rows=ROWS, host=100 + i, pause=5, limit=120) for i in range(100)]
    ends = [p.end()[:2] for p in pumps]
    equal([e for e in ends if e != (5, 0)], [], "100 hosts at once: every batch is stored")
    equal(stored(server), (500 * ROWS, 500 * ROWS), f"{500 * ROWS} rows sent, as many stored, none twice")
    equal(server.number("SELECT count(DISTINCT host) FROM connections"), 100, "each under its name")


why = mariadb.missing()
if why:
    skip_all(why)
main = mariadb.Server("--max-connections=200").start()
reset(main)
for test in [test_rights, test_socket, test_password, test_restart, test_hang, test_cut, test_refused, test_schema, test_hundred]:
    if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
        start = time.monotonic()
        test(main)
        note(f"{test.__name__}: {time.monotonic() - start:.1f} s")
main.stop()
if len(sys.argv) < 2 or "test_full" in sys.argv[1:]:
    test_full()
done()
