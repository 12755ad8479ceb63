/* SPDX-License-Identifier: GPL-3.0-or-later */
/* picosnitch status: what the daemon says of itself. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/cli/cli.h"
#include "core/daemon/control.h"
#include "core/daemon/pidfile.h"

enum { NOT_RUNNING = 3 }; /* what service managers expect */

static const char help[] =
    "usage: picosnitch status [--json]\n"
    "\n"
    "Shows whether the daemon runs, through which hooks it sees, the state and lag of each sink,\n"
    "and everything that was lost since it started.\n"
    "\n"
    "  --json   all of it, as one JSON object\n"
    "\n"
    "Exit status: 0 it runs, 1 it cannot be asked, 3 it does not run.\n";

static const char *str(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static int64_t num(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_sinks(const json_t *sinks)
{
	const json_t *sink;
	size_t i;

	json_array_foreach(sinks, i, sink)
	{
		printf("sink %-12s %s, %" PRId64 " batches with %" PRId64 " records taken, %" PRId64 " behind",
		       str(sink, "name"), str(sink, "state"), num(sink, "batches"), num(sink, "records"),
		       num(sink, "lag_batches"));
		if (num(sink, "restarts"))
			printf(", %" PRId64 " restarts", num(sink, "restarts"));
		if (num(sink, "dead"))
			printf(", %" PRId64 " batches set aside", num(sink, "dead"));
		if (*str(sink, "why"))
			printf(" (%s)", str(sink, "why"));
		if (*str(sink, "stats"))
			printf("\n%-17s %s", "", str(sink, "stats"));
		printf("\n");
	}
	if (!json_array_size(sinks))
		printf("sinks             none is enabled\n");
}

static void print_audit(const json_t *audit)
{
	const json_t *list = json_object_get(audit, "namespaces"), *n;
	size_t i;

	json_array_foreach(list, i, n)
	    printf("audit %-11" PRId64 " IP sent %" PRId64 ", received %" PRId64 " bytes; not accounted for: %" PRId64
	           " and %" PRId64 " (estimated), and %" PRId64 " of %" PRId64 " UDP datagrams\n",
	           num(n, "netns"), num(n, "sent"), num(n, "received"), num(n, "rest_sent"), num(n, "rest_received"),
	           num(n, "rest_datagrams"), num(n, "datagrams"));
	if (json_is_false(json_object_get(audit, "complete")))
		printf("audit             there are more network namespaces than these\n");
}

static void print_countries(const json_t *countries)
{
	if (*str(countries, "said"))
		printf("countries         %s%s\n", strcmp(str(countries, "state"), "failed") == 0 ? "not fetched: " : "",
		       str(countries, "said"));
}

static void print_losses(const json_t *losses)
{
	const json_t *loss;
	size_t i;

	if (!json_array_size(losses)) {
		printf("losses            none\n");
		return;
	}
	json_array_foreach(losses, i, loss)
	    printf("loss %-12s %" PRId64 " times, %" PRId64 " bytes sent, %" PRId64 " received; last %s\n",
	           str(loss, "stage"), num(loss, "count"), num(loss, "sent"), num(loss, "received"), str(loss, "last"));
}

static void print_hooks(const json_t *root)
{
	const json_t *programs = json_object_get(root, "programs"), *hook;
	size_t i, attached = 0;

	json_array_foreach(programs, i, hook) attached += json_is_true(json_object_get(hook, "attached"));
	printf("hooks             %s, %zu of %zu programs attached\n", str(root, "hooks"), attached,
	       json_array_size(programs));
	json_array_foreach(programs, i, hook)
	{
		if (json_object_get(hook, "waits_for_module"))
			printf("  not needed yet  %s: the kernel module %s is not loaded\n", str(hook, "name"),
			       str(hook, "waits_for_module"));
		else if (!json_is_true(json_object_get(hook, "attached")))
			printf("  not attached    %s (%s): not seen: %s\n", str(hook, "name"), str(hook, "error"),
			       str(hook, "not_seen"));
	}
}

static void print_self_test(const json_t *test)
{
	const char *state = str(test, "state");
	int64_t wrong = num(test, "not_counted") + num(test, "peer_not_known");

	if (strcmp(state, "passed") == 0 || strcmp(state, "failed") == 0)
		printf("self-test         %s: %" PRId64 " paths are counted, %" PRId64 " are not, %" PRId64
		       " this kernel does not have (`picosnitch check` shows them)\n",
		       state, num(test, "counted"), wrong, num(test, "not_tried"));
	else
		printf("self-test         %s%s%s\n", state, *str(test, "why") ? ": " : "", str(test, "why"));
}

static void print(const json_t *root)
{
	const json_t *window = json_object_get(root, "window"), *identity = json_object_get(root, "identity");
	const json_t *journal = json_object_get(root, "journal"), *ignored = json_object_get(root, "ignored");
	const json_t *feed = json_object_get(root, "feed"), *memory = json_object_get(root, "memory");
	const json_t *flows = json_object_get(root, "flow_map");

	printf("picosnitch %s, pid %" PRId64 ", running since %s (%" PRId64 " s)\n", str(root, "version"), num(root, "pid"),
	       str(root, "started"), num(root, "uptime_seconds"));
	printf("configuration     %s\n", str(root, "config"));
	print_hooks(root);
	printf("seen              %" PRId64 " bytes sent, %" PRId64 " received in %" PRId64 " calls; %" PRId64
	       " rows in the open window\n",
	       num(window, "sent"), num(window, "received"), num(window, "calls"), num(window, "rows"));
	if (json_is_true(json_object_get(flows, "nearly_full")))
		printf("flow map          nearly full: %" PRId64 " flows at most between two drains, of %" PRId64
		       " that have room: raise [capture] max_flows\n",
		       num(flows, "most"), num(flows, "room"));
	if (num(ignored, "calls"))
		printf("left out          %" PRId64 " bytes sent, %" PRId64 " received in %" PRId64 " calls of these ([log])\n",
		       num(ignored, "sent"), num(ignored, "received"), num(ignored, "calls"));
	printf("programs          %" PRId64 " processes; %" PRId64 " executables hashed, %" PRId64 " failed, %" PRId64
	       " waiting; %" PRId64 " file systems watched\n",
	       num(identity, "processes"), num(identity, "hashed"), num(identity, "hash_failures"),
	       num(identity, "hash_waiting"), num(identity, "filesystems_watched"));
	printf("known             %" PRId64 " executables, %" PRId64 " of them expected; %" PRId64
	       " times something new was told\n",
	       num(memory, "executables"), num(memory, "expected"), num(memory, "told"));
	print_self_test(json_object_get(root, "self_test"));
	printf("journal           batch %" PRId64 "; %" PRId64 " waiting (%" PRId64 " bytes)%s%s\n",
	       num(journal, "last_batch"), num(journal, "batches_waiting"), num(journal, "bytes_waiting"),
	       *str(journal, "error") ? "; " : "", str(journal, "error"));
	print_sinks(json_object_get(root, "sinks"));
	printf("live feed         %" PRId64 " readers; since start %" PRId64 ", of which %" PRId64
	       " were too slow and dropped; %" PRId64 " refused\n",
	       num(feed, "readers"), num(feed, "accepted"), num(feed, "dropped"), num(feed, "refused"));
	print_audit(json_object_get(root, "audit"));
	print_countries(json_object_get(root, "countries"));
	print_losses(json_object_get(root, "losses"));
}

int status_main(int argc, char **argv)
{
	struct settings *settings;
	bool json = false;
	json_t *root;
	char *answer;
	pid_t pid;

	if (cli_help(argc, argv, help))
		return 0;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") != 0)
			return cli_usage(argv[0], argv[i]);
		json = true;
	}
	settings = cli_load_paths();
	if (!settings)
		return 1;
	pid = pidfile_find(settings->paths.run);
	answer = pid > 0 ? control_ask(settings->paths.run, "status") : NULL;
	if (pid == 0) {
		puts(json ? "{\"state\": \"stopped\"}" : "picosnitch does not run; `picosnitch start` starts it");
		settings_free(settings);
		return NOT_RUNNING;
	}
	if (!answer || !*answer) {
		log_error("the daemon (pid %d) does not answer on %s/control.sock: %s", pid, settings->paths.run,
		          errno == EACCES ? "only root and its group may ask" : strerror(errno));
		settings_free(settings);
		free(answer);
		return 1;
	}
	settings_free(settings);
	if (json) {
		puts(answer);
	} else {
		root = json_loads(answer, 0, NULL);
		if (!root) {
			log_error("the daemon's answer cannot be understood: is it of another version?");
			return 1;
		}
		print(root);
		json_decref(root);
	}
	free(answer);
	return 0;
}
