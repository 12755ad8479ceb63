/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tries each sink as the daemon would use it: in a process of its own, as the user that sinks run as, with its files
 * and its server; only that there is nothing in the journal, which is a file of this command's own.
 */
#include "core/cli/check_sinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/cli/cli.h"
#include "core/daemon/pidfile.h"
#include "core/delivery/courier.h"
#include "core/query/rows.h"

#define LOOK_MS 50
#define END_NS (5 * NS_PER_S)

struct attempt {
	const struct sink_settings *sink;
	struct courier *courier;
	int64_t until_ns; /* CLOCK_MONOTONIC: it has had its time */
	bool judged, failed;
	size_t *left;
	uv_timer_t *timer;
};

static bool has_option(const struct sink_settings *sink, enum ps_option_type type)
{
	for (const struct ps_option *o = sink->options; o && o->key; o++)
		if (o->type == type)
			return true;
	return false;
}

static void on_alert(void *arg, const char *sink, const char *text, uint64_t count)
{
	(void)arg, (void)sink, (void)text, (void)count; /* its state says the same */
}

static void on_ended(void *arg, struct courier *courier)
{
	struct attempt *a = arg;

	courier_free(courier);
	a->courier = NULL;
	if (--*a->left == 0)
		uv_stop(a->timer->loop);
}

/* When its process has opened the sink, or could not. */
static void judge(struct attempt *a)
{
	struct courier_status status;

	courier_get_status(a->courier, &status);
	if (status.state == COURIER_STARTING && clock_monotonic_ns() < a->until_ns)
		return;
	a->judged = true;
	a->failed = status.state != COURIER_READY;
	if (status.state == COURIER_STARTING)
		printf("  sink %-14s did not answer in time\n", a->sink->name);
	else
		printf("  sink %-14s %s%s%s\n", a->sink->name,
		       status.state == COURIER_RESTARTING ? "failed" : status.state_text, *status.why && a->failed ? ": " : "",
		       a->failed ? status.why : "");
	courier_stop(a->courier, 0, clock_monotonic_ns() + END_NS);
}

struct round {
	struct attempt *attempts;
	size_t n;
};

static void on_look(uv_timer_t *timer)
{
	struct round *round = timer->data;

	for (size_t i = 0; i < round->n; i++)
		if (round->attempts[i].courier && !round->attempts[i].judged)
			judge(&round->attempts[i]);
}

static void on_committed(void *arg, uint64_t seq)
{
	(void)arg, (void)seq;
}

static void on_dropped(void *arg, const struct journal_drop *drop)
{
	(void)arg, (void)drop;
}

static void on_trouble(void *arg, int error, const char *what)
{
	(void)arg, (void)error, (void)what;
}

/* Why this one is not tried; NULL: it is. */
static const char *excuse(const struct sink_settings *sink, pid_t daemon)
{
	if (has_option(sink, PS_OPTION_USERS))
		return "enabled: it tells people, of whom each has a process when he is logged in";
	if (daemon > 0 && (has_option(sink, PS_OPTION_STATE_FILE) || has_option(sink, PS_OPTION_LOG_FILE)))
		return "in use by the daemon, which runs: see `picosnitch status`";
	return NULL;
}

static int try_all(const struct settings *settings, uid_t uid, gid_t gid, struct journal *journal, uv_loop_t *loop)
{
	struct courier_host host = {.program = cli.program, .uid = uid, .gid = gid, .settings = settings};
	struct attempt *attempts = mem_alloc(settings->n_sinks * sizeof(*attempts));
	struct journal_sink *names = mem_alloc(settings->n_sinks * sizeof(*names));
	struct round round = {attempts, 0};
	pid_t daemon = pidfile_find(settings->paths.run);
	size_t left = 0;
	uv_timer_t timer;
	int failed = 0;

	for (size_t i = 0; i < settings->n_sinks; i++)
		names[i] = (struct journal_sink){settings->sinks[i].name, 0};
	journal_sinks(journal, names, settings->n_sinks);
	free(names);
	uv_timer_init(loop, &timer);
	timer.data = &round;
	for (size_t i = 0; i < settings->n_sinks; i++) {
		const struct sink_settings *sink = &settings->sinks[i];
		const char *why = sink->enabled ? excuse(sink, daemon) : "off";
		struct attempt *a = &attempts[round.n];
		struct courier_events events = {.arg = a, .alert = on_alert, .ended = on_ended};

		if (why) {
			printf("  sink %-14s %s\n", sink->name, why);
			continue;
		}
		*a = (struct attempt){.sink = sink, .left = &left, .timer = &timer};
		a->until_ns = clock_monotonic_ns() + sink->timeout_ms * NS_PER_MS;
		round.n++;
		left++;
		a->courier = courier_open(loop, journal, sink, &host, &events);
	}
	if (left) {
		uv_timer_start(&timer, on_look, LOOK_MS, LOOK_MS);
		uv_run(loop, UV_RUN_DEFAULT);
	}
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
	for (size_t i = 0; i < round.n; i++)
		failed |= attempts[i].failed;
	free(attempts);
	return failed;
}

int check_sinks(const struct settings *settings, uid_t uid, gid_t gid)
{
	struct journal_events events = {.committed = on_committed, .dropped = on_dropped, .trouble = on_trouble};
	struct journal_limits limits = {.max_size = 1 << 20, .max_age_ms = 1000};
	char dir[] = "/run/picosnitch-check.XXXXXX", *path;
	uv_loop_t *loop = uv_default_loop();
	struct journal_start start;
	struct journal *journal;
	int failed = 1;

	if (geteuid()) {
		printf("sinks: not tried, which needs root\n");
		return 0;
	}
	if (!mkdtemp(dir)) {
		log_error("%s cannot be made, which is needed to try sinks", dir);
		return 1;
	}
	path = mem_printf("%s/journal.db", dir);
	if (journal_open(&journal, loop, path, rows_digest, NULL, &limits, &events, &start) == 0) {
		failed = try_all(settings, uid, gid, journal, loop);
		journal_close(journal, 1000);
		uv_run(loop, UV_RUN_NOWAIT);
	}
	unlink(path);
	rmdir(dir);
	free(path);
	return failed;
}
