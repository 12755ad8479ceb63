/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The format, version 5. All numbers are little-endian; nothing is aligned or padded.
 *
 *   head      magic u32 "PSB\1", version u32, host[16], boot[16], seq u64, previous[32],
 *             n_exes u32, n_texts u32, n_records u32, n_places u32
 *   text      len u32, len bytes, one NUL
 *   hostname  a text
 *   exe       hash_state u8, flags u8, sha256[32], script_state u8, script_sha256[32], path, name,
 *             cmdline, script: texts
 *   text ...  those of the batch
 *   place     owner i64, cgroup, unit, slice, session, engine, container, pod: texts
 *   record    kind u32, start i64, end i64, and then
 *     traffic exe u32, parent u32, grandparent u32, domain u32, uid u32, netns u32, family u8,
 *             direction u8, protocol u16, lport i64, rport i64, laddr, raddr: family u8 and 16 bytes
 *             each, opened i64, closed i64, sent u64, received u64, calls u64, place u32,
 *             domain_source u8, domain_rivals u16
 *     program exe u32, parent u32, grandparent u32, place u32, text u32, uid u32, event u8, role u8,
 *             expected u8, previous[32]
 *     audit   netns u32, layer u32, and as u64: sent, received, packets sent and received, errors,
 *             retransmitted, forwarded, own sent, received and calls, rest sent, received, packets
 *     verdict sha256[32], state u8, previous u8, service u32, path u32, text u32, link u32, malicious u32,
 *             suspicious u32, harmless u32, undetected u32, asked i64, analysed i64
 *     alert   stage u32, text u32, count u64, sent u64, received u64
 *   digest    of the batch's rows: the link of the chain (core/query/chain.h)
 *   checksum  SHA-256 of everything before it
 *
 * A text carries its NUL so that a decoded batch can point into the bytes.
 *
 * Older versions, which may still wait in a journal, are read too. Version 4 had no verdicts. Up to version 3, the
 * digest was the checksum. Version 2 had no places, scripts
 * and programs, and traffic ended with its calls. In version 1, traffic had no direction, opened and
 * closed either, a protocol u8, and ports i32.
 */
#ifndef PS_DELIVERY_CODEC_FORMAT_H
#define PS_DELIVERY_CODEC_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/record.h"

#define CODEC_MAGIC 0x01425350u
#define CODEC_VERSION 5u

enum {
	AT_SEQ = 40,
	AT_PREVIOUS = 48,
	AT_N_RECORDS = 88,
	HEAD_SIZE = 96,
	HEAD_SIZE_2 = 92, /* up to version 2 */
	TEXT_MIN = 5,
	EXE_FIXED = 67,
	EXE_FIXED_2 = 34,
	EXE_MIN = EXE_FIXED_2 + 3 * TEXT_MIN,
	PLACE_MIN = 8 + 7 * TEXT_MIN,
	RECORD_FIXED = 20,
	TRAFFIC_SIZE = 125,
	TRAFFIC_SIZE_2 = 118,
	TRAFFIC_SIZE_1 = 92,
	PROGRAM_SIZE = 59,
	ALERT_SIZE = 32,
	CHECKSUM_SIZE = 32,
	AUDIT_SIZE = 8 + 8 * 13,
	FINDING_SIZE = 34 + 8 * 4 + 2 * 8,
	RECORD_MIN = RECORD_FIXED + ALERT_SIZE,
};

/* How many of the 16 bytes of an address mean something. */
static inline size_t addr_size(uint8_t family)
{
	return family == AF_INET || family == AF_VSOCK ? 4 : family == AF_INET6 ? 16 : 0;
}

#endif
