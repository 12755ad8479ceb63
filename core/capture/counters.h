/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's own counters of one network namespace, out of the text of /proc/PID/net. Pure.
 * IPv4 and IPv6 are added up where nothing depends on which it was.
 */
#ifndef PS_CAPTURE_COUNTERS_H
#define PS_CAPTURE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum counter {
	/* Interfaces but lo. A frame's bytes are with its link header. */
	LINK_IN_BYTES,
	LINK_IN_PACKETS,
	LINK_OUT_BYTES,
	LINK_OUT_PACKETS,
	LINK_ERRORS,
	LOOPBACK_BYTES, /* each way: what lo sends it receives */
	/* Of the above, interfaces that the kernel wraps into packets of its own: WireGuard, ... */
	TUNNEL_IN_BYTES,
	TUNNEL_OUT_BYTES,
	/* Packets and their bytes with the IP header; one that is segmented later is one. */
	IP4_IN_PACKETS,
	IP4_OUT_PACKETS,
	IP6_IN_PACKETS,
	IP6_OUT_PACKETS,
	IP_IN_BYTES,
	IP_OUT_BYTES,
	IP_FORWARDED, /* packets */
	IP_ERRORS,
	/* Of what came in, what was for everybody: multicast and broadcast. */
	IP4_CAST_PACKETS,
	IP6_CAST_PACKETS,
	IP_CAST_BYTES,
	TCP_IN, /* segments */
	TCP_OUT,
	TCP_AGAIN, /* retransmitted, not in TCP_OUT */
	TCP_ERRORS,
	UDP_IN, /* datagrams that were read, or went into a tunnel of the kernel */
	UDP_OUT,
	UDP_ERRORS, /* nobody listens, no room, checksum */
	UDPLITE_IN,
	UDPLITE_OUT,
	UDPLITE_ERRORS,
	ICMP_IN,
	ICMP_OUT,
	ICMP_ERRORS,
	COUNTERS
};

struct counters {
	uint64_t value[COUNTERS];
};

enum counters_file { COUNTERS_DEV, COUNTERS_SNMP, COUNTERS_NETSTAT, COUNTERS_SNMP6, COUNTERS_FILES };

/* Its name in /proc/PID/net. */
const char *counters_file_name(enum counters_file);

/* Adds what a file says. What it does not know of, or cannot read, it leaves out. is_tunnel tells
 * of an interface's name (any bytes but NUL) whether the kernel tunnels what it sends; may be NULL. */
typedef bool (*counters_is_tunnel)(void *arg, const char *name, size_t len);
void counters_parse(struct counters *, enum counters_file, const char *text, size_t len, counters_is_tunnel, void *arg);

/* What was added between two readings. A counter of 32 bits that wrapped is understood; one that
 * was reset, as when an interface goes, has added nothing that is known: 0. */
void counters_since(struct counters *out, const struct counters *before, const struct counters *now);

#endif
