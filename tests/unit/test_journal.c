/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal: what it was given it has, in order, whatever happens to the process or the disk. */
#include "core/delivery/journal.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "core/base/log.h"
#include "core/delivery/journal_store.h"
#include "core/query/rows.h"
#include "tests/tap.h"
#include "tests/unit/batches.h"
#include "tests/unit/scratch.h"

static uv_loop_t loop;
static uv_timer_t guard;
static int expired;
static char *db, *error_log, *exe_log;
static struct journal_start start;
static struct journal *journal;
static struct journal_limits limits = {1 << 30, 30LL * 24 * 3600 * 1000};

static struct {
	uint64_t last, dropped, records, sent;
	char sink[32];
	int drops, troubles, error;
	int fetched;
	uint64_t seq;
	uint8_t *data;
	size_t len;
} seen;

static void on_committed(void *arg, uint64_t last)
{
	(void)arg;
	seen.last = last;
}

static void on_dropped(void *arg, const struct journal_drop *drop)
{
	(void)arg;
	seen.drops++;
	seen.dropped += drop->batches;
	seen.records += drop->records;
	seen.sent += drop->sent;
	snprintf(seen.sink, sizeof(seen.sink), "%s", drop->sink);
}

static void on_trouble(void *arg, int error, const char *what)
{
	(void)arg;
	(void)what;
	seen.troubles++;
	seen.error = error;
}

static const struct journal_events events = {NULL, on_committed, on_dropped, on_trouble};

static void on_guard(uv_timer_t *timer)
{
	(void)timer;
	expired = 1;
}

#define run_until(condition)                                                                                           \
	do {                                                                                                               \
		expired = 0;                                                                                                   \
		uv_timer_start(&guard, on_guard, 30000, 0);                                                                    \
		while (!(condition) && !expired)                                                                               \
			uv_run(&loop, UV_RUN_ONCE);                                                                                \
		uv_timer_stop(&guard);                                                                                         \
	} while (0)

static int open_journal(void)
{
	struct journal_logs logs = {{error_log, exe_log}, getuid(), getgid(), 0604};

	free(seen.data);
	memset(&seen, 0, sizeof(seen));
	return journal_open(&journal, &loop, db, rows_digest, &logs, &limits, &events, &start);
}

static int close_journal(void)
{
	int err = journal_close(journal, 10000);

	uv_run(&loop, UV_RUN_NOWAIT);
	free(start.set_aside);
	start.set_aside = NULL;
	return err;
}

static void remove_journal(void)
{
	const char *const suffixes[] = {"", "-wal", "-shm"};

	for (int i = 0; i < 3; i++) {
		char *path = mem_printf("%s%s", db, suffixes[i]);

		unlink(path);
		free(path);
	}
}

static void append(size_t batches, uint32_t records)
{
	struct buf list[16];

	for (size_t i = 0; i < batches; i++) {
		buf_init(&list[i]);
		batch_make(&list[i], records, 10);
	}
	journal_append(journal, list, batches, clock_wall_ns());
}

static void on_fetched(void *arg, uint64_t seq, const uint8_t *data, size_t len)
{
	(void)arg;
	free(seen.data);
	seen.fetched = 1;
	seen.seq = seq;
	seen.data = len ? mem_copy(data, len) : NULL;
	seen.len = len;
}

static uint64_t fetch(const char *sink)
{
	seen.fetched = 0;
	journal_fetch(journal, sink, on_fetched, NULL);
	run_until(seen.fetched);
	return seen.fetched ? seen.seq : (uint64_t)-1;
}

static void name_sinks(const char *a, const char *b)
{
	const struct journal_sink sinks[] = {{a, 0}, {b, 0}};

	journal_sinks(journal, sinks, b ? 2 : a ? 1 : 0);
}

/* The next commit has been made. */
static void settle(void)
{
	uint64_t before = seen.last;

	append(1, 0);
	run_until(seen.last > before);
}

static struct journal_stats stats(void)
{
	struct journal_stats s;

	journal_get_stats(journal, &s);
	return s;
}

static void test_cursors(void)
{
	struct stat st;

	is_int(open_journal(), 0, "a journal is made");
	ok(stat(db, &st) == 0 && (st.st_mode & 07777) == 0600, "for root alone");
	ok(start.last_seq == 0 && !start.unclean && !start.set_aside, "empty");
	name_sinks("a", "b");
	append(3, 2);
	append(1, 2);
	run_until(seen.last == 4);
	is_int(seen.last, 4, "two windows are committed: four batches");
	is_int(journal_queued(journal), 0, "none is waiting");
	is_int(fetch("a"), 1, "the first is first");
	ok(seen.len > 0 && codec_count(seen.data, seen.len) == 3, "with its content");
	is_int(fetch("a"), 1, "until it is taken");
	journal_taken(journal, "a", 1);
	is_int(fetch("a"), 2, "then the next comes");
	is_int(fetch("b"), 1, "each sink has a cursor of its own");
	is_int(stats().batches, 4, "a batch stays while one sink has not taken it");
	journal_taken(journal, "b", 2);
	journal_taken(journal, "a", 2);
	fetch("a"); /* answered after what was asked before is committed */
	is_int(stats().batches, 2, "and leaves when all have");
	journal_dead(journal, "a", 3, "it cannot be stored");
	is_int(fetch("a"), 4, "a dead one is passed");
	is_int(fetch("c"), 0, "nothing for a sink that was not named");
	journal_taken(journal, "a", 4);
	is_int(fetch("a"), 0, "nothing when all was taken");
	is_int(close_journal(), 0, "it is closed");

	is_int(open_journal(), 0, "and opened again");
	ok(start.last_seq == 4 && !start.unclean && start.last_end_ns > 0, "where it was, after a clean stop");
	name_sinks("a", "c");
	is_int(fetch("a"), 0, "cursors are remembered");
	is_int(fetch("c"), 3, "a new sink begins at the oldest batch");
	append(1, 1);
	run_until(seen.last == 5);
	is_int(fetch("a"), 5, "the numbers go on");
	name_sinks("b", NULL);
	is_int(fetch("b"), 3, "a sink that was forgotten begins like a new one");
	name_sinks(NULL, NULL);
	settle();
	is_int(stats().batches, 0, "without sinks nothing is kept");
	close_journal();
}

static int64_t query(const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t value = -1;
	sqlite3 *file;

	if (sqlite3_open(db, &file) == SQLITE_OK && sqlite3_prepare_v2(file, sql, -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW)
		value = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(file);
	return value;
}

static void test_dead(void)
{
	is_int(query("SELECT count(*) FROM dead WHERE sink = 'a' AND seq = 3 AND why = 'it cannot be stored' "
	             "AND length(payload) > 100"),
	       1, "a dead batch is kept, with the reason");
}

static void test_limits(void)
{
	struct journal_limits tight = limits;
	uint64_t size;

	remove_journal();
	open_journal();
	name_sinks("slow", "quick");
	append(1, 10);
	run_until(seen.last == 1);
	size = stats().bytes;
	for (uint64_t i = 2; i <= 10; i++) {
		append(1, 10);
		run_until(seen.last == i);
	}
	journal_taken(journal, "quick", 8);
	tight.max_size = (int64_t)size * 5;
	journal_set_limits(journal, &tight);
	append(1, 10);
	run_until(seen.dropped >= 6);
	is_int(seen.dropped, 6, "beyond the limit, the oldest are dropped");
	is_str(seen.sink, "slow", "for the laggard alone");
	is_int(seen.records, 66, "with the count of records");
	is_int(seen.sent, 600, "and of bytes");
	is_int(fetch("slow"), 7, "the laggard goes on behind them");
	is_int(fetch("quick"), 9, "the other where it was");
	tight.max_age_ms = -1;
	journal_set_limits(journal, &tight);
	append(1, 1);
	run_until(seen.dropped >= 16);
	is_int(stats().batches, 0, "those that are too old go too");
	is_int(seen.dropped, 6 + 6 + 4, "each counted for each sink that had not taken it");
	close_journal();
}

/* A backlog leaves, and the file gives its room back. */
static void test_shrink(void)
{
	struct stat st;
	off_t large;

	remove_journal();
	open_journal();
	name_sinks("a", NULL);
	for (int i = 0; i < 25; i++)
		append(16, 400);
	run_until(seen.last == 400);
	close_journal();
	stat(db, &st);
	large = st.st_size;
	open_journal();
	name_sinks("a", NULL);
	journal_taken(journal, "a", 400);
	settle();
	/* The thread shrinks while it has nothing else to do; a question waits for one slice. */
	for (int i = 0; i < 20; i++)
		fetch("a");
	close_journal();
	stat(db, &st);
	ok(large > 16 << 20 && st.st_size < large / 2, "a file of %lld bytes shrinks to %lld", (long long)large,
	   (long long)st.st_size);
}

static void test_damage(void)
{
	char *link_path = scratch_path("way.db"), *saved = db;
	uint8_t host[PS_ID_SIZE];
	int fd;

	remove_journal();
	open_journal();
	memcpy(host, start.host, PS_ID_SIZE);
	close_journal();
	scratch_write(db, "this is no database, but a text of some length that ends here", 60, 0600);
	is_int(open_journal(), 0, "a file that is no database does not stop the start");
	ok(start.set_aside && access(start.set_aside, F_OK) == 0, "it is set aside as %s", start.set_aside);
	ok(memcmp(host, start.host, PS_ID_SIZE) != 0, "and names begin anew, under another host id");
	close_journal();

	remove_journal();
	open_journal();
	name_sinks("a", NULL);
	for (int i = 0; i < 10; i++)
		append(10, 100);
	run_until(seen.last == 100);
	close_journal();
	query("UPDATE meta SET value = 1 WHERE key = 'running'");
	query("PRAGMA wal_checkpoint(TRUNCATE)");
	fd = open(db, O_WRONLY | O_CLOEXEC);
	for (int page = 4; page < 200; page++)
		if (pwrite(fd, "garbage", 7, page * 4096) != 7)
			abort();
	close(fd);
	is_int(open_journal(), 0, "a damaged file is found after a stop that was none");
	ok(start.set_aside && start.last_seq == 0, "and set aside");
	append(1, 1);
	run_until(seen.last == 1);
	is_int(seen.last, 1, "a new one takes batches");
	close_journal();
	is_int(count_files("journal.db.damaged-????????T??????Z*") - count_files("journal.db.damaged-*-wal") -
	           count_files("journal.db.damaged-*-shm"),
	       2, "both are kept");

	query("PRAGMA user_version = 9");
	is_int(open_journal(), -ENOTSUP, "a file of a newer version is refused");
	is_int(query("PRAGMA user_version"), 9, "and left alone");
	remove_journal();
	if (symlink("elsewhere.db", link_path))
		abort();
	db = link_path;
	is_int(open_journal(), -ELOOP, "a link is not followed");
	is_int(count_files("elsewhere.db"), 0, "nor made a file of");
	db = saved;
	free(link_path);
	is_int(open_journal(), 0, "another is opened");
	{
		struct journal_start other;
		struct journal *second;

		is_int(journal_open(&second, &loop, db, rows_digest, NULL, &limits, &events, &other), -EBUSY,
		       "a second daemon is refused");
	}
	close_journal();
}

static void store_add(struct store *store, int n)
{
	struct buf b;
	int err = store_begin(store);

	for (int i = 0; i < n && !err; i++) {
		buf_init(&b);
		batch_make(&b, 1, 1);
		err = store_append(store, &b, 1);
		buf_done(&b);
	}
	if (err || store_commit(store))
		abort();
}

/* What is done when the file turns out to be damaged while it is open. */
static void test_reset(void)
{
	const char *names[] = {"a", "b"};
	struct journal_drop drop;
	uint64_t lost[2] = {0}, seq;
	char *aside = NULL;
	struct store *store;
	uint8_t *data;
	size_t len;

	remove_journal();
	if (store_open(&store, db, rows_digest, &start) || store_begin(store) || store_sinks(store, names, NULL, 2) ||
	    store_commit(store))
		abort();
	store_add(store, 3);
	store_reached(store, "b", 2);
	is_int(store_reset(store, &aside), 0, "a file that is damaged while it is open is replaced");
	ok(aside && access(aside, F_OK) == 0, "and kept as %s", aside ? aside : "nothing");
	while (store_next_drop(store, &drop))
		lost[drop.sink[0] == 'b'] += drop.batches;
	ok(lost[0] == 3 && lost[1] == 1, "what each sink had not taken is counted (%llu, %llu)",
	   (unsigned long long)lost[0], (unsigned long long)lost[1]);
	store_add(store, 1);
	is_int(store_fetch(store, "a", &seq, &data, &len), 0, "it goes on");
	is_int(seq, 4, "with the next number");
	free(data);
	free(aside);
	store_close(store, 1);
	is_int(query("SELECT value = 4 FROM meta WHERE key = 'seq'"), 1, "in the new file");
}

/* The disk refuses for a while: nothing is lost, and it is said once. */
static void test_full(void)
{
	struct rlimit usual, tight;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &usual);
	remove_journal();
	open_journal();
	name_sinks("a", NULL);
	append(1, 1);
	run_until(seen.last == 1);
	tight = usual;
	tight.rlim_cur = 64 * 1024;
	setrlimit(RLIMIT_FSIZE, &tight);
	for (int i = 0; i < 4; i++)
		append(4, 200);
	run_until(seen.troubles == 1);
	ok(seen.error < 0 && stats().error == seen.error, "a disk that is full is told of (%s)", strerror(-seen.error));
	is_int(journal_queued(journal), 4, "what it refused is kept in memory");
	journal_taken(journal, "a", 1);
	is_int(fetch("a"), 0, "what a sink has taken meanwhile is not given again");
	setrlimit(RLIMIT_FSIZE, &usual);
	run_until(seen.troubles == 2);
	ok(seen.error == 0 && stats().error == 0, "so is that it takes again");
	is_int(seen.last, 17, "and all is there");
	is_int(fetch("a"), 2, "in order");
	close_journal();
}

static void test_error_log(void)
{
	char *text, *away = scratch_path("away.log");
	struct stat st;

	open_journal();
	journal_line(journal, JOURNAL_ERROR_LOG, "first\nforged");
	fetch("a");
	rename(error_log, away);
	journal_reopen_logs(journal);
	journal_line(journal, JOURNAL_ERROR_LOG, "second");
	journal_line(journal, JOURNAL_EXE_LOG, "a\tb\nc");
	fetch("a");
	text = scratch_read(away, NULL);
	is_str(text, "first?forged\n", "a line of error.log cannot hold another");
	free(text);
	text = scratch_read(error_log, NULL);
	is_str(text, "second\n", "it is opened again when asked");
	free(text);
	rename(error_log, away);
	journal_line(journal, JOURNAL_ERROR_LOG, "after");
	fetch("a");
	text = scratch_read(error_log, NULL);
	is_str(text, "after\n", "and made anew when it was moved away");
	free(text);
	rename(away, error_log);
	text = scratch_read(exe_log, NULL);
	is_str(text, "a\tb?c\n", "exe.log is another file, whose lines have fields");
	free(text);
	ok(stat(exe_log, &st) == 0 && (st.st_mode & 0777) == 0604, "and the permissions that are configured");
	close_journal();
	unlink(error_log);
	if (symlink("away.log", error_log))
		abort();
	open_journal();
	journal_line(journal, JOURNAL_ERROR_LOG, "third");
	close_journal();
	text = scratch_read(away, NULL);
	is_str(text, "", "a link is not followed");
	free(text);
	free(away);
}

/* Appends until it is killed; tells what was committed. */
_Noreturn static void child(int out)
{
	uint64_t told = 0;

	uv_loop_init(&loop);
	uv_timer_init(&loop, &guard);
	if (open_journal())
		_exit(1);
	name_sinks("a", NULL);
	for (unsigned i = 0;; i++) {
		while (journal_queued(journal) < 3)
			append(1 + i % 3, i % 40);
		uv_run(&loop, UV_RUN_ONCE);
		if (seen.last != told && write(out, &seen.last, sizeof(seen.last)) != sizeof(seen.last))
			_exit(1);
		told = seen.last;
	}
}

/* Every batch, in order, without a gap, each with the digest of the one before. Gives the last. */
static uint64_t verify(uint64_t *bad)
{
	uint8_t previous[PS_DIGEST_SIZE] = {0};
	uint64_t last = 0;
	sqlite3_stmt *q;
	sqlite3 *file;

	*bad = 0;
	if (sqlite3_open(db, &file) ||
	    sqlite3_prepare_v2(file, "SELECT seq, payload, digest FROM batch ORDER BY seq", -1, &q, NULL))
		return 0;
	while (sqlite3_step(q) == SQLITE_ROW) {
		const struct ps_batch *b;
		struct arena arena;
		const char *why;

		arena_init(&arena);
		b = codec_decode(sqlite3_column_blob(q, 1), (size_t)sqlite3_column_bytes(q, 1), &arena, &why);
		if (!b || b->seq != last + 1 || sqlite3_column_int64(q, 0) != (int64_t)b->seq ||
		    memcmp(b->previous, previous, PS_DIGEST_SIZE) != 0 ||
		    memcmp(b->digest, sqlite3_column_blob(q, 2), PS_DIGEST_SIZE) != 0)
			++*bad;
		else
			memcpy(previous, b->digest, PS_DIGEST_SIZE);
		last++;
		arena_done(&arena);
	}
	sqlite3_finalize(q);
	sqlite3_close(file);
	return last;
}

static void test_kill(void)
{
	uint64_t reported = 0, lost = 0, bad = 0, last = 0, wrong_start = 0;
	unsigned seed = 20261123;

	remove_journal();
	for (int round = 0; round < 50; round++) {
		int ends[2], fresh = 0;
		uint64_t seq, before = reported;
		pid_t pid;
		int64_t end;

		if (pipe(ends))
			abort();
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			close(ends[0]);
			child(ends[1]);
		}
		close(ends[1]);
		/* From its first commit on, anything up to 12 ms. */
		if (read(ends[0], &seq, sizeof(seq)) == sizeof(seq)) {
			reported = seq;
			fresh = seq > before;
		}
		end = clock_monotonic_ns() + rand_r(&seed) % 12000 * 1000LL;
		while (clock_monotonic_ns() < end)
			;
		kill(pid, SIGKILL);
		while (read(ends[0], &seq, sizeof(seq)) == sizeof(seq))
			reported = seq;
		close(ends[0]);
		waitpid(pid, NULL, 0);
		last = verify(&seq);
		bad += seq;
		lost += last < reported;
		wrong_start += !fresh;
	}
	printf("# %llu batches through 50 kills\n", (unsigned long long)last);
	is_int(lost, 0, "after 50 kills, every batch that was reported is there");
	is_int(bad, 0, "no gap, no double, and the chain of digests verifies");
	is_int(wrong_start, 0, "each run went on behind the one before");
	uv_loop_init(&loop);
	uv_timer_init(&loop, &guard);
	is_int(open_journal(), 0, "and it opens");
	ok(start.unclean && start.unclean_since_ns > 0 && start.last_seq == last, "as one that was not stopped");
	close_journal();
	is_int(open_journal(), 0, "once more");
	is_int(start.unclean, 0, "after a stop");
	close_journal();
}

int main(void)
{
	scratch_make();
	log_setup("test", LOG_LEVEL_ERROR, 0);
	db = scratch_path("journal.db");
	error_log = scratch_path("error.log");
	exe_log = scratch_path("exe.log");
	test_kill(); /* first: it forks, before there is a loop here */
	remove_journal();
	test_cursors();
	test_dead();
	test_limits();
	test_shrink();
	test_damage();
	test_reset();
	test_full();
	test_error_log();
	uv_close((uv_handle_t *)&guard, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	is_int(uv_loop_close(&loop), 0, "no handle is left behind");
	free(seen.data);
	free(db);
	free(error_log);
	free(exe_log);
	scratch_remove();
	return tap_done();
}
