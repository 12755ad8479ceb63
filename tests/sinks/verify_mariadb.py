#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an intruder may do to the tables of a MariaDB server, and whether it is named."""
import mariadb

mariadb.play("verify", "CREATE, INSERT, SELECT")
