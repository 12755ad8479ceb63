/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open files that wait to be hashed, and the workers (libuv's) that hash them. Main thread only. */
#ifndef PS_IDENTIFY_HASHING_H
#define PS_IDENTIFY_HASHING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <uv.h>

#include "core/base/value.h"

struct hashing;

/* A file has been read, in whole: PS_HASH_OK, or PS_HASH_UNREADABLE, _CHANGED, or _LATE (it was not
 * begun when all ended). fd is open until this returns. */
typedef void (*hashing_done)(void *arg, void *subject, int fd, enum ps_hash_state, const uint8_t sha256[32]);

/* threads: how many files are read at once. */
struct hashing *hashing_open(uv_loop_t *, unsigned threads, hashing_done, void *arg);
/* Tells of each file that waits, and waits for those that are being read. */
void hashing_close(struct hashing *);

/* Takes fd over, unless there is no room: then false. The content must be that of `found`;
 * careful: also without anyone who has the file open for writing at the end. */
bool hashing_add(struct hashing *, void *subject, int fd, const struct stat *found, bool careful);

/* Files that wait, or are being read. */
uint64_t hashing_waiting(const struct hashing *);

#endif
