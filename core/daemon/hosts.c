/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/hosts.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/thread.h"
#include "core/identify/hosts_file.h"

#define PATIENCE_NS (60 * NS_PER_S) /* for a look at all of them */

/* What tells one state of a file from another. Zeros: there is none. */
struct state {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};

/* The thread's. */
struct file {
	uint32_t netns;
	bool wanted;
	struct state state;
};

/* What the two threads share. Under the lock, but for what is said. */
struct reading {
	struct shared shared;
	pthread_cond_t wake;
	bool asked, ended;
	struct namespace_process places[NAMESPACES_MAX];
	size_t n;
	uv_async_t *done; /* NULL: nobody wants to know */
	struct buf found; /* of the look that has ended: struct found, and its name, one after the other */
	/* the thread's own */
	struct file files[NAMESPACES_MAX];
	size_t n_files;
};

/* An address of a file; without a family: what follows is another file's. */
struct found {
	uint32_t netns;
	struct ps_addr addr;
	uint32_t len;
};

struct hosts {
	uv_async_t async;
	struct reading *reading;
	struct domains *domains;
	struct losses *losses;
	int64_t since_ns; /* CLOCK_MONOTONIC: a look is under way; 0: none is */
	bool hung;        /* which has been told */
	bool began;       /* to read, or at least to try */
	void (*closed)(void *arg);
	void *arg;
};

/* ---- the thread ---- */

static void reading_drop(struct reading *r)
{
	if (!shared_leave(&r->shared))
		return;
	buf_done(&r->found);
	pthread_cond_destroy(&r->wake);
	free(r);
}

/* /etc/hosts as that process sees it, whatever links are there; -1: there is none. */
static int open_hosts(uint32_t pid)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, .resolve = RESOLVE_IN_ROOT};
	char path[64];
	int root, fd;

	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, "etc/hosts", &how, sizeof(how));
	close(root);
	return fd;
}

static void add_found(struct buf *out, uint32_t netns, const struct ps_addr *addr, struct ps_text name)
{
	struct found found;

	memset(&found, 0, sizeof(found));
	found.netns = netns;
	found.addr = *addr;
	found.len = name.len;
	buf_put(out, &found, sizeof(found));
	buf_put(out, name.data, name.len);
}

static void begin_file(struct buf *out, uint32_t netns)
{
	static const struct ps_addr none;

	add_found(out, netns, &none, (struct ps_text){"", 0});
}

struct adding {
	struct buf *out;
	uint32_t netns;
};

static void on_name(void *arg, const struct ps_addr *addr, struct ps_text name)
{
	const struct adding *a = arg;

	add_found(a->out, a->netns, addr, name);
}

static void read_hosts(int fd, struct adding *adding)
{
	struct buf text;
	ssize_t n = 1;

	buf_init(&text);
	while (n > 0 && text.len < HOSTS_BYTES) {
		n = read(fd, buf_add(&text, 65536), 65536);
		text.len -= 65536 - (n > 0 ? (size_t)n : 0);
	}
	begin_file(adding->out, adding->netns);
	hosts_file_read((char *)text.data, text.len, on_name, adding);
	buf_done(&text);
}

static void look_at(struct file *f, uint32_t pid, struct buf *out)
{
	struct adding adding = {out, f->netns};
	struct state now = {0};
	int fd = open_hosts(pid);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode))
		now = (struct state){
		    .dev = st.st_dev,
		    .ino = st.st_ino,
		    .size = (uint64_t)st.st_size,
		    .mtime_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec,
		    .ctime_ns = (int64_t)st.st_ctim.tv_sec * NS_PER_S + st.st_ctim.tv_nsec,
		};
	if (memcmp(&now, &f->state, sizeof(now)) != 0) {
		if (now.ino)
			read_hosts(fd, &adding);
		else
			begin_file(out, f->netns);
		f->state = now;
	}
	if (fd >= 0)
		close(fd);
}

static struct file *file_of(struct reading *r, uint32_t netns)
{
	for (size_t i = 0; i < r->n_files; i++)
		if (r->files[i].netns == netns)
			return &r->files[i];
	if (r->n_files == NAMESPACES_MAX)
		return NULL;
	r->files[r->n_files] = (struct file){.netns = netns};
	return &r->files[r->n_files++];
}

static void look(struct reading *r, const struct namespace_process *places, size_t n, struct buf *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n_files; i++)
		r->files[i].wanted = false;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < r->n_files; k++)
			r->files[k].wanted |= r->files[k].netns == places[i].netns;
	for (size_t i = 0; i < r->n_files; i++) {
		if (r->files[i].wanted)
			r->files[kept++] = r->files[i];
		else
			begin_file(out, r->files[i].netns);
	}
	r->n_files = kept;
	for (size_t i = 0; i < n; i++) {
		struct file *f = places[i].pid ? file_of(r, places[i].netns) : NULL;

		if (f)
			look_at(f, places[i].pid, out);
	}
}

static void *read_all(void *arg)
{
	struct namespace_process places[NAMESPACES_MAX];
	struct reading *r = arg;
	struct buf out;
	size_t n;

	pthread_mutex_lock(&r->shared.lock);
	while (!r->ended) {
		if (!r->asked) {
			pthread_cond_wait(&r->wake, &r->shared.lock);
			continue;
		}
		n = r->n;
		memcpy(places, r->places, n * sizeof(*places));
		pthread_mutex_unlock(&r->shared.lock);
		buf_init(&out);
		look(r, places, n, &out);
		pthread_mutex_lock(&r->shared.lock);
		r->asked = false;
		buf_done(&r->found);
		r->found = out;
		if (r->done)
			uv_async_send(r->done);
	}
	pthread_mutex_unlock(&r->shared.lock);
	reading_drop(r);
	return NULL;
}

/* ---- the main thread ---- */

static struct reading *reading_open(uv_async_t *done)
{
	struct reading *r = mem_alloc(sizeof(*r));
	int err;

	shared_init(&r->shared);
	pthread_cond_init(&r->wake, NULL);
	r->done = done;
	err = shared_start(&r->shared, read_all, r);
	if (!err)
		return r;
	log_warning("hosts files are not read: %s", strerror(-err));
	reading_drop(r);
	return NULL;
}

void hosts_look(struct hosts *h, const struct namespace_process *places, size_t n)
{
	struct reading *r;

	if (!h->began)
		h->reading = reading_open(&h->async);
	h->began = true;
	r = h->reading;
	if (h->since_ns && !h->hung && clock_monotonic_ns() - h->since_ns > PATIENCE_NS) {
		h->hung = true;
		losses_add(
		    h->losses, PS_STAGE_NAMES, 1, 0, 0,
		    "a hosts file of a network namespace cannot be read to its end: those of others are not read either");
	}
	if (h->since_ns || !r)
		return;
	pthread_mutex_lock(&r->shared.lock);
	r->n = n < NAMESPACES_MAX ? n : NAMESPACES_MAX;
	memcpy(r->places, places, r->n * sizeof(*places));
	r->asked = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->shared.lock);
	h->since_ns = clock_monotonic_ns();
}

static void on_found(uv_async_t *async)
{
	struct hosts *h = async->data;
	struct reading *r = h->reading;
	struct buf found;

	pthread_mutex_lock(&r->shared.lock);
	found = r->found;
	buf_init(&r->found);
	if (!r->asked)
		h->since_ns = 0;
	pthread_mutex_unlock(&r->shared.lock);
	h->hung &= h->since_ns != 0;
	for (size_t at = 0; at < found.len;) {
		struct found f;

		memcpy(&f, found.data + at, sizeof(f));
		at += sizeof(f);
		if (!f.addr.family)
			domains_hosts_begin(h->domains, f.netns);
		else
			domains_hosts_add(h->domains, &f.addr, (struct ps_text){(char *)found.data + at, f.len});
		at += f.len;
	}
	buf_done(&found);
}

struct hosts *hosts_open(uv_loop_t *loop, struct domains *domains, struct losses *losses)
{
	struct hosts *h = mem_alloc(sizeof(*h));

	h->domains = domains;
	h->losses = losses;
	uv_async_init(loop, &h->async, on_found);
	h->async.data = h;
	return h;
}

static void async_closed(uv_handle_t *handle)
{
	struct hosts *h = handle->data;
	void (*closed)(void *) = h->closed;
	void *arg = h->arg;

	free(h);
	closed(arg);
}

void hosts_close(struct hosts *h, void (*closed)(void *), void *arg)
{
	struct reading *r = h->reading;

	h->closed = closed;
	h->arg = arg;
	if (r) {
		pthread_mutex_lock(&r->shared.lock);
		r->done = NULL;
		r->ended = true;
		pthread_cond_signal(&r->wake);
		pthread_mutex_unlock(&r->shared.lock);
		reading_drop(r);
	}
	uv_close((uv_handle_t *)&h->async, async_closed);
}
