#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MariaDB server gives the answers that SQLite gives."""
import mariadb

mariadb.play("answers", "CREATE, INSERT, SELECT", "sqlite")
