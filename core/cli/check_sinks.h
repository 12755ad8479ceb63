/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PS_CLI_CHECK_SINKS_H
#define PS_CLI_CHECK_SINKS_H

#include <sys/types.h>

#include "core/config/settings.h"

/* Says of each sink in a line whether it can do its work, and if not, why. 0, or 1 if one that is enabled cannot. */
int check_sinks(const struct settings *, uid_t uid, gid_t gid);

#endif
