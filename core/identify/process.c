/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/capture/kernel.h"
#include "core/identify/proc.h"
#include "core/identify/process_inside.h"

/* ---- lineages ---- */

void lineage_hold(const struct lineage *l)
{
	if (l->self)
		program_hold(l->self);
	if (l->parent)
		program_hold(l->parent);
	if (l->grandparent)
		program_hold(l->grandparent);
	if (l->place)
		place_hold(l->place);
}

void lineage_drop(struct processes *ps, const struct lineage *l)
{
	program_drop(ps->roster, l->self);
	program_drop(ps->roster, l->parent);
	program_drop(ps->roster, l->grandparent);
	place_drop(ps->places, l->place);
}

struct lineage lineage_named(struct processes *ps, const struct lineage *l, bool with_cmdline)
{
	return (struct lineage){
	    .self = program_named(ps->roster, l->self, with_cmdline),
	    .parent = program_named(ps->roster, l->parent, with_cmdline),
	    .grandparent = program_named(ps->roster, l->grandparent, with_cmdline),
	    .place = place_hold(l->place),
	};
}

/* ---- images ---- */

struct image *image_find(struct processes *ps, const struct wire_image *id)
{
	return table_get(&ps->images, id, sizeof(*id));
}

static struct image *image_add(struct processes *ps, const struct wire_image *id)
{
	struct image *image = mem_alloc(sizeof(*image));

	image->id = *id;
	table_add(&ps->images, &image->id, sizeof(image->id), image);
	return image;
}

static void image_free(struct processes *ps, struct image *image)
{
	table_remove(&ps->images, &image->id, sizeof(image->id));
	lineage_drop(ps, &image->lineage);
	buf_done(&image->args);
	free(image->start);
	free(image);
}

static void list_add(struct image_list *list, struct image *image)
{
	image->next_ended = NULL;
	if (list->last)
		list->last->next_ended = image;
	else
		list->first = image;
	list->last = image;
	list->n++;
}

static struct image *list_take(struct image_list *list)
{
	struct image *image = list->first;

	list->first = image->next_ended;
	if (!list->first)
		list->last = NULL;
	list->n--;
	return image;
}

static void image_end(struct processes *ps, struct image *image)
{
	if (!image || image->ended)
		return;
	image->ended = true;
	list_add(&ps->ended, image);
}

/* What is to be said of a path that is known. */
static uint8_t path_flags(const struct processes *ps, const struct executed *executed, const struct wire_file *file)
{
	bool ours = file->mnt_ns && (file->mnt_ns == ps->mnt_ns[0] || file->mnt_ns == ps->mnt_ns[1]);

	return executed->path && !ours ? PS_EXE_PATH_ELSEWHERE : 0;
}

/* ---- those that were there ---- */

/* A process that stays, and is in the same mount namespace as who executes that file. */
static pid_t like(const struct processes *ps, const struct wire_file *file)
{
	if (file->mnt_ns && file->mnt_ns == ps->mnt_ns[1])
		return getpid();
	return file->mnt_ns && file->mnt_ns == ps->mnt_ns[0] ? 1 : 0;
}

/* What /proc says of a process that lives: path, command line and hash, if it is that image. */
static struct program *program_from_proc(struct processes *ps, struct image *image, const struct wire_task *task)
{
	pid_t pid = (pid_t)task->image.tgid;
	struct program is = {.script = {"", 0}}, *p;
	struct executed executed;
	struct buf cmdline;

	buf_init(&cmdline);
	executables_of_process(ps->executables, pid, &task->file, &executed);
	proc_read(&cmdline, pid, "cmdline");
	if (!proc_is(pid, task->image.start)) {
		buf_done(&cmdline);
		free(executed.path);
		executable_drop(ps->executables, executed.file);
		executed = (struct executed){.file = executables_without(ps->executables, PS_HASH_GONE)};
	}
	is.path = text_of(executed.path ? executed.path : "");
	is.name = text_of(task->comm);
	is.cmdline = (struct ps_text){cmdline.data ? (char *)cmdline.data : "", (uint32_t)cmdline.len};
	is.file = executed.file;
	is.flags = executed.flags | path_flags(ps, &executed, &task->file);
	/* It has been executed some time after it began; in which folder is not known. */
	image->start = mem_alloc(sizeof(*image->start));
	*image->start = (struct start){
	    .pid = pid,
	    .uid = UINT32_MAX,
	    .gid = UINT32_MAX,
	    .process_ns = task->image.start,
	    .exec_ns = (int64_t)task->image.start + clock_offset_ns(),
	    .like = like(ps, &task->file),
	};
	p = script_find(ps, image, &is);
	buf_done(&cmdline);
	free(executed.path);
	return p;
}

void processes_existing(struct processes *ps, const struct wire_task *task)
{
	struct wire_task t = *task;
	struct image *image;

	t.comm[WIRE_COMM - 1] = 0;
	if (image_find(ps, &t.image))
		return;
	image = image_add(ps, &t.image);
	image->above[0] = t.parent;
	image->lineage.self = program_from_proc(ps, image, &t);
	image->lineage.place = places_of(ps->places, t.cgroup);
}

static struct program *self_of(struct processes *ps, struct image *image)
{
	return image ? image->lineage.self : ps->nobody;
}

void processes_existing_done(struct processes *ps)
{
	struct image *image;

	for (size_t at = 0; (image = table_next(&ps->images, &at));) {
		struct image *parent;

		if (image->lineage.parent)
			continue;
		parent = image_find(ps, &image->above[0]);
		if (parent)
			image->above[1] = parent->above[0];
		image->lineage.parent = self_of(ps, parent);
		image->lineage.grandparent = self_of(ps, image_find(ps, &image->above[1]));
		program_hold(image->lineage.parent);
		program_hold(image->lineage.grandparent);
	}
}

/* Gives an image its parents: those of whoever started it. */
static void set_parents(struct processes *ps, struct image *image, struct lineage *lineage,
                        const struct wire_image *parent)
{
	struct image *p = image_find(ps, parent);

	image->above[0] = *parent;
	image->above[1] = p ? p->above[0] : (struct wire_image){0};
	lineage->parent = self_of(ps, p);
	lineage->grandparent = p ? p->lineage.parent : ps->nobody;
	program_hold(lineage->parent);
	program_hold(lineage->grandparent);
}

static void on_fork(struct processes *ps, const struct process_event *e)
{
	struct image *image;

	if (image_find(ps, &e->image))
		return;
	image = image_add(ps, &e->image);
	image->lineage.self = self_of(ps, image_find(ps, &e->forker));
	program_hold(image->lineage.self);
	image->lineage.place = places_of(ps->places, e->cgroup);
	set_parents(ps, image, &image->lineage, &e->parent);
}

/* How it was started, which is kept for as long as there may be a script. */
static void set_start(struct processes *ps, struct image *image, const struct process_event *e)
{
	if (!image->start)
		image->start = mem_alloc(sizeof(*image->start));
	*image->start = (struct start){
	    .pid = (pid_t)e->image.tgid,
	    .parent = (pid_t)e->parent.tgid,
	    .uid = e->uid,
	    .gid = e->gid,
	    .process_ns = e->image.start,
	    .exec_ns = (int64_t)e->time_ns + clock_offset_ns(),
	    .root = e->root,
	    .cwd = e->cwd,
	    .like = like(ps, &e->file),
	};
	if (!e->way_of_file)
		memcpy(image->start->cwd_path, e->way, sizeof(e->way));
	if (e->interpreted)
		snprintf(image->start->asked, sizeof(image->start->asked), "%s", e->filename);
}

/* What the kernel says of an open file lacks where it was mounted, once the mounts have ended: whether `whole` is the
 * same path with that before it. */
static bool is_rest(const char *path, const char *whole)
{
	size_t n, len = strlen(whole);

	path += strcmp(path, "/") == 0; /* it was mounted itself */
	n = strlen(path);
	return len > n && strcmp(whole + len - n, path) == 0;
}

/* The path of what was executed, where its mounts may have ended before it was opened. */
static const char *whole_path(const struct process_event *e, const char *path)
{
	return path && e->way_of_file && is_rest(path, e->way) ? e->way : path;
}

/* The same of a script: of that the way is not known, but what was asked for. */
static const char *whole_script(const struct process_event *e, const struct start *by, const char *path)
{
	bool rest = path && e->way_of_file && *e->filename == '/' && is_rest(path, e->filename);

	return !path || (rest && !search_has_folders(by)) ? e->filename : path;
}

/* Takes over what `executed` refers to. */
static struct program *executed_program(struct processes *ps, struct image *image, const struct process_event *e,
                                        struct executed *executed)
{
	const char *path = whole_path(e, executed->path);
	struct program is = {
	    .path = text_of(path ? path : e->filename),
	    .name = text_of(e->comm),
	    .cmdline = e->args,
	    .script = text_of(""),
	    .file = executed->file,
	    .flags = executed->flags | path_flags(ps, executed, &e->file),
	};
	bool whole = e->args_total <= e->args.len;
	struct program *p;

	is.flags |= executed->path ? 0 : PS_EXE_PATH_GUESSED;
	set_start(ps, image, e);
	if (executed->script) {
		is.script = text_of(whole_script(e, image->start, executed->script_path));
		is.script_file = executed->script;
		p = roster_get(ps->roster, &is);
	} else if (whole) {
		p = script_find(ps, image, &is);
	} else {
		p = roster_get(ps->roster, &is);
	}
	free(executed->path);
	free(executed->script_path);
	return p;
}

static void on_exec(struct processes *ps, const struct process_event *e, const struct executed *told)
{
	struct executed executed;
	struct wire_image before = e->image;
	struct image *image = image_find(ps, &e->image), *old;
	struct lineage lineage;

	before.exec_id--;
	old = image_find(ps, &before);
	if (told) {
		executed = *told;
	} else {
		executables_of_process(ps->executables, (pid_t)e->image.tgid, &e->file, &executed);
		if (executed.file->state != PS_HASH_OK && executed.file->state != PS_HASH_LATE)
			ps->stats.not_opened++;
	}
	lineage.place = places_of(ps->places, e->cgroup);
	if (image)
		lineage_drop(ps, &image->lineage);
	else
		image = image_add(ps, &e->image);
	/* A process keeps its parents when it becomes another program. */
	if (old && old->lineage.parent) {
		lineage.parent = old->lineage.parent;
		lineage.grandparent = old->lineage.grandparent;
		program_hold(lineage.parent);
		program_hold(lineage.grandparent);
		memcpy(image->above, old->above, sizeof(image->above));
	} else {
		set_parents(ps, image, &lineage, &e->parent);
	}
	image_end(ps, old);
	lineage.self = executed_program(ps, image, e, &executed);
	image->lineage = lineage;
	image->args.len = 0;
	image->args_total = 0;
	if (e->args_total > e->args.len) {
		image->args_total = e->args_total;
		buf_put(&image->args, e->args.data, e->args.len);
	}
}

/* The whole command line is there, or the most of it that will come. */
static void set_cmdline(struct processes *ps, struct image *image)
{
	struct program *old = image->lineage.self, is = *old;

	if (image->args.len < image->args_total) {
		struct buf whole;

		buf_init(&whole);
		if (proc_is((pid_t)image->id.tgid, image->id.start))
			proc_read(&whole, (pid_t)image->id.tgid, "cmdline");
		/* It counts if it goes on where what we have ends. */
		if (whole.len > image->args.len && memcmp(whole.data, image->args.data, image->args.len) == 0) {
			buf_done(&image->args);
			image->args = whole;
		} else {
			buf_done(&whole);
		}
		if (image->args.len < image->args_total)
			is.flags |= PS_EXE_CMDLINE_CUT;
	}
	is.cmdline = (struct ps_text){(char *)image->args.data, (uint32_t)image->args.len};
	executable_hold(is.file);
	if (image->start && !is.script_file) {
		image->lineage.self = script_find(ps, image, &is);
	} else {
		executable_hold(is.script_file);
		image->lineage.self = roster_get(ps->roster, &is);
	}
	program_drop(ps->roster, old);
	buf_done(&image->args);
	image->args_total = 0;
}

static void on_args(struct processes *ps, const struct process_event *e)
{
	struct image *image = image_find(ps, &e->image);

	/* A part that is missing ends it: what follows would not be in its place. */
	if (!image || !image->args_total || e->offset != image->args.len)
		return;
	buf_put(&image->args, e->args.data, e->args.len);
	if (image->args.len >= image->args_total || e->args.len < WIRE_ARGS_CHUNK ||
	    image->args.len >= WIRE_ARGS_FIRST + WIRE_ARGS_CHUNKS * WIRE_ARGS_CHUNK)
		set_cmdline(ps, image);
}

/* What it moves from now on is of another place; so is what it has moved since the last drain. */
static void on_move(struct processes *ps, const struct process_event *e)
{
	struct image *image = image_find(ps, &e->image);

	if (!image)
		return;
	place_drop(ps->places, image->lineage.place);
	image->lineage.place = places_of(ps->places, e->cgroup);
}

void processes_event(struct processes *ps, const struct process_event *e, const struct executed *executed)
{
	switch (e->kind) {
	case WIRE_FORK:
		on_fork(ps, e);
		break;
	case WIRE_EXEC:
		on_exec(ps, e, executed);
		break;
	case WIRE_ARGS:
		on_args(ps, e);
		break;
	case WIRE_CGROUP:
		places_made(ps->places, e->cgroup, e->path);
		break;
	case WIRE_MOVE:
		on_move(ps, e);
		break;
	case WIRE_EXIT:
		image_end(ps, image_find(ps, &e->image));
		break;
	}
}

/* Where /proc says that a process is: "0::/path", in the hierarchy of version 2. */
static struct place *place_from_proc(struct processes *ps, pid_t pid)
{
	static const char gone[] = " (deleted)";
	struct ps_text path = {"", 0};
	struct place *place;
	struct buf text;
	char *line, *end;

	buf_init(&text);
	proc_read(&text, pid, "cgroup");
	buf_put_u8(&text, 0);
	line = (char *)text.data;
	while (line && strncmp(line, "0::", 3) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	end = line ? strchr(line, '\n') : NULL;
	if (end) {
		path = (struct ps_text){line + 3, (uint32_t)(end - line - 3)};
		if (path.len > sizeof(gone) - 1 && memcmp(end - (sizeof(gone) - 1), gone, sizeof(gone) - 1) == 0)
			path.len -= sizeof(gone) - 1;
	}
	place = places_at(ps->places, path);
	buf_done(&text);
	return place;
}

/* A process that nobody told of: its events were lost. */
static struct image *image_from_proc(struct processes *ps, const struct wire_image *id)
{
	struct wire_task task = {.image = *id};
	struct image *image;
	struct buf comm;

	if (!proc_is((pid_t)id->tgid, id->start))
		return NULL;
	buf_init(&comm);
	proc_read(&comm, (pid_t)id->tgid, "comm");
	if (comm.len && comm.data[comm.len - 1] == '\n')
		comm.len--;
	memcpy(task.comm, comm.data ? comm.data : (const uint8_t *)"", comm.len < WIRE_COMM ? comm.len : WIRE_COMM - 1);
	buf_done(&comm);
	image = image_add(ps, id);
	image->lineage = (struct lineage){program_from_proc(ps, image, &task), ps->nobody, ps->nobody,
	                                  place_from_proc(ps, (pid_t)id->tgid)};
	program_hold(ps->nobody);
	program_hold(ps->nobody);
	return image;
}

void processes_nobody(struct processes *ps, struct lineage *out)
{
	*out = (struct lineage){ps->nobody, ps->nobody, ps->nobody, places_at(ps->places, (struct ps_text){"", 0})};
	program_hold(ps->nobody);
	program_hold(ps->nobody);
	program_hold(ps->nobody);
}

bool processes_find(struct processes *ps, const struct wire_image *id, struct lineage *out)
{
	struct image *image = image_find(ps, id);

	if (!image)
		image = image_from_proc(ps, id);
	if (!image) {
		ps->stats.unknown++;
		processes_nobody(ps, out);
		return false;
	}
	if (image->args_total)
		set_cmdline(ps, image);
	*out = image->lineage;
	lineage_hold(out);
	return true;
}

bool processes_above(struct processes *ps, const struct wire_image *id, struct wire_image above[2])
{
	const struct image *image = image_find(ps, id);

	if (image)
		memcpy(above, image->above, sizeof(image->above));
	return image;
}

bool processes_lives(struct processes *ps, const struct wire_image *id)
{
	const struct image *image = image_find(ps, id);

	return image && !image->ended;
}

void processes_connection(struct processes *ps, const struct wire_image *id, bool began, bool ended)
{
	struct image *image = began || ended ? image_find(ps, id) : NULL;

	if (!image)
		return;
	image->connections += began;
	if (ended && image->connections)
		image->connections--;
}

/* Those of the list that nothing more is to come of are forgotten; the others wait. */
static void expire(struct processes *ps, struct image_list *list)
{
	for (size_t n = list->n; n; n--) {
		struct image *image = list_take(list);

		if (image->connections)
			list_add(&ps->awaited, image);
		else
			image_free(ps, image);
	}
}

void processes_expire(struct processes *ps)
{
	expire(ps, &ps->awaited);
	expire(ps, &ps->ended_before);
	while (ps->awaited.n > PROCESSES_AWAITED)
		image_free(ps, list_take(&ps->awaited));
	ps->ended_before = ps->ended;
	ps->ended = (struct image_list){0};
}

struct processes *processes_open(uv_loop_t *loop, struct executables *executables)
{
	struct program nothing = {.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}};
	struct processes *ps = mem_alloc(sizeof(*ps));

	kernel_mount_namespaces(ps->mnt_ns);
	ps->executables = executables;
	ps->places = places_open();
	ps->roster = roster_open(executables);
	ps->scripts = scripts_open(loop, script_found, ps);
	nothing.file = executables_without(executables, PS_HASH_ABSENT);
	ps->nobody = roster_get(ps->roster, &nothing);
	return ps;
}

void processes_close(struct processes *ps)
{
	struct image *image;

	scripts_close(ps->scripts, script_forget, ps);
	for (size_t at = 0; (image = table_next(&ps->images, &at));)
		image_free(ps, image);
	program_drop(ps->roster, ps->nobody);
	table_done(&ps->images);
	roster_close(ps->roster);
	places_close(ps->places);
	free(ps);
}

void processes_get_stats(const struct processes *ps, struct processes_stats *stats)
{
	*stats = ps->stats;
	stats->images = ps->images.n;
	stats->awaited = ps->awaited.n;
	stats->programs = roster_count(ps->roster);
	stats->cut = roster_cut(ps->roster);
	scripts_get_stats(ps->scripts, &stats->scripts);
	places_get_stats(ps->places, &stats->places);
}
