/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who listens, as it is looked for and told: what the kernel's list says is the test's. */
#include "core/daemon/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/daemon/live_line.h"
#include "tests/tap.h"
#include "tests/unit/json_lines.h"
#include "tests/unit/watch_fixture.h"

/* What a look finds; the worker's, while there is one. */
static struct wire_listener list[20000];
static size_t n_list;
static int list_error;
static sem_t *hold; /* a look waits for it */

int probe_listeners(struct probe *probe, void (*each)(void *, const struct wire_listener *), void *arg)
{
	(void)probe;
	if (hold)
		sem_wait(hold);
	for (size_t i = 0; i < n_list; i++)
		each(arg, &list[i]);
	return list_error;
}

struct desk {
	struct fixture f;
	struct log_settings log;
	struct listening *listening;
	struct buf said;
	unsigned told, closed;
};

static void on_told(void *arg, struct buf *lines)
{
	struct desk *d = arg;

	d->told++;
	buf_done(&d->said);
	d->said = *lines;
}

static void on_closed(void *arg)
{
	((struct desk *)arg)->closed++;
}

static void desk_open(struct desk *d)
{
	*d = (struct desk){.log = {.addresses = true, .ports = true}};
	n_list = 0;
	list_error = 0;
	fixture_open(&d->f);
	d->listening = listening_open(&d->f.loop, NULL, d->f.processes, on_told, d);
}

static void desk_close(struct desk *d)
{
	listening_close(d->listening, on_closed, d);
	uv_run(&d->f.loop, UV_RUN_DEFAULT);
	is_int(d->closed, 1, "it says when it has closed");
	buf_done(&d->said);
	fixture_close(&d->f);
}

/* A reader comes, and the look that it makes for ends. */
static void read_once(struct desk *d)
{
	listening_look(d->listening, &d->log, true);
	uv_run(&d->f.loop, UV_RUN_DEFAULT);
}

static struct wire_listener *add(uint64_t socket, struct wire_image who, uint8_t family, uint16_t port,
                                 const char *addr)
{
	struct wire_listener *l = &list[n_list++];

	*l = (struct wire_listener){
	    .socket = socket,
	    .key = {.image = who, .uid = 7, .netns = 5, .family = family, .protocol = IPPROTO_TCP, .lport = port}};
	if (addr && inet_pton(family, addr, l->key.laddr) != 1)
		abort();
	return l;
}

static void is_error(struct desk *d, int error, const char *want)
{
	json_t *all;

	list_error = error;
	read_once(d);
	all = lines_of(&d->said);
	is_str(str(all, json_array_size(all) - 1, "error"), want, "an error is told: %s", strerror(-error));
	json_decref(all);
}

static void test_lines(void)
{
	struct wire_image who = image(1, 1), child = image(2, 0);
	struct listening_stats stats;
	struct desk d;
	json_t *all;

	desk_open(&d);
	exec_event(&d.f, who, image(0, 0), "/bin/a\nb\x1b[2J\xff\"\\<b>", "", 0, 0);
	fork_event(&d.f, who, child);
	add(11, who, AF_INET, 22, "127.0.0.1");
	add(11, who, AF_INET, 22, "127.0.0.1");
	add(11, child, AF_INET, 22, "127.0.0.1");
	add(12, who, AF_INET, 0xffff, NULL);
	add(13, who, AF_INET6, 80, NULL);
	add(14, image(99, 9), AF_INET6, 80, "2001:db8::1");
	memcpy(add(15, who, AF_VSOCK, 0, NULL)->key.laddr, (uint32_t[]){UINT32_MAX, 5555}, 8);
	add(16, who, AF_VSOCK, 0, NULL)->key.portless = 1;
	list[n_list++].key.family = 255;
	listening_get_stats(d.listening, &stats);
	ok(stats.looks == 0 && !d.told, "nobody looks before a reader comes");
	read_once(&d);
	is_int(d.told, 1, "a reader is told");
	all = lines_of(&d.said);
	is_int(json_array_size(all), 8, "a socket once for each that has it, what makes no sense not at all, and the end");
	is_str(str(all, 0, "kind"), "listen", "a socket");
	is_str(str(all, 0, "exe"), "/bin/a\\x0ab\\x1b[2J\\xff\"\\\\<b>", "a path of any bytes");
	is_str(str(all, 0, "laddr"), "127.0.0.1", "its address");
	ok(num(all, 0, "lport") == 22 && num(all, 0, "pid") == PID + 1 && num(all, 0, "uid") == 7 &&
	       num(all, 0, "netns") == 5 && num(all, 0, "protocol") == 6 && num(all, 0, "family") == AF_INET &&
	       num(all, 0, "socket") == 11,
	   "where and whose");
	ok(num(all, 1, "pid") == PID + 2 && num(all, 1, "socket") == 11, "the child's, too");
	is_str(str(all, 2, "laddr"), "0.0.0.0", "any address");
	is_int(num(all, 2, "lport"), 65535, "the last port");
	is_str(str(all, 3, "laddr"), "::", "any of IPv6");
	is_str(str(all, 4, "laddr"), "2001:db8::1", "one of IPv6");
	ok(strcmp(str(all, 4, "exe"), "(none)") == 0 && num(all, 4, "pid") == PID + 99,
	   "of a process that is not known, the number");
	ok(strcmp(str(all, 5, "laddr"), "any") == 0 && num(all, 5, "lport") == 5555, "vsock");
	ok(strcmp(str(all, 6, "laddr"), "(none)") == 0 && num(all, 6, "lport") == -2, "what is not known is left out");
	is_str(str(all, 7, "kind"), "listening", "the end");
	ok(num(all, 7, "more") == 0 && strcmp(str(all, 7, "error"), "(none)") == 0, "nothing is left out");
	json_decref(all);
	desk_close(&d);
}

static void test_log_and_errors(void)
{
	struct desk d;
	json_t *all;

	desk_open(&d);
	add(11, image(1, 1), AF_INET, 22, "127.0.0.1");
	d.log.addresses = d.log.ports = false;
	read_once(&d);
	all = lines_of(&d.said);
	ok(strcmp(str(all, 0, "laddr"), "(none)") == 0 && num(all, 0, "lport") == -2, "[log] addresses = no, ports = no");
	json_decref(all);
	desk_close(&d);
	desk_open(&d);
	is_error(&d, -EOPNOTSUPP, "not known on this kernel");
	desk_close(&d);
	desk_open(&d);
	add(11, image(1, 1), AF_INET, 22, "127.0.0.1");
	is_error(&d, -EIO, strerror(EIO));
	all = lines_of(&d.said);
	is_int(json_array_size(all), 2, "what was found before it is told");
	json_decref(all);
	desk_close(&d);
}

/* When there is a look, and when it is told. */
static void test_times(void)
{
	int64_t begun = clock_monotonic_ns();
	struct listening_stats stats;
	struct desk d;

	desk_open(&d);
	add(11, image(1, 1), AF_INET, 22, "127.0.0.1");
	read_once(&d);
	for (int i = 0; i < 100; i++) {
		listening_look(d.listening, &d.log, false);
		uv_run(&d.f.loop, UV_RUN_DEFAULT);
	}
	listening_get_stats(d.listening, &stats);
	ok(d.told == 1 && stats.looks == 1, "drains make for no look before its time");
	for (int i = 0; i < 100; i++)
		read_once(&d);
	ok(d.told == 1, "a reader that comes soon after is greeted first");
	listening_look(d.listening, &d.log, false);
	uv_run(&d.f.loop, UV_RUN_DEFAULT);
	listening_get_stats(d.listening, &stats);
	ok(d.told == 2 && stats.looks == 1 && memmem(d.said.data, d.said.len, "127.0.0.1", 9),
	   "and then told the last look");
	if (!ok(clock_monotonic_ns() - begun < LISTENING_LOOK_MS * NS_PER_MS, "all of this was quick"))
		goto out;
	do {
		usleep(20000);
		listening_look(d.listening, &d.log, false);
		uv_run(&d.f.loop, UV_RUN_DEFAULT);
		listening_get_stats(d.listening, &stats);
	} while (stats.looks == 1 && clock_monotonic_ns() - begun < 20 * NS_PER_S);
	ok(clock_monotonic_ns() - begun >= LISTENING_LOOK_MS * NS_PER_MS, "the next look comes in its time");
	ok(stats.looks == 2 && d.told == 2, "if nothing has changed, nothing is told");
	list[0].key.lport = 23;
	do {
		usleep(20000);
		listening_look(d.listening, &d.log, false);
		uv_run(&d.f.loop, UV_RUN_DEFAULT);
	} while (d.told == 2 && clock_monotonic_ns() - begun < (LISTENING_AGAIN_MS - 1000) * NS_PER_MS);
	ok(memmem(d.said.data, d.said.len, "\"lport\":23", 10), "a change is");
out:
	desk_close(&d);
}

static void test_bounds(void)
{
	static char path[LIVE_TEXT_MAX];
	struct listening_stats stats;
	struct desk d;
	json_t *all;

	desk_open(&d);
	for (unsigned i = 0; i < 20000; i++)
		add(i, image(i, 1), AF_INET, (uint16_t)i, "127.0.0.1");
	read_once(&d);
	all = lines_of(&d.said);
	is_int(json_array_size(all), LISTENING_MAX + 1, "as many as there is room for");
	ok(num(all, LISTENING_MAX, "count") == LISTENING_MAX && num(all, LISTENING_MAX, "more") == 20000 - LISTENING_MAX,
	   "the others are counted");
	listening_get_stats(d.listening, &stats);
	ok(stats.found == LISTENING_MAX && stats.more == 20000 - LISTENING_MAX && stats.took_ns > 0, "in the status, too");
	json_decref(all);
	desk_close(&d);

	desk_open(&d);
	memset(path, '\xff', sizeof(path) - 1);
	path[0] = '/';
	exec_event(&d.f, image(1, 1), image(0, 0), path, "", 0, 0);
	for (unsigned i = 0; i < 1000; i++)
		add(i, image(1, 1), AF_INET, (uint16_t)i, "127.0.0.1");
	read_once(&d);
	ok(d.said.len > LISTENING_BYTES_MAX && d.said.len < LISTENING_BYTES_MAX + 5 * LIVE_TEXT_MAX,
	   "bytes are bounded: %zu", d.said.len);
	all = lines_of(&d.said);
	is_int(num(all, json_array_size(all) - 1, "count") + num(all, json_array_size(all) - 1, "more"), 1000,
	       "what is beyond is counted");
	is_int(num(all, json_array_size(all) - 1, "count"), json_array_size(all) - 1, "and what is not");
	json_decref(all);
	desk_close(&d);
}

static void test_close(void)
{
	struct desk d;
	sem_t sem;

	sem_init(&sem, 0, 0);
	desk_open(&d);
	hold = &sem;
	listening_look(d.listening, &d.log, true);
	listening_look(d.listening, &d.log, true);
	uv_run(&d.f.loop, UV_RUN_NOWAIT);
	listening_close(d.listening, on_closed, &d);
	uv_run(&d.f.loop, UV_RUN_NOWAIT);
	ok(!d.closed, "closed in the midst of a look, it waits for the thread");
	sem_post(&sem);
	uv_run(&d.f.loop, UV_RUN_DEFAULT);
	ok(d.closed == 1 && !d.told, "then it closes, and tells nothing");
	hold = NULL;
	fixture_close(&d.f);
	sem_destroy(&sem);
}

int main(void)
{
	test_lines();
	test_log_and_errors();
	test_times();
	test_bounds();
	test_close();
	return tap_done();
}
