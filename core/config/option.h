/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Typed options declared as data (struct ps_option), for the core's own sections and for
 * those of plugins alike: one checker, one way to print them.
 */
#ifndef PS_CONFIG_OPTION_H
#define PS_CONFIG_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/plugin_option.h"

/* Parses value, which has no blanks around it, as the option's type wants it. TEXT and *_FILE:
 * *number is 0. DURATION: ms. SIZE: bytes. BOOL: 0 or 1. CHOICE: index. Returns NULL, or what is
 * wrong, for a person ("is not a whole number", "must be between 1 and 20"), in a buffer of the
 * calling thread; the value is not in it. A duration is a whole number with a unit (ms, s, min,
 * h, d), a size one with B, KiB, MiB, GiB, TiB, kB, MB, GB or TB; only 0 needs no unit. *_FILE:
 * the name of a file, without a folder. */
const char *option_parse(const struct ps_option *, const char *value, int64_t *number);

/* The option of that key, or NULL. */
const struct ps_option *option_find(const struct ps_option *options, const char *key);

/* The known key that is nearest to a misspelt one, or NULL if none is near. Case does not count. */
const char *option_nearest(const struct ps_option *options, const char *key);

/* True if a misspelt word is near enough to a known one to be taken for it, with their distance. */
bool option_is_near(const char *known, const char *word, unsigned *distance);

/* A list of options as lines of text, and back: how the process that has loaded a plugin tells
 * the core what the plugin declares (`picosnitch plugin-describe`). option_read() trusts nothing:
 * it gives a list that ends with key == NULL and that option_free() frees, or NULL if the text is
 * not one, was cut, or lists more than 256. */
void option_write(struct buf *out, const struct ps_option *options);
struct ps_option *option_read(const void *data, size_t len);
void option_free(struct ps_option *);

#endif
