#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
exec "$top_builddir/tests/sinks/contract" "$top_builddir/plugins/.libs/textlog.so" format=json rotate_size=0
