/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a courier and its sink's host say to each other over their socket, in frames:
 * length of the body u32, type u8, body. Numbers are little-endian; texts within a body are a
 * u32 length and the bytes. Pure, apart from the blocking pair that the host uses.
 *
 *   courier -> host    HELLO first, then BATCH one at a time, each after the last one's VERDICT
 *   host -> courier    READY after each opening; BEGUN and VERDICT for each BATCH; any time LOG,
 *                      STATS, GIVE_UP, and SET_ASIDE, ROTATE or FOUND, which DONE answers
 */
#ifndef PS_DELIVERY_FRAME_H
#define PS_DELIVERY_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

enum frame_type {
	FRAME_HELLO = 1,  /* log level u8, sink, plugin folder, plugin, n u32; n times key, number u64, text */
	FRAME_OPEN,       /* try to open again */
	FRAME_BATCH,      /* an encoded batch */
	FRAME_DONE,       /* result u32: 0 or an errno */
	FRAME_READY = 65, /* verdict u8, why */
	FRAME_BEGUN,      /* seq u64: write() is being called */
	FRAME_VERDICT,    /* seq u64, verdict u8, why */
	FRAME_LOG,        /* level u8, line */
	FRAME_STATS,      /* line */
	FRAME_SET_ASIDE,  /* key, reason */
	FRAME_ROTATE,     /* key, keep u32 */
	FRAME_FOUND,      /* found.h */
	FRAME_GIVE_UP,    /* why */
};

enum {
	FRAME_HEAD = 5,
	FRAME_TEXT_MAX = 4096,     /* of a line or a reason */
	FRAME_UP_MAX = 16 * 1024,  /* body of any frame from a host */
	FRAME_DOWN_MAX = 64 << 20, /* body of any frame to a host */
};

/* Starts a frame at the end of `out`; returns where it starts, for frame_end(). */
size_t frame_begin(struct buf *out, enum frame_type);
void frame_end(struct buf *out, size_t start);
void frame_put_text(struct buf *out, const char *);  /* cut at FRAME_TEXT_MAX, but for HELLO */
void frame_put_value(struct buf *out, const char *); /* never cut */

/* A whole frame at the start of data: its size, with type, body and body_len set. 0: there is
 * more to come. -EPROTO: its body would be longer than max. */
long frame_parse(const uint8_t *data, size_t len, size_t max, uint8_t *type, const uint8_t **body, size_t *body_len);

/* Takes a text from a body; NUL-terminated, NULs within cut it. Returns out, which is empty if
 * the body is bad. What does not fit is left out. */
char *frame_text(struct cursor *, char *out, size_t size);
/* The same without a bound; mem_alloc()ed. */
char *frame_value(struct cursor *);

/* For the host: one whole frame, blocking. frame_receive() gives 1, 0 at the end of the socket,
 * or -errno; `in` holds the body. -EINTR is not given: signals do not end a wait. */
int frame_receive(int fd, uint8_t *type, struct buf *in);
int frame_send(int fd, const struct buf *out);

#endif
