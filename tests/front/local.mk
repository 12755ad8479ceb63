# SPDX-License-Identifier: GPL-3.0-or-later
# What people look at, on a terminal of the test's own.
EXTRA_DIST += tests/front/terminal.py tests/front/test_top.py
if SCREEN
TESTS += tests/front/test_top.py
endif
