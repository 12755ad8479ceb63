# Everything speaks TAP, under `make check`.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .py .sh
PY_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_DRIVER = $(LOG_DRIVER)
AM_TESTS_ENVIRONMENT = top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)'; export top_srcdir top_builddir;

EXTRA_DIST += tests/tap.h tests/tap.py

.PHONY: bench bench-scenarios bench-servers matrix list-tests

# For whoever runs them elsewhere: tests/vm.
list-tests:
	@echo $(TESTS)

include tests/unit/local.mk
include tests/sinks/local.mk
include tests/fuzz/local.mk
include tests/front/local.mk
include tests/bench/local.mk
if SYSTEM_TESTS
include tests/system/local.mk
include tests/vm/local.mk
endif
