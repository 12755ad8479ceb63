/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Observations added up into rows, window by window; a window that ends becomes encoded batches.
 * Main thread only.
 */
#ifndef PS_LEDGER_LEDGER_H
#define PS_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/capture/addresses.h"
#include "core/capture/decode.h"
#include "core/config/settings.h"
#include "core/identify/domain.h"
#include "core/identify/process.h"
#include "core/ledger/finding.h"
#include "core/ledger/first_seen.h"
#include "core/ledger/losses.h"

struct ledger;

/* What a batch says of where it comes from. */
struct ledger_origin {
	uint8_t host[PS_ID_SIZE], boot[PS_ID_SIZE];
	const char *hostname;
};

/* Encodes one batch: core/delivery/codec.h's codec_encode(), which lies downstream of here. */
typedef void (*ledger_encode)(struct buf *out, const struct ps_batch *);

/* max_rows: beyond that many rows in a window, traffic is kept per program only, without
 * addresses and ports; beyond a quarter of it, executions are kept without command lines; beyond
 * twice as many, all is kept without its program. Each is said. Begins the first window. */
struct ledger *ledger_open(struct processes *, struct executables *, struct losses *, const struct ledger_origin *,
                           ledger_encode, size_t max_rows);
void ledger_close(struct ledger *);

/* What is recorded, and what is left out, from now on; also of the window that is open. Copies what
 * it needs. Before the first call, all is recorded. */
void ledger_set_log(struct ledger *, const struct log_settings *);

/* Whether addresses of this machine are asked for, and those: they replace the ones before. */
bool ledger_wants_addresses(const struct ledger *);
void ledger_set_addresses(struct ledger *, const struct own_addresses *);

/* Where rows get the names of their remote addresses: they are asked for as a window ends, so that
 * what is learnt meanwhile counts. Before the first call, rows have none. */
void ledger_name_by(struct ledger *, struct domains *);

/* As soon as a row begins that has no name yet, and may have one: asks for it. After ledger_name_by(). NULL: nobody.
 * When its window ends, and it has none: whether one is to be expected shortly. Such rows stay for the next window, up
 * to LEDGER_UNNAMED_MAX of them, for as long as that is the answer; what they hold goes on adding up. NULL: never. */
enum { LEDGER_UNNAMED_MAX = 1024 };
void ledger_on_nameless(struct ledger *,
                        void (*nameless)(void *arg, const struct observation *, const struct lineage *),
                        bool (*awaited)(void *arg, uint32_t netns, const struct ps_addr *), void *arg);

/* Who is seen from now on is told to it. */
void ledger_ask(struct ledger *, struct first_seen *);

/* What is seen, as it is added, as far as [log] records it; all of it lives until the call returns. */
struct ledger_seen {
	struct observation what; /* left out: nothing but whose it was, and how much */
	const struct lineage *who;
	struct domain_answer domain;
	bool ignored; /* [log] leaves it out of the records */
};

/* Shows that from now on. NULL: to nobody, which costs nothing. */
void ledger_show(struct ledger *, void (*seen)(void *arg, const struct ledger_seen *), void *arg);

/* Adds what was observed to the window. Without a family, it is an execution: see executions.h. */
void ledger_add(struct ledger *, const struct observation *);

/* Adds a record of another kind, which refers to no executable and no text: it goes with the window. */
void ledger_append(struct ledger *, const struct ps_record *);

/* Ends the window and begins the next: its rows and alerts, as encoded batches (the caller's to
 * free, like the array). Rows whose executables are still being hashed stay for the next window,
 * twice at most, and so do some without a name, see ledger_on_nameless(); `final`: none stay. Returns
 * how many batches. */
size_t ledger_end_window(struct ledger *, int final, struct buf **batches, int64_t *end_ns);

/* What is new about programs, as batches without the window's rows (the caller's, as above); each is
 * said to `note` as well. Returns how many batches. */
size_t ledger_programs(struct ledger *, struct buf **batches, void (*note)(void *arg, const struct first_note *),
                       void *arg);

/* A verdict, as a batch of its own (the caller's, as above). Returns how many batches: one. */
size_t ledger_finding(struct ledger *, struct buf **batches, const struct finding *);

struct ledger_stats {
	uint64_t rows;                  /* in the window that is open */
	uint64_t windows;               /* that have ended */
	uint64_t sent, received, calls; /* since start */
	uint64_t executions;            /* since start, with [core] every_exe */
	struct {
		uint64_t sent, received, calls; /* of these, what [log] leaves out */
	} ignored;
	int64_t window_start_ns;
};
void ledger_get_stats(const struct ledger *, struct ledger_stats *);

#endif
