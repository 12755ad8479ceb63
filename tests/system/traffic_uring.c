/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io_uring by its system calls, one operation at a time: no library, so that the program can be static. */
#include "traffic.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROUP 1 /* of provided buffers */
#define SHOTS 4

struct uring {
	int fd;
	bool polled, async;
	size_t sq_size, cq_size, sqes_size;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
	struct io_uring_params params;
	bool armed; /* a multishot receive is under way */
};

static _Atomic uint32_t *at(char *ring, uint32_t offset)
{
	return (_Atomic uint32_t *)(void *)(ring + offset);
}

static void *map(struct uring *u, size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd, what);
	if (p == MAP_FAILED)
		die("mmap of the ring");
	return p;
}

struct uring *uring_open(const char *how)
{
	struct uring *u = calloc(1, sizeof *u);
	if (!u)
		die("memory");
	u->polled = !strcmp(how, "sqpoll");
	u->async = !strcmp(how, "async");
	if (!u->polled && !u->async && strcmp(how, "uring"))
		fail("'%s' is not a kind of ring", how);
	if (u->polled) {
		u->params.flags = IORING_SETUP_SQPOLL;
		u->params.sq_thread_idle = 50;
	}
	u->fd = (int)must(syscall(SYS_io_uring_setup, 4, &u->params), "io_uring_setup");
	u->sq_size = u->params.sq_off.array + u->params.sq_entries * sizeof(uint32_t);
	u->cq_size = u->params.cq_off.cqes + u->params.cq_entries * sizeof(struct io_uring_cqe);
	u->sqes_size = u->params.sq_entries * sizeof(struct io_uring_sqe);
	u->sq = map(u, u->sq_size, IORING_OFF_SQ_RING);
	u->cq = map(u, u->cq_size, IORING_OFF_CQ_RING);
	u->sqes = map(u, u->sqes_size, IORING_OFF_SQES);
	return u;
}

void uring_close(struct uring *u)
{
	munmap(u->sqes, u->sqes_size);
	munmap(u->cq, u->cq_size);
	munmap(u->sq, u->sq_size);
	close(u->fd);
	free(u);
}

static void prepare(struct io_uring_sqe *sqe, enum uring_op op, int fd, struct msghdr *msg)
{
	static const uint8_t codes[] = {
	    [URING_SEND] = IORING_OP_SEND,       [URING_SENDMSG] = IORING_OP_SENDMSG,  [URING_WRITE] = IORING_OP_WRITE,
	    [URING_ZC] = IORING_OP_SEND_ZC,      [URING_RECV] = IORING_OP_RECV,        [URING_READ] = IORING_OP_READ,
	    [URING_RECVMSG] = IORING_OP_RECVMSG, [URING_MSGZC] = IORING_OP_SENDMSG_ZC, [URING_SELECT] = IORING_OP_RECV,
	    [URING_MULTISHOT] = IORING_OP_RECV,
	};
	memset(sqe, 0, sizeof *sqe);
	sqe->opcode = codes[op];
	sqe->fd = fd;
	if (op == URING_SENDMSG || op == URING_MSGZC || op == URING_RECVMSG) {
		sqe->addr = (uintptr_t)msg;
		sqe->len = 1;
		return;
	}
	if (op == URING_SELECT || op == URING_MULTISHOT) {
		sqe->flags = IOSQE_BUFFER_SELECT;
		sqe->buf_group = GROUP;
		sqe->ioprio = op == URING_MULTISHOT ? IORING_RECV_MULTISHOT : 0;
		return;
	}
	/* The parts are neighbours: together they are one buffer. */
	sqe->addr = (uintptr_t)msg->msg_iov[0].iov_base;
	sqe->len = (uint32_t)(msg->msg_iov[0].iov_len + msg->msg_iov[1].iov_len);
	if (op == URING_WRITE || op == URING_READ)
		sqe->off = (uint64_t)-1;
}

/* Waits for one completion and takes it: its result, and its flags. */
static int32_t complete(struct uring *u, uint32_t *flags)
{
	_Atomic uint32_t *head = at(u->cq, u->params.cq_off.head), *tail = at(u->cq, u->params.cq_off.tail);
	while (atomic_load_explicit(tail, memory_order_acquire) == *head)
		if (syscall(SYS_io_uring_enter, u->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR)
			die("io_uring_enter");
	const struct io_uring_cqe *cqes = (const void *)(u->cq + u->params.cq_off.cqes);
	const struct io_uring_cqe *cqe = &cqes[*head & *at(u->cq, u->params.cq_off.ring_mask)];
	int32_t result = cqe->res;
	*flags = cqe->flags;
	atomic_store_explicit(head, *head + 1, memory_order_release);
	return result;
}

static struct io_uring_sqe *next_entry(struct uring *u)
{
	return &u->sqes[*at(u->sq, u->params.sq_off.tail) & *at(u->sq, u->params.sq_off.ring_mask)];
}

static void submit(struct uring *u)
{
	_Atomic uint32_t *tail = at(u->sq, u->params.sq_off.tail);
	uint32_t slot = *tail & *at(u->sq, u->params.sq_off.ring_mask);

	if (u->async)
		u->sqes[slot].flags |= IOSQE_ASYNC;
	at(u->sq, u->params.sq_off.array)[slot] = slot;
	atomic_store(tail, *tail + 1);
	if (!u->polled)
		must(syscall(SYS_io_uring_enter, u->fd, 1, 0, 0, NULL, 0), "io_uring_enter");
	else if (atomic_load(at(u->sq, u->params.sq_off.flags)) & IORING_SQ_NEED_WAKEUP)
		must(syscall(SYS_io_uring_enter, u->fd, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0), "io_uring_enter");
}

/* The memory of msg as one buffer of the group, as often as it is to be filled. */
static void provide(struct uring *u, const struct msghdr *msg, unsigned times)
{
	uint32_t flags;
	for (unsigned i = 0; i < times; i++) {
		struct io_uring_sqe *sqe = next_entry(u);
		memset(sqe, 0, sizeof *sqe);
		sqe->opcode = IORING_OP_PROVIDE_BUFFERS;
		sqe->fd = 1;
		sqe->addr = (uintptr_t)msg->msg_iov[0].iov_base;
		sqe->len = (uint32_t)(msg->msg_iov[0].iov_len + msg->msg_iov[1].iov_len);
		sqe->off = i;
		sqe->buf_group = GROUP;
		submit(u);
		errno = -complete(u, &flags);
		if (errno > 0)
			die("IORING_OP_PROVIDE_BUFFERS");
	}
}

ssize_t uring_run(struct uring *u, enum uring_op op, int fd, struct msghdr *msg)
{
	uint32_t flags, more;
	int32_t result;

	do {
		if (!u->armed) {
			if (op == URING_SELECT || op == URING_MULTISHOT)
				provide(u, msg, op == URING_MULTISHOT ? SHOTS : 1);
			prepare(next_entry(u), op, fd, msg);
			submit(u);
		}
		result = complete(u, &flags);
		u->armed = op == URING_MULTISHOT && (flags & IORING_CQE_F_MORE);
	} while (op == URING_MULTISHOT && result == -ENOBUFS);
	/* Zero copy: the first says what was sent, the second that the memory is free again. */
	if ((op == URING_ZC || op == URING_MSGZC) && (flags & IORING_CQE_F_MORE))
		complete(u, &more);
	if (result == -EINVAL)
		result = -EOPNOTSUPP; /* an operation that this kernel does not know */
	errno = result < 0 ? -result : 0;
	return have(result < 0 ? -1 : result, "io_uring operation of that kind");
}
