/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the live feed says: its lines, their bounds, and what [log] keeps out of them. */
#include "core/daemon/live.h"

#include "config.h"

#include "core/base/clock.h"
#include "core/daemon/live_line.h"
#include "core/delivery/codec.h"
#include "core/identify/domain.h"
#include "tests/tap.h"
#include "tests/unit/feed_reader.h"
#include "tests/unit/json_lines.h"
#include "tests/unit/scratch.h"
#include "tests/unit/watch_fixture.h"

struct desk {
	struct fixture f;
	struct losses *losses;
	struct ledger *ledger;
	struct domains *domains;
	struct settings settings;
	struct live *live;
	struct buf got;
	unsigned watched;
	int fd, closed;
};

/* Who listens is test_listening's. */
int probe_listeners(struct probe *probe, void (*each)(void *, const struct wire_listener *), void *arg)
{
	(void)probe, (void)each, (void)arg;
	return 0;
}

static void on_watched(void *arg)
{
	((struct desk *)arg)->watched++;
}

static void on_closed(void *arg)
{
	((struct desk *)arg)->closed = 1;
}

static void desk_open(struct desk *d)
{
	static const struct ledger_origin origin = {{1}, {2}, "ho\"st"};
	static char group[] = "root", user[] = "root";
	struct live_parts parts = {.host = origin.hostname, .watched = on_watched, .arg = d};

	*d = (struct desk){.settings.log = {.addresses = true, .commands = true, .ports = true}};
	d->settings.core.drain_interval_ms = 1000;
	d->settings.paths.run = scratch;
	d->settings.data.group = group;
	d->settings.core.user = user;
	fixture_open(&d->f);
	d->losses = losses_open();
	d->domains = domains_open();
	parts.ledger = d->ledger = ledger_open(d->f.processes, d->f.executables, d->losses, &origin, codec_encode, 100000);
	ledger_name_by(d->ledger, d->domains);
	parts.settings = &d->settings;
	parts.processes = d->f.processes;
	parts.losses = d->losses;
	d->live = live_open(&d->f.loop, &parts);
}

static void desk_connect(struct desk *d)
{
	char *path = scratch_path("feed.sock");

	d->fd = reader_connect(path);
	reader_take(&d->f.loop, d->fd, &d->got);
	free(path);
}

static void desk_close(struct desk *d)
{
	live_close(d->live, on_closed, d);
	reader_take(&d->f.loop, d->fd, &d->got);
	/* A look at who listens may be under way. */
	uv_run(&d->f.loop, UV_RUN_DEFAULT);
	close(d->fd);
	ok(d->closed, "the feed says when it has closed");
	ledger_close(d->ledger);
	domains_close(d->domains);
	losses_close(d->losses);
	fixture_close(&d->f);
	buf_done(&d->got);
}

static struct observation flow_of(struct wire_image who, uint16_t lport, uint64_t sent)
{
	return (struct observation){
	    .image = who,
	    .uid = 7,
	    .netns = 5,
	    .family = AF_INET,
	    .direction = PS_DIRECTION_OUT,
	    .protocol = 6,
	    .lport = lport,
	    .rport = 443,
	    .laddr = {AF_INET, {192, 0, 2, 9}},
	    .raddr = {AF_INET, {192, 0, 2, 1}},
	    .opened_ns = clock_boot_ns(),
	    .sent = sent,
	    .received = 2 * sent,
	    .calls = 1,
	};
}

static void observe(struct desk *d, struct wire_image who, uint16_t lport, uint64_t sent)
{
	struct observation o = flow_of(who, lport, sent);

	ledger_add(d->ledger, &o);
}

/* Ends a drain. All lines since the last call, as an array, but for looks at who listens, which come when they want;
 * each of them must be JSON. */
static json_t *tick(struct desk *d)
{
	json_t *all;

	live_tick(d->live);
	reader_take(&d->f.loop, d->fd, &d->got);
	all = lines_of(&d->got);
	d->got.len = 0;
	for (size_t i = json_array_size(all); i--;)
		if (strcmp(str(all, i, "kind"), "listening") == 0)
			json_array_remove(all, i);
	return all;
}

static void test_lines(void)
{
	struct wire_image who = image(2, 1);
	struct domain_seen seen = {.source = PS_DOMAIN_DNS, .image = who, .netns = 5, .ttl = 60};
	struct observation o;
	struct desk d;
	json_t *all;

	desk_open(&d);
	is_int(live_interval_ms(d.live), 1000, "drains are as far apart as is set");
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/parent", "", 0, 0);
	fork_event(&d.f, image(1, 1), image(2, 0));
	exec_event(&d.f, who, image(1, 1), "/bin/a\nb\x1b[2J\xff\"\\", "x\0y", 4, 4);
	move_event(&d.f, who, 1ULL << 60);
	observe(&d, who, 1000, 1);
	live_drained(d.live);
	live_tick(d.live);
	ok(!d.watched, "nobody reads");
	desk_connect(&d);
	is_int(d.watched, 1, "somebody reads, and drains may be due");
	is_int(live_interval_ms(d.live), LIVE_INTERVAL_MS, "now they come more often");
	d.settings.core.drain_interval_ms = 50;
	is_int(live_interval_ms(d.live), 50, "unless they did anyway");
	seen.addr = (struct ps_addr){AF_INET, {192, 0, 2, 1}};
	seen.name = (struct ps_text){"com.example.www", 15};
	seen.seen_ns = clock_boot_ns();
	domains_learn(d.domains, &seen);
	live_drained(d.live);
	observe(&d, who, 1000, 100);
	o = (struct observation){.image = who, .lport = -1, .rport = -1, .calls = 3};
	ledger_add(d.ledger, &o);
	all = tick(&d);
	is_int(json_array_size(all), 4, "hello, the flow, the execution and the end of the drain");
	is_str(str(all, 0, "kind"), "hello", "it begins with hello");
	is_int(num(all, 0, "format"), 1, "its format");
	is_str(str(all, 0, "version"), PACKAGE_VERSION, "our version");
	is_str(str(all, 0, "host"), "ho\"st", "the host");
	is_int(num(all, 0, "interval_ms"), 500, "how often drains come");
	is_str(str(all, 1, "kind"), "traffic", "a flow");
	is_str(str(all, 1, "exe"), "/bin/a\\x0ab\\x1b[2J\\xff\"\\\\", "a path of any bytes is text on one line");
	is_str(str(all, 1, "pexe"), "/bin/parent", "its parent");
	is_int(num(all, 1, "pid"), PID + 2, "the process");
	is_int(num(all, 1, "pid_start"), 1002, "and which of that number");
	is_int(num(all, 1, "sent"), 100, "bytes sent: none from before it was read");
	is_int(num(all, 1, "received"), 200, "and received");
	is_str(str(all, 1, "raddr"), "192.0.2.1", "the peer");
	is_int(num(all, 1, "rport"), 443, "its port");
	is_int(num(all, 1, "uid"), 7, "the user");
	is_str(str(all, 1, "direction"), "out", "who opened it");
	is_str(str(all, 1, "domain"), "com.example.www", "the name of the peer");
	is_str(str(all, 1, "domain_source"), "dns", "and how it is known");
	is_str(str(all, 1, "hash_state"), "gone", "why there is no hash");
	ok(!json_object_get(json_array_get(all, 1), "sha256"), "what is not known is left out");
	ok(num(all, 1, "start_ns") < num(all, 1, "end_ns") && num(all, 1, "end_ns") <= clock_wall_ns(),
	   "since when, until when");
	is_int(num(all, 2, "family"), 0, "an execution is traffic without a family");
	is_int(num(all, 2, "calls"), 3, "as many as there were");
	is_str(str(all, 3, "kind"), "tick", "the drain ends");
	is_int(num(all, 3, "sent"), 100, "with the sum");
	is_int(num(all, 3, "flows"), 1, "of its flows");
	is_int(num(all, 3, "executions"), 3, "and executions");
	json_decref(all);
	desk_close(&d);
}

static void test_programs_and_losses(void)
{
	struct first_note note = {.at_ns = 77, .uid = 9, .event = PS_PROGRAM_NEW_EXE};
	struct wire_image who = image(2, 1);
	struct desk d;
	json_t *all;

	desk_open(&d);
	losses_add(d.losses, PS_STAGE_RING, 1, 0, 0, "before anybody reads");
	exec_event(&d.f, who, image(1, 1), "/bin/new", "new\0-x\n", 8, 8);
	processes_find(d.f.processes, &who, &note.who);
	live_note(d.live, &note);
	desk_connect(&d);
	live_note(d.live, &note);
	losses_add(d.losses, PS_STAGE_HASH, 2, 3, 4, "no \"hash\"");
	losses_add(d.losses, PS_STAGE_HASH, 10, 20, 30, "no \"hash\"");
	reader_take(&d.f.loop, d.fd, &d.got);
	buf_put_u8(&d.got, 0);
	d.got.len--;
	ok(strstr((char *)d.got.data, "\"program\"") && strstr((char *)d.got.data, "\"alert\""),
	   "both come before the drain ends");
	live_drained(d.live);
	all = tick(&d);
	is_int(json_array_size(all), 5, "hello, one program, one alert, more of it, and the drain");
	is_str(str(all, 1, "kind"), "program", "a program");
	is_str(str(all, 1, "event"), "new_exe", "what is new");
	is_str(str(all, 1, "role"), "self", "as what it was seen");
	is_str(str(all, 1, "exe"), "/bin/new", "which");
	is_str(str(all, 1, "cmdline"), "new $'-x\\x0a'", "how it was started");
	ok(strncmp(str(all, 1, "text"), "new executable: /bin/new", 24) == 0, "in words: %s", str(all, 1, "text"));
	is_int(num(all, 1, "start_ns"), 77, "when");
	is_str(str(all, 2, "stage"), "hash", "a loss");
	is_str(str(all, 2, "text"), "no \"hash\"", "what");
	is_int(num(all, 2, "count"), 2, "how often");
	is_int(num(all, 3, "count"), 10, "and how often since");
	is_int(num(all, 2, "sent") + num(all, 3, "sent"), 23, "the lines add up");
	is_int(num(all, 2, "received") + num(all, 3, "received"), 34, "both ways");
	json_decref(all);
	d.settings.log.commands = false;
	live_note(d.live, &note);
	all = tick(&d);
	ok(num(all, 0, "uid") == 9 && !json_object_get(json_array_get(all, 0), "cmdline"), "[log] commands = no");
	is_int(json_array_size(all), 2, "nothing is told twice");
	json_decref(all);
	lineage_drop(d.f.processes, &note.who);
	desk_close(&d);
}

static void test_verdicts(void)
{
	const struct finding f = {.service = "virustotal",
	                          .what = {.sha256 = {7},
	                                   .state = PS_FINDING_SUSPICIOUS,
	                                   .malicious = 2,
	                                   .undetected = 70,
	                                   .asked_ns = 3,
	                                   .reason = "",
	                                   .link = "https://b/"},
	                          .path = {"/a\"", 3},
	                          .before = PS_FINDING_CLEAN,
	                          .at_ns = 5};
	struct desk d;
	json_t *all;

	desk_open(&d);
	live_finding(d.live, &f);
	desk_connect(&d);
	live_finding(d.live, &f);
	all = tick(&d);
	is_str(str(all, 1, "kind"), "verdict", "a verdict");
	ok(strcmp(str(all, 1, "state"), "suspicious") == 0 && strcmp(str(all, 1, "previous"), "clean") == 0 &&
	       num(all, 1, "malicious") == 2 && num(all, 1, "undetected") == 70 && num(all, 1, "start_ns") == 5 &&
	       num(all, 1, "asked_ns") == 3 && strcmp(str(all, 1, "exe"), "/a\"") == 0 &&
	       strcmp(str(all, 1, "link"), "https://b/") == 0 && strncmp(str(all, 1, "sha256"), "0700", 4) == 0,
	   "all of it");
	ok(!json_object_get(json_array_get(all, 1), "analysed_ns"), "what is not known is left out");
	json_decref(all);
	desk_close(&d);
}

/* 200,000 flows of 1,000 processes with paths as long as they may be. */
static void test_bounds(void)
{
	uint64_t lines = 0, merged = 0, sent = 0, own = 0, nobody = 0;
	static char path[5000];
	struct desk d;
	size_t i, bytes;
	json_t *all, *line;

	desk_open(&d);
	desk_connect(&d);
	memset(path, '\\', sizeof(path) - 1);
	path[0] = '/';
	for (unsigned p = 0; p < 1000; p++)
		exec_event(&d.f, image(p, 1), image(0, 0), path, "", 0, 0);
	live_drained(d.live);
	for (unsigned n = 0; n < 200000; n++)
		observe(&d, image(n % 1000, 1), (uint16_t)(n / 1000), 10);
	live_tick(d.live);
	reader_take(&d.f.loop, d.fd, &d.got);
	bytes = d.got.len;
	ok(bytes < 3 * LIVE_BYTES_MAX && bytes > LIVE_BYTES_MAX, "a drain's lines are bounded: %zu bytes", bytes);
	all = tick(&d);
	json_array_foreach(all, i, line)
	{
		if (strcmp(str(all, i, "kind"), "traffic") != 0)
			continue;
		lines++;
		sent += (uint64_t)num(all, i, "sent");
		merged += json_object_get(line, "merged") ? (uint64_t)num(all, i, "merged") : 0;
		own += json_object_get(line, "merged") && json_object_get(line, "exe");
		nobody += !json_object_get(line, "exe");
		if (!json_object_get(line, "merged"))
			merged++;
	}
	ok(lines <= LIVE_LINES_MAX + LIVE_MERGED_MAX + 1, "and so is how many there are: %llu", (unsigned long long)lines);
	is_int(sent, 2000000, "no byte is left out");
	is_int(merged, 200000, "nor a flow");
	ok(own && own <= LIVE_MERGED_MAX && nobody == 1, "what has no lines is added up for its process, and then for all");
	is_int(num(all, json_array_size(all) - 2, "sent"), 2000000, "the sum is of all");
	json_decref(all);
	live_drained(d.live);
	observe(&d, image(1, 1), 1, 10);
	all = tick(&d);
	is_int(json_array_size(all), 2, "the next drain begins anew");
	json_decref(all);
	desk_close(&d);
}

static void test_long_texts(void)
{
	static char path[LIVE_TEXT_MAX + 100];
	struct desk d;
	json_t *all;

	desk_open(&d);
	desk_connect(&d);
	memset(path, 'x', sizeof(path) - 1);
	exec_event(&d.f, image(1, 1), image(0, 0), path, "", 0, 0);
	live_drained(d.live);
	observe(&d, image(1, 1), 1, UINT64_MAX);
	all = tick(&d);
	ok(strlen(str(all, 1, "exe")) == LIVE_TEXT_MAX && json_is_true(json_object_get(json_array_get(all, 1), "cut")),
	   "a text that is too long is cut, and that is said");
	ok(num(all, 1, "sent") == INT64_MAX, "a count that JSON has not is the largest that it has");
	json_decref(all);
	desk_close(&d);
}

static void test_log_rules(void)
{
	struct domain_seen seen = {.source = PS_DOMAIN_DNS, .image = image(1, 1), .netns = 5, .ttl = 60};
	static const char *const left_out[] = {"raddr", "laddr", "domain", "direction"};
	struct desk d;
	json_t *all;

	desk_open(&d);
	desk_connect(&d);
	exec_event(&d.f, image(1, 1), image(0, 0), "/bin/a", "", 0, 0);
	seen.addr = (struct ps_addr){AF_INET, {192, 0, 2, 1}};
	seen.name = (struct ps_text){"com.example.www", 15};
	seen.seen_ns = clock_boot_ns();
	domains_learn(d.domains, &seen);
	d.settings.log.addresses = d.settings.log.ports = false;
	ledger_set_log(d.ledger, &d.settings.log);
	live_drained(d.live);
	observe(&d, image(1, 1), 1000, 10);
	all = tick(&d);
	ok(strcmp(str(all, 1, "raddr"), "(none)") == 0 && strcmp(str(all, 1, "domain"), "(none)") == 0,
	   "[log] addresses = no");
	ok(num(all, 1, "lport") == 0 && num(all, 1, "rport") == 0, "[log] ports = no");
	json_decref(all);
	d.settings.log.addresses = d.settings.log.ports = d.settings.log.ignore_local = true;
	ledger_set_log(d.ledger, &d.settings.log);
	live_drained(d.live);
	for (int domain = 0; domain < 2; domain++) {
		struct observation o = flow_of(image(1, 1), 1000, 10);

		if (!domain)
			o.raddr = o.laddr = (struct ps_addr){AF_INET, {127, 0, 0, 1}};
		ledger_add(d.ledger, &o);
	}
	all = tick(&d);
	ok(json_is_true(json_object_get(json_array_get(all, 0), "ignored")), "what [log] leaves out is said to be");
	is_str(str(all, 0, "exe"), "/bin/a", "with whose it was");
	is_int(num(all, 0, "sent"), 10, "and how much");
	for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
		is_str(str(all, 0, left_out[i]), "(none)", "but not its %s", left_out[i]);
	ok(!json_object_get(json_array_get(all, 1), "ignored"), "other flows are not");
	json_decref(all);
	desk_close(&d);
}

int main(void)
{
	scratch_make();
	signal(SIGPIPE, SIG_IGN);
	test_lines();
	test_programs_and_losses();
	test_verdicts();
	test_bounds();
	test_long_texts();
	test_log_rules();
	scratch_remove();
	return tap_done();
}
