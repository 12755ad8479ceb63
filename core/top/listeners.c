/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/top/listeners.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/count.h"
#include "core/base/mem.h"
#include "core/top/feed_line.h"

static char *text_of(const json_t *line, const char *key)
{
	struct buf text;

	buf_init(&text);
	feed_line_text(line, key, &text);
	return (char *)text.data;
}

static void forget(const char *text)
{
	free((char *)(uintptr_t)text);
}

static void empty(struct listener_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		forget(list->of[i].shown.exe);
		forget(list->of[i].shown.name);
		forget(list->of[i].shown.protocol);
		forget(list->of[i].shown.addr);
		forget(list->of[i].shown.place);
	}
	list->n = 0;
	list->more = 0;
}

/* ---- a line ---- */

static char *protocol_of(const json_t *line)
{
	char text[FEED_LINE_PROTOCOL_SIZE];

	feed_line_protocol(line, text);
	return mem_strdup(feed_line_number(line, "family") == AF_VSOCK ? "vsock" : text);
}

/* The container, as units in it are its own business; else the unit. */
static char *place_of(const json_t *line)
{
	char *container = text_of(line, "container");

	if (*container)
		return container;
	free(container);
	return text_of(line, "unit");
}

void listeners_add(struct listeners *l, const json_t *line)
{
	struct listener *to;

	if (l->coming.n >= l->most) {
		l->coming.more++;
		return;
	}
	to = &l->coming.of[l->coming.n++];
	feed_line_program_key(line, to->program);
	to->shown = (struct top_listener){
	    .exe = text_of(line, "exe"),
	    .name = text_of(line, "name"),
	    .protocol = protocol_of(line),
	    .addr = text_of(line, "laddr"),
	    .place = place_of(line),
	    .family = feed_line_number(line, "family"),
	    .port = feed_line_number(line, "lport"),
	    .netns = feed_line_number(line, "netns"),
	    .uid = feed_line_number(line, "uid"),
	    .pid = feed_line_number(line, "pid"),
	    .socket = feed_line_number(line, "socket"),
	};
}

/* ---- a look ---- */

static int number_order(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_port(const void *first, const void *second)
{
	const struct top_listener *a = &((const struct listener *)first)->shown;
	const struct top_listener *b = &((const struct listener *)second)->shown;
	int order = number_order(a->port, b->port);

	if (!order)
		order = strcmp(a->protocol, b->protocol);
	if (!order)
		order = number_order(a->netns, b->netns);
	if (!order)
		order = number_order(a->family, b->family);
	if (!order)
		order = strcmp(a->addr, b->addr);
	return order ? order : number_order(a->pid, b->pid);
}

void listeners_turn(struct listeners *l, const json_t *line)
{
	struct listener_list old = l->whole;
	int64_t host = feed_line_number(line, "host_netns");
	uint64_t more = feed_line_count(line, "more");
	char *error = text_of(line, "error");

	free(l->error);
	l->error = error;
	l->whole = l->coming;
	l->coming = old;
	empty(&l->coming);
	l->whole.more = count_add(l->whole.more, more);
	for (size_t i = 0; i < l->whole.n; i++)
		if (l->whole.of[i].shown.netns == host)
			l->whole.of[i].shown.netns = -1;
	if (l->whole.n)
		qsort(l->whole.of, l->whole.n, sizeof(*l->whole.of), by_port);
}

void listeners_clear(struct listeners *l)
{
	empty(&l->whole);
	empty(&l->coming);
	free(l->error);
	l->error = NULL;
}

/* ---- life ---- */

void listeners_init(struct listeners *l, size_t most)
{
	*l = (struct listeners){.most = most};
	l->whole.of = mem_alloc(most * sizeof(*l->whole.of));
	l->coming.of = mem_alloc(most * sizeof(*l->coming.of));
}

void listeners_done(struct listeners *l)
{
	listeners_clear(l);
	free(l->whole.of);
	free(l->coming.of);
}
