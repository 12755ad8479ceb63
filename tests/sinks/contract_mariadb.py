#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of all sinks, and what verify finds, on a MariaDB server whose defaults are hostile; the role has
the rights that the documentation names, and no others."""
import os
import subprocess
import sys

import mariadb

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests"))
import tap  # noqa: E402

program = os.path.basename(__file__).split("_")[0]
why = mariadb.missing()
if why:
    tap.skip_all(why)
server = mariadb.Server("--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE,NO_AUTO_VALUE_ON_ZERO",
                        "--completion-type=RELEASE", "--autocommit=0", "--max-error-count=0", "--default-time-zone=+05:30",
                        "--lower-case-table-names=1", "--character-set-server=latin1").start()
server.prepare("CREATE, INSERT")
os.environ["PS_TEST_SOCKET"] = server.socket
top = os.environ["top_builddir"]
result = subprocess.run([f"{top}/tests/sinks/{program}", f"{top}/plugins/.libs/mariadb.so", *server.arguments()], check=False)
server.stop()
sys.exit(result.returncode)
