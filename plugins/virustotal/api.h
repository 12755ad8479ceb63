/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request to the API, by libcurl: blocking, bounded in time and size, to that host alone. */
#ifndef PS_VIRUSTOTAL_API_H
#define PS_VIRUSTOTAL_API_H

#include "core/base/buf.h"
#include "core/plugin.h"

struct api;

struct api_reply {
	int failed; /* no whole answer: why says what was wrong; else: */
	int status; /* HTTP's */
	int is_json;
	int64_t retry_after_s; /* 0: not said */
	struct buf body;
	char why[PS_FOUND_REASON_MAX + 1];
};

/* NULL after why(). The options are those of the plugin. */
struct api *api_open(const struct ps_host *, struct ps_ctx *);
void api_close(struct api *);

/* True if the address may be used: https, or http on this machine, for tests and proxies. Says why() not. */
int api_url_good(const struct ps_host *, struct ps_ctx *, const char *url);

/* GET URL/files/SHA-256. 0; or -ECANCELED when the process is to stop. */
int api_ask(struct api *, const uint8_t sha256[32], struct api_reply *);

#endif
