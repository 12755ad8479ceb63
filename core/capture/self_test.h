/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The self-test: a child (self_child.h) moves known amounts over every path that picosnitch claims
 * to count, in a network namespace of its own; what was observed there must be the same. Here is
 * the comparison. Pure: no I/O.
 */
#ifndef PS_CAPTURE_SELF_TEST_H
#define PS_CAPTURE_SELF_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/capture/decode.h"
#include "core/config/settings.h"

/* A path: a kind of socket, and a way to move bytes through it. */
enum self_path {
	SELF_TCP4,
	SELF_TCP6,
	SELF_TCP_MAPPED,
	SELF_TCP_WRITE,
	SELF_TCP_MSG,
	SELF_TCP_SENDFILE,
	SELF_TCP_SPLICE_OUT,
	SELF_TCP_SPLICE_IN,
	SELF_TCP_PEEK,
	SELF_TCP_ZEROCOPY,
	SELF_TCP_FASTOPEN,
	SELF_TCP_URING,
	SELF_TCP_URING_ZC,
	SELF_TCP_TLS,
	SELF_UDP4,
	SELF_UDP6,
	SELF_UDP_MAPPED,
	SELF_UDP_CONNECTED4,
	SELF_UDP_CONNECTED6,
	SELF_UDP_RECV,
	SELF_UDP_MMSG,
	SELF_UDP_GSO,
	SELF_UDP_URING,
	SELF_UDPLITE,
	SELF_SCTP,
	SELF_MPTCP,
	SELF_PING4,
	SELF_PING6,
	SELF_RAW4,
	SELF_RAW6,
	SELF_PACKET,
	SELF_PACKET_RING,
	SELF_VSOCK,
	SELF_TUN,
	SELF_PATHS
};

struct self_path_info {
	const char *name;
	uint16_t family, protocol;                          /* as an observation has them */
	bool ports;                                         /* it is found by them, else by family and protocol */
	enum { PEER_MUST, PEER_FEXIT_MUST, PEER_MAY } peer; /* whether the other end must be known */
	uint16_t bytes;                                     /* what is sent: a prime that no other path has */
};
extern const struct self_path_info self_paths[SELF_PATHS];

/* The local port of the end that sends (0) and of the one that receives (1). */
#define SELF_PORT(path, end) (20000 + 2 * (int)(path) + (int)(end))
/* The identifier of ping sockets, which is where ports would be. */
#define SELF_PING_ID 1

/* What the child says of a path: what its calls returned. */
struct self_moved {
	uint64_t sent, received;
	char why[80]; /* not empty: it could not be tried, and why */
};

enum self_verdict {
	SELF_COUNTED,     /* exactly */
	SELF_NOT_COUNTED, /* other bytes were seen than moved, or as another protocol */
	SELF_NO_PEER,     /* exactly, but with whom is not known, or wrong */
	SELF_NOT_TRIED,   /* this kernel does not have it */
};

/* What came of a path. */
struct self_result {
	enum self_verdict verdict;
	struct self_moved moved;
	uint64_t sent, received;  /* as observed */
	bool no_peer[2], seen[2]; /* while sending, while receiving */
	uint16_t as_protocol;     /* 0: the right one */
};

enum self_state {
	SELF_OFF,     /* [core] self_test = no */
	SELF_RUNNING, /* no results yet */
	SELF_PASSED,
	SELF_FAILED, /* a path that was tried does not count */
	SELF_BROKEN, /* it could not be run */
};

struct self_test {
	enum self_state state;
	enum hooks door;
	uint32_t netns; /* the child's, as long as its flows may come; 0: none */
	int64_t took_ns;
	char why[160]; /* SELF_BROKEN */
	struct self_result results[SELF_PATHS];
	unsigned n[SELF_NOT_TRIED + 1]; /* paths by verdict */
};

/* Takes what was observed, if it is the child's: false if it is not. */
bool self_test_observe(struct self_test *, const struct observation *);

/* All that was observed has been taken: judges each path, and sets the state. moved is NULL if the
 * child did not say what it moved, because of `why`. */
void self_test_judge(struct self_test *, const struct self_moved moved[SELF_PATHS], const char *why);

/* For a person: "exact", "0 of 10007"; with whom: "yes", "no", "sending", "receiving"; the verdict. */
void self_result_bytes(char *out, size_t size, uint64_t seen, uint64_t moved);
const char *self_result_peer(const struct self_result *);
const char *self_result_verdict(const struct self_result *);

/* One line on a path that does not count. */
void self_result_text(char *out, size_t size, const struct self_test *, enum self_path);

const char *self_test_state(const struct self_test *); /* "off", "running", ... */

#endif
