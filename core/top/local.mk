# SPDX-License-Identifier: GPL-3.0-or-later
# libpstop: what is made of the live feed.
noinst_LTLIBRARIES += core/libpstop.la
core_libpstop_la_SOURCES = \
	core/top/feed_reader.c core/top/feed_reader.h core/top/feed_line.c core/top/feed_line.h core/top/flows.c core/top/flows.h core/top/listeners.c core/top/listeners.h core/top/model.c core/top/model.h \
	core/top/print.c core/top/print.h core/top/rows.h core/top/table.c core/top/table.h
core_libpstop_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
core_libpstop_la_LIBADD = core/libpsscreen.la core/libpsquery.la $(JANSSON_LIBS)

# `picosnitch top`; its screen needs ncurses.
pkglibexec_PROGRAMS += picosnitch-top
picosnitch_top_SOURCES = $(front_main) core/top/top.c core/top/top.h
picosnitch_top_CPPFLAGS = $(AM_CPPFLAGS) $(NCURSES_CFLAGS)
if SCREEN
picosnitch_top_SOURCES += $(screen_sources) core/top/keys.c core/top/paint.c core/top/screen.c core/top/screen.h
endif
picosnitch_top_LDADD = core/libpscli.la core/libpstop.la $(NCURSES_LIBS)
