/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes batches through a sink as the core does: each until it is stored or set aside, the same one again
 * when the destination is away.
 *   pump PLUGIN.so BATCHES ROWS HOST PAUSE_MS SECONDS [START] [OPTION=VALUE]...
 * HOST: a number, which the batches are of. SECONDS: when to give up. START: the rows' first time, in Unix seconds.
 * A line for each change of the answer; the last one says what was stored.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"

#define AGAIN_MS 200

static const char *const names[] = {"stored", "away", "rejected", "misconfigured"};

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static const struct ps_plugin *plugin;
static struct ps_ctx ctx;
static int64_t until;
static int last = -1;

static void tell(enum ps_verdict verdict)
{
	if ((int)verdict != last)
		printf("%s\n", names[verdict]);
	last = (int)verdict;
}

static enum ps_verdict put(void **self, const struct ps_batch *batch)
{
	enum ps_verdict verdict = *self ? PS_STORED : plugin->sink->open(&fake_host, &ctx, self);

	if (verdict == PS_STORED)
		verdict = plugin->sink->write(*self, batch);
	else
		*self = NULL;
	tell(verdict);
	return verdict;
}

int main(int argc, char **argv)
{
	unsigned long batches, rows, host, stored = 0, aside = 0, away = 0, longest = 0;
	int64_t begin = 1700000000;
	void *self = NULL;
	long wait;

	if (argc < 7) {
		fprintf(stderr, "usage: pump PLUGIN.so BATCHES ROWS HOST PAUSE_MS SECONDS [START] [OPTION=VALUE]...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN); /* as in a sink's own process */
	plugin = fake_load(argv[1]);
	batches = strtoul(argv[2], NULL, 10);
	rows = strtoul(argv[3], NULL, 10);
	host = strtoul(argv[4], NULL, 10);
	wait = strtol(argv[5], NULL, 10);
	until = clock_monotonic_ns() + strtol(argv[6], NULL, 10) * NS_PER_S;
	fake_init(&ctx, plugin, fake_dir(), 0);
	for (int i = 7; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (!equals) {
			begin = strtoll(argv[i], NULL, 10);
			continue;
		}
		*equals = 0;
		fake_set(&ctx, argv[i], equals + 1);
	}
	fake_files(&ctx);
	if (plugin->sink->check && plugin->sink->check(&fake_host, &ctx) != PS_STORED) {
		tell(PS_MISCONFIGURED);
		batches = 0;
	}
	for (unsigned long seq = 1; seq <= batches && clock_monotonic_ns() < until; seq++) {
		enum ps_verdict verdict;
		struct made m;

		made_usual(&m, seq, (uint32_t)rows, begin + (int64_t)seq * 10);
		memcpy(m.batch.host, &host, sizeof(host));
		do {
			int64_t start = clock_monotonic_ns();
			unsigned long took;

			verdict = put(&self, &m.batch);
			took = (unsigned long)((clock_monotonic_ns() - start) / NS_PER_MS);
			longest = took > longest ? took : longest;
			if (verdict == PS_AWAY) {
				away++;
				pause_ms(AGAIN_MS);
			}
		} while (verdict == PS_AWAY && clock_monotonic_ns() < until);
		stored += verdict == PS_STORED;
		aside += verdict == PS_REJECTED;
		made_done(&m);
		if (verdict == PS_MISCONFIGURED)
			break;
		pause_ms(wait);
	}
	if (self)
		plugin->sink->close(self);
	printf("end: %lu stored, %lu rejected, %lu times away, %lu ms at most; %s\n", stored, aside, away, longest,
	       ctx.why);
	fake_done(&ctx);
	return !batches || stored + aside != batches;
}
