#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of all sinks, against a MariaDB server whose defaults are hostile; the role has the rights that the
documentation names, and no others."""
import mariadb

mariadb.play("contract", "CREATE, INSERT")
