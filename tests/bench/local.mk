# SPDX-License-Identifier: GPL-3.0-or-later
# What watching costs: `make bench`, as root.
check_PROGRAMS += tests/bench/bench_path
tests_bench_bench_path_SOURCES = tests/bench/bench_path.c
tests_bench_bench_path_CFLAGS = $(traffic_cflags)
EXTRA_DIST += tests/bench/run

bench: all tests/bench/bench_path tests/system/traffic tests/system/blink
	top_builddir='$(abs_top_builddir)' $(top_srcdir)/tests/bench/run
.PHONY: bench
