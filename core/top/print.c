/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/top/print.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static int flush(FILE *out)
{
	errno = 0;
	return fflush(out) != 0 || ferror(out) ? errno ? -errno : -EIO : 0;
}

/* ---- text ---- */

static void write_line(struct buf *line, FILE *out)
{
	while (line->len && line->data[line->len - 1] == ' ')
		line->len--;
	fwrite(line->data, 1, line->len, out);
	putc('\n', out);
	line->len = 0;
}

int top_print_text(const struct top_rows *rows, const struct top_look *look, FILE *out)
{
	struct buf line;

	buf_init(&line);
	for (unsigned i = 0; i < TOP_SUMMARY; i++) {
		top_put_summary(&line, look, rows, i);
		write_line(&line, out);
	}
	write_line(&line, out);
	top_put_titles(&line, look);
	write_line(&line, out);
	for (size_t i = 0; i < rows->n_programs; i++) {
		top_put_program(&line, look, &rows->programs[i]);
		write_line(&line, out);
	}
	if (rows->n_connections)
		fputs("\nNEWEST CONNECTIONS\n", out);
	for (size_t i = 0; i < rows->n_connections && i < TOP_PRINT_CONNECTIONS; i++) {
		top_put_connection(&line, look, &rows->connections[i]);
		write_line(&line, out);
	}
	if (rows->n_listening || rows->listening_more || *rows->listening_why) {
		putc('\n', out);
		top_put_listening(&line, look, rows);
		write_line(&line, out);
	}
	for (size_t i = 0; i < rows->n_listening; i++) {
		top_put_listener(&line, look, &rows->listening[i]);
		write_line(&line, out);
	}
	if (rows->n_events)
		fputs("\nNEW PROGRAMS AND ALERTS\n", out);
	for (size_t i = 0; i < rows->n_events && i < TOP_PRINT_EVENTS; i++) {
		top_put_event(&line, look, &rows->events[i]);
		write_line(&line, out);
	}
	putc('\n', out);
	buf_done(&line);
	return flush(out);
}

/* ---- JSON ---- */

static void set_count(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n));
}

static void set_known(json_t *o, const char *key, int64_t n)
{
	if (n >= 0)
		json_object_set_new(o, key, json_integer(n));
}

static void set_text(json_t *o, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(o, key, json_string(text));
}

static void set_bytes(json_t *o, const char *sent, const char *received, struct top_bytes bytes)
{
	set_count(o, sent, bytes.sent);
	set_count(o, received, bytes.received);
}

static json_t *programs(const struct top_rows *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n_programs; i++) {
		const struct top_program *p = &rows->programs[i];
		json_t *o = json_object();

		set_text(o, "exe", p->exe);
		set_text(o, "name", p->name);
		set_bytes(o, "sent_rate", "received_rate", p->rate);
		set_bytes(o, "sent", "received", p->total);
		set_count(o, "connections", p->connections);
		set_known(o, "listening", p->listening);
		set_text(o, "peer", p->peer);
		set_known(o, "uid", p->uid);
		set_known(o, "pid", p->pid);
		set_known(o, "last_ns", p->last_ns);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *connections(const struct top_rows *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n_connections; i++) {
		const struct top_connection *c = &rows->connections[i];
		json_t *o = json_object();

		set_text(o, "exe", c->exe);
		set_text(o, "name", c->name);
		set_text(o, "direction", c->direction);
		set_text(o, "protocol", c->protocol);
		set_text(o, "peer", c->peer);
		set_known(o, "lport", c->lport);
		set_known(o, "since_ns", c->since_ns);
		json_object_set_new(o, "closed", json_boolean(c->closed));
		set_bytes(o, "sent", "received", c->total);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *listening(const struct top_rows *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n_listening; i++) {
		const struct top_listener *l = &rows->listening[i];
		json_t *o = json_object();

		set_text(o, "exe", l->exe);
		set_text(o, "name", l->name);
		set_text(o, "protocol", l->protocol);
		set_known(o, "family", l->family);
		set_text(o, "laddr", l->addr);
		set_known(o, "lport", l->port);
		set_text(o, "place", l->place);
		set_known(o, "netns", l->netns);
		set_known(o, "uid", l->uid);
		set_known(o, "pid", l->pid);
		set_known(o, "socket", l->socket);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *events(const struct top_rows *rows)
{
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n_events; i++) {
		json_t *o = json_object();

		set_known(o, "time_ns", rows->events[i].at_ns);
		set_text(o, "kind", rows->events[i].kind);
		set_text(o, "text", rows->events[i].text);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *lost(const struct top_rows *rows)
{
	json_t *o = json_object();

	set_count(o, "alerts", rows->lost.times);
	set_count(o, "count", rows->lost.count);
	set_bytes(o, "sent", "received", rows->lost.bytes);
	return o;
}

static json_t *evicted(const struct top_rows *rows)
{
	json_t *o = json_object();

	set_count(o, "programs", rows->evicted.programs);
	set_count(o, "connections", rows->evicted.connections);
	set_bytes(o, "sent", "received", rows->evicted.total);
	return o;
}

int top_print_json(const struct top_rows *rows, FILE *out)
{
	static const char *const states[] = {[TOP_AWAY] = "away", [TOP_WAIT] = "waiting", [TOP_LIVE] = "live"};
	json_t *root = json_object();

	json_object_set_new(root, "state", json_string(states[rows->state]));
	if (rows->state == TOP_AWAY)
		set_text(root, "why", rows->why);
	set_text(root, "host", rows->host);
	set_text(root, "version", rows->version);
	set_known(root, "time_ns", rows->now_ns);
	set_known(root, "since_ns", rows->since_ns);
	set_bytes(root, "sent_rate", "received_rate", rows->rate);
	set_bytes(root, "sent", "received", rows->total);
	json_object_set_new(root, "lost", lost(rows));
	set_count(root, "feed_lost", rows->cuts);
	set_count(root, "garbled", rows->garbled);
	json_object_set_new(root, "evicted", evicted(rows));
	json_object_set_new(root, "programs", programs(rows));
	json_object_set_new(root, "connections", connections(rows));
	if (rows->listening_known) {
		json_object_set_new(root, "listening", listening(rows));
		set_count(root, "listening_more", rows->listening_more);
	}
	if (*rows->listening_why)
		json_object_set_new(root, "listening_why", json_string(rows->listening_why));
	json_object_set_new(root, "events", events(rows));
	json_dumpf(root, out, JSON_COMPACT);
	putc('\n', out);
	json_decref(root);
	return flush(out);
}
