# libpsquery: what the readers, the sinks and the front ends share.
noinst_LTLIBRARIES += core/libpsquery.la
core_libpsquery_la_SOURCES = core/query/names.c core/query/names.h core/query/sql.c core/query/sql.h
core_libpsquery_la_LIBADD = core/libpsbase.la
