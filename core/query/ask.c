/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/ask.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/query/names.h"
#include "core/query/special.h"
#include "core/query/sql.h"
#include "core/query/when.h"

#define USUAL_RANGE 86400
#define FOLLOWED_BACK 3600
#define N(list) (sizeof(list) / sizeof(*(list)))

const char ask_help[] =
    "usage: picosnitch query [OPTION]...\n"
    "\n"
    "Says who exchanged how many bytes. Without options: each executable, over the last 24 hours.\n"
    "\n"
    "  -b, --by LIST          group by these, separated by commas; none: one row (default exe)\n"
    "  -f, --filter DIM=VALUE only what has this value; several for one dimension are alternatives\n"
    "  -x, --exclude DIM=VALUE leave out what has this value\n"
    "  -l, --last LENGTH      the last 15min, 3h, 7d, ...; all: everything (default 24h)\n"
    "      --from TIME        from then on: 2026-11-23, 2026-11-23T10:40, ...Z, or Unix seconds\n"
    "      --to TIME          before then\n"
    "      --step LENGTH      of --by time: 1min, 1h, 1d, ... (default: the range in at most 60 steps)\n"
    "  -o, --order ORDER      total, sent, received, calls, time or key (default total; key if time is first)\n"
    "  -n, --limit N          at most N rows\n"
    "      --format FORMAT    table, csv or json (one object a line)\n"
    "  -u, --units UNIT       in a table: auto, B, kB, MB or GB\n"
    "      --audit            the kernel's own counters beside what was seen, and the rest: by network\n"
    "                         namespace and layer\n"
    "      --events[=LIST]    what happened: program, loss, verdict; the earliest first, -n the latest\n"
    "      --follow           goes on, and says what comes to it; without a range, from now on\n"
    "      --store NAME       ask the store of [sink NAME] (default sqlite)\n"
    "      --file FILE        ask this file instead of the one in the configuration\n"
    "  -h, --help             this text\n"
    "\n"
    "Dimensions: exe name cmdline sha256, the same of the parent (pexe ...) and of its parent (gpexe ...),\n"
    "time; host; uid lport rport laddr raddr domain domain_source country netns family protocol direction; of an "
    "interpreter,\n"
    "script script_sha256; where it ran, cgroup unit slice session engine container pod. Values are those\n"
    "that a table shows. Countries: `picosnitch geoip`; of DB-IP's database, IP Geolocation by DB-IP\n"
    "(https://db-ip.com).\n"
    "\n"
    "  picosnitch query --by raddr,rport -f exe=/usr/bin/curl --last 3h\n"
    "  picosnitch query --by time,exe --last 7d --step 1d\n"
    "  picosnitch query --events=program --follow\n"
    "  picosnitch query --by uid,exe -x uid=root --order received --limit 10\n";

static int wrong(struct ask *a, const char **why, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int wrong(struct ask *a, const char **why, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	*why = arena_copy(&a->memory, text, strlen(text));
	return -EINVAL;
}

static int dimension(struct ask *a, const char *word, enum ps_dimension *out, const char **why)
{
	unsigned best = 3;
	int near = -1;

	*out = names_dimension_find(word);
	if (*out != PS_DIMENSIONS)
		return 0;
	for (int d = 0; d < PS_DIMENSIONS; d++) {
		unsigned distance = text_distance(word, names_dimension((enum ps_dimension)d));

		if (distance < best) {
			best = distance;
			near = d;
		}
	}
	if (near >= 0)
		return wrong(a, why, "there is no dimension \"%s\"; did you mean %s?", word,
		             names_dimension((enum ps_dimension)near));
	return wrong(a, why, "there is no dimension \"%s\"; --help lists them", word);
}

static int parse_by(struct ask *a, const char *list, const char **why)
{
	char *words = arena_copy(&a->memory, list, strlen(list)), *state = NULL;

	a->question.n_by = 0;
	if (strcmp(list, "none") == 0)
		return 0;
	for (char *word = strtok_r(words, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
		enum ps_dimension d;
		int r = dimension(a, word, &d, why);

		if (r < 0)
			return r;
		for (uint32_t i = 0; i < a->question.n_by; i++)
			if (a->by[i] == d)
				return wrong(a, why, "--by has %s twice", word);
		a->by[a->question.n_by++] = d;
	}
	return a->question.n_by ? 0 : wrong(a, why, "--by wants dimensions, separated by commas, or none");
}

/* A name of a user, a protocol or a family as the number that is stored. */
static const char *as_number(struct ask *a, enum ps_dimension d, const char *value)
{
	struct passwd entry, *user = NULL;
	char text[16], space[4096];
	int number = -1;

	if (d == PS_BY_PROTOCOL)
		number = names_protocol_find(value);
	else if (d == PS_BY_FAMILY)
		number = names_family_find(value);
	else if (d == PS_BY_UID && getpwnam_r(value, &entry, space, sizeof(space), &user) == 0 && user)
		return arena_copy(&a->memory, text, (size_t)snprintf(text, sizeof(text), "%u", (unsigned)user->pw_uid));
	if (number >= 0)
		return arena_copy(&a->memory, text, (size_t)snprintf(text, sizeof(text), "%d", number));
	return value;
}

/* A country as it is written: DE, private. NULL: it is none. */
static const char *as_country(struct ask *a, const char *value)
{
	size_t len = strlen(value);
	char *word = arena_copy(&a->memory, value, len);

	for (size_t i = 0; i < len; i++)
		word[i] = (char)(len == 2 ? toupper((unsigned char)word[i]) : tolower((unsigned char)word[i]));
	if (len == 2 && word[0] >= 'A' && word[0] <= 'Z' && word[1] >= 'A' && word[1] <= 'Z')
		return word;
	return !len || special_is_word(word) ? word : NULL;
}

static int parse_filter(struct ask *a, const char *text, int exclude, const char **why)
{
	const char *equals = strchr(text, '='), *value;
	enum ps_dimension d;
	char *end;
	int r;

	if (!equals)
		return wrong(a, why, "a filter is DIMENSION=VALUE, not \"%s\"", text);
	r = dimension(a, arena_copy(&a->memory, text, (size_t)(equals - text)), &d, why);
	if (r < 0)
		return r;
	value = equals + 1;
	if (d == PS_BY_TIME)
		return wrong(a, why, "time is no filter: --last, --from and --to name a range");
	if (names_is_number(d)) {
		value = as_number(a, d, value);
		errno = 0;
		strtoll(value, &end, 10);
		if (errno || *end || end == value)
			return wrong(a, why, "%s wants a number%s, not \"%s\"", names_dimension(d),
			             d == PS_BY_UID                             ? " or a user's name"
			             : d == PS_BY_PROTOCOL || d == PS_BY_FAMILY ? " or a name"
			                                                        : "",
			             equals + 1);
	}
	if (d == PS_BY_DIRECTION && *value && strcmp(value, "in") != 0 && strcmp(value, "out") != 0)
		return wrong(a, why, "direction is in, out or empty, not \"%s\"", value);
	if (d == PS_BY_DOMAIN_SOURCE && names_domain_source_find(value) < 0)
		return wrong(a, why, "domain_source is sni, getaddrinfo, dns, hosts, ptr or empty, not \"%s\"", value);
	if (d == PS_BY_COUNTRY && !(value = as_country(a, value)))
		return wrong(a, why,
		             "country is a code of two letters (DE), private, loopback, link-local, shared, multicast,"
		             " reserved, documentation, benchmark, broadcast or empty, not \"%s\"",
		             equals + 1);
	a->filters = mem_resize(a->filters, (a->question.n_filters + 1) * sizeof(*a->filters));
	a->filters[a->question.n_filters++] = (struct ps_filter){d, exclude, {value, (uint32_t)strlen(value)}};
	return 0;
}

/* The index of word among words separated by one space, or -1. */
static int choice(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (int i = 0;; i++) {
		size_t n = strcspn(words, " ");

		if (n == len && memcmp(words, word, n) == 0)
			return i;
		if (!words[n])
			return -1;
		words += n + 1;
	}
}

static int parse_choice(struct ask *a, const char *what, const char *words, const char *word, const char **why)
{
	int at = choice(words, word);

	return at >= 0 ? at : wrong(a, why, "%s is one of: %s; not \"%s\"", what, words, word);
}

/* Beyond what can be reckoned with; it is 300 million years from now. */
static int is_far(int64_t seconds)
{
	return seconds > INT64_C(1) << 53 || seconds < -(INT64_C(1) << 53);
}

static int parse_range(struct ask *a, int64_t now, const char **why)
{
	const struct ask_words *words = &a->words;
	struct ps_question *q = &a->question;
	int64_t length = USUAL_RANGE;

	q->from = INT64_MIN;
	q->to = INT64_MAX;
	if (words->last && words->from)
		return wrong(a, why, "--last and --from exclude each other");
	if (words->from && (when_point(words->from, &q->from) < 0 || is_far(q->from)))
		return wrong(a, why, "\"%s\" is not a time: 2026-11-23T10:40 is one, and Unix seconds are", words->from);
	if (words->to && (when_point(words->to, &q->to) < 0 || is_far(q->to)))
		return wrong(a, why, "\"%s\" is not a time: 2026-11-23T10:40 is one, and Unix seconds are", words->to);
	if (words->last && strcmp(words->last, "all") != 0 && (when_length(words->last, &length) < 0 || is_far(length)))
		return wrong(a, why, "\"%s\" is not a length of time: 90s, 15min, 3h and 7d are, and so is all", words->last);
	a->silent = a->follow && !words->last && !words->from;
	/* A row is of the time when its window began. */
	if (a->silent)
		q->from = now - FOLLOWED_BACK;
	else if (words->last ? strcmp(words->last, "all") != 0 : !words->from && !words->to)
		q->from = (words->to ? q->to : now) - length;
	a->last = words->from || words->to || q->from == INT64_MIN ? 0 : length;
	return q->from < q->to ? 0 : wrong(a, why, "the range ends before it begins");
}

/* The steps of --by time, once the range is known. */
static int parse_step(struct ask *a, int64_t now, const char **why)
{
	static const int64_t usual[] = {60, 300, 900, 3600, 3 * 3600, 86400, 7 * 86400};
	const struct ask_words *words = &a->words;
	struct ps_question *q = &a->question;
	int64_t from = q->from, to = q->to < now ? q->to : now;
	size_t i = 0;

	if (!sql_groups_by(q, PS_BY_TIME))
		return words->step ? wrong(a, why, "--step is for --by time") : 0;
	if (q->by[0] == PS_BY_TIME && !words->ordered)
		q->order = PS_ORDER_KEY;
	if (words->step) {
		if (when_length(words->step, &q->step) < 0 || q->step < 1)
			return wrong(a, why, "\"%s\" is not a length of time: 90s, 15min, 3h and 7d are", words->step);
	} else {
		while (from != INT64_MIN && i + 1 < N(usual) && to - from > 60 * usual[i])
			i++;
		q->step = from == INT64_MIN ? 86400 : usual[i];
	}
	q->origin = when_origin(from != INT64_MIN ? from : to, q->step);
	return 0;
}

static int parse_events(struct ask *a, const char *list, const char **why)
{
	char *words = arena_copy(&a->memory, list, strlen(list)), *state = NULL;

	for (char *word = strtok_r(words, ",", &state); word; word = strtok_r(NULL, ",", &state)) {
		enum ps_kind kind = names_event_kind_find(word);

		if (!kind)
			return wrong(a, why, "--events is of program, loss and verdict, not \"%s\"", word);
		a->question.kinds |= (uint32_t)kind;
	}
	return a->question.kinds ? 0 : wrong(a, why, "--events wants kinds, separated by commas");
}

/* What does not go together. */
static int check_mix(struct ask *a, const char **why)
{
	const struct ask_words *words = &a->words;
	const char *groups = words->groups_only;

	if (a->audit && (groups || words->traffic_only))
		return wrong(a, why, "%s is for traffic: --audit has a row for each network namespace and layer",
		             groups ? groups : words->traffic_only);
	if (a->question.kinds && groups)
		return wrong(a, why, "%s is for traffic: --events has a line for each", groups);
	if (a->question.kinds && a->audit)
		return wrong(a, why, "--events and --audit exclude each other");
	if (a->follow && (a->audit || words->to))
		return wrong(a, why, "--follow goes on, and so has no %s", a->audit ? "--audit" : "--to");
	if (a->follow && !a->question.kinds && a->question.limit)
		return wrong(a, why, "--follow says all that comes: it has no --limit");
	return 0;
}

static int parse_limit(struct ask *a, const char *text, const char **why)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || end == text || n < 0 || n > UINT32_MAX)
		return wrong(a, why, "--limit wants a number of rows, not \"%s\"", text);
	a->question.limit = (uint32_t)n;
	return 0;
}

enum { OPT_FROM = 256, OPT_TO, OPT_STEP, OPT_FORMAT, OPT_STORE, OPT_FILE, OPT_AUDIT, OPT_EVENTS, OPT_FOLLOW };

static const struct option options[] = {
    {"by", required_argument, NULL, 'b'},
    {"filter", required_argument, NULL, 'f'},
    {"exclude", required_argument, NULL, 'x'},
    {"last", required_argument, NULL, 'l'},
    {"from", required_argument, NULL, OPT_FROM},
    {"to", required_argument, NULL, OPT_TO},
    {"step", required_argument, NULL, OPT_STEP},
    {"order", required_argument, NULL, 'o'},
    {"limit", required_argument, NULL, 'n'},
    {"format", required_argument, NULL, OPT_FORMAT},
    {"units", required_argument, NULL, 'u'},
    {"store", required_argument, NULL, OPT_STORE},
    {"file", required_argument, NULL, OPT_FILE},
    {"audit", no_argument, NULL, OPT_AUDIT},
    {"events", optional_argument, NULL, OPT_EVENTS},
    {"follow", no_argument, NULL, OPT_FOLLOW},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int take(struct ask *a, int option, const char *value, const char **why)
{
	struct ask_words *words = &a->words;
	int r = 0;

	switch (option) {
	case 'b':
		words->groups_only = "--by";
		return parse_by(a, value, why);
	case 'f':
	case 'x':
		words->traffic_only = option == 'x' ? "--exclude" : "--filter";
		return parse_filter(a, value, option == 'x', why);
	case 'l':
		words->last = value;
		break;
	case OPT_FROM:
		words->from = value;
		break;
	case OPT_TO:
		words->to = value;
		break;
	case OPT_STEP:
		words->groups_only = "--step";
		words->step = value;
		break;
	case 'o':
		words->groups_only = "--order";
		words->ordered = 1;
		r = parse_choice(a, "--order", "total sent received calls time key", value, why);
		a->question.order = r < 0 ? PS_ORDER_TOTAL : (enum ps_order)r;
		break;
	case 'n':
		words->traffic_only = "--limit";
		return parse_limit(a, value, why);
	case OPT_AUDIT:
		a->audit = 1;
		break;
	case OPT_EVENTS:
		return parse_events(a, value ? value : "program,loss,verdict", why);
	case OPT_FOLLOW:
		a->follow = 1;
		break;
	case OPT_FORMAT:
		r = parse_choice(a, "--format", "table csv json", value, why);
		a->format = r < 0 ? ASK_TABLE : (enum ask_format)r;
		break;
	case 'u':
		r = parse_choice(a, "--units", "auto B kB MB GB", value, why);
		a->units = r < 0 ? ASK_AUTO : (enum ask_units)r;
		break;
	case OPT_STORE:
		a->store = value;
		break;
	case OPT_FILE:
		a->file = value;
		break;
	default:
		a->help = 1;
		break;
	}
	return r < 0 ? r : 0;
}

void ask_begin(struct ask *a)
{
	*a = (struct ask){.by = {PS_BY_EXE}};
	arena_init(&a->memory);
	a->question.by = a->by;
	a->question.n_by = 1;
}

int ask_put(struct ask *a, const char *name, const char *value, const char **why)
{
	for (const struct option *o = options; o->name; o++)
		if (o->has_arg && (strcmp(o->name, name) == 0 || (name[0] == o->val && !name[1])))
			return take(a, o->val, value, why);
	return wrong(a, why, "there is no parameter \"%s\"", name);
}

int ask_end(struct ask *a, int64_t now, const char **why)
{
	int r = parse_range(a, now, why);

	if (r == 0)
		r = parse_step(a, now, why);
	if (r == 0)
		r = check_mix(a, why);
	a->question.filters = a->filters;
	return r;
}

int ask_parse(struct ask *a, int argc, char **argv, int64_t now, const char **why)
{
	int option, r = 0;

	ask_begin(a);
	opterr = 0;
	optind = 0;
	while (r == 0 && !a->help && (option = getopt_long(argc, argv, ":b:f:x:l:o:n:u:h", options, NULL)) != -1) {
		if (option == ':')
			r = wrong(a, why, "%s wants a value", argv[optind - 1]);
		else if (option == '?')
			r = wrong(a, why, "there is no option %s", argv[optind - 1]);
		else
			r = take(a, option, optarg, why);
	}
	if (r == 0 && !a->help && optind < argc)
		r = wrong(a, why, "\"%s\" is not an option; a filter is -f DIMENSION=VALUE", argv[optind]);
	return r == 0 && !a->help ? ask_end(a, now, why) : r;
}

void ask_done(struct ask *a)
{
	free(a->filters);
	arena_done(&a->memory);
}
