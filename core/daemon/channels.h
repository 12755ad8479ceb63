/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Channels: ways to the network that the kernel side cannot see, as AF_XDP sockets and devices that
 * hand a card to a program. When a program opens one, that is an alert.
 */
#ifndef PS_DAEMON_CHANNELS_H
#define PS_DAEMON_CHANNELS_H

#include "core/capture/probe.h"
#include "core/identify/process.h"
#include "core/ledger/losses.h"

struct channels;

struct channels *channels_open(struct probe *, struct processes *, struct losses *);
void channels_close(struct channels *);

/* Looks at every open file of the machine: a worker's, not beside channels_tell(). */
void channels_look(struct channels *);
/* One alert for each program and kind of channel that the last look found and those before did
 * not. Main thread. */
void channels_tell(struct channels *);

/* What an open file is a channel by, for a person; NULL: it is none. `devices` is /proc/devices. */
const char *channels_kind(const struct wire_channel *, const char *devices);

#endif
