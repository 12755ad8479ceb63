# SPDX-License-Identifier: GPL-3.0-or-later
if PLUGIN_POSTGRES
pluginexec_LTLIBRARIES += plugins/postgres.la
endif
plugins_postgres_la_SOURCES = \
	plugins/postgres/insert.c plugins/postgres/insert.h plugins/postgres/link.c plugins/postgres/link.h plugins/postgres/params.c plugins/postgres/params.h \
	plugins/postgres/postgres.c plugins/postgres/reader.c plugins/postgres/reader.h plugins/postgres/schema.c plugins/postgres/schema.h \
	plugins/postgres/store.c plugins/postgres/store.h plugins/postgres/tuples.c plugins/postgres/tuples.h
plugins_postgres_la_CPPFLAGS = $(AM_CPPFLAGS) $(POSTGRES_CFLAGS)
plugins_postgres_la_LDFLAGS = $(plugin_ldflags)
plugins_postgres_la_LIBADD = core/libpssql.la $(POSTGRES_LIBS)
