# SPDX-License-Identifier: GPL-3.0-or-later
# The page: one script, one style sheet and the page itself, which the dash embeds by their manifest.
page_sources = \
	core/dash/web/build.mjs core/dash/web/index.html core/dash/web/palettes.txt core/dash/web/style.css core/dash/web/themes.css \
	core/dash/web/src/alerts.ts core/dash/web/src/api.ts core/dash/web/src/cells.ts core/dash/web/src/chart.ts core/dash/web/src/colours.ts \
	core/dash/web/src/controls.ts core/dash/web/src/dom.ts core/dash/web/src/explore.ts core/dash/web/src/format.ts \
	core/dash/web/src/happenings.ts core/dash/web/src/keys.ts core/dash/web/src/live.ts core/dash/web/src/main.ts \
	core/dash/web/src/moment.ts core/dash/web/src/overview.ts core/dash/web/src/program.ts core/dash/web/src/shell.ts \
	core/dash/web/src/spark.ts core/dash/web/src/state.ts core/dash/web/src/sums.ts core/dash/web/src/table.ts core/dash/web/src/themes.ts \
	core/dash/web/src/tops.ts core/dash/web/src/view.ts core/dash/web/src/wanted.ts
page_packages = core/dash/web/package.json core/dash/web/package-lock.json
page_tests = core/dash/web/test/page.test.ts core/dash/web/tsconfig.json
EXTRA_DIST += $(page_sources) $(page_packages) $(page_tests)

if DASH
BUILT_SOURCES += core/dash/assets/manifest.h
if PAGE_SHIPPED
core/dash/assets/manifest.h: $(top_srcdir)/core/dash/web/built/manifest.h
	$(AM_V_GEN)$(MKDIR_P) core/dash/assets && rm -f core/dash/assets/* && cp $(top_srcdir)/core/dash/web/built/* core/dash/assets && touch $@
else
# What is in the lock file, and nothing else: its digests are compared, and nothing of it is run to install it.
core/dash/web/npm/.got: $(page_packages)
	$(AM_V_GEN)$(MKDIR_P) core/dash/web/npm && rm -f $@ && \
	for file in package.json package-lock.json; do cp -f $(abs_top_srcdir)/core/dash/web/$$file core/dash/web/npm/; done && \
	(cd core/dash/web/npm && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1 || { cat npm.log >&2; \
	echo "npm cannot get what the page of the dash is built with: --disable-dash leaves it out, a release has it made" >&2; exit 1; }) && \
	touch $@
core/dash/assets/manifest.h: $(page_sources) core/dash/web/npm/.got
	$(AM_V_GEN)cd core/dash/web/npm && $(NODE) $(abs_top_srcdir)/core/dash/web/build.mjs page $(abs_top_builddir)/core/dash/assets core/dash/assets
endif
endif

# A release has the page made, so that it is built without npm.
dist-hook: dist-page
if DASH
page_made = core/dash/assets/manifest.h
else
page_made =
endif
dist-page: $(page_made)
	if test -f core/dash/assets/manifest.h; then \
	    $(MKDIR_P) $(distdir)/core/dash/web/built && cp core/dash/assets/* $(distdir)/core/dash/web/built; \
	else echo "warning: this release is without the page of the dash" >&2; fi
clean-local: clean-page
clean-page:
	rm -rf core/dash/assets core/dash/web/npm
.PHONY: dist-page clean-page
