/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/status.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "core/base/clock.h"

static json_int_t number(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (json_int_t)n;
}

static json_t *when(int64_t wall_ns)
{
	char text[CLOCK_TEXT_SIZE];

	return wall_ns ? json_string(clock_text(text, wall_ns)) : json_null();
}

static json_t *hooks(const struct probe *probe)
{
	const struct probe_hook *hook;
	json_t *list = json_array();
	unsigned n;

	hook = probe_hooks(probe, &n);
	for (unsigned i = 0; i < n; i++, hook++) {
		json_t *h = json_pack("{s:s, s:b}", "name", hook->name, "attached", hook->attached);

		if (hook->asleep) {
			json_object_set_new(h, "waits_for_module", json_string(hook->module));
		} else if (!hook->attached) {
			json_object_set_new(h, "error", json_string(strerror(-hook->error)));
			json_object_set_new(h, "not_seen", json_string(hook->without ? hook->without : ""));
		}
		json_array_append_new(list, h);
	}
	return list;
}

static json_t *sinks(struct couriers *couriers, uint64_t last_seq)
{
	json_t *list = json_array();
	struct courier_status s;

	for (size_t i = 0; couriers_get_status(couriers, i, &s); i++) {
		json_array_append_new(
		    list, json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "name", s.name,
		                    "plugin", s.plugin, "state", s.state_text, "why", s.why, "pid", (int)s.pid, "cursor",
		                    number(s.cursor), "lag_batches", number(last_seq > s.cursor ? last_seq - s.cursor : 0),
		                    "batches", number(s.batches), "records", number(s.records), "restarts", number(s.restarts),
		                    "dead", number(s.dead), "state_seconds",
		                    (json_int_t)((clock_monotonic_ns() - s.since_ns) / NS_PER_S), "stats", s.stats));
	}
	return list;
}

static json_t *losses(const struct losses *l)
{
	struct losses_total totals[32];
	size_t n = losses_totals(l, totals, 32);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:o}", "stage", losses_stage_name(totals[i].stage),
		                                      "count", number(totals[i].count), "sent", number(totals[i].sent),
		                                      "received", number(totals[i].received), "last", when(totals[i].last_ns)));
	return list;
}

static json_t *audit(const struct watch *w)
{
	json_t *list = json_array();
	const struct audit_total *t;

	for (size_t i = 0; (t = audit_total(w->audit, i)); i++)
		if (t->since_ns)
			json_array_append_new(
			    list,
			    json_pack("{s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "netns",
			              number(t->netns), "since", when(t->since_ns), "last", when(t->last_ns), "sent",
			              number(t->ip.sent), "received", number(t->ip.received), "forwarded", number(t->ip.forwarded),
			              "own_sent", number(t->ip.own_sent), "own_received", number(t->ip.own_received), "rest_sent",
			              (json_int_t)t->ip.rest_sent, "rest_received", (json_int_t)t->ip.rest_received, "datagrams",
			              number(t->udp.packets_sent + t->udp.packets_received), "own_datagrams",
			              number(t->udp.own_calls), "rest_datagrams", (json_int_t)t->udp.rest_packets, "alerts",
			              number(t->alerts)));
	return json_pack("{s:b, s:o}", "complete", !w->audit_cut, "namespaces", list);
}

static json_t *identity(const struct watch *w)
{
	struct executables_stats e;
	struct processes_stats p;
	struct exec_watch_stats watch = {0};

	executables_get_stats(w->executables, &e);
	processes_get_stats(w->processes, &p);
	if (w->exec_watch)
		exec_watch_get_stats(w->exec_watch, &watch);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i}", "processes", number(p.images - p.awaited),
	                 "programs", number(p.programs), "hashed", number(e.hashed), "hash_failures", number(e.failed),
	                 "hash_waiting", number(e.waiting), "files_known", number(e.known), "not_opened",
	                 number(p.not_opened), "filesystems_watched", (int)watch.marked, "filesystems_refused",
	                 (int)watch.refused);
}

static json_t *memory(const struct watch *w)
{
	const struct memory *known = first_seen_memory(w->programs.first_seen);
	struct first_seen_stats f;
	struct memory_stats m = {0};

	first_seen_get_stats(w->programs.first_seen, &f);
	if (known)
		memory_get_stats(known, &m);
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "loaded", known != NULL, "executables", number(m.exes),
	                 "expected", number(m.expected), "told", number(f.told), "told_expected", number(f.expected),
	                 "waiting", number(f.waiting), "forgotten",
	                 number(m.forgot_exes + m.forgot_names + m.forgot_hashes));
}

static json_t *feed(const struct live *live)
{
	struct listening_stats l;
	struct feed_stats f;

	live_get_stats(live, &f, &l);
	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "readers", (int)f.readers, "accepted",
	                 number(f.accepted), "dropped", number(f.dropped), "refused", number(f.refused), "bytes",
	                 number(f.bytes), "waiting", number(f.waiting), "listening", "looks", number(l.looks), "found",
	                 number(l.found), "more", number(l.more), "took_us", number((uint64_t)l.took_ns / 1000));
}

static json_t *names(const struct watch *w)
{
	struct lookups_stats l = {0};
	struct reverse_stats r = {0};
	struct domains_stats d;

	if (w->reverse)
		reverse_get_stats(w->reverse, &r);
	domains_get_stats(w->domains, &d);
	if (w->evidence)
		evidence_get_stats(w->evidence, &l);
	return json_pack("{s:I, s:I, s:I, s:I, s:i, s:I, s:I, s:I, s:I}", "learnt", number(d.learnt), "evicted",
	                 number(d.evicted), "pairs", number(d.pairs), "connections", number(d.flows), "libraries",
	                 (int)l.probed, "libraries_failed", number(l.failed), "ptr_asked", number(r.asked), "ptr_named",
	                 number(r.named), "ptr_failed", number(r.failed));
}

static json_t *self_test(const struct self_test *t)
{
	json_t *root = json_pack("{s:s, s:f, s:i, s:i, s:i, s:i, s:s}", "state", self_test_state(t), "seconds",
	                         (double)t->took_ns / NS_PER_S, "counted", (int)t->n[SELF_COUNTED], "not_counted",
	                         (int)t->n[SELF_NOT_COUNTED], "peer_not_known", (int)t->n[SELF_NO_PEER], "not_tried",
	                         (int)t->n[SELF_NOT_TRIED], "why", t->why);
	json_t *paths = json_array();

	for (int i = 0; (t->state == SELF_PASSED || t->state == SELF_FAILED) && i < SELF_PATHS; i++) {
		const struct self_result *r = &t->results[i];

		json_array_append_new(paths, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "path", self_paths[i].name,
		                                       "verdict", self_result_verdict(r), "peer", self_result_peer(r), "sent",
		                                       number(r->moved.sent), "sent_seen", number(r->sent), "received",
		                                       number(r->moved.received), "received_seen", number(r->received), "why",
		                                       r->moved.why));
	}
	json_object_set_new(root, "paths", paths);
	return root;
}

char *status_json(const struct watch *w, struct couriers *couriers, const struct countries *countries,
                  const char *config, int64_t started_ns)
{
	struct journal_stats j;
	struct ledger_stats l;
	json_t *root;
	char *text;

	journal_get_stats(w->journal, &j);
	ledger_get_stats(w->ledger, &l);
	root = json_pack("{s:s, s:s, s:i, s:o, s:I, s:s, s:s, s:o}", "state", "running", "version", PACKAGE_VERSION, "pid",
	                 (int)getpid(), "started", when(started_ns), "uptime_seconds",
	                 (json_int_t)((clock_wall_ns() - started_ns) / NS_PER_S), "config", config, "hooks",
	                 probe_door_name(w->probe), "programs", hooks(w->probe));
	json_object_set_new(root, "window",
	                    json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "started", when(l.window_start_ns), "rows",
	                              number(l.rows), "ended", number(l.windows), "sent", number(l.sent), "received",
	                              number(l.received), "calls", number(l.calls), "executions", number(l.executions)));
	json_object_set_new(root, "ignored",
	                    json_pack("{s:I, s:I, s:I}", "sent", number(l.ignored.sent), "received",
	                              number(l.ignored.received), "calls", number(l.ignored.calls)));
	json_object_set_new(root, "flow_map",
	                    json_pack("{s:I, s:I, s:I, s:b}", "room", number(w->flow_fill.room), "last",
	                              number(w->flow_fill.last), "most", number(w->flow_fill.most), "nearly_full",
	                              w->flow_fill.near));
	json_object_set_new(root, "identity", identity(w));
	json_object_set_new(root, "memory", memory(w));
	json_object_set_new(root, "names", names(w));
	json_object_set_new(root, "self_test", self_test(&w->self_test));
	json_object_set_new(root, "journal",
	                    json_pack("{s:I, s:I, s:I, s:I, s:s}", "last_batch", number(j.last_seq), "batches_waiting",
	                              number(j.batches), "bytes_waiting", number(j.bytes), "windows_uncommitted",
	                              number(j.queued), "error", j.error ? strerror(-j.error) : ""));
	json_object_set_new(root, "sinks", sinks(couriers, j.last_seq));
	json_object_set_new(root, "feed", feed(w->live));
	json_object_set_new(root, "countries", countries_status(countries));
	json_object_set_new(root, "audit", audit(w));
	json_object_set_new(root, "losses", losses(w->losses));
	text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	return text;
}
