# SPDX-License-Identifier: GPL-3.0-or-later
if PLUGIN_VIRUSTOTAL
pluginexec_LTLIBRARIES += plugins/virustotal.la
endif
plugins_virustotal_la_SOURCES = \
	plugins/virustotal/api.c plugins/virustotal/api.h plugins/virustotal/answer.c plugins/virustotal/answer.h \
	plugins/virustotal/queue.c plugins/virustotal/queue.h plugins/virustotal/virustotal.c
plugins_virustotal_la_CPPFLAGS = $(AM_CPPFLAGS) $(VIRUSTOTAL_PLUGIN_CFLAGS)
plugins_virustotal_la_LDFLAGS = $(plugin_ldflags)
plugins_virustotal_la_LIBADD = core/libpsbase.la $(VIRUSTOTAL_PLUGIN_LIBS)
