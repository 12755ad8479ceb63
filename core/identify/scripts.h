/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opens the scripts that interpreters were started on, where nobody has handed over an open file:
 * by their path, as it is for the process, by a thread of its own, since any folder may be one of
 * a network or of a program's. Main thread only, but for script_open().
 */
#ifndef PS_IDENTIFY_SCRIPTS_H
#define PS_IDENTIFY_SCRIPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <uv.h>

#include "core/base/value.h"
#include "core/identify/apart.h"

/* What became of a script. */
struct opened_script {
	int fd;                 /* -1: `why` says why */
	enum ps_hash_state why; /* only then */
	struct stat st;         /* of the file then: what is to be read */
	char *path;             /* of the file, to be freed; NULL: not known beyond what was asked for */
	struct apart *apart;    /* or NULL: what somebody else is to read */
};

/* Opens a regular file for reading: absolute paths below the root of the process, relative ones from
 * its working folder, symbolic links as it would follow them. It must not have changed since the
 * process was started. Opens nothing else, not even for a moment. Somebody else is to read what is on a file system
 * that is a program (FUSE), or where root is refused. What it gives is the caller's. Any thread; blocks, on any file
 * system. */
void script_open(const struct start *, const char *path, struct opened_script *);

struct scripts;

/* Hands on what was opened, as script_open() gives it, from the loop: all but the path is the callee's. What takes
 * longer than two seconds is given up. */
typedef void (*scripts_found)(void *arg, void *subject, const struct opened_script *);

struct scripts *scripts_open(uv_loop_t *, scripts_found, void *arg);
/* The loop must turn once more. What was asked for and not taken is handed to `drop`. A thread that hangs in a file
 * system is left. */
void scripts_close(struct scripts *, void (*drop)(void *arg, void *subject), void *arg);

/* Asks for a script; both are copied. False: 1024 others wait, or there are no threads to be had. */
bool scripts_ask(struct scripts *, const struct start *, struct ps_text path, void *subject);

/* Hands on at once what was opened by now; and, to be called now and then, gives up what hangs. */
void scripts_take(struct scripts *);

struct scripts_stats {
	uint64_t waiting; /* scripts that are being opened */
	uint64_t refused; /* those that found no room, since start */
};
void scripts_get_stats(const struct scripts *, struct scripts_stats *);

#endif
