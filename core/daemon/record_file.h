/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record.json in a state folder, as a memory: whose turn it is to change it, reading, writing. All of it
 * may wait for the disk: for a worker, or the command line. One thread at a time.
 */
#ifndef PS_DAEMON_RECORD_FILE_H
#define PS_DAEMON_RECORD_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/ledger/memory.h"

#define RECORD_FILE "record.json"
#define RECORD_WHY 700

struct record_owner {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/* Takes the lock of that folder's record.json, for which the daemon holds it as long as it runs, and
 * `record` while it changes something; waits for up to `patience_ms`. A descriptor to close, or -errno: -EWOULDBLOCK
 * when somebody else has it. */
int record_lock(const char *folder, int patience_ms);

/* What is in the file; an empty memory if there is none. When it cannot be used: -errno with a reason in
 * `why`, and with `repair` it was moved away to *aside (mem_alloc()ed; NULL: that failed too) and the memory is an
 * empty one, else NULL. */
int record_load(const char *folder, bool repair, struct memory **, char **aside, char why[RECORD_WHY]);

/* Writes it so that whoever looks, also after a crash, finds the old one or the new one. 0, or -errno with a
 * reason. */
int record_save(const char *folder, const struct record_owner *, const struct memory *, char why[RECORD_WHY]);

#endif
