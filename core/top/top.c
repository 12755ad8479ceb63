/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch top: the live feed, by program. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/cli/cli.h"
#include "core/cli/front.h"
#include "core/daemon/pidfile.h"
#include "core/screen/cells.h"
#include "core/top/print.h"
#include "core/top/top.h"

enum { NOT_RUNNING = 3, WIDTH = 160, WIDTH_MOST = 10000 };

static const char help[] =
    "usage: picosnitch top [-b | --json] [-d SECONDS] [-n ROUNDS] [-u UNIT] [-w COLUMNS]\n"
    "\n"
    "Shows what each program sends and receives now, as the daemon's live feed says it: bytes a second\n"
    "(the mean of three seconds), totals since the start, connections, who listens, and what is new.\n"
    "\n"
    "  -b, --batch          rounds as plain text instead of a screen\n"
    "      --json           rounds as JSON, one object a line\n"
    "  -d, --delay SECONDS  between two rounds (1)\n"
    "  -n, --rounds NUMBER  end after that many\n"
    "  -u, --units UNIT     auto, B, kB, MB or GB\n"
    "  -w, --width COLUMNS  of -b (the terminal's, else 160)\n"
    "\n"
    "On the screen, ? lists the keys.\n"
    "\n"
    "Exit status: 0 it was quit, 1 there is no feed or no terminal, 2 usage, 3 the daemon does not run.\n";

enum form { SCREEN, TEXT, JSON };

struct arguments {
	struct top_options options;
	enum form form;
	unsigned width;
};

/* ---- words ---- */

static bool read_number(const char *text, double least, double most, double *n)
{
	char *end;

	*n = strtod(text, &end);
	return *text && !*end && isfinite(*n) && *n >= least && *n <= most;
}

/* False: usage. */
static bool read_arguments(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
	    {"batch", no_argument, NULL, 'b'},
	    {"json", no_argument, NULL, 'j'},
	    {"delay", required_argument, NULL, 'd'},
	    {"rounds", required_argument, NULL, 'n'},
	    {"units", required_argument, NULL, 'u'},
	    {"width", required_argument, NULL, 'w'},
	    {NULL, 0, NULL, 0},
	};
	double n;
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "bd:n:u:w:", options, NULL)) != -1) {
		bool good = true;

		if (c == 'b')
			a->form = a->form == JSON ? JSON : TEXT;
		else if (c == 'j')
			a->form = JSON;
		else if (c == 'd' && (good = read_number(optarg, 0.1, 3600, &n)))
			a->options.delay_ns = (int64_t)(n * NS_PER_S);
		else if (c == 'n' && (good = read_number(optarg, 1, 1e15, &n)))
			a->options.rounds = (uint64_t)n;
		else if (c == 'u')
			good = cells_units_find(optarg, &a->options.units);
		else if (c == 'w' && (good = read_number(optarg, 20, WIDTH_MOST, &n)))
			a->width = (unsigned)n;
		else if (c == '?')
			good = false;
		if (!good) {
			cli_usage("top", argv[optind > 1 ? optind - 1 : 1]);
			return false;
		}
	}
	if (optind < argc)
		cli_usage("top", argv[optind]);
	return optind >= argc;
}

/* ---- the daemon ---- */

static char *run_folder(void)
{
	struct mistakes mistakes = {0};
	struct settings *settings;
	char *folder;

	/* The configuration may be closed to those who may read the feed. */
	if (!cli.config_given && access(cli.config, R_OK) && errno == EACCES)
		settings = settings_load(NULL, NULL, &mistakes);
	else
		settings = cli_load_paths();
	mistakes_done(&mistakes);
	if (!settings)
		return NULL;
	folder = mem_strdup(settings->paths.run);
	settings_free(settings);
	return folder;
}

static int say_forbidden(const char *path)
{
	const struct group *group;
	struct stat st;

	if (stat(path, &st))
		log_error("%s: %s", path, strerror(errno));
	else if (!st.st_gid)
		log_error("only root may read %s: try `sudo picosnitch top`, or set [data] group in %s", path, cli.config);
	else if ((group = getgrgid(st.st_gid)))
		log_error("only root and the group %s may read %s: join it, or try `sudo picosnitch top`", group->gr_name,
		          path);
	else
		log_error("only root and the group %u may read %s", (unsigned)st.st_gid, path);
	return 1;
}

/* Why there is no feed, and the exit status. */
static int say_away(const char *folder, const char *path, enum form form, int err)
{
	pid_t pid;

	if (err == -EACCES || err == -EPERM)
		return say_forbidden(path);
	if (err != -ENOENT && err != -ECONNREFUSED) {
		log_error("%s: %s", path, strerror(-err));
		return 1;
	}
	pid = pidfile_find(folder);
	if (pid > 0) {
		log_error("picosnitch (pid %d) runs, but there is no live feed at %s: does it only just start?", pid, path);
		return 1;
	}
	if (form == JSON)
		puts("{\"state\": \"stopped\"}");
	else
		log_error(
		    "picosnitch does not run; `picosnitch start` starts it (with its unit: `systemctl start picosnitch`)");
	return NOT_RUNNING;
}

bool top_is_alien(const struct feed_reader *reader)
{
	int64_t format = top_model_alien(reader->model);

	if (format)
		log_error("the feed of %s has the format %lld, and this program knows 1: they are of different versions",
		          reader->path, (long long)format);
	return format != 0;
}

/* ---- rounds ---- */

static unsigned terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : WIDTH;
}

static int print_round(const struct arguments *a, const struct feed_reader *reader)
{
	struct top_look look = {.sort = TOP_RATE,
	                        .units = a->options.units,
	                        .width = a->width ? a->width : terminal_width(),
	                        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
	struct top_rows *rows = top_model_rows(reader->model);
	int err;

	top_sort(rows, &look);
	err = a->form == JSON ? top_print_json(rows, stdout) : top_print_text(rows, &look, stdout);
	top_rows_free(rows);
	return err;
}

/* Until then, or until standard output is closed (-EPIPE). */
static int wait_until(struct feed_reader *reader, int64_t deadline)
{
	for (int64_t now; (now = clock_monotonic_ns()) < deadline;) {
		struct pollfd fds[] = {{.fd = reader->fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
		int timeout = (int)((deadline - now) / NS_PER_MS) + 1, again = feed_reader_timeout(reader);

		if (again >= 0 && again < timeout)
			timeout = again;
		if (poll(fds, 2, timeout) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents & POLLERR)
			return -EPIPE;
		feed_reader_go(reader);
		if (top_is_alien(reader))
			return -EPROTO;
	}
	return 0;
}

static int print_rounds(const struct arguments *a, struct feed_reader *reader)
{
	int64_t next = clock_monotonic_ns();
	int err = 0;

	for (uint64_t round = 0; !err && (!a->options.rounds || round < a->options.rounds); round++) {
		next += a->options.delay_ns;
		err = wait_until(reader, next);
		if (!err)
			err = print_round(a, reader);
		/* Rounds that writing has held up are not made up for. */
		if (next < clock_monotonic_ns())
			next = clock_monotonic_ns();
	}
	if (err && err != -EPIPE && err != -EPROTO)
		log_error("writing: %s", strerror(-err));
	return err != 0;
}

static int show(const struct arguments *a, struct feed_reader *reader)
{
	if (a->form != SCREEN)
		return print_rounds(a, reader);
#ifdef PS_SCREEN
	return top_screen(reader, &a->options);
#else
	log_error("this picosnitch was built without ncurses: there is no screen, but -b and --json");
	return 1;
#endif
}

int front_main(int argc, char **argv)
{
	struct arguments a = {.options = {.delay_ns = NS_PER_S}};
	struct top_limits limits = TOP_LIMITS;
	struct feed_reader reader;
	char *folder;
	int status;

	if (cli_help(argc, argv, help))
		return 0;
	if (!read_arguments(&a, argc, argv))
		return 2;
	setlocale(LC_CTYPE, "");
	folder = run_folder();
	if (!folder)
		return 1;
	if (limits.window_ns < a.options.delay_ns)
		limits.window_ns = a.options.delay_ns;
	feed_reader_init(&reader, folder, top_model_new(&limits));
	status = feed_reader_connect(&reader);
	status = status ? say_away(folder, reader.path, a.form, status) : show(&a, &reader);
	top_model_free(reader.model);
	feed_reader_done(&reader);
	free(folder);
	return status;
}
