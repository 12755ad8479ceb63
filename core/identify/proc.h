/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What /proc says of a process. Any thread; no disk is touched. */
#ifndef PS_IDENTIFY_PROC_H
#define PS_IDENTIFY_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/buf.h"

#define PROC_READ_MAX (1u << 20)

/* Appends a file of a process, PROC_READ_MAX of it at most; nothing when it cannot be read. */
void proc_read(struct buf *out, pid_t pid, const char *name);

/* Opens one of a process's links ("root", "cwd", "fd/3") as a path alone (O_PATH); -1: errno. */
int proc_open(pid_t pid, const char *name);

/* Whether the process of that number is still the one that started then (ns since boot). */
bool proc_is(pid_t pid, uint64_t start);

#endif
