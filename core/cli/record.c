/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch record: the memory of known programs. The daemon's, while it runs; the file otherwise. */
#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/cli/record_print.h"
#include "core/daemon/control.h"
#include "core/daemon/pidfile.h"
#include "core/daemon/record_file.h"
#include "core/ledger/memory_json.h"

enum { LOCK_MS = 5000 };

static const char help[] =
    "usage: picosnitch record [EXECUTABLE...] [OPTION...]\n"
    "\n"
    "Shows the programs that are known, by which a new or changed one is told. EXECUTABLE is a path, a\n"
    "folder for all that is in it, or a pattern in which * stands for any text and ? for one byte. Bytes\n"
    "that are not shown as they are can be given as they are shown.\n"
    "\n"
    "  --name NAME     only what has this name (or pattern)\n"
    "  --sha256 HASH   only what has this SHA-256, or one that begins so\n"
    "  --expected      only what is expected, or has names or hashes that are\n"
    "  --unexpected    only what is not\n"
    "  -l, --long      each name and each SHA-256\n"
    "  --json          the same, as one JSON list\n"
    "\n"
    "  --forget        forget it: the next time it is new again\n"
    "  --expect        expect it: what is new about it is recorded as expected, and no notification\n"
    "  --unexpect      no longer\n"
    "  --all           with these three: everything\n"
    "\n"
    "With --name or --sha256 these three mean only such names and SHA-256s of the executables. What is to be\n"
    "expected need not be known, if it is given in full. Only root can change something.\n"
    "\n"
    "Exit status: 0 something was found, 1 an error, 2 usage, 4 nothing was found.\n";

enum { NOTHING = 4 };

struct request {
	struct memory_order order;
	enum record_format format;
	struct arena arena;
};

/* Takes the value of option i, "--name VALUE" or "--name=VALUE", into a list. 1: it was that; -1: it lacks the value.
 */
static int take(struct request *r, int argc, char **argv, int *i, const char *option, const char **list, size_t *n)
{
	size_t len = strlen(option);
	const char *value = NULL;

	if (strcmp(argv[*i], option) == 0)
		value = *i + 1 < argc ? argv[++*i] : NULL;
	else if (strncmp(argv[*i], option, len) == 0 && argv[*i][len] == '=')
		value = argv[*i] + len + 1;
	else
		return 0;
	if (!value || *n == MEMORY_PATTERNS_MAX)
		return -1;
	list[(*n)++] = memory_pattern(&r->arena, value);
	return 1;
}

static int parse_action(struct request *r, const char *word)
{
	static const struct {
		const char *word;
		enum memory_action action;
	} actions[] = {{"--forget", MEMORY_FORGET}, {"--expect", MEMORY_EXPECT}, {"--unexpect", MEMORY_UNEXPECT}};

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(word, actions[i].word) == 0) {
			if (r->order.action)
				return -1;
			r->order.action = actions[i].action;
			return 1;
		}
	return 0;
}

/* 0, or the index of the argument that is wrong. */
static int parse(struct request *r, int argc, char **argv)
{
	struct memory_order *o = &r->order;
	bool only_names = false;

	for (int i = 1; i < argc; i++) {
		int at = i, done = 0;

		if (*argv[i] != '-' || only_names) {
			if (o->n_exes == MEMORY_PATTERNS_MAX)
				return at;
			o->exes[o->n_exes++] = memory_pattern(&r->arena, argv[i]);
			continue;
		}
		if (!(done = take(r, argc, argv, &i, "--name", o->names, &o->n_names)) &&
		    !(done = take(r, argc, argv, &i, "--sha256", o->hashes, &o->n_hashes)))
			done = parse_action(r, argv[i]);
		if (done < 0)
			return at;
		if (done)
			continue;
		if (strcmp(argv[i], "--") == 0)
			only_names = true;
		else if (strcmp(argv[i], "--json") == 0)
			r->format = RECORD_JSON;
		else if (strcmp(argv[i], "--long") == 0 || strcmp(argv[i], "-l") == 0)
			r->format = RECORD_LONG;
		else if (strcmp(argv[i], "--expected") == 0)
			o->expected = 1;
		else if (strcmp(argv[i], "--unexpected") == 0)
			o->expected = -1;
		else if (strcmp(argv[i], "--all") == 0)
			o->all = true;
		else
			return at;
	}
	return 0;
}

/* ---- showing ---- */

static int show(const struct request *r, const struct memory *memory)
{
	const char *no_color = getenv("NO_COLOR");
	bool bold = isatty(STDOUT_FILENO) && !(no_color && *no_color);
	size_t n = record_print(memory, &r->order, r->format, bold, stdout);

	if (!n && r->format != RECORD_JSON)
		puts("nothing is known that fits");
	return n ? 0 : NOTHING;
}

/* ---- with the daemon ---- */

/* An answer that says what went wrong; else NULL, and the answer parsed if it is small enough to be no memory. */
static int report(const char *answer)
{
	json_t *root = json_loads(answer, 0, NULL);
	const char *error = json_string_value(json_object_get(root, "error"));
	const json_t *changed = json_object_get(root, "changed");
	long long n = json_integer_value(changed);
	int status = 0;

	if (error)
		log_error("record: %s", error);
	else if (!json_is_integer(changed))
		log_error("the daemon's answer cannot be understood: is it of another version?");
	if (error || !json_is_integer(changed))
		status = 1;
	else if (!n)
		status = NOTHING;
	if (status != 1)
		printf(n == 1 ? "%lld entry was changed\n" : "%lld entries were changed\n", n);
	json_decref(root);
	return status;
}

static int with_daemon(const struct request *r, const struct settings *s, pid_t pid)
{
	struct memory *memory = NULL;
	char why[MEMORY_WHY];
	char *line, *ask, *answer;
	int status = 1;

	line = r->order.action == MEMORY_SHOW ? NULL : memory_order_write(&r->order);
	ask = mem_printf("record%s%s", line ? " " : "", line ? line : "");
	answer = strlen(ask) < CONTROL_REQUEST_MAX ? control_ask(s->paths.run, ask) : (errno = E2BIG, NULL);
	if (!answer || !*answer)
		log_error("the daemon (pid %d) does not answer on %s/control.sock: %s", pid, s->paths.run,
		          !answer && errno == EACCES ? "only root and its group may ask"
		          : answer                   ? "it is of another version"
		                                     : strerror(errno));
	else if (line || strncmp(answer, "{\"error\"", 8) == 0)
		status = report(answer);
	else if (memory_read(&memory, answer, strlen(answer), why))
		log_error("the daemon's answer cannot be understood (%s): is it of another version?", why);
	else
		status = show(r, memory);
	memory_close(memory);
	free(answer);
	free(ask);
	free(line);
	return status;
}

/* ---- without ---- */

struct record_owner cli_record_owner(const struct settings *s)
{
	struct record_owner owner = {geteuid(), getegid(), s->data.mode};
	struct passwd *user = getpwnam(s->data.owner);
	struct group *group = getgrnam(s->data.group);

	if (!geteuid() && user)
		owner.uid = user->pw_uid;
	if (!geteuid() && group)
		owner.gid = group->gr_gid;
	return owner;
}

static int change(const struct request *r, const struct settings *s, struct memory *memory)
{
	struct record_owner owner = cli_record_owner(s);
	char why[RECORD_WHY];
	const char *wrong;
	long n = memory_obey(memory, &r->order, &wrong);

	if (n < 0) {
		log_error("record: %s", wrong);
		return n == -EINVAL ? 2 : 1;
	}
	if (n && record_save(s->paths.state, &owner, memory, why)) {
		log_error("%s", why);
		return 1;
	}
	printf(n == 1 ? "%ld entry was changed\n" : "%ld entries were changed\n", n);
	return n ? 0 : NOTHING;
}

static int without_daemon(const struct request *r, const struct settings *s)
{
	char why[RECORD_WHY], *aside = NULL;
	struct memory *memory = NULL;
	int lock = -1, status = 1;

	if (r->order.action) {
		lock = record_lock(s->paths.state, LOCK_MS);
		if (lock < 0) {
			log_error("%s/" RECORD_FILE ": %s", s->paths.state,
			          lock == -EWOULDBLOCK ? "another process is changing it" : strerror(-lock));
			return 1;
		}
	}
	if (record_load(s->paths.state, false, &memory, &aside, why))
		log_error("%s", why);
	else
		status = r->order.action ? change(r, s, memory) : show(r, memory);
	memory_close(memory);
	free(aside);
	if (lock >= 0)
		close(lock);
	return status;
}

static int run(const struct request *r)
{
	struct settings *settings = cli_load_paths();
	int status = 1;
	pid_t pid;

	if (!settings)
		return 1;
	pid = pidfile_find(settings->paths.run);
	status = pid > 0 ? with_daemon(r, settings, pid) : without_daemon(r, settings);
	settings_free(settings);
	return status;
}

int record_main(int argc, char **argv)
{
	struct request *r;
	int wrong, status;

	if (cli_help(argc, argv, help))
		return 0;
	r = mem_alloc(sizeof(*r));
	arena_init(&r->arena);
	wrong = parse(r, argc, argv);
	if (wrong)
		status = cli_usage(argv[0], argv[wrong]);
	else if (r->order.all && !r->order.action)
		status = cli_usage(argv[0], "--all");
	else
		status = run(r);
	arena_done(&r->arena);
	free(r);
	return status;
}
