# SPDX-License-Identifier: GPL-3.0-or-later
# Distributions' kernels, emulated: see the files' first lines.
EXTRA_DIST += tests/vm/vmrun tests/vm/kernels.py tests/vm/test_kernels.py
TESTS += tests/vm/test_kernels.py
