/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/textlog/lines.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/query/names.h"

/* What a line of CSV must not hold: commas, control characters (C0, DEL, C1), and what ends a line
 * or turns its direction on a terminal (U+200E..F, U+2028..E, U+2066..9). */
static bool unwanted(const unsigned char *c, size_t n)
{
	if (n == 1)
		return c[0] < 0x20 || c[0] == 0x7f || c[0] == ',';
	if (n == 2)
		return c[0] == 0xc2 && c[1] < 0xa0;
	if (n != 3 || c[0] != 0xe2)
		return false;
	if (c[1] == 0x80)
		return c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae);
	return c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
}

/* Unwanted characters are left out; bytes that are not UTF-8 are written as \xHH. The NULs
 * between arguments become spaces. */
static void csv_text(struct buf *out, struct ps_text text, bool arguments)
{
	const char *s = text.data;
	size_t left = text.len;

	if (arguments && left && !s[left - 1])
		left--;
	while (left) {
		size_t n = text_utf8(s, left);

		if (!n) {
			buf_printf(out, "\\x%02x", (unsigned char)*s);
			n = 1;
		} else if (arguments && !*s) {
			buf_put_u8(out, ' ');
		} else if (!unwanted((const unsigned char *)s, n)) {
			buf_put(out, s, n);
		}
		s += n;
		left -= n;
	}
}

static void csv_exe(struct buf *out, const struct ps_exe *exe)
{
	char hex[2 * 32 + 1] = "";

	csv_text(out, exe->path, false);
	buf_put_u8(out, ',');
	csv_text(out, exe->name, false);
	buf_put_u8(out, ',');
	csv_text(out, exe->cmdline, true);
	if (exe->hash_state == PS_HASH_OK)
		text_hex(hex, exe->sha256, sizeof(exe->sha256));
	buf_printf(out, ",%s,", hex);
}

static void csv_line(struct buf *out, const struct ps_batch *b, const struct ps_record *r)
{
	const struct ps_traffic *t = &r->traffic;
	char time[CLOCK_TEXT_SIZE], laddr[TEXT_ADDR_SIZE], raddr[TEXT_ADDR_SIZE];

	buf_printf(out, "%s,%" PRIu64 ",%" PRIu64 ",", clock_text(time, r->start_ns), t->sent, t->received);
	csv_exe(out, &b->exes[t->exe]);
	csv_exe(out, &b->exes[t->parent]);
	buf_printf(out, "%" PRIu32 ",%" PRId64 ",%" PRId64 ",%s,%s,", t->uid, t->lport, t->rport,
	           text_addr(laddr, &t->laddr), text_addr(raddr, &t->raddr));
	csv_text(out, b->texts[t->domain], false);
	buf_put_u8(out, '\n');
}

/* A reversible string: what show() makes, as JSON. */
static json_t *json_shown(const struct ps_host *host, struct ps_text text, enum ps_show how)
{
	size_t len = host->show(NULL, 0, text, how);
	char *shown = mem_alloc(len + 1);
	json_t *value;

	host->show(shown, len + 1, text, how);
	value = json_stringn(shown, len);
	free(shown);
	return value;
}

/* Null when it is not known. */
static json_t *json_time(int64_t ns)
{
	return ns ? json_integer(ns) : json_null();
}

/* JSON knows no integers above 2^63: such a count is written as the largest below. */
static json_t *json_count(uint64_t count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

/* "" when there is none. */
static json_t *json_hash(bool known, const uint8_t sha256[32])
{
	char hex[2 * 32 + 1] = "";

	if (known)
		text_hex(hex, sha256, 32);
	return json_string(hex);
}

static void json_exe(json_t *line, const char *prefix, const struct ps_host *host, const struct ps_exe *exe)
{
	const struct {
		const char *key;
		json_t *value;
	} fields[] = {
	    {"exe", json_shown(host, exe->path, PS_SHOW_PATH)},
	    {"name", json_shown(host, exe->name, PS_SHOW_PATH)},
	    {"cmdline", json_shown(host, exe->cmdline, PS_SHOW_ARGV)},
	    {"cmdline_cut", json_boolean(exe->flags & PS_EXE_CMDLINE_CUT)},
	    {"path_guessed", json_boolean(exe->flags & PS_EXE_PATH_GUESSED)},
	    {"path_elsewhere", json_boolean(exe->flags & PS_EXE_PATH_ELSEWHERE)},
	    {"hash_unsure", json_boolean(exe->flags & PS_EXE_HASH_UNSURE)},
	    {"hash_state", json_string(names_hash_state(exe->hash_state))},
	    {"sha256", json_hash(exe->hash_state == PS_HASH_OK, exe->sha256)},
	    {"script", json_shown(host, exe->script, PS_SHOW_PATH)},
	    {"script_state", json_string(names_hash_state(exe->script_state))},
	    {"script_sha256", json_hash(exe->script_state == PS_HASH_OK, exe->script_sha256)},
	    {"script_unsure", json_boolean(exe->flags & PS_EXE_SCRIPT_UNSURE)},
	};
	char key[32];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		snprintf(key, sizeof(key), "%s%s", prefix, fields[i].key);
		json_object_set_new(line, key, fields[i].value);
	}
}

static void json_place(json_t *line, const struct ps_host *host, const struct ps_place *place)
{
	json_object_set_new(line, "cgroup", json_shown(host, place->cgroup, PS_SHOW_PATH));
	json_object_set_new(line, "unit", json_shown(host, place->unit, PS_SHOW_PATH));
	json_object_set_new(line, "slice", json_shown(host, place->slice, PS_SHOW_PATH));
	json_object_set_new(line, "session", json_shown(host, place->session, PS_SHOW_PATH));
	json_object_set_new(line, "engine", json_shown(host, place->engine, PS_SHOW_PATH));
	json_object_set_new(line, "container", json_shown(host, place->container, PS_SHOW_PATH));
	json_object_set_new(line, "pod", json_shown(host, place->pod, PS_SHOW_PATH));
	json_object_set_new(line, "owner", place->owner < 0 ? json_null() : json_integer(place->owner));
}

static void json_traffic(json_t *line, const struct ps_host *host, const struct ps_batch *b, const struct ps_traffic *t)
{
	char addr[TEXT_ADDR_SIZE];

	json_object_set_new(line, "sent", json_count(t->sent));
	json_object_set_new(line, "received", json_count(t->received));
	json_object_set_new(line, "calls", json_count(t->calls));
	json_exe(line, "", host, &b->exes[t->exe]);
	json_exe(line, "p", host, &b->exes[t->parent]);
	json_exe(line, "gp", host, &b->exes[t->grandparent]);
	json_object_set_new(line, "uid", json_integer(t->uid));
	json_object_set_new(line, "family", json_integer(t->family));
	json_object_set_new(line, "protocol", json_integer(t->protocol));
	json_object_set_new(line, "lport", json_integer(t->lport));
	json_object_set_new(line, "rport", json_integer(t->rport));
	json_object_set_new(line, "laddr", json_string(text_addr(addr, &t->laddr)));
	json_object_set_new(line, "raddr", json_string(text_addr(addr, &t->raddr)));
	json_object_set_new(line, "domain", json_shown(host, b->texts[t->domain], PS_SHOW_PATH));
	json_object_set_new(line, "netns", json_integer(t->netns));
	json_object_set_new(line, "direction", json_string(names_direction(t->direction)));
	json_object_set_new(line, "opened_ns", json_time(t->opened_ns));
	json_object_set_new(line, "closed_ns", json_time(t->closed_ns));
	json_object_set_new(line, "domain_source", json_string(names_domain_source(t->domain_source)));
	json_object_set_new(line, "domain_rivals", json_integer(t->domain_rivals));
	json_place(line, host, &b->places[t->place]);
}

static void json_program(json_t *line, const struct ps_host *host, const struct ps_batch *b, const struct ps_program *g)
{
	static const uint8_t none[32];

	json_object_set_new(line, "event", json_string(names_program_event(g->event)));
	json_object_set_new(line, "role", json_string(names_program_role(g->role)));
	json_object_set_new(line, "text", json_shown(host, b->texts[g->text], PS_SHOW_PATH));
	json_exe(line, "", host, &b->exes[g->exe]);
	json_exe(line, "p", host, &b->exes[g->parent]);
	json_exe(line, "gp", host, &b->exes[g->grandparent]);
	json_object_set_new(line, "uid", json_integer(g->uid));
	json_object_set_new(line, "expected", json_boolean(g->expected));
	json_object_set_new(line, "previous_sha256", json_hash(memcmp(g->previous, none, 32) != 0, g->previous));
	json_place(line, host, &b->places[g->place]);
}

static void json_alert(json_t *line, const struct ps_host *host, const struct ps_batch *b, const struct ps_alert *a)
{
	json_object_set_new(line, "stage", json_string(names_stage(a->stage)));
	json_object_set_new(line, "text", json_shown(host, b->texts[a->text], PS_SHOW_PATH));
	json_object_set_new(line, "count", json_count(a->count));
	json_object_set_new(line, "sent", json_count(a->sent));
	json_object_set_new(line, "received", json_count(a->received));
}

static void json_audit(json_t *line, const struct ps_audit *a)
{
	json_object_set_new(line, "netns", json_integer(a->netns));
	json_object_set_new(line, "layer", json_string(names_layer(a->layer)));
	json_object_set_new(line, "sent", json_count(a->sent));
	json_object_set_new(line, "received", json_count(a->received));
	json_object_set_new(line, "packets_sent", json_count(a->packets_sent));
	json_object_set_new(line, "packets_received", json_count(a->packets_received));
	json_object_set_new(line, "errors", json_count(a->errors));
	json_object_set_new(line, "retransmitted", json_count(a->retransmitted));
	json_object_set_new(line, "forwarded", json_count(a->forwarded));
	json_object_set_new(line, "own_sent", json_count(a->own_sent));
	json_object_set_new(line, "own_received", json_count(a->own_received));
	json_object_set_new(line, "own_calls", json_count(a->own_calls));
	json_object_set_new(line, "rest_sent", json_integer(a->rest_sent));
	json_object_set_new(line, "rest_received", json_integer(a->rest_received));
	json_object_set_new(line, "rest_packets", json_integer(a->rest_packets));
}

static void json_verdict(json_t *line, const struct ps_host *host, const struct ps_batch *b, const struct ps_finding *f)
{
	json_object_set_new(line, "sha256", json_hash(true, f->sha256));
	json_object_set_new(line, "state", json_string(names_finding(f->state)));
	json_object_set_new(line, "previous", json_string(names_finding(f->previous)));
	json_object_set_new(line, "service", json_shown(host, b->texts[f->service], PS_SHOW_PATH));
	json_object_set_new(line, "malicious", json_integer(f->malicious));
	json_object_set_new(line, "suspicious", json_integer(f->suspicious));
	json_object_set_new(line, "harmless", json_integer(f->harmless));
	json_object_set_new(line, "undetected", json_integer(f->undetected));
	json_object_set_new(line, "asked_ns", json_time(f->asked_ns));
	json_object_set_new(line, "analysed_ns", json_time(f->analysed_ns));
	json_object_set_new(line, "exe", json_shown(host, b->texts[f->path], PS_SHOW_PATH));
	json_object_set_new(line, "text", json_shown(host, b->texts[f->text], PS_SHOW_PATH));
	json_object_set_new(line, "link", json_shown(host, b->texts[f->link], PS_SHOW_PATH));
}

static int add_text(const char *data, size_t n, void *out)
{
	buf_put(out, data, n);
	return 0;
}

static void json_line(struct buf *out, const struct ps_host *host, const struct ps_batch *b, const struct ps_record *r)
{
	const char *kind = r->kind == PS_TRAFFIC   ? "traffic"
	                   : r->kind == PS_PROGRAM ? "program"
	                   : r->kind == PS_AUDIT   ? "audit"
	                   : r->kind == PS_VERDICT ? "verdict"
	                                           : "alert";
	json_t *line = json_object();

	json_object_set_new(line, "kind", json_string(kind));
	json_object_set_new(line, "start_ns", json_integer(r->start_ns));
	json_object_set_new(line, "end_ns", json_integer(r->end_ns));
	if (r->kind == PS_TRAFFIC)
		json_traffic(line, host, b, &r->traffic);
	else if (r->kind == PS_PROGRAM)
		json_program(line, host, b, &r->program);
	else if (r->kind == PS_AUDIT)
		json_audit(line, &r->audit);
	else if (r->kind == PS_VERDICT)
		json_verdict(line, host, b, &r->finding);
	else
		json_alert(line, host, b, &r->alert);
	json_dump_callback(line, add_text, out, JSON_COMPACT);
	buf_put_u8(out, '\n');
	json_decref(line);
}

void lines_put(struct buf *out, enum lines_format format, const struct ps_host *host, const struct ps_batch *b,
               const struct ps_record *r)
{
	if (format == LINES_CSV) {
		if (r->kind == PS_TRAFFIC)
			csv_line(out, b, r);
	} else if (r->kind & (PS_TRAFFIC | PS_PROGRAM | PS_VERDICT | PS_ALERT | PS_AUDIT)) {
		json_line(out, host, b, r);
	}
}
