# SPDX-License-Identifier: GPL-3.0-or-later
if PLUGIN_TEXTLOG
pluginexec_LTLIBRARIES += plugins/textlog.la
endif
plugins_textlog_la_SOURCES = \
	plugins/textlog/lines.c plugins/textlog/lines.h plugins/textlog/log.c plugins/textlog/log.h \
	plugins/textlog/textlog.c
plugins_textlog_la_CPPFLAGS = $(AM_CPPFLAGS) $(TEXTLOG_PLUGIN_CFLAGS)
plugins_textlog_la_LDFLAGS = $(plugin_ldflags)
plugins_textlog_la_LIBADD = core/libpssql.la $(TEXTLOG_PLUGIN_LIBS)
