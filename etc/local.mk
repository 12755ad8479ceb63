# SPDX-License-Identifier: GPL-3.0-or-later
dist_man_MANS = etc/man/picosnitch.1 etc/man/picosnitch.ini.5 etc/man/picosnitch-plugin.7 \
	etc/man/picosnitch-store.7 etc/man/picosnitch-feed.7 etc/man/picosnitch-replication.7 etc/man/picosnitch-dash.7
EXTRA_DIST += etc/picosnitch.ini etc/picosnitch.logrotate
# For whoever makes the tables on a server, and as the test of the postgres sink makes them.
dist_pkgdata_DATA = etc/postgres.sql

# The file that is installed has the defaults of this configuration, where the one here has those of a distribution.
etc/installed.ini: etc/picosnitch.ini config.status
	@$(MKDIR_P) etc
	$(AM_V_GEN)$(SED) -e 's|^\(#[a-z]* = \)/var/|\1$(localstatedir)/|' -e 's|^\(#[a-z]* = \)/run/|\1$(runstatedir)/|' \
	    -e 's|^\(#plugins = \).*|\1$(pluginexecdir)|' -e 's|^\(#user = \).*|\1$(PS_USER)|' \
	    $(srcdir)/etc/picosnitch.ini >$@.tmp && mv $@.tmp $@
noinst_DATA = etc/installed.ini
CLEANFILES += etc/installed.ini etc/installed.ini.tmp

etc/logrotate/picosnitch: etc/picosnitch.logrotate config.status
	@$(MKDIR_P) etc/logrotate
	$(AM_V_GEN)$(SED) -e 's|/var/|$(localstatedir)/|g' $(srcdir)/etc/picosnitch.logrotate >$@.tmp && mv $@.tmp $@
logrotatedir = $(sysconfdir)/logrotate.d
logrotate_DATA = etc/logrotate/picosnitch
CLEANFILES += etc/logrotate/picosnitch etc/logrotate/picosnitch.tmp

# Installed only if there is none, as it may be somebody's own and hold passwords; removed only
# while it is the one that was shipped.
install-data-hook: install-ini
install-ini:
	$(MKDIR_P) "$(DESTDIR)$(sysconfdir)"
	test -e "$(DESTDIR)$(sysconfdir)/picosnitch.ini" || test -L "$(DESTDIR)$(sysconfdir)/picosnitch.ini" || \
	    $(INSTALL) -m 0600 etc/installed.ini "$(DESTDIR)$(sysconfdir)/picosnitch.ini"
uninstall-hook: uninstall-ini
uninstall-ini:
	! cmp -s etc/installed.ini "$(DESTDIR)$(sysconfdir)/picosnitch.ini" || \
	    rm -f "$(DESTDIR)$(sysconfdir)/picosnitch.ini"
	-rmdir "$(DESTDIR)$(pkgdatadir)" 2>/dev/null
.PHONY: install-ini uninstall-ini

# The web page as a service: installed, and not enabled.
etc/picosnitch-dash.service: etc/picosnitch-dash.service.in config.status
	@$(MKDIR_P) etc
	$(AM_V_GEN)$(SED) -e 's|@bindir[@]|$(bindir)|g' -e 's|@user[@]|$(PS_USER)|g' $(srcdir)/etc/picosnitch-dash.service.in >$@.tmp && mv $@.tmp $@
EXTRA_DIST += etc/picosnitch-dash.service.in
CLEANFILES += etc/picosnitch-dash.service etc/picosnitch-dash.service.tmp
if DASH
dashunitdir = $(prefix)/lib/systemd/system
dashunit_DATA = etc/picosnitch-dash.service
endif
