/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch import, of databases: as the user that sinks run as, through the sink of the store. */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/cli/cli.h"
#include "core/cli/import.h"
#include "core/cli/store.h"
#include "core/daemon/pidfile.h"
#include "core/delivery/confine.h"
#include "core/import/transfer.h"

enum { PATIENCE_MS = 60000, PAUSE_MS = 25 };

/* One file's. */
struct work {
	struct cli_store *store;
	const char *name;
	bool progress, pause;
	int64_t next_ns;
};

static int on_write(void *arg, const struct ps_batch *batch, char why[OLD_WHY])
{
	struct work *w = arg;
	int err = cli_store_write(w->store, batch, PATIENCE_MS);

	if (err)
		snprintf(why, OLD_WHY, "%s", cli_store_why(w->store));
	/* The daemon's sink looks at the lock every 20 ms. */
	if (w->pause)
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * NS_PER_MS}, NULL);
	return err;
}

static void on_progress(void *arg, int64_t at, int64_t last)
{
	struct work *w = arg;

	if (!w->progress || clock_monotonic_ns() < w->next_ns)
		return;
	w->next_ns = clock_monotonic_ns() + NS_PER_S / 5;
	if (last > 0 && at > 0 && at <= last)
		fprintf(stderr, "\r\033[K%s: row %" PRId64 " of %" PRId64 " (%d %%)", w->name, at, last,
		        (int)((double)at / (double)last * 100));
	else
		fprintf(stderr, "\r\033[K%s: row %" PRId64, w->name, at);
}

/* Root becomes the user that sinks run as; whoever else it is stays that. For good. */
static bool give_up_rights(uid_t uid, gid_t gid, int last_fd)
{
	char uid_text[16], gid_text[16], why[TRUST_WHY];
	bool root = geteuid() == 0;

	snprintf(uid_text, sizeof(uid_text), "%u", uid);
	snprintf(gid_text, sizeof(gid_text), "%u", gid);
	if (root && (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))) {
		log_error("user %u: %s", uid, strerror(errno));
		return false;
	}
	if (confine(root ? uid_text : NULL, root ? gid_text : NULL, last_fd, why)) {
		log_error("%s", why);
		return false;
	}
	return true;
}

/* Who the store belongs to. */
static bool find_owner(const struct settings *s, uid_t *uid, gid_t *gid)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(s->core.user) : NULL;

	*uid = user ? user->pw_uid : geteuid();
	*gid = user ? user->pw_gid : getegid();
	if (geteuid() == 0 && !user)
		log_error("[core] user: there is no user %s", s->core.user);
	return *uid || user;
}

static int last_of(const struct old_file *files, size_t n)
{
	int last = STDERR_FILENO;

	for (size_t i = 0; i < n; i++) {
		last = files[i].fd > last ? files[i].fd : last;
		last = files[i].wal > last ? files[i].wal : last;
	}
	return last;
}

static bool import_database(struct work *w, const struct import_options *o, const struct old_file *file,
                            struct report *report)
{
	int64_t retention = cli_store_number(w->store, "retention"), now = clock_wall_ns() / NS_PER_S;
	struct transfer t = {
	    .store = cli_store_text(w->store, "file"),
	    .write = o->dry ? NULL : on_write,
	    .progress = on_progress,
	    .arg = w,
	    .now_s = now,
	    .cutoff_s = retention ? now - retention / 1000 : INT64_MIN,
	};
	char why[OLD_WHY];
	struct old_db *db = old_db_open(file, report, why);

	if (!db) {
		log_error("%s: %s", file->name, why);
		return false;
	}
	transfer_run(&t, db, report);
	if (w->progress)
		fputs("\r\033[K", stderr);
	old_db_close(db);
	if (old_file_changed(file))
		report_trouble(report, "it was changed while it was read: stop the older picosnitch, and import it again");
	return true;
}

static bool open_store(struct cli_store *store, const struct import_options *o, const struct old_file *files, size_t n)
{
	uid_t uid;
	gid_t gid;

	if (cli_store_load(store, cli.config, o->store, NULL) < 0)
		return false;
	if (!store->plugin->sink || !*cli_store_text(store, "file") || strcmp(store->plugin->name, "sqlite") != 0)
		log_error("[sink %s] has no store of SQLite, the only one that rows can be imported into", o->store);
	else if (find_owner(cli_store_settings(store), &uid, &gid) && (o->dry || !cli_store_prepare(store, uid, gid)) &&
	         give_up_rights(uid, gid, last_of(files, n)) && (o->dry || !cli_store_open_sink(store)))
		return true;
	cli_store_close(store);
	return false;
}

bool import_databases(const struct import_options *o, const struct old_file *files, struct report *reports, size_t n)
{
	struct settings *paths = cli_load_paths();
	struct cli_store store;
	bool runs, done = true;

	if (!paths)
		return false;
	runs = pidfile_find(paths->paths.run) > 0;
	settings_free(paths);
	if (!open_store(&store, o, files, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		char *name = mem_strdup(files[i].name);
		struct work w = {.store = &store, .name = name, .progress = isatty(STDERR_FILENO) && !o->json, .pause = runs};

		text_clean(name, strlen(name));
		done &= import_database(&w, o, &files[i], &reports[i]);
		free(name);
	}
	cli_store_close(&store);
	return done;
}
