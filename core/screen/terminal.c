/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/screen/terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <ncurses.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/screen/press.h"

enum { KEYS_GONE = 3 };
#define N(list) (sizeof(list) / sizeof(*(list)))

static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static volatile sig_atomic_t ended_by;

static struct {
	SCREEN *screen;
	sigset_t waiting; /* what is blocked while it waits */
	struct sigaction before[N(faults)];
	struct termios modes;
	char leave[256]; /* what puts the screen and the cursor back */
	size_t n_leave;
	int error, held; /* standard error, and what takes its place; -1 */
} own = {.error = -1, .held = -1};

/* ---- signals ---- */

static void on_ending(int number)
{
	ended_by = number;
}

/* Only what a handler may call. The fault happens again, as it would without this. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	ssize_t n = write(STDOUT_FILENO, own.leave, own.n_leave);

	(void)n, (void)context;
	tcsetattr(STDIN_FILENO, TCSANOW, &own.modes);
	if (own.error >= 0)
		dup2(own.error, STDERR_FILENO);
	for (size_t i = 0; i < N(faults); i++)
		sigaction(faults[i], &own.before[i], NULL);
	/* Unless it was sent. */
	if (info->si_code <= 0)
		raise(number);
}

static void signals_take(void)
{
	struct sigaction action = {.sa_handler = on_ending}, old;
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < N(endings); i++) {
		sigaddset(&blocked, endings[i]);
		/* nohup, say */
		if (sigaction(endings[i], NULL, &old) || old.sa_handler != SIG_IGN)
			sigaction(endings[i], &action, NULL);
	}
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGTSTP);
	pthread_sigmask(SIG_BLOCK, &blocked, &own.waiting);
}

static void faults_take(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	for (size_t i = 0; i < N(faults); i++)
		sigaction(faults[i], &action, &own.before[i]);
}

/* The terminal is as it was: dies of the signal that has ended it, if one has. */
static void signals_give(void)
{
	for (size_t i = 0; i < N(faults); i++)
		sigaction(faults[i], &own.before[i], NULL);
	for (size_t i = 0; i < N(endings); i++)
		signal(endings[i], SIG_DFL);
	if (ended_by)
		raise(ended_by);
	pthread_sigmask(SIG_SETMASK, &own.waiting, NULL);
}

void terminal_thread(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < N(faults); i++)
		sigaddset(&set, faults[i]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

bool terminal_ended(void)
{
	return ended_by != 0;
}

/* ---- standard error ---- */

static void error_hold(void)
{
	if (!isatty(STDERR_FILENO))
		return;
	own.held = memfd_create("picosnitch-stderr", MFD_CLOEXEC);
	own.error = own.held < 0 ? -1 : dup(STDERR_FILENO);
	if (own.error >= 0)
		dup2(own.held, STDERR_FILENO);
}

static void error_give(void)
{
	char piece[4096];
	ssize_t n;

	if (own.error >= 0) {
		dup2(own.error, STDERR_FILENO);
		close(own.error);
		lseek(own.held, 0, SEEK_SET);
		while ((n = read(own.held, piece, sizeof(piece))) > 0 && write(STDERR_FILENO, piece, (size_t)n) == n)
			;
	}
	if (own.held >= 0)
		close(own.held);
	own.error = own.held = -1;
}

/* ---- the terminal ---- */

/* Terminals that send these though their description has others. */
static void keys_define(void)
{
	static const struct {
		const char *bytes;
		int key;
	} keys[] = {{"\033[A", KEY_UP},    {"\033OA", KEY_UP},    {"\033[B", KEY_DOWN}, {"\033OB", KEY_DOWN},
	            {"\033[C", KEY_RIGHT}, {"\033OC", KEY_RIGHT}, {"\033[D", KEY_LEFT}, {"\033OD", KEY_LEFT},
	            {"\033[H", KEY_HOME},  {"\033[1~", KEY_HOME}, {"\033[F", KEY_END},  {"\033[4~", KEY_END},
	            {"\033[Z", KEY_BTAB}};

	for (size_t i = 0; i < N(keys); i++)
		define_key(keys[i].bytes, keys[i].key);
}

/* A capability of the terminal, without its pauses. */
static void put_leave(const char *name)
{
	const char *text = tigetstr(name);

	if (!text || text == (const char *)-1)
		return;
	while (*text && own.n_leave < sizeof(own.leave)) {
		if (text[0] == '$' && text[1] == '<' && strchr(text, '>'))
			text = strchr(text, '>') + 1;
		else
			own.leave[own.n_leave++] = *text++;
	}
}

int terminal_open(struct terminal *t, const char *instead)
{
	const char *no_color = getenv("NO_COLOR"), *cup = NULL;

	*t = (struct terminal){.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		log_error("this is no terminal: %s", instead);
		return -1;
	}
	signals_take();
	tcgetattr(STDIN_FILENO, &own.modes);
	/* The size is the terminal's, not what LINES and COLUMNS say. */
	use_tioctl(TRUE);
	own.screen = newterm(NULL, stdout, stdin);
	if (own.screen)
		cup = tigetstr("cup");
	if (!cup || cup == (char *)-1) {
		if (own.screen) {
			endwin();
			delscreen(own.screen);
		}
		pthread_sigmask(SIG_SETMASK, &own.waiting, NULL);
		log_error("the cursor of this terminal (TERM=%s) cannot be moved: %s", getenv("TERM") ? getenv("TERM") : "",
		          instead);
		return -1;
	}
	own.n_leave = 0;
	put_leave("sgr0");
	put_leave("cnorm");
	put_leave("rmkx");
	put_leave("rmcup");
	error_hold();
	faults_take();
	cbreak();
	noecho();
	nonl();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	keys_define();
	set_escdelay(50);
	curs_set(0);
	t->colour = !(no_color && *no_color) && has_colors() && start_color() == OK;
	if (t->colour) {
		short ground = use_default_colors() == OK ? -1 : COLOR_BLACK;

		init_pair(TERMINAL_RED, COLOR_RED, ground);
		init_pair(TERMINAL_YELLOW, COLOR_YELLOW, ground);
		init_pair(TERMINAL_GREEN, COLOR_GREEN, ground);
	}
	return 0;
}

void terminal_close(struct terminal *t)
{
	(void)t;
	endwin();
	delscreen(own.screen);
	error_give();
	signals_give();
}

/* ---- keys ---- */

static uint32_t function_key(wint_t key)
{
	static const struct {
		wint_t key;
		uint32_t press;
	} keys[] = {{KEY_UP, PRESS_UP},         {KEY_DOWN, PRESS_DOWN},
	            {KEY_LEFT, PRESS_LEFT},     {KEY_RIGHT, PRESS_RIGHT},
	            {KEY_PPAGE, PRESS_PAGE_UP}, {KEY_NPAGE, PRESS_PAGE_DOWN},
	            {KEY_HOME, PRESS_HOME},     {KEY_END, PRESS_END},
	            {KEY_ENTER, PRESS_ENTER},   {KEY_BACKSPACE, PRESS_BACKSPACE},
	            {KEY_BTAB, PRESS_BACKTAB}};

	for (size_t i = 0; i < N(keys); i++)
		if (keys[i].key == key)
			return keys[i].press;
	return PRESS_OTHER;
}

static uint32_t character(wint_t key)
{
	switch (key) {
	case '\r':
	case '\n':
		return PRESS_ENTER;
	case 127:
	case 8:
		return PRESS_BACKSPACE;
	case '\t':
		return PRESS_TAB;
	case 27:
		return PRESS_ESCAPE;
	default:
		return key < PRESS_UP ? (uint32_t)key : PRESS_OTHER;
	}
}

void terminal_wait(struct pollfd *fds, unsigned n, int64_t ms)
{
	struct timespec timeout = {ms / 1000, ms % 1000 * NS_PER_MS};

	for (unsigned i = 0; i < n; i++)
		fds[i].revents = 0;
	ppoll(fds, n, ms < 0 ? NULL : &timeout, &own.waiting);
}

bool terminal_read(struct terminal *t, short events, bool (*key)(void *arg, uint32_t press), void *arg)
{
	bool any = false, on = true;
	wint_t got;
	int kind;

	while (on && (kind = get_wch(&got)) != ERR) {
		any = true;
		if (kind != KEY_CODE_YES)
			on = key(arg, character(got));
		else if (got != KEY_RESIZE)
			on = key(arg, function_key(got));
	}
	/* Nothing comes of a terminal that has input: it is gone. */
	t->empty = any || !(events & POLLIN) ? 0 : t->empty + 1;
	return !(events & (POLLHUP | POLLERR | POLLNVAL)) && t->empty < KEYS_GONE;
}
