# SPDX-License-Identifier: GPL-3.0-or-later
# `picosnitch geoip`: the one program of ours, beside the virustotal plugin's, that has libcurl.
if GEOIP_FETCH
pkglibexec_PROGRAMS += picosnitch-geoip
endif
picosnitch_geoip_SOURCES = $(front_main) core/geoip/geoip.c core/geoip/fetch.c core/geoip/fetch.h \
	core/geoip/renew.c core/geoip/renew.h
picosnitch_geoip_CPPFLAGS = $(AM_CPPFLAGS) $(FETCH_CFLAGS)
picosnitch_geoip_LDADD = core/libpscli.la core/libpsgeoip.la $(FETCH_LIBS)
