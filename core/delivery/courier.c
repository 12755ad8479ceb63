/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a courier does next depends on its phase alone:
 *
 *   PREPARE -> OPEN -> IDLE <-> FETCH -> WRITE -> IDLE ...
 *   OPEN, WRITE -> PAUSE_OPEN, PAUSE_WRITE   the destination is away; the host stays
 *   any with a host -> PAUSE_START           the host has ended, or was killed
 *   any with a host -> END -> HALT           misconfigured, or asked to stop
 */
#include "core/delivery/courier.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/delivery/codec.h"
#include "core/delivery/courier_inside.h"
#include "core/delivery/found.h"
#include "core/plugin.h"

#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 60000
#define END_LIMIT_MS 10000
#define STRIKES 3
/* Of what a sink finds out: so much at once, and then one more in each interval. */
#define FOUND_BURST 1000
#define FOUND_EVERY_NS NS_PER_S

static void look(struct courier *);
static void start(struct courier *);

static void on_closed(uv_handle_t *handle)
{
	struct courier *c = handle->data;

	if (--c->open_handles == 0)
		c->events.ended(c->events.arg, c);
}

/* Ends, once nothing is under way that would still come back here. */
static void finish(struct courier *c)
{
	c->phase = HALT;
	if (c->link || c->working || c->fetching || c->ending)
		return;
	c->ending = 1;
	courier_set_state(c, COURIER_ENDED, c->why);
	uv_close((uv_handle_t *)&c->timer, on_closed);
	uv_close((uv_handle_t *)&c->deadline, on_closed);
}

static void on_end_limit(uv_timer_t *timer)
{
	struct courier *c = timer->data;

	if (c->link)
		host_link_kill(c->link, "did not end when it was asked to");
}

/* The host is no longer wanted. */
static void end_host(struct courier *c)
{
	c->phase = END;
	host_link_end(c->link);
	uv_timer_start(&c->timer, on_end_limit, END_LIMIT_MS, 0);
}

static void on_no_answer(uv_timer_t *timer)
{
	struct courier *c = timer->data;

	host_link_kill(c->link, c->phase == OPEN ? "did not open its destination in time and was killed"
	                                         : "did not answer in time and was killed");
}

static void await_answer(struct courier *c, enum phase phase)
{
	c->phase = phase;
	uv_timer_start(&c->timer, on_no_answer, (uint64_t)c->sink->timeout_ms, 0);
}

static void on_pause_over(uv_timer_t *timer)
{
	struct courier *c = timer->data;
	struct buf out;

	switch (c->phase) {
	case PAUSE_START:
		start(c);
		break;
	case PAUSE_WRITE:
		c->phase = IDLE;
		look(c);
		break;
	case PAUSE_OPEN:
		buf_init(&out);
		frame_end(&out, frame_begin(&out, FRAME_OPEN));
		host_link_send(c->link, &out);
		await_answer(c, OPEN);
		break;
	default:
		break;
	}
}

/* Anything from nothing to the pause, which doubles: so that hosts of many machines do not come
 * back all at once. */
static void pause_in(struct courier *c, enum phase phase)
{
	uint32_t chance = 0;
	int64_t pause = c->pause_ms;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = (uint32_t)clock_monotonic_ns();
	c->phase = phase;
	c->pause_ms = 2 * pause < c->host.pause_max_ms ? 2 * pause : c->host.pause_max_ms;
	uv_timer_start(&c->timer, on_pause_over, (uint64_t)(pause * (int64_t)(chance >> 8) >> 24), 0);
}

/* The destination is away. A stop does not wait for it: the journal keeps what it has. */
static void away(struct courier *c, const char *why, enum phase phase)
{
	if (!c->is_away)
		courier_alert(c, 0, "its destination is away: %s", why);
	c->is_away = 1;
	courier_set_state(c, COURIER_AWAY, why);
	pause_in(c, phase);
	if (c->stopping)
		end_host(c);
}

static void misconfigured(struct courier *c, const char *why)
{
	courier_alert(c, 0, "it is stopped until the next reload: %s", why);
	c->misconfigured = 1;
	courier_set_state(c, COURIER_STOPPED, why);
	end_host(c);
}

static void is_back(struct courier *c)
{
	if (c->is_away || c->is_crashing)
		courier_alert(c, 0, "it works again");
	c->is_away = c->is_crashing = 0;
}

/* The host has ended or could not be started: it is tried again. */
static void crashed(struct courier *c, const char *why)
{
	if (!c->is_crashing)
		courier_alert(c, 0, "%s; it is tried again", why);
	c->is_crashing = 1;
	courier_set_state(c, COURIER_RESTARTING, why);
	pause_in(c, PAUSE_START);
}

static void on_ready(struct courier *c, unsigned verdict, const char *why)
{
	uv_timer_stop(&c->timer);
	if (verdict == PS_AWAY) {
		away(c, why, PAUSE_OPEN);
		return;
	}
	if (verdict != PS_STORED) {
		misconfigured(c, why);
		return;
	}
	c->phase = IDLE;
	courier_set_state(c, COURIER_READY, "");
	/* A sink that crashes with each batch has to take one before it counts as well. */
	if (!c->is_crashing)
		is_back(c);
	look(c);
}

/* The sink can never have the batch. */
static void set_aside(struct courier *c, uint64_t seq, const char *why)
{
	journal_dead(c->journal, c->sink->name, seq, why);
	c->status.dead++;
	courier_alert(c, 1, "batch %llu was set aside, and is kept in the journal: %s", (unsigned long long)seq, why);
}

static void on_verdict(struct courier *c, unsigned verdict, const char *why)
{
	uv_timer_stop(&c->timer);
	c->phase = IDLE;
	switch (verdict) {
	case PS_AWAY:
		away(c, why, PAUSE_WRITE);
		return;
	case PS_MISCONFIGURED:
		misconfigured(c, why);
		return;
	case PS_REJECTED:
		set_aside(c, c->seq, why);
		break;
	default:
		journal_taken(c->journal, c->sink->name, c->seq);
		c->status.cursor = c->seq;
		c->status.batches++;
		c->status.records += c->records;
	}
	c->pause_ms = c->host.pause_min_ms;
	courier_set_state(c, COURIER_READY, "");
	is_back(c);
	look(c);
}

static int seq_matches(struct courier *c, uint64_t seq, unsigned verdict)
{
	return c->phase == WRITE && (seq == c->seq || (seq == 0 && verdict == PS_REJECTED));
}

void courier_done(struct courier *c, int err)
{
	struct buf out;
	size_t at;

	buf_init(&out);
	at = frame_begin(&out, FRAME_DONE);
	buf_put_u32(&out, (uint32_t)-err);
	frame_end(&out, at);
	host_link_send(c->link, &out);
}

/* 0 if it makes sense. */
static int on_found(struct courier *c, struct cursor *body)
{
	struct found_texts texts;
	struct ps_found found;
	int err;

	if (c->found_waits || found_get(body, &found, &texts, clock_wall_ns()))
		return -EPROTO;
	if (!c->events.found)
		err = -ENOTSUP;
	else if (!courier_allow(&c->found_allowance, FOUND_BURST, FOUND_EVERY_NS))
		err = -EAGAIN;
	else
		err = c->events.found(c->events.arg, c->sink->name, &found);
	if (err)
		courier_done(c, err);
	else
		c->found_waits = 1;
	return 0;
}

void courier_found_done(struct courier *c)
{
	if (c->found_waits && c->link)
		courier_done(c, 0);
	c->found_waits = 0;
}

static int is_open(const struct courier *c)
{
	return c->phase == IDLE || c->phase == FETCH || c->phase == WRITE || c->phase == PAUSE_WRITE;
}

static void on_frame(void *arg, uint8_t type, struct cursor *body)
{
	struct courier *c = arg;
	char text[FRAME_TEXT_MAX + 1];
	int sense = 0, ending = c->phase == END || c->phase == HALT;
	unsigned verdict;
	uint64_t seq;

	switch (type) {
	case FRAME_READY:
		verdict = cursor_u8(body);
		frame_text(body, text, sizeof(text));
		if (ending || (sense = c->phase == OPEN && verdict <= PS_MISCONFIGURED && !body->bad) == 0)
			break;
		on_ready(c, verdict, text);
		return;
	case FRAME_VERDICT:
		seq = cursor_u64(body);
		verdict = cursor_u8(body);
		frame_text(body, text, sizeof(text));
		if (ending || (sense = verdict <= PS_MISCONFIGURED && !body->bad && seq_matches(c, seq, verdict)) == 0)
			break;
		on_verdict(c, verdict, text);
		return;
	case FRAME_BEGUN:
		seq = cursor_u64(body);
		sense = c->phase == WRITE && seq == c->seq;
		c->begun = sense;
		break;
	case FRAME_LOG:
		verdict = cursor_u8(body);
		courier_log(c, verdict, frame_text(body, text, sizeof(text)));
		sense = !body->bad;
		break;
	case FRAME_STATS:
		frame_text(body, c->status.stats, sizeof(c->status.stats));
		text_clean(c->status.stats, strlen(c->status.stats));
		sense = !body->bad;
		break;
	case FRAME_SET_ASIDE:
	case FRAME_ROTATE:
		sense = !c->working;
		if (sense && !ending)
			courier_file_request(c, type, body);
		break;
	case FRAME_FOUND:
		sense = !ending && on_found(c, body) == 0;
		break;
	case FRAME_GIVE_UP:
		frame_text(body, text, sizeof(text));
		sense = is_open(c) && !body->bad;
		if (sense)
			misconfigured(c, text);
		ending |= sense;
		break;
	}
	if (!sense && !ending)
		host_link_kill(c->link, "sent a message that makes no sense here and was killed");
}

/* It died with a batch in its hands: three times, and the batch is at fault. */
static void strike(struct courier *c, const char *how)
{
	char why[256];

	if (c->strike_seq != c->seq)
		c->strikes = 0;
	c->strike_seq = c->seq;
	if (++c->strikes < STRIKES)
		return;
	snprintf(why, sizeof(why), "%d times the sink's process failed while it wrote this batch: the last time it %s",
	         STRIKES, how);
	set_aside(c, c->seq, why);
	c->strikes = 0;
}

static void on_gone(void *arg, const char *how)
{
	struct courier *c = arg;
	char why[256];

	c->link = NULL;
	c->found_waits = 0;
	c->status.pid = 0;
	c->status.stats[0] = 0;
	uv_timer_stop(&c->timer);
	if (c->phase == WRITE && c->begun)
		strike(c, how);
	if (c->stopping || c->misconfigured) {
		c->phase = HALT;
		if (c->stopping)
			finish(c);
		return;
	}
	snprintf(why, sizeof(why), "its process %s", how);
	c->status.restarts++;
	crashed(c, why);
}

static void send_hello(struct courier *c)
{
	const struct sink_settings *s = c->sink;
	struct buf out;
	size_t at;

	buf_init(&out);
	at = frame_begin(&out, FRAME_HELLO);
	buf_put_u8(&out, c->host.settings->core.debug ? PS_DEBUG : PS_INFO);
	frame_put_value(&out, s->name);
	frame_put_value(&out, c->host.settings->paths.plugins);
	frame_put_value(&out, s->plugin);
	buf_put_u32(&out, (uint32_t)s->n_values);
	for (size_t i = 0; i < s->n_values; i++) {
		const struct sink_file *file = sink_files_find(&c->files, s->values[i].option->key);

		frame_put_value(&out, s->values[i].option->key);
		buf_put_u64(&out, (uint64_t)s->values[i].number);
		frame_put_value(&out, file ? file->path : s->values[i].text);
	}
	frame_end(&out, at);
	host_link_send(c->link, &out);
}

static void spawn(struct courier *c)
{
	const struct host_link_events events = {c, on_frame, on_gone};
	int err = host_link_open(&c->link, c->loop, &c->host, c->sink->name, &events);
	char why[256];

	if (err) {
		snprintf(why, sizeof(why), "its process cannot be started: %s: %s", c->host.program,
		         err == -EPERM ? "sinks do not run as root" : uv_strerror(err));
		crashed(c, why);
		return;
	}
	c->status.pid = host_link_pid(c->link);
	send_hello(c);
	await_answer(c, OPEN);
}

void courier_prepared(struct courier *c)
{
	if (c->stopping)
		finish(c);
	else if (c->job.err)
		crashed(c, c->job.why);
	else
		spawn(c);
}

void courier_worked(struct courier *c)
{
	if (c->start_after_work && c->phase == PREPARE)
		start(c);
	else if (c->phase == HALT && c->stopping)
		finish(c);
}

/* First its files, on another thread; then the process. */
static void start(struct courier *c)
{
	c->phase = PREPARE;
	c->start_after_work = c->working;
	if (!c->working)
		courier_prepare_files(c);
}

static void send_batch(struct courier *c, uint64_t seq, const uint8_t *data, size_t len)
{
	struct buf out;
	size_t at;

	if (len > FRAME_DOWN_MAX) {
		set_aside(c, seq, "it is too long to be sent");
		look(c);
		return;
	}
	buf_init(&out);
	at = frame_begin(&out, FRAME_BATCH);
	buf_put(&out, data, len);
	frame_end(&out, at);
	c->seq = seq;
	c->records = codec_count(data, len);
	c->begun = 0;
	host_link_send(c->link, &out);
	await_answer(c, WRITE);
}

static void on_fetched(void *arg, uint64_t seq, const uint8_t *data, size_t len)
{
	struct courier *c = arg;
	struct journal_stats stats;

	c->fetching = 0;
	if (!seq) {
		/* Nothing is left for it: it has all there is, whichever run it took that in. */
		journal_get_stats(c->journal, &stats);
		c->status.cursor = stats.last_seq;
	}
	if (c->phase == HALT && c->stopping)
		finish(c);
	if (c->phase != FETCH)
		return;
	c->phase = IDLE;
	if (seq && !(c->stopping && !c->drain)) {
		send_batch(c, seq, data, len);
	} else if (c->stopping) {
		end_host(c);
	} else if (c->woken) {
		look(c);
	}
}

/* Asks for the next batch, if the host has nothing to do. */
static void look(struct courier *c)
{
	if (c->phase != IDLE)
		return;
	if (c->stopping && !c->drain) {
		end_host(c);
		return;
	}
	c->phase = FETCH;
	c->woken = 0;
	if (!c->fetching) {
		c->fetching = 1;
		journal_fetch(c->journal, c->sink->name, on_fetched, c);
	}
}

struct courier *courier_open(uv_loop_t *loop, struct journal *journal, const struct sink_settings *sink,
                             const struct courier_host *host, const struct courier_events *events)
{
	struct courier *c = mem_alloc(sizeof(*c));

	c->loop = loop;
	c->journal = journal;
	c->sink = sink;
	c->host = *host;
	c->events = *events;
	if (c->host.pause_min_ms <= 0)
		c->host.pause_min_ms = PAUSE_MIN_MS;
	if (c->host.pause_max_ms <= 0)
		c->host.pause_max_ms = PAUSE_MAX_MS;
	c->pause_ms = c->host.pause_min_ms;
	if (geteuid() == 0)
		sink_files_init(&c->files, host->settings, sink, host->uid, host->gid);
	else
		sink_files_init(&c->files, host->settings, sink, geteuid(), getegid());
	/* Writing to a host that has just died must not be the end of this process. */
	signal(SIGPIPE, SIG_IGN);
	uv_timer_init(loop, &c->timer);
	uv_timer_init(loop, &c->deadline);
	c->timer.data = c->deadline.data = c;
	c->open_handles = 2;
	c->status.since_ns = clock_monotonic_ns();
	courier_set_state(c, COURIER_STARTING, "");
	start(c);
	return c;
}

void courier_wake(struct courier *c)
{
	c->woken = 1;
	look(c);
}

static void on_deadline(uv_timer_t *timer)
{
	struct courier *c = timer->data;
	int64_t left = (c->deadline_ns - clock_monotonic_ns()) / NS_PER_MS;

	if (!c->link)
		return;
	if (!c->hurried && left > 0) {
		c->hurried = 1;
		host_link_hurry(c->link);
		uv_timer_start(&c->deadline, on_deadline, (uint64_t)left, 0);
		return;
	}
	host_link_kill(c->link, "had not finished when the daemon had to stop");
}

void courier_stop(struct courier *c, int drain, int64_t deadline_ns)
{
	int64_t left = (deadline_ns - clock_monotonic_ns()) / NS_PER_MS;

	c->stopping = 1;
	c->drain = drain;
	c->deadline_ns = deadline_ns;
	if (c->ending)
		return;
	/* With something to drain, the last quarter of the time is for hurrying. */
	uv_timer_start(&c->deadline, on_deadline, left <= 0 ? 0 : drain ? (uint64_t)left * 3 / 4 : 0, 0);
	switch (c->phase) {
	case IDLE:
		look(c);
		break;
	case FETCH:
		if (!drain)
			end_host(c);
		break;
	case OPEN:
	case PAUSE_OPEN:
	case PAUSE_WRITE:
		end_host(c);
		break;
	case PAUSE_START:
	case HALT:
	case PREPARE:
		uv_timer_stop(&c->timer);
		finish(c);
		break;
	default:
		break;
	}
}

void courier_get_status(const struct courier *c, struct courier_status *status)
{
	*status = c->status;
	status->name = c->sink->name;
	status->plugin = c->sink->plugin;
	status->why = c->why;
}

void courier_free(struct courier *c)
{
	sink_files_done(&c->files);
	free(c);
}
