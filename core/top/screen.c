/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The screen's terminal. Signals come only while it waits: those that end it put the terminal back first;
 * ncurses itself sees to Ctrl-Z and to the size.
 */
#include "core/top/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/top/top.h"

enum { KEYS_GONE = 3 };

static volatile sig_atomic_t ended_by;

/* ---- terminal ---- */

static void on_signal(int number)
{
	ended_by = number;
}

static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* before: what is blocked while it waits. */
static void signals_take(sigset_t *before)
{
	struct sigaction action = {.sa_handler = on_signal}, old;
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		sigaddset(&blocked, endings[i]);
		/* nohup, say */
		if (sigaction(endings[i], NULL, &old) || old.sa_handler != SIG_IGN)
			sigaction(endings[i], &action, NULL);
	}
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGTSTP);
	sigprocmask(SIG_BLOCK, &blocked, before);
}

/* The terminal is as it was: dies of the signal that has ended it, if one has. */
static void signals_give(const sigset_t *before)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		signal(endings[i], SIG_DFL);
	if (ended_by)
		raise(ended_by);
	sigprocmask(SIG_SETMASK, before, NULL);
}

/* Terminals that send these though their description has others. */
static void keys_define(void)
{
	static const struct {
		const char *bytes;
		int key;
	} keys[] = {{"\033[A", KEY_UP},   {"\033OA", KEY_UP},    {"\033[B", KEY_DOWN}, {"\033OB", KEY_DOWN},
	            {"\033[H", KEY_HOME}, {"\033[1~", KEY_HOME}, {"\033[F", KEY_END},  {"\033[4~", KEY_END}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		define_key(keys[i].bytes, keys[i].key);
}

static SCREEN *terminal_open(struct screen *s)
{
	const char *no_color = getenv("NO_COLOR"), *cup = NULL;
	SCREEN *terminal = NULL;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		log_error("this is no terminal: -b prints rounds of text, --json rounds of JSON");
		return NULL;
	}
	/* The size is the terminal's, not what LINES and COLUMNS say. */
	use_tioctl(TRUE);
	terminal = newterm(NULL, stdout, stdin);
	if (terminal)
		cup = tigetstr("cup");
	if (!cup || cup == (char *)-1) {
		if (terminal) {
			endwin();
			delscreen(terminal);
		}
		log_error("the cursor of this terminal (TERM=%s) cannot be moved: -b prints rounds of text",
		          getenv("TERM") ? getenv("TERM") : "");
		return NULL;
	}
	cbreak();
	noecho();
	nonl();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	keys_define();
	set_escdelay(50);
	curs_set(0);
	s->colour = !(no_color && *no_color) && has_colors() && start_color() == OK;
	if (s->colour) {
		short ground = use_default_colors() == OK ? -1 : COLOR_BLACK;

		init_pair(SCREEN_RED, COLOR_RED, ground);
		init_pair(SCREEN_YELLOW, COLOR_YELLOW, ground);
	}
	return terminal;
}

/* ---- the loop ---- */

/* How often nothing came of a terminal that had input: it is gone. */
static void read_keys(struct screen *s, short events, unsigned *empty)
{
	bool any = false;
	wint_t key;
	int kind;

	while (!s->quit && (kind = get_wch(&key)) != ERR) {
		screen_key(s, kind == KEY_CODE_YES, key);
		any = true;
	}
	*empty = any || !(events & POLLIN) ? 0 : *empty + 1;
	if (events & (POLLHUP | POLLERR | POLLNVAL) || *empty >= KEYS_GONE)
		s->quit = true;
}

static int64_t wait_ms(const struct screen *s, int64_t next)
{
	int64_t ms = (next - clock_monotonic_ns()) / NS_PER_MS + 1, again = feed_reader_timeout(s->reader);

	if (again >= 0 && again < ms)
		ms = again;
	return ms < 0 ? 0 : ms;
}

static void loop(struct screen *s, const struct top_options *options, const sigset_t *waiting)
{
	int64_t next = clock_monotonic_ns();
	uint64_t rounds = 0;
	unsigned empty = 0;

	while (!s->quit && !ended_by && !top_model_alien(s->reader->model)) {
		struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = s->reader->fd, .events = POLLIN}};
		struct timespec timeout;
		int64_t ms;

		if (clock_monotonic_ns() >= next) {
			if (options->rounds && rounds++ == options->rounds)
				break;
			next = clock_monotonic_ns() + options->delay_ns;
			if (!s->paused)
				screen_renew(s);
		}
		screen_paint(s);
		do {
			ms = wait_ms(s, next);
			timeout = (struct timespec){ms / 1000, ms % 1000 * NS_PER_MS};
			fds[0].revents = fds[1].revents = 0;
			ppoll(fds, 2, &timeout, waiting);
			feed_reader_go(s->reader);
			fds[1].fd = s->reader->fd;
		} while (!fds[0].revents && fds[1].revents && clock_monotonic_ns() < next && !ended_by);
		read_keys(s, fds[0].revents, &empty);
	}
}

int top_screen(struct feed_reader *reader, const struct top_options *options)
{
	struct screen s = {
	    .reader = reader,
	    .look = {.sort = TOP_RATE, .units = options->units, .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0}};
	sigset_t before;
	SCREEN *terminal;

	signals_take(&before);
	terminal = terminal_open(&s);
	if (!terminal) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return 1;
	}
	screen_renew(&s);
	loop(&s, options, &before);
	endwin();
	delscreen(terminal);
	top_rows_free(s.rows);
	signals_give(&before);
	return top_is_alien(reader);
}
