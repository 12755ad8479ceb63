# SPDX-License-Identifier: GPL-3.0-or-later
# One program a module; each says what it needs.
config_tests = tests/unit/test_ini tests/unit/test_option tests/unit/test_settings
base_tests = tests/unit/test_buf tests/unit/test_table tests/unit/test_text
check_PROGRAMS += $(config_tests) $(base_tests)
TESTS += $(config_tests) $(base_tests)

tests_unit_test_buf_LDADD = core/libpsbase.la
tests_unit_test_table_LDADD = core/libpsbase.la
tests_unit_test_text_LDADD = core/libpsbase.la
tests_unit_test_ini_LDADD = core/libpsconfig.la
tests_unit_test_option_LDADD = core/libpsconfig.la
tests_unit_test_settings_LDADD = core/libpsconfig.la

watch_tests = tests/unit/test_decode tests/unit/test_process tests/unit/test_ledger
check_PROGRAMS += $(watch_tests)
TESTS += $(watch_tests)
EXTRA_DIST += tests/unit/watch_fixture.h
tests_unit_test_decode_LDADD = core/libpscapture.la
tests_unit_test_process_LDADD = core/libpscapture.la
tests_unit_test_ledger_LDADD = core/libpscapture.la core/libpsdelivery.la
