/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/namespaces.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"

#define SCAN_NS (60 * NS_PER_S)        /* between two looks through /proc */
#define SCAN_SOONER_NS (10 * NS_PER_S) /* when a namespace lacks a process */
#define SCAN_SHARE 1000                /* of the time, one part for looking */
#define FILE_MAX (1u << 20)

struct place {
	uint32_t netns;
	uint32_t pid; /* 0: none is known that lives in it */
	bool found;   /* by the last look through /proc */
};

struct namespaces {
	struct place places[NAMESPACES_MAX]; /* the first is our own */
	size_t n;
	struct namespace_counters counters[NAMESPACES_MAX];
	size_t n_counters;
	struct own_addresses addresses;
	bool cut, wants_addresses;
	int64_t scanned_ns, took_ns; /* CLOCK_MONOTONIC */
	struct buf text;
};

/* The namespace of a process, or 0. */
static uint32_t netns_of(uint32_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	return stat(path, &st) ? 0 : (uint32_t)st.st_ino;
}

struct namespaces *namespaces_open(void)
{
	struct namespaces *ns = mem_alloc(sizeof(*ns));

	ns->places[0] = (struct place){netns_of((uint32_t)getpid()), (uint32_t)getpid(), true};
	ns->n = 1;
	return ns;
}

void namespaces_close(struct namespaces *ns)
{
	if (!ns)
		return;
	addresses_done(&ns->addresses);
	buf_done(&ns->text);
	free(ns);
}

static struct place *place_of(struct namespaces *ns, uint32_t netns)
{
	for (size_t i = 0; i < ns->n; i++)
		if (ns->places[i].netns == netns)
			return &ns->places[i];
	if (ns->n == NAMESPACES_MAX) {
		ns->cut = true;
		return NULL;
	}
	ns->places[ns->n] = (struct place){.netns = netns};
	return &ns->places[ns->n++];
}

void namespaces_hint(struct namespaces *ns, uint32_t netns, uint32_t pid)
{
	struct place *place = netns ? place_of(ns, netns) : NULL;

	if (place && !place->pid)
		place->pid = pid;
}

/* Finds a process for each namespace, and forgets those that have none. */
static void scan(struct namespaces *ns)
{
	int64_t start = clock_monotonic_ns();
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t kept = 1;

	if (!proc)
		return;
	ns->cut = false;
	for (size_t i = 1; i < ns->n; i++)
		ns->places[i].found = false;
	while ((entry = readdir(proc))) {
		uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10), netns = pid ? netns_of(pid) : 0;
		struct place *place = netns ? place_of(ns, netns) : NULL;

		if (place && !place->found) {
			place->found = true;
			if (place != &ns->places[0])
				place->pid = pid;
		}
	}
	closedir(proc);
	for (size_t i = 1; i < ns->n; i++)
		if (ns->places[i].found)
			ns->places[kept++] = ns->places[i];
	ns->n = kept;
	ns->scanned_ns = clock_monotonic_ns();
	ns->took_ns = ns->scanned_ns - start;
}

static bool read_file(struct buf *text, uint32_t pid, const char *name)
{
	char path[64];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	text->len = 0;
	while (fd >= 0 && text->len < FILE_MAX) {
		n = read(fd, buf_add(text, 16384), 16384);
		text->len -= 16384 - (n > 0 ? (size_t)n : 0);
		if (n <= 0)
			break;
	}
	if (fd >= 0)
		close(fd);
	return fd >= 0 && n >= 0;
}

/* Whether an interface of our own namespace sends what it is given inside other packets, and the
 * kernel does that by itself: then IP counts it twice. Of other namespaces, /sys does not tell. */
static bool is_tunnel(void *arg, const char *name, size_t len)
{
	static const char *const kinds[] = {"wireguard", "vxlan", "geneve", "bareudp"};
	char path[128], text[512] = "", *end;
	ssize_t n = -1;
	int fd;

	(void)arg;
	if (len >= 32 || memchr(name, '/', len))
		return false;
	snprintf(path, sizeof(path), "/sys/class/net/%.*s/uevent", (int)len, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n > 8 && strncmp(text, "DEVTYPE=", 8) == 0) {
		end = strchr(text, '\n');
		if (end)
			*end = 0;
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
			if (strcmp(text + 8, kinds[i]) == 0)
				return true;
		return false;
	}
	/* ARPHRD_TUNNEL, TUNNEL6, SIT, IPGRE, IP6GRE */
	snprintf(path, sizeof(path), "/sys/class/net/%.*s/type", (int)len, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		switch (n > 0 ? strtol(text, NULL, 10) : 0) {
		case 768:
		case 769:
		case 776:
		case 778:
		case 823:
			return true;
		}
	}
	return false;
}

static bool read_counters(struct namespaces *ns, const struct place *place, struct counters *out)
{
	*out = (struct counters){{0}};
	for (enum counters_file file = 0; file < COUNTERS_FILES; file++) {
		/* A kernel without IPv6 has no snmp6. */
		if (!read_file(&ns->text, place->pid, counters_file_name(file)) && file != COUNTERS_SNMP6)
			return false;
		counters_parse(out, file, (char *)ns->text.data, ns->text.len, place == ns->places ? is_tunnel : NULL, NULL);
	}
	/* It may have ended, or gone elsewhere. */
	return netns_of(place->pid) == place->netns;
}

void namespaces_read(struct namespaces *ns)
{
	int64_t now = clock_monotonic_ns(), wait = SCAN_NS;

	for (size_t i = 0; i < ns->n; i++)
		if (!ns->places[i].pid)
			wait = SCAN_SOONER_NS;
	if (wait < ns->took_ns * SCAN_SHARE)
		wait = ns->took_ns * SCAN_SHARE;
	if (!ns->scanned_ns || now - ns->scanned_ns >= wait)
		scan(ns);
	ns->n_counters = 0;
	addresses_done(&ns->addresses);
	for (size_t i = 0; i < ns->n; i++) {
		struct place *place = &ns->places[i];

		if (!place->pid)
			continue;
		if (read_counters(ns, place, &ns->counters[ns->n_counters].counters))
			ns->counters[ns->n_counters++].netns = place->netns;
		else if (i)
			place->pid = 0;
		/* Of one that cannot be entered, its own addresses are not known. */
		if (ns->wants_addresses && place->pid)
			addresses_read(&ns->addresses, place->netns, i ? place->pid : 0);
	}
	buf_done(&ns->text);
}

void namespaces_want_addresses(struct namespaces *ns, bool wanted)
{
	ns->wants_addresses = wanted;
}

const struct own_addresses *namespaces_addresses(const struct namespaces *ns)
{
	return &ns->addresses;
}

const struct namespace_counters *namespaces_counters(const struct namespaces *ns, size_t *n)
{
	*n = ns->n_counters;
	return ns->counters;
}

size_t namespaces_processes(const struct namespaces *ns, struct namespace_process out[NAMESPACES_MAX])
{
	for (size_t i = 0; i < ns->n; i++)
		out[i] = (struct namespace_process){ns->places[i].netns, ns->places[i].pid};
	return ns->n;
}

bool namespaces_cut(const struct namespaces *ns)
{
	return ns->cut;
}
