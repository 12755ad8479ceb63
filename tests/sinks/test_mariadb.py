#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MariaDB server that is stopped, killed, hung, cut off, full, or changed while rows flow: what was sent is
stored, and nothing twice."""
import os
import subprocess
import sys

import mariadb
import outage
import server_home
from outage import ROWS, check
from pump import Pump

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests"))
from tap import done, equal, ok, skip_all  # noqa: E402

PLUGIN = "mariadb"


def rights(server):
    server.reset()
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


def socket(server):
    server.reset()
    check(server, Pump(PLUGIN, server.arguments(host=server.socket), batches=3), 3, "Unix socket")


def full(_):
    outage.full(lambda disk: mariadb.Server("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", dir=disk).start(),
                150)


why = mariadb.missing()
if why:
    skip_all(why)
network = server_home.own_network()
main = mariadb.Server("--max-connections=200").start()
main.network = network
main.reset()
outage.run(main, rights, socket, outage.password, outage.restart, outage.hang, outage.cut, outage.orphan, outage.drop,
           outage.refuse, outage.schema, outage.hundred)
main.stop()
outage.run(None, full)
done()
