# see tests/local.mk
# The generator moves about as a copy, into other namespaces and machines: static where it can be,
# and never sanitized, so that what is measured is the daemon.
check_PROGRAMS += tests/system/traffic tests/system/blink
traffic_cflags = $(AM_CFLAGS) -fno-sanitize=all
tests_system_traffic_SOURCES = \
	tests/system/traffic.c tests/system/traffic.h tests/system/traffic_frames.c tests/system/traffic_io.c \
	tests/system/traffic_load.c tests/system/traffic_socket.c tests/system/traffic_uring.c
tests_system_traffic_CFLAGS = $(traffic_cflags)
tests_system_traffic_LDFLAGS = $(STATIC_LINK) -pthread
# The same for 32 bits: its system calls are others.
if HAVE_M32
check_PROGRAMS += tests/system/traffic32
tests_system_traffic32_SOURCES = $(tests_system_traffic_SOURCES)
tests_system_traffic32_CFLAGS = $(traffic_cflags) $(M32_CFLAGS)
tests_system_traffic32_LDFLAGS = -all-static -pthread
check_PROGRAMS += tests/system/asker32 tests/system/asker_libc32
tests_system_asker32_SOURCES = tests/system/asker.c
tests_system_asker32_CFLAGS = $(traffic_cflags) $(M32_CFLAGS)
tests_system_asker32_LDFLAGS = -all-static
tests_system_asker_libc32_SOURCES = tests/system/asker.c
tests_system_asker_libc32_CFLAGS = $(traffic_cflags) $(M32_CFLAGS) -DWITH_LIBC
endif
# A program that asks for names: by itself, by the libc, and by another libc where there is one.
check_PROGRAMS += tests/system/asker tests/system/asker_libc
tests_system_asker_SOURCES = tests/system/asker.c
tests_system_asker_CFLAGS = $(traffic_cflags)
tests_system_asker_LDFLAGS = $(STATIC_LINK)
tests_system_asker_libc_SOURCES = tests/system/asker.c
tests_system_asker_libc_CFLAGS = $(traffic_cflags) -DWITH_LIBC
if HAVE_MUSL
check_DATA += tests/system/asker_musl
CLEANFILES += tests/system/asker_musl
tests/system/asker_musl: $(top_srcdir)/tests/system/asker.c
	@$(MKDIR_P) tests/system
	$(AM_V_CC)$(MUSL_GCC) -D_GNU_SOURCE -DWITH_LIBC -O2 $(top_srcdir)/tests/system/asker.c -o $@
endif
tests_system_blink_SOURCES = tests/system/blink.c
tests_system_blink_CFLAGS = $(traffic_cflags)
tests_system_blink_LDFLAGS = -pthread
system_tests = \
	tests/system/test_audit.py tests/system/test_changes.py tests/system/test_channels.py \
	tests/system/test_containers.py tests/system/test_contention.py tests/system/test_disguise.py \
	tests/system/test_domains.py tests/system/test_every_exe.py tests/system/test_families.py \
	tests/system/test_filesystems.py tests/system/test_fuse.py tests/system/test_fuse_scripts.py tests/system/test_greetings.py \
	tests/system/test_feed.py tests/system/test_flood.py tests/system/test_follow.py tests/system/test_geoip.py tests/system/test_hostile.py tests/system/test_identity.py \
	tests/system/test_ignore.py tests/system/test_import.py tests/system/test_kill.py tests/system/test_listening.py tests/system/test_lookups.py tests/system/test_losses.py \
	tests/system/test_memory.py tests/system/test_paths.py tests/system/test_places.py \
	tests/system/test_privileges.py tests/system/test_ptr.py \
	tests/system/test_scripts.py tests/system/test_selftest.py tests/system/test_sockets.py \
	tests/system/test_replication.py tests/system/test_stop.py tests/system/test_tamper.py tests/system/test_verify.py
EXTRA_DIST += tests/system/dns_server.py tests/system/feed.py tests/system/test_virustotal.py
if PLUGIN_VIRUSTOTAL
TESTS += tests/system/test_virustotal.py
endif
EXTRA_DIST += tests/system/test_notify.py
if PLUGIN_NOTIFY
TESTS += tests/system/test_notify.py
endif
TESTS += $(system_tests)
EXTRA_DIST += tests/system/cases.py tests/system/database.py tests/system/disguise.py tests/system/fuse_image.py \
	tests/system/harness.py tests/system/names.py $(system_tests)
