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
	int type; /* SOCK_STREAM, SOCK_DGRAM, ... */
	bool connected, portless;
	/* Makes of len bytes, before they are sent, what this kind of socket wants: a frame, a request. */
	void (*dress)(const struct endpoint *, char *data, size_t len);
	uint16_t ethertype;           /* of frames */
	struct in_addr of_tun;        /* address of the device on our side */
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
/* The same, but what this kernel does not have ends with status 77. */
ssize_t have(ssize_t value, const char *what);
/* A whole number between 0 and max, or the end of the process. */
uint64_t number(const char *text, uint64_t max);
/* The words of `text` between commas, at most n, the rest NULL; gives how many. They stay in memory: the
 * arguments are left as they were given, since others read them. */
size_t split(const char *text, char **words, size_t n);

/* Adds to the account of a peer; NULL: of the connected one, or of nobody when there is none. */
void account(struct endpoint *, const struct sockaddr_storage *peer, socklen_t len, uint64_t sent, uint64_t received);

/* traffic_socket.c: kinds of sockets, and what is set on them. */
void socket_open(struct endpoint *, const char *spec);
/* ADDR and PORT as a socket address. Gives its length. */
socklen_t socket_address(const char *addr, const char *port, struct sockaddr_storage *out);
void socket_learn_peer(struct endpoint *);
void socket_say_port(int fd);
void socket_ktls(struct endpoint *);
void socket_expect_syn_data(struct endpoint *);
void socket_pass(struct endpoint *, const char *path);

/* traffic_frames.c: what is sent with headers of its own. */
void frame_echo(const struct endpoint *, char *data, size_t len);
void frame_ethernet(const struct endpoint *, char *data, size_t len);
void frame_ip(const struct endpoint *, char *data, size_t len);
/* A tun or tap device of this network namespace, gone when it is closed. */
void tun_open(struct endpoint *, const char *kind, const char *name, const char *addr);
/* Frames sent through memory that is shared with the kernel (PACKET_TX_RING). */
struct tx_ring;
struct tx_ring *tx_ring_open(struct endpoint *, size_t frame);
/* Sends up to total bytes in one call. Gives what it said. */
ssize_t tx_ring_send(struct tx_ring *, struct endpoint *, uint64_t total, size_t chunk);
void tx_ring_close(struct tx_ring *);

/* traffic_io.c: the steps `send,METHOD,TOTAL[,CHUNK]` and `recv,METHOD,TOTAL|eof[,CHUNK]`. */
void io_send(struct endpoint *, const char *method, uint64_t total, size_t chunk);
void io_recv(struct endpoint *, const char *method, uint64_t total, size_t chunk);
/* Looks at up to n bytes without taking them. */
void io_peek(struct endpoint *, size_t n);
/* Reads the error queue until something was there; what it gives is not received data. */
void io_errqueue(struct endpoint *);

/* traffic_uring.c: one operation at a time on a ring of the calling thread. `how` is "uring",
 * "async" (done by a worker thread of the kernel) or "sqpoll" (submitted by one). */
enum uring_op {
	URING_SEND,
	URING_SENDMSG,
	URING_WRITE,
	URING_ZC,
	URING_MSGZC,
	URING_RECV,
	URING_RECVMSG,
	URING_READ,
	URING_SELECT,    /* a receive into a buffer that was provided */
	URING_MULTISHOT, /* one request, many receives */
};
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
int load_scatter(int argc, char **argv);
int load_pingpong(int argc, char **argv);

#endif
