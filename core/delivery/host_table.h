/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * struct ps_host as a sink's host offers it, and the instance (struct ps_ctx) behind it. What
 * needs privileges is asked of the courier, over the socket. One thread.
 */
#ifndef PS_DELIVERY_HOST_TABLE_H
#define PS_DELIVERY_HOST_TABLE_H

#include <signal.h>

#include "core/base/buf.h"
#include "core/plugin.h"

struct host_option {
	char *key, *text;
	int64_t number;
};

struct ps_ctx {
	int fd;         /* the courier's socket */
	int broken;     /* it ended or does not make sense: leave */
	unsigned level; /* enum ps_level: what is above is not sent */
	struct host_option *options;
	uint32_t n_options;
	char *sink, *plugin_dir, *plugin;
	struct buf in;      /* the last frame's body */
	struct buf waiting; /* a frame that came while an answer was waited for: type and body */
	char why[1024];     /* the plugin's own words for its next verdict */
};

extern const struct ps_host host_table;
extern volatile sig_atomic_t host_stopping;

/* Takes what HELLO says. 0 or -EPROTO. */
int host_hello(struct ps_ctx *, const uint8_t *body, size_t len);
void host_done(struct ps_ctx *);

/* The next frame from the courier, blocking; the one that waits comes first. As frame_receive(). */
int host_receive(struct ps_ctx *, uint8_t *type);
/* Sends; a socket that refuses sets broken. */
void host_send(struct ps_ctx *, const struct buf *);

#endif
