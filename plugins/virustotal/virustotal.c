/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The virustotal plugin: asks VirusTotal's API, version 3, for the SHA-256s of programs and scripts. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "plugins/virustotal/answer.h"
#include "plugins/virustotal/queue.h"

#define LINK "https://www.virustotal.com/gui/file/"

enum {
	TELL_AT_ONCE = 64,
	LOOK_MS = 1000,       /* for what is new */
	TELL_AGAIN_MS = 5000, /* what the core did not want */
	ANALYSIS_S = 600,     /* until one that is under way is asked for again */
	RETRY_S = 60,         /* a hash that failed; doubled each time, up to ... */
	RETRY_MOST_S = 6 * 3600,
	AWAY_MOST_S = 600, /* the service; likewise, from the interval on */
	LIMIT_S = 60,      /* too many requests, and it was not said how long to wait; likewise */
	LIMIT_MOST_S = 86400,
	DAY_S = 86400,
};

struct virustotal {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	struct queue *queue;
	struct api *api; /* NULL: there is no key */
	struct queue_pace pace;
	int64_t asked_ns;                      /* CLOCK_MONOTONIC of the last request in this run; 0: none */
	unsigned away, limited;                /* how often in a row */
	char trouble[PS_FOUND_REASON_MAX + 1]; /* what is wrong now; "": nothing */
};

static enum ps_verdict check(const struct ps_host *host, struct ps_ctx *ctx)
{
	const char *key = host->text(ctx, "api_key");

	/* It becomes a line of the request. */
	if (strlen(key) > 256 ||
	    strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(key)) {
		host->why(ctx, "api_key has characters that are in no key");
		return PS_MISCONFIGURED;
	}
	return api_url_good(host, ctx, host->text(ctx, "api_url")) ? PS_STORED : PS_MISCONFIGURED;
}

static void sink_close(void *self)
{
	struct virustotal *v = self;

	api_close(v->api);
	queue_close(v->queue);
	free(v);
}

static enum ps_verdict sink_open(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	struct virustotal *v = mem_alloc(sizeof(*v));
	bool has_key = *host->text(ctx, "api_key");

	v->host = host;
	v->ctx = ctx;
	if (queue_open(&v->queue, host, ctx, has_key) || queue_get_pace(v->queue, &v->pace)) {
		sink_close(v);
		return PS_AWAY;
	}
	if (!has_key)
		host->log(ctx, PS_WARNING, "there is no api_key: nothing is asked, and nothing is known to be clean");
	else if (!(v->api = api_open(host, ctx))) {
		sink_close(v);
		return PS_MISCONFIGURED;
	}
	*self = v;
	return PS_STORED;
}

/* ---- what is seen ---- */

static int see_exe(struct virustotal *v, const struct ps_exe *exe, bool tell, int64_t now_s)
{
	int err = 0;

	if (exe->hash_state == PS_HASH_OK)
		err = queue_see(v->queue, exe->sha256, tell, now_s);
	if (!err && exe->script_state == PS_HASH_OK)
		err = queue_see(v->queue, exe->script_sha256, tell, now_s);
	return err;
}

static enum ps_verdict sink_write(void *self, const struct ps_batch *b)
{
	int64_t now_s = clock_wall_ns() / NS_PER_S;
	struct virustotal *v = self;
	int err = queue_begin(v->queue), ended;

	/* All that a batch holds was executed, or had a part in it. */
	for (uint32_t i = 0; i < b->n_exes && !err; i++)
		err = see_exe(v, &b->exes[i], false, now_s);
	/* Of a program that is new, what is known of its content is told again: it may be known from elsewhere. */
	for (uint32_t i = 0; i < b->n_records && !err; i++)
		if (b->records[i].kind == PS_PROGRAM)
			err = see_exe(v, &b->exes[b->records[i].program.exe], true, now_s);
	ended = queue_end(v->queue);
	return err || ended ? PS_AWAY : PS_STORED;
}

/* ---- telling ---- */

/* 0: all is told; or how long to wait, in ms. */
static int64_t tell(struct virustotal *v)
{
	char hex[65], link[sizeof(LINK) + 64];
	struct queue_entry e;

	for (int i = 0; i < TELL_AT_ONCE; i++) {
		int n = queue_untold(v->queue, &e), err;

		if (n <= 0)
			return n ? TELL_AGAIN_MS : 0;
		snprintf(link, sizeof(link), LINK "%s", text_hex(hex, e.found.sha256, 32));
		if (e.found.state == PS_FINDING_CLEAN || e.found.state == PS_FINDING_SUSPICIOUS)
			e.found.link = link;
		if (e.found.state != PS_FINDING_FAILED)
			e.found.reason = "";
		err = v->host->found(v->ctx, &e.found);
		if (err == -EAGAIN || v->host->stopping(v->ctx))
			return TELL_AGAIN_MS;
		if (queue_told(v->queue, e.found.sha256))
			return TELL_AGAIN_MS;
	}
	return 1;
}

/* ---- asking ---- */

static int64_t doubled(int64_t first, unsigned times, int64_t most)
{
	while (times-- && first < most)
		first *= 2;
	return first < most ? first : most;
}

static void set_trouble(struct virustotal *v, const char *why)
{
	if (*why && !*v->trouble)
		v->host->log(v->ctx, PS_WARNING, "%s; it is tried again", why);
	else if (!*why && *v->trouble)
		v->host->log(v->ctx, PS_INFO, "VirusTotal answers again");
	snprintf(v->trouble, sizeof(v->trouble), "%s", why);
}

/* How long to wait before the next request, in ms; 0: none. The clock may have been set. */
static int64_t pace_wait(struct virustotal *v, int64_t now_ms)
{
	int64_t interval = v->host->number(v->ctx, "request_interval"), left = v->pace.next_ms - now_ms, mono;

	if (left > 2 * LIMIT_MOST_S * 1000LL)
		left = 0;
	if (v->asked_ns) {
		mono = interval - (clock_monotonic_ns() - v->asked_ns) / NS_PER_MS;
		left = mono > left ? mono : left;
	}
	return left > 0 ? left : 0;
}

/* Counts the request that is about to be made: durably, so that one more start is not one more request. */
static int pace_take(struct virustotal *v, int64_t now_ms)
{
	int64_t day = now_ms / 1000 / DAY_S;

	if (v->pace.day != day)
		v->pace = (struct queue_pace){.day = day};
	v->pace.used++;
	v->pace.next_ms = now_ms + v->host->number(v->ctx, "request_interval");
	v->asked_ns = clock_monotonic_ns();
	return queue_set_pace(v->queue, &v->pace);
}

static void pause_until(struct virustotal *v, int64_t s)
{
	if (s * 1000 > v->pace.next_ms)
		v->pace.next_ms = s * 1000;
	queue_set_pace(v->queue, &v->pace);
}

/* No answer to this hash. What was known of it stays known. */
static void hash_failed(struct virustotal *v, struct queue_entry *e, const char *why, int64_t now_s)
{
	bool answered = e->found.state >= PS_FINDING_UNKNOWN && e->found.state <= PS_FINDING_SUSPICIOUS;

	e->due_s = now_s + (answered ? DAY_S : doubled(RETRY_S, (unsigned)e->tries, RETRY_MOST_S));
	if (!answered) {
		e->tries++;
		e->found.state = PS_FINDING_FAILED;
		e->found.reason = why;
	}
	queue_set(v->queue, e);
}

static void limit(struct virustotal *v, const struct answer *a, int64_t now_s)
{
	char line[sizeof(a->why) + 64];
	int64_t wait = a->wait_s ? a->wait_s : doubled(LIMIT_S, v->limited, LIMIT_MOST_S);

	/* The quota of a day begins anew at midnight, UTC. */
	if (a->daily && !a->wait_s)
		wait = DAY_S - now_s % DAY_S;
	if (wait > LIMIT_MOST_S)
		wait = LIMIT_MOST_S;
	v->limited++;
	snprintf(line, sizeof(line), "%s: waiting for %" PRId64 " s", a->why, wait);
	set_trouble(v, line);
	pause_until(v, now_s + wait + 1); /* now_s was rounded down */
}

/* 0, or PS_IDLE_MISCONFIGURED. */
static int64_t take(struct virustotal *v, struct queue_entry *e, const struct answer *a)
{
	int64_t now_s = clock_wall_ns() / NS_PER_S, interval = v->host->number(v->ctx, "request_interval") / 1000;

	if (a->kind != ANSWER_LIMIT)
		v->limited = 0;
	if (a->kind != ANSWER_AWAY)
		v->away = 0;
	switch (a->kind) {
	case ANSWER_REFUSED:
		v->host->why(v->ctx, "VirusTotal refuses the api_key (%s)", a->why);
		return PS_IDLE_MISCONFIGURED;
	case ANSWER_LIMIT:
		limit(v, a, now_s);
		return 0;
	case ANSWER_AWAY:
		set_trouble(v, a->why);
		hash_failed(v, e, a->why, now_s);
		pause_until(v, now_s + doubled(interval > 0 ? interval : 1, v->away++, AWAY_MOST_S));
		return 0;
	case ANSWER_FAILED:
		set_trouble(v, "");
		hash_failed(v, e, a->why, now_s);
		return 0;
	default:
		break;
	}
	set_trouble(v, "");
	e->found = a->found;
	e->found.asked_ns = now_s * NS_PER_S;
	e->tries = 0;
	e->due_s = a->found.state == PS_FINDING_PENDING ? now_s + ANALYSIS_S : 0;
	queue_set(v->queue, e);
	return 0;
}

/* Asks for one hash, if it is time. How long to wait, in ms, or PS_IDLE_MISCONFIGURED. */
static int64_t ask(struct virustotal *v)
{
	int64_t now_ms = clock_wall_ns() / NS_PER_MS, again = v->host->number(v->ctx, "recheck") / 1000;
	int64_t most = v->host->number(v->ctx, "daily_limit"), wait = pace_wait(v, now_ms), used;
	struct queue_entry e;
	struct api_reply reply;
	struct answer answer;
	int n;

	if (wait)
		return wait < LOOK_MS ? wait : LOOK_MS;
	used = v->pace.day == now_ms / 1000 / DAY_S ? v->pace.used : 0;
	if (most && used >= most)
		return LOOK_MS;
	/* Half of what a day allows is for what has no answer yet. */
	n = queue_next(v->queue, now_ms / 1000, most && used >= most / 2 ? 0 : again, &e);
	if (n <= 0 || pace_take(v, now_ms))
		return LOOK_MS;
	if (api_ask(v->api, e.found.sha256, &reply))
		return LOOK_MS;
	answer_read(&reply, e.found.sha256, &answer);
	buf_done(&reply.body);
	wait = take(v, &e, &answer);
	return wait ? wait : tell(v) ? TELL_AGAIN_MS : 1;
}

static int64_t sink_idle(void *self)
{
	struct virustotal *v = self;
	int64_t told = tell(v), asked = v->api ? ask(v) : LOOK_MS;

	return asked < 0 || !told || asked < told ? asked : told;
}

static void sink_stats(void *self, char *out, size_t size)
{
	const struct virustotal *v = self;
	struct queue_counts c;

	if (queue_count(v->queue, &c)) {
		snprintf(out, size, "the queue cannot be read");
		return;
	}
	snprintf(out, size, "%" PRId64 " known, %" PRId64 " suspicious, %" PRId64 " waiting; %" PRId64 " asked today%s%s",
	         c.all - c.waiting, c.suspicious, c.waiting, v->pace.used,
	         !v->api       ? "; no key"
	         : *v->trouble ? "; "
	                       : "",
	         v->trouble);
}

static const struct ps_option options[] = {
    {.key = "api_key",
     .type = PS_OPTION_TEXT,
     .fallback = "",
     .help = "the key of your account at VirusTotal; without one nothing is asked",
     .flags = PS_OPTION_SECRET},
    {.key = "request_interval",
     .type = PS_OPTION_DURATION,
     .fallback = "15 s",
     .min = 1000,
     .max = 86400000,
     .help = "time between two requests, at least"},
    {.key = "daily_limit",
     .type = PS_OPTION_INT,
     .fallback = "500",
     .max = 1000000,
     .help = "requests a day (UTC), at most; 0: no limit but VirusTotal's own"},
    {.key = "recheck",
     .type = PS_OPTION_DURATION,
     .fallback = "7 d",
     .max = INT64_MAX,
     .help = "after this time a known hash is asked for again, with at most half of a day's requests; 0: never"},
    {.key = "answer_timeout",
     .type = PS_OPTION_DURATION,
     .fallback = "30 s",
     .min = 1000,
     .max = 300000,
     .help = "how long a request may take"},
    {.key = "api_url",
     .type = PS_OPTION_TEXT,
     .fallback = "https://www.virustotal.com/api/v3",
     .help = "where the API is; http only on this machine"},
    {.key = "ca_file", .type = PS_OPTION_TEXT, .fallback = "", .help = "certificates to trust instead of the system's"},
    {.key = "proxy",
     .type = PS_OPTION_TEXT,
     .fallback = "",
     .help = "the proxy to go through, http://HOST:PORT; else none"},
    {.key = "file",
     .type = PS_OPTION_STATE_FILE,
     .fallback = "virustotal.db",
     .help = "what was asked and answered, a file in [paths] state",
     .companions = "-wal -shm"},
    {0},
};

static const struct ps_sink sink = {
    .kinds = PS_TRAFFIC | PS_PROGRAM,
    .check = check,
    .open = sink_open,
    .write = sink_write,
    .idle = sink_idle,
    .stats = sink_stats,
    .close = sink_close,
};

PS_EXPORT const struct ps_plugin ps_plugin = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(struct ps_plugin),
    .name = "virustotal",
    .about = "asks VirusTotal for the SHA-256s of programs",
    .options = options,
    .sink = &sink,
};
