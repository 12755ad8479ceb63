#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
exec "$top_builddir/tests/sinks/verify" "$top_builddir/plugins/.libs/sqlite.so"

