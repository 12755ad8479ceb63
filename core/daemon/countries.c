/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/countries.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/delivery/own_folder.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define PATIENCE_MS (15 * 60 * INT64_C(1000))

struct countries {
	uv_loop_t *loop;
	const char *program;
	uid_t uid;
	gid_t gid;
	uv_timer_t timer; /* until the next look; while there is a process, of its patience */
	uv_process_t process;
	int answer; /* its output; -1: there is no process */
	unsigned failures;
	bool wanted, closing;
	int open; /* handles that are not closed yet */
	int64_t delay_ms, next_ns;
	char *url, *cache;
	char said[512]; /* by the last one */
};

static void on_time(uv_timer_t *);

static void on_closed(uv_handle_t *handle)
{
	struct countries *c = handle->data;

	if (--c->open || !c->closing)
		return;
	free(c->url);
	free(c->cache);
	free(c);
}

static void look_in(struct countries *c, int64_t ms)
{
	c->next_ns = clock_wall_ns() + ms * NS_PER_MS;
	uv_timer_start(&c->timer, on_time, (uint64_t)ms, 0);
}

/* Daily, not all machines at once; after a failure sooner, and then later and later. */
static void look_again(struct countries *c)
{
	uint32_t some = 0;
	int64_t ms = DAY_MS;

	if (getrandom(&some, sizeof(some), GRND_NONBLOCK) < 0)
		some = 0;
	if (c->failures && c->failures < 20 && c->delay_ms << c->failures < DAY_MS)
		ms = c->delay_ms << c->failures;
	look_in(c, ms + (int64_t)(some % (uint32_t)(ms / 24 + 1)));
}

static void ended(struct countries *c, bool good)
{
	text_clean(c->said, strlen(c->said));
	if (good && (c->failures || strncmp(c->said, "fetched", 7) == 0))
		log_info("countries: %s", c->said);
	else if (!good && !c->failures)
		log_warning("countries: %s; what there is stays in use, and it is tried again", c->said);
	c->failures = good ? 0 : c->failures + 1;
	if (c->wanted && !c->closing)
		look_again(c);
}

static void on_ended(uv_process_t *process, int64_t status, int number)
{
	struct countries *c = process->data;
	ssize_t n = recv(c->answer, c->said, sizeof(c->said) - 1, MSG_DONTWAIT);

	c->said[n > 0 ? n : 0] = 0;
	c->said[strcspn(c->said, "\n")] = 0;
	close(c->answer);
	c->answer = -1;
	uv_timer_stop(&c->timer);
	uv_close((uv_handle_t *)process, on_closed);
	if (number && !*c->said)
		snprintf(c->said, sizeof(c->said), "the process that fetches them was ended by signal %d", number);
	else if (status && !*c->said)
		snprintf(c->said, sizeof(c->said), "the process that fetches them ended with status %d", (int)status);
	ended(c, !status && !number);
}

static void on_patience(uv_timer_t *timer)
{
	struct countries *c = timer->data;

	uv_process_kill(&c->process, SIGKILL);
}

static int spawn(struct countries *c, const char *folder)
{
	bool root = !geteuid();
	char *file = mem_strdup(c->program), *to = mem_strdup(folder);
	char *uid = root ? mem_printf("%u", (unsigned)c->uid) : mem_strdup("-"), *gid = mem_printf("%u", (unsigned)c->gid);
	char name[] = "geoip", fetch[] = "--fetch", if_due[] = "--if-due";
	char *args[] = {file, name, fetch, c->url, to, uid, gid, if_due, NULL};
	uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}, {.flags = UV_INHERIT_FD}, {.flags = UV_INHERIT_FD}};
	uv_process_options_t options = {.exit_cb = on_ended,
	                                .file = file,
	                                .args = args,
	                                .cwd = "/",
	                                .flags = root ? UV_PROCESS_SETUID | UV_PROCESS_SETGID : 0,
	                                .uid = c->uid,
	                                .gid = c->gid,
	                                .stdio_count = 3,
	                                .stdio = stdio};
	int ends[2], err = -EMFILE;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
		stdio[1].data.fd = ends[1];
		stdio[2].data.fd = STDERR_FILENO;
		c->open++;
		err = uv_spawn(c->loop, &c->process, &options);
		c->process.data = c;
		close(ends[1]);
		c->answer = ends[0];
		if (err) {
			close(c->answer);
			c->answer = -1;
			uv_close((uv_handle_t *)&c->process, on_closed);
		}
	}
	free(file);
	free(to);
	free(uid);
	free(gid);
	return err;
}

static void on_time(uv_timer_t *timer)
{
	struct countries *c = timer->data;
	char *folder = mem_printf("%s/geoip", c->cache), why[TRUST_WHY];
	int err;

	c->next_ns = 0;
	if (own_folder_make(c->cache, "geoip", c->uid, c->gid, why)) {
		snprintf(c->said, sizeof(c->said), "%s", why);
		ended(c, false);
	} else if ((err = spawn(c, folder))) {
		snprintf(c->said, sizeof(c->said), "%s: %s", c->program, uv_strerror(err));
		ended(c, false);
	} else {
		uv_timer_start(&c->timer, on_patience, PATIENCE_MS, 0);
	}
	free(folder);
}

struct countries *countries_open(uv_loop_t *loop, const char *program, uid_t uid, gid_t gid)
{
	struct countries *c = mem_alloc(sizeof(*c));

	c->loop = loop;
	c->program = program;
	c->uid = uid;
	c->gid = gid;
	c->answer = -1;
	c->open = 1;
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	return c;
}

void countries_reload(struct countries *c, const struct settings *s)
{
	free(c->url);
	free(c->cache);
	c->url = mem_strdup(s->geoip.url);
	c->cache = mem_strdup(s->paths.cache);
	c->delay_ms = s->geoip.delay_ms;
	c->wanted = c->program && s->geoip.enabled && s->geoip.update && !*s->geoip.database;
	c->failures = 0;
	if (c->answer >= 0)
		return; /* its end says when the next is */
	c->next_ns = 0;
	uv_timer_stop(&c->timer);
	if (c->wanted)
		look_in(c, c->delay_ms);
}

json_t *countries_status(const struct countries *c)
{
	const char *state = c->answer >= 0 ? "fetching" : !c->wanted ? "off" : c->failures ? "failed" : "waiting";

	return json_pack("{s:s, s:s, s:I}", "state", state, "said", c->said, "next", (json_int_t)(c->next_ns / NS_PER_S));
}

void countries_close(struct countries *c)
{
	c->closing = true;
	if (c->answer >= 0) {
		uv_process_kill(&c->process, SIGKILL);
		close(c->answer);
		c->answer = -1;
		uv_close((uv_handle_t *)&c->process, on_closed);
	}
	uv_close((uv_handle_t *)&c->timer, on_closed);
}
