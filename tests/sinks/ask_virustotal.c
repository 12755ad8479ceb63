/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sink virustotal without a daemon, for test_virustotal.py: hands it a batch with `count` executables, whose
 * SHA-256s are 32 times 1, 2, 3, and so on, and calls its upkeep for some seconds. What it finds out is printed.
 *
 *   ask_virustotal PLUGIN FOLDER COUNT SECONDS [OPTION VALUE]...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"

static int judge(struct ps_ctx *ctx, const char *what, enum ps_verdict verdict)
{
	if (verdict != PS_STORED)
		printf("%s: %s\n", what, ctx->why);
	return verdict != PS_STORED;
}

static void work(struct ps_ctx *ctx, const struct ps_sink *sink, void *self, int64_t until_ns)
{
	char line[256] = "";

	while (clock_monotonic_ns() < until_ns) {
		int64_t wait = sink->idle(self);

		if (wait == PS_IDLE_MISCONFIGURED) {
			printf("gave up: %s\n", ctx->why);
			break;
		}
		usleep((useconds_t)(wait < 0 ? 1000 : wait) * 1000);
	}
	sink->stats(self, line, sizeof(line));
	printf("stats: %s\n", line);
}

int main(int argc, char **argv)
{
	static struct ps_ctx ctx;
	const struct ps_plugin *plugin;
	void *self = NULL;
	struct made m;
	int bad;

	if (argc < 5)
		return 2;
	plugin = fake_load(argv[1]);
	fake_init(&ctx, plugin, argv[2], 0);
	for (int i = 5; i + 1 < argc; i += 2)
		fake_set(&ctx, argv[i], argv[i + 1]);
	fake_files(&ctx);
	made_init(&m, 1);
	for (int i = 0; i <= atoi(argv[3]); i++) {
		uint32_t exe = made_exe(&m, m.texts[0], m.texts[0], m.texts[0]);

		memset(m.exes[exe].sha256, i + 1, 32);
		/* The last is one that could not be hashed. */
		if (i == atoi(argv[3]))
			m.exes[exe].hash_state = PS_HASH_MISMATCH;
	}
	made_program(&m, 1, "new")->program.exe = 1;
	bad = judge(&ctx, "check", plugin->sink->check(&fake_host, &ctx)) ||
	      judge(&ctx, "open", plugin->sink->open(&fake_host, &ctx, &self));
	if (!bad) {
		judge(&ctx, "write", plugin->sink->write(self, &m.batch));
		work(&ctx, plugin->sink, self, clock_monotonic_ns() + atoi(argv[4]) * NS_PER_S);
		plugin->sink->close(self);
	}
	made_done(&m);
	fake_done(&ctx);
	return bad;
}
