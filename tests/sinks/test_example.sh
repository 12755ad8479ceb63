#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the plugin of contrib/example-plugin with what `make install` installs, and nothing of the
# tree; then the contract is run against it.
fail()
{
	echo "1..1"
	echo "not ok 1 - $1"
	sed 's/^/# /' "$log"
	exit 1
}

unset MAKEFLAGS MFLAGS MAKELEVEL
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
log=$dir/log
command -v pkg-config >"$log" || {
	echo "1..0 # SKIP pkg-config is not here"
	exit 0
}
"${MAKE:-make}" -C "$top_builddir" install DESTDIR="$dir/root" >"$log" 2>&1 || fail "picosnitch can be installed"
pc=$(find "$dir/root" -name picosnitch.pc)
test -n "$pc" || fail "picosnitch.pc is installed"
cp "$top_srcdir/contrib/example-plugin/example.c" "$top_srcdir/contrib/example-plugin/Makefile" "$dir" || exit 1
PKG_CONFIG_PATH=$(dirname "$pc") "${MAKE:-make}" -C "$dir" CFLAGS="-O2 -Wall -Wextra -Werror" \
	PKG_CONFIG="pkg-config --define-prefix" >"$log" 2>&1 || fail "the example is built with the installed headers"
PKG_CONFIG_PATH=$(dirname "$pc") "${MAKE:-make}" -C "$dir" PKG_CONFIG="pkg-config --define-prefix" install >"$log" 2>&1 ||
	fail "the example is installed"
so=$(find "$dir/root" -name example.so)
test -f "$(dirname "$so")/sqlite.so" || test -f "$(dirname "$so")/textlog.so" || fail "it is where the plugins are"
"$top_builddir/tests/sinks/contract" "$so"
