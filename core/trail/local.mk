# SPDX-License-Identifier: GPL-3.0-or-later
# libpstrail: a batch as the rows of a store, and the hash chain over them.
noinst_LTLIBRARIES += core/libpstrail.la
core_libpstrail_la_SOURCES = \
	core/trail/chain.c core/trail/chain.h core/trail/entries.c core/trail/entries.h core/trail/rows.c core/trail/rows.h core/trail/server.c core/trail/server.h core/trail/shape.c core/trail/shape.h \
	core/trail/verify.c core/trail/verify.h
core_libpstrail_la_LIBADD = core/libpssql.la
