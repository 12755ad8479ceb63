/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is sent back for a request, and the headers that every answer has. */
#ifndef PS_DASH_REPLY_H
#define PS_DASH_REPLY_H

#include <microhttpd.h>
#include <stdbool.h>

#include "core/base/buf.h"

struct reply {
	unsigned status;
	const char *type;     /* of the content; static */
	const char *encoding; /* Content-Encoding; static, or NULL */
	const char *cache;    /* Cache-Control; static */
	struct buf body;
	const void *fixed; /* instead of body: lives as long as the program */
	size_t fixed_len;
	int file; /* instead of body: -1, or a descriptor, which is the reply's */
	uint64_t file_len;
	char attachment[96], location[64], cookie[384], tag[72]; /* headers; "": none */
	bool page;                                               /* it varies by Accept-Encoding */
};

void reply_init(struct reply *);
void reply_done(struct reply *);

/* An error, as JSON. `why` is for a person. */
void reply_error(struct reply *, unsigned status, const char *why);

/* Queues it. An enum MHD_Result. */
enum MHD_Result reply_send(struct reply *, struct MHD_Connection *);

/* The headers of every answer. */
void reply_put_headers(struct MHD_Response *);

#endif
