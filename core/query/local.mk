# SPDX-License-Identifier: GPL-3.0-or-later
# libpssql: what stores have in common, for their plugins: words, tables, the hash chain, questions as SQL.
noinst_LTLIBRARIES += core/libpssql.la
core_libpssql_la_SOURCES = \
	core/query/chain.c core/query/chain.h core/query/deposit.c core/query/deposit.h core/query/entries.c core/query/entries.h core/query/names.c core/query/names.h \
	core/query/relation.c core/query/relation.h core/query/rows.c core/query/rows.h core/query/server.c core/query/server.h core/query/shape.c core/query/shape.h \
	core/query/source.c core/query/source.h core/query/source_walk.c \
	core/query/sql.c core/query/sql.h core/query/sql_tables.c core/query/sql_where.c core/query/sql_where.h
core_libpssql_la_LIBADD = core/libpsbase.la

# libpsquery: with that, questions and answers on a command line: for the program.
noinst_LTLIBRARIES += core/libpsquery.la
core_libpsquery_la_SOURCES = \
	core/query/ask.c core/query/ask.h core/query/audit_rows.c core/query/audit_rows.h core/query/event_rows.c core/query/event_rows.h core/query/growth.c core/query/growth.h core/query/output.c core/query/output.h core/query/range.c core/query/range.h \
	core/query/special.c core/query/special.h \
	core/query/table_text.c core/query/table_text.h core/query/value_word.c core/query/value_word.h core/query/verify.c core/query/verify.h core/query/when.c core/query/when.h
core_libpsquery_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
core_libpsquery_la_LIBADD = core/libpssql.la $(JANSSON_LIBS)

# libpsgeoip: countries, for programs of their own that ask.
noinst_LTLIBRARIES += core/libpsgeoip.la
core_libpsgeoip_la_SOURCES = core/geoip/wanted.c core/geoip/wanted.h core/query/country.c core/query/country.h core/query/fold.c core/query/fold.h
core_libpsgeoip_la_CPPFLAGS = $(AM_CPPFLAGS) $(MAXMINDDB_CFLAGS)
core_libpsgeoip_la_LIBADD = core/libpsquery.la core/libpsconfig.la $(MAXMINDDB_LIBS)
