/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/hashing.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/sha256.h"
#include "core/identify/file.h"

enum { WAITING_MAX = 4096 };

struct job {
	uv_work_t work;
	struct hashing *all;
	void *subject;
	int fd;
	bool careful;
	struct stat found;
	enum ps_hash_state state;
	uint8_t sha256[32];
	struct job *next;
};

struct hashing {
	uv_loop_t *loop;
	hashing_done done;
	void *arg;
	struct job *first, *last; /* waiting for a worker */
	unsigned threads, running;
	uint64_t waiting;
	atomic_bool cancel;
};

static void work(uv_work_t *request)
{
	struct job *job = request->data;
	struct stat st;
	int err = sha256_file(job->fd, job->sha256, &job->all->cancel);

	if (err)
		job->state = PS_HASH_UNREADABLE;
	else if (fstat(job->fd, &st) || !file_is_same(&st, &job->found, &job->careful) ||
	         (job->careful && file_has_writers(job->fd)))
		job->state = PS_HASH_CHANGED;
	else
		job->state = PS_HASH_OK;
}

static void start(struct hashing *h);

static void finish(struct job *job)
{
	struct hashing *h = job->all;

	h->waiting--;
	h->done(h->arg, job->subject, job->fd, job->state, job->sha256);
	close(job->fd);
	free(job);
}

static void worked(uv_work_t *request, int status)
{
	struct job *job = request->data;
	struct hashing *h = job->all;

	(void)status;
	h->running--;
	finish(job);
	start(h);
}

static void start(struct hashing *h)
{
	while (h->running < h->threads && h->first) {
		struct job *job = h->first;

		h->first = job->next;
		if (!h->first)
			h->last = NULL;
		h->running++;
		uv_queue_work(h->loop, &job->work, work, worked);
	}
}

bool hashing_add(struct hashing *h, void *subject, int fd, const struct stat *found, bool careful)
{
	struct job *job;

	if (h->waiting >= WAITING_MAX)
		return false;
	job = mem_alloc(sizeof(*job));
	*job = (struct job){.all = h, .subject = subject, .fd = fd, .careful = careful, .found = *found};
	job->work.data = job;
	*(h->last ? &h->last->next : &h->first) = job;
	h->last = job;
	h->waiting++;
	start(h);
	return true;
}

struct hashing *hashing_open(uv_loop_t *loop, unsigned threads, hashing_done done, void *arg)
{
	struct hashing *h = mem_alloc(sizeof(*h));

	*h = (struct hashing){.loop = loop, .done = done, .arg = arg, .threads = threads};
	return h;
}

void hashing_close(struct hashing *h)
{
	h->cancel = true;
	while (h->first) {
		struct job *job = h->first;

		h->first = job->next;
		job->state = PS_HASH_LATE;
		finish(job);
	}
	h->last = NULL;
	while (h->running)
		uv_run(h->loop, UV_RUN_ONCE);
	free(h);
}

uint64_t hashing_waiting(const struct hashing *h)
{
	return h->waiting;
}
