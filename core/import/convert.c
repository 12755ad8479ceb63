/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/convert.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/import/local_time.h"
#include "core/import/words.h"

/* A time that 64 bits of nanoseconds can hold. */
#define TIME_MAX (INT64_MAX / NS_PER_S - 1)

void convert_init(struct convert *c, int64_t now_s)
{
	*c = (struct convert){.now_s = now_s, .time_note = REPORT_REASONS, .last_s = INT64_MIN};
	buf_init(&c->key);
	buf_init(&c->arguments);
}

void convert_done(struct convert *c)
{
	buf_done(&c->key);
	buf_done(&c->arguments);
}

/* ---- numbers ---- */

/* A whole number within bounds; else `otherwise`, counted. A column that the version does not have is not counted. */
static int64_t number(struct convert *c, const struct old_value *v, int64_t min, int64_t max, int64_t otherwise,
                      enum report_reason reason)
{
	if (v->type == OLD_NUMBER && v->number >= min && v->number <= max)
		return v->number;
	c->counts[reason] += v->type != OLD_ABSENT;
	return otherwise;
}

static bool local_row_time(struct convert *c, struct ps_text text, int64_t *out)
{
	enum local_time kind;

	/* A window's rows have the same time: mktime() is slow. */
	if (text.len == sizeof(c->time) - 1 && memcmp(text.data, c->time, text.len) == 0) {
		if (c->time_note < REPORT_REASONS)
			c->counts[c->time_note]++;
		*out = c->time_s;
		return true;
	}
	kind = local_time(text, c->last_s, out);
	if (kind == LOCAL_TIME_NONE)
		return false;
	memcpy(c->time, text.data, sizeof(c->time) - 1);
	c->time_s = *out;
	c->time_note = kind == LOCAL_TIME_TWICE   ? REPORT_TWO_TIMES
	               : kind == LOCAL_TIME_NEVER ? REPORT_NO_HOUR
	                                          : REPORT_REASONS;
	if (c->time_note < REPORT_REASONS)
		c->counts[c->time_note]++;
	return true;
}

static bool row_time(struct convert *c, const struct old_value *v, int64_t *out)
{
	if (v->type == OLD_TEXT && !local_row_time(c, v->text, out))
		return false;
	if (v->type == OLD_NUMBER)
		*out = v->number;
	else if (v->type != OLD_TEXT)
		return false;
	if (*out <= 0 || *out > TIME_MAX)
		return false;
	c->counts[REPORT_FUTURE] += *out > c->now_s;
	c->last_s = *out;
	return true;
}

/* ---- texts ---- */

/* Whether it would be stored with escapes. A backslash, which is doubled, says nothing about it. */
static bool is_plain(struct ps_text text)
{
	for (uint32_t i = 0; i < text.len;) {
		size_t n =
		    (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f ? 0 : text_utf8(text.data + i, text.len - i);

		if (!n)
			return false;
		i += (uint32_t)n;
	}
	return true;
}

static struct ps_text text(struct convert *c, const struct old_value *v)
{
	struct ps_text out = v->text;

	if (v->type == OLD_ABSENT || v->type == OLD_NULL) {
		c->counts[REPORT_MISSING] += v->type == OLD_NULL;
		return (struct ps_text){"", 0};
	}
	c->counts[REPORT_TYPE] += v->type != OLD_TEXT;
	if (out.len > CONVERT_TEXT_MAX) {
		c->counts[REPORT_LONG]++;
		out.len = CONVERT_TEXT_MAX;
	}
	c->counts[REPORT_ESCAPED] += !is_plain(out);
	return out;
}

static struct ps_addr address(struct convert *c, const struct old_value *v)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct ps_text shown = text(c, v);
	struct ps_addr addr = {0};
	char copy[INET6_ADDRSTRLEN];

	if (!shown.len)
		return addr;
	if (shown.len < sizeof(copy)) {
		memcpy(copy, shown.data, shown.len);
		copy[shown.len] = 0;
		if (memchr(copy, 0, shown.len) == NULL) {
			if (inet_pton(AF_INET, copy, addr.bytes) == 1)
				addr.family = AF_INET;
			else if (inet_pton(AF_INET6, copy, addr.bytes) == 1)
				addr.family = AF_INET6;
		}
	}
	if (addr.family == AF_INET6 && memcmp(addr.bytes, mapped, sizeof(mapped)) == 0) {
		addr.family = AF_INET;
		memmove(addr.bytes, addr.bytes + 12, 4);
		memset(addr.bytes + 4, 0, 12);
	}
	c->counts[REPORT_ADDRESS] += !addr.family;
	return addr;
}

static struct ps_text command(struct convert *c, struct ps_text line)
{
	c->arguments.len = 0;
	c->counts[REPORT_NUL] += line.len && memchr(line.data, 0, line.len);
	c->counts[REPORT_COMMAND] += !words_split(line, &c->arguments);
	buf_put_u8(&c->arguments, 0);
	return (struct ps_text){(const char *)c->arguments.data, (uint32_t)c->arguments.len - 1};
}

static void put_key(struct buf *key, const struct old_value *v)
{
	buf_put_u8(key, (uint8_t)v->type);
	buf_put_u32(key, v->text.len);
	buf_put(key, v->text.data, v->text.len);
}

/* A program image; what is wrong with it is counted once a batch. */
static uint32_t exe(struct convert *c, struct chunk *chunk, const struct old_value v[4])
{
	struct ps_exe e = {.hash_state = PS_HASH_OK};
	struct ps_text key, hash;
	uint32_t at;

	if (v[0].type == OLD_NULL && v[1].type == OLD_NULL && v[2].type == OLD_NULL && v[3].type == OLD_NULL) {
		c->counts[REPORT_MISSING]++;
		return 0;
	}
	c->key.len = 0;
	for (int i = 0; i < 4; i++)
		put_key(&c->key, &v[i]);
	key = (struct ps_text){(const char *)c->key.data, (uint32_t)c->key.len};
	if ((at = chunk_find_exe(chunk, key)))
		return at;
	e.path = text(c, &v[0]);
	e.name = text(c, &v[1]);
	e.cmdline = command(c, text(c, &v[2]));
	hash = text(c, &v[3]);
	if (!text_unhex(e.sha256, sizeof(e.sha256), hash.data, hash.len)) {
		e.hash_state = hash.len ? PS_HASH_UNREADABLE : PS_HASH_ABSENT;
		c->counts[REPORT_HASH] += hash.len > 0;
		memset(e.sha256, 0, sizeof(e.sha256));
	}
	if (!e.path.len && !e.name.len && !e.cmdline.len && !hash.len)
		return 0;
	return chunk_add_exe(chunk, key, &e);
}

bool convert_row(struct convert *c, struct chunk *chunk, const struct old_row *row)
{
	const struct old_value *v = row->v;
	struct ps_record r = {.kind = PS_TRAFFIC};
	struct ps_traffic *t = &r.traffic;
	int64_t at;

	if (!row_time(c, &v[OLD_TIME], &at)) {
		c->counts[REPORT_NO_TIME]++;
		return false;
	}
	r.start_ns = r.end_ns = at * NS_PER_S;
	t->sent = (uint64_t)number(c, &v[OLD_SENT], 0, INT64_MAX, 0, REPORT_BYTES);
	t->received = (uint64_t)number(c, &v[OLD_RECEIVED], 0, INT64_MAX, 0, REPORT_BYTES);
	t->calls = (uint64_t)number(c, &v[OLD_EVENTS], 0, INT64_MAX, 0, REPORT_EVENTS);
	t->uid = (uint32_t)number(c, &v[OLD_UID], 0, UINT32_MAX, UINT32_MAX, REPORT_UID);
	t->lport = number(c, &v[OLD_LPORT], -1, UINT32_MAX, 0, REPORT_PORT);
	t->rport = number(c, &v[OLD_RPORT], -1, UINT32_MAX, 0, REPORT_PORT);
	t->protocol = (uint16_t)number(c, &v[OLD_PROTOCOL], 0, UINT16_MAX, 0, REPORT_FAMILY);
	t->netns = (uint32_t)number(c, &v[OLD_NETNS], 0, UINT32_MAX, 0, REPORT_NETNS);
	t->laddr = address(c, &v[OLD_LADDR]);
	t->raddr = address(c, &v[OLD_RADDR]);
	t->family = (uint8_t)number(c, &v[OLD_FAMILY], 0, UINT8_MAX, 0, REPORT_FAMILY);
	if (v[OLD_FAMILY].type == OLD_ABSENT)
		t->family = t->raddr.family ? t->raddr.family : t->laddr.family;
	t->domain = chunk_text(chunk, text(c, &v[OLD_DOMAIN]));
	t->exe = exe(c, chunk, &v[OLD_EXE]);
	t->parent = exe(c, chunk, &v[OLD_PARENT]);
	t->grandparent = exe(c, chunk, &v[OLD_GRANDPARENT]);
	chunk_add(chunk, &r);
	return true;
}
