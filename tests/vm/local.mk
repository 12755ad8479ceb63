# SPDX-License-Identifier: GPL-3.0-or-later
# Distributions' kernels, emulated: see the files' first lines.
EXTRA_DIST += tests/vm/vmrun tests/vm/kernels.py tests/vm/test_kernels.py tests/vm/check_paths.py
TESTS += tests/vm/test_kernels.py

# Every kernel, every door.
matrix: all tests/system/traffic
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' $(srcdir)/tests/vm/test_kernels.py --matrix
