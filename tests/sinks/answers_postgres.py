#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server gives the answers that SQLite gives."""
import postgres_server

postgres_server.play("answers", "INSERT, SELECT", "sqlite")
