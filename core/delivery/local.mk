# SPDX-License-Identifier: GPL-3.0-or-later
# libpsdelivery: from an encoded batch to a sink that has it.
noinst_LTLIBRARIES += core/libpsdelivery.la
core_libpsdelivery_la_SOURCES = \
	core/delivery/codec.h core/delivery/codec_decode.c core/delivery/codec_encode.c core/delivery/codec_format.h core/delivery/confine.c core/delivery/confine.h core/delivery/forbid.c core/delivery/forbid.h \
	core/delivery/courier.c core/delivery/courier.h core/delivery/courier_files.c \
	core/delivery/courier_inside.h core/delivery/courier_say.c core/delivery/feed.c core/delivery/feed.h \
	core/delivery/files.c core/delivery/files.h \
	core/delivery/found.c core/delivery/found.h core/delivery/frame.c core/delivery/frame.h core/delivery/host_link.c core/delivery/host_link.h \
	core/delivery/host_table.c core/delivery/host_table.h core/delivery/journal.c core/delivery/journal.h \
	core/delivery/journal_file.c core/delivery/journal_file.h core/delivery/journal_inside.h \
	core/delivery/journal_queue.c core/delivery/journal_thread.c \
	core/delivery/journal_store.c core/delivery/journal_store.h core/delivery/journal_store_inside.h \
	core/delivery/journal_trim.c \
	core/delivery/own_folder.c core/delivery/own_folder.h \
	core/delivery/plugin_describe.c core/delivery/plugin_load.c core/delivery/plugin_load.h \
	core/delivery/sink_files.c core/delivery/sink_files.h \
	core/delivery/sink_host.c core/delivery/sink_host.h core/delivery/trust.c core/delivery/trust.h
core_libpsdelivery_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS) $(SQLITE_CFLAGS)
core_libpsdelivery_la_LIBADD = core/libpsconfig.la core/libpsbase.la $(LIBUV_LIBS) $(SQLITE_LIBS)
