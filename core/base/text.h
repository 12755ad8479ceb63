/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes made fit for a file, a terminal or a database, reversibly; addresses as text. */
#ifndef PS_BASE_TEXT_H
#define PS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/value.h"

/* The contract of ps_host.show. What does not fit is left out from a whole character or escape on. */
size_t text_show(char *out, size_t size, struct ps_text text, enum ps_show how);

/* Undoes PS_SHOW_PATH: writes at most size bytes, returns how many, or -EINVAL. */
long text_unshow(char *out, size_t size, const char *shown, size_t len);

/* Puts a ? for each byte that PS_SHOW_PATH would escape, but for backslashes: what is left is valid
 * UTF-8 on one line, and cannot move a cursor or turn the direction of text. */
void text_clean(char *s, size_t len);

/* Length of the valid UTF-8 character at s (1 to 4), or 0. Overlong forms, surrogates and
 * values above U+10FFFF are not valid. */
size_t text_utf8(const char *s, size_t len);

/* "203.0.113.7", "2001:db8::1", "3" (a context id of vsock), or "" when it is not known. Returns out. */
#define TEXT_ADDR_SIZE 46
char *text_addr(char out[TEXT_ADDR_SIZE], const struct ps_addr *);

/* Lower-case hexadecimal; out has room for 2 * n + 1. Returns out. */
char *text_hex(char *out, const uint8_t *data, size_t n);
/* Reads 2 * n digits of either case, no less and no more. False if that is not what stands in hex[0..len). */
bool text_unhex(uint8_t *out, size_t n, const char *hex, size_t len);

/* Similarity for "did you mean": the edit distance of two words, of which the first 64 bytes count.
 * Two neighbours that are swapped count as one. */
unsigned text_distance(const char *a, const char *b);

#endif
