/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions: from the words of a command line to what is printed. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "core/base/buf.h"
#include "core/query/ask.h"
#include "core/query/output.h"
#include "core/query/when.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"
#include "tests/tap.h"

#define NOW 1700000000
#ifdef PS_GEOIP
#define countries 1
#else
#define countries 0
#endif

static void test_when(void)
{
	static const struct {
		const char *text;
		int64_t seconds; /* INT64_MIN: not a time */
	} points[] = {
	    {"1700000000", 1700000000},
	    {"-5", -5},
	    {"2023-11-14T22:13:20Z", 1700000000},
	    {"2023-11-14 23:13:20+01:00", 1700000000},
	    {"2023-11-14T22:13-0000", 1699999980},
	    {"2023-11-14T22:13:20", 1700000000 - 3600},
	    {"2024-02-29", 1709161200},
	    {"2023-02-29", INT64_MIN},
	    {"2023-13-01", INT64_MIN},
	    {"2023-11-14T25:00", INT64_MIN},
	    {"2023-11-14T22", INT64_MIN},
	    {"2023-11-14T22:13:20Zx", INT64_MIN},
	    {"yesterday", INT64_MIN},
	    {"", INT64_MIN},
	};
	static const struct {
		const char *text;
		int64_t seconds;
	} lengths[] = {
	    {"90", 90},         {"90s", 90},
	    {"15min", 900},     {"15 min", 900},
	    {"3h", 10800},      {"7d", 604800},
	    {"2w", 1209600},    {"3 fortnights", INT64_MIN},
	    {"-3h", INT64_MIN}, {"99999999999999999w", INT64_MIN},
	    {"", INT64_MIN},
	};
	int64_t got;

	setenv("TZ", "XYZ-1", 1); /* an hour east of UTC */
	tzset();
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		int r = when_point(points[i].text, &got);

		is_int(r == 0 ? got : INT64_MIN, points[i].seconds, "the time \"%s\"", points[i].text);
	}
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		int r = when_length(lengths[i].text, &got);

		is_int(r == 0 ? got : INT64_MIN, lengths[i].seconds, "the length \"%s\"", lengths[i].text);
	}
}

#define MOST_WORDS 32

/* Parses words separated by a bar. */
static int parse(struct ask *a, const char *words, const char **why)
{
	static char copy[512];
	char *argv[MOST_WORDS + 1] = {0}, *state = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "query|%s", words);
	for (char *w = strtok_r(copy, "|", &state); w && argc < MOST_WORDS; w = strtok_r(NULL, "|", &state))
		argv[argc++] = w;
	*why = "";
	return ask_parse(a, argc, argv, NOW, why);
}

static void test_ask(void)
{
	static const struct {
		const char *words, *why;
	} wrong[] = {
	    {"--by|exee", "did you mean exe?"},
	    {"--by|exe,exe", "twice"},
	    {"--by|,", "wants dimensions"},
	    {"-f|exe", "DIMENSION=VALUE"},
	    {"-f|rport=http", "wants a number"},
	    {"-x|uid=no such user", "a user's name"},
	    {"--last|soon", "not a length"},
	    {"--from|soon", "not a time"},
	    {"--last|1h|--from|5", "exclude each other"},
	    {"--from|5|--to|5", "ends before"},
	    {"--order|best", "total sent"},
	    {"--limit|many", "number of rows"},
	    {"--format|xml", "table csv json"},
	    {"-f|direction=up", "in, out or empty"},
	    {"-f|protocol=mptpc", "a number or a name"},
	    {"--audit|--by|exe", "--by is for traffic"},
	    {"-x|uid=0|--audit", "--exclude is for traffic"},
	    {"--units|MiB", "auto B"},
	    {"--step|1h", "--step is for --by time"},
	    {"--by|time|--step|0", "not a length of time"},
	    {"--by|time|--step|often", "not a length of time"},
	    {"-f|time=5", "time is no filter"},
	    {"--audit|--step|1h", "--step is for"},
	    {"--bad", "no option"},
	    {"--by", "wants a value"},
	    {"curl", "not an option"},
	};
	/* An hour east of UTC: midnight here is at 23 o'clock there, and the first Monday was the fifth day. */
	static const struct {
		const char *words;
		int64_t step, origin;
		enum ps_order order;
	} steps[] = {
	    {"--by|time", 3600, 0, PS_ORDER_KEY},
	    {"--by|time,exe|--last|5min", 60, 0, PS_ORDER_KEY},
	    {"--by|exe,time|--last|60h", 3600, 0, PS_ORDER_TOTAL},
	    {"--by|time|--last|7d|--order|sent", 10800, 7200, PS_ORDER_SENT},
	    {"--by|time|--last|30d", 86400, 82800, PS_ORDER_KEY},
	    {"--by|time|--last|all", 86400, 82800, PS_ORDER_KEY},
	    {"--by|time|--last|3w|--step|1w", 604800, 4 * 86400 - 3600, PS_ORDER_KEY},
	    {"--by|time|--step|7", 7, 5, PS_ORDER_KEY},
	};
	const char *why;
	struct ask a;

	is_int(parse(&a, "", &why), 0, "no words: a question");
	ok(a.question.n_by == 1 && a.by[0] == PS_BY_EXE && a.question.from == NOW - 86400 && a.question.to == INT64_MAX,
	   "by executable, over the last day");
	ask_done(&a);
	is_int(parse(&a,
	             "--by|raddr,rport|-f|exe=/a=b|-x|uid=root|-x|protocol=udp|-f|family=ipv6|--last|3h|-n|5|-o|received|"
	             "--format|json",
	             &why),
	       0, "many words");
	ok(a.question.n_by == 2 && a.by[1] == PS_BY_RPORT && a.question.n_filters == 4 && a.question.limit == 5 &&
	       a.question.order == PS_ORDER_RECEIVED && a.format == ASK_JSON && a.question.from == NOW - 10800,
	   "are taken");
	is_str(a.filters[0].value.data, "/a=b", "a value may hold an equals sign");
	is_str(a.filters[1].value.data, "0", "a user's name becomes a number");
	ok(a.filters[1].exclude && !a.filters[0].exclude, "-x excludes");
	is_str(a.filters[2].value.data, "17", "and so does a protocol's");
	is_str(a.filters[3].value.data, "10", "and a family's");
	ask_done(&a);
	is_int(parse(&a, "-f|direction=|-f|protocol=mptcp|-f|family=tun|-x|family=vsock|-f|family=packet", &why), 0,
	       "families and protocols beyond IP, and no direction");
	ok(a.filters[0].value.len == 0 && strcmp(a.filters[1].value.data, "262") == 0 &&
	       strcmp(a.filters[2].value.data, "200") == 0 && strcmp(a.filters[3].value.data, "40") == 0 &&
	       strcmp(a.filters[4].value.data, "17") == 0,
	   "are known by name");
	ask_done(&a);
	is_int(parse(&a, "--last|all|--by|none", &why), 0, "everything");
	ok(a.question.from == INT64_MIN && a.question.n_by == 0, "has no beginning, and no groups");
	ask_done(&a);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		ok(parse(&a, steps[i].words, &why) == 0 && a.question.step == steps[i].step &&
		       a.question.origin == steps[i].origin && a.question.order == steps[i].order,
		   "%s: steps of %lld s, from %lld s on", steps[i].words, (long long)a.question.step,
		   (long long)a.question.origin);
		ask_done(&a);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		int r = parse(&a, wrong[i].words, &why);

		ok(r < 0 && strstr(why, wrong[i].why), "%s: %s", wrong[i].words, why);
		ask_done(&a);
	}
}

static void test_bytes(void)
{
	char text[OUTPUT_BYTES_SIZE];

	is_str(output_bytes(text, 999, ASK_AUTO), "999 B", "bytes");
	is_str(output_bytes(text, 1000, ASK_AUTO), "1.0 kB", "a thousand");
	is_str(output_bytes(text, 999949, ASK_AUTO), "999.9 kB", "not yet a million");
	is_str(output_bytes(text, 999950, ASK_AUTO), "1.0 MB", "rounded to a million");
	is_str(output_bytes(text, 123456789, ASK_GB), "0.1 GB", "in a unit");
	is_str(output_bytes(text, UINT64_MAX, ASK_B), "18446744073709551615 B", "the largest");
}

/* What a table, CSV or JSON is made of one row with a hostile text and an empty one. */
static char *printed(const char *words, unsigned width)
{
	struct ps_text values[] = {{"a \"b\",c\xc3\xa9-this-is-a-long-value", 30}, {"", 0}, {"443", 3}};
	struct ps_answer_row row = {values, 1500, 2500000, 7, 2, 10, NOW};
	struct output *o;
	const char *why;
	char *text = NULL;
	size_t size;
	struct ask a;
	FILE *out;

	if (parse(&a, words, &why) < 0 || !(out = open_memstream(&text, &size)))
		return mem_strdup(why);
	o = output_begin(&a, out, width, 0);
	output_row(o, &row);
	output_end(o, 1);
	fclose(out);
	ask_done(&a);
	return text;
}

static void test_output(void)
{
	static const struct {
		const char *words;
		unsigned width;
		const char *want;
	} cases[] = {
	    {"--by|exe,domain,rport|--format|csv", 0,
	     "exe,domain,rport,sent,received,calls,rows,first,last\r\n\"a "
	     "\"\"b\"\",c\xc3\xa9-this-is-a-long-value\",,443,1500,"
	     "2500000,7,2,10,1700000000\r\n"},
	    {"--by|exe,domain,rport|--format|json", 0,
	     "{\"exe\":\"a \\\"b\\\",c\xc3\xa9-this-is-a-long-value\",\"domain\":\"\",\"rport\":443,\"sent\":1500,"
	     "\"received\":2500000,\"calls\":7,\"rows\":2,\"first\":10,\"last\":1700000000}\n"},
	    {"--by|exe,domain,rport", 0,
	     "exe                            domain  rport    sent  received  calls  last seen\n"
	     "a \"b\",c\xc3\xa9-this-is-a-long-value  -         443  1.5 kB    2.5 MB      7  2023-11-14 23:13:20\n"},
	    {"--by|exe,domain,rport", 79,
	     "exe                 domain  rport    sent  received  calls  last seen\n"
	     "a \"b\",c\xc3\xa9-this-i...  -         443  1.5 kB    2.5 MB      7  2023-11-14 23:13:20\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *got = printed(cases[i].words, cases[i].width);

		is_str(got, cases[i].want, "%s, width %u", cases[i].words, cases[i].width);
		free(got);
	}
}

/* Runs `picosnitch query WORDS`, without a shell between; its output, and its exit status. */
static char *run(const char *config, const char *words, int *status)
{
	char *argv[MOST_WORDS + 6] = {0}, *state = NULL, *copy = mem_strdup(words);
	const char *build = getenv("top_builddir");
	int argc = 0, fds[2];
	struct buf out;
	char part[4096];
	ssize_t n;
	pid_t pid;

	argv[argc++] = mem_printf("%s/picosnitch", build ? build : ".");
	argv[argc++] = mem_strdup("--config");
	argv[argc++] = mem_strdup(config);
	argv[argc++] = mem_strdup("query");
	for (char *w = strtok_r(copy, "|", &state); w && argc < MOST_WORDS + 5; w = strtok_r(NULL, "|", &state))
		argv[argc++] = mem_strdup(w);
	free(copy);
	buf_init(&out);
	if (pipe2(fds, O_CLOEXEC) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execv(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	while ((n = read(fds[0], part, sizeof(part))) > 0)
		buf_put(&out, part, (size_t)n);
	close(fds[0]);
	buf_put_u8(&out, 0);
	waitpid(pid, status, 0);
	*status = WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
	while (argc)
		free(argv[--argc]);
	return (char *)out.data;
}

static void ask_program(const char *config, const char *words, int want_status, const char *want)
{
	int status;
	char *got = run(config, words, &status);

	if (!ok(status == want_status && strstr(got, want), "query %s: status %d", words, want_status))
		printf("# status %d, printed:\n# %s\n# want: %s\n", status, got, want);
	free(got);
}

static void test_program(void)
{
	const char *build = getenv("top_builddir"), *top = getenv("top_srcdir");
	char *so = mem_printf("%s/plugins/.libs/sqlite.so", build ? build : ".");
	char *config = mem_printf("%s/ini", fake_dir());
	char *folder = realpath(top ? top : ".", NULL);
	FILE *ini = fopen(config, "we");
	struct ps_traffic *t;
	struct ps_ctx ctx;
	struct made m;
	void *self;

	fprintf(ini, "[paths]\nstate = %s\nplugins = %s/plugins/.libs\n", fake_dir(), build ? build : ".");
	fprintf(ini, "[geoip]\ndatabase = %s/tests/fixtures/countries/nested.mmdb\n", folder);
	fclose(ini);
	free(folder);
	ask_program(config, "--last|all", 1, "start picosnitch with its sqlite sink enabled");
	fake_init(&ctx, fake_load(so), fake_dir(), 0);
	fake_files(&ctx);
	if (ctx.plugin->sink->open(&fake_host, &ctx, &self) != PS_STORED)
		exit(1);
	made_usual(&m, 1, 300, NOW);
	made_alert(&m, NOW, "flow map full");
	made_audit(&m, NOW)->audit.layer = PS_LAYER_UDP;
	made_audit(&m, NOW);
	made_audit(&m, NOW - 10);
	t = &made_traffic(&m, NOW)->traffic;
	*t = (struct ps_traffic){.direction = PS_DIRECTION_IN, .sent = 7, .received = 8, .calls = 9};
	ctx.plugin->sink->write(self, &m.batch);
	made_done(&m);
	made_init(&m, 3);
	t = &made_traffic(&m, NOW + 90)->traffic;
	*t = (struct ps_traffic){.raddr = {2, {8, 8, 8, 8}}, .sent = 10, .received = 20, .calls = 30};
	t = &made_traffic(&m, NOW + 90)->traffic;
	*t = (struct ps_traffic){.raddr = {2, {1, 1, 1, 1}}, .sent = 1, .received = 2, .calls = 3};
	ctx.plugin->sink->write(self, &m.batch);
	made_done(&m);
	made_hostile(&m, 2, NOW);
	ctx.plugin->sink->write(self, &m.batch);
	made_done(&m);
	ctx.plugin->sink->close(self);
	ask_program(config, "--last|all|--format|csv", 0,
	            "\r\n/usr/bin/program-1,100000,200000,300,100,1700000000,1700000000\r\n");
	ask_program(config, "--last|all|--by|uid|-f|exe=/usr/bin/program-2|--format|json", 0,
	            "{\"uid\":1000,\"sent\":100000,\"received\":200000,\"calls\":300,\"rows\":100,");
	ask_program(config, "--last|all|--by|protocol", 0, "tcp");
	ask_program(config, "--last|all|--by|time|--format|csv", 0, "\r\n1699916400,");
	ask_program(config, "--last|all|--by|time,uid|--step|1h|--format|json", 0, "{\"time\":1699999200,\"uid\":1000,");
	ask_program(config, "--last|all|--by|time|--step|15min", 0, "\n2023-11-14 23:00:00  ");
	ask_program(config, "--last|all|--by|direction|--format|csv", 0, "\r\nin,7,8,9,1,");
	ask_program(config, "--last|all|--by|direction|-f|direction=in|--format|json", 0,
	            "{\"direction\":\"in\",\"sent\":7,");
	ask_program(config, "--last|all|--by|direction,sha256|-x|direction=|-x|direction=out|--format|csv", 0,
	            "direction,sha256,sent,received,calls,rows,first,last\r\nin,,7,8,9,1,");
	ask_program(config, "--last|all", 0, "in this range 1100 bytes were lost (flows, 4 times): flow map full");
	ask_program(config, "--last|all|--audit", 0, "in this range 1100 bytes were lost");
	ask_program(config, "--last|all|--audit", 0,
	            "4026531840  ip             20.0 kB        40.0 kB           20           40        18.0 kB        "
	            "38.0 kB          60          -10 B           12 B             -\n"
	            "4026531840  udp                  -");
	ask_program(
	    config, "--last|all|--audit|--format|csv", 0,
	    "netns,layer,windows,sent,received,packets_sent,packets_received,errors,retransmitted,forwarded,own_sent,"
	    "own_received,own_calls,rest_sent,rest_received,rest_packets,first,last\r\n"
	    "4026531840,ip,2,20000,40000,20,40,2,4,6,18000,38000,60,-10,12,-14,1699999990,1700000010\r\n"
	    "4026531840,udp,1,");
	ask_program(config, "--to|1699999995|--audit|--format|json", 0,
	            "{\"netns\":4026531840,\"layer\":\"ip\",\"windows\":1,\"sent\":10000,");
	ask_program(config, "--from|1700000100|--audit", 0, "nothing was audited in that time");
	if (countries) {
		ask_program(config, "--last|all|--by|country|--format|csv|--from|1700000090", 2, "exclude each other");
		ask_program(config, "--from|1700000090|--by|country|--format|csv", 0,
		            "\r\nUS,11,22,33,2,1700000090,1700000090\r\n");
		ask_program(config, "--from|1700000090|--by|country,raddr|-f|country=us|-n|1|--format|json", 0,
		            "{\"country\":\"US\",\"raddr\":\"8.8.8.8\",\"sent\":10,\"received\":20,");
		ask_program(config, "--from|1700000090|--by|none|-x|country=US", 0,
		            "nothing was recorded that fits the question");
		ask_program(config, "--last|all|--by|country|-x|country=us", 0, "documentation");
	}
	ask_program(config, "-f|country=Germany", 2, "country is a code of two letters");
	ask_program(config, "--last|all|-f|sha256=nothing", 0, "nothing was recorded that fits the question");
	ask_program(config, "--last|all|--by|exe|--format|csv", 0, "/tmp/\\xff\\xfe");
	ask_program(config, "--help", 0, "usage: picosnitch query");
	ask_program(config, "--by|what", 2, "there is no dimension");
	ask_program(config, "--store|nowhere", 1, "there is no [sink nowhere]");
	free(so);
	free(config);
	fake_done(&ctx);
}

int main(void)
{
	test_when();
	test_ask();
	test_bytes();
	test_output();
	test_program();
	return tap_done();
}
