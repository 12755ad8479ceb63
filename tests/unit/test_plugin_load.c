/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files are loaded as plugins, and what they are asked before. */
#include "core/delivery/plugin_load.h"

#include <errno.h>

#include "core/config/option.h"
#include "tests/tap.h"
#include "tests/unit/scratch.h"

static void refused(const char *name, const char *reason)
{
	const char *why = "";

	ok(!plugin_load(scratch, name, &why) && strstr(why, reason), "%s is refused: %s", name, why);
}

static void test_load(void)
{
	const struct ps_plugin *plugin;
	char *copy = scratch_path("copy.so"), *loose = scratch_path("loose.so"), *way = scratch_path("way.so"),
	     *text = scratch_path("text.so"), *given = scratch_path("given.so");
	const char *why = "";
	char abi[64];

	plugin = plugin_load(scratch, "faulty", &why);
	ok(plugin && strcmp(plugin->name, "faulty") == 0, "a plugin is loaded");
	ok(plugin_load(scratch, "faulty", &why) == plugin, "twice, it is the same");
	refused("missing", "not built or not installed");
	refused("../faulty", "name is 1 to 64");
	refused("", "name is 1 to 64");
	snprintf(abi, sizeof(abi), "has ABI %u and this program %u", PS_PLUGIN_ABI + 1, PS_PLUGIN_ABI);
	refused("old", abi);
	refused("alien", "no symbol ps_plugin");
	scratch_copy("tests/unit/.libs/faulty.so", "copy.so", 0644);
	refused("copy", "calls itself faulty");
	scratch_copy("tests/unit/.libs/faulty.so", "loose.so", 0664);
	refused("loose", "chmod go-w");
	if (symlink("faulty.so", way))
		abort();
	refused("way", "symbolic link");
	scratch_write(text, "not ELF", 7, 0644);
	refused("text", "cannot be loaded");
	if (geteuid() == 0) {
		scratch_copy("tests/unit/.libs/faulty.so", "given.so", 0644);
		if (chown(given, 65534, 65534))
			abort();
		refused("given", "must belong to root");
	} else {
		skip("only root can give a file away");
	}
	if (chmod(scratch, 0777))
		abort();
	refused("faulty", "chmod go-w");
	if (chmod(scratch, 0755))
		abort();
	free(copy);
	free(loose);
	free(way);
	free(text);
	free(given);
}

static void test_describe(void)
{
	char *program = scratch_path("host_program");
	struct ps_option *options;
	const char *why = "";

	ok(!plugin_describe(scratch, "faulty", &why) && strstr(why, "plugin_describe_as"), "nobody to ask: %s", why);
	plugin_describe_as(program, 65534, 65534);
	options = plugin_describe(scratch, "faulty", &why);
	if (ok(options != NULL, "a plugin is asked what it declares (%s)", options ? "" : why)) {
		const struct ps_option *secret = option_find(options, "secret"), *stored = option_find(options, "stored");

		ok(secret && (secret->flags & PS_OPTION_SECRET), "with flags");
		ok(stored && stored->companions && strcmp(stored->companions, "-wal -shm") == 0, "with companions");
		ok(option_find(options, "mode") && !option_find(options, "none"), "no more and no less");
		option_free(options);
	}
	plugin_describe_ahead(scratch, "faulty");
	plugin_describe_ahead(scratch, "missing");
	plugin_describe_as("/bin/false", 65534, 65534);
	options = plugin_describe(scratch, "faulty", &why);
	ok(options != NULL, "who was asked ahead has answered, and nobody else is asked");
	option_free(options);
	plugin_describe_as(program, 65534, 65534);
	ok(!plugin_describe(scratch, "old", &why) && strstr(why, "has ABI "), "what it says when it cannot: %s", why);
	ok(!plugin_describe(scratch, "missing", &why) && strstr(why, "not built"), "no such plugin: %s", why);
	plugin_describe_as("/bin/false", 65534, 65534);
	ok(!plugin_describe(scratch, "faulty", &why) && strstr(why, "status 1"), "a program that does not answer: %s", why);
	plugin_describe_as("/bin/echo", 65534, 65534);
	ok(!plugin_describe(scratch, "faulty", &why) && strstr(why, "cannot be read"), "one that answers anything: %s",
	   why);
	if (geteuid() == 0) {
		plugin_describe_as(program, 0, 0);
		ok(!plugin_describe(scratch, "faulty", &why) && strstr(why, "not root"), "never as root: %s", why);
	} else {
		skip("this is not root");
	}
	free(program);
}

int main(void)
{
	scratch_make();
	scratch_copy("tests/unit/.libs/faulty.so", "faulty.so", 0644);
	scratch_copy("tests/unit/.libs/old.so", "old.so", 0644);
	scratch_copy("tests/unit/.libs/alien.so", "alien.so", 0644);
	scratch_copy("tests/unit/host_program", "host_program", 0755);
	test_load();
	test_describe();
	scratch_remove();
	return tap_done();
}
