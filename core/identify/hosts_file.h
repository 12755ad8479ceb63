/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of a hosts file (hosts(5)). Any bytes are allowed. Pure. */
#ifndef PS_IDENTIFY_HOSTS_FILE_H
#define PS_IDENTIFY_HOSTS_FILE_H

#include <stddef.h>

#include "core/base/value.h"

#define HOSTS_FILE_NAMES 1024 /* that are told; the rest of the file is left out */

/* The name is in reverse notation, and lives until the function returns. */
typedef void (*hosts_file_each)(void *arg, const struct ps_addr *, struct ps_text name);

/* Tells each name of each address, in the order of the file; none of 0.0.0.0 and ::, which is how names are
 * blocked. Returns how many. */
size_t hosts_file_read(const char *text, size_t len, hosts_file_each, void *arg);

#endif
