/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/live_line.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "config.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/query/names.h"

/* ---- JSON ---- */

/* Written by hand, as a drain may have thousands of lines: an object begins with its kind, and each
 * further member brings the comma before it. */
static void begin(struct buf *out, const char *kind)
{
	buf_put_str(out, "{\"kind\":\"");
	buf_put_str(out, kind);
	buf_put_u8(out, '"');
}

static void end(struct buf *out)
{
	buf_put_str(out, "}\n");
}

static void put_key(struct buf *out, const char *key)
{
	buf_put_str(out, ",\"");
	buf_put_str(out, key);
	buf_put_str(out, "\":");
}

static void put_number(struct buf *out, const char *key, int64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, n);

	put_key(out, key);
	buf_put(out, digits, (size_t)len);
}

/* JSON's readers know no integers above 2^63: such a count is written as the largest below. */
static void put_count(struct buf *out, const char *key, uint64_t n)
{
	put_number(out, key, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static void put_time(struct buf *out, const char *key, int64_t ns)
{
	if (ns)
		put_number(out, key, ns);
}

/* One of our own words. */
static void put_word(struct buf *out, const char *key, const char *word)
{
	if (!*word)
		return;
	put_key(out, key);
	buf_put_u8(out, '"');
	buf_put_str(out, word);
	buf_put_u8(out, '"');
}

static void put_flag(struct buf *out, const char *key, bool set)
{
	if (set) {
		put_key(out, key);
		buf_put_str(out, "true");
	}
}

/* Any bytes, shown reversibly. That leaves valid UTF-8 without control characters, in which JSON wants
 * but two characters escaped. True: there were more than `most`. */
static bool put_shown(struct buf *out, const char *key, struct ps_text text, enum ps_show how, uint32_t most)
{
	bool cut = text.len > most;
	const char *at, *stop;
	struct buf shown;
	size_t n;

	if (!text.len)
		return false;
	if (cut)
		text.len = most;
	buf_init(&shown);
	n = text_show(NULL, 0, text, how);
	at = buf_add(&shown, n + 1);
	text_show((char *)shown.data, n + 1, text, how);
	put_key(out, key);
	buf_put_u8(out, '"');
	for (stop = at + n; at < stop; at++) {
		if (*at == '"' || *at == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, (uint8_t)*at);
	}
	buf_put_u8(out, '"');
	buf_done(&shown);
	return cut;
}

static bool put_text(struct buf *out, const char *key, struct ps_text text)
{
	return put_shown(out, key, text, PS_SHOW_PATH, LIVE_TEXT_MAX);
}

static bool put_string(struct buf *out, const char *key, const char *string)
{
	return put_text(out, key, (struct ps_text){string, (uint32_t)strlen(string)});
}

static void put_addr(struct buf *out, const char *key, const struct ps_addr *addr)
{
	char text[TEXT_ADDR_SIZE];

	put_word(out, key, text_addr(text, addr));
}

static void put_hash(struct buf *out, const char *key, const uint8_t sha256[32])
{
	char hex[65];

	put_word(out, key, text_hex(hex, sha256, 32));
}

/* ---- who ---- */

static bool put_self(struct buf *out, const struct program *p, enum ps_hash_state state, const uint8_t sha256[32])
{
	bool cut = put_text(out, "exe", p->path);

	cut |= put_text(out, "name", p->name);
	if (state == PS_HASH_OK)
		put_hash(out, "sha256", sha256);
	else
		put_word(out, "hash_state", names_hash_state(state));
	put_flag(out, "path_guessed", p->flags & PS_EXE_PATH_GUESSED);
	put_flag(out, "path_elsewhere", p->flags & PS_EXE_PATH_ELSEWHERE);
	put_flag(out, "hash_unsure", p->flags & PS_EXE_HASH_UNSURE);
	return cut;
}

static bool put_family(struct buf *out, const struct lineage *who)
{
	bool cut = false;

	if (who->parent) {
		cut |= put_text(out, "pexe", who->parent->path);
		cut |= put_text(out, "pname", who->parent->name);
	}
	if (who->grandparent) {
		cut |= put_text(out, "gpexe", who->grandparent->path);
		cut |= put_text(out, "gpname", who->grandparent->name);
	}
	return cut;
}

static bool put_place(struct buf *out, const struct ps_place *p)
{
	bool cut = put_text(out, "cgroup", p->cgroup);

	cut |= put_text(out, "unit", p->unit);
	cut |= put_text(out, "slice", p->slice);
	cut |= put_text(out, "session", p->session);
	cut |= put_text(out, "engine", p->engine);
	cut |= put_text(out, "container", p->container);
	cut |= put_text(out, "pod", p->pod);
	if (p->owner >= 0)
		put_number(out, "owner", p->owner);
	return cut;
}

static void put_who(struct buf *out, const struct wire_image *image, const struct lineage *who)
{
	bool cut;

	if (image->tgid) {
		put_number(out, "pid", image->tgid);
		put_count(out, "pid_start", image->start);
	}
	cut = put_self(out, who->self, who->self->file->state, who->self->file->sha256);
	cut |= put_family(out, who);
	if (who->place)
		cut |= put_place(out, &who->place->says);
	put_flag(out, "cut", cut);
}

/* ---- lines ---- */

static void put_times(struct buf *out, int64_t start_ns, int64_t end_ns)
{
	put_number(out, "start_ns", start_ns);
	put_number(out, "end_ns", end_ns);
}

void live_line_hello(struct buf *out, const char *host, int64_t interval_ms, const struct feed_stats *stats)
{
	begin(out, "hello");
	put_number(out, "format", LIVE_FORMAT);
	put_word(out, "version", PACKAGE_VERSION);
	put_string(out, "host", host);
	put_number(out, "time_ns", clock_wall_ns());
	put_number(out, "interval_ms", interval_ms);
	put_count(out, "dropped", stats->dropped);
	put_count(out, "refused", stats->refused);
	end(out);
}

void live_line_traffic(struct buf *out, const struct live_time *time, const struct ledger_seen *seen)
{
	const struct observation *o = &seen->what;

	begin(out, "traffic");
	put_times(out, time->start_ns, time->end_ns);
	put_count(out, "sent", o->sent);
	put_count(out, "received", o->received);
	put_count(out, "calls", o->calls);
	put_who(out, &o->image, seen->who);
	put_number(out, "uid", o->uid);
	put_number(out, "family", o->family);
	put_number(out, "protocol", o->protocol);
	put_number(out, "lport", o->lport);
	put_number(out, "rport", o->rport);
	put_addr(out, "laddr", &o->laddr);
	put_addr(out, "raddr", &o->raddr);
	put_number(out, "netns", o->netns);
	put_word(out, "direction", names_direction(o->direction));
	put_time(out, "opened_ns", o->opened_ns ? time->boot_ns + o->opened_ns : 0);
	put_time(out, "closed_ns", o->closed_ns ? time->boot_ns + o->closed_ns : 0);
	if (seen->domain.name.len) {
		put_text(out, "domain", seen->domain.name);
		put_word(out, "domain_source", names_domain_source(seen->domain.source));
		put_number(out, "domain_rivals", seen->domain.rivals);
	}
	put_flag(out, "ignored", seen->ignored);
	end(out);
}

static void put_sum(struct buf *out, const struct live_time *time, const struct live_sum *sum)
{
	put_times(out, time->start_ns, time->end_ns);
	put_count(out, "sent", sum->sent);
	put_count(out, "received", sum->received);
	put_count(out, "calls", sum->calls);
}

void live_line_merged(struct buf *out, const struct live_time *time, const struct wire_image *image,
                      const struct lineage *who, uint32_t uid, const struct live_sum *sum)
{
	begin(out, "traffic");
	put_sum(out, time, sum);
	put_count(out, "merged", sum->flows);
	if (who) {
		put_who(out, image, who);
		put_number(out, "uid", uid);
	}
	end(out);
}

/* Here that it is any address says something. */
static void put_waiting_at(struct buf *out, const struct observation *o)
{
	if (o->laddr.family)
		put_addr(out, "laddr", &o->laddr);
	else
		put_word(out, "laddr", o->family == AF_INET ? "0.0.0.0" : o->family == AF_INET6 ? "::" : "any");
}

void live_line_listen(struct buf *out, const struct wire_listener *listener, const struct lineage *who,
                      const struct live_listen_shown *shown)
{
	uint8_t flow[DECODE_FLOW_SIZE] = {0};
	struct observation o;

	memcpy(flow, &listener->key, sizeof(listener->key));
	if (decode_flow(&o, flow, sizeof(flow)))
		return;
	begin(out, "listen");
	put_who(out, &o.image, who);
	put_number(out, "uid", o.uid);
	put_number(out, "family", o.family);
	put_number(out, "protocol", o.protocol);
	if (shown->address && !listener->key.portless)
		put_waiting_at(out, &o);
	if (shown->port && !listener->key.portless && o.lport >= 0)
		put_number(out, "lport", o.lport);
	put_number(out, "netns", o.netns);
	put_count(out, "socket", listener->socket);
	end(out);
}

void live_line_listening(struct buf *out, uint64_t n, uint64_t more, int error, const struct live_listen_shown *shown)
{
	begin(out, "listening");
	put_count(out, "count", n);
	put_count(out, "more", more);
	if (shown->host_netns)
		put_number(out, "host_netns", shown->host_netns);
	if (error == -EOPNOTSUPP)
		put_word(out, "error", "not known on this kernel");
	else if (error)
		put_string(out, "error", strerror(-error));
	end(out);
}

void live_line_program(struct buf *out, const struct first_note *note, bool with_cmdline)
{
	const struct program *self = note->who.self;
	static const uint8_t none[32];
	bool cut, changed = note->event == PS_PROGRAM_CHANGED;
	struct buf text;

	buf_init(&text);
	first_note_text(note, &text);
	begin(out, "program");
	put_times(out, note->at_ns, note->at_ns);
	put_word(out, "event", names_program_event(note->event));
	put_word(out, "role", names_program_role(note->role));
	cut = put_text(out, "text", (struct ps_text){(char *)text.data, (uint32_t)text.len});
	/* Of a file that was changed, what lies there now. */
	cut |= put_self(out, self, changed ? note->state : self->file->state, changed ? note->sha256 : self->file->sha256);
	if (with_cmdline)
		put_flag(out, "cmdline_cut",
		         put_shown(out, "cmdline", self->cmdline, PS_SHOW_ARGV, LIVE_CMDLINE_MAX) ||
		             self->flags & PS_EXE_CMDLINE_CUT);
	cut |= put_family(out, &note->who);
	put_number(out, "uid", note->uid);
	put_flag(out, "expected", note->expected);
	if (memcmp(note->previous, none, sizeof(none)) != 0)
		put_hash(out, "previous_sha256", note->previous);
	if (note->who.place)
		cut |= put_place(out, &note->who.place->says);
	put_flag(out, "cut", cut);
	end(out);
	buf_done(&text);
}

void live_line_finding(struct buf *out, const struct finding *f)
{
	const struct ps_found *what = &f->what;
	struct buf text;

	buf_init(&text);
	finding_text(f, &text);
	begin(out, "verdict");
	put_times(out, f->at_ns, f->at_ns);
	put_hash(out, "sha256", what->sha256);
	put_word(out, "state", names_finding(what->state));
	put_word(out, "previous", names_finding(f->before));
	put_string(out, "service", f->service);
	put_number(out, "malicious", what->malicious);
	put_number(out, "suspicious", what->suspicious);
	put_number(out, "harmless", what->harmless);
	put_number(out, "undetected", what->undetected);
	put_time(out, "asked_ns", what->asked_ns);
	put_time(out, "analysed_ns", what->analysed_ns);
	put_text(out, "exe", f->path);
	put_text(out, "text", (struct ps_text){(char *)text.data, (uint32_t)text.len});
	put_string(out, "link", what->link);
	end(out);
	buf_done(&text);
}

void live_line_alert(struct buf *out, const struct ps_record *r, const char *text)
{
	begin(out, "alert");
	put_times(out, r->start_ns, r->end_ns);
	put_word(out, "stage", names_stage(r->alert.stage));
	put_string(out, "text", text);
	put_count(out, "count", r->alert.count);
	put_count(out, "sent", r->alert.sent);
	put_count(out, "received", r->alert.received);
	end(out);
}

void live_line_tick(struct buf *out, const struct live_time *time, const struct live_sum *sum)
{
	begin(out, "tick");
	put_sum(out, time, sum);
	put_count(out, "flows", sum->flows);
	put_count(out, "executions", sum->executions);
	end(out);
}
