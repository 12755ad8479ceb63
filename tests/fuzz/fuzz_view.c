/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any keys to `picosnitch view`, any values in answers, any of them late, failed or given up; and the lines of it. */
#include <errno.h>
#include <locale.h>
#include <string.h>

#include "core/base/columns.h"
#include "core/query/names.h"
#include "core/screen/press.h"
#include "core/view/dims.h"
#include "core/view/lines.h"
#include "tests/fuzz/line.h"
#include "tests/fuzz/target.h"
#include "tests/unit/view_answers.h"

#define NOW 1700000000
#define MOST 8

static void look_at(struct view_model *m, unsigned byte)
{
	struct view_look look = {.width = 1 + byte % 200, .utf8 = true, .store = "sqlite", .now = NOW};
	struct buf line;

	buf_init(&line);
	view_model_room(m, 1 + byte % 5, view_has_trends(&look, m));
	for (unsigned h = 0; h < VIEW_HEADS; h++) {
		view_put_head(&line, &look, m, h);
		must_fit(&line, look.width);
	}
	view_put_brief(&line, &look, m);
	must_fit(&line, look.width);
	view_put_titles(&line, &look, m);
	must_fit(&line, look.width);
	view_put_foot(&line, &look, m);
	must_fit(&line, look.width);
	for (size_t i = 0; m->rows && i < m->page && m->top + i < m->rows->n; i++) {
		view_put_row(&line, &look, m, &m->rows->rows[m->top + i]);
		must_fit(&line, look.width);
	}
	if (view_put_whole(&line, &look, m, m->whole_top))
		must_fit(&line, look.width);
	must(!m->rows || !m->rows->n ||
	     (m->selected < m->rows->n && m->selected >= m->top && m->selected < m->top + m->page));
	buf_done(&line);
}

/* Values are pieces of the data; a number's are numbers, as a store's would be. */
static void answer(struct view_job *job, const uint8_t *data, size_t size)
{
	struct view_said said[MOST];
	char numbers[MOST][24];
	size_t n = 0, at = 0;

	for (; n < MOST && at < size; n++) {
		size_t len = data[at] % 40;

		len = len < size - at ? len : size - at;
		said[n] = (struct view_said){(const char *)data + at, (uint32_t)len, data[at], size << (data[at] & 63),
		                             NOW - data[at] * 1000};
		if (job->kind == VIEW_ROWS && names_is_number(job->by[0])) {
			said[n].value = numbers[n];
			said[n].len = (uint32_t)snprintf(numbers[n], sizeof(*numbers), "%d", data[at] - 3);
		}
		at += len + 1;
	}
	view_answer(job, said, n, NOW);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t presses[] = {PRESS_UP,        PRESS_DOWN,    PRESS_LEFT,   PRESS_RIGHT, PRESS_PAGE_UP,
	                                   PRESS_PAGE_DOWN, PRESS_HOME,    PRESS_END,    PRESS_ENTER, PRESS_BACKSPACE,
	                                   PRESS_TAB,       PRESS_BACKTAB, PRESS_ESCAPE, PRESS_OTHER};
	struct view_job *job = NULL;
	struct view_model m;
	struct ask ask = {.by = {PS_BY_EXE}, .last = 86400};

	setlocale(LC_CTYPE, "C.UTF-8");
	ask.question = (struct ps_question){.from = NOW - 86400, .to = INT64_MAX, .by = ask.by, .n_by = 1};
	view_model_init(&m, &ask, NOW);
	for (size_t i = 0; i < size && i < 400 && !m.quit; i++) {
		uint8_t byte = data[i];

		if (byte >= 128 && byte < 128 + sizeof(presses) / sizeof(*presses)) {
			view_model_key(&m, presses[byte - 128], NOW + byte);
		} else if (byte < 128) {
			view_model_key(&m, byte, NOW + byte);
		} else {
			if (!job)
				job = view_model_next(&m);
			if (!job)
				continue;
			must(job->question.from < job->question.to && job->steps <= VIEW_STEPS_MAX + 31);
			must(job->question.step > 0 || (job->by[0] != PS_BY_TIME));
			if (byte % 8 == 7) {
				job->err = byte & 64 ? -ECANCELED : -ETIME;
				job->why = "too long";
			} else {
				answer(job, data + i, size - i);
			}
			view_model_take(&m, job);
			job = NULL;
		}
		/* One that stays out for a while. */
		if (!job && byte % 3 == 0)
			job = view_model_next(&m);
		look_at(&m, byte);
	}
	view_job_free(job);
	view_model_done(&m);
	return 0;
}
