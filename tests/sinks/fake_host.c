/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sinks/fake_host.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/config/option.h"

static char folder[64];
static pid_t folder_owner;

static void fail(const char *what, const char *why)
{
	printf("Bail out! %s: %s\n", what, why);
	exit(1);
}

static void remove_folder(void)
{
	struct dirent *entry;
	DIR *dir;

	if (getpid() != folder_owner || !(dir = opendir(folder)))
		return;
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(folder);
}

const char *fake_dir(void)
{
	const char *top = getenv("TMPDIR");

	if (!*folder) {
		snprintf(folder, sizeof(folder), "%.40s/ps-sink-XXXXXX", top && *top ? top : "/tmp");
		if (!mkdtemp(folder) || chmod(folder, 0755) < 0)
			fail(folder, strerror(errno));
		folder_owner = getpid();
		atexit(remove_folder);
	}
	return folder;
}

const struct ps_plugin *fake_load(const char *path)
{
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const struct ps_plugin *plugin = so ? dlsym(so, "ps_plugin") : NULL;

	if (!plugin)
		fail(path, dlerror());
	if (plugin->abi != PS_PLUGIN_ABI || plugin->size != sizeof(*plugin))
		fail(path, "another ABI");
	return plugin;
}

static int is_file(const struct ps_option *o)
{
	return o->type == PS_OPTION_STATE_FILE || o->type == PS_OPTION_LOG_FILE;
}

void fake_set(struct ps_ctx *ctx, const char *key, const char *value)
{
	const struct ps_option *o = option_find(ctx->plugin->options, key);
	const char *wrong;
	int64_t number;
	unsigned i = 0;

	if (!o)
		fail(key, "no such option");
	wrong = option_parse(o, value, &number);
	if (wrong)
		fail(key, wrong);
	while (i < ctx->n_values && strcmp(ctx->values[i].key, key) != 0)
		i++;
	if (i == FAKE_VALUES)
		fail(key, "too many options");
	if (i == ctx->n_values)
		ctx->values[ctx->n_values++].key = o->key;
	free(ctx->values[i].text);
	ctx->values[i].text = is_file(o) ? mem_printf("%s/%s", ctx->dir, value) : mem_strdup(value);
	ctx->values[i].number = number;
}

void fake_init(struct ps_ctx *ctx, const struct ps_plugin *plugin, const char *dir, unsigned owner)
{
	*ctx = (struct ps_ctx){.plugin = plugin, .dir = dir, .owner = owner};
	for (const struct ps_option *o = plugin->options; o->key; o++)
		fake_set(ctx, o->key, o->fallback ? o->fallback : "");
}

void fake_done(struct ps_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->n_values; i++)
		free(ctx->values[i].text);
}

static void make(struct ps_ctx *ctx, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);

	if (fd < 0 || (ctx->owner && fchown(fd, ctx->owner, ctx->owner) < 0))
		fail(path, strerror(errno));
	close(fd);
}

static const char *text_of(struct ps_ctx *ctx, const char *key)
{
	for (unsigned i = 0; i < ctx->n_values; i++)
		if (strcmp(ctx->values[i].key, key) == 0)
			return ctx->values[i].text;
	return "";
}

/* Calls with the file's path and each companion's. */
static void each(struct ps_ctx *ctx, const struct ps_option *o, void (*what)(struct ps_ctx *, const char *))
{
	char *suffixes = mem_strdup(o->companions ? o->companions : ""), *state = NULL;

	what(ctx, text_of(ctx, o->key));
	for (char *s = strtok_r(suffixes, " ", &state); s; s = strtok_r(NULL, " ", &state)) {
		char *path = mem_printf("%s%s", text_of(ctx, o->key), s);

		what(ctx, path);
		free(path);
	}
	free(suffixes);
}

void fake_files(struct ps_ctx *ctx)
{
	for (const struct ps_option *o = ctx->plugin->options; o->key; o++)
		if (is_file(o))
			each(ctx, o, make);
}

static void move_away(struct ps_ctx *ctx, const char *path)
{
	char *to = mem_printf("%s.aside-%u", path, ctx->set_aside);

	if (rename(path, to) < 0 && errno != ENOENT)
		fail(path, strerror(errno));
	free(to);
}

static int host_set_aside(struct ps_ctx *ctx, const char *key, const char *reason)
{
	const struct ps_option *o = option_find(ctx->plugin->options, key);

	(void)reason;
	if (access(ctx->dir, W_OK) < 0)
		return -errno;
	ctx->set_aside++;
	each(ctx, o, move_away);
	fake_files(ctx);
	return 0;
}

static void shift(const char *path, const char *suffix, unsigned i)
{
	char *from = i > 1 ? mem_printf("%s.%u%s", path, i - 1, suffix) : mem_printf("%s%s", path, suffix);
	char *to = mem_printf("%s.%u%s", path, i, suffix);

	if (rename(from, to) < 0 && errno != ENOENT)
		fail(from, strerror(errno));
	free(from);
	free(to);
}

/* As the core does: a companion goes with its file. None of those tested has two. */
static int host_rotate(struct ps_ctx *ctx, const char *key, unsigned keep)
{
	const struct ps_option *o = option_find(ctx->plugin->options, key);
	const char *path = text_of(ctx, key);

	if (access(ctx->dir, W_OK) < 0)
		return -errno;
	ctx->rotated++;
	for (unsigned i = keep; i > 0; i--) {
		if (o->companions)
			shift(path, o->companions, i);
		shift(path, "", i);
	}
	if (!keep)
		unlink(path);
	fake_files(ctx);
	return 0;
}

static const char *host_text(struct ps_ctx *ctx, const char *key)
{
	return text_of(ctx, key);
}

static int64_t host_number(struct ps_ctx *ctx, const char *key)
{
	for (unsigned i = 0; i < ctx->n_values; i++)
		if (strcmp(ctx->values[i].key, key) == 0)
			return ctx->values[i].number;
	return 0;
}

__attribute__((format(printf, 3, 4))) static void host_log(struct ps_ctx *ctx, enum ps_level level, const char *format,
                                                           ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ctx->last_log, sizeof(ctx->last_log), format, args);
	va_end(args);
	ctx->warnings += level == PS_WARNING;
	ctx->errors += level == PS_ERROR;
	printf("# log: %s\n", ctx->last_log);
}

__attribute__((format(printf, 2, 3))) static void host_why(struct ps_ctx *ctx, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ctx->why, sizeof(ctx->why), format, args);
	va_end(args);
	printf("# why: %s\n", ctx->why);
}

static int host_stopping(struct ps_ctx *ctx)
{
	return ctx->stopping;
}

static int host_found(struct ps_ctx *ctx, const struct ps_found *found)
{
	ctx->last_found = *found;
	ctx->last_found.reason = ctx->last_found.link = "";
	ctx->found++;
	printf("# found: state %d, %u of %u, %s%s\n", (int)found->state, found->malicious + found->suspicious,
	       found->malicious + found->suspicious + found->harmless + found->undetected, found->reason, found->link);
	return ctx->found_answer;
}

const struct ps_host fake_host = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(fake_host),
    .text = host_text,
    .number = host_number,
    .log = host_log,
    .why = host_why,
    .show = text_show,
    .set_aside = host_set_aside,
    .rotate = host_rotate,
    .stopping = host_stopping,
    .found = host_found,
};
