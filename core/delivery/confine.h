/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives up, in a process that was just started for it, everything that a plugin has no use
 * for. Before any other thread, and before the plugin is loaded.
 */
#ifndef PS_DELIVERY_CONFINE_H
#define PS_DELIVERY_CONFINE_H

#include "core/delivery/trust.h"

/* uid and gid (decimal; both NULL when the process is to stay whoever it is): the ids must be
 * these already, in all places, not root's, and without further groups. Capabilities, core
 * dumps, new privileges, descriptors above last_fd, inherited signal handling: all gone. 0, or
 * -errno with a reason: then the process must end. */
int confine(const char *uid, const char *gid, int last_fd, char why[TRUST_WHY]);

/* The process is killed when its parent ends. 0, or -ESRCH when that is no longer `parent`. */
int confine_to_parent(long parent);

#endif
