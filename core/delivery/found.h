/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a sink has found out, as the body of a frame: sha256[32], state u8, malicious, suspicious, harmless, undetected
 * u32, asked, analysed i64, reason, link. Pure; any thread.
 */
#ifndef PS_DELIVERY_FOUND_H
#define PS_DELIVERY_FOUND_H

#include "core/base/buf.h"
#include "core/record.h"

struct found_texts {
	char reason[PS_FOUND_REASON_MAX + 1], link[PS_FOUND_LINK_MAX + 1];
};

void found_put(struct buf *out, const struct ps_found *);

/* Takes it from a body that may be anybody's. Its texts are in `texts`; control characters of the reason have become
 * '?'. -EPROTO for what record.h does not allow: a state that is none, counts that do not fit it, a time after
 * tomorrow, a link that is none. */
int found_get(struct cursor *body, struct ps_found *, struct found_texts *, int64_t now_ns);

#endif
