/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/delivery/courier_inside.h"

#define ASIDE_BURST 8
#define ASIDE_EVERY_NS (600 * NS_PER_S)

static void job_run(uv_work_t *work)
{
	struct courier *c = work->data;

	if (c->job.kind == JOB_PREPARE)
		c->job.err = sink_files_prepare(&c->files, c->job.why);
	else if (c->job.kind == JOB_ASIDE)
		c->job.err = files_set_aside(&c->job.file->set, c->job.reason, c->job.why);
	else
		c->job.err = files_rotate(&c->job.file->set, c->job.keep, c->job.why);
}

static void job_done(uv_work_t *work, int status)
{
	struct courier *c = work->data;

	(void)status;
	c->working = 0;
	if (c->job.kind == JOB_PREPARE) {
		courier_prepared(c);
		return;
	}
	if (c->job.err)
		log_warning("sink %s: %s", c->sink->name, c->job.why);
	if (c->link && c->link == c->job.link)
		courier_done(c, c->job.err);
	courier_worked(c);
}

static void job_start(struct courier *c, int kind)
{
	c->job.kind = kind;
	c->job.link = c->link;
	c->working = 1;
	c->work.data = c;
	if (uv_queue_work(c->loop, &c->work, job_run, job_done))
		abort(); /* only without a function to run */
}

void courier_file_request(struct courier *c, uint8_t type, struct cursor *body)
{
	char key[128];

	frame_text(body, key, sizeof(key));
	if (type == FRAME_SET_ASIDE)
		frame_text(body, c->job.reason, sizeof(c->job.reason));
	else
		c->job.keep = cursor_u32(body);
	c->job.file = sink_files_find(&c->files, key);
	if (!c->job.file)
		courier_done(c, -ENOENT);
	else if (type == FRAME_SET_ASIDE && !courier_allow(&c->aside_allowance, ASIDE_BURST, ASIDE_EVERY_NS))
		courier_done(c, -EBUSY);
	else
		job_start(c, type == FRAME_SET_ASIDE ? JOB_ASIDE : JOB_ROTATE);
}

void courier_prepare_files(struct courier *c)
{
	job_start(c, JOB_PREPARE);
}
