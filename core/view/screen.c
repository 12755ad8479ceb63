/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/view/screen.h"

#include <poll.h>
#include <unistd.h>

#include "core/base/clock.h"

enum { TICK_MS = 100, IDLE_MS = 1000 };

static int64_t seconds(void)
{
	return clock_wall_ns() / NS_PER_S;
}

static bool on_key(void *arg, uint32_t press)
{
	struct view_screen *s = arg;

	view_model_key(&s->model, press, seconds());
	return !s->model.quit;
}

/* Hands questions over and takes answers. */
static void converse(struct view_screen *s)
{
	struct view_job *job = asker_take(s->asker);

	if (job) {
		view_model_take(&s->model, job);
		s->out = NULL;
	}
	if (s->out && s->out_serial != s->model.serial && !s->given_up) {
		asker_give_up(s->asker);
		s->given_up = true;
	}
	if (!s->model.pending)
		s->asked_ns = 0;
	else if (!s->asked_ns)
		s->asked_ns = clock_monotonic_ns();
	if (s->out || !(s->out = view_model_next(&s->model)))
		return;
	s->out_serial = s->model.serial;
	s->given_up = false;
	asker_ask(s->asker, s->out);
}

static void loop(struct view_screen *s)
{
	while (!s->model.quit && !terminal_ended()) {
		struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = asker_fd(s->asker), .events = POLLIN}};

		converse(s);
		s->look.now = seconds();
		s->look.waited_ms = s->asked_ns ? (clock_monotonic_ns() - s->asked_ns) / NS_PER_MS : 0;
		view_paint(s);
		/* What came into sight wants something beside it. */
		converse(s);
		terminal_wait(fds, 2, s->model.pending ? TICK_MS : IDLE_MS);
		if (!terminal_read(&s->terminal, fds[0].revents, on_key, s))
			s->model.quit = true;
	}
}

int view_screen(struct asker *asker, const struct ask *ask)
{
	struct view_screen s = {.asker = asker,
	                        .look = {.store = asker_called(asker), .attribution = asker_attribution(asker)}};

	if (terminal_open(&s.terminal, "`picosnitch query` answers the same questions as text") < 0)
		return 1;
	s.look.utf8 = s.terminal.utf8;
	view_model_init(&s.model, ask, seconds());
	loop(&s);
	view_model_done(&s.model);
	terminal_close(&s.terminal);
	return 0;
}
