# SPDX-License-Identifier: GPL-3.0-or-later
# PS_PLUGIN(NAME, WHAT, VARIABLE, [MODULES])
# --enable-NAME=auto|yes|no: built when its libraries are there; `yes` makes their absence an
# error, `no` leaves it out. Sets the conditional PLUGIN_NAME and VARIABLE_{CFLAGS,LIBS}.
AC_DEFUN([PS_PLUGIN], [
  AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1@<:@=auto|yes|no@:>@], [$2 @<:@auto@:>@])], [], [enable_$1=auto])
  ps_have=no
  AS_IF([test "$enable_$1" != no], [
    m4_ifval([$4], [PKG_CHECK_MODULES([$3], [$4], [ps_have=yes], [ps_have=no])], [ps_have=yes])
    AS_IF([test "$enable_$1" = yes && test "$ps_have" = no], [missing="$missing
  $4  (wanted by --enable-$1)"])])
  AS_IF([test "$ps_have" = yes], [ps_built="$ps_built $1"],
    [AS_IF([test "$enable_$1" = no], [ps_left_out="$ps_left_out $1 (by wish)"],
      [ps_left_out="$ps_left_out $1 (no $4)"])])
  AM_CONDITIONAL([PLUGIN_]m4_toupper([$1]), [test "$ps_have" = yes])])
