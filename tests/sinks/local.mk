# SPDX-License-Identifier: GPL-3.0-or-later
# One contract for all sinks, run against each that was built; then what is special to each.
noinst_LTLIBRARIES += tests/sinks/libtestsinks.la
tests_sinks_libtestsinks_la_SOURCES = \
	tests/sinks/batches.c tests/sinks/batches.h tests/sinks/fake_host.c tests/sinks/fake_host.h
tests_sinks_libtestsinks_la_LIBADD = core/libpsconfig.la core/libpsbase.la -ldl

check_PROGRAMS += tests/sinks/contract
tests_sinks_contract_SOURCES = tests/sinks/contract.c tests/sinks/expect.c tests/sinks/expect.h
tests_sinks_contract_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
tests_sinks_contract_LDADD = tests/sinks/libtestsinks.la $(SQLITE_LIBS) $(JANSSON_LIBS)

dist_check_SCRIPTS += tests/sinks/contract_sqlite.sh tests/sinks/contract_textlog_csv.sh \
	tests/sinks/contract_textlog_json.sh
if PLUGIN_SQLITE
TESTS += tests/sinks/contract_sqlite.sh
endif
if PLUGIN_TEXTLOG
TESTS += tests/sinks/contract_textlog_csv.sh tests/sinks/contract_textlog_json.sh
endif
