#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The tables that an administrator is handed are those that the sink would make.
echo 1..1
if "$top_builddir/tests/sinks/postgres_schema" | diff - "$top_srcdir/etc/postgres.sql" >&2; then
	echo "ok 1 - etc/postgres.sql is what the plugin makes"
else
	echo "not ok 1 - etc/postgres.sql is what the plugin makes: tests/sinks/postgres_schema prints it"
fi
