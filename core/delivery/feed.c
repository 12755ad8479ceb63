/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/local_socket.h"
#include "core/base/mem.h"

/* How long a reader that is dropped has to take what waits for it still. */
#define LEAVE_NS (5 * NS_PER_S)

/* The same lines for all who have not taken them yet. */
struct chunk {
	unsigned refs;
	struct buf text;
};

struct reader {
	uv_pipe_t pipe;
	struct feed *feed;
	struct reader *next;
	int64_t leave_ns; /* CLOCK_MONOTONIC: it is dropped, and closed then at the latest; 0: it stays */
};

/* A chunk on its way to a reader. */
struct parcel {
	uv_write_t write;
	struct reader *reader;
	struct chunk *chunk;
	bool last; /* the reader is closed when it has this */
};

struct feed {
	uv_pipe_t pipe;
	char *path;
	feed_greet greet;
	void *arg;
	struct reader *readers;
	struct feed_stats stats;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* Takes the text over; its caller has the first reference. */
static struct chunk *chunk_of(struct buf *text)
{
	struct chunk *c = mem_alloc(sizeof(*c));

	*c = (struct chunk){.refs = 1, .text = *text};
	buf_init(text);
	return c;
}

static void chunk_drop(struct chunk *c)
{
	if (--c->refs)
		return;
	buf_done(&c->text);
	free(c);
}

/* ---- readers ---- */

static void reader_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void reader_close(struct reader *r)
{
	struct reader **at = &r->feed->readers;

	if (uv_is_closing((uv_handle_t *)&r->pipe))
		return;
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	r->feed->stats.readers--;
	uv_close((uv_handle_t *)&r->pipe, reader_closed);
}

static void parcel_written(uv_write_t *write, int status)
{
	struct parcel *p = write->data;

	/* Of a reader that is closed, and perhaps the feed too, nothing may be touched. */
	if (status != UV_ECANCELED && (status < 0 || p->last))
		reader_close(p->reader);
	chunk_drop(p->chunk);
	free(p);
}

static void reader_send(struct reader *r, struct chunk *chunk, bool last)
{
	uv_buf_t text = uv_buf_init((char *)chunk->text.data, (unsigned)chunk->text.len);
	struct parcel *p = mem_alloc(sizeof(*p));

	*p = (struct parcel){.reader = r, .chunk = chunk, .last = last};
	p->write.data = p;
	if (uv_write(&p->write, (uv_stream_t *)&r->pipe, &text, 1, parcel_written)) {
		free(p);
		reader_close(r);
		return;
	}
	chunk->refs++;
}

static void reader_drop(struct reader *r, size_t missed)
{
	struct chunk *chunk;
	struct buf line;

	buf_init(&line);
	buf_printf(&line, "{\"kind\":\"end\",\"why\":\"slow\",\"waiting\":%zu}\n",
	           uv_stream_get_write_queue_size((uv_stream_t *)&r->pipe) + missed);
	chunk = chunk_of(&line);
	r->feed->stats.dropped++;
	r->leave_ns = clock_monotonic_ns() + LEAVE_NS;
	reader_send(r, chunk, true);
	chunk_drop(chunk);
}

bool feed_is_read(const struct feed *f)
{
	return f->readers != NULL;
}

void feed_put(struct feed *f, struct buf *lines)
{
	struct chunk *chunk = chunk_of(lines);
	struct reader *next;

	f->stats.bytes += chunk->text.len;
	for (struct reader *r = f->readers; r; r = next) {
		next = r->next;
		if (r->leave_ns) {
			if (clock_monotonic_ns() > r->leave_ns)
				reader_close(r);
		} else if (uv_stream_get_write_queue_size((uv_stream_t *)&r->pipe) + chunk->text.len > FEED_WAITING_MAX) {
			reader_drop(r, chunk->text.len);
		} else {
			reader_send(r, chunk, false);
		}
	}
	chunk_drop(chunk);
}

/* A word at the end; but only to whom it can be said whole and at once. */
static void say_end(uv_pipe_t *pipe, char *line, size_t len)
{
	uv_buf_t text = uv_buf_init(line, (unsigned)len);

	if (!uv_stream_get_write_queue_size((uv_stream_t *)pipe))
		uv_try_write((uv_stream_t *)pipe, &text, 1);
}

static void reader_come(struct reader *r)
{
	static char full[] = "{\"kind\":\"end\",\"why\":\"full\"}\n";
	struct feed *f = r->feed;
	struct chunk *chunk;
	struct buf line;

	if (f->stats.readers > FEED_READERS_MAX) {
		f->stats.refused++;
		say_end(&r->pipe, full, sizeof(full) - 1);
		reader_close(r);
		return;
	}
	f->stats.accepted++;
	buf_init(&line);
	f->greet(f->arg, &line);
	chunk = chunk_of(&line);
	reader_send(r, chunk, false);
	chunk_drop(chunk);
}

static void on_connection(uv_stream_t *server, int status)
{
	struct feed *f = server->data;
	struct reader *r;

	if (status)
		return;
	r = mem_alloc(sizeof(*r));
	r->feed = f;
	uv_pipe_init(server->loop, &r->pipe, 0);
	r->pipe.data = r;
	r->next = f->readers;
	f->readers = r;
	f->stats.readers++;
	if (uv_accept(server, (uv_stream_t *)&r->pipe))
		reader_close(r);
	else
		reader_come(r);
}

/* ---- life ---- */

static void feed_closed(uv_handle_t *handle)
{
	struct feed *f = handle->data;
	void (*closed)(void *) = f->closed;
	void *arg = f->closed_arg;

	free(f->path);
	free(f);
	if (closed)
		closed(arg);
}

int feed_open(struct feed **out, uv_loop_t *loop, const char *folder, gid_t gid, feed_greet greet, void *arg)
{
	struct feed *f = mem_alloc(sizeof(*f));
	int err;

	f->path = mem_printf("%s/feed.sock", folder);
	f->greet = greet;
	f->arg = arg;
	uv_pipe_init(loop, &f->pipe, 0);
	f->pipe.data = f;
	/* The pid file's lock says that no daemon uses it. */
	err = local_socket_listen(&f->pipe, f->path, gid, FEED_READERS_MAX, on_connection);
	if (err) {
		feed_close(f, NULL, NULL);
		return err;
	}
	*out = f;
	return 0;
}

void feed_close(struct feed *f, void (*closed)(void *), void *arg)
{
	static char stopped[] = "{\"kind\":\"end\",\"why\":\"stopped\"}\n";

	while (f->readers) {
		say_end(&f->readers->pipe, stopped, sizeof(stopped) - 1);
		reader_close(f->readers);
	}
	unlink(f->path);
	f->closed = closed;
	f->closed_arg = arg;
	uv_close((uv_handle_t *)&f->pipe, feed_closed);
}

void feed_get_stats(const struct feed *f, struct feed_stats *stats)
{
	*stats = f->stats;
	for (const struct reader *r = f->readers; r; r = r->next) {
		size_t waiting = uv_stream_get_write_queue_size((const uv_stream_t *)&r->pipe);

		if (waiting > stats->waiting)
			stats->waiting = waiting;
	}
}
