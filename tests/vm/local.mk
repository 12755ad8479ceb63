# SPDX-License-Identifier: GPL-3.0-or-later
# Distributions' kernels, emulated: see the two files' first lines.
EXTRA_DIST += tests/vm/vmrun tests/vm/test_kernels.py
TESTS += tests/vm/test_kernels.py
