/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Observations into windows, windows into batches. */
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/delivery/codec.h"
#include "core/ledger/executions.h"
#include "core/ledger/ledger.h"
#include "core/query/rows.h"
#include "tests/tap.h"
#include "tests/unit/watch_fixture.h"

struct desk {
	struct fixture f;
	struct losses *losses;
	struct ledger *ledger;
};

static void desk_open(struct desk *d, size_t max_rows)
{
	static const struct ledger_origin origin = {{1}, {2}, "host"};

	fixture_open(&d->f);
	d->losses = losses_open();
	d->ledger = ledger_open(d->f.processes, d->f.executables, d->losses, &origin, codec_encode, max_rows);
}

static void desk_close(struct desk *d)
{
	ledger_close(d->ledger);
	losses_close(d->losses);
	fixture_close(&d->f);
}

static void observe(struct desk *d, struct wire_image who, uint16_t lport, uint64_t sent, uint64_t received)
{
	struct observation o = {.image = who, .uid = 7, .family = AF_INET, .protocol = 6, .lport = lport, .rport = 443};

	o.raddr = (struct ps_addr){AF_INET, {192, 0, 2, 1}};
	o.sent = sent;
	o.received = received;
	o.calls = 1;
	ledger_add(d->ledger, &o);
}

/* What `each` sees is the decoded batches, one after the other; frees them. */
static size_t take_batches(struct buf *batches, size_t n, void (*each)(void *, const struct ps_batch *), void *arg)
{
	static const uint8_t previous[PS_DIGEST_SIZE];
	uint8_t digest[PS_DIGEST_SIZE];

	for (size_t i = 0; i < n; i++) {
		struct arena arena;
		const struct ps_batch *b;
		const char *why = "";

		arena_init(&arena);
		codec_seal(batches[i].data, batches[i].len, i + 1, previous, rows_digest, digest);
		b = codec_decode(batches[i].data, batches[i].len, &arena, &why);
		if (ok(b, "a batch decodes: %s", why))
			each(arg, b);
		arena_done(&arena);
		buf_done(&batches[i]);
	}
	free(batches);
	return n;
}

/* Ends the window, and takes its batches. */
static size_t end_window(struct desk *d, int final, void (*each)(void *, const struct ps_batch *), void *arg)
{
	struct buf *batches;
	int64_t end_ns;
	size_t n = ledger_end_window(d->ledger, final, &batches, &end_ns);

	return take_batches(batches, n, each, arg);
}

struct sums {
	uint64_t rows, sent, received, calls, alerts, alert_count, commands;
	struct ps_traffic last;
	char exe[64], parent[64], text[256], container[65];
};

static void add_up(void *arg, const struct ps_batch *b)
{
	struct sums *s = arg;

	for (uint32_t i = 0; i < b->n_exes; i++)
		s->commands += b->exes[i].cmdline.len > 0;
	for (uint32_t i = 0; i < b->n_records; i++) {
		const struct ps_record *r = &b->records[i];

		if (r->kind == PS_ALERT) {
			s->alerts++;
			s->alert_count += r->alert.count;
			snprintf(s->text, sizeof(s->text), "%s", b->texts[r->alert.text].data);
			continue;
		}
		s->rows++;
		s->sent += r->traffic.sent;
		s->received += r->traffic.received;
		s->calls += r->traffic.calls;
		s->last = r->traffic;
		snprintf(s->exe, sizeof(s->exe), "%s", b->exes[r->traffic.exe].path.data);
		snprintf(s->container, sizeof(s->container), "%s", b->places[r->traffic.place].container.data);
		snprintf(s->parent, sizeof(s->parent), "%s", b->exes[r->traffic.parent].path.data);
	}
}

static void test_places(void)
{
	struct wire_image who = image(1, 1);
	struct sums s = {0};
	struct desk d;

	desk_open(&d, 1000);
	cgroup_event(&d.f, 1ULL << 60, "/lxc.payload.web");
	cgroup_event(&d.f, 2ULL << 60, "/lxc.payload.db");
	exec_event(&d.f, who, image(0, 0), "/bin/prog", "", 0, 0);
	observe(&d, who, 1000, 1, 0);
	is_int(end_window(&d, 0, add_up, &s), 1, "a window is a batch");
	ok(s.last.place == 0 && !*s.container, "a place that is not known is none");
	s = (struct sums){0};
	move_event(&d.f, who, 1ULL << 60);
	observe(&d, who, 1000, 10, 0);
	observe(&d, who, 1001, 10, 0);
	end_window(&d, 0, add_up, &s);
	is_str(s.container, "web", "a row says where the program ran");
	s = (struct sums){0};
	observe(&d, who, 1000, 20, 0);
	move_event(&d.f, who, 2ULL << 60);
	observe(&d, who, 1000, 40, 0);
	is_int(end_window(&d, 0, add_up, &s), 1, "a window is a batch");
	ok(s.rows == 2 && s.sent == 60, "one flow from two places is two rows");
	desk_close(&d);
}

static void test_rows(void)
{
	struct wire_image shell = image(1, 1), who = image(2, 2);
	struct sums s = {0};
	struct desk d;

	desk_open(&d, 1000);
	exec_event(&d.f, shell, image(0, 0), "/bin/sh", "", 0, 0);
	fork_event(&d.f, shell, image(2, 1));
	exec_event(&d.f, who, shell, "/bin/prog", "", 0, 0);
	observe(&d, who, 1000, 10, 1);
	observe(&d, who, 1000, 20, 2);
	observe(&d, who, 1001, 5, 0);
	is_int(end_window(&d, 0, add_up, &s), 1, "a window is a batch");
	is_int(s.rows, 2, "the same flow is one row, another port another");
	ok(s.sent == 35 && s.received == 3 && s.calls == 3, "bytes and calls add up");
	is_str(s.exe, "/bin/prog", "the executable is named");
	is_str(s.parent, "/bin/sh", "and who started it");
	ok(s.last.uid == 7 && s.last.rport == 443 && s.last.protocol == 6 && s.last.raddr.bytes[0] == 192, "and the rest");
	/* exec_event()'s files cannot be had: that is told. */
	is_int(s.alerts, 1, "an executable without a hash is told");
	is_int(end_window(&d, 0, add_up, &s), 0, "an empty window is no batch");
	desk_close(&d);
}

static void test_unknown(void)
{
	struct sums s = {0};
	struct desk d;

	desk_open(&d, 1000);
	observe(&d, image(9, 9), 1, 100, 0);
	end_window(&d, 0, add_up, &s);
	ok(s.rows == 1 && s.sent == 100, "bytes of nobody known are stored");
	is_str(s.exe, "", "without a name");
	ok(s.alerts == 1 && s.alert_count == 1, "and it is said that the process is not known");
	desk_close(&d);
}

static void test_many(void)
{
	struct sums s = {0};
	struct desk d;

	desk_open(&d, 40000);
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/prog", "", 0, 0);
	for (unsigned i = 0; i < 60000; i++)
		observe(&d, image(1, 1), (uint16_t)(i + 1), 3, 4);
	ok(end_window(&d, 0, add_up, &s) >= 3, "many rows are several batches");
	is_int(s.rows, 40001, "rows beyond the limit are one row of the program");
	ok(s.sent == 180000 && s.received == 240000 && s.calls == 60000, "and no byte is lost");
	is_int(s.alert_count, 20000 + s.rows, "how many were merged is told, beside the hashes");
	desk_close(&d);
}

static void test_late_hash(void)
{
	struct executables_stats stats;
	struct process_event e = {.kind = WIRE_EXEC, .image = image(1, 1), .comm = "t", .filename = "x"};
	struct executed executed;
	struct sums s = {0};
	struct desk d;

	desk_open(&d, 1000);
	e.file = file_of("/proc/self/exe");
	executables_opened(d.f.executables, 1, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), EXEC_OPENED);
	if (!ok(executables_executed(d.f.executables, 1, &e.file, clock_wall_ns(), NULL, &executed), "the file is found"))
		return;
	processes_event(d.f.processes, &e, &executed);
	observe(&d, image(1, 1), 1, 1, 1);
	is_int(end_window(&d, 0, add_up, &s), 0, "a row waits for the hash of its executable");
	observe(&d, image(1, 1), 1, 1, 1);
	do {
		uv_run(&d.f.loop, UV_RUN_ONCE);
		executables_get_stats(d.f.executables, &stats);
	} while (stats.waiting);
	end_window(&d, 0, add_up, &s);
	ok(s.rows == 1 && s.sent == 2 && s.alerts == 0, "and is written whole when it is there");
	desk_close(&d);
}

static void test_losses(void)
{
	struct losses_total totals[4];
	struct sums s = {0};
	struct desk d;

	desk_open(&d, 1000);
	losses_add(d.losses, PS_STAGE_FLOWS, 3, 30, 300, "no room");
	losses_add(d.losses, PS_STAGE_FLOWS, 4, 40, 400, "no room");
	losses_add_range(d.losses, PS_STAGE_RESTART, 5, 6, 1, 0, 0, "killed");
	is_int(end_window(&d, 0, add_up, &s), 1, "losses alone are a batch");
	ok(s.alerts == 2 && s.alert_count == 8, "losses of one kind are one record");
	is_int(losses_totals(d.losses, totals, 4), 2, "totals are kept per stage");
	ok(totals[0].stage == PS_STAGE_FLOWS && totals[0].count == 7 && totals[0].sent == 70 && totals[0].received == 700,
	   "with counts and bytes");
	is_str(losses_stage_name(PS_STAGE_RESTART), "restart", "stages have names");
	desk_close(&d);
}

/* The domains of a window's rows, each with its source and its bytes. */
static void list_domains(void *arg, const struct ps_batch *b)
{
	char *text = arg;

	for (uint32_t i = 0; i < b->n_records; i++) {
		const struct ps_traffic *t = &b->records[i].traffic;

		if (b->records[i].kind == PS_TRAFFIC)
			sprintf(text + strlen(text), "%s %d %d %d;", b->texts[t->domain].data, t->domain_source, t->domain_rivals,
			        (int)t->sent);
	}
}

static void learn(struct domains *domains, const char *name, uint8_t last, int64_t at)
{
	struct domain_seen seen = {.source = PS_DOMAIN_DNS, .ttl = 60, .seen_ns = at};

	seen.addr = (struct ps_addr){AF_INET, {192, 0, 2, last}};
	seen.name = (struct ps_text){name, (uint32_t)strlen(name)};
	domains_learn(domains, &seen);
}

static void test_domains(void)
{
	char ignored[] = "com.ignored", *list = ignored;
	struct log_settings log = {.addresses = true, .commands = true, .ports = true};
	struct domains *domains = domains_open();
	char text[4096] = "";
	struct desk d;

	desk_open(&d, 40000);
	ledger_name_by(d.ledger, domains);
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/prog", "", 0, 0);
	observe(&d, image(1, 1), 1000, 1, 1);
	learn(domains, "com.example.www", 1, clock_boot_ns());
	end_window(&d, 0, list_domains, text);
	is_str(text, "com.example.www 3 0 1;", "a row has the name that was learnt before its window ended");
	for (int64_t i = 0; i < 70; i++) /* beyond what an address may have */
		learn(domains, (char[]){'a' + (char)(i / 26), 'a' + (char)(i % 26), 0}, 1, clock_boot_ns());
	for (uint16_t i = 0; i < 5; i++)
		observe(&d, image(1, 1), (uint16_t)(2000 + i), 10, 1);
	text[0] = 0;
	end_window(&d, 0, list_domains, text);
	is_str(text, "cr 3 63 10;cr 3 63 10;cr 3 63 10;cr 3 63 10;cr 3 63 10;", "each row has it, and its rivals");

	log.ports = false;
	ledger_set_log(d.ledger, &log);
	observe(&d, image(1, 1), 1000, 1, 1); /* a connection that began under the first name */
	for (uint16_t i = 0; i < 5; i++)
		observe(&d, image(1, 1), (uint16_t)(3000 + i), 10, 1);
	text[0] = 0;
	end_window(&d, 0, list_domains, text);
	ok(strstr(text, "com.example.www 3 0 1;") && strstr(text, "cr 3 63 50;") && strlen(text) < 40,
	   "rows of another name are another's, without ports, too: %s", text);
	log.addresses = false;
	ledger_set_log(d.ledger, &log);
	observe(&d, image(1, 1), 1000, 1, 1);
	observe(&d, image(1, 1), 4000, 1, 1);
	text[0] = 0;
	end_window(&d, 0, list_domains, text);
	is_str(text, " 0 0 2;", "without addresses there are no names");

	log.addresses = log.ports = true;
	log.ignore.domains = &list;
	log.ignore.n_domains = 1;
	ledger_set_log(d.ledger, &log);
	observe(&d, image(1, 1), 5000, 1, 1);
	for (int64_t i = 0; i < 70; i++)
		learn(domains, "com.ignored.www", 1, clock_boot_ns());
	text[0] = 0;
	end_window(&d, 0, list_domains, text);
	is_str(text, "", "and a name that is left out leaves its row out, although it came later");
	desk_close(&d);
	domains_close(domains);
}

static bool is_awaited(void *arg, uint32_t netns, const struct ps_addr *addr)
{
	(void)netns;
	return *(bool *)arg && addr->family == AF_INET;
}

static void test_late_name(void)
{
	struct domains *domains = domains_open();
	bool awaited = true;
	struct sums s = {0};
	char text[64] = "";
	struct desk d;

	desk_open(&d, 40000);
	ledger_name_by(d.ledger, domains);
	ledger_on_nameless(d.ledger, NULL, is_awaited, &awaited);
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/prog", "", 0, 0);
	observe(&d, image(1, 1), 1000, 1, 1);
	is_int(end_window(&d, 0, list_domains, text), 0, "a row waits for its name");
	observe(&d, image(1, 1), 1000, 1, 1);
	end_window(&d, 0, list_domains, text);
	is_str(text, "", "for as long as it is awaited");
	learn(domains, "com.example.www", 1, clock_boot_ns());
	end_window(&d, 0, list_domains, text);
	is_str(text, "com.example.www 3 0 2;", "and is written whole when it is there");
	domains_close(domains);

	domains = domains_open();
	ledger_name_by(d.ledger, domains);
	observe(&d, image(1, 1), 2000, 1, 1);
	end_window(&d, 0, add_up, &s);
	awaited = false;
	end_window(&d, 0, add_up, &s);
	is_int(s.rows, 1, "or when it is not awaited any more");
	awaited = true;
	for (unsigned i = 0; i < LEDGER_UNNAMED_MAX + 10; i++)
		observe(&d, image(1, 1), (uint16_t)(3000 + i), 1, 1);
	memset(&s, 0, sizeof(s));
	end_window(&d, 0, add_up, &s);
	is_int(s.rows, 10, "not more than so many wait");
	end_window(&d, 1, add_up, &s);
	is_int(s.rows, LEDGER_UNNAMED_MAX + 10, "and none at the end");
	desk_close(&d);
	domains_close(domains);
}

/* Ends the window and gives what is recorded, with these settings. */
static struct sums recorded(struct desk *d, const struct log_settings *log)
{
	struct sums s = {0};

	ledger_set_log(d->ledger, log);
	for (uint16_t i = 0; i < 4; i++)
		observe(d, image(2, 2), (uint16_t)(1000 + i % 2), 10, 1);
	observe(d, image(3, 2), 1000, 10, 1);
	end_window(d, 0, add_up, &s);
	return s;
}

static void test_log(void)
{
	static char command[] = "prog\0--password=x", other[] = "prog\0--more";
	struct log_settings log = {true, true, true, false, {0}};
	struct ledger_stats stats;
	struct sums s;
	struct desk d;

	desk_open(&d, 1000);
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/sh", "sh\0-c", 6, 6);
	for (unsigned i = 2; i < 4; i++) {
		fork_event(&d.f, image(1, 1), image(i, 1));
		exec_event(&d.f, image(i, 2), image(1, 1), "/bin/prog", i == 2 ? command : other,
		           i == 2 ? sizeof(command) : sizeof(other), i == 2 ? sizeof(command) : sizeof(other));
	}
	s = recorded(&d, &log);
	ok(s.rows == 3 && s.sent == 50 && s.calls == 5 && s.commands > 0, "all is recorded");
	ok(s.last.rport == 443 && s.last.lport >= 1000 && s.last.raddr.family == AF_INET, "with ports and addresses");
	log.ports = false;
	s = recorded(&d, &log);
	ok(s.rows == 2 && s.sent == 50 && s.calls == 5, "rows that are equal without ports are one");
	ok(s.last.rport == 0 && s.last.lport == 0 && s.last.raddr.family == AF_INET, "ports are not known then");
	log.addresses = false;
	s = recorded(&d, &log);
	ok(s.rows == 2 && s.last.raddr.family == 0 && s.last.raddr.bytes[0] == 0, "nor is the remote address");
	ok(s.commands > 0, "command lines are");
	log.commands = false;
	s = recorded(&d, &log);
	ok(s.rows == 1 && s.sent == 50 && s.calls == 5, "rows that are equal without command lines are one");
	is_int(s.commands, 0, "of which nothing is left, the parents' neither");
	is_str(s.exe, "/bin/prog", "the program is named");
	is_str(s.parent, "/bin/sh", "and its parent");
	log.ports = log.addresses = true;
	s = recorded(&d, &log);
	ok(s.rows == 2 && s.last.raddr.family == AF_INET && s.last.lport, "without command lines alone");
	is_int(s.commands, 0, "no command line");

	lists_add(&log.ignore, IGNORE_PORTS, "1001");
	log.ports = log.commands = false;
	s = recorded(&d, &log);
	ok(s.rows == 1 && s.sent == 30 && s.calls == 3, "what is ignored is left out, though ports are not recorded");
	ledger_get_stats(d.ledger, &stats);
	ok(stats.ignored.sent == 20 && stats.ignored.received == 2 && stats.ignored.calls == 2, "and counted");
	ok(s.alerts == 1, "that its executable has no hash is told");
	lists_add(&log.ignore, IGNORE_PORTS, "1000");
	s = recorded(&d, &log);
	ok(s.rows == 0 && s.alerts == 1, "also when nothing else is left");
	lists_done(&log.ignore);

	/* Rules count for the window that is open. */
	log = (struct log_settings){true, true, true, false, {0}};
	ledger_set_log(d.ledger, &log);
	observe(&d, image(2, 2), 1000, 10, 1);
	lists_add(&log.ignore, IGNORE_SUBNETS, "192.0.2.0/24");
	s = recorded(&d, &log);
	is_int(s.rows, 0, "rules that come later hold for the whole window");
	lists_done(&log.ignore);
	desk_close(&d);
}

static void test_ignored_hash(void)
{
	struct log_settings log = {true, true, true, false, {0}};
	struct process_event e = {.kind = WIRE_EXEC, .image = image(1, 1), .comm = "t", .filename = "x"};
	struct executables_stats stats;
	struct executed executed;
	struct sums s = {0};
	struct desk d;
	char hex[65];

	desk_open(&d, 1000);
	e.file = file_of("/proc/self/exe");
	executables_opened(d.f.executables, 1, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), EXEC_OPENED);
	if (!ok(executables_executed(d.f.executables, 1, &e.file, clock_wall_ns(), NULL, &executed), "the file is found"))
		return;
	processes_event(d.f.processes, &e, &executed);
	observe(&d, image(1, 1), 1, 1, 1);
	is_int(end_window(&d, 0, add_up, &s), 0, "a row waits for the hash");
	do {
		uv_run(&d.f.loop, UV_RUN_ONCE);
		executables_get_stats(d.f.executables, &stats);
	} while (stats.waiting);
	lists_add(&log.ignore, IGNORE_HASHES, text_hex(hex, executed.file->sha256, 32));
	ledger_set_log(d.ledger, &log);
	end_window(&d, 0, add_up, &s);
	is_int(s.rows, 0, "and is left out because of it");
	lists_done(&log.ignore);
	desk_close(&d);
}

static void execute(struct desk *d, struct executions *x, unsigned n, const char *path, const char *words)
{
	char args[8192];
	size_t len = (size_t)snprintf(args, sizeof(args), "%s %u", words, n) + 1;

	exec_event(&d->f, image(n, 1), image(1, 1), path, args, len, (uint32_t)len);
	executions_add(x, (struct wire_image[]){image(n, 1)}, 7, 9, 1);
}

static void test_executions(void)
{
	static char words[4096];
	struct ledger_stats stats;
	struct executions *x;
	struct sums s = {0};
	struct desk d;

	desk_open(&d, 400);
	x = executions_open(d.ledger);
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/sh", "sh", 3, 3);
	exec_event(&d.f, image(2, 1), image(1, 1), "/bin/idle", "idle", 5, 5);
	exec_event(&d.f, image(3, 1), image(1, 1), "/bin/idle", "idle", 5, 5);
	executions_add(x, (struct wire_image[]){image(2, 1)}, 7, 9, 1);
	executions_add(x, (struct wire_image[]){image(3, 1)}, 7, 9, 1);
	executions_add(x, (struct wire_image[]){image(2, 1)}, 7, 9, 0);
	is_int(end_window(&d, 0, add_up, &s), 0, "they wait for their command lines");
	executions_flush(x);
	end_window(&d, 0, add_up, &s);
	ok(s.rows == 1 && s.calls == 2 && s.sent == 0 && s.received == 0, "equal executions are one row");
	ok(s.last.lport == -1 && s.last.rport == -1 && s.last.family == 0 && s.last.protocol == 0 && s.last.uid == 7 &&
	       s.last.netns == 9 && !s.last.laddr.family && !s.last.raddr.family,
	   "without a family, and with ports of -1");
	is_str(s.exe, "/bin/idle", "the program");
	is_str(s.parent, "/bin/sh", "and its parent");
	ledger_get_stats(d.ledger, &stats);
	ok(stats.executions == 2 && stats.calls == 0, "they are counted, and are no calls");

	s = (struct sums){0};
	for (unsigned i = 10; i < 210; i++)
		execute(&d, x, i, "/bin/idle", "idle");
	observe(&d, image(2, 1), 1, 10, 0);
	executions_flush(x);
	end_window(&d, 0, add_up, &s);
	is_int(s.rows, 100 + 1 + 1, "beyond a quarter of the rows, executions are without command lines");
	ok(s.calls == 201 && s.sent == 10, "none is missed");
	end_window(&d, 0, add_up, &(struct sums){0});

	s = (struct sums){0};
	for (unsigned i = 10; i < 1500; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/bin/idle-%u", i);
		execute(&d, x, i, path, "idle");
	}
	executions_flush(x);
	end_window(&d, 0, add_up, &s);
	is_int(s.rows, 2 * 400 + 1, "beyond twice as many rows, programs are not told apart");
	is_int(s.calls, 1490, "and none is missed");
	executions_close(x);
	desk_close(&d);

	s = (struct sums){0};
	memset(words, 'x', sizeof(words) - 1);
	desk_open(&d, 100000);
	x = executions_open(d.ledger);
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/sh", "sh", 3, 3);
	for (unsigned i = 10; i < 10010; i++)
		execute(&d, x, i, "/bin/idle", words);
	executions_flush(x);
	end_window(&d, 0, add_up, &s);
	ok(s.rows > 4000 && s.rows < 4200 && s.calls == 10000, "command lines of 16 MiB, and no more");
	executions_close(x);
	desk_close(&d);
}

static void count_audits(void *arg, const struct ps_batch *b)
{
	for (uint32_t i = 0; i < b->n_records; i++)
		*(uint64_t *)arg += b->records[i].kind == PS_AUDIT && b->records[i].audit.netns == i;
}

static void test_append(void)
{
	uint64_t audits = 0;
	struct desk d;

	desk_open(&d, 1000);
	for (uint32_t i = 0; i < 3; i++) {
		struct ps_record record = {.kind = PS_AUDIT, .audit = {.netns = i, .layer = PS_LAYER_IP}};

		ledger_append(d.ledger, &record);
	}
	is_int(end_window(&d, 0, count_audits, &audits), 1, "records of another kind alone are a batch");
	is_int(audits, 3, "with all of them");
	is_int(end_window(&d, 0, count_audits, &audits), 0, "once");
	desk_close(&d);
}

static void look_at_finding(void *arg, const struct ps_batch *b)
{
	const struct ps_record *r = &b->records[0];

	*(int *)arg = b->n_records == 1 && r->kind == PS_VERDICT && r->start_ns == 5 && r->finding.sha256[0] == 7 &&
	              r->finding.state == PS_FINDING_CLEAN && r->finding.previous == PS_FINDING_PENDING &&
	              r->finding.undetected == 70 && r->finding.asked_ns == 3 &&
	              strcmp(b->texts[r->finding.service].data, "vt") == 0 &&
	              strcmp(b->texts[r->finding.path].data, "/a") == 0 &&
	              strcmp(b->texts[r->finding.link].data, "https://b/") == 0 &&
	              strcmp(b->texts[r->finding.text].data, "clean: 0 of 70 engines of vt object: /a") == 0;
}

static void test_finding(void)
{
	const struct finding f = {.service = "vt",
	                          .what = {.sha256 = {7},
	                                   .state = PS_FINDING_CLEAN,
	                                   .undetected = 70,
	                                   .asked_ns = 3,
	                                   .reason = "",
	                                   .link = "https://b/"},
	                          .path = {"/a", 2},
	                          .before = PS_FINDING_PENDING,
	                          .at_ns = 5};
	struct buf *batches;
	struct desk d;
	int right = 0;

	desk_open(&d, 1000);
	is_int(ledger_finding(d.ledger, &batches, &f), 1, "a verdict is a batch of its own");
	take_batches(batches, 1, look_at_finding, &right);
	ok(right, "with all that was said");
	desk_close(&d);
}

int main(void)
{
	log_setup("test", LOG_LEVEL_ERROR, 0);
	test_rows();
	test_places();
	test_unknown();
	test_many();
	test_late_hash();
	test_losses();
	test_append();
	test_finding();
	test_domains();
	test_late_name();
	test_log();
	test_executions();
	test_ignored_hash();
	return tap_done();
}
