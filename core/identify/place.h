/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the path of a control group says: the names that systemd, container engines and desktops
 * give to theirs, as these document them. Pure: bytes in, texts out.
 */
#ifndef PS_IDENTIFY_PLACE_H
#define PS_IDENTIFY_PLACE_H

#include <stddef.h>

#include "core/base/value.h"

/* Room for all texts that a path of that length can give. */
#define PLACE_ROOM(len) (4 * ((size_t)(len) + 4))

/* Reads a path below the root of cgroup v2 ("/system.slice/ssh.service"); empty: not known. Texts
 * are written to room, which must live as long as *out does, or are constants.
 *
 * The container is the outermost one: what runs in it may name groups below as it likes. Unit and
 * slice are those of the innermost service manager: that of the user, or the one in the container.
 * A process of the engine itself, beside its container, has an engine and no container. */
void place_parse(struct ps_place *out, char *room, const char *path, size_t len);

#endif
