/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of picosnitch-feed(7), read. What is missing, of the wrong type or out of range is empty, -1 or 0. */
#ifndef PS_TOP_FEED_LINE_H
#define PS_TOP_FEED_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/top/rows.h"

enum { FEED_LINE_TEXT_MAX = 1024, FEED_LINE_PROTOCOL_SIZE = 16 };

/* The object, or NULL: it is none. The caller's. */
json_t *feed_line_read(const void *line, size_t len);

/* Its kind, or "". */
const char *feed_line_kind(const json_t *);

/* Puts the member's text, at most FEED_LINE_TEXT_MAX bytes of whole characters, and a NUL. */
void feed_line_text(const json_t *, const char *key, struct buf *out);

/* -1: not there. */
int64_t feed_line_number(const json_t *, const char *key);

/* 0: not there. */
uint64_t feed_line_count(const json_t *, const char *key);
struct top_bytes feed_line_bytes(const json_t *);

/* Which program and which flow of it: digests. */
void feed_line_program_key(const json_t *, uint8_t key[32]);
void feed_line_flow_key(const json_t *, const uint8_t program[32], uint8_t key[32]);

/* False: the line is not of one flow (merged, ignored, or an execution). */
bool feed_line_is_flow(const json_t *);

/* "tcp", ..., a number, or "". */
void feed_line_protocol(const json_t *, char text[FEED_LINE_PROTOCOL_SIZE]);

/* "com.example:443", "192.0.2.1:443", "[2001:db8::1]:443" or "", and a NUL. */
void feed_line_peer(const json_t *, struct buf *out);

#endif
