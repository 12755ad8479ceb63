/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live feed's socket: who may read, how many, and what becomes of those that are too slow. */
#include "core/delivery/feed.h"

#include "tests/tap.h"
#include "tests/unit/feed_reader.h"
#include "tests/unit/scratch.h"

static uv_loop_t loop;
static struct feed *feed;
static unsigned greeted;

static void greet(void *arg, struct buf *out)
{
	(void)arg;
	buf_printf(out, "hello %u\n", ++greeted);
}

static void put(size_t len)
{
	struct buf lines;

	buf_init(&lines);
	memset(buf_add(&lines, len), 'x', len);
	lines.data[len - 1] = '\n';
	feed_put(feed, &lines);
	ok(!lines.data, "the text is taken over");
}

static struct feed_stats stats(void)
{
	struct feed_stats s;

	uv_run(&loop, UV_RUN_NOWAIT);
	feed_get_stats(feed, &s);
	return s;
}

static const char *text(struct buf *got)
{
	buf_put_u8(got, 0);
	got->len--;
	return (char *)got->data;
}

static void test_reading(const char *path)
{
	struct buf one = {0}, two = {0};
	struct stat st;
	int fd, other;

	ok(!stat(path, &st) && (st.st_mode & 07777) == 0660 && st.st_gid == getegid(), "0660, and the group is as told");
	ok(!feed_is_read(feed), "nobody reads");
	put(10);
	fd = reader_connect(path);
	ok(!reader_take(&loop, fd, &one), "a reader stays connected");
	is_str(text(&one), "hello 1\n", "it is greeted, and gets nothing that came before");
	ok(feed_is_read(feed), "somebody reads");
	put(10);
	other = reader_connect(path);
	reader_take(&loop, other, &two);
	put(3);
	reader_take(&loop, fd, &one);
	reader_take(&loop, other, &two);
	is_str(text(&one), "hello 1\nxxxxxxxxx\nxx\n", "one gets all lines since it came");
	is_str(text(&two), "hello 2\nxx\n", "and so does the other");
	close(fd);
	put(3);
	put(3);
	is_int(stats().readers, 1, "one that has gone is noticed");
	close(other);
	put(3);
	ok(!stats().readers && !feed_is_read(feed), "and the last one, too");
	ok(stats().accepted == 2 && !stats().dropped && !stats().refused, "nobody was dropped or refused");
	buf_done(&one);
	buf_done(&two);
}

static void test_slow(const char *path)
{
	int slow = reader_connect(path), quick = reader_connect(path);
	struct buf first = {0}, second = {0};
	size_t piece = FEED_WAITING_MAX / 16, sent = 0;
	const char *end;

	reader_take(&loop, quick, &second);
	for (unsigned i = 0; i < 40 && !stats().dropped; i++) {
		put(piece);
		sent += piece;
		reader_take(&loop, quick, &second);
	}
	is_int(stats().dropped, 1, "a reader that takes nothing is dropped");
	ok(sent > FEED_WAITING_MAX && sent < FEED_WAITING_MAX + 2 * piece, "after as much as may wait, %zu bytes", sent);
	is_int(second.len, sent + strlen("hello 0\n"), "one that does loses nothing by that");
	ok(stats().waiting <= FEED_WAITING_MAX, "no more than that waits");
	ok(reader_take(&loop, slow, &first), "the slow one's stream ends");
	end = strrchr(text(&first), '{');
	ok(end && strstr(end, "{\"kind\":\"end\",\"why\":\"slow\",\"waiting\":8") == end && end[strlen(end) - 1] == '\n',
	   "its last line says why: %s", end ? end : "");
	is_int(first.len - strlen(end ? end : "") - strlen("hello 0\n"), sent - piece, "before that, it gets what waited");
	is_int(stats().readers, 1, "the quick one stays");
	close(slow);
	close(quick);
	put(3);
	is_int(stats().readers, 0, "all have gone");
	buf_done(&first);
	buf_done(&second);
}

static void test_many(const char *path)
{
	int fds[FEED_READERS_MAX + 50];
	unsigned in = 0, told = 0;

	for (size_t i = 0; i < FEED_READERS_MAX + 50; i++) {
		struct buf got = {0};
		int ended;

		fds[i] = reader_connect(path);
		ended = reader_take(&loop, fds[i], &got);
		in += !ended && strncmp(text(&got), "hello ", 6) == 0;
		told += ended && strcmp(text(&got), "{\"kind\":\"end\",\"why\":\"full\"}\n") == 0;
		buf_done(&got);
	}
	is_int(in, FEED_READERS_MAX, "as many as may read do");
	is_int(told, 50, "the others are told that there are too many");
	is_int(stats().refused, 50, "and counted");
	is_int(stats().readers, FEED_READERS_MAX, "and are no readers");
	for (size_t i = 0; i < FEED_READERS_MAX + 50; i++)
		close(fds[i]);
	put(3);
	is_int(stats().readers, 0, "all have gone");
}

static void on_closed(void *arg)
{
	*(int *)arg = 1;
}

int main(void)
{
	struct buf got = {0};
	char *path;
	int fd, closed = 0;

	scratch_make();
	path = scratch_path("feed.sock");
	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&loop);
	scratch_write(path, "left by another", 5, 0644);
	is_int(feed_open(&feed, &loop, scratch, getegid(), greet, NULL), 0, "it opens, whatever was there");
	test_reading(path);
	test_slow(path);
	test_many(path);
	fd = reader_connect(path);
	reader_take(&loop, fd, &got);
	feed_close(feed, on_closed, &closed);
	ok(reader_take(&loop, fd, &got), "the end of the feed is the end of its streams");
	ok(strstr(text(&got), "{\"kind\":\"end\",\"why\":\"stopped\"}\n"), "which is said");
	uv_run(&loop, UV_RUN_DEFAULT);
	ok(closed && access(path, F_OK), "it has closed, and the socket is gone");
	ok(feed_open(&feed, &loop, "/nonexistent", 0, greet, NULL) < 0, "where there is no folder, there is no feed");
	uv_run(&loop, UV_RUN_DEFAULT);
	ok(!uv_loop_close(&loop), "nothing is left in the loop");
	close(fd);
	buf_done(&got);
	free(path);
	scratch_remove();
	return tap_done();
}
