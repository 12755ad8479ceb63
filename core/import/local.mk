# SPDX-License-Identifier: GPL-3.0-or-later
# libpsimport: what older versions have left, into what this one has.
noinst_LTLIBRARIES += core/libpsimport.la
core_libpsimport_la_SOURCES = \
	core/import/chunk.c core/import/chunk.h core/import/convert.c core/import/convert.h \
	core/import/local_time.c core/import/local_time.h core/import/old_config.c core/import/old_config.h \
	core/import/old_db.c core/import/old_db.h core/import/old_file.c core/import/old_file.h \
	core/import/old_record.c core/import/old_record.h core/import/old_vfs.c core/import/old_vfs.h \
	core/import/report.c core/import/report.h core/import/stored.c core/import/stored.h \
	core/import/transfer.c core/import/transfer.h core/import/words.c core/import/words.h
core_libpsimport_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS)
core_libpsimport_la_LIBADD = $(JANSSON_LIBS) $(SQLITE_LIBS)
