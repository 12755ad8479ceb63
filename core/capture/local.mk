# libpscapture: from the kernel to a row of the ledger. Needs the skeleton.
noinst_LTLIBRARIES += core/libpscapture.la
core_libpscapture_la_SOURCES = \
	core/capture/addresses.c core/capture/addresses.h \
	core/capture/cgroup_root.c core/capture/cgroup_root.h \
	core/capture/counters.c core/capture/counters.h \
	core/capture/decode.c core/capture/decode.h \
	core/capture/drain.c core/capture/drain.h \
	core/capture/elf_symbol.c core/capture/elf_symbol.h \
	core/capture/exec_watch.c core/capture/exec_watch.h \
	core/capture/kernel.c core/capture/kernel.h \
	core/capture/lookups.c core/capture/lookups.h \
	core/capture/namespaces.c core/capture/namespaces.h \
	core/capture/probe.c core/capture/probe.h \
	core/capture/programs.c core/capture/programs.h \
	core/capture/self_child.c core/capture/self_child.h core/capture/self_test.c core/capture/self_test.h \
	core/capture/self_traffic.c core/capture/self_traffic.h core/capture/self_traffic_io.c core/capture/self_traffic_rare.c \
	core/identify/apart.c core/identify/apart.h core/identify/executable.c core/identify/executable.h \
	core/identify/executable_apart.c core/identify/executable_inside.h core/identify/file.c core/identify/file.h \
	core/identify/hashing.c core/identify/hashing.h core/identify/openings.c core/identify/openings.h \
	core/identify/place.c core/identify/place.h core/identify/places.c core/identify/places.h \
	core/identify/proc.c core/identify/proc.h core/identify/process.c core/identify/process.h \
	core/identify/process_inside.h core/identify/process_script.c core/identify/roster.c core/identify/roster.h \
	core/identify/reader.c core/identify/reader.h core/identify/reader_child.c \
	core/identify/script.c core/identify/script.h core/identify/script_open.c \
	core/identify/search.c core/identify/search.h \
	core/identify/scripts.c core/identify/scripts.h core/identify/user.c core/identify/user.h \
	core/ledger/audit.c core/ledger/audit.h \
	core/ledger/executions.c core/ledger/executions.h core/ledger/fill.c core/ledger/fill.h \
	core/ledger/finding.c core/ledger/finding.h core/ledger/first_note.c core/ledger/first_seen.c core/ledger/first_seen.h \
	core/ledger/ignore.c core/ledger/ignore.h \
	core/ledger/ledger.c core/ledger/ledger.h core/ledger/ledger_inside.h core/ledger/ledger_window.c \
	core/ledger/losses.c core/ledger/losses.h \
	core/ledger/memory.c core/ledger/memory.h core/ledger/memory_json.c core/ledger/memory_json.h \
	core/ledger/memory_order.c core/ledger/memory_order.h core/ledger/writer.c core/ledger/writer.h
# names of addresses
core_libpscapture_la_SOURCES += \
	core/identify/dns_message.c core/identify/dns_message.h core/identify/dns_stream.c core/identify/dns_stream.h \
	core/identify/domain.c core/identify/domain.h core/identify/domain_flow.c core/identify/domain_inside.h \
	core/identify/domain_name.c core/identify/domain_name.h \
	core/identify/hosts_file.c core/identify/hosts_file.h core/identify/tls_hello.c core/identify/tls_hello.h
nodist_core_libpscapture_la_SOURCES = bpf/picosnitch.skel.h
core_libpscapture_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(LIBBPF_CFLAGS) $(LIBUV_CFLAGS)
core_libpscapture_la_LIBADD = core/libpsbase.la $(JANSSON_LIBS) $(LIBBPF_LIBS) $(LIBUV_LIBS)
