/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/couriers.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/daemon/people.h"

#define LOOK_MS 2000
#define LEAVE_NS (3 * NS_PER_S)
#define SEATS_MAX 256

/* Who runs one. */
struct seat {
	struct courier *courier; /* NULL: it has ended */
	struct sink_settings sink;
	const struct sink_settings *of;
	struct couriers *all;
	uid_t uid; /* of the person; 0: it is not for people */
	bool leaving;
};

struct user {
	struct person person;
	gid_t gid;
	char name[64];
};

struct couriers {
	uv_loop_t *loop;
	struct journal *journal;
	struct couriers_events events;
	struct courier_host host;
	struct seat *seats[SEATS_MAX];
	size_t n;
	unsigned people; /* sinks for them */
	uv_timer_t look;
	bool stopping, drain;
	int64_t deadline_ns;

	/* The look at who is there, on another thread. */
	uv_work_t work;
	bool looking;
	struct user users[PEOPLE_MAX];
	size_t n_users;
	char why[64];
};

static const char *users_option(const struct sink_settings *s)
{
	for (size_t i = 0; i < s->n_values; i++)
		if (s->values[i].option->type == PS_OPTION_USERS)
			return s->values[i].text;
	return NULL;
}

static void look(uv_timer_t *);

/* Which cursors count from now on. */
static void name_sinks(struct couriers *c)
{
	const struct settings *s = c->host.settings;
	struct journal_sink *names = mem_alloc((s->n_sinks + c->n) * sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < s->n_sinks; i++)
		if (s->sinks[i].enabled)
			names[n++] = (struct journal_sink){s->sinks[i].name, users_option(&s->sinks[i]) != NULL};
	for (size_t i = 0; i < c->n; i++)
		if (c->seats[i]->uid)
			names[n++] = (struct journal_sink){c->seats[i]->sink.name, 1};
	journal_sinks(c->journal, names, n);
	free(names);
}

static void free_seat(struct seat *seat)
{
	if (seat->uid)
		free(seat->sink.name);
	free(seat);
}

static void on_alert(void *arg, const char *sink, const char *text, uint64_t count)
{
	struct seat *seat = arg;
	struct couriers *c = seat->all;

	if (seat->uid && !count)
		log_info("sink %s: %s", sink, text);
	else
		c->events.alert(c->events.arg, sink, text, count);
}

static int on_found(void *arg, const char *sink, const struct ps_found *found)
{
	struct couriers *c = ((struct seat *)arg)->all;

	return c->events.found(c->events.arg, sink, found);
}

bool couriers_running(const struct couriers *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->seats[i]->courier)
			return true;
	return c->looking;
}

static void free_seats(struct couriers *c)
{
	for (size_t i = 0; i < c->n; i++)
		free_seat(c->seats[i]);
	c->n = 0;
}

static void tell_if_ended(struct couriers *c)
{
	if (!c->stopping || couriers_running(c))
		return;
	free_seats(c);
	c->stopping = false;
	c->events.ended(c->events.arg);
}

static void on_ended(void *arg, struct courier *courier)
{
	struct seat *seat = arg;
	struct couriers *c = seat->all;
	size_t i = 0;

	courier_free(courier);
	seat->courier = NULL;
	if (!c->stopping && seat->uid) {
		while (c->seats[i] != seat)
			i++;
		c->seats[i] = c->seats[--c->n];
		free_seat(seat);
		name_sinks(c);
	}
	tell_if_ended(c);
}

static void open_seat(struct seat *seat, const struct courier_host *host)
{
	const struct courier_events events = {seat, on_alert, on_ended, on_found};

	seat->courier = courier_open(seat->all->loop, seat->all->journal, &seat->sink, host, &events);
}

static struct seat *add_seat(struct couriers *c, const struct sink_settings *sink)
{
	struct seat *seat = mem_alloc(sizeof(*seat));

	seat->sink = *sink;
	seat->of = sink;
	seat->all = c;
	c->seats[c->n++] = seat;
	return seat;
}

/* ---- people ---- */

/* On another thread: names come from wherever the machine has them, which may take a while. */
static void read_people(uv_work_t *work)
{
	struct couriers *c = work->data;
	struct person list[PEOPLE_MAX];
	size_t n = people_read("/run/systemd/sessions", "/run/user", list);

	c->n_users = 0;
	for (size_t i = 0; i < n; i++) {
		struct user *u = &c->users[c->n_users];
		struct passwd entry, *found;
		char text[4096];

		if (geteuid() && list[i].uid != geteuid())
			continue;
		if (getpwuid_r(list[i].uid, &entry, text, sizeof(text), &found) || !found || !entry.pw_gid)
			continue;
		*u = (struct user){.person = list[i], .gid = entry.pw_gid};
		/* Not cut: another user's name would come out. */
		if ((size_t)snprintf(u->name, sizeof(u->name), "%s", entry.pw_name) < sizeof(u->name))
			c->n_users++;
	}
}

static void sit_down(struct couriers *c, const struct sink_settings *sink, const struct user *u)
{
	struct courier_host host = c->host;
	struct seat *seat;

	for (size_t i = 0; i < c->n; i++)
		if (c->seats[i]->of == sink && c->seats[i]->uid == u->person.uid)
			return;
	if (c->n == SEATS_MAX)
		return;
	seat = add_seat(c, sink);
	seat->uid = u->person.uid;
	seat->sink.name = mem_printf("%s@%s", sink->name, u->name);
	host.uid = u->person.uid;
	host.gid = u->gid;
	name_sinks(c);
	open_seat(seat, &host);
}

static bool is_there(const struct couriers *c, const struct seat *seat)
{
	const char *users = users_option(seat->of);

	for (size_t i = 0; i < c->n_users; i++)
		if (c->users[i].person.uid == seat->uid)
			return people_wanted(users, &c->users[i].person, c->users[i].name);
	return false;
}

static void on_people(uv_work_t *work, int status)
{
	struct couriers *c = work->data;
	const struct settings *s = c->host.settings;

	(void)status;
	c->looking = false;
	if (c->stopping) {
		tell_if_ended(c);
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		struct seat *seat = c->seats[i];

		if (seat->uid && !seat->leaving && !is_there(c, seat)) {
			seat->leaving = true;
			courier_stop(seat->courier, 0, clock_monotonic_ns() + LEAVE_NS);
		}
	}
	for (size_t i = 0; i < s->n_sinks; i++) {
		const char *users = s->sinks[i].enabled ? users_option(&s->sinks[i]) : NULL;

		for (size_t j = 0; users && j < c->n_users; j++)
			if (people_wanted(users, &c->users[j].person, c->users[j].name))
				sit_down(c, &s->sinks[i], &c->users[j]);
	}
	uv_timer_start(&c->look, look, LOOK_MS, 0);
}

static void look(uv_timer_t *timer)
{
	struct couriers *c = timer->data;

	c->work.data = c;
	c->looking = uv_queue_work(c->loop, &c->work, read_people, on_people) == 0;
}

/* ---- all of them ---- */

struct couriers *couriers_open(uv_loop_t *loop, struct journal *journal, const struct couriers_events *events)
{
	struct couriers *c = mem_alloc(sizeof(*c));

	c->loop = loop;
	c->journal = journal;
	c->events = *events;
	uv_timer_init(loop, &c->look);
	c->look.data = c;
	return c;
}

size_t couriers_start(struct couriers *c, const struct courier_host *host)
{
	const struct settings *s = host->settings;
	size_t n = 0;

	free_seats(c);
	c->host = *host;
	c->people = 0;
	name_sinks(c);
	for (size_t i = 0; i < s->n_sinks; i++) {
		if (!s->sinks[i].enabled)
			continue;
		n++;
		if (users_option(&s->sinks[i]))
			c->people++;
		else
			open_seat(add_seat(c, &s->sinks[i]), host);
	}
	if (c->people)
		uv_timer_start(&c->look, look, 0, 0);
	return n;
}

void couriers_wake(struct couriers *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->seats[i]->courier)
			courier_wake(c->seats[i]->courier);
}

void couriers_found_done(struct couriers *c)
{
	for (size_t i = 0; i < c->n && !journal_queued(c->journal); i++)
		if (c->seats[i]->courier)
			courier_found_done(c->seats[i]->courier);
}

/* So that nobody is told from within couriers_stop(). */
static void on_stopped(uv_timer_t *timer)
{
	tell_if_ended(timer->data);
}

void couriers_stop(struct couriers *c, int drain, int64_t deadline_ns)
{
	c->stopping = true;
	for (size_t i = 0; i < c->n; i++)
		if (c->seats[i]->courier)
			courier_stop(c->seats[i]->courier, drain, deadline_ns);
	uv_timer_start(&c->look, on_stopped, 0, 0);
}

/* A sink for people, and none is there. */
static bool is_waiting(const struct couriers *c, const struct sink_settings *sink)
{
	if (!sink->enabled || !users_option(sink))
		return false;
	for (size_t i = 0; i < c->n; i++)
		if (c->seats[i]->of == sink)
			return false;
	return true;
}

bool couriers_get_status(struct couriers *c, size_t at, struct courier_status *status)
{
	const struct settings *s = c->host.settings;
	struct journal_stats journal;

	for (size_t i = 0; i < c->n; i++)
		if (c->seats[i]->courier && !at--) {
			courier_get_status(c->seats[i]->courier, status);
			return true;
		}
	for (size_t i = 0; i < s->n_sinks; i++) {
		if (!is_waiting(c, &s->sinks[i]) || at--)
			continue;
		journal_get_stats(c->journal, &journal);
		snprintf(c->why, sizeof(c->why), "nobody is logged in: %llu kept", (unsigned long long)journal.told);
		*status = (struct courier_status){.name = s->sinks[i].name,
		                                  .plugin = s->sinks[i].plugin,
		                                  .state_text = "waiting",
		                                  .why = c->why,
		                                  .state = COURIER_AWAY,
		                                  .cursor = journal.last_seq,
		                                  .since_ns = clock_monotonic_ns()};
		return true;
	}
	return false;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void couriers_close(struct couriers *c)
{
	free_seats(c);
	uv_close((uv_handle_t *)&c->look, on_closed);
}
