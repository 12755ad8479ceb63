include plugins/sqlite/local.mk
include plugins/textlog/local.mk

# One .so a plugin, one exported symbol, nothing unresolved.
plugin_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared -no-undefined -Wl,-z,defs
