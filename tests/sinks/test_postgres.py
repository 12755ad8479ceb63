#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server that is stopped, killed, hung, cut off, full, or changed while rows flow: what was sent is
stored, and nothing twice."""
import os
import signal
import sys
import time

import outage
import server_home
from outage import ROWS, away, check, flow
from postgres_server import NO_SYNC, Server
from pump import Pump

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests"))
from tap import done, equal, ok  # noqa: E402

PLUGIN = "postgres"
# Whoever can use the socket is who he says; others need a password.
HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
PRIVILEGES = ("SELECT string_agg(DISTINCT privilege_type, ' ') FROM information_schema.table_privileges WHERE grantee ="
              " 'picosnitch'")


def wanted(pump):
    """The statements that the log has."""
    return [line.split(": ", 2)[2] for line in pump.lines if "to be run in database" in line]


def rights(server):
    server.reset("REVOKE CONNECT ON DATABASE picosnitch FROM PUBLIC")
    pump = Pump(PLUGIN, server.arguments(), batches=2, limit=1)
    pump.end()
    ok(any("permission denied for database" in line for line in pump.lines), "no right to the database: told", pump.text())

    server.sql("GRANT CONNECT ON DATABASE picosnitch TO picosnitch")
    pump = Pump(PLUGIN, server.arguments(), batches=2, limit=1)
    pump.end()
    statements = wanted(pump)
    ok(len(statements) > 15 and any("CREATE TABLE" in s for s in statements) and any("GRANT INSERT" in s for s in statements),
       "no tables, and no right to make them: the log has the statements", pump.text())
    equal(len(set(statements)), len(statements), "once")
    equal(server.number("SELECT count(*) FROM pg_class WHERE relname = 'connections'"), 0, "nothing is half made")
    server.sql("\n".join(statements))
    equal(server.sql(PRIVILEGES), "INSERT", "with them, the role may INSERT and nothing else")
    check(server, Pump(PLUGIN, server.arguments(), batches=3, rows=ROWS), 3, "INSERT alone")
    for statement in ("UPDATE connections SET send = 0", "DELETE FROM connections", "SELECT * FROM connections",
                      "DELETE FROM batches", "TRUNCATE batches", "DROP TABLE losses", "SELECT * FROM connections_flat",
                      "CREATE TABLE mine (n int)", "ALTER TABLE batches DROP COLUMN digest"):
        status, _, text = server.sql(statement, user="picosnitch", check=False)
        ok(status and ("denied" in text or "must be owner" in text), f"the role may not: {statement}", text)

    server.sql("REVOKE INSERT ON audit, losses FROM picosnitch")
    pump = Pump(PLUGIN, server.arguments(), batches=4, limit=10)
    away(pump, "a right is taken")
    equal(wanted(pump), ['GRANT INSERT ON losses, audit TO "picosnitch";'], "what it needs is told")
    server.sql(wanted(pump)[0])
    # The first three are there.
    check(server, pump, 4, "and given again")


def kill_one(server):
    """The server's own processes, one at a time: it ends all the others, and begins anew."""
    server.reset()
    pump = flow(server, 80)
    for _ in range(3):
        since = len(pump.lines)
        pids = server.sessions()
        ok(pids, "it has a session")
        server.signal(signal.SIGKILL, *pids[:1])
        # Either it was in a batch, or between two.
        server.until(lambda: set(server.sessions()) - set(pids), "it does not come back")
        pump.saw("stored", since=since, limit=1)
    check(server, pump, 80, "backend killed")

    server.reset()
    pump = flow(server, 80)
    server.kill(children=False)
    away(pump, "postmaster killed")
    server.start()
    check(server, pump, 80, "postmaster killed")

    server.reset()
    pump = flow(server, 80)
    server.stop(signal.SIGQUIT)
    away(pump, "stopped at once")
    server.start()
    check(server, pump, 80, "stopped at once")


def partitions(server):
    """By time, declared by whoever owns the tables; a row waits for its partition."""
    server.reset("")
    server.give_schema()
    day = 86400
    today = int(time.time()) // day * day
    server.sql("ALTER TABLE connections RENAME TO plain;"
               "CREATE TABLE connections (LIKE plain INCLUDING DEFAULTS) PARTITION BY RANGE (contime);"
               f"CREATE TABLE connections_1 PARTITION OF connections FOR VALUES FROM ({today}) TO ({today + 300});"
               "CREATE INDEX ON connections (contime); GRANT INSERT ON connections TO picosnitch;"
               "DROP VIEW connections_flat; DROP TABLE plain;"
               "ALTER TABLE executables RENAME TO plain;"
               "CREATE TABLE executables (LIKE plain INCLUDING ALL) PARTITION BY HASH (key);"
               "CREATE TABLE executables_0 PARTITION OF executables FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
               "CREATE TABLE executables_1 PARTITION OF executables FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
               "GRANT INSERT ON executables TO picosnitch; DROP TABLE plain")
    # Ten seconds a batch: 29 are before the end of the partition.
    pump = Pump(PLUGIN, server.arguments(), batches=40, rows=ROWS, start=today)
    ok(pump.saw("a partition for the time of the row has to be made"), "no partition: told", pump.text())
    away(pump, "no partition")
    equal(outage.stored(server), (29 * ROWS, 29 * ROWS), "what has one is stored")
    server.sql(f"CREATE TABLE connections_2 PARTITION OF connections FOR VALUES FROM ({today + 300}) TO ({today + 600})")
    check(server, pump, 40, "a partition is made")
    equal(server.number("SELECT count(*) FROM connections_2"), 11 * ROWS, "each in its own")
    # A clock that is wrong by years does not hold up the rest for ever.
    pump = Pump(PLUGIN, server.arguments(), batches=1, rows=3, host=2, start=4000000000)
    equal(pump.end()[:2], (0, 1), "a time that nobody makes a partition for: set aside", pump.text())


def own_tables(server):
    """Those that the role has made, it also repairs."""
    server.reset()
    pump = flow(server, 60)
    server.run("ALTER TABLE connections DROP COLUMN domain_rivals")
    check(server, pump, 60, "a column of its own table is gone")


def read_only(server):
    """Where nothing can be written to is away, and what was written to until now, too."""
    server.reset()
    pump = flow(server, 60)
    server.sql("ALTER DATABASE picosnitch SET default_transaction_read_only = on", dbname="postgres")
    server.disconnect()
    ok(pump.saw("read-only"), "read-only: told", pump.text())
    away(pump, "read-only")
    server.sql("ALTER DATABASE picosnitch RESET default_transaction_read_only", dbname="postgres")
    check(server, pump, 60, "read-only for a while")


def full(_):
    # All of it, where the log of what was written needs room, too; and the tables alone.
    settings = NO_SYNC + "max_wal_size = 64MB\nmin_wal_size = 32MB\n"
    outage.full(lambda disk: Server(settings, HBA, dir=disk), 160)

    def elsewhere(disk):
        server = Server(NO_SYNC, HBA)
        server.sql(f"CREATE TABLESPACE small LOCATION '{disk}'", dbname="postgres")
        server.sql("GRANT CREATE ON TABLESPACE small TO picosnitch", dbname="postgres")
        server.sql("ALTER SYSTEM SET default_tablespace = small", dbname="postgres")
        server.reload()
        return server

    outage.full(elsewhere, 40)


network = server_home.own_network()
main = Server(NO_SYNC, HBA)
main.network = network
outage.run(main, rights, outage.password, outage.restart, kill_one, outage.hang, outage.cut, outage.orphan, outage.drop,
           outage.refuse, outage.schema, own_tables, partitions, read_only, outage.hundred)
main.stop()
outage.run(None, full)
done()
