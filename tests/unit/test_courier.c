/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Couriers with real processes: a sink that does as it should, and each way in which one does
 * not. Nothing is lost, nothing is stored twice, and the loop here never waits.
 */
#include "core/delivery/courier.h"

#include <errno.h>
#include <signal.h>

#include "core/base/log.h"
#include "core/config/option.h"
#include "core/query/rows.h"
#include "tests/tap.h"
#include "tests/unit/batches.h"
#include "tests/unit/scratch.h"

static uv_loop_t loop;
static uv_timer_t guard, tick;
static int expired;
static struct settings settings;
static struct journal *journal;
static struct courier *courier;
static struct sink_settings sink;
static struct setting values[6];
static struct ps_option options[6];
static uint64_t committed;
static int ended;
static char alerts[4096]; /* one line each */
static int n_alerts;
static struct ps_found told;
static int n_found, answer;
static char *program, *plugins, *state, *stored, *calls;

static void on_committed(void *arg, uint64_t last)
{
	(void)arg;
	committed = last;
	if (courier)
		courier_wake(courier);
}

static void on_dropped(void *arg, const struct journal_drop *drop)
{
	(void)arg;
	(void)drop;
}

static void on_trouble(void *arg, int error, const char *what)
{
	(void)arg;
	printf("# trouble %d: %s\n", error, what);
}

static void on_alert(void *arg, const char *name, const char *text, uint64_t count)
{
	size_t n = strlen(alerts);

	(void)arg;
	(void)name;
	(void)count;
	n_alerts++;
	snprintf(alerts + n, sizeof(alerts) - n, "%s\n", text);
}

static void on_ended(void *arg, struct courier *c)
{
	(void)arg;
	ended = c == courier;
}

static int on_found(void *arg, const char *name, const struct ps_found *what)
{
	(void)arg;
	n_found += strcmp(name, "faulty.one") == 0 && strcmp(what->link, "https://example.com/") == 0;
	told = *what;
	return answer;
}

static void on_guard(uv_timer_t *timer)
{
	(void)timer;
	expired = 1;
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer; /* only so that conditions are looked at again */
}

#define run_until(condition)                                                                                           \
	do {                                                                                                               \
		expired = 0;                                                                                                   \
		uv_timer_start(&guard, on_guard, 60000, 0);                                                                    \
		uv_timer_start(&tick, on_tick, 1, 1);                                                                          \
		while (!(condition) && !expired)                                                                               \
			uv_run(&loop, UV_RUN_ONCE);                                                                                \
		uv_timer_stop(&guard);                                                                                         \
		uv_timer_stop(&tick);                                                                                          \
	} while (0)

static struct courier_status status(void)
{
	struct courier_status s;

	courier_get_status(courier, &s);
	return s;
}

static void append(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct buf b;

		buf_init(&b);
		batch_make(&b, 5, 1);
		journal_append(journal, &b, 1, clock_wall_ns());
	}
}

static void set(size_t at, const char *key, enum ps_option_type type, const char *text, int64_t number)
{
	options[at] = (struct ps_option){.key = key, .type = type, .companions = at == 4 ? "-wal -shm" : NULL};
	values[at] = (struct setting){&options[at], (char *)(uintptr_t)text, number, 0};
}

static void remove_all(const char *pattern)
{
	glob_t found;
	char *text = scratch_path(pattern);

	if (glob(text, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
		globfree(&found);
	}
	free(text);
}

/* A new journal and a courier for the sink `faulty` in that mode. */
static void begin(int64_t mode, int64_t at, int64_t times, int64_t timeout_ms)
{
	static const struct journal_limits limits = {1 << 30, 30LL * 24 * 3600 * 1000};
	static const struct journal_events events = {NULL, on_committed, on_dropped, on_trouble};
	static const struct courier_events courier_events = {NULL, on_alert, on_ended, on_found};
	struct courier_host host = {program, 65534, 65534, &settings, 1, 20};
	const struct journal_sink named = {"faulty.one", 0};
	struct journal_start start;
	char *path = scratch_path("state/journal.db");

	remove_all("state/*");
	ended = n_alerts = 0;
	alerts[0] = 0;
	committed = 0;
	if (journal_open(&journal, &loop, path, rows_digest, NULL, &limits, &events, &start))
		abort();
	journal_sinks(journal, &named, 1);
	set(0, "mode", PS_OPTION_CHOICE, "", mode);
	set(1, "at", PS_OPTION_INT, "", at);
	set(2, "times", PS_OPTION_INT, "", times);
	set(3, "secret", PS_OPTION_TEXT, "hush", 0);
	set(4, "stored", PS_OPTION_STATE_FILE, "stored", 0);
	set(5, "calls", PS_OPTION_LOG_FILE, "calls", 0);
	sink = (struct sink_settings){.name = (char *)(uintptr_t)named.name,
	                              .plugin = (char *)(uintptr_t) "faulty",
	                              .enabled = true,
	                              .timeout_ms = timeout_ms,
	                              .values = values,
	                              .n_values = 6};
	courier = courier_open(&loop, journal, &sink, &host, &courier_events);
	free(path);
}

static void stop(int drain, int64_t ms)
{
	courier_stop(courier, drain, clock_monotonic_ns() + ms * NS_PER_MS);
	run_until(ended);
}

static void finish(void)
{
	if (!ended)
		stop(0, 5000);
	ok(ended && status().state == COURIER_ENDED && !status().pid, "the courier ends");
	courier_free(courier);
	courier = NULL;
	journal_close(journal, 10000);
	uv_run(&loop, UV_RUN_NOWAIT);
}

/* How many numbers the file holds; checks that each of 1..want, but for `without`, is there once. */
static size_t rows(const char *path, uint64_t want, uint64_t without, int once)
{
	size_t len, n;
	uint64_t *seqs = (uint64_t *)(void *)scratch_read(path, &len);
	unsigned wrong = 0;

	n = len / sizeof(*seqs);
	for (uint64_t seq = 1; seq <= want; seq++) {
		size_t found = 0;

		for (size_t i = 0; i < n; i++)
			found += seqs[i] == seq;
		if (seq == without ? found && once : once ? found != 1 : found == 0)
			wrong++;
	}
	is_int(wrong, 0, "each of %llu batches is there%s", (unsigned long long)want, once ? " once" : "");
	free(seqs);
	return n;
}

static int has_line(const char *text, const char *line)
{
	char *with = mem_printf("\n%s", line);
	int found = strstr(text, with) != NULL;

	free(with);
	return found;
}

static void test_count(void)
{
	char path[64], *text;
	struct stat st;

	begin(0, 0, 0, 5000);
	run_until(status().state == COURIER_READY);
	is_int(status().state, COURIER_READY, "a sink is opened");
	snprintf(path, sizeof(path), "/proc/%d/status", (int)status().pid);
	text = scratch_read(path, NULL);
	if (geteuid() == 0)
		ok(has_line(text, "Uid:\t65534\t65534\t65534\t65534\n") &&
		       has_line(text, "Gid:\t65534\t65534\t65534\t65534\n") && has_line(text, "Groups:\t \n"),
		   "its process is nobody's, in no other group");
	else
		skip("this is not root");
	ok(has_line(text, "CapEff:\t0000000000000000\n") && has_line(text, "CapPrm:\t0000000000000000\n") &&
	       has_line(text, "CapInh:\t0000000000000000\n"),
	   "has no capability");
	ok(has_line(text, "NoNewPrivs:\t1\n"), "gets none");
	ok(has_line(text, "SigBlk:\t0000000000000000\n"), "and blocks no signal");
	free(text);
	append(20);
	run_until(status().batches == 20);
	is_int(status().batches, 20, "20 batches are taken");
	is_int(status().records, 120, "with their records");
	is_int(status().cursor, 20, "in order");
	run_until(strstr(status().stats, "20 stored, 21 upkeeps"));
	is_str(status().stats, "20 stored, 21 upkeeps?",
	       "the sink's own line comes through, clean; upkeep follows each batch");
	is_int(status().restarts + status().dead, 0, "no trouble");
	is_int(n_alerts, 0, "no alert");
	ok(stat(stored, &st) == 0 && st.st_uid == (geteuid() ? geteuid() : 65534) && (st.st_mode & 0777) == 0640,
	   "its file is its own");
	finish();
	rows(stored, 20, 0, 1);
}

static void test_upkeep(void)
{
	begin(12, 0, 0, 5000);
	run_until(strstr(status().stats, "5 upkeeps"));
	is_str(status().stats, "0 stored, 5 upkeeps?", "upkeep is called when it wants to be");
	finish();
}

static void test_drain(void)
{
	uint64_t taken;
	struct stat st;

	begin(11, 0, 0, 5000);
	append(100);
	run_until(status().batches >= 1);
	stop(1, 20000);
	is_int(status().batches, 100, "a stop with draining takes what the journal has");
	finish();

	begin(11, 0, 0, 5000);
	append(500);
	run_until(status().batches >= 1);
	stop(0, 5000);
	taken = status().batches;
	ok(taken < 500, "one without takes the batch under way (%llu)", (unsigned long long)taken);
	finish();
	is_int(rows(stored, taken, 0, 1), taken, "and no other");

	begin(2, 0, 0, 60000);
	append(1);
	run_until(committed == 1);
	run_until(stat(calls, &st) == 0 && st.st_size > 0);
	{
		int64_t start = clock_monotonic_ns();

		stop(1, 300);
		ok(clock_monotonic_ns() - start < 3 * NS_PER_S, "a sink that hangs cannot hold a stop up");
	}
	finish();
}

static void test_crash(int mode, const char *how)
{
	begin(mode, 4, 0, 1500);
	append(8);
	run_until(status().batches == 7);
	is_int(status().batches, 7, "a batch that the sink dies of does not stop the others (%s)", how);
	is_int(status().dead, 1, "it is set aside");
	is_int(status().restarts, 3, "after three times");
	is_int(n_alerts, 3, "told: failing, set aside, works again");
	ok(strstr(alerts, how) && strstr(alerts, "batch 4 was set aside") && strstr(alerts, "it works again"),
	   "with the reason");
	if (n_alerts != 3)
		printf("# %s\n", alerts);
	finish();
	rows(stored, 8, 4, 1);
}

static void test_away(void)
{
	begin(3, 3, 5, 5000);
	append(6);
	run_until(status().batches == 6);
	is_int(status().batches, 6, "a destination that was away gets all");
	is_int(status().restarts, 0, "by the same process");
	is_str(alerts, "its destination is away: the server said go away??[31m\nit works again\n",
	       "away and back are told once, cleanly");
	is_int(rows(calls, 6, 0, 0), 11, "the same batch was tried again five times");
	finish();
	rows(stored, 6, 0, 1);

	begin(6, 0, 3, 5000);
	append(2);
	run_until(status().batches == 2);
	is_str(alerts, "its destination is away: nobody is at home\nit works again\n", "away when it is opened");
	finish();

	begin(6, 0, 1000000, 5000);
	append(1);
	run_until(status().state == COURIER_AWAY);
	stop(1, 60000);
	ok(ended, "a stop does not wait for a destination that is away");
	finish();
}

static void test_reject(void)
{
	begin(4, 2, 0, 5000);
	append(4);
	run_until(status().batches == 3);
	is_int(status().batches, 3, "a batch that is refused for good is passed");
	is_int(status().dead, 1, "and set aside");
	is_str(alerts, "batch 2 was set aside, and is kept in the journal: a row was too wide\n", "with the sink's reason");
	is_int(status().restarts, 0, "the process goes on");
	finish();
	rows(stored, 4, 2, 1);
}

static void test_escape(void)
{
	begin(16, 1, 0, 5000);
	append(1);
	run_until(status().dead == 1);
	/* 1 is EPERM. */
	is_str(alerts, "batch 1 was set aside, and is kept in the journal: exec 1, unshare 1, ptrace 1, bpf 1\n",
	       "a sink can start no program, make no namespace, touch no other process nor the kernel");
	finish();
}

static void test_wrong(void)
{
	begin(5, 0, 0, 5000);
	append(1);
	run_until(status().state == COURIER_STOPPED && !status().pid);
	is_int(status().state, COURIER_STOPPED, "a sink that is configured wrongly stops");
	is_str(status().why, "the table has other columns", "with its reason");
	is_int(n_alerts, 1, "told once");
	finish();

	begin(0, 0, 0, 5000);
	values[3].text = (char *)(uintptr_t) "loud";
	run_until(status().state == COURIER_STOPPED);
	is_str(status().why, "the secret did not come through", "so does one that its own check refuses");
	finish();

	begin(0, 0, 0, 5000);
	sink.plugin = (char *)(uintptr_t) "missing";
	run_until(status().state == COURIER_STOPPED);
	ok(strstr(status().why, "there is no missing.so"), "and one whose plugin is not there: %s", status().why);
	finish();
}

static void test_no_program(void)
{
	char *saved = program;

	program = (char *)(uintptr_t) "/nonexistent/program";
	begin(0, 0, 0, 5000);
	run_until(n_alerts);
	ok(strstr(alerts, "cannot be started") && status().state == COURIER_RESTARTING, "a program that is not there: %s",
	   alerts);
	finish();
	program = saved;
}

static void test_chatter(void)
{
	char *text, *log = scratch_path("stderr");
	int saved = dup(STDERR_FILENO), fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned lines = 0;

	if (saved < 0 || dup2(fd, STDERR_FILENO) < 0)
		abort();
	begin(8, 1, 0, 5000);
	append(2);
	run_until(status().batches == 2);
	finish();
	if (dup2(saved, STDERR_FILENO) < 0)
		abort();
	close(fd);
	close(saved);
	text = scratch_read(log, NULL);
	for (char *c = text; *c; c++)
		lines += *c == '\n';
	ok(lines >= 10 && lines < 100, "of 2,000 lines that a sink says at once, %u are logged", lines);
	ok(strstr(text, "sink faulty.one: line 0\n") != NULL, "with its name");
	free(text);
	free(log);
}

static void test_files(void)
{
	begin(9, 3, 0, 5000);
	append(4);
	run_until(status().batches == 4);
	is_int(status().batches, 4, "a sink has its file set aside");
	is_int(count_files("state/stored.damaged-????????T??????Z"), 1, "it is there under its new name");
	is_int(count_files("state/stored.damaged-*-wal"), 1, "with its companion");
	finish();
	is_int(rows(stored, 0, 0, 1), 2, "what was stored later is in the new one");

	begin(10, 3, 0, 5000);
	append(4);
	run_until(status().batches == 4);
	is_int(count_files("state/calls.?"), 1, "a sink has its file rotated");
	finish();
	is_int(rows(calls, 0, 0, 1), 1, "and goes on in a new one");
}

/* What a sink finds out is handed over, and the sink is told when it is durable, or why it is not taken. */
static void test_found(void)
{
	n_found = answer = 0;
	begin(13, 0, 0, 5000);
	append(1);
	run_until(n_found);
	ok(told.state == PS_FINDING_SUSPICIOUS && told.sha256[0] == 9 && told.malicious == 3 && told.undetected == 69 &&
	       told.asked_ns == 1000,
	   "what a sink finds out comes through");
	ok(!status().batches, "it waits until that is durable");
	courier_found_done(courier);
	run_until(status().batches == 1);
	run_until(status().stats[0]);
	is_str(status().stats, "told 0", "and goes on");
	courier_found_done(courier);
	answer = -EAGAIN;
	append(1);
	run_until(status().batches == 2);
	run_until(strcmp(status().stats, "told 0") != 0);
	is_str(status().stats, "told -11", "what is not taken is answered at once");
	append(1500);
	answer = -EALREADY;
	run_until(status().batches == 1502);
	ok(n_found >= 1000 && n_found < 1100, "of 1502 in a row, %d reach the core: there is a limit", n_found);
	finish();

	n_found = answer = 0;
	begin(14, 0, 0, 5000);
	append(1);
	run_until(status().restarts);
	ok(!n_found && strstr(alerts, "sent a message that makes no sense here"), "a link that is none ends the process");
	finish();

	begin(15, 0, 0, 5000);
	append(1);
	run_until(status().state == COURIER_STOPPED && !status().pid);
	is_str(status().why, "the key is refused", "a sink that cannot go on stops, in its upkeep, too");
	is_str(alerts, "it is stopped until the next reload: the key is refused\n", "told once");
	is_int(status().restarts, 0, "and is not started again");
	finish();
}

/* Killed in the middle of batches, fifty times, never three times in the same. */
static void test_kill(void)
{
	unsigned seed = 50, kills = 0;
	uint64_t last = 0;

	begin(11, 0, 0, 5000);
	append(400);
	while (kills < 50 && !expired) {
		int64_t until;

		/* Two batches further than at the last kill; then anywhere within the next ones. */
		run_until(status().batches >= last + 2 && status().pid);
		last = status().batches;
		until = clock_monotonic_ns() + rand_r(&seed) % 6000 * 1000LL;
		run_until(clock_monotonic_ns() >= until);
		if (!status().pid)
			continue;
		kill(status().pid, SIGKILL);
		kills++;
		if (last + 10 > 400)
			break;
	}
	run_until(status().batches == 400);
	is_int(kills, 50, "the host was killed 50 times");
	is_int(status().batches, 400, "all batches were taken");
	is_int(status().dead, 0, "none was set aside");
	printf("# %llu restarts\n", (unsigned long long)status().restarts);
	ok(status().restarts >= 45, "by as many processes");
	finish();
	printf("# %zu calls for 400 batches\n", rows(calls, 400, 0, 0));
	is_int(rows(stored, 400, 0, 1), 400, "and no row twice");
}

int main(void)
{
	scratch_make();
	log_setup("test", LOG_LEVEL_WARNING, 0);
	scratch_copy("tests/unit/host_program", "host_program", 0755);
	program = scratch_path("host_program");
	plugins = scratch_path("plugins");
	state = scratch_path("state");
	stored = scratch_path("state/stored");
	calls = scratch_path("state/calls");
	if (mkdir(plugins, 0755) || mkdir(state, 0755))
		abort();
	scratch_copy("tests/unit/.libs/faulty.so", "plugins/faulty.so", 0644);
	settings.paths.state = settings.paths.log = state;
	settings.paths.plugins = plugins;
	settings.data.group = (char *)(uintptr_t) "root";
	settings.data.mode = 0640;
	uv_loop_init(&loop);
	uv_timer_init(&loop, &guard);
	uv_timer_init(&loop, &tick);
	test_count();
	test_upkeep();
	test_drain();
	test_crash(1, "was killed by signal 11");
	test_crash(2, "did not answer in time");
	test_crash(7, "sent what is no message");
	test_away();
	test_reject();
	test_escape();
	test_wrong();
	test_no_program();
	test_chatter();
	test_files();
	test_found();
	test_kill();
	uv_close((uv_handle_t *)&guard, NULL);
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	is_int(uv_loop_close(&loop), 0, "no handle is left behind");
	free(program);
	free(plugins);
	free(state);
	free(stored);
	free(calls);
	scratch_remove();
	return tap_done();
}
