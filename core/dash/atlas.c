/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/atlas.h"
#include "core/geoip/wanted.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"

#define LOOK_NS (60 * NS_PER_S)

struct edition {
	LIST_ENTRY(edition) entry;
	struct country *db;
	struct stat file;
	unsigned owners;
};

struct atlas {
	pthread_mutex_t lock;
	const struct settings *settings;
	LIST_HEAD(, edition) editions;
	struct edition *now;
	int64_t looked_ns;
};

struct atlas *atlas_new(const struct settings *settings)
{
	struct atlas *a = mem_alloc(sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	LIST_INIT(&a->editions);
	a->settings = settings;
	return a;
}

/* With the lock. */
static void leave(struct edition *e)
{
	if (!e || --e->owners)
		return;
	LIST_REMOVE(e, entry);
	country_close(e->db);
	free(e);
}

static void look(struct atlas *a)
{
	char why[COUNTRY_WHY] = "", *path = country_wanted(a->settings);
	struct stat file = {0};
	struct country *db;

	a->looked_ns = clock_monotonic_ns();
	if (!path || stat(path, &file) < 0 ||
	    (a->now && file.st_ino == a->now->file.st_ino && file.st_dev == a->now->file.st_dev &&
	     file.st_mtime == a->now->file.st_mtime)) {
		free(path);
		return;
	}
	free(path);
	db = country_open_wanted(a->settings, why);
	if (!db) {
		log_debug("countries: %s", why);
		return;
	}
	leave(a->now);
	a->now = mem_alloc(sizeof(*a->now));
	*a->now = (struct edition){.db = db, .file = file, .owners = 1};
	LIST_INSERT_HEAD(&a->editions, a->now, entry);
}

const struct country *atlas_take(struct atlas *a)
{
	const struct country *db = NULL;

	pthread_mutex_lock(&a->lock);
	if (!a->looked_ns || clock_monotonic_ns() - a->looked_ns > LOOK_NS)
		look(a);
	if (a->now) {
		a->now->owners++;
		db = a->now->db;
	}
	pthread_mutex_unlock(&a->lock);
	return db;
}

void atlas_leave(struct atlas *a, const struct country *db)
{
	struct edition *e;

	pthread_mutex_lock(&a->lock);
	LIST_FOREACH(e, &a->editions, entry)
	if (e->db == db)
		break;
	leave(e);
	pthread_mutex_unlock(&a->lock);
}

void atlas_free(struct atlas *a)
{
	leave(a->now);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
