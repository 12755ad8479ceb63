/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers to questions of `picosnitch view`, as a store would give them. */
#ifndef PS_TESTS_VIEW_ANSWERS_H
#define PS_TESTS_VIEW_ANSWERS_H

#include "core/view/model.h"

struct view_said {
	const char *value;
	uint32_t len;
	uint64_t sent, received;
	int64_t last;
};

static inline void view_say_row(struct ps_answer *answer, const struct ps_text *values, const struct view_said *said)
{
	struct ps_answer_row row = {.values = values,
	                            .sent = said->sent,
	                            .received = said->received,
	                            .calls = 1,
	                            .rows = 1,
	                            .first = said->last - 10,
	                            .last = said->last};

	answer->row(answer->arg, &row);
}

/* Fills the job: rows as they are given, of trends a step for each value, a verdict for each hash, one host. */
static inline void view_answer(struct view_job *job, const struct view_said *said, size_t n, int64_t now)
{
	struct ps_text values[2] = {{0}};
	struct ps_answer answer;
	char step[24];

	view_job_answer(job, &answer);
	if (job->kind == VIEW_ROWS) {
		for (size_t i = 0; i < n; i++) {
			values[0] = (struct ps_text){said[i].value, said[i].len};
			view_say_row(&answer, values, &said[i]);
		}
	} else if (job->kind == VIEW_TRENDS) {
		for (unsigned i = 0; i < job->n_asked; i++) {
			int len = snprintf(step, sizeof(step), "%lld", (long long)(job->begin + i * job->question.step));

			values[0] = (struct ps_text){step, (uint32_t)len};
			values[1] = job->values[i];
			view_say_row(&answer, values, &(struct view_said){.sent = 100 + i});
		}
	} else if (job->kind == VIEW_VERDICTS) {
		for (unsigned i = 0; i < job->n_asked; i++) {
			struct ps_answer_event event = {
			    .kind = PS_VERDICT, .what = {i ? "clean" : "suspicious", i ? 5 : 10}, .sha256 = job->values[i]};

			event.malicious = 3;
			event.undetected = 7;
			answer.event(answer.arg, &event);
		}
	} else {
		values[0] = (struct ps_text){"box", 3};
		view_say_row(&answer, values, &(struct view_said){.last = now - 5});
	}
}

#endif
