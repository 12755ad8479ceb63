/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/top/feed_line.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/query/names.h"

json_t *feed_line_read(const void *line, size_t len)
{
	json_t *root = json_loadb(line, len, 0, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

static const char *text(const json_t *line, const char *key)
{
	const char *s = json_string_value(json_object_get(line, key));

	return s ? s : "";
}

const char *feed_line_kind(const json_t *line)
{
	return text(line, "kind");
}

void feed_line_text(const json_t *line, const char *key, struct buf *out)
{
	const char *s = text(line, key);
	size_t len = 0, start = out->len;

	for (size_t n; s[len]; len += n) {
		n = text_utf8(s + len, strlen(s + len));
		if (!n || len + n > FEED_LINE_TEXT_MAX)
			break;
	}
	buf_put(out, s, len);
	buf_put_u8(out, 0);
	text_clean((char *)out->data + start, len);
}

int64_t feed_line_number(const json_t *line, const char *key)
{
	const json_t *n = json_object_get(line, key);

	return json_is_integer(n) && json_integer_value(n) >= 0 ? json_integer_value(n) : -1;
}

uint64_t feed_line_count(const json_t *line, const char *key)
{
	int64_t n = feed_line_number(line, key);

	return n < 0 ? 0 : (uint64_t)n;
}

struct top_bytes feed_line_bytes(const json_t *line)
{
	return (struct top_bytes){feed_line_count(line, "sent"), feed_line_count(line, "received")};
}

static void put_member(const json_t *line, const char *key, struct buf *out)
{
	const json_t *value = json_object_get(line, key);

	if (json_is_string(value))
		buf_put(out, json_string_value(value), json_string_length(value) + 1);
	else
		buf_put_u64(out, (uint64_t)feed_line_number(line, key));
}

static void digest(struct buf *of, uint8_t key[32])
{
	sha256_bytes(of->data, of->len, key);
	buf_done(of);
}

void feed_line_program_key(const json_t *line, uint8_t key[32])
{
	struct buf of;

	buf_init(&of);
	put_member(line, "exe", &of);
	put_member(line, "name", &of);
	digest(&of, key);
}

void feed_line_flow_key(const json_t *line, const uint8_t program[32], uint8_t key[32])
{
	static const char *const members[] = {"pid",   "pid_start", "family", "protocol", "netns",
	                                      "lport", "rport",     "laddr",  "raddr"};
	struct buf of;

	buf_init(&of);
	buf_put(&of, program, 32);
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		put_member(line, members[i], &of);
	digest(&of, key);
}

bool feed_line_is_flow(const json_t *line)
{
	return !json_object_get(line, "merged") && !json_is_true(json_object_get(line, "ignored")) &&
	       feed_line_number(line, "family") > 0;
}

void feed_line_protocol(const json_t *line, char text[FEED_LINE_PROTOCOL_SIZE])
{
	int64_t protocol = feed_line_number(line, "protocol");
	const char *word = protocol >= 0 && protocol <= IPPROTO_MPTCP ? names_protocol((unsigned)protocol) : NULL;

	*text = 0;
	if (word)
		snprintf(text, FEED_LINE_PROTOCOL_SIZE, "%s", word);
	else if (protocol >= 0 && protocol <= 65535)
		snprintf(text, FEED_LINE_PROTOCOL_SIZE, "%" PRId64, protocol);
}

void feed_line_peer(const json_t *line, struct buf *out)
{
	int64_t port = feed_line_number(line, "rport");
	const char *host;
	struct buf name;

	buf_init(&name);
	feed_line_text(line, *text(line, "domain") ? "domain" : "raddr", &name);
	host = (const char *)name.data;
	if (port > 0 && *host)
		buf_printf(out, strchr(host, ':') ? "[%s]:%" PRId64 : "%s:%" PRId64, host, port);
	else
		buf_put_str(out, host);
	buf_put_u8(out, 0);
	buf_done(&name);
}
