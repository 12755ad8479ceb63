#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of all sinks, against a real server, with a role that may insert and nothing else."""
import os

from postgres_server import PLUGIN, TOP, Server

server = Server()
server.give_schema()
os.environ["EXPECT_POSTGRES"] = server.conninfo()
status = os.spawnv(os.P_WAIT, f"{TOP}/tests/sinks/contract", ["contract", PLUGIN, *server.options()])
raise SystemExit(status)
