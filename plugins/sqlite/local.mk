# SPDX-License-Identifier: GPL-3.0-or-later
if PLUGIN_SQLITE
pluginexec_LTLIBRARIES += plugins/sqlite.la
endif
plugins_sqlite_la_SOURCES = \
	plugins/sqlite/bind.h plugins/sqlite/check.c plugins/sqlite/groups.c plugins/sqlite/groups.h plugins/sqlite/intern.c plugins/sqlite/intern.h plugins/sqlite/parts.c plugins/sqlite/parts.h plugins/sqlite/reader.c plugins/sqlite/reader.h plugins/sqlite/reader_inside.h \
	plugins/sqlite/retention.c plugins/sqlite/rollup.c plugins/sqlite/rollup.h plugins/sqlite/rollup_spans.c plugins/sqlite/schema.c plugins/sqlite/schema.h plugins/sqlite/sqlite.c \
	plugins/sqlite/store.c plugins/sqlite/store.h plugins/sqlite/walk.c plugins/sqlite/write.c
plugins_sqlite_la_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_PLUGIN_CFLAGS)
plugins_sqlite_la_LDFLAGS = $(plugin_ldflags)
plugins_sqlite_la_LIBADD = core/libpssql.la $(SQLITE_PLUGIN_LIBS)
