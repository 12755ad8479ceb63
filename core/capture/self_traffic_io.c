/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ways to send and to receive. */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/capture/self_traffic.h"

/* Datagrams go in this size at most, so that there are several. */
#define PIECE 700

static size_t piece(size_t left)
{
	return left < PIECE ? left : PIECE;
}

/* ---- sending ---- */

bool send_plainly(struct way *w)
{
	while (way_left(w))
		if (!way_sent(w, send(w->ends[0], way_data, way_left(w), MSG_NOSIGNAL), "send"))
			return false;
	return true;
}

bool send_write(struct way *w)
{
	while (way_left(w))
		if (!way_sent(w, write(w->ends[0], way_data, way_left(w)), "write"))
			return false;
	return true;
}

/* Two parts, so that a kernel's own loop over them is tried. */
static bool send_message(struct way *w, int flags)
{
	while (way_left(w)) {
		size_t first = way_left(w) / 2;
		struct iovec parts[2] = {{way_data, first}, {way_data + first, way_left(w) - first}};
		struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};

		if (!way_sent(w, sendmsg(w->ends[0], &msg, MSG_NOSIGNAL | flags), "sendmsg"))
			return false;
	}
	return true;
}

bool send_msg(struct way *w)
{
	return send_message(w, 0);
}

bool send_zerocopy(struct way *w)
{
	return send_message(w, MSG_ZEROCOPY);
}

bool send_segments(struct way *w)
{
	return send_message(w, 0);
}

bool send_file(struct way *w)
{
	int file = way_hold(w, memfd_create("self-test", MFD_CLOEXEC));

	if (file < 0 || ftruncate(file, w->info->bytes))
		return way_failed(w, "memfd_create");
	while (way_left(w))
		if (!way_sent(w, sendfile(w->ends[0], file, NULL, way_left(w)), "sendfile"))
			return false;
	return true;
}

static bool open_pipe(struct way *w, int ends[2])
{
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return way_failed(w, "pipe");
	way_hold(w, ends[0]);
	way_hold(w, ends[1]);
	return true;
}

bool send_splice(struct way *w)
{
	int ends[2];

	if (!open_pipe(w, ends) || write(ends[1], way_data, w->info->bytes) != w->info->bytes)
		return way_failed(w, "pipe");
	while (way_left(w))
		if (!way_sent(w, splice(ends[0], NULL, w->ends[0], NULL, way_left(w), 0), "splice"))
			return false;
	return true;
}

bool send_to(struct way *w)
{
	struct sockaddr_storage to;
	socklen_t len = way_address(w, 1, &to);

	while (way_left(w)) {
		size_t n = w->info->ports ? piece(way_left(w)) : way_left(w);

		if (!way_sent(w, sendto(w->ends[0], way_data, n, 0, (struct sockaddr *)&to, len), "sendto"))
			return false;
	}
	return true;
}

bool send_fastopen(struct way *w)
{
	struct sockaddr_storage to;
	socklen_t len = way_address(w, 1, &to);
	int flags = MSG_FASTOPEN | MSG_NOSIGNAL;

	if (!way_sent(w, sendto(w->ends[0], way_data, way_left(w), flags, (struct sockaddr *)&to, len), "MSG_FASTOPEN"))
		return false;
	return send_plainly(w);
}

enum { MESSAGES = 4 };

bool send_mmsg(struct way *w)
{
	struct mmsghdr messages[MESSAGES] = {0};
	struct iovec parts[MESSAGES];
	struct sockaddr_storage to;
	socklen_t len = way_address(w, 1, &to);

	while (way_left(w)) {
		unsigned n = 0;
		int done;

		for (size_t left = way_left(w); left && n < MESSAGES; left -= piece(left), n++) {
			parts[n] = (struct iovec){way_data, piece(left)};
			messages[n].msg_hdr =
			    (struct msghdr){.msg_name = &to, .msg_namelen = len, .msg_iov = &parts[n], .msg_iovlen = 1};
		}
		done = sendmmsg(w->ends[0], messages, n, 0);
		if (done <= 0)
			return way_failed(w, "sendmmsg");
		for (int i = 0; i < done; i++)
			way_sent(w, messages[i].msg_len, "sendmmsg");
	}
	return true;
}

/* ---- receiving ---- */

bool receive_plainly(struct way *w)
{
	while (way_pending(w))
		if (!way_received(w, recv(w->ends[1], way_data, sizeof(way_data), 0), "recv"))
			return false;
	return true;
}

bool receive_read(struct way *w)
{
	while (way_pending(w))
		if (!way_received(w, read(w->ends[1], way_data, sizeof(way_data)), "read"))
			return false;
	return true;
}

bool receive_msg(struct way *w)
{
	while (way_pending(w)) {
		struct iovec parts[2] = {{way_data, 100}, {way_data + 100, sizeof(way_data) - 100}};
		struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};

		if (!way_received(w, recvmsg(w->ends[1], &msg, 0), "recvmsg"))
			return false;
	}
	return true;
}

bool receive_splice(struct way *w)
{
	int ends[2];

	if (!open_pipe(w, ends))
		return false;
	while (way_pending(w)) {
		ssize_t n = splice(w->ends[1], NULL, ends[1], NULL, way_pending(w), 0);

		if (!way_received(w, n, "splice"))
			return false;
		while (n > 0) {
			ssize_t out = read(ends[0], way_data, sizeof(way_data));

			if (out <= 0)
				return way_failed(w, "pipe");
			n -= out;
		}
	}
	return true;
}

bool receive_peek(struct way *w)
{
	for (int i = 0; i < 3; i++)
		if (recv(w->ends[1], way_data, sizeof(way_data), MSG_PEEK) <= 0)
			return way_failed(w, "MSG_PEEK");
	return receive_plainly(w);
}

bool receive_from(struct way *w)
{
	do {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(w->ends[1], way_data, sizeof(way_data), 0, (struct sockaddr *)&from, &len);

		if (!way_received(w, n, "recvfrom"))
			return false;
	} while (way_pending(w));
	return true;
}

bool receive_mmsg(struct way *w)
{
	struct mmsghdr messages[MESSAGES] = {0};
	struct sockaddr_storage from[MESSAGES];
	struct iovec parts[MESSAGES];

	while (way_pending(w)) {
		int done;

		for (int i = 0; i < MESSAGES; i++) {
			parts[i] = (struct iovec){way_data, sizeof(way_data)};
			messages[i].msg_hdr = (struct msghdr){
			    .msg_name = &from[i], .msg_namelen = sizeof(from[i]), .msg_iov = &parts[i], .msg_iovlen = 1};
		}
		done = recvmmsg(w->ends[1], messages, MESSAGES, MSG_WAITFORONE, NULL);
		if (done <= 0)
			return way_failed(w, "recvmmsg");
		for (int i = 0; i < done; i++)
			way_received(w, messages[i].msg_len, "recvmmsg");
	}
	return true;
}

/* ---- io_uring, by its system calls ---- */

static void *map_ring(int fd, size_t size, off_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);
}

/* Does one operation in a ring of its own: its result, or -errno; `what` failed. */
static ssize_t operate(struct way *w, const struct io_uring_sqe *operation, const char **what)
{
	struct io_uring_params p = {0};
	_Atomic uint32_t *head, *tail;
	const struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqes;
	size_t sizes[3];
	char *sq, *cq;
	ssize_t result;
	int fd = way_hold(w, (int)syscall(SYS_io_uring_setup, 2, &p));

	*what = "io_uring_setup";
	if (fd < 0)
		return -errno;
	w->n_fds--; /* closed below */
	sizes[0] = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
	sizes[1] = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	sizes[2] = p.sq_entries * sizeof(struct io_uring_sqe);
	sq = map_ring(fd, sizes[0], IORING_OFF_SQ_RING);
	cq = map_ring(fd, sizes[1], IORING_OFF_CQ_RING);
	sqes = map_ring(fd, sizes[2], IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED) {
		result = -errno;
		goto out;
	}
	*what = "io_uring";
	sqes[0] = *operation;
	((uint32_t *)(void *)(sq + p.sq_off.array))[0] = 0;
	atomic_store((_Atomic uint32_t *)(void *)(sq + p.sq_off.tail), 1);
	head = (_Atomic uint32_t *)(void *)(cq + p.cq_off.head);
	tail = (_Atomic uint32_t *)(void *)(cq + p.cq_off.tail);
	if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 || atomic_load(tail) == *head) {
		result = -errno;
		goto out;
	}
	cqe = (const void *)(cq + p.cq_off.cqes);
	result = cqe->res;
out:
	if (sq != MAP_FAILED)
		munmap(sq, sizes[0]);
	if (cq != MAP_FAILED)
		munmap(cq, sizes[1]);
	if (sqes != MAP_FAILED)
		munmap(sqes, sizes[2]);
	close(fd);
	return result;
}

static bool operate_sent(struct way *w, const struct io_uring_sqe *operation)
{
	const char *what;
	ssize_t n = operate(w, operation, &what);

	errno = n < 0 ? (int)-n : 0;
	return way_sent(w, n, what);
}

static bool operate_received(struct way *w, const struct io_uring_sqe *operation)
{
	const char *what;
	ssize_t n = operate(w, operation, &what);

	errno = n < 0 ? (int)-n : 0;
	return way_received(w, n, what);
}

static bool send_by(struct way *w, uint8_t code)
{
	while (way_left(w)) {
		struct io_uring_sqe operation = {.opcode = code,
		                                 .fd = w->ends[0],
		                                 .addr = (uintptr_t)way_data,
		                                 .len = (uint32_t)way_left(w),
		                                 .msg_flags = MSG_NOSIGNAL};

		if (!operate_sent(w, &operation))
			return false;
	}
	return true;
}

bool send_uring(struct way *w)
{
	return send_by(w, IORING_OP_SEND);
}

bool send_uring_zc(struct way *w)
{
	return send_by(w, IORING_OP_SEND_ZC);
}

bool receive_uring(struct way *w)
{
	while (way_pending(w)) {
		struct io_uring_sqe operation = {
		    .opcode = IORING_OP_RECV, .fd = w->ends[1], .addr = (uintptr_t)way_data, .len = sizeof(way_data)};

		if (!operate_received(w, &operation))
			return false;
	}
	return true;
}

bool send_uring_msg(struct way *w)
{
	struct sockaddr_storage to;
	socklen_t len = way_address(w, 1, &to);

	while (way_left(w)) {
		struct iovec part = {way_data, piece(way_left(w))};
		struct msghdr msg = {.msg_name = &to, .msg_namelen = len, .msg_iov = &part, .msg_iovlen = 1};
		struct io_uring_sqe operation = {
		    .opcode = IORING_OP_SENDMSG, .fd = w->ends[0], .addr = (uintptr_t)&msg, .len = 1};

		if (!operate_sent(w, &operation))
			return false;
	}
	return true;
}

bool receive_uring_msg(struct way *w)
{
	while (way_pending(w)) {
		struct sockaddr_storage from;
		struct iovec part = {way_data, sizeof(way_data)};
		struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1};
		struct io_uring_sqe operation = {
		    .opcode = IORING_OP_RECVMSG, .fd = w->ends[1], .addr = (uintptr_t)&msg, .len = 1};

		if (!operate_received(w, &operation))
			return false;
	}
	return true;
}
