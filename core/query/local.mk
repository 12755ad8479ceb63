# libpsquery: what the readers, the sinks and the front ends share.
noinst_LTLIBRARIES += core/libpsquery.la
core_libpsquery_la_SOURCES = core/query/names.c core/query/names.h core/query/sql.c core/query/sql.h
core_libpsquery_la_LIBADD = core/libpsbase.la

# libpsask: questions and answers on a command line.
noinst_LTLIBRARIES += core/libpsask.la
core_libpsask_la_SOURCES = \
	core/query/ask.c core/query/ask.h core/query/output.c core/query/output.h \
	core/query/table_text.c core/query/table_text.h core/query/when.c core/query/when.h
core_libpsask_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
core_libpsask_la_LIBADD = core/libpsquery.la $(JANSSON_LIBS)
