/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The self-audit: what the kernel's own counters of a network namespace say, beside what was
 * observed, and the rest. Main thread only.
 *
 * Exact is UDP, and UDP-Lite: each call that moves a datagram counts it once here and once in the
 * kernel. A rest there are datagrams for a tunnel of the kernel (WireGuard, VXLAN), which no call
 * reads; a negative one datagrams that several calls made (MSG_MORE), or that the kernel dropped
 * when they were sent. All else is an estimate: IP counts headers, retransmissions and what is on
 * its way, which may be counted here in one window and there in the next.
 */
#ifndef PS_LEDGER_AUDIT_H
#define PS_LEDGER_AUDIT_H

#include "core/capture/decode.h"
#include "core/capture/namespaces.h"
#include "core/ledger/losses.h"

struct audit;

/* Losses are told of a rest that is too large. */
struct audit *audit_open(struct losses *);
void audit_close(struct audit *);

void audit_add(struct audit *, const struct observation *);

/* Tells the namespaces that were seen since the last reading. */
void audit_hint(const struct audit *, struct namespaces *);

/*
 * Takes in a reading, and calls `each` for what came of every namespace and layer since the one
 * before; the record lives until it returns. The first reading of a namespace only begins.
 *
 * When the rest of IP in one direction, beyond a tenth of what the kernel counted, has come to
 * more than `threshold` bytes, there is an alert and it begins anew; 0: never. What was sent but
 * is not on its way yet makes a negative rest, so as much as the threshold is kept as credit. A
 * namespace that forwards is not judged: nobody counts the bytes of what is forwarded.
 */
void audit_read(struct audit *, const struct namespace_counters *, size_t n, int64_t wall_ns, int64_t threshold,
                void (*each)(void *arg, const struct ps_record *), void *arg);

/* Sums since the first reading. */
struct audit_total {
	uint32_t netns;
	int64_t since_ns, last_ns;
	struct ps_audit ip, udp;
	uint64_t alerts;
};
/* Of the i-th namespace, NULL behind the last. */
const struct audit_total *audit_total(const struct audit *, size_t i);

#endif
