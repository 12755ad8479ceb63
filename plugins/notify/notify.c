/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The notify plugin: tells a desktop user at once of new and changed programs, suspicious verdicts and errors. It runs
 * as that user, once for each who is there.
 *
 * A message is shown at once; what comes while it is young is added to it, and it is shown again in its place. What was
 * taken and not shown yet is in memory only, for `coalesce` at most.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "plugins/notify/bus.h"
#include "plugins/notify/toast.h"

#define BURST 3 /* messages at once, before `rate` counts */
#define RETRY_MS 5000
#define RETRY_MAX_MS 60000
#define NAME_MAX_BYTES 4096

enum { PROGRAMS, ERRORS, TOASTS };

struct notify {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	struct bus bus;
	char address[256];
	int64_t coalesce_ms, every_ms;
	struct toast toasts[TOASTS];
	int64_t allowance_ms; /* messages that may be begun, in time that they take of it */
	int64_t allowed_at_ms;
	int64_t retry_at_ms, retry_ms;
	uint8_t boot[PS_ID_SIZE];
	uint64_t seq; /* of the batch that was taken last */
	uint64_t shown, told, muted, expected;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what is told ---- */

/* A name, a path, a folder that ends with a slash, or a pattern. */
static bool matches(const char *word, size_t len, struct ps_text text)
{
	char pattern[NAME_MAX_BYTES], subject[NAME_MAX_BYTES];

	if (len == text.len && memcmp(word, text.data, len) == 0)
		return true;
	if (len && word[len - 1] == '/' && len < text.len && memcmp(word, text.data, len) == 0)
		return true;
	if (len >= sizeof(pattern) || text.len >= sizeof(subject) || !memchr(word, '*', len))
		return false;
	memcpy(pattern, word, len);
	pattern[len] = 0;
	memcpy(subject, text.data, text.len);
	subject[text.len] = 0;
	return fnmatch(pattern, subject, FNM_NOESCAPE) == 0;
}

static bool is_muted(struct notify *n, const struct ps_exe *exe)
{
	static const char between[] = ", \t";

	for (const char *s = n->host->text(n->ctx, "mute"); *s;) {
		size_t len = strcspn(s, between);

		if (len && (matches(s, len, exe->name) || matches(s, len, exe->path) ||
		            (exe->script.len && matches(s, len, exe->script))))
			return true;
		s += len;
		s += strspn(s, between);
	}
	return false;
}

/* The message that this is to go into: the one that is there, or another if that has been quiet for a while and so
 * many are allowed. */
static struct toast *toast_for(struct notify *n, int which, int64_t now)
{
	struct toast *t = &n->toasts[which];

	if (t->dirty || (t->last_ms && now - t->last_ms < n->coalesce_ms))
		return t;
	n->allowance_ms += now - n->allowed_at_ms;
	n->allowed_at_ms = now;
	if (n->allowance_ms > BURST * n->every_ms)
		n->allowance_ms = BURST * n->every_ms;
	if (t->last_ms && n->allowance_ms < n->every_ms)
		return t;
	n->allowance_ms -= n->every_ms;
	toast_begin(t);
	return t;
}

static enum toast_what what_of(const struct ps_program *p)
{
	switch (p->event) {
	case PS_PROGRAM_NEW_EXE:
		return TOAST_NEW;
	case PS_PROGRAM_NEW_NAME:
		return TOAST_NAME;
	case PS_PROGRAM_NEW_HASH:
		return TOAST_CHANGED;
	default:
		return TOAST_REPLACED;
	}
}

static void take_program(struct notify *n, const struct ps_batch *b, const struct ps_program *p, int64_t now)
{
	if (p->expected)
		n->expected++;
	else if (is_muted(n, &b->exes[p->exe]))
		n->muted++;
	else
		n->told += toast_add(toast_for(n, PROGRAMS, now), what_of(p), b->texts[p->text], now);
}

/* A sink that is away and one that is back, or the configuration that was read, are no errors. */
static bool is_error(const struct ps_alert *a)
{
	return a->count || a->sent || a->received || (a->stage != PS_STAGE_SINK && a->stage != PS_STAGE_CONFIG);
}

static void take(struct notify *n, const struct ps_batch *b, int64_t now)
{
	for (uint32_t i = 0; i < b->n_records; i++) {
		const struct ps_record *r = &b->records[i];

		if (r->kind == PS_PROGRAM)
			take_program(n, b, &r->program, now);
		else if (r->kind == PS_ALERT)
			n->told += toast_add(toast_for(n, ERRORS, now), is_error(&r->alert) ? TOAST_ERROR : TOAST_NEWS,
			                     b->texts[r->alert.text], now);
		else if (r->kind == PS_VERDICT && r->finding.state == PS_FINDING_SUSPICIOUS)
			n->told += toast_add(toast_for(n, ERRORS, now), TOAST_VERDICT, b->texts[r->finding.text], now);
	}
}

/* ---- showing it ---- */

/* When it is to be shown; -1: never. */
static int64_t due_at(const struct notify *n, const struct toast *t)
{
	if (!t->dirty)
		return -1;
	return t->shown_ms ? t->shown_ms + n->coalesce_ms : 0;
}

static int show(struct notify *n, struct toast *t, int64_t now)
{
	char headline[256], body[TOAST_TEXT];
	struct bus_message m = {.summary = headline, .body = body, .urgency = toast_urgency(t)};
	int err = bus_ready(&n->bus, n->address);

	if (err)
		return err;
	toast_headline(t, headline, sizeof(headline));
	toast_body(t, n->bus.markup, body, sizeof(body));
	m.icon = m.urgency == 2 ? "security-low" : "security-medium";
	m.replaces = t->server == n->bus.servers ? t->id : 0;
	err = bus_notify(&n->bus, &m, &t->id);
	if (err)
		return err;
	t->server = n->bus.servers;
	t->shown_ms = now;
	t->dirty = false;
	n->shown++;
	return 0;
}

/* All that is due; with `all`, what is not due yet as well. */
static int show_due(struct notify *n, bool all)
{
	int64_t now = now_ms();
	int err = 0;

	for (int i = 0; i < TOASTS && !err; i++) {
		int64_t at = due_at(n, &n->toasts[i]);

		if (at >= 0 && (all || at <= now))
			err = show(n, &n->toasts[i], now);
	}
	return err;
}

static enum ps_verdict away(struct notify *n)
{
	n->host->why(n->ctx, "%s", n->bus.why);
	return PS_AWAY;
}

static enum ps_verdict sink_write(void *self, const struct ps_batch *b)
{
	struct notify *n = self;
	struct notify *before;

	if (n->seq == b->seq && memcmp(n->boot, b->boot, PS_ID_SIZE) == 0)
		return PS_STORED;
	before = mem_copy(n, sizeof(*n));
	take(n, b, now_ms());
	if (show_due(n, false)) {
		/* It comes again: what is in it is not told yet. */
		before->bus = n->bus;
		*n = *before;
		free(before);
		return away(n);
	}
	free(before);
	n->seq = b->seq;
	memcpy(n->boot, b->boot, PS_ID_SIZE);
	return PS_STORED;
}

static int64_t sink_idle(void *self)
{
	struct notify *n = self;
	int64_t now = now_ms(), next = -1;

	if (now < n->retry_at_ms)
		return n->retry_at_ms - now;
	if (show_due(n, false)) {
		n->retry_ms = n->retry_ms ? 2 * n->retry_ms : RETRY_MS;
		if (n->retry_ms > RETRY_MAX_MS)
			n->retry_ms = RETRY_MAX_MS;
		n->retry_at_ms = now_ms() + n->retry_ms;
		return n->retry_ms;
	}
	n->retry_ms = 0;
	now = now_ms();
	for (int i = 0; i < TOASTS; i++) {
		int64_t at = due_at(n, &n->toasts[i]);

		if (at >= 0 && (next < 0 || at - now < next))
			next = at > now ? at - now : 0;
	}
	return next;
}

static void sink_stats(void *self, char *out, size_t size)
{
	const struct notify *n = self;

	snprintf(out, size, "%llu messages shown, of %llu things; %llu muted, %llu expected", (unsigned long long)n->shown,
	         (unsigned long long)n->told, (unsigned long long)n->muted, (unsigned long long)n->expected);
}

static enum ps_verdict sink_open(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	const char *address = host->text(ctx, "bus");
	struct notify *n;

	if (!getuid() || !geteuid()) {
		host->why(ctx, "root has no business on a session bus");
		return PS_MISCONFIGURED;
	}
	n = mem_alloc(sizeof(*n));
	n->host = host;
	n->ctx = ctx;
	if (*address)
		snprintf(n->address, sizeof(n->address), "%s", address);
	else
		snprintf(n->address, sizeof(n->address), "unix:path=/run/user/%u/bus", (unsigned)getuid());
	n->coalesce_ms = host->number(ctx, "coalesce");
	n->every_ms = 60000 / host->number(ctx, "rate");
	n->allowance_ms = BURST * n->every_ms;
	n->allowed_at_ms = now_ms();
	if (bus_ready(&n->bus, n->address)) {
		host->why(ctx, "%s", n->bus.why);
		free(n);
		return PS_AWAY;
	}
	*self = n;
	return PS_STORED;
}

static void sink_close(void *self)
{
	struct notify *n = self;

	show_due(n, true);
	bus_close(&n->bus);
	free(n);
}

static const struct ps_option options[] = {
    {.key = "user",
     .type = PS_OPTION_USERS,
     .fallback = "auto",
     .help = "auto: whoever has an active session at this machine; or the names of users"},
    {.key = "mute",
     .type = PS_OPTION_TEXT,
     .fallback = "",
     .help = "programs that nobody is told of: names, paths, folders that end with /, patterns with *"},
    {.key = "coalesce",
     .type = PS_OPTION_DURATION,
     .fallback = "5 s",
     .max = 3600000,
     .help = "what comes within this time goes into one message, which is shown again no sooner"},
    {.key = "rate",
     .type = PS_OPTION_INT,
     .fallback = "6",
     .min = 1,
     .max = 600,
     .help = "new messages a minute; what is beyond is added to the one before"},
    {.key = "bus",
     .type = PS_OPTION_TEXT,
     .fallback = "",
     .help = "D-Bus address of the session bus; unix:path=/run/user/UID/bus if left out"},
    {0},
};

static const struct ps_sink sink = {
    .kinds = PS_PROGRAM | PS_VERDICT | PS_ALERT,
    .open = sink_open,
    .write = sink_write,
    .idle = sink_idle,
    .stats = sink_stats,
    .close = sink_close,
};

PS_EXPORT const struct ps_plugin ps_plugin = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(struct ps_plugin),
    .name = "notify",
    .about = "messages to desktop users",
    .options = options,
    .sink = &sink,
};
