/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/tamper.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/daemon/channels.h"

enum { LOOK_MS = 3000 };

struct own_file {
	const char *what; /* for a person */
	char *path;
	bool known; /* state is set */
	struct own_state state;
	const char *change; /* found by the worker */
};

struct own_files {
	struct own_file *file;
	size_t n;
};

struct tamper {
	struct probe *probe;
	struct losses *losses;
	const char *program, *config;
	uv_timer_t timer;
	uv_work_t work;
	bool looking;
	struct own_files files;
	struct own_files next;   /* of a reload, until the worker is done with the others */
	enum probe_holds *hooks; /* what the worker found of each */
	unsigned n_hooks;
	struct channels *channels;
	int64_t offset_ns;
	uint64_t displaced;
	void (*closed)(void *arg); /* set: it is to end */
	void *arg;
};

/* ---- files ---- */

static void files_add(struct own_files *files, const char *what, char *path)
{
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(files->file[i].path, path) == 0) {
			free(path);
			return;
		}
	files->file = mem_resize(files->file, (files->n + 1) * sizeof(*files->file));
	files->file[files->n++] = (struct own_file){.what = what, .path = path};
}

static void files_free(struct own_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->file[i].path);
	free(files->file);
	*files = (struct own_files){0};
}

static struct own_files files_of(const struct settings *s, const char *program, const char *config)
{
	struct own_files files = {0};

	files_add(&files, "program", mem_strdup(program));
	files_add(&files, "configuration", mem_strdup(config));
	for (size_t i = 0; i < s->n_sinks; i++)
		if (s->sinks[i].enabled)
			files_add(&files, "plugin", mem_printf("%s/%s.so", s->paths.plugins, s->sinks[i].plugin));
	return files;
}

static void look_at_files(struct own_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		struct own_file *f = &files->file[i];
		struct own_state now;

		own_state_of(&now, f->path);
		f->change = f->known ? own_state_change(&f->state, &now) : NULL;
		f->state = now;
		f->known = true;
	}
}

static void tell_files(struct tamper *t)
{
	for (size_t i = 0; i < t->files.n; i++) {
		const struct own_file *f = &t->files.file[i];

		if (f->change)
			losses_add(t->losses, PS_STAGE_TAMPER, 1, 0, 0, "%s %s: %s while picosnitch runs", f->what, f->path,
			           f->change);
	}
}

/* ---- clock ---- */

int64_t tamper_step(int64_t before_ns, int64_t now_ns)
{
	int64_t step = now_ns - before_ns;

	return step > NS_PER_S || step < -NS_PER_S ? step : 0;
}

static void tell_clock(struct tamper *t)
{
	int64_t now = clock_offset_ns(), step = tamper_step(t->offset_ns, now);

	t->offset_ns = now;
	if (step)
		losses_add(t->losses, PS_STAGE_TAMPER, 1, 0, 0,
		           "the clock was set %s by %.3f s: times before and after it do not fit together",
		           step > 0 ? "forward" : "back", (double)(step > 0 ? step : -step) / (double)NS_PER_S);
}

/* ---- programs and maps in the kernel ---- */

static void tell_kernel(struct tamper *t)
{
	const struct probe_hook *hook = probe_hooks(t->probe, &t->n_hooks);
	uint64_t displaced = probe_displaced(t->probe);

	for (unsigned i = 0; i < t->n_hooks; i++) {
		if (!t->hooks[i])
			continue;
		probe_hook_lost(t->probe, i, t->hooks[i]);
		losses_add(t->losses, PS_STAGE_TAMPER, 1, 0, 0, "%s: %s; not seen until picosnitch is started again: %s",
		           hook[i].name,
		           t->hooks[i] == PROBE_REPLACED ? "another program was put in the place of ours" : "it was detached",
		           hook[i].without ? hook[i].without : "what goes this way");
	}
	if (displaced != t->displaced)
		losses_add(t->losses, PS_STAGE_TAMPER, displaced - t->displaced, 0, 0,
		           "the map that the kernel counts in was replaced by another: what was counted there is lost");
	t->displaced = displaced;
}

/* ---- the look ---- */

static void look(uv_work_t *work)
{
	struct tamper *t = work->data;

	look_at_files(&t->files);
	for (unsigned i = 0; i < t->n_hooks; i++)
		t->hooks[i] = probe_hook_state(t->probe, i);
	channels_look(t->channels);
}

/* What was watched before keeps its state: a swap right before the reload is told all the same. */
static void take_next(struct tamper *t)
{
	for (size_t i = 0; i < t->next.n; i++) {
		struct own_file *f = &t->next.file[i];

		for (size_t k = 0; k < t->files.n && !f->known; k++)
			if (strcmp(t->files.file[k].path, f->path) == 0) {
				f->state = t->files.file[k].state;
				f->known = t->files.file[k].known;
			}
	}
	files_free(&t->files);
	t->files = t->next;
	t->next = (struct own_files){0};
}

static void on_closed(uv_handle_t *handle)
{
	struct tamper *t = handle->data;
	void (*closed)(void *) = t->closed;
	void *arg = t->arg;

	files_free(&t->files);
	files_free(&t->next);
	free(t->hooks);
	channels_close(t->channels);
	free(t);
	closed(arg);
}

static void on_timer(uv_timer_t *timer);

static void looked(uv_work_t *work, int status)
{
	struct tamper *t = work->data;

	(void)status;
	t->looking = false;
	tell_files(t);
	tell_kernel(t);
	tell_clock(t);
	channels_tell(t->channels);
	if (t->next.n)
		take_next(t);
	if (t->closed)
		uv_close((uv_handle_t *)&t->timer, on_closed);
	else
		uv_timer_start(&t->timer, on_timer, LOOK_MS, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct tamper *t = timer->data;

	t->looking = true;
	uv_queue_work(timer->loop, &t->work, look, looked);
}

/* ---- life ---- */

struct tamper *tamper_open(uv_loop_t *loop, struct probe *probe, struct processes *processes, struct losses *losses,
                           const struct settings *s, const char *program, const char *config)
{
	struct tamper *t = mem_alloc(sizeof(*t));

	t->probe = probe;
	t->losses = losses;
	t->program = program;
	t->config = config;
	t->files = files_of(s, program, config);
	look_at_files(&t->files);
	probe_hooks(probe, &t->n_hooks);
	t->hooks = mem_alloc(t->n_hooks * sizeof(*t->hooks));
	t->channels = channels_open(probe, processes, losses);
	t->offset_ns = clock_offset_ns();
	t->work.data = t;
	uv_timer_init(loop, &t->timer);
	t->timer.data = t;
	uv_timer_start(&t->timer, on_timer, LOOK_MS, 0);
	return t;
}

void tamper_reload(struct tamper *t, const struct settings *s, const struct own_state *read)
{
	files_free(&t->next);
	t->next = files_of(s, t->program, t->config);
	for (size_t i = 0; i < t->next.n; i++)
		if (strcmp(t->next.file[i].path, t->config) == 0) {
			t->next.file[i].state = *read;
			t->next.file[i].known = true;
		}
	if (!t->looking)
		take_next(t);
}

void tamper_close(struct tamper *t, void (*closed)(void *), void *arg)
{
	t->closed = closed;
	t->arg = arg;
	if (!t->looking)
		uv_close((uv_handle_t *)&t->timer, on_closed);
}
