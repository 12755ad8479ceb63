/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GET /api/v1/events: new and changed programs, losses, verdicts; the latest first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/dash/answer.h"

enum { EVENTS = 100, EVENTS_MAX = 1000 };

struct event {
	int64_t time;
	size_t order;
	json_t *object;
};

struct events {
	struct event *list;
	size_t n, room, limit, text;
	int more;
	uint32_t kind;  /* that is being told, ... */
	size_t of_kind; /* ... and how many of it */
};

static json_t *number_or_word(enum ps_dimension d, int64_t number)
{
	char text[24];

	return json_value(d, (struct ps_text){text, (uint32_t)snprintf(text, sizeof(text), "%lld", (long long)number)});
}

static json_t *program(const struct ps_answer_event *e)
{
	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
	                 "kind", "program", "time", (json_int_t)e->start, "event", json_text(e->what), "role",
	                 json_text(e->role), "exe", json_text(e->exe), "name", json_text(e->name), "cmdline",
	                 json_text(e->cmdline), "script", json_text(e->script), "sha256", json_text(e->sha256), "previous",
	                 json_text(e->previous), "pexe", json_text(e->parent), "gpexe", json_text(e->grandparent), "unit",
	                 json_text(e->unit), "container", json_text(e->container), "host", json_text(e->host), "uid",
	                 number_or_word(PS_BY_UID, e->uid), "expected", e->expected, "text", json_text(e->text));
}

static json_t *loss(const struct ps_answer_event *e)
{
	return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", "loss", "time", (json_int_t)e->start,
	                 "until", (json_int_t)e->end, "stage", json_text(e->what), "count", json_count(e->count), "sent",
	                 json_count(e->sent), "received", json_count(e->received), "host", json_text(e->host), "text",
	                 json_text(e->text));
}

static json_t *verdict(const struct ps_answer_event *e)
{
	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", "verdict",
	                 "time", (json_int_t)e->start, "sha256", json_text(e->sha256), "verdict", json_text(e->what),
	                 "previous", json_text(e->previous), "service", json_text(e->service), "malicious",
	                 json_count(e->malicious), "suspicious", json_count(e->suspicious), "harmless",
	                 json_count(e->harmless), "undetected", json_count(e->undetected), "exe", json_text(e->exe), "host",
	                 json_text(e->host), "text", json_text(e->text), "link", json_text(e->link));
}

static int take_event(void *arg, const struct ps_answer_event *e)
{
	struct events *events = arg;
	size_t text =
	    (size_t)e->exe.len + e->cmdline.len + e->text.len + e->parent.len + e->grandparent.len + e->script.len;

	if (events->kind != (uint32_t)e->kind) {
		events->kind = (uint32_t)e->kind;
		events->of_kind = 0;
	}
	/* Of each kind one more than is wanted came: so it is known that there are more. */
	if (events->of_kind == events->limit || text > ANSWER_TEXT_MAX - events->text) {
		events->more = 1;
		return 1;
	}
	events->of_kind++;
	events->text += text;
	if (events->n == events->room) {
		events->room = events->room ? 2 * events->room : 64;
		events->list = mem_resize(events->list, events->room * sizeof(*events->list));
	}
	events->list[events->n] = (struct event){e->start, events->n,
	                                         e->kind == PS_PROGRAM ? program(e)
	                                         : e->kind == PS_ALERT ? loss(e)
	                                                               : verdict(e)};
	events->n++;
	return 0;
}

static int latest_first(const void *one, const void *two)
{
	const struct event *a = one, *b = two;

	if (a->time != b->time)
		return a->time > b->time ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static int read_kinds(struct asking *a, struct ask *ask)
{
	const char *why = "";
	int given = 0;

	for (size_t i = 0; i < a->target->n; i++) {
		if (strcmp(a->target->parameters[i].name, "kind") != 0)
			continue;
		given = 1;
		if (ask_put(ask, "events", a->target->parameters[i].value, &why) < 0) {
			reply_error(a->reply, MHD_HTTP_BAD_REQUEST, why);
			return -EINVAL;
		}
	}
	return given ? 0 : ask_put(ask, "events", "program,loss,verdict", &why);
}

void answer_events(struct asking *a)
{
	struct events events = {0};
	struct ps_answer to = {.arg = &events, .event = take_event};
	struct ask ask;
	unsigned limit;

	if (answer_read(a, &ask, "f x last from to", "kind limit") == 0 && read_kinds(a, &ask) == 0 &&
	    answer_read_end(a, &ask) == 0 && answer_number(a, "limit", EVENTS, 1, EVENTS_MAX, &limit) == 0) {
		json_t *list = json_array();

		events.limit = limit;
		ask.question.limit = limit + 1;
		if (answer_ask(a, &ask.question, &to) == 0) {
			if (events.n)
				qsort(events.list, events.n, sizeof(*events.list), latest_first);
			for (size_t i = 0; i < events.n && i < limit; i++)
				json_array_append(list, events.list[i].object);
			json_put_new(&a->reply->body,
			             json_pack("{s:O, s:b}", "events", list, "more", events.more || events.n > limit));
		}
		json_decref(list);
		for (size_t i = 0; i < events.n; i++)
			json_decref(events.list[i].object);
		free(events.list);
	}
	ask_done(&ask);
}
