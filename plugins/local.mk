include plugins/mariadb/local.mk
include plugins/postgres/local.mk
include plugins/notify/local.mk
include plugins/sqlite/local.mk
include plugins/textlog/local.mk
include plugins/virustotal/local.mk

# One .so a plugin, one exported symbol, nothing unresolved.
plugin_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared -no-undefined -Wl,-z,defs

# What a plugin out of the tree is built with.
pkgconfig_DATA = picosnitch.pc
EXTRA_DIST += contrib/example-plugin/Makefile contrib/example-plugin/README.md contrib/example-plugin/example.c
