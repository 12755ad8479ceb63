# SPDX-License-Identifier: GPL-3.0-or-later
# libpsscreen: what the programs that fill a terminal have in common, but for the terminal.
noinst_LTLIBRARIES += core/libpsscreen.la
core_libpsscreen_la_SOURCES = \
	core/screen/cells.c core/screen/cells.h core/screen/help.c core/screen/help.h core/screen/press.h core/screen/typed.c core/screen/typed.h
core_libpsscreen_la_LIBADD = core/libpsquery.la

# And that, by ncurses.
screen_sources = core/screen/paint.c core/screen/paint.h core/screen/terminal.c core/screen/terminal.h
