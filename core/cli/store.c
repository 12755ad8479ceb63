/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/cli/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/config/option.h"
#include "core/config/settings.h"
#include "core/delivery/plugin_load.h"
#include "core/delivery/sink_files.h"

/* What stands behind the plugin's host table. */
struct ps_ctx {
	const struct sink_settings *sink;
	struct settings *settings;
	const struct cli_store *store;
	const char *file; /* instead of the key `file` */
	char path[4096];  /* of the store */
	char why[1024];
};

static const struct setting *value_of(const struct ps_ctx *ctx, const char *key)
{
	for (size_t i = 0; i < ctx->sink->n_values; i++)
		if (strcmp(ctx->sink->values[i].option->key, key) == 0)
			return &ctx->sink->values[i];
	return NULL;
}

static const char *host_text(struct ps_ctx *ctx, const char *key)
{
	const struct setting *value = value_of(ctx, key);

	if (ctx->file && strcmp(key, "file") == 0)
		return ctx->file;
	if (!value)
		return "";
	/* The setting is the name in its folder. */
	if (value->option->type != PS_OPTION_STATE_FILE || value->text[0] == '/')
		return value->text;
	snprintf(ctx->path, sizeof(ctx->path), "%s/%s", ctx->settings->paths.state, value->text);
	return ctx->path;
}

static int64_t host_number(struct ps_ctx *ctx, const char *key)
{
	const struct setting *value = value_of(ctx, key);

	return value ? value->number : 0;
}

__attribute__((format(printf, 3, 4))) static void host_log(struct ps_ctx *ctx, enum ps_level level, const char *format,
                                                           ...)
{
	va_list args;

	(void)ctx;
	va_start(args, format);
	log_message((enum log_level)level, format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static void host_why(struct ps_ctx *ctx, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ctx->why, sizeof(ctx->why), format, args);
	va_end(args);
}

/* A command replaces no file: the daemon may have it open. */
static int host_set_aside(struct ps_ctx *ctx, const char *key, const char *reason)
{
	(void)ctx, (void)key, (void)reason;
	return -EROFS;
}

static int host_rotate(struct ps_ctx *ctx, const char *key, unsigned keep)
{
	(void)ctx, (void)key, (void)keep;
	return -EROFS;
}

static int host_stopping(struct ps_ctx *ctx)
{
	return ctx->store->stopping && ctx->store->stopping(ctx->store);
}

static const struct ps_host host = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(host),
    .text = host_text,
    .number = host_number,
    .log = host_log,
    .why = host_why,
    .show = text_show,
    .set_aside = host_set_aside,
    .rotate = host_rotate,
    .stopping = host_stopping,
};

/* A settings_describe. The plugin is loaded here anyway, by whoever asks. */
static struct ps_option *describe(const char *dir, const char *name, const char **why)
{
	const struct ps_plugin *plugin = plugin_load(dir, name, why);
	struct ps_option *options;
	struct buf text;

	if (!plugin)
		return NULL;
	buf_init(&text);
	option_write(&text, plugin->options);
	options = option_read(text.data, text.len);
	buf_done(&text);
	return options;
}

static struct buf kept;
static bool is_kept;

static FILE *open_config(const char *path)
{
	FILE *in;

	if (is_kept)
		return kept.len ? fmemopen(kept.data, kept.len, "r") : NULL;
	in = fopen(path, "re");
	/* It may hold passwords, and so be closed to those who may read the store. */
	if (!in && errno == EACCES)
		log_info("%s cannot be read: its defaults are used", path);
	else if (!in && errno != ENOENT)
		log_warning("%s: %s: its defaults are used", path, strerror(errno));
	return in;
}

void cli_store_keep_config(const char *path)
{
	FILE *in = open_config(path);
	char piece[4096];
	size_t n;

	while (in && (n = fread(piece, 1, sizeof(piece), in)) > 0)
		buf_put(&kept, piece, n);
	if (in)
		fclose(in);
	is_kept = true;
}

/* The configuration; what is wrong in it is for `picosnitch check` to tell. */
static struct settings *load_settings(const char *path)
{
	struct mistakes mistakes = {0};
	FILE *in = open_config(path);
	struct settings *settings;

	settings = settings_load(in, describe, &mistakes);
	mistakes_done(&mistakes);
	if (in)
		fclose(in);
	return settings;
}

static const struct sink_settings *find_sink(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_sinks; i++)
		if (strcmp(settings->sinks[i].name, name) == 0)
			return &settings->sinks[i];
	return NULL;
}

int cli_store_load(struct cli_store *s, const char *config_path, const char *name, const char *file)
{
	const char *why = NULL;
	struct ps_ctx *ctx = mem_alloc(sizeof(*ctx));

	ctx->settings = load_settings(config_path);
	ctx->sink = find_sink(ctx->settings, name);
	ctx->file = file;
	*s = (struct cli_store){.ctx = ctx};
	ctx->store = s;
	if (!ctx->sink)
		log_error("there is no [sink %s] in %s", name, config_path);
	else if (!(s->plugin = plugin_load(ctx->settings->paths.plugins, ctx->sink->plugin, &why)))
		log_error("%s", why);
	if (s->plugin)
		return 0;
	cli_store_close(s);
	return -ENOENT;
}

void cli_store_close_reader(struct cli_store *s)
{
	if (s->reader)
		s->reader->close(s->self);
	s->reader = NULL;
}

int cli_store_open_reader(struct cli_store *s)
{
	int r;

	cli_store_close_reader(s);
	if (!s->plugin->reader) {
		host_why(s->ctx, "the plugin %s only writes: it cannot be asked", s->ctx->sink->plugin);
		return -ENOTSUP;
	}
	r = s->plugin->reader->open(&host, s->ctx, &s->self);
	if (r == 0)
		s->reader = s->plugin->reader;
	return r;
}

int cli_store_open(struct cli_store *s, const char *config_path, const char *name, const char *file)
{
	if (cli_store_load(s, config_path, name, file) < 0)
		return -ENOENT;
	if (cli_store_open_reader(s) == 0)
		return 0;
	log_error("%s", s->ctx->why);
	cli_store_close(s);
	return -ENOENT;
}

const char *cli_store_text(struct cli_store *s, const char *key)
{
	return host_text(s->ctx, key);
}

int64_t cli_store_number(struct cli_store *s, const char *key)
{
	return host_number(s->ctx, key);
}

const struct settings *cli_store_settings(const struct cli_store *s)
{
	return s->ctx->settings;
}

int cli_store_prepare(struct cli_store *s, uid_t uid, gid_t gid)
{
	struct sink_files files;
	char why[TRUST_WHY];
	int err;

	sink_files_init(&files, s->ctx->settings, s->ctx->sink, uid, gid);
	err = sink_files_prepare(&files, why);
	sink_files_done(&files);
	if (err)
		log_error("%s", why);
	return err;
}

int cli_store_open_sink(struct cli_store *s)
{
	const struct ps_sink *sink = s->plugin->sink;
	enum ps_verdict verdict = sink->check ? sink->check(&host, s->ctx) : PS_STORED;

	if (verdict == PS_STORED)
		verdict = sink->open(&host, s->ctx, &s->self);
	if (verdict == PS_STORED) {
		s->sink = sink;
		return 0;
	}
	log_error("%s", s->ctx->why);
	return -EIO;
}

int cli_store_write(struct cli_store *s, const struct ps_batch *batch, int64_t patience_ms)
{
	int64_t until = clock_monotonic_ns() + patience_ms * NS_PER_MS;
	enum ps_verdict verdict;

	while ((verdict = s->sink->write(s->self, batch)) == PS_AWAY && clock_monotonic_ns() < until)
		nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
	return verdict == PS_STORED ? 0 : -EIO;
}

const char *cli_store_why(const struct cli_store *s)
{
	return s->ctx->why;
}

void cli_store_close(struct cli_store *s)
{
	cli_store_close_reader(s);
	if (s->sink)
		s->sink->close(s->self);
	settings_free(s->ctx->settings);
	free(s->ctx);
	*s = (struct cli_store){0};
}
