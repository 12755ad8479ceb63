# SPDX-License-Identifier: GPL-3.0-or-later
# One program a module; each says what it needs.
config_tests = tests/unit/test_ini tests/unit/test_option tests/unit/test_settings
base_tests = tests/unit/test_buf tests/unit/test_table tests/unit/test_text
check_PROGRAMS += $(config_tests) $(base_tests)
TESTS += $(config_tests) $(base_tests)
dist_check_SCRIPTS += tests/unit/test_install.sh
TESTS += tests/unit/test_install.sh

tests_unit_test_buf_LDADD = core/libpsbase.la
tests_unit_test_table_LDADD = core/libpsbase.la
tests_unit_test_text_LDADD = core/libpsbase.la
tests_unit_test_ini_LDADD = core/libpsconfig.la
tests_unit_test_option_LDADD = core/libpsconfig.la
tests_unit_test_settings_LDADD = core/libpsconfig.la

watch_tests = tests/unit/test_decode tests/unit/test_executable tests/unit/test_process tests/unit/test_ledger tests/unit/test_losses tests/unit/test_ignore \
	tests/unit/test_audit tests/unit/test_counters tests/unit/test_fill tests/unit/test_finding tests/unit/test_first_seen tests/unit/test_memory tests/unit/test_place \
	tests/unit/test_script tests/unit/test_scripts tests/unit/test_self_test
check_PROGRAMS += $(watch_tests)
TESTS += $(watch_tests)
EXTRA_DIST += tests/unit/watch_fixture.h
tests_unit_test_audit_LDADD = core/libpscapture.la
tests_unit_test_counters_LDADD = core/libpscapture.la
tests_unit_test_decode_LDADD = core/libpscapture.la
tests_unit_test_fill_LDADD = core/libpscapture.la
tests_unit_test_finding_LDADD = core/libpscapture.la core/libpsdelivery.la
tests_unit_test_first_seen_LDADD = core/libpscapture.la core/libpsdelivery.la core/libpssql.la core/libpsconfig.la
tests_unit_test_losses_LDADD = core/libpscapture.la
tests_unit_test_memory_LDADD = core/libpscapture.la
tests_unit_test_place_LDADD = core/libpscapture.la
tests_unit_test_script_LDADD = core/libpscapture.la
tests_unit_test_scripts_LDADD = core/libpscapture.la
tests_unit_test_self_test_LDADD = core/libpscapture.la
tests_unit_test_executable_LDADD = core/libpscapture.la
tests_unit_test_process_LDADD = core/libpscapture.la
tests_unit_test_ignore_LDADD = core/libpscapture.la core/libpsconfig.la
tests_unit_test_ledger_LDADD = core/libpscapture.la core/libpsdelivery.la core/libpssql.la core/libpsconfig.la

# Names of addresses.
name_tests = tests/unit/test_elf_symbol tests/unit/test_dns_message tests/unit/test_dns_stream tests/unit/test_domain tests/unit/test_hosts_file tests/unit/test_tls_hello
check_PROGRAMS += $(name_tests)
TESTS += $(name_tests)
EXTRA_DIST += tests/unit/dns_builder.h
tests_unit_test_dns_message_LDADD = core/libpscapture.la
tests_unit_test_dns_stream_LDADD = core/libpscapture.la
tests_unit_test_domain_LDADD = core/libpscapture.la
tests_unit_test_elf_symbol_LDADD = core/libpscapture.la
tests_unit_test_hosts_file_LDADD = core/libpscapture.la
tests_unit_test_tls_hello_LDADD = core/libpscapture.la

# Of the daemon itself, which is no library.
daemon_tests = tests/unit/test_changes tests/unit/test_channels tests/unit/test_listening tests/unit/test_live tests/unit/test_people tests/unit/test_tamper
check_PROGRAMS += $(daemon_tests)
TESTS += $(daemon_tests)
tests_unit_test_changes_SOURCES = tests/unit/test_changes.c core/daemon/changes.c
tests_unit_test_changes_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS)
tests_unit_test_changes_LDADD = core/libpscapture.la $(LIBUV_LIBS)
tests_unit_test_people_SOURCES = tests/unit/test_people.c core/daemon/people.c
tests_unit_test_people_LDADD = core/libpsbase.la
tests_unit_test_channels_SOURCES = tests/unit/test_channels.c core/daemon/channels.c
tests_unit_test_channels_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS)
tests_unit_test_channels_LDADD = core/libpscapture.la $(LIBUV_LIBS)
tests_unit_test_listening_SOURCES = tests/unit/test_listening.c core/daemon/listening.c core/daemon/live_line.c
tests_unit_test_listening_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(LIBUV_CFLAGS)
tests_unit_test_listening_LDADD = core/libpscapture.la core/libpsdelivery.la core/libpssql.la $(JANSSON_LIBS) $(LIBUV_LIBS)
tests_unit_test_live_SOURCES = tests/unit/test_live.c core/daemon/listening.c core/daemon/live.c core/daemon/live_line.c
tests_unit_test_live_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(LIBUV_CFLAGS)
tests_unit_test_live_LDADD = core/libpscapture.la core/libpsdelivery.la core/libpssql.la $(JANSSON_LIBS) $(LIBUV_LIBS)
tests_unit_test_tamper_SOURCES = tests/unit/test_tamper.c core/daemon/channels.c core/daemon/own_file.c core/daemon/tamper.c
tests_unit_test_tamper_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS)
tests_unit_test_tamper_LDADD = core/libpscapture.la $(LIBUV_LIBS)

# Delivery. test_courier starts host_program, a stand-in for picosnitch with the subcommands of a
# sink's process, with the plugin `faulty`.
check_PROGRAMS += tests/unit/test_rows
TESTS += tests/unit/test_rows
tests_unit_test_rows_LDADD = tests/sinks/libtestsinks.la core/libpssql.la

delivery_tests = tests/unit/test_codec tests/unit/test_feed tests/unit/test_files tests/unit/test_journal tests/unit/test_journal_people tests/unit/test_plugin_load \
	tests/unit/test_courier
check_PROGRAMS += $(delivery_tests) tests/unit/host_program
check_LTLIBRARIES += tests/unit/faulty.la tests/unit/old.la tests/unit/alien.la
TESTS += $(delivery_tests)
EXTRA_DIST += tests/unit/batches.h tests/unit/feed_reader.h tests/unit/json_lines.h tests/unit/scratch.h

tests_unit_test_codec_LDADD = core/libpsdelivery.la core/libpssql.la
tests_unit_test_feed_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS)
tests_unit_test_feed_LDADD = core/libpsdelivery.la $(LIBUV_LIBS)
tests_unit_test_files_LDADD = core/libpsdelivery.la
tests_unit_test_journal_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_journal_LDADD = core/libpsdelivery.la core/libpssql.la
tests_unit_test_journal_people_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_journal_people_LDADD = core/libpsdelivery.la core/libpssql.la
tests_unit_test_plugin_load_LDADD = core/libpsdelivery.la
tests_unit_test_courier_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS)
tests_unit_test_courier_LDADD = core/libpsdelivery.la core/libpssql.la
tests_unit_host_program_LDADD = core/libpsdelivery.la

# -rpath makes libtool build a shared object that is not to be installed.
faulty_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
tests_unit_faulty_la_SOURCES = tests/unit/faulty.c
tests_unit_faulty_la_LDFLAGS = $(faulty_ldflags)
tests_unit_old_la_SOURCES = tests/unit/old.c
tests_unit_old_la_LDFLAGS = $(faulty_ldflags)
tests_unit_alien_la_SOURCES = tests/unit/alien.c
tests_unit_alien_la_LDFLAGS = $(faulty_ldflags)

# What SQL sinks know of the dictionaries there.
check_PROGRAMS += tests/unit/test_entries
TESTS += tests/unit/test_entries
tests_unit_test_entries_LDADD = core/libpssql.la

# What older versions have left.
check_PROGRAMS += tests/unit/test_words
TESTS += tests/unit/test_words
tests_unit_test_words_LDADD = core/libpsimport.la core/libpsbase.la

# The live view.
check_PROGRAMS += tests/unit/test_top
TESTS += tests/unit/test_top
tests_unit_test_top_LDADD = core/libpstop.la

# Countries of addresses.
check_PROGRAMS += tests/unit/test_country
TESTS += tests/unit/test_country
tests_unit_test_country_LDADD = core/libpsgeoip.la
EXTRA_DIST += tests/fixtures/countries

# Past connections: ranges of time, keys and answers.
check_PROGRAMS += tests/unit/test_range tests/unit/test_view
TESTS += tests/unit/test_range tests/unit/test_view
tests_unit_test_range_LDADD = core/libpsquery.la
tests_unit_test_view_SOURCES = tests/unit/test_view.c tests/unit/view_answers.h
tests_unit_test_view_LDADD = core/libpsview.la

# The parts of dash that know no server.
check_PROGRAMS += tests/unit/test_dash
TESTS += tests/unit/test_dash
tests_unit_test_dash_LDADD = core/libpsdash.la
