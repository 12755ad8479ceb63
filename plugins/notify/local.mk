# SPDX-License-Identifier: GPL-3.0-or-later
if PLUGIN_NOTIFY
pluginexec_LTLIBRARIES += plugins/notify.la
endif
plugins_notify_la_SOURCES = \
	plugins/notify/bus.c plugins/notify/bus.h plugins/notify/notify.c plugins/notify/toast.c plugins/notify/toast.h
plugins_notify_la_CPPFLAGS = $(AM_CPPFLAGS) $(NOTIFY_PLUGIN_CFLAGS)
plugins_notify_la_LDFLAGS = $(plugin_ldflags)
plugins_notify_la_LIBADD = core/libpsbase.la $(NOTIFY_PLUGIN_LIBS)
