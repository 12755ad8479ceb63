#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of all sinks, against a PostgreSQL server, with a role that may insert and nothing else."""
import postgres_server

postgres_server.play("contract", "INSERT")
