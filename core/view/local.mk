# SPDX-License-Identifier: GPL-3.0-or-later
# libpsview: what is made of keys and answers.
noinst_LTLIBRARIES += core/libpsview.la
core_libpsview_la_SOURCES = \
	core/view/dims.c core/view/dims.h core/view/help.c core/view/job.c core/view/job.h core/view/lines.c core/view/lines.h core/view/lines_head.c core/view/lines_inside.h \
	core/view/model.c core/view/model.h core/view/model_keys.c core/view/rows.h core/view/shown.c core/view/shown.h
core_libpsview_la_LIBADD = core/libpsscreen.la core/libpsquery.la

# `picosnitch view` is all screen.
if SCREEN
pkglibexec_PROGRAMS += picosnitch-view
endif
picosnitch_view_SOURCES = $(front_main) $(screen_sources) \
	core/view/asker.c core/view/asker.h core/view/paint.c core/view/screen.c core/view/screen.h core/view/view.c
picosnitch_view_CPPFLAGS = $(AM_CPPFLAGS) $(NCURSES_CFLAGS)
picosnitch_view_LDADD = core/libpscli.la core/libpsgeoip.la core/libpsview.la $(NCURSES_LIBS)
