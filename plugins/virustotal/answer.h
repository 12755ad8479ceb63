/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a reply means. Pure; any thread. */
#ifndef PS_VIRUSTOTAL_ANSWER_H
#define PS_VIRUSTOTAL_ANSWER_H

#include "plugins/virustotal/api.h"

enum answer_kind {
	ANSWER_RESULT,  /* about the file: *found is set, but for the link and times of ours */
	ANSWER_FAILED,  /* about the file, but of no use */
	ANSWER_AWAY,    /* the service, or the way to it, does not work now */
	ANSWER_LIMIT,   /* too many requests: wait_s says how long to wait */
	ANSWER_REFUSED, /* the key is */
};

struct answer {
	enum answer_kind kind;
	struct ps_found found; /* RESULT */
	int64_t wait_s;        /* LIMIT; 0: it was not said */
	int daily;             /* LIMIT: of the day, not of the minute */
	char why[PS_FOUND_REASON_MAX + 1];
};

void answer_read(const struct api_reply *, const uint8_t sha256[32], struct answer *);

#endif
