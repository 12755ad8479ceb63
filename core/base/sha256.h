/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256, by OpenSSL. Thread-safe. */
#ifndef PS_BASE_SHA256_H
#define PS_BASE_SHA256_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

void sha256_bytes(const void *data, size_t len, uint8_t out[SHA256_SIZE]);

/* Everything that fd gives from its beginning, by pread(). 0 or -errno; -ECANCELED when
 * *cancel becomes true (cancel may be NULL). */
int sha256_file(int fd, uint8_t out[SHA256_SIZE], const atomic_bool *cancel);

/* The same of a file that must not have more than `most` bytes: -EFBIG. */
int sha256_bounded(int fd, uint64_t most, uint8_t out[SHA256_SIZE], const atomic_bool *cancel);

#endif
