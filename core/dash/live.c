/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/live.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/dash/json.h"
#include "core/dash/reply.h"
#include "core/top/feed_reader.h"
#include "core/top/print.h"

#define ROUND_NS NS_PER_S

/* An event; its owners are the thread while it is the latest, and clients that are at it. */
struct message {
	unsigned owners;
	size_t len;
	char text[];
};

struct client {
	LIST_ENTRY(client) entry;
	struct live *live;
	struct MHD_Connection *connection;
	struct message *message; /* that it is at, and how much of it has gone */
	size_t at;
	uint64_t seen; /* number of the latest that it was given */
	bool waits;    /* suspended */
};

struct live {
	pthread_mutex_t lock;
	pthread_t thread;
	int wake; /* eventfd: somebody listens, or the end */
	char *run;
	bool stopping;
	LIST_HEAD(, client) clients;
	unsigned n;
	struct message *latest;
	uint64_t number;
};

/* ---- messages; with the lock ---- */

static void leave(struct message *m)
{
	if (m && !--m->owners)
		free(m);
}

static struct message *compose(const char *head, const char *data, size_t len)
{
	size_t before = strlen(head);
	struct message *m = mem_alloc(sizeof(*m) + before + len + 2);

	m->owners = 1;
	m->len = before + len + 2;
	memcpy(m->text, head, before);
	memcpy(m->text + before, data, len);
	memcpy(m->text + before + len, "\n\n", 2);
	return m;
}

static void wake_clients(struct live *l)
{
	struct client *c;

	LIST_FOREACH(c, &l->clients, entry)
	if (c->waits) {
		c->waits = false;
		MHD_resume_connection(c->connection);
	}
}

static void tell(struct live *l, struct message *m)
{
	pthread_mutex_lock(&l->lock);
	leave(l->latest);
	l->latest = m;
	l->number++;
	wake_clients(l);
	pthread_mutex_unlock(&l->lock);
}

/* ---- the thread ---- */

static void tell_gone(struct live *l, const struct top_rows *rows)
{
	struct buf data = {0};

	json_put_new(&data, json_pack("{s:s}", "error", rows->why && *rows->why ? rows->why : "the daemon does not run"));
	tell(l, compose("event: gone\ndata: ", (char *)data.data, data.len));
	buf_done(&data);
}

static void tell_round(struct live *l, const struct top_model *model)
{
	struct top_rows *rows = top_model_rows(model);
	struct top_look look = {.sort = TOP_RATE};
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (rows->state == TOP_AWAY) {
		tell_gone(l, rows);
		top_rows_free(rows);
		return;
	}
	top_sort(rows, &look);
	out = open_memstream(&text, &len);
	if (out && top_print_json(rows, out) == 0 && fclose(out) == 0 && len)
		tell(l, compose("data: ", text, len - 1)); /* without the newline */
	else if (out && !text)
		fclose(out);
	free(text);
	top_rows_free(rows);
}

static bool is_wanted(struct live *l, bool *stopping)
{
	bool wanted;

	pthread_mutex_lock(&l->lock);
	wanted = l->n > 0;
	*stopping = l->stopping;
	pthread_mutex_unlock(&l->lock);
	return wanted;
}

/* Reads the feed as long as somebody listens. */
static void follow(struct live *l)
{
	struct top_limits limits = TOP_LIMITS;
	struct top_model *model = top_model_new(&limits);
	int64_t next = clock_monotonic_ns() + ROUND_NS / 4; /* the first one soon */
	struct feed_reader reader;
	bool stopping = false;
	int r;

	feed_reader_init(&reader, l->run, model);
	r = feed_reader_connect(&reader);
	if (r < 0)
		top_model_away(model, strerror(-r));
	while (is_wanted(l, &stopping) && !stopping) {
		struct pollfd fds[] = {{.fd = reader.fd, .events = POLLIN}, {.fd = l->wake, .events = POLLIN}};
		int64_t now = clock_monotonic_ns();
		int timeout = next > now ? (int)((next - now) / NS_PER_MS) + 1 : 0, again = feed_reader_timeout(&reader);
		uint64_t n;

		if (again >= 0 && again < timeout)
			timeout = again;
		poll(fds, 2, timeout);
		if (fds[1].revents && read(l->wake, &n, sizeof(n)) < 0)
			n = 0;
		feed_reader_go(&reader);
		if (clock_monotonic_ns() < next)
			continue;
		tell_round(l, model);
		next = clock_monotonic_ns() + ROUND_NS;
	}
	feed_reader_done(&reader);
	top_model_free(model);
	/* It would be old by the time somebody comes. */
	pthread_mutex_lock(&l->lock);
	leave(l->latest);
	l->latest = NULL;
	pthread_mutex_unlock(&l->lock);
}

static void *run(void *arg)
{
	struct live *l = arg;
	bool stopping = false;

	for (;;) {
		struct pollfd fd = {.fd = l->wake, .events = POLLIN};
		uint64_t n;

		/* What woke it is read there, too: so it looks again. */
		if (is_wanted(l, &stopping) && !stopping) {
			follow(l);
			continue;
		}
		if (stopping)
			return NULL;
		if (poll(&fd, 1, -1) > 0 && read(l->wake, &n, sizeof(n)) < 0)
			n = 0;
	}
}

static void wake(struct live *l)
{
	uint64_t one = 1;

	if (write(l->wake, &one, sizeof(one)) < 0)
		return; /* it is full: then it is awake */
}

/* ---- clients; on the server's threads ---- */

/* Takes the next message to send. False: there is none yet. */
static bool take_next(struct client *c)
{
	struct live *l = c->live;

	leave(c->message);
	c->message = NULL;
	c->at = 0;
	if (!l->latest || c->seen == l->number)
		return false;
	c->message = l->latest;
	c->message->owners++;
	c->seen = l->number;
	return true;
}

static ssize_t read_client(void *arg, uint64_t pos, char *out, size_t max)
{
	struct client *c = arg;
	struct live *l = c->live;
	ssize_t n = 0;

	(void)pos;
	pthread_mutex_lock(&l->lock);
	if (l->stopping) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else if (c->message && c->at < c->message->len ? true : take_next(c)) {
		size_t left = c->message->len - c->at;

		n = (ssize_t)(left < max ? left : max);
		memcpy(out, c->message->text + c->at, (size_t)n);
		c->at += (size_t)n;
	} else {
		c->waits = true;
		MHD_suspend_connection(c->connection);
	}
	pthread_mutex_unlock(&l->lock);
	return n;
}

static void free_client(void *arg)
{
	struct client *c = arg;
	struct live *l = c->live;

	pthread_mutex_lock(&l->lock);
	LIST_REMOVE(c, entry);
	l->n--;
	leave(c->message);
	pthread_mutex_unlock(&l->lock);
	wake(l);
	free(c);
}

static struct client *new_client(struct live *l, struct MHD_Connection *connection)
{
	struct client *c = NULL;

	pthread_mutex_lock(&l->lock);
	if (!l->stopping && l->n < LIVE_CLIENTS_MAX) {
		c = mem_alloc(sizeof(*c));
		c->live = l;
		c->connection = connection;
		LIST_INSERT_HEAD(&l->clients, c, entry);
		l->n++;
	}
	pthread_mutex_unlock(&l->lock);
	return c;
}

enum MHD_Result live_answer(struct live *l, struct MHD_Connection *connection)
{
	struct client *c = new_client(l, connection);
	struct MHD_Response *response;
	enum MHD_Result r;

	if (!c)
		return MHD_NO;
	wake(l);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32 << 10, read_client, c, free_client);
	if (!response) {
		free_client(c);
		return MHD_NO;
	}
	reply_put_headers(response);
	MHD_add_response_header(response, "Content-Type", "text/event-stream; charset=utf-8");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	/* nginx would keep events back until it has a buffer full. */
	MHD_add_response_header(response, "X-Accel-Buffering", "no");
	r = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return r;
}

struct live *live_start(const char *folder)
{
	struct live *l = mem_alloc(sizeof(*l));
	int r;

	pthread_mutex_init(&l->lock, NULL);
	LIST_INIT(&l->clients);
	l->run = mem_strdup(folder);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = l->wake < 0 ? -1 : pthread_create(&l->thread, NULL, run, l);
	if (r == 0)
		return l;
	log_error("a thread for the live feed cannot be made");
	live_free(l);
	return NULL;
}

void live_stop(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	wake_clients(l);
	pthread_mutex_unlock(&l->lock);
	wake(l);
	pthread_join(l->thread, NULL);
}

void live_free(struct live *l)
{
	if (l->wake >= 0)
		close(l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l->run);
	free(l);
}
