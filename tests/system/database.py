# SPDX-License-Identifier: GPL-3.0-or-later
"""Database servers as a daemon's configuration has them: `section` is for the sink, whose role may insert, and for
[sink auditor], which is not enabled and may select."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sinks"))
import mariadb  # noqa: E402
import postgres_server  # noqa: E402

ROLES = """
[sink {name}]
enabled = yes
host = {host}
port = {port}
user = picosnitch
{password}
[sink auditor]
plugin = {name}
enabled = no
host = {host}
port = {port}
user = auditor
{password}
"""


class Postgres:
    name = "postgres"

    def __init__(self):
        self.server = postgres_server.Server()
        self.server.give_schema()
        self.server.sql("CREATE ROLE auditor LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor")
        self.section = ROLES.format(name=self.name, host=self.server.dir, port=self.server.port, password="")

    def sql(self, sql):
        return self.server.sql(sql)

    def stop(self):
        self.server.kill()

    def start(self):
        self.server.start()


class MariaDB:
    name = "mariadb"

    def __init__(self):
        self.server = mariadb.Server().start()
        self.server.prepare("CREATE, INSERT")
        self.server.prepare("SELECT", "auditor")
        self.section = ROLES.format(name=self.name, host="127.0.0.1", port=self.server.port, password="password = secret\n")

    def sql(self, sql):
        return "\n".join("|".join(row) for row in self.server.sql(sql, "picosnitch"))

    def stop(self):
        self.server.kill()

    def start(self):
        self.server.start()
