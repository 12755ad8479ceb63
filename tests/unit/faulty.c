/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sink that does as it is told: stores the number of each batch in a file, once and durably,
 * and the number of each call in another; misbehaves in the way, and at the batch, that its
 * options name.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/plugin.h"

enum mode {
	COUNT,
	CRASH,
	HANG,
	AWAY,
	REJECT,
	WRONG,
	AWAY_OPEN,
	GARBAGE,
	CHATTER,
	ASIDE,
	ROTATE,
	SLOW,
	UPKEEP,
	FOUND,
	LIE,
	GIVE_UP,
	ESCAPE
};

struct faulty {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	enum mode mode;
	uint64_t at;
	int64_t times;
	int stored, calls;
	int upkeeps, told;
	uint64_t taken[100000];
	size_t n;
};

static int append(int fd, uint64_t seq)
{
	return write(fd, &seq, sizeof(seq)) == sizeof(seq) && fdatasync(fd) == 0 ? 0 : -errno;
}

static enum ps_verdict check(const struct ps_host *host, struct ps_ctx *ctx)
{
	if (host->abi != PS_PLUGIN_ABI || host->size != sizeof(*host))
		return PS_MISCONFIGURED;
	if (strcmp(host->text(ctx, "secret"), "hush") != 0) {
		host->why(ctx, "the secret did not come through");
		return PS_MISCONFIGURED;
	}
	return PS_STORED;
}

static enum ps_verdict open_sink(const struct ps_host *host, struct ps_ctx *ctx, void **self)
{
	static int tries;
	struct faulty *f;
	ssize_t n;

	if (host->number(ctx, "mode") == AWAY_OPEN && tries++ < host->number(ctx, "times")) {
		host->why(ctx, "nobody is at home");
		return PS_AWAY;
	}
	if (host->number(ctx, "mode") == WRONG) {
		host->why(ctx, "the table has other columns");
		return PS_MISCONFIGURED;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->host = host;
	f->ctx = ctx;
	f->mode = (enum mode)host->number(ctx, "mode");
	f->at = (uint64_t)host->number(ctx, "at");
	f->times = host->number(ctx, "times");
	f->stored = open(host->text(ctx, "stored"), O_RDWR | O_APPEND | O_CLOEXEC);
	f->calls = open(host->text(ctx, "calls"), O_RDWR | O_APPEND | O_CLOEXEC);
	if (f->stored < 0 || f->calls < 0) {
		host->why(ctx, "%s: %s", host->text(ctx, "stored"), strerror(errno));
		free(f);
		return PS_MISCONFIGURED;
	}
	n = read(f->stored, f->taken, sizeof(f->taken));
	f->n = n > 0 ? (size_t)n / sizeof(f->taken[0]) : 0;
	*self = f;
	return PS_STORED;
}

static int has(const struct faulty *f, uint64_t seq)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->taken[i] == seq)
			return 1;
	return 0;
}

/* What somebody would try who has taken over a sink. */
static void escape(struct faulty *f)
{
	char name[] = "true", *argv[] = {name, NULL};
	int wrong[4];

	execv("/bin/true", argv);
	wrong[0] = errno;
	wrong[1] = unshare(CLONE_NEWUSER) ? errno : 0;
	wrong[2] = ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) ? errno : 0;
	wrong[3] = syscall(SYS_bpf, 0, NULL, 0) ? errno : 0;
	f->host->why(f->ctx, "exec %d, unshare %d, ptrace %d, bpf %d", wrong[0], wrong[1], wrong[2], wrong[3]);
}

static enum ps_verdict misbehave(struct faulty *f)
{
	const struct timespec slow = {0, 2000000};

	switch (f->mode) {
	case CRASH:
		raise(SIGSEGV);
		break;
	case HANG:
		for (;;)
			pause();
	case AWAY:
		if (f->times-- <= 0)
			break;
		f->host->why(f->ctx, "the server said %s", "go away\n\x1b[31m");
		return PS_AWAY;
	case REJECT:
		f->host->why(f->ctx, "a row was too wide");
		return PS_REJECTED;
	case GARBAGE:
		send(3, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, MSG_NOSIGNAL);
		for (;;)
			pause();
	case CHATTER:
		for (int i = 0; i < 2000; i++)
			f->host->log(f->ctx, PS_WARNING, "line %d", i);
		break;
	case ASIDE:
		if (f->host->set_aside(f->ctx, "stored", "bad/../name") != -EINVAL ||
		    f->host->set_aside(f->ctx, "other", "damaged") != -ENOENT)
			raise(SIGABRT);
		if (f->host->set_aside(f->ctx, "stored", "damaged"))
			return PS_MISCONFIGURED;
		close(f->stored);
		f->stored = open(f->host->text(f->ctx, "stored"), O_RDWR | O_APPEND | O_CLOEXEC);
		break;
	case ROTATE:
		if (f->host->rotate(f->ctx, "calls", 2))
			return PS_MISCONFIGURED;
		close(f->calls);
		f->calls = open(f->host->text(f->ctx, "calls"), O_RDWR | O_APPEND | O_CLOEXEC);
		break;
	case FOUND:
	case LIE:
		f->told =
		    f->host->found(f->ctx, &(struct ps_found){.sha256 = {9},
		                                              .state = PS_FINDING_SUSPICIOUS,
		                                              .malicious = 3,
		                                              .undetected = 69,
		                                              .asked_ns = 1000,
		                                              .reason = "",
		                                              .link = f->mode == LIE ? "file:///" : "https://example.com/"});
		break;
	case ESCAPE:
		escape(f);
		return PS_REJECTED;
	case SLOW:
		nanosleep(&slow, NULL);
		break;
	default:
		break;
	}
	return PS_STORED;
}

static enum ps_verdict write_batch(void *self, const struct ps_batch *batch)
{
	struct faulty *f = self;
	enum ps_verdict verdict = PS_STORED;

	for (uint32_t i = 0; i < batch->n_records; i++)
		if (batch->records[i].kind != PS_TRAFFIC)
			return PS_MISCONFIGURED;
	if (append(f->calls, batch->seq))
		return PS_AWAY;
	if (!f->at || batch->seq == f->at)
		verdict = misbehave(f);
	if (verdict != PS_STORED || has(f, batch->seq))
		return verdict;
	if (append(f->stored, batch->seq))
		return PS_AWAY;
	f->taken[f->n++ % 100000] = batch->seq;
	return PS_STORED;
}

static int64_t idle(void *self)
{
	struct faulty *f = self;

	f->upkeeps++;
	if (f->mode == GIVE_UP) {
		f->host->why(f->ctx, "the key is refused");
		return PS_IDLE_MISCONFIGURED;
	}
	return f->mode == UPKEEP && f->upkeeps < 5 ? 1 : -1;
}

static void stats(void *self, char *out, size_t size)
{
	struct faulty *f = self;

	if (f->mode == FOUND)
		snprintf(out, size, "told %d", f->told);
	else
		snprintf(out, size, "%zu stored, %d upkeeps\x1b", f->n, f->upkeeps);
}

static void close_sink(void *self)
{
	struct faulty *f = self;

	close(f->stored);
	close(f->calls);
	free(f);
}

static const struct ps_option options[] = {
    {.key = "mode",
     .type = PS_OPTION_CHOICE,
     .fallback = "count",
     .choices = "count crash hang away reject wrong away-open garbage chatter aside rotate slow upkeep found lie "
                "give-up escape",
     .help = "what goes wrong"},
    {.key = "at", .type = PS_OPTION_INT, .fallback = "0", .help = "at which batch; 0: at any"},
    {.key = "times", .type = PS_OPTION_INT, .fallback = "0", .help = "how often"},
    {.key = "secret", .type = PS_OPTION_TEXT, .fallback = "", .help = "a secret", .flags = PS_OPTION_SECRET},
    {.key = "stored",
     .type = PS_OPTION_STATE_FILE,
     .fallback = "stored",
     .help = "what was stored",
     .companions = "-wal -shm"},
    {.key = "calls", .type = PS_OPTION_LOG_FILE, .fallback = "calls", .help = "what was asked"},
    {.key = NULL},
};

static const struct ps_sink sink = {
    .kinds = PS_TRAFFIC,
    .check = check,
    .open = open_sink,
    .write = write_batch,
    .idle = idle,
    .stats = stats,
    .close = close_sink,
};

const struct ps_plugin ps_plugin = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(struct ps_plugin),
    .name = "faulty",
    .about = "does as it is told",
    .options = options,
    .sink = &sink,
};
