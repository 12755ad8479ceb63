# SPDX-License-Identifier: GPL-3.0-or-later
# libpscli: what every program of ours begins with: its options, the configuration, a store to ask.
noinst_LTLIBRARIES += core/libpscli.la
core_libpscli_la_SOURCES = \
	core/cli/cli.c core/cli/cli.h core/cli/load.c core/cli/store.c core/cli/store.h core/daemon/pidfile.c core/daemon/pidfile.h
core_libpscli_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS)
core_libpscli_la_LIBADD = core/libpsdelivery.la core/libpsquery.la core/libpsconfig.la core/libpsbase.la

# Where people look: programs of their own (front.h).
front_main = core/cli/front.h core/cli/front_program.c

# `picosnitch query`.
pkglibexec_PROGRAMS += picosnitch-query
picosnitch_query_SOURCES = $(front_main) core/cli/query.c core/cli/query_follow.c core/cli/query_follow.h
picosnitch_query_LDADD = core/libpscli.la core/libpsgeoip.la
