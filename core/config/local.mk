# SPDX-License-Identifier: GPL-3.0-or-later
# libpsconfig: the INI file, typed.
noinst_LTLIBRARIES += core/libpsconfig.la
core_libpsconfig_la_SOURCES = \
	core/config/ini.c core/config/ini.h core/config/judge.c core/config/judge.h \
	core/config/lists.c core/config/lists.h \
	core/config/option.c core/config/option.h core/config/option_text.c \
	core/config/settings.c core/config/settings.h core/config/sinks.c
core_libpsconfig_la_CPPFLAGS = $(AM_CPPFLAGS) $(INIH_CFLAGS)
core_libpsconfig_la_LIBADD = core/libpsbase.la $(INIH_LIBS)
