# libpsbase: what everything uses.
noinst_LTLIBRARIES += core/libpsbase.la
core_libpsbase_la_SOURCES = \
	core/base/buf.c core/base/buf.h core/base/clock.c core/base/clock.h core/base/columns.c core/base/columns.h core/base/count.h \
	core/base/local_socket.c core/base/local_socket.h \
	core/base/log.c core/base/log.h core/base/mem.c core/base/mem.h \
	core/base/sha256.c core/base/sha256.h core/base/table.c core/base/table.h \
	core/base/text.c core/base/text.h core/base/thread.c core/base/thread.h
core_libpsbase_la_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(LIBUV_CFLAGS)
core_libpsbase_la_LIBADD = $(CRYPTO_LIBS) $(LIBUV_LIBS)

include core/config/local.mk
include core/capture/local.mk
include core/delivery/local.mk
include core/query/local.mk
include core/import/local.mk
include core/cli/local.mk
include core/geoip/local.mk
include core/screen/local.mk
include core/top/local.mk
include core/dash/local.mk
include core/view/local.mk
include core/daemon/local.mk

pkgincludedir = $(includedir)/picosnitch
pkginclude_HEADERS = core/plugin.h core/question.h core/record.h core/trail.h
valuedir = $(pkgincludedir)/base
value_HEADERS = core/base/plugin_option.h core/base/value.h
