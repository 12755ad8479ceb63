#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an intruder may do to the tables of a PostgreSQL server, and whether it is named."""
import postgres_server

postgres_server.play("verify", "INSERT, SELECT")
