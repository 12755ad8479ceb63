/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ways of sending and receiving. What a call returned is what is accounted: peeked data not at
 * all, an error queue never, a cut datagram as the length that the caller was given.
 *
 * send: send write writev sendto sendmsg sendmmsg sendfile splice vmsplice zerocopy fastopen txring
 * recv: recv read readv recvfrom recvmsg recvmmsg splice waitall peek trunc short mixed
 * both: uring-OP, async-OP and sqpoll-OP with OP one of send sendmsg write zc msgzc /
 *       recv recvmsg read select multishot
 */
#include "traffic.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#define MMSG 8

/* One running send or receive step. */
struct io {
	struct endpoint *e;
	const char *method;
	char *data; /* MAX_CHUNK bytes, page-aligned */
	int pipe[2];
	int file;
	struct tx_ring *tx;
	struct uring *ring;
	enum uring_op op;
	unsigned turn;
};

static bool is(const struct io *io, const char *method)
{
	return !strcmp(io->method, method);
}

static void io_open(struct io *io, struct endpoint *e, const char *method)
{
	static const struct {
		const char *name;
		enum uring_op op;
	} ops[] = {
	    {"send", URING_SEND},     {"sendmsg", URING_SENDMSG},    {"write", URING_WRITE},     {"zc", URING_ZC},
	    {"msgzc", URING_MSGZC},   {"recv", URING_RECV},          {"recvmsg", URING_RECVMSG}, {"read", URING_READ},
	    {"select", URING_SELECT}, {"multishot", URING_MULTISHOT}};

	*io = (struct io){.e = e, .method = method, .pipe = {-1, -1}, .file = -1};
	io->data = mmap(NULL, MAX_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (io->data == MAP_FAILED)
		die("mmap");
	memset(io->data, 'x', MAX_CHUNK);
	if (is(io, "splice") || is(io, "vmsplice") || is(io, "mixed")) {
		must(pipe2(io->pipe, O_CLOEXEC), "pipe");
		fcntl(io->pipe[1], F_SETPIPE_SZ, MAX_CHUNK);
	}
	if (is(io, "sendfile")) {
		io->file = (int)must(memfd_create("traffic", MFD_CLOEXEC), "memfd_create");
		must(ftruncate(io->file, MAX_CHUNK), "ftruncate");
	}
	const char *dash = strchr(method, '-');
	for (size_t i = 0; dash && !io->ring && i < sizeof ops / sizeof *ops; i++) {
		if (!strcmp(dash + 1, ops[i].name)) {
			char *how = strndup(method, (size_t)(dash - method));
			io->ring = uring_open(how);
			io->op = ops[i].op;
			free(how);
		}
	}
}

static void io_close(struct io *io)
{
	munmap(io->data, MAX_CHUNK);
	for (int i = 0; i < 2; i++)
		if (io->pipe[i] >= 0)
			close(io->pipe[i]);
	if (io->file >= 0)
		close(io->file);
	if (io->tx)
		tx_ring_close(io->tx);
	if (io->ring)
		uring_close(io->ring);
}

/* Sends `want` bytes through the pipe, which is empty before and after. */
static ssize_t send_spliced(struct io *io, size_t want)
{
	struct iovec part = {io->data, want};
	ssize_t in = is(io, "vmsplice") ? vmsplice(io->pipe[1], &part, 1, 0) : write(io->pipe[1], io->data, want);
	ssize_t left = must(in, io->method);
	while (left)
		left -= must(splice(io->pipe[0], NULL, io->e->fd, NULL, (size_t)left, 0), "splice");
	return in;
}

/* Up to MMSG datagrams of `chunk` bytes in one call, to the peers in turn. */
static uint64_t send_many(struct io *io, uint64_t left, size_t chunk)
{
	struct endpoint *e = io->e;
	struct mmsghdr all[MMSG] = {0};
	struct iovec parts[MMSG];
	size_t first = e->next_to;
	unsigned n = 0;
	uint64_t sum = 0;
	for (uint64_t rest = left; n < MMSG && rest; n++) {
		parts[n] = (struct iovec){io->data, rest < chunk ? rest : chunk};
		rest -= parts[n].iov_len;
		all[n].msg_hdr = (struct msghdr){.msg_iov = &parts[n], .msg_iovlen = 1};
		if (e->n_to) {
			all[n].msg_hdr.msg_name = &e->to[(first + n) % e->n_to];
			all[n].msg_hdr.msg_namelen = e->to_len[(first + n) % e->n_to];
		}
	}
	int done = (int)must(sendmmsg(e->fd, all, n, 0), "sendmmsg");
	for (int i = 0; i < done; i++) {
		account(e, all[i].msg_hdr.msg_name, all[i].msg_hdr.msg_namelen, all[i].msg_len, 0);
		sum += all[i].msg_len;
	}
	e->next_to = first + (size_t)done;
	return sum;
}

/* One call that sends up to `want` bytes; accounts for them. */
static uint64_t send_once(struct io *io, uint64_t left, size_t chunk)
{
	struct endpoint *e = io->e;
	size_t want = left < chunk ? left : chunk;
	struct iovec parts[2] = {{io->data, want / 3}, {io->data + want / 3, want - want / 3}};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};
	off_t zero = 0;
	ssize_t n;

	if (e->dress)
		e->dress(e, io->data, want);
	if (is(io, "sendmmsg"))
		return send_many(io, left, chunk);
	if (e->n_to && !e->connected) {
		size_t to = e->next_to++ % e->n_to;
		msg.msg_name = &e->to[to];
		msg.msg_namelen = e->to_len[to];
	}
	if (io->ring)
		n = uring_run(io->ring, io->op, e->fd, &msg);
	else if (is(io, "send"))
		n = send(e->fd, io->data, want, MSG_NOSIGNAL);
	else if (is(io, "write"))
		n = write(e->fd, io->data, want);
	else if (is(io, "writev"))
		n = writev(e->fd, parts, 2);
	else if (is(io, "sendto"))
		n = sendto(e->fd, io->data, want, 0, msg.msg_name, msg.msg_namelen);
	else if (is(io, "sendmsg"))
		n = sendmsg(e->fd, &msg, 0);
	else if (is(io, "zerocopy"))
		n = sendmsg(e->fd, &msg, MSG_ZEROCOPY);
	else if (is(io, "fastopen"))
		n = sendto(e->fd, io->data, want, MSG_FASTOPEN, msg.msg_name, msg.msg_namelen);
	else if (io->tx)
		n = tx_ring_send(io->tx, e, left, chunk);
	else if (is(io, "sendfile"))
		n = sendfile(e->fd, io->file, &zero, want);
	else if (is(io, "splice") || is(io, "vmsplice"))
		n = send_spliced(io, want);
	else
		fail("'%s' is not a way to send", io->method);
	must(n, io->method);
	if (is(io, "fastopen"))
		socket_learn_peer(e); /* by now it has connected */
	account(e, msg.msg_name, msg.msg_namelen, (uint64_t)n, 0);
	return (uint64_t)n;
}

void io_send(struct endpoint *e, const char *method, uint64_t total, size_t chunk)
{
	struct io io;
	io_open(&io, e, method);
	if (!strcmp(method, "txring"))
		io.tx = tx_ring_open(e, chunk);
	while (total)
		total -= send_once(&io, total, chunk);
	io_close(&io);
}

/* Takes up to `want` bytes through the pipe. 0 at the end of the stream. */
static ssize_t recv_spliced(struct io *io, size_t want)
{
	ssize_t n = must(splice(io->e->fd, NULL, io->pipe[1], NULL, want, 0), "splice");
	for (ssize_t left = n; left;)
		left -= must(read(io->pipe[0], io->data, (size_t)left), "read");
	return n;
}

/* What is there, up to MMSG datagrams, in one call. */
static uint64_t recv_many(struct io *io, size_t chunk)
{
	struct mmsghdr all[MMSG] = {0};
	struct iovec parts[MMSG];
	struct sockaddr_storage from[MMSG];
	uint64_t sum = 0;
	for (int i = 0; i < MMSG; i++) {
		parts[i] = (struct iovec){io->data + (size_t)i * (MAX_CHUNK / MMSG), chunk};
		all[i].msg_hdr =
		    (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof from[i]};
	}
	int done = (int)must(recvmmsg(io->e->fd, all, MMSG, MSG_WAITFORONE, NULL), "recvmmsg");
	for (int i = 0; i < done; i++) {
		account(io->e, &from[i], all[i].msg_hdr.msg_namelen, 0, all[i].msg_len);
		sum += all[i].msg_len;
	}
	return sum;
}

/* One call that takes up to `want` bytes; accounts for them. 0 at the end of the stream. */
static uint64_t recv_once(struct io *io, uint64_t left, size_t chunk)
{
	struct endpoint *e = io->e;
	/* A datagram's rest would be lost, a stream's is read by the next call. */
	size_t want = e->type == SOCK_STREAM && left < chunk ? left : chunk;
	struct sockaddr_storage from;
	struct iovec parts[2] = {{io->data, want / 3}, {io->data + want / 3, want - want / 3}};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2, .msg_name = &from, .msg_namelen = sizeof from};
	struct sockaddr *name = msg.msg_name;
	socklen_t *len = &msg.msg_namelen;
	bool told = false; /* the call gives the peer */
	ssize_t n;

	if (is(io, "recvmmsg"))
		return recv_many(io, chunk);
	if (is(io, "peek"))
		io_peek(e, want);
	if (io->ring)
		n = uring_run(io->ring, io->op, e->fd, &msg), told = io->op == URING_RECVMSG;
	else if (is(io, "recv") || is(io, "peek") || (is(io, "mixed") && io->turn++ % 2))
		n = recv(e->fd, io->data, want, 0);
	else if (is(io, "read"))
		n = read(e->fd, io->data, want);
	else if (is(io, "readv"))
		n = readv(e->fd, parts, 2);
	else if (is(io, "recvfrom"))
		n = recvfrom(e->fd, io->data, want, 0, name, len), told = true;
	else if (is(io, "recvmsg"))
		n = recvmsg(e->fd, &msg, 0), told = true;
	else if (is(io, "short"))
		n = recvfrom(e->fd, io->data, want, 0, name, len), told = true;
	else if (is(io, "trunc"))
		n = recvfrom(e->fd, io->data, want, MSG_TRUNC, name, len), told = true;
	else if (is(io, "waitall"))
		n = recv(e->fd, io->data, want, MSG_WAITALL);
	else if (is(io, "splice") || is(io, "mixed"))
		n = recv_spliced(io, want);
	else
		fail("'%s' is not a way to receive", io->method);
	/* A wait that was cut short took nothing: vsock's are, when they have a time limit. */
	if (n < 0 && errno == EINTR)
		return recv_once(io, left, chunk);
	must(n, io->method);
	told = told && !e->connected && msg.msg_namelen;
	account(e, told ? &from : NULL, told ? msg.msg_namelen : 0, 0, (uint64_t)n);
	return (uint64_t)n;
}

void io_recv(struct endpoint *e, const char *method, uint64_t total, size_t chunk)
{
	struct io io;
	io_open(&io, e, method);
	uint64_t left = total;
	while (left) {
		uint64_t n = recv_once(&io, left, chunk);
		if (!n && total == UINT64_MAX)
			break;
		if (!n || n > left)
			fail("%s: %llu bytes came, %llu were left", method, (unsigned long long)n, (unsigned long long)left);
		left -= n;
	}
	io_close(&io);
}

void io_peek(struct endpoint *e, size_t n)
{
	char *data = malloc(n);
	if (!data || recv(e->fd, data, n, MSG_PEEK) < 0)
		die("peek");
	free(data);
}

void io_errqueue(struct endpoint *e)
{
	char data[2048], control[512];
	struct iovec part = {data, sizeof data};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct pollfd wait = {.fd = e->fd};
	if (must(poll(&wait, 1, 10000), "poll") == 0 || !(wait.revents & POLLERR))
		fail("nothing came to the error queue");
	must(recvmsg(e->fd, &msg, MSG_ERRQUEUE), "recvmsg");
}
