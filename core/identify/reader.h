/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that root may not read, or had better not: those of a file system that is a program (FUSE: an
 * AppImage, say), which can refuse root, take for ever, or lie. Each is read by a process of its own,
 * `picosnitch read-file`, which becomes the user who executes it, has no capability, and is ended after
 * some seconds. How many there are is bounded, for all and for each user. Main thread only.
 */
#ifndef PS_IDENTIFY_READER_H
#define PS_IDENTIFY_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "core/base/value.h"
#include "core/identify/apart.h"

struct reader;

/* PS_HASH_OK; PS_HASH_LATE: it was not begun when all ended; or why there is none. path: of a script that was found;
 * "": not known. */
typedef void (*reader_done)(void *arg, void *subject, enum ps_hash_state, const uint8_t sha256[32], const char *path);

/* program: this program's own file. */
struct reader *reader_open(uv_loop_t *, const char *program);

/* Ends all; `closed` is called when nothing of it is left in the loop, and it is free then. */
void reader_close(struct reader *, void (*closed)(void *arg), void *arg);

/* Takes over what is to be read, or looked for and read; NULL: that cannot be. done() is called in any case, later. */
void reader_add(struct reader *, struct apart *, reader_done, void *arg, void *subject);

/* Files that wait or are being read, and have not done so for long: a stop does not wait for others. */
unsigned reader_waiting(const struct reader *);

/* The subcommand read-file, in the process that reads. */
int reader_child_main(int argc, char **argv);

/* Its descriptors. In the first it finds an apart_request, and answers there; others it has as far as there are such.
 */
enum { READER_ANSWER = 3, READER_FILE, READER_NS, READER_ROOT, READER_CWD, READER_END };

struct reader_answer {
	uint32_t state; /* enum ps_hash_state */
	int32_t error;  /* errno, if it could not be read */
	uint8_t sha256[32];
	char path[PATH_MAX];
};

#endif
