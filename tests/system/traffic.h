/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The traffic generator: what its files share. A process of it has one socket (an endpoint), does
 * steps on it, and keeps an account of what the kernel told it that it sent and received.
 */
#ifndef PS_TESTS_SYSTEM_TRAFFIC_H
#define PS_TESTS_SYSTEM_TRAFFIC_H

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MAX_FLOWS 64
#define MAX_CHUNK (1u << 20)

/* What went to and came from one peer. len 0: the caller was not told the peer. */
struct flow {
	struct sockaddr_storage peer;
	socklen_t len;
	uint64_t sent, received;
};

struct endpoint {
	int fd;
	int type; /* SOCK_STREAM, SOCK_DGRAM */
	bool connected;
	struct sockaddr_storage peer; /* when connected: kept, since a reset connection forgets it */
	socklen_t peer_len;
	struct flow flows[MAX_FLOWS];
	size_t n_flows;
	struct sockaddr_storage to[MAX_FLOWS]; /* peers that an unconnected socket sends to, in turn */
	socklen_t to_len[MAX_FLOWS];
	size_t n_to, next_to;
	pthread_mutex_t lock;
};

/* Ends the process with a message; errno is told when it is set. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
/* The same for what is not a system call's fault. */
#define fail(...) (errno = 0, die(__VA_ARGS__))
/* The value, or the end of the process when it is negative. */
ssize_t must(ssize_t value, const char *what);
/* A whole number between 0 and max, or the end of the process. */
uint64_t number(const char *text, uint64_t max);
/* ADDR and PORT as a socket address. Gives its length. */
socklen_t address(const char *addr, const char *port, struct sockaddr_storage *out);

/* Adds to the account of a peer; NULL: of the connected one, or of nobody when there is none. */
void account(struct endpoint *, const struct sockaddr_storage *peer, socklen_t len, uint64_t sent, uint64_t received);

/* traffic_io.c: the steps `send,METHOD,TOTAL[,CHUNK]` and `recv,METHOD,TOTAL|eof[,CHUNK]`. */
void io_send(struct endpoint *, const char *method, uint64_t total, size_t chunk);
void io_recv(struct endpoint *, const char *method, uint64_t total, size_t chunk);
/* Looks at up to n bytes without taking them. */
void io_peek(struct endpoint *, size_t n);
/* Reads the error queue until something was there; what it gives is not received data. */
void io_errqueue(struct endpoint *);

/* traffic_uring.c: one operation at a time on a ring of the calling thread. `how` is "uring",
 * "async" (done by a worker thread of the kernel) or "sqpoll" (submitted by one). */
enum uring_op { URING_SEND, URING_SENDMSG, URING_WRITE, URING_ZC, URING_RECV, URING_RECVMSG, URING_READ };
struct uring;
struct uring *uring_open(const char *how);
/* The operation's result, or the end of the process on an error. */
ssize_t uring_run(struct uring *, enum uring_op, int fd, struct msghdr *msg);
void uring_close(struct uring *);

/* traffic_load.c: loads; each is a whole program of its own with the arguments after its name. */
int load_spawn(int argc, char **argv);
int load_flood_send(int argc, char **argv);
int load_pace(int argc, char **argv);
int load_flood_recv(int argc, char **argv);
int load_churn(int argc, char **argv);
int load_churn_serve(int argc, char **argv);
int load_pingpong(int argc, char **argv);

#endif
