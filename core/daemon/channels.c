/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/channels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"

enum { KNOWN_MAX = 256, DEVICES_SIZE = 16384 };

static const char xdp[] = "an AF_XDP socket", vfio[] = "a device handed over by VFIO",
                  uio[] = "a device handed over by UIO", verbs[] = "RDMA verbs of InfiniBand or RoCE";

/* A program that has channels of a kind open. */
struct known {
	struct wire_image image;
	const char *kind; /* as channels_kind() gives it: the same pointer for the same kind */
	bool open;        /* at the last look */
	bool told;
};

struct channels {
	struct probe *probe;
	struct processes *processes;
	struct losses *losses;
	struct known known[KNOWN_MAX];
	size_t n;
	uint64_t more; /* found no room at the last look */
	int error;     /* of the last look */
	bool more_told;
	int error_told;
	char devices[DEVICES_SIZE]; /* /proc/devices: majors come with modules */
};

/* ---- what is one ---- */

const char *channels_kind(const struct wire_channel *channel, const char *devices)
{
	static const struct {
		const char *name, *kind;
	} kinds[] = {{"vfio", vfio}, {"vfio-dev", vfio}, {"uio", uio}, {"infiniband_verbs", verbs}};
	unsigned major = channel->device >> 20, minor = channel->device & 0xfffff, listed;
	char name[64];
	int len;

	if (channel->family == AF_XDP)
		return xdp;
	if (major == 10 && minor == 196) /* /dev/vfio/vfio */
		return vfio;
	/* Ends at the title of the block devices, which have numbers of their own. */
	for (const char *at = strchr(devices, '\n'); at && sscanf(at, " %u %63s%n", &listed, name, &len) == 2; at += len)
		for (size_t i = 0; listed == major && i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (strcmp(name, kinds[i].name) == 0)
				return kinds[i].kind;
	return NULL;
}

/* ---- the look ---- */

static void read_devices(struct channels *c)
{
	int fd = open("/proc/devices", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	while (fd >= 0 && len < DEVICES_SIZE - 1 && (n = read(fd, c->devices + len, DEVICES_SIZE - 1 - len)) > 0)
		len += (size_t)n;
	c->devices[len] = 0;
	if (fd >= 0)
		close(fd);
}

static void on_channel(void *arg, const struct wire_channel *channel)
{
	struct channels *c = arg;
	const char *kind = channels_kind(channel, c->devices);
	size_t i = 0;

	if (!kind)
		return;
	while (i < c->n &&
	       (c->known[i].kind != kind || memcmp(&c->known[i].image, &channel->image, sizeof(channel->image)) != 0))
		i++;
	if (i == KNOWN_MAX) {
		c->more++;
		return;
	}
	if (i == c->n)
		c->known[c->n++] = (struct known){.image = channel->image, .kind = kind};
	c->known[i].open = true;
}

void channels_look(struct channels *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++)
		c->known[i].open = false;
	c->more = 0;
	read_devices(c);
	c->error = probe_channels(c->probe, on_channel, c);
	for (size_t i = 0; i < c->n; i++)
		if (c->known[i].open || c->error)
			c->known[kept++] = c->known[i];
	c->n = kept;
}

/* ---- the telling ---- */

static void tell(struct channels *c, const struct known *k)
{
	struct lineage who;
	char path[512];

	processes_find(c->processes, &k->image, &who);
	text_show(path, sizeof(path), who.self->path.len ? who.self->path : who.self->name, PS_SHOW_PATH);
	losses_add(c->losses, PS_STAGE_CHANNEL, 1, 0, 0, "%s (pid %u) has opened %s: what it moves that way is not seen",
	           *path ? path : "an unknown program", k->image.tgid, k->kind);
	lineage_drop(c->processes, &who);
}

void channels_tell(struct channels *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!c->known[i].told)
			tell(c, &c->known[i]);
		c->known[i].told = true;
	}
	if (c->more && !c->more_told)
		losses_add(c->losses, PS_STAGE_CHANNEL, c->more, 0, 0,
		           "more than %d programs have channels open that are not seen: further ones are not named", KNOWN_MAX);
	c->more_told = c->more != 0;
	if (c->error && c->error != c->error_told)
		losses_add(c->losses, PS_STAGE_CHANNEL, 1, 0, 0,
		           "open files cannot be listed (%s): AF_XDP sockets and devices handed to programs go unnoticed",
		           strerror(-c->error));
	c->error_told = c->error;
}

/* ---- life ---- */

struct channels *channels_open(struct probe *probe, struct processes *processes, struct losses *losses)
{
	struct channels *c = mem_alloc(sizeof(*c));

	c->probe = probe;
	c->processes = processes;
	c->losses = losses;
	return c;
}

void channels_close(struct channels *c)
{
	free(c);
}
