# SPDX-License-Identifier: GPL-3.0-or-later
# What people look at, on a terminal of the test's own. All of these take minutes and are left out with the tests of the
# system, but the page's own.
EXTRA_DIST += tests/front/screens.py tests/front/terminal.py tests/front/test_top.py tests/front/test_view.py tests/front/test_view_fleet.py
if SYSTEM_TESTS
if SCREEN
TESTS += tests/front/test_top.py
if PLUGIN_SQLITE
TESTS += tests/front/test_view.py tests/front/test_view_fleet.py
endif
endif
endif

# Stores to look at.
check_PROGRAMS += tests/front/seed
tests_front_seed_SOURCES = tests/front/seed.c tests/bench/month.c tests/bench/month.h
tests_front_seed_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
tests_front_seed_LDADD = tests/sinks/libtestsinks.la $(SQLITE_LIBS)

# The database of countries is fetched.
dist_check_SCRIPTS += tests/front/test_geoip.py
EXTRA_DIST += tests/country_server.py
if SYSTEM_TESTS
if GEOIP_FETCH
TESTS += tests/front/test_geoip.py
endif
endif

# The web page, without a browser and in one.
EXTRA_DIST += tests/front/test_page.sh tests/front/test_dash_page.py tests/front/browser.py tests/front/served.py
if DASH
if SYSTEM_TESTS
TESTS += tests/front/test_dash_page.py
endif
if PAGE_BUILT
TESTS += tests/front/test_page.sh
endif
endif

# The server of the web page: its API, by the schema; who is let in; limits.
dist_check_SCRIPTS += tests/front/test_dash_api.py tests/front/test_dash_countries.py tests/front/test_dash_fleet.py
EXTRA_DIST += tests/front/dash_api.schema.json tests/front/dash_api.py tests/front/fleet.py
if SYSTEM_TESTS
if DASH
if PLUGIN_SQLITE
TESTS += tests/front/test_dash_api.py
if GEOIP
TESTS += tests/front/test_dash_countries.py tests/front/test_dash_fleet.py
endif
endif
endif
endif

# What Prometheus makes of its metrics, and of the questions in contrib/grafana.
dist_check_SCRIPTS += tests/front/test_prometheus.py
if SYSTEM_TESTS
if DASH
if PLUGIN_SQLITE
TESTS += tests/front/test_prometheus.py
endif
endif
endif

# What the browser showed is kept for a look, until then.
clean-local: clean-pictures
clean-pictures:
	rm -rf tests/front/pictures
.PHONY: clean-pictures
