# SPDX-License-Identifier: GPL-3.0-or-later
# What watching costs: `make bench`, as root.
check_PROGRAMS += tests/bench/bench_path
tests_bench_bench_path_SOURCES = tests/bench/bench_path.c
tests_bench_bench_path_CFLAGS = $(traffic_cflags)
tests_bench_bench_path_CPPFLAGS = $(AM_CPPFLAGS) $(LIBBPF_CFLAGS)
tests_bench_bench_path_LDADD = $(LIBBPF_LIBS)
EXTRA_DIST += tests/bench/outage tests/bench/run tests/bench/servers tests/bench/scenarios tests/bench/fronts tests/bench/peers.py tests/bench/watch.bt tests/bench/wire.py

# Rows a second of the sqlite sink: tests/bench/bench_sqlite plugins/.libs/sqlite.so
check_PROGRAMS += tests/bench/bench_sqlite
tests_bench_bench_sqlite_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_bench_bench_sqlite_LDADD = tests/sinks/libtestsinks.la $(SQLITE_LIBS)

# Views over 30 days of ten million rows: tests/bench/bench_views plugins/.libs/sqlite.so
check_PROGRAMS += tests/bench/bench_views
tests_bench_bench_views_SOURCES = tests/bench/bench_views.c tests/bench/month.c tests/bench/month.h
tests_bench_bench_views_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_bench_bench_views_LDADD = tests/sinks/libtestsinks.la $(SQLITE_LIBS)

# Rows a second into servers that it starts, beside what their own clients do with the same rows.
bench-servers: all tests/sinks/pump
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' $(top_srcdir)/tests/bench/servers

# How soon the page and `picosnitch view` show 30 days of ten million rows.
bench-fronts: all tests/front/seed
	top_builddir='$(abs_top_builddir)' $(top_srcdir)/tests/bench/fronts

bench: all tests/bench/bench_path tests/system/traffic tests/system/blink
	top_builddir='$(abs_top_builddir)' $(top_srcdir)/tests/bench/run

# Who sees what, and how exactly: the original's scenarios and our own, with other tools beside us.
bench-scenarios: all tests/system/traffic tests/system/blink
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' $(top_srcdir)/tests/bench/scenarios
