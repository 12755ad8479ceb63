/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sink notify without a daemon, for test_notify.py: does what lines of its input say, and prints what it answers.
 *
 *   tell_notify PLUGIN [OPTION VALUE]...
 *
 *   open | close | stats | write (the batch that was made) | again (the same once more) | idle MS (upkeep, for so long)
 *   new | name | hash | changed NAME PATH [TEXT]    a program; expected: the next one is
 *   many N PATH    N new programs, each with a number behind its path
 *   alert COUNT TEXT | verdict STATE TEXT | hostile | long N
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"

static struct ps_ctx ctx;
static const struct ps_sink *sink;
static void *self;
static struct made made;
static uint64_t seq;
static bool expected;

static const char *const verdicts[] = {"stored", "away", "rejected", "misconfigured"};

static void answer(const char *what, enum ps_verdict verdict)
{
	printf("%s: %s%s%s\n", what, verdicts[verdict], verdict ? ": " : "", verdict ? ctx.why : "");
}

static void idle(long ms)
{
	int64_t until = clock_monotonic_ns() + ms * NS_PER_MS, at = 0;

	while (clock_monotonic_ns() < until) {
		if (at >= 0 && clock_monotonic_ns() >= at) {
			int64_t wait = sink->idle(self);

			at = wait < 0 ? -1 : clock_monotonic_ns() + wait * NS_PER_MS;
		}
		usleep(5000);
	}
}

static void program(unsigned event, const char *name, const char *path, const char *text)
{
	struct ps_text empty = made_text(&made, "", 0);
	uint32_t exe = made_exe(&made, made_text(&made, path, strlen(path)), made_text(&made, name, strlen(name)), empty);
	struct ps_program *p = &made_program(&made, 1, text)->program;

	p->exe = exe;
	p->event = (uint8_t)event;
	p->expected = expected;
	expected = false;
}

static void many(long n, const char *path)
{
	for (long i = 0; i < n; i++) {
		char *each = mem_printf("%s%ld", path, i);

		program(PS_PROGRAM_NEW_EXE, "x", each, each);
		free(each);
	}
}

static void long_text(long n)
{
	char *text = mem_alloc((size_t)n + 1);

	memset(text, 'a', (size_t)n);
	memcpy(text, "begin", 5);
	memcpy(text + n - 3, "end", 3);
	program(PS_PROGRAM_NEW_EXE, "long", "/long", text);
	free(text);
}

static void act(char *line)
{
	static const char *const events[] = {"", "new", "name", "hash", "changed"};
	char word[32] = "", rest[4096] = "", name[256] = "", path[2048] = "", text[4096] = "";

	sscanf(line, "%31s %4095[^\n]", word, rest);
	if (strcmp(word, "open") == 0) {
		answer("open", sink->open(&fake_host, &ctx, &self));
	} else if (strcmp(word, "close") == 0) {
		sink->close(self);
		printf("closed\n");
	} else if (strcmp(word, "stats") == 0) {
		sink->stats(self, text, sizeof(text));
		printf("stats: %s\n", text);
	} else if (strcmp(word, "write") == 0) {
		made.batch.seq = ++seq;
		answer("write", sink->write(self, &made.batch));
	} else if (strcmp(word, "again") == 0) {
		answer("again", sink->write(self, &made.batch));
	} else if (strcmp(word, "begin") == 0) {
		made_done(&made);
		made_init(&made, seq + 1);
	} else if (strcmp(word, "idle") == 0) {
		idle(atol(rest));
		printf("idle\n");
	} else if (strcmp(word, "expected") == 0) {
		expected = true;
	} else if (strcmp(word, "many") == 0) {
		sscanf(rest, "%255s %2047s", name, path);
		many(atol(name), path);
	} else if (strcmp(word, "alert") == 0) {
		sscanf(rest, "%255s %4095[^\n]", name, text);
		made_alert(&made, 1, text)->alert.count = (uint64_t)atol(name);
	} else if (strcmp(word, "verdict") == 0) {
		sscanf(rest, "%255s %4095[^\n]", name, text);
		made_verdict(&made, 1, text)->finding.state = (uint8_t)atol(name);
	} else if (strcmp(word, "hostile") == 0) {
		struct ps_text p = hostile_path();

		program(PS_PROGRAM_NEW_EXE, "h", p.data, p.data);
		program(PS_PROGRAM_NEW_EXE, "h", "/h",
		        "\u202egnp.exe\u2066 <b>bold</b> &amp; <a href=\"x\">y</a>\x1b[31m\n\xff");
	} else if (strcmp(word, "long") == 0) {
		long_text(atol(rest));
	} else {
		sscanf(rest, "%255s %2047s %4095[^\n]", name, path, text);
		for (unsigned i = 1; i <= 4; i++)
			if (strcmp(word, events[i]) == 0)
				program(i, name, path, *text ? text : path);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct ps_plugin *plugin;
	char line[8192];

	if (argc < 2)
		return 2;
	plugin = fake_load(argv[1]);
	sink = plugin->sink;
	fake_init(&ctx, plugin, "/", 0);
	for (int i = 2; i + 1 < argc; i += 2)
		fake_set(&ctx, argv[i], argv[i + 1]);
	made_init(&made, 1);
	while (fgets(line, sizeof(line), stdin))
		act(line);
	made_done(&made);
	fake_done(&ctx);
	return 0;
}
