# SPDX-License-Identifier: GPL-3.0-or-later
dist_man_MANS = etc/man/picosnitch.1 etc/man/picosnitch.ini.5 etc/man/picosnitch-plugin.7 \
	etc/man/picosnitch-store.7
EXTRA_DIST += etc/picosnitch.ini

# Installed only if there is none, as it may be somebody's own and hold passwords; removed only
# while it is the one that was shipped.
install-data-hook: install-ini
install-ini:
	$(MKDIR_P) "$(DESTDIR)$(sysconfdir)"
	test -e "$(DESTDIR)$(sysconfdir)/picosnitch.ini" || test -L "$(DESTDIR)$(sysconfdir)/picosnitch.ini" || \
	    $(INSTALL) -m 0600 "$(srcdir)/etc/picosnitch.ini" "$(DESTDIR)$(sysconfdir)/picosnitch.ini"
uninstall-hook: uninstall-ini
uninstall-ini:
	! cmp -s "$(srcdir)/etc/picosnitch.ini" "$(DESTDIR)$(sysconfdir)/picosnitch.ini" || \
	    rm -f "$(DESTDIR)$(sysconfdir)/picosnitch.ini"
.PHONY: install-ini uninstall-ini
