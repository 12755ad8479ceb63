/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The self-test's child: `picosnitch self-traffic`, with a socket to who started it as file
 * descriptor 3. It makes a network namespace, says so, waits for a word, moves a known amount over
 * each path, and says what it moved. One message each (SOCK_SEQPACKET): struct self_hello, a byte,
 * an array of SELF_PATHS struct self_moved.
 */
#ifndef PS_CAPTURE_SELF_TRAFFIC_H
#define PS_CAPTURE_SELF_TRAFFIC_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "core/capture/self_test.h"

#define SELF_FD 3

struct self_hello {
	char why[80]; /* not empty: it cannot be done */
};

int self_traffic_main(int argc, char **argv);

/* ---- private: what the parts of the child share ---- */

/* One path while it is tried. */
struct way {
	enum self_path path;
	const struct self_path_info *info;
	struct self_moved *moved;
	int ends[2]; /* the socket that sends, and the one that receives */
	int fds[8];  /* to be closed */
	unsigned n_fds;
};

/* A step: true, or false after way_failed(). */
typedef bool (*way_step)(struct way *);

/* Says what could not be done, with errno. False. */
bool way_failed(struct way *, const char *what);
/* Keeps fd, which may be -1, to be closed after the path. fd. */
int way_hold(struct way *, int fd);
/* A socket whose calls last no longer than a moment; -1 after way_failed(). */
int way_socket(struct way *, int family, int type, int protocol);
/* The address of an end. */
socklen_t way_address(const struct way *, int end, struct sockaddr_storage *);
/* A socket that is bound to the address of an end. */
int way_bound(struct way *, int end, int type);
/* Adds what a call returned, when it moved something; else says which call failed. */
bool way_sent(struct way *, ssize_t n, const char *call);
bool way_received(struct way *, ssize_t n, const char *call);
size_t way_left(const struct way *);    /* to be sent */
size_t way_pending(const struct way *); /* sent, and not yet received */

/* What is sent, and room to receive. */
extern char way_data[16384];

/* self_traffic_io.c: ways to send and to receive */
bool send_plainly(struct way *), send_write(struct way *), send_msg(struct way *), send_file(struct way *),
    send_splice(struct way *), send_zerocopy(struct way *), send_uring(struct way *), send_uring_zc(struct way *),
    send_to(struct way *), send_mmsg(struct way *), send_segments(struct way *), send_uring_msg(struct way *),
    send_fastopen(struct way *);
bool receive_plainly(struct way *), receive_read(struct way *), receive_msg(struct way *), receive_splice(struct way *),
    receive_peek(struct way *), receive_uring(struct way *), receive_from(struct way *), receive_mmsg(struct way *),
    receive_uring_msg(struct way *);

/* self_traffic_rare.c: paths beside TCP and UDP */
bool open_ping(struct way *), send_ping(struct way *), open_raw(struct way *), open_packet(struct way *),
    send_packet(struct way *), open_ring(struct way *), send_ring(struct way *), open_tun(struct way *),
    send_tun(struct way *), receive_tun(struct way *), open_tls(struct way *);
/* Whether the kernel has TLS as it is: asked first, as only the first network namespace says so. */
void look_for_tls(void);

#endif
