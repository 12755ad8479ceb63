# SPDX-License-Identifier: GPL-3.0-or-later
if PLUGIN_MARIADB
pluginexec_LTLIBRARIES += plugins/mariadb.la
endif
plugins_mariadb_la_SOURCES = \
	plugins/mariadb/await.c plugins/mariadb/await.h plugins/mariadb/bulk.c plugins/mariadb/bulk.h plugins/mariadb/link.c plugins/mariadb/link.h \
	plugins/mariadb/mariadb.c plugins/mariadb/params.c plugins/mariadb/params.h \
	plugins/mariadb/reader.c plugins/mariadb/reader.h plugins/mariadb/schema.c plugins/mariadb/schema.h plugins/mariadb/store.c plugins/mariadb/store.h
plugins_mariadb_la_CPPFLAGS = $(AM_CPPFLAGS) $(MARIADB_PLUGIN_CFLAGS)
plugins_mariadb_la_LDFLAGS = $(plugin_ldflags)
plugins_mariadb_la_LIBADD = core/libpssql.la $(MARIADB_PLUGIN_LIBS)
