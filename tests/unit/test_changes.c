/* SPDX-License-Identifier: GPL-3.0-or-later */
/* More files of running programs, and of their parents, than are watched: that is told, and not more is kept. */
#include "core/daemon/changes.h"

#include "core/base/clock.h"
#include "tests/tap.h"
#include "tests/unit/scratch.h"
#include "tests/unit/watch_fixture.h"

struct told {
	unsigned n;
	uint64_t count;
	char text[256];
};

static void on_loss(void *arg, const struct ps_record *record, const char *text)
{
	struct told *t = arg;

	t->n++;
	t->count += record->alert.count;
	snprintf(t->text, sizeof(t->text), "%s", text);
}

static void on_closed(void *arg)
{
	++*(int *)arg;
}

/* An exec of a file of its own. */
static void exec_file(struct fixture *f, struct wire_image who, struct wire_image parent)
{
	struct process_event e = {.kind = WIRE_EXEC, .image = who, .parent = parent, .comm = "prog", .filename = "?"};
	struct executed executed;
	char name[32], *path;

	e.args = (struct ps_text){"", 0};
	snprintf(name, sizeof(name), "prog-%u", who.tgid);
	path = scratch_path(name);
	scratch_write(path, name, strlen(name), 0755);
	e.file = file_of(path);
	executables_opened(f->executables, (pid_t)who.tgid, open(path, O_RDONLY | O_CLOEXEC), EXEC_OPENED);
	if (executables_executed(f->executables, (pid_t)who.tgid, &e.file, clock_wall_ns(), NULL, &executed))
		processes_event(f->processes, &e, &executed);
	unlink(path);
	free(path);
}

int main(void)
{
	struct losses *losses = losses_open();
	struct executables_stats stats;
	struct first_seen *first;
	struct changes *changes;
	struct told told = {0};
	struct fixture f;
	int closed = 0;

	fixture_open(&f);
	first = first_seen_open(f.processes, losses);
	first_seen_loaded(first, memory_open());
	changes = changes_open(&f.loop, f.executables, f.processes, first, losses);
	for (unsigned i = 0; i < CHANGES_FILES_MAX + 2; i++) {
		exec_file(&f, image(i, 1), i % 2 ? image(i - 1, 1) : (struct wire_image){0});
		do {
			uv_run(&f.loop, UV_RUN_NOWAIT);
			executables_get_stats(f.executables, &stats);
		} while (stats.waiting > 1000);
		/* The other half are parents of these, and do not talk. */
		for (int turn = 0; i % 2 && turn < 2; turn++)
			changes_see(changes, &(struct wire_image){1000 + i, PID + i, 1}, 0);
		if (i == CHANGES_FILES_MAX - 1) {
			changes_tick(changes);
			losses_take(losses, on_loss, &told);
			is_int(told.n, 0, "as many as there is room for");
		}
	}
	changes_tick(changes);
	losses_take(losses, on_loss, &told);
	is_int(told.n, 1, "more are told");
	is_int(told.count, 1, "once in a drain");
	ok(strstr(told.text, "4096"), "with how many it is: %s", told.text);
	for (unsigned i = 0; i < CHANGES_FILES_MAX; i++)
		exit_event(&f, image(i, 1));
	changes_tick(changes);
	told.n = 0;
	exec_file(&f, image(9999, 1), image(1, 1));
	changes_see(changes, &(struct wire_image){1000 + 9999, PID + 9999, 1}, 0);
	changes_tick(changes);
	losses_take(losses, on_loss, &told);
	is_int(told.n, 0, "those that have ended make room");
	changes_close(changes, on_closed, &closed);
	while (!closed)
		uv_run(&f.loop, UV_RUN_ONCE);
	first_seen_close(first);
	losses_close(losses);
	fixture_close(&f);
	return tap_done();
}
