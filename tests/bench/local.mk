# SPDX-License-Identifier: GPL-3.0-or-later
# What watching costs: `make bench`, as root.
check_PROGRAMS += tests/bench/bench_path
tests_bench_bench_path_SOURCES = tests/bench/bench_path.c
tests_bench_bench_path_CFLAGS = $(traffic_cflags)
EXTRA_DIST += tests/bench/run

# Rows a second of the sqlite sink: tests/bench/bench_sqlite plugins/.libs/sqlite.so
check_PROGRAMS += tests/bench/bench_sqlite
tests_bench_bench_sqlite_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_bench_bench_sqlite_LDADD = tests/sinks/libtestsinks.la $(SQLITE_LIBS)

bench: all tests/bench/bench_path tests/system/traffic tests/system/blink
	top_builddir='$(abs_top_builddir)' $(top_srcdir)/tests/bench/run
.PHONY: bench
