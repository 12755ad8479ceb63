/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of DNS out of TCP, where each has its length before it: put together from the pieces in
 * which a program read them. Pure, and bounded: of more connections at a time than there is room for,
 * the one that was quiet for longest is forgotten.
 */
#ifndef PS_IDENTIFY_DNS_STREAM_H
#define PS_IDENTIFY_DNS_STREAM_H

#include <stddef.h>
#include <stdint.h>

#define DNS_STREAMS 32       /* connections at a time */
#define DNS_STREAM_KEPT 8192 /* bytes of one message; the rest is left out */

struct dns_streams;

struct dns_piece {
	uint64_t stream; /* which connection */
	uint32_t seq;    /* the place of the first byte in it */
	uint32_t total;  /* how many bytes were read ... */
	size_t len;      /* ... and how many of them, the first, are here */
	const void *data;
};

typedef void (*dns_stream_each)(void *arg, const void *message, size_t len);

struct dns_streams *dns_streams_open(void);
void dns_streams_close(struct dns_streams *);

/* Takes the next piece, and tells of each message that ends in it, whole or cut; it lives until the
 * function returns. A piece that does not go on where the one before ended begins a message. */
void dns_streams_take(struct dns_streams *, const struct dns_piece *, dns_stream_each, void *arg);

#endif
