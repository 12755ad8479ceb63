/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what the kernel side wrote to what the core works with. Pure: bytes in, values out. */
#ifndef PS_CAPTURE_DECODE_H
#define PS_CAPTURE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "core/base/value.h"

/* Bytes that one program image moved in one flow, between two drains. */
struct observation {
	struct wire_image image;
	uint32_t uid, netns;
	uint8_t family, direction; /* enum ps_direction */
	uint16_t protocol;
	int64_t lport, rport; /* -1: no ports here; 0: not known */
	struct ps_addr laddr, raddr;
	int64_t opened_ns, closed_ns; /* since boot; 0: not known, or not yet */
	uint64_t sent, received, calls;
	bool began; /* here the connection became this image's, which is told once */
};

/* Decodes the pair at data[0..len). IPv4-mapped addresses become IPv4; an address of zeros is not
 * known. 0, or -EINVAL when the bytes are not a flow. */
#define DECODE_FLOW_SIZE (sizeof(struct wire_flow_key) + sizeof(struct wire_flow))
int decode_flow(struct observation *, const void *data, size_t len);

/* One event of the ring buffer, checked: lengths within bounds, text ended. */
struct process_event {
	enum wire_kind kind;
	struct wire_image image;
	struct wire_image forker, parent; /* FORK: both; EXEC: parent */
	uint64_t cgroup;                  /* FORK, EXEC, MOVE: where it is; CGROUP: the one that was made */
	struct wire_file file;            /* EXEC */
	struct wire_folder root, cwd;     /* EXEC */
	char way[WIRE_WAY + 1];           /* EXEC: a path from the root of the mounts; "": not known ... */
	bool way_of_file;                 /* ... of the file, if its mounts may end with the process; else of cwd */
	uint64_t time_ns;                 /* EXEC: since boot */
	bool interpreted;                 /* EXEC: filename was handed to an interpreter */
	const char *comm, *filename;      /* EXEC: into data, NUL-terminated */
	uint32_t uid, gid, netns;         /* EXEC */
	uint32_t args_total;              /* EXEC */
	uint32_t offset;                  /* ARGS: where these go */
	struct ps_text args;              /* EXEC, ARGS: into data; no NUL behind it */
	struct ps_text path;              /* CGROUP: into data; empty: longer than the kernel tells */
};

/* 0, or -EINVAL when the bytes are not an event. */
int decode_event(struct process_event *, const void *data, size_t len);

/* Bytes that tell the names of addresses, checked: all of them are there. */
struct evidence_event {
	enum wire_evidence_kind kind;
	struct wire_image image; /* who received them, or sent them */
	uint32_t netns;
	uint16_t rport;                          /* whence */
	struct observation flow;                 /* of TLS: on which connection */
	uint64_t stream;                         /* of TCP: which; 0: a datagram */
	uint32_t seq;                            /* of TCP: the place of the first byte */
	uint32_t total;                          /* how many there were; text has the first of them */
	int64_t time_ns;                         /* since boot */
	struct ps_text text;                     /* into data; no NUL behind it; of a lookup the name */
	struct ps_addr found[WIRE_LOOKUP_FOUND]; /* of a lookup; without a family: nothing */
};

/* 0, or -EINVAL when the bytes are no such event. */
int decode_evidence(struct evidence_event *, const void *data, size_t len);

#endif
