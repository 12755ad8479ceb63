/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon may do: limits raised at start, capabilities cut down once all is attached. */
#ifndef PS_DAEMON_PRIVILEGES_H
#define PS_DAEMON_PRIVILEGES_H

#include <stdint.h>

/* Raises the limit of open files to `wanted`, 0: as far as it goes. A refusal is one warning. */
void privileges_raise_nofile(int64_t wanted);

/* Gives up every capability that the daemon does not need from here on, for good. 0 or -errno. */
int privileges_cut(void);

#endif
