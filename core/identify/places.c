/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/table.h"
#include "core/capture/cgroup_root.h"
#include "core/identify/place.h"

enum {
	GROUPS_MAX = 8192,
	PATH_LONGEST = 4096,
	ROOT_ID = 1,          /* of the root of every hierarchy */
	HANDLE_KERNFS = 0xfe, /* FILEID_KERNFS: a handle that is an id */
};

/* A group by its id, which the kernel gives once. Those that were asked for longest ago are let go. */
struct group {
	uint64_t id;
	struct place *place;
	struct group *newer, *older;
};

struct places {
	struct table groups; /* id -> struct group */
	struct table paths;  /* path -> struct place */
	struct group *oldest, *newest;
	struct place *nowhere;
	int root;        /* of the hierarchy; -1: not to be had */
	size_t root_len; /* of the path at which it is mounted */
	struct places_stats stats;
};

struct place *place_hold(struct place *place)
{
	place->refs++;
	return place;
}

void place_drop(struct places *ps, struct place *place)
{
	if (!place || --place->refs)
		return;
	table_remove(&ps->paths, place->says.cgroup.data, place->says.cgroup.len);
	free(place);
}

struct place *places_at(struct places *ps, struct ps_text path)
{
	struct place *place = table_get(&ps->paths, path.data, path.len);

	if (!place) {
		place = mem_alloc(sizeof(*place) + PLACE_ROOM(path.len));
		place_parse(&place->says, place->room, path.data, path.len);
		table_add(&ps->paths, place->says.cgroup.data, place->says.cgroup.len, place);
	}
	return place_hold(place);
}

static void unlink_group(struct places *ps, struct group *g)
{
	*(g->older ? &g->older->newer : &ps->oldest) = g->newer;
	*(g->newer ? &g->newer->older : &ps->newest) = g->older;
}

static void link_group(struct places *ps, struct group *g)
{
	g->newer = NULL;
	g->older = ps->newest;
	*(ps->newest ? &ps->newest->newer : &ps->oldest) = g;
	ps->newest = g;
}

static void forget(struct places *ps, struct group *g)
{
	unlink_group(ps, g);
	table_remove(&ps->groups, &g->id, sizeof(g->id));
	place_drop(ps, g->place);
	free(g);
}

/* Takes the reference over. */
static void remember(struct places *ps, uint64_t id, struct place *place)
{
	struct group *g = table_get(&ps->groups, &id, sizeof(id));

	if (g)
		forget(ps, g);
	g = mem_alloc(sizeof(*g));
	g->id = id;
	g->place = place;
	table_add(&ps->groups, &g->id, sizeof(g->id), g);
	link_group(ps, g);
	if (ps->groups.n > GROUPS_MAX)
		forget(ps, ps->oldest);
}

void places_made(struct places *ps, uint64_t cgroup, struct ps_text path)
{
	if (path.len)
		remember(ps, cgroup, places_at(ps, path));
}

/* The path of an open folder, as it is mounted here; its length, or -1. */
static ssize_t path_of(int fd, char *out, size_t size)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, size);
	return n > 0 && (size_t)n < size ? n : -1;
}

/* Asks the kernel for a group by its id: it opens none that is gone, or another. */
static struct place *look_up(struct places *ps, uint64_t id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} by = {.handle = {.handle_bytes = sizeof(id), .handle_type = HANDLE_KERNFS}};
	struct place *place = NULL;
	char path[PATH_LONGEST];
	ssize_t n;
	int fd;

	ps->stats.asked++;
	memcpy(by.handle.f_handle, &id, sizeof(id));
	fd = ps->root < 0 ? -1 : open_by_handle_at(ps->root, &by.handle, O_PATH | O_CLOEXEC);
	if (fd >= 0) {
		n = path_of(fd, path, sizeof(path));
		if (n == (ssize_t)ps->root_len)
			place = places_at(ps, (struct ps_text){"/", 1});
		else if (n > (ssize_t)ps->root_len && path[ps->root_len] == '/')
			place = places_at(ps, (struct ps_text){path + ps->root_len, (uint32_t)((size_t)n - ps->root_len)});
		close(fd);
	}
	if (place)
		return place;
	ps->stats.unknown++;
	return place_hold(ps->nowhere);
}

struct place *places_of(struct places *ps, uint64_t cgroup)
{
	struct group *g = table_get(&ps->groups, &cgroup, sizeof(cgroup));

	if (!g) {
		remember(ps, cgroup, look_up(ps, cgroup));
		g = ps->newest;
	} else if (g != ps->newest) {
		unlink_group(ps, g);
		link_group(ps, g);
	}
	return place_hold(g->place);
}

struct places *places_open(void)
{
	struct places *ps = mem_alloc(sizeof(*ps));
	char path[PATH_LONGEST];
	struct stat st;
	ssize_t n;

	ps->root = cgroup_root_open();
	n = ps->root >= 0 ? path_of(ps->root, path, sizeof(path)) : -1;
	/* In a namespace of groups the paths would be others than those that the kernel tells. */
	if (n < 0 || fstat(ps->root, &st) || st.st_ino != ROOT_ID) {
		if (ps->root >= 0)
			close(ps->root);
		ps->root = -1;
	}
	ps->root_len = n > 1 ? (size_t)n : 0;
	ps->nowhere = places_at(ps, (struct ps_text){"", 0});
	return ps;
}

void places_close(struct places *ps)
{
	while (ps->oldest)
		forget(ps, ps->oldest);
	place_drop(ps, ps->nowhere);
	table_done(&ps->groups);
	table_done(&ps->paths);
	if (ps->root >= 0)
		close(ps->root);
	free(ps);
}

void places_get_stats(const struct places *ps, struct places_stats *stats)
{
	*stats = ps->stats;
	stats->groups = ps->groups.n;
	stats->places = ps->paths.n;
}
