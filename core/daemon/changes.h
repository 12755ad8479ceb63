/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether the file of a running program changes: inotify watches on the executables, and the scripts, of processes
 * that use the network, and of those that started them, and these, for as long as each lives. What happens to such a
 * file is a reason to look what lies under its path, as the process sees it; if that is another content than before, or
 * nothing, it is told. Main thread only.
 */
#ifndef PS_DAEMON_CHANGES_H
#define PS_DAEMON_CHANGES_H

#include <uv.h>

#include "core/identify/executable.h"
#include "core/identify/process.h"
#include "core/ledger/first_seen.h"
#include "core/ledger/losses.h"

/* Files that are watched, and processes for whose sake. Beyond that, those that come later are not, which is told. */
enum { CHANGES_FILES_MAX = 4096, CHANGES_PROCESSES_MAX = 16384 };

struct changes;

/* Never NULL: where there is no inotify, it is told, and nothing is watched. All must outlive it. */
struct changes *changes_open(uv_loop_t *, struct executables *, struct processes *, struct first_seen *,
                             struct losses *);
/* Calls closed() later, from the loop; then it is gone. */
void changes_close(struct changes *, void (*closed)(void *arg), void *arg);

/* A process that has moved bytes; those above it are seen with it. Cheap when it is known. */
void changes_see(struct changes *, const struct wire_image *, uint32_t uid);

/* After a drain: forgets those that have ended. */
void changes_tick(struct changes *);

#endif
