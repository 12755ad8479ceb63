/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder that an unprivileged process may write in, within one of root's. May wait for the disk. Any thread. */
#ifndef PS_DELIVERY_OWN_FOLDER_H
#define PS_DELIVERY_OWN_FOLDER_H

#include <sys/types.h>

#include "core/delivery/trust.h"

/* Makes parent (0755, if it is not there), and in it the folder `name`, which becomes that user's. Without root's
 * rights it stays whose it is. 0, or -errno with a reason in `why`. */
int own_folder_make(const char *parent, const char *name, uid_t uid, gid_t gid, char why[TRUST_WHY]);

#endif
