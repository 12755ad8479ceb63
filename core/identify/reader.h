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

struct reader;

/* PS_HASH_OK, PS_HASH_CHANGED, PS_HASH_UNREADABLE, or PS_HASH_LATE: it was not begun when all ended. */
typedef void (*reader_done)(void *arg, void *subject, enum ps_hash_state, const uint8_t sha256[32]);

/* program: this program's own file. */
struct reader *reader_open(uv_loop_t *, const char *program, reader_done, void *arg);

/* Ends all; `closed` is called when nothing of it is left in the loop, and it is free then. */
void reader_close(struct reader *, void (*closed)(void *arg), void *arg);

/* Takes over fd (O_PATH), of a file that process pid executes, and that must have so many bytes. done() is
 * called in any case, later. */
void reader_add(struct reader *, void *subject, pid_t pid, int fd, uint64_t size);

/* Files that wait or are being read, and have not done so for long: a stop does not wait for others. */
unsigned reader_waiting(const struct reader *);

/* The subcommand read-file, in the process that reads. */
int reader_child_main(int argc, char **argv);

/* What it says on descriptor 3; the file is descriptor 4, the user namespace, if it is another, 5. */
struct reader_answer {
	uint32_t state; /* enum ps_hash_state */
	int32_t error;  /* errno, if it could not be read */
	uint8_t sha256[32];
};

#endif
