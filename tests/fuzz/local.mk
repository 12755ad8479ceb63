# SPDX-License-Identifier: GPL-3.0-or-later
# A target fuzz_NAME.c defines LLVMFuzzerTestOneInput(); its corpus is corpus/NAME/. Under
# `make check` it replays that corpus; configured with CC=clang --enable-fuzzing it is a fuzzer:
#   tests/fuzz/fuzz_ini -max_total_time=60 NEW_FOLDER $(top_srcdir)/tests/fuzz/corpus/ini
# To add one: a name in fuzz_targets, its _SOURCES and _LDADD, and files in its corpus.
fuzz_targets = tests/fuzz/fuzz_ini tests/fuzz/fuzz_decode tests/fuzz/fuzz_codec \
	tests/fuzz/fuzz_counters tests/fuzz/fuzz_memory tests/fuzz/fuzz_place
fuzz_corpora = tests/fuzz/corpus/ini tests/fuzz/corpus/decode tests/fuzz/corpus/codec \
	tests/fuzz/corpus/counters tests/fuzz/corpus/memory tests/fuzz/corpus/place

fuzz_targets += tests/fuzz/fuzz_dns tests/fuzz/fuzz_elf tests/fuzz/fuzz_hosts tests/fuzz/fuzz_tls
fuzz_corpora += tests/fuzz/corpus/dns tests/fuzz/corpus/elf tests/fuzz/corpus/hosts tests/fuzz/corpus/tls
fuzz_targets += tests/fuzz/fuzz_found tests/fuzz/fuzz_script
fuzz_corpora += tests/fuzz/corpus/found tests/fuzz/corpus/script
fuzz_targets += tests/fuzz/fuzz_top tests/fuzz/fuzz_view
fuzz_corpora += tests/fuzz/corpus/top tests/fuzz/corpus/view
if GEOIP
fuzz_targets += tests/fuzz/fuzz_country
endif
fuzz_corpora += tests/fuzz/corpus/country
fuzz_targets += tests/fuzz/fuzz_dash
fuzz_corpora += tests/fuzz/corpus/dash

if FUZZING
fuzz_main =
fuzz_flags = -fsanitize=fuzzer
else
fuzz_main = tests/fuzz/replay.c
fuzz_flags =
TESTS += $(fuzz_targets)
endif
check_PROGRAMS += $(fuzz_targets)
EXTRA_DIST += tests/fuzz/line.h tests/fuzz/target.h tests/fuzz/replay.c $(fuzz_corpora)

tests_fuzz_fuzz_ini_SOURCES = tests/fuzz/fuzz_ini.c $(fuzz_main)
tests_fuzz_fuzz_ini_LDADD = core/libpsconfig.la
tests_fuzz_fuzz_ini_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_decode_SOURCES = tests/fuzz/fuzz_decode.c $(fuzz_main)
tests_fuzz_fuzz_decode_LDADD = core/libpscapture.la
tests_fuzz_fuzz_decode_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_codec_SOURCES = tests/fuzz/fuzz_codec.c $(fuzz_main)
tests_fuzz_fuzz_codec_LDADD = core/libpsdelivery.la
tests_fuzz_fuzz_codec_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_found_SOURCES = tests/fuzz/fuzz_found.c $(fuzz_main)
tests_fuzz_fuzz_found_LDADD = core/libpsdelivery.la
tests_fuzz_fuzz_found_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_counters_SOURCES = tests/fuzz/fuzz_counters.c $(fuzz_main)
tests_fuzz_fuzz_counters_LDADD = core/libpscapture.la
tests_fuzz_fuzz_counters_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_memory_SOURCES = tests/fuzz/fuzz_memory.c $(fuzz_main)
tests_fuzz_fuzz_memory_LDADD = core/libpscapture.la
tests_fuzz_fuzz_memory_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_place_SOURCES = tests/fuzz/fuzz_place.c $(fuzz_main)
tests_fuzz_fuzz_place_LDADD = core/libpscapture.la
tests_fuzz_fuzz_place_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz_dns.c $(fuzz_main)
tests_fuzz_fuzz_dns_LDADD = core/libpscapture.la
tests_fuzz_fuzz_dns_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_tls_SOURCES = tests/fuzz/fuzz_tls.c $(fuzz_main)
tests_fuzz_fuzz_tls_LDADD = core/libpscapture.la
tests_fuzz_fuzz_tls_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_script_SOURCES = tests/fuzz/fuzz_script.c $(fuzz_main)
tests_fuzz_fuzz_script_LDADD = core/libpscapture.la
tests_fuzz_fuzz_script_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_hosts_SOURCES = tests/fuzz/fuzz_hosts.c $(fuzz_main)
tests_fuzz_fuzz_hosts_LDADD = core/libpscapture.la
tests_fuzz_fuzz_hosts_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_elf_SOURCES = tests/fuzz/fuzz_elf.c $(fuzz_main)
tests_fuzz_fuzz_elf_LDADD = core/libpscapture.la
tests_fuzz_fuzz_elf_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_top_SOURCES = tests/fuzz/fuzz_top.c $(fuzz_main)
tests_fuzz_fuzz_top_LDADD = core/libpstop.la
tests_fuzz_fuzz_top_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_view_SOURCES = tests/fuzz/fuzz_view.c $(fuzz_main)
tests_fuzz_fuzz_view_LDADD = core/libpsview.la
tests_fuzz_fuzz_view_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_country_SOURCES = tests/fuzz/fuzz_country.c $(fuzz_main)
tests_fuzz_fuzz_country_LDADD = core/libpsgeoip.la
tests_fuzz_fuzz_country_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)

tests_fuzz_fuzz_dash_SOURCES = tests/fuzz/fuzz_dash.c $(fuzz_main)
tests_fuzz_fuzz_dash_LDADD = core/libpsdash.la
tests_fuzz_fuzz_dash_LDFLAGS = $(AM_LDFLAGS) $(fuzz_flags)
