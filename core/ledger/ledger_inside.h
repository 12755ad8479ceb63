/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ledger.c, where rows are added up, and ledger_window.c, where they are written, share. */
#ifndef PS_LEDGER_INSIDE_H
#define PS_LEDGER_INSIDE_H

#include <stdbool.h>
#include <string.h>

#include "core/base/table.h"
#include "core/ledger/ignore.h"
#include "core/ledger/ledger.h"

/* What tells one row from another. No padding: it is compared as bytes. */
struct row_key {
	struct lineage who;
	uint32_t uid, netns;
	int64_t lport, rport;
	uint16_t protocol;
	uint8_t family, direction;
	uint8_t laddr_family, raddr_family;
	uint8_t ignored; /* left out of the log: the row is there for its program alone */
	uint8_t pad;
	uint8_t laddr[16], raddr[16];
	const char *domain; /* of rows that are added up because some of it is not recorded */
};

_Static_assert(sizeof(struct row_key) == 104, "row keys must have no holes");

struct row {
	struct row_key key;
	int64_t start_ns;
	int64_t opened_ns, closed_ns; /* of the first and the last connection that it holds */
	uint64_t sent, received, calls;
	struct wire_image image;     /* whose bytes came last */
	int64_t first_ns;            /* since boot: when the row was begun */
	struct domain_answer domain; /* as the window ends */
	unsigned held;               /* windows that it has waited for a hash */
	size_t text;                 /* of an execution: bytes of its command lines */
	bool written;
};

struct ledger {
	struct processes *processes;
	struct executables *executables;
	struct losses *losses;
	struct ledger_origin origin;
	ledger_encode encode;
	size_t max_rows;
	struct table rows;
	size_t executions, execution_text; /* rows of executions, and their command lines */
	struct ledger_stats stats;
	struct ps_record *more; /* ledger_append() */
	size_t n_more;
	bool addresses, commands, ports; /* [log] */
	struct ignore *ignore;           /* NULL: nothing is left out */
	struct writer *writer;           /* of the window that ends */
	struct first_seen *first_seen;   /* NULL: nobody is told */
	struct domains *domains;         /* NULL: there are no names */
	void (*nameless)(void *arg, const struct observation *, const struct lineage *);
	bool (*awaited)(void *arg, uint32_t netns, const struct ps_addr *);
	void *nameless_arg;
	size_t unnamed;                                      /* rows that the window which ends leaves for the next */
	void (*seen)(void *arg, const struct ledger_seen *); /* NULL: nobody looks on */
	void *seen_arg;
};

/* Of a program that was executed, not of traffic. */
static inline bool row_is_execution(const struct row_key *key)
{
	return !key->family;
}

static inline struct ps_addr row_address(uint8_t family, const uint8_t bytes[16])
{
	struct ps_addr a = {.family = family};

	memcpy(a.bytes, bytes, sizeof(a.bytes));
	return a;
}

/* Whether what is known at once says that it is left out: all but its domain and its hash. */
bool row_is_ignored(const struct ledger *, const struct row_key *);

void row_add(struct row *, int64_t opened_ns, int64_t closed_ns, uint64_t sent, uint64_t received, uint64_t calls);

/* Takes it out of `rows` and frees it. */
void row_free(struct ledger *, struct table *rows, struct row *);

#endif
