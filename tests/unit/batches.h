/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches for tests: made from a number, so that what comes back can be told. */
#ifndef PS_TESTS_BATCHES_H
#define PS_TESTS_BATCHES_H

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/delivery/codec.h"

#define TEXT(s)                                                                                                        \
	{                                                                                                                  \
		(s), sizeof(s) - 1                                                                                             \
	}
#define NOWHERE                                                                                                        \
	{                                                                                                                  \
		{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}, -1                                              \
	}

/* n records of traffic that each sent `number` bytes, and so many alerts, encoded. */
static inline void batch_make_with(struct buf *out, uint32_t n, uint64_t number, uint32_t alerts)
{
	static const struct ps_exe exes[] = {
	    {.path = {"", 0}, .name = {"", 0}, .cmdline = {"", 0}, .script = {"", 0}},
	    {.path = {"/usr/bin/curl", 13},
	     .name = {"curl", 4},
	     .cmdline = {"curl\0-s\0", 8},
	     .hash_state = PS_HASH_OK,
	     .flags = PS_EXE_CMDLINE_CUT | PS_EXE_SCRIPT_UNSURE,
	     .sha256 = {1, 2, 3},
	     .script = {"/x\xff", 3},
	     .script_state = PS_HASH_OK,
	     .script_sha256 = {4}},
	    {.path = {"/bin/\xff\n", 7},
	     .name = {"\0x", 2},
	     .cmdline = {"", 0},
	     .hash_state = PS_HASH_GONE,
	     .script = {"", 0}},
	};
	static const struct ps_text texts[] = {{"", 0}, {"com.example", 11}, {"something was lost", 18}};
	static const struct ps_place places[] = {
	    NOWHERE,
	    {TEXT("/a.slice/b.scope"), TEXT("b.scope"), TEXT("a.slice"), TEXT("3"), TEXT("lxc"), TEXT("c\xff"), TEXT("p"),
	     0},
	};
	struct ps_record *records = mem_alloc((n + alerts) * sizeof(*records));
	struct ps_batch batch = {.host = {7},
	                         .boot = {8},
	                         .hostname = TEXT("host"),
	                         .n_exes = 3,
	                         .n_places = 2,
	                         .n_texts = 3,
	                         .n_records = n + alerts,
	                         .exes = exes,
	                         .places = places,
	                         .texts = texts,
	                         .records = records};

	for (uint32_t i = 0; i < n; i++) {
		records[i] = (struct ps_record){.kind = PS_TRAFFIC, .start_ns = 1000, .end_ns = 2000 + i};
		records[i].traffic = (struct ps_traffic){.exe = 1,
		                                         .parent = 2,
		                                         .domain = 1,
		                                         .uid = 1000,
		                                         .netns = 4026531840u,
		                                         .family = AF_INET6,
		                                         .direction = PS_DIRECTION_IN,
		                                         .protocol = IPPROTO_MPTCP,
		                                         .lport = -1,
		                                         .rport = 65535,
		                                         .laddr = {AF_INET, {127, 0, 0, 1}},
		                                         .raddr = {AF_INET6, {0x20, 1, 0xd, 0xb8, [15] = 9}},
		                                         .opened_ns = 900,
		                                         .closed_ns = INT64_MAX,
		                                         .sent = number,
		                                         .received = 1,
		                                         .calls = 3,
		                                         .place = 1,
		                                         .domain_source = PS_DOMAIN_PTR,
		                                         .domain_rivals = 65535};
	}
	for (uint32_t i = n; i < n + alerts; i++) {
		records[i] = (struct ps_record){.kind = PS_ALERT, .start_ns = 500, .end_ns = 600};
		records[i].alert = (struct ps_alert){PS_STAGE_FLOWS, 2, 4, 5, 6};
	}
	codec_encode(out, &batch);
	free(records);
}

static inline void batch_make(struct buf *out, uint32_t n, uint64_t number)
{
	batch_make_with(out, n, number, 1);
}

#endif
