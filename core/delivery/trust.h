/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folders and files that nobody but root can have arranged. Opened step by step from "/",
 * without following links, each step judged by its open descriptor. Any thread.
 */
#ifndef PS_DELIVERY_TRUST_H
#define PS_DELIVERY_TRUST_H

#include <stddef.h>
#include <sys/stat.h>

#define TRUST_WHY 512

/* Opens the folder `path` (links in it are resolved first). It and every folder above must
 * belong to root, or to this process's user when that is not root, and be writable by nobody
 * else; a folder above may be a sticky one such as /tmp, where nobody can replace what is
 * root's. A descriptor (O_PATH) or -errno with a reason in `why`. */
int trust_folder(const char *path, char why[TRUST_WHY]);

/* Judges what has been opened as trust_folder() judges a folder: 0 or -EPERM. */
int trust_owner(const struct stat *, const char *name, char why[TRUST_WHY]);

#endif
