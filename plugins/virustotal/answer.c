/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/virustotal/answer.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"

__attribute__((format(printf, 3, 4))) static void say(struct answer *a, enum answer_kind kind, const char *format, ...)
{
	va_list args;

	a->kind = kind;
	va_start(args, format);
	vsnprintf(a->why, sizeof(a->why), format, args);
	va_end(args);
	text_clean(a->why, strlen(a->why));
}

/* The service's own word for an error, "QuotaExceededError"; "" if it is not one. */
static void error_code(const json_t *root, char out[48])
{
	const char *code = json_string_value(json_object_get(json_object_get(root, "error"), "code"));

	out[0] = 0;
	if (code && strlen(code) < 48 &&
	    strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(code))
		snprintf(out, 48, "%s", code);
}

static bool count(const json_t *stats, const char *key, uint32_t *out)
{
	const json_t *n = json_object_get(stats, key);

	*out = (uint32_t)json_integer_value(n);
	return !n || (json_is_integer(n) && json_integer_value(n) >= 0 && json_integer_value(n) <= PS_FOUND_ENGINES_MAX);
}

static void read_file(const json_t *root, const uint8_t sha256[32], struct answer *a)
{
	const json_t *data = json_object_get(root, "data"), *attributes = json_object_get(data, "attributes");
	const json_t *stats = json_object_get(attributes, "last_analysis_stats");
	const char *id = json_string_value(json_object_get(data, "id"));
	int64_t analysed_s = json_integer_value(json_object_get(attributes, "last_analysis_date"));
	struct ps_found *f = &a->found;
	char hex[65];

	if (!id || strcasecmp(id, text_hex(hex, sha256, 32)) != 0) {
		say(a, ANSWER_FAILED, "its answer is not about this file");
		return;
	}
	if (!json_is_object(stats) || !count(stats, "malicious", &f->malicious) ||
	    !count(stats, "suspicious", &f->suspicious) || !count(stats, "harmless", &f->harmless) ||
	    !count(stats, "undetected", &f->undetected)) {
		say(a, ANSWER_FAILED, "its answer lacks the counts of engines");
		return;
	}
	a->kind = ANSWER_RESULT;
	f->state = f->malicious + f->suspicious  ? PS_FINDING_SUSPICIOUS
	           : f->harmless + f->undetected ? PS_FINDING_CLEAN
	                                         : PS_FINDING_PENDING; /* no engine has looked at it yet */
	if (analysed_s > 0 && analysed_s <= clock_wall_ns() / NS_PER_S)
		f->analysed_ns = analysed_s * NS_PER_S;
}

static void read_error(const struct api_reply *r, const json_t *root, struct answer *a)
{
	char code[48];

	error_code(root, code);
	switch (r->status) {
	case 404:
		/* Anybody on the way can say 404; only the service says this. */
		if (strcmp(code, "NotFoundError") == 0) {
			a->kind = ANSWER_RESULT;
			a->found.state = PS_FINDING_UNKNOWN;
			return;
		}
		say(a, ANSWER_FAILED, "HTTP status 404, which is not the service's own");
		return;
	case 401:
	case 403:
		say(a, ANSWER_REFUSED, "HTTP status %d %s", r->status, code);
		return;
	case 429:
		say(a, ANSWER_LIMIT, "HTTP status 429 %s", code);
		a->daily = strcmp(code, "QuotaExceededError") == 0;
		a->wait_s = r->retry_after_s;
		return;
	default:
		break;
	}
	if (r->status >= 300 && r->status < 400)
		say(a, ANSWER_AWAY, "HTTP status %d: it points elsewhere, which is not followed", r->status);
	else
		say(a, r->status >= 500 ? ANSWER_AWAY : ANSWER_FAILED, "HTTP status %d %s", r->status, code);
}

void answer_read(const struct api_reply *r, const uint8_t sha256[32], struct answer *a)
{
	json_t *root;

	*a = (struct answer){.found = {.reason = "", .link = ""}};
	memcpy(a->found.sha256, sha256, sizeof(a->found.sha256));
	if (r->failed) {
		say(a, ANSWER_AWAY, "%s", r->why);
		return;
	}
	root = r->is_json
	           ? json_loadb(r->body.data ? (const char *)r->body.data : "", r->body.len, JSON_REJECT_DUPLICATES, NULL)
	           : NULL;
	if (r->status != 200)
		read_error(r, root, a);
	else if (!r->is_json)
		say(a, ANSWER_FAILED, "its answer is not JSON");
	else if (!root)
		say(a, ANSWER_FAILED, "its answer is damaged JSON");
	else
		read_file(root, sha256, a);
	json_decref(root);
}
