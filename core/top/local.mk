# SPDX-License-Identifier: GPL-3.0-or-later
# libpstop: what `picosnitch top` makes of the live feed. The screen, which needs ncurses, is the program's.
noinst_LTLIBRARIES += core/libpstop.la
core_libpstop_la_SOURCES = \
	core/top/feed_reader.c core/top/feed_reader.h core/top/feed_line.c core/top/feed_line.h core/top/flows.c core/top/flows.h core/top/model.c core/top/model.h \
	core/top/print.c core/top/print.h core/top/rows.h core/top/table.c core/top/table.h
core_libpstop_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
core_libpstop_la_LIBADD = core/libpsquery.la $(JANSSON_LIBS)
