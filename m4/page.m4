# SPDX-License-Identifier: GPL-3.0-or-later
# PS_PAGE: where the web page of the dash comes from. Sets ps_page to `shipped` (a release has it made), `built` (node and
# npm are here, and make it) or `no`; and the conditionals PAGE_SHIPPED and PAGE_BUILT.
AC_DEFUN([PS_PAGE], [
  AC_ARG_VAR([NODE], [node (18 or later) that builds the page of the dash])
  AC_ARG_VAR([NPM], [npm that gets what the page is built with])
  AC_PATH_PROGS([NODE], [node nodejs], [no])
  AC_PATH_PROG([NPM], [npm], [no])
  AC_MSG_CHECKING([where the page of the dash comes from])
  ps_page=no
  AS_IF([test -f "$srcdir/core/dash/web/built/manifest.h"], [ps_page=shipped],
    [test "$NODE" != no && test "$NPM" != no && "$NODE" -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' >/dev/null 2>&1],
    [ps_page=built])
  AC_MSG_RESULT([$ps_page])
  AM_CONDITIONAL([PAGE_SHIPPED], [test "$ps_page" = shipped])
  AM_CONDITIONAL([PAGE_BUILT], [test "$ps_page" = built])])
