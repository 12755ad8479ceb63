/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing run of bytes, and a reader over one that cannot leave its bounds.
 * Numbers are little-endian. One thread at a time.
 *
 * Memory: buf_* abort() when memory is exhausted, as all of this program does.
 */
#ifndef PS_BASE_BUF_H
#define PS_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len, cap;
};

void buf_init(struct buf *);           /* empty; allocates nothing */
void buf_done(struct buf *);           /* frees; leaves it empty */
void *buf_add(struct buf *, size_t n); /* n more bytes, not initialised; valid until the next call */
void buf_put(struct buf *, const void *data, size_t n);
void buf_put_u8(struct buf *, uint8_t);
void buf_put_u16(struct buf *, uint16_t);
void buf_put_u32(struct buf *, uint32_t);
void buf_put_u64(struct buf *, uint64_t);
void buf_put_str(struct buf *, const char *); /* without the NUL */
void buf_printf(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads from data[0..len). Once something did not fit, `bad` stays set and everything
 * after it reads as zero: check it once, at the end. */
struct cursor {
	const uint8_t *data;
	size_t len, at;
	int bad;
};

void cursor_init(struct cursor *, const void *data, size_t len);
const uint8_t *cursor_take(struct cursor *, size_t n); /* NULL if n bytes are not there */
uint8_t cursor_u8(struct cursor *);
uint16_t cursor_u16(struct cursor *);
uint32_t cursor_u32(struct cursor *);
uint64_t cursor_u64(struct cursor *);
size_t cursor_left(const struct cursor *);

#endif
