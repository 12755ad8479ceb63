/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/top/screen.h"

#include <poll.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/top/top.h"

static int64_t wait_ms(const struct screen *s, int64_t next)
{
	int64_t ms = (next - clock_monotonic_ns()) / NS_PER_MS + 1, again = feed_reader_timeout(s->reader);

	if (again >= 0 && again < ms)
		ms = again;
	return ms < 0 ? 0 : ms;
}

static void loop(struct screen *s, const struct top_options *options)
{
	int64_t next = clock_monotonic_ns();
	uint64_t rounds = 0;

	while (!s->quit && !terminal_ended() && !top_model_alien(s->reader->model)) {
		struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = s->reader->fd, .events = POLLIN}};

		if (clock_monotonic_ns() >= next) {
			if (options->rounds && rounds++ == options->rounds)
				break;
			next = clock_monotonic_ns() + options->delay_ns;
			if (!s->paused)
				screen_renew(s);
		}
		screen_paint(s);
		do {
			terminal_wait(fds, 2, wait_ms(s, next));
			feed_reader_go(s->reader);
			fds[1].fd = s->reader->fd;
		} while (!fds[0].revents && fds[1].revents && clock_monotonic_ns() < next && !terminal_ended());
		if (!terminal_read(&s->terminal, fds[0].revents, screen_key, s))
			s->quit = true;
	}
}

int top_screen(struct feed_reader *reader, const struct top_options *options)
{
	struct screen s = {.reader = reader,
	                   .look = {.sort = TOP_RATE, .units = options->units},
	                   .help = {.lines = screen_help, .n = screen_help_lines}};

	if (terminal_open(&s.terminal, "-b prints rounds of text, --json rounds of JSON") < 0)
		return 1;
	s.look.utf8 = s.terminal.utf8;
	screen_renew(&s);
	loop(&s, options);
	top_rows_free(s.rows);
	terminal_close(&s.terminal);
	return top_is_alien(reader);
}
