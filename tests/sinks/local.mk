# SPDX-License-Identifier: GPL-3.0-or-later
# One contract for all sinks, run against each that was built; then what is special to each.
noinst_LTLIBRARIES += tests/sinks/libtestsinks.la
tests_sinks_libtestsinks_la_SOURCES = \
	tests/sinks/batches.c tests/sinks/batches.h tests/sinks/fake_host.c tests/sinks/fake_host.h
tests_sinks_libtestsinks_la_LIBADD = core/libpsconfig.la core/libpsbase.la -ldl

# Who reads what is stored, of those plugins that were built.
expect_sources = tests/sinks/expect.c tests/sinks/expect.h tests/sinks/expect_server.h
expect_cppflags = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(JANSSON_CFLAGS)
expect_libs = $(SQLITE_LIBS) $(JANSSON_LIBS)
if PLUGIN_MARIADB
expect_sources += tests/sinks/expect_mariadb.c
expect_cppflags += -DWITH_MARIADB $(MARIADB_PLUGIN_CFLAGS)
expect_libs += $(MARIADB_PLUGIN_LIBS)
TESTS += tests/sinks/contract_mariadb.py tests/sinks/verify_mariadb.py tests/sinks/answers_mariadb.py
# Outages take their time: once is enough.
if SYSTEM_TESTS
TESTS += tests/sinks/test_mariadb.py tests/sinks/test_mariadb_tls.py tests/sinks/test_mariadb_galera.py
endif
endif
dist_check_SCRIPTS += tests/sinks/contract_mariadb.py tests/sinks/verify_mariadb.py tests/sinks/answers_mariadb.py tests/sinks/test_mariadb.py tests/sinks/test_mariadb_tls.py tests/sinks/test_mariadb_galera.py
EXTRA_DIST += tests/sinks/mariadb.py tests/sinks/wsrep_sst_same
# What they share with those of PostgreSQL.
EXTRA_DIST += tests/sinks/certificates.py tests/sinks/outage.py tests/sinks/pump.py tests/sinks/server_home.py

# Rows that flow into a sink.
check_PROGRAMS += tests/sinks/pump
tests_sinks_pump_LDADD = tests/sinks/libtestsinks.la

postgres_tests = tests/sinks/test_schema.sh tests/sinks/contract_postgres.py tests/sinks/verify_postgres.py tests/sinks/answers_postgres.py
postgres_outages = tests/sinks/test_postgres.py tests/sinks/test_postgres_tls.py tests/sinks/test_postgres_standby.py
if PLUGIN_POSTGRES
expect_sources += tests/sinks/expect_postgres.c
expect_cppflags += -DWITH_POSTGRES $(POSTGRES_CFLAGS)
expect_libs += $(POSTGRES_LIBS)
# Prints what etc/postgres.sql has to be.
check_PROGRAMS += tests/sinks/postgres_schema
tests_sinks_postgres_schema_SOURCES = tests/sinks/postgres_schema.c plugins/postgres/link.c plugins/postgres/schema.c
tests_sinks_postgres_schema_CPPFLAGS = $(AM_CPPFLAGS) $(POSTGRES_CFLAGS)
tests_sinks_postgres_schema_LDADD = core/libpssql.la $(POSTGRES_LIBS)
TESTS += $(postgres_tests)
if SYSTEM_TESTS
TESTS += $(postgres_outages)
endif
endif
dist_check_SCRIPTS += $(postgres_tests) $(postgres_outages)
EXTRA_DIST += tests/sinks/postgres_server.py

check_PROGRAMS += tests/sinks/contract
tests_sinks_contract_SOURCES = tests/sinks/contract.c $(expect_sources)
tests_sinks_contract_CPPFLAGS = $(expect_cppflags)
tests_sinks_contract_LDADD = tests/sinks/libtestsinks.la $(expect_libs)

check_PROGRAMS += tests/sinks/answers
tests_sinks_answers_LDADD = tests/sinks/libtestsinks.la

check_PROGRAMS += tests/sinks/verify
tests_sinks_verify_SOURCES = tests/sinks/verify.c $(expect_sources)
tests_sinks_verify_CPPFLAGS = $(expect_cppflags)
tests_sinks_verify_LDADD = tests/sinks/libtestsinks.la core/libpsdelivery.la core/libpsquery.la $(expect_libs)

dist_check_SCRIPTS += tests/sinks/verify_sqlite.sh
dist_check_SCRIPTS += tests/sinks/contract_sqlite.sh tests/sinks/contract_textlog_csv.sh \
	tests/sinks/contract_textlog_json.sh
dist_check_SCRIPTS += tests/sinks/test_example.sh
TESTS += tests/sinks/test_example.sh

if PLUGIN_SQLITE
check_PROGRAMS += tests/sinks/test_sqlite tests/sinks/test_sqlite_groups tests/sinks/test_sqlite_rollup tests/sinks/test_sqlite_upkeep tests/sinks/test_query
TESTS += tests/sinks/contract_sqlite.sh tests/sinks/verify_sqlite.sh tests/sinks/test_sqlite tests/sinks/test_sqlite_groups tests/sinks/test_sqlite_rollup tests/sinks/test_sqlite_upkeep tests/sinks/test_query
tests_sinks_test_query_LDADD = tests/sinks/libtestsinks.la core/libpsquery.la
EXTRA_DIST += tests/sinks/sqlite_file.h
tests_sinks_test_sqlite_groups_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_sinks_test_sqlite_groups_LDADD = tests/sinks/libtestsinks.la $(SQLITE_LIBS)
tests_sinks_test_sqlite_rollup_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_sinks_test_sqlite_rollup_LDADD = tests/sinks/libtestsinks.la $(SQLITE_LIBS)
tests_sinks_test_sqlite_upkeep_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_sinks_test_sqlite_upkeep_LDADD = tests/sinks/libtestsinks.la $(SQLITE_LIBS)
tests_sinks_test_sqlite_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_sinks_test_sqlite_LDADD = tests/sinks/libtestsinks.la core/libpssql.la $(SQLITE_LIBS)
endif
# Countries, which no store knows.
if PLUGIN_SQLITE
if GEOIP
check_PROGRAMS += tests/sinks/test_fold
TESTS += tests/sinks/test_fold
tests_sinks_test_fold_LDADD = tests/sinks/libtestsinks.la core/libpsgeoip.la
endif
endif
if PLUGIN_TEXTLOG
check_PROGRAMS += tests/sinks/test_textlog
tests_sinks_test_textlog_LDADD = tests/sinks/libtestsinks.la
TESTS += tests/sinks/contract_textlog_csv.sh tests/sinks/contract_textlog_json.sh \
	tests/sinks/test_textlog
endif
if PLUGIN_VIRUSTOTAL
check_PROGRAMS += tests/sinks/ask_virustotal
tests_sinks_ask_virustotal_LDADD = tests/sinks/libtestsinks.la
TESTS += tests/sinks/test_virustotal.py
endif
dist_check_SCRIPTS += tests/sinks/test_virustotal.py
EXTRA_DIST += tests/virustotal_server.py

# Older versions' files, into the sqlite plugin's store by the program itself.
dist_check_SCRIPTS += tests/sinks/test_import.py
EXTRA_DIST += tests/sinks/old_files.py
if PLUGIN_SQLITE
TESTS += tests/sinks/test_import.py
endif
if PLUGIN_NOTIFY
check_PROGRAMS += tests/sinks/tell_notify
tests_sinks_tell_notify_LDADD = tests/sinks/libtestsinks.la
TESTS += tests/sinks/test_notify.py
endif
dist_check_SCRIPTS += tests/sinks/test_notify.py
EXTRA_DIST += tests/notify_server.py
