/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel side. Bytes are added up per program image and flow (account.h), behind one of two
 * doors (fexit.h, tracepoint.h: the core loads one of them), with the times of connections
 * (connection.h); frames go through a tun device (tun.h); processes are told as they come and go
 * (process.h); what is open to move traffic past all of this can be listed (channels.h), and so can
 * what waits for others (listeners.h). Nothing is sent per packet or per call.
 */
#include "process.h"

#include "channels.h"
#include "connection.h"
#include "listeners.h"
#include "tun.h"

#include "fexit.h"
#include "lookup.h"
#include "tracepoint.h"

char LICENSE[] SEC("license") = "GPL";
