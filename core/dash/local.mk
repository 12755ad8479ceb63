# SPDX-License-Identifier: GPL-3.0-or-later
# libpsdash: the parts of `picosnitch dash` that know no server.
noinst_LTLIBRARIES += core/libpsdash.la
core_libpsdash_la_SOURCES = \
	core/dash/guard.c core/dash/guard.h core/dash/series.c core/dash/series.h core/dash/steps.c core/dash/steps.h \
	core/dash/target.c core/dash/target.h core/dash/tops.c core/dash/tops.h
core_libpsdash_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
core_libpsdash_la_LIBADD = core/libpsquery.la $(JANSSON_LIBS)

include core/dash/web/local.mk

if DASH
pkglibexec_PROGRAMS += picosnitch-dash
picosnitch_dash_SOURCES = $(front_main) \
	core/dash/answer.c core/dash/answer.h core/dash/answer_audit.c core/dash/answer_events.c core/dash/answer_export.c \
	core/dash/answer_info.c core/dash/answer_series.c core/dash/answer_tops.c core/dash/answer_traffic.c core/dash/atlas.c core/dash/atlas.h core/dash/beside.c core/dash/beside.h \
	core/dash/become.c core/dash/become.h core/dash/dash.c core/dash/dash.h core/dash/json.c core/dash/json.h \
	core/dash/listen.c core/dash/listen.h core/dash/live.c core/dash/live.h core/dash/metrics.c core/dash/options.c core/dash/options.h \
	core/dash/page.c core/dash/page.h core/dash/reply.c core/dash/reply.h core/dash/server.c core/dash/server.h core/dash/visits.c core/dash/visits.h \
	core/dash/workers.c core/dash/workers.h
picosnitch_dash_CPPFLAGS = $(AM_CPPFLAGS) $(MICROHTTPD_CFLAGS) $(JANSSON_CFLAGS)
core/dash/picosnitch_dash-page.$(OBJEXT): core/dash/assets/manifest.h
picosnitch_dash_LDADD = core/libpsgeoip.la core/libpscli.la core/libpsdash.la core/libpstop.la $(MICROHTTPD_LIBS) $(JANSSON_LIBS)
endif
