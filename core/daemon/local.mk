# The daemon and the command line: the program.
bin_PROGRAMS += picosnitch
picosnitch_SOURCES = \
	core/cli/check.c core/cli/check_sinks.c core/cli/check_sinks.h core/cli/front.c core/cli/front.h core/cli/import.c core/cli/import.h core/cli/import_database.c core/cli/import_json.c core/cli/main.c core/cli/record.c core/cli/record_print.c core/cli/record_print.h \
	core/cli/run.c core/cli/start.c core/cli/status.c core/cli/verify.c \
	core/daemon/changes.c core/daemon/changes.h core/daemon/channels.c core/daemon/channels.h \
	core/daemon/control.c core/daemon/control.h core/daemon/daemon.c core/daemon/daemon.h \
	core/daemon/countries.c core/daemon/countries.h core/daemon/couriers.c core/daemon/couriers.h core/daemon/gap.c core/daemon/gap.h \
	core/daemon/people.c core/daemon/people.h \
	core/daemon/evidence.c core/daemon/evidence.h core/daemon/own_file.c core/daemon/own_file.h \
	core/daemon/hosts.c core/daemon/hosts.h core/daemon/listening.c core/daemon/listening.h core/daemon/live.c core/daemon/live.h core/daemon/live_line.c core/daemon/live_line.h \
	core/daemon/privileges.c core/daemon/privileges.h \
	core/daemon/programs.c core/daemon/programs.h core/daemon/record.c core/daemon/record.h \
	core/daemon/record_file.c core/daemon/record_file.h core/daemon/reverse.c core/daemon/reverse.h \
	core/daemon/status.c core/daemon/status.h \
	core/daemon/tamper.c core/daemon/tamper.h core/daemon/watch.c core/daemon/watch.h core/daemon/watch_losses.c core/daemon/watch_losses.h
picosnitch_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS)
picosnitch_LDADD = core/libpscli.la core/libpsimport.la core/libpscapture.la core/libpsdelivery.la core/libpsquery.la core/libpsconfig.la core/libpsbase.la \
	$(LIBUV_LIBS) $(JANSSON_LIBS)
