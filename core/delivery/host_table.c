/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/host_table.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/delivery/found.h"
#include "core/delivery/frame.h"

volatile sig_atomic_t host_stopping;

int host_hello(struct ps_ctx *ctx, const uint8_t *body, size_t len)
{
	struct cursor c;
	uint32_t n;

	cursor_init(&c, body, len);
	ctx->level = cursor_u8(&c);
	ctx->sink = frame_value(&c);
	ctx->plugin_dir = frame_value(&c);
	ctx->plugin = frame_value(&c);
	n = cursor_u32(&c);
	if (n > cursor_left(&c) / 16)
		return -EPROTO;
	ctx->options = mem_alloc(n * sizeof(*ctx->options));
	for (; ctx->n_options < n; ctx->n_options++) {
		struct host_option *o = &ctx->options[ctx->n_options];

		o->key = frame_value(&c);
		o->number = (int64_t)cursor_u64(&c);
		o->text = frame_value(&c);
	}
	return c.bad || cursor_left(&c) ? -EPROTO : 0;
}

void host_done(struct ps_ctx *ctx)
{
	for (uint32_t i = 0; i < ctx->n_options; i++) {
		explicit_bzero(ctx->options[i].text, strlen(ctx->options[i].text));
		free(ctx->options[i].text);
		free(ctx->options[i].key);
	}
	free(ctx->options);
	free(ctx->sink);
	free(ctx->plugin_dir);
	free(ctx->plugin);
	buf_done(&ctx->in);
	buf_done(&ctx->waiting);
}

int host_receive(struct ps_ctx *ctx, uint8_t *type)
{
	if (!ctx->waiting.len)
		return frame_receive(ctx->fd, type, &ctx->in);
	*type = ctx->waiting.data[0];
	ctx->in.len = 0;
	buf_put(&ctx->in, ctx->waiting.data + 1, ctx->waiting.len - 1);
	ctx->waiting.len = 0;
	return 1;
}

void host_send(struct ps_ctx *ctx, const struct buf *out)
{
	if (!ctx->broken && frame_send(ctx->fd, out))
		ctx->broken = 1;
}

static const struct host_option *find(struct ps_ctx *ctx, const char *key)
{
	static char nothing[1];
	static const struct host_option none = {.text = nothing};

	for (uint32_t i = 0; i < ctx->n_options; i++)
		if (strcmp(ctx->options[i].key, key) == 0)
			return &ctx->options[i];
	return &none;
}

static const char *host_text(struct ps_ctx *ctx, const char *key)
{
	return find(ctx, key)->text;
}

static int64_t host_number(struct ps_ctx *ctx, const char *key)
{
	return find(ctx, key)->number;
}

__attribute__((format(printf, 3, 4))) static void host_log(struct ps_ctx *ctx, enum ps_level level, const char *format,
                                                           ...)
{
	char line[FRAME_TEXT_MAX];
	struct buf out;
	va_list args;
	size_t start;

	if ((unsigned)level > ctx->level)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	buf_init(&out);
	start = frame_begin(&out, FRAME_LOG);
	buf_put_u8(&out, (uint8_t)level);
	frame_put_text(&out, line);
	frame_end(&out, start);
	host_send(ctx, &out);
	buf_done(&out);
}

__attribute__((format(printf, 2, 3))) static void host_why(struct ps_ctx *ctx, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ctx->why, sizeof(ctx->why), format, args);
	va_end(args);
}

/* Sends a request, and waits for what became of it. A batch may come meanwhile. */
static int ask(struct ps_ctx *ctx, const struct buf *request)
{
	uint8_t type;

	host_send(ctx, request);
	while (!ctx->broken) {
		int err = frame_receive(ctx->fd, &type, &ctx->in);
		struct cursor c;

		if (err <= 0)
			break;
		if (type == FRAME_DONE) {
			cursor_init(&c, ctx->in.data, ctx->in.len);
			return -(int)(cursor_u32(&c) & 0xfff);
		}
		if (ctx->waiting.len)
			break;
		buf_put_u8(&ctx->waiting, type);
		buf_put(&ctx->waiting, ctx->in.data, ctx->in.len);
	}
	ctx->broken = 1;
	return -EPIPE;
}

static int host_set_aside(struct ps_ctx *ctx, const char *key, const char *reason)
{
	struct buf out;
	size_t start;
	int err;

	buf_init(&out);
	start = frame_begin(&out, FRAME_SET_ASIDE);
	frame_put_text(&out, key);
	frame_put_text(&out, reason);
	frame_end(&out, start);
	err = ask(ctx, &out);
	buf_done(&out);
	return err;
}

static int host_rotate(struct ps_ctx *ctx, const char *key, unsigned keep)
{
	struct buf out;
	size_t start;
	int err;

	buf_init(&out);
	start = frame_begin(&out, FRAME_ROTATE);
	frame_put_text(&out, key);
	buf_put_u32(&out, keep);
	frame_end(&out, start);
	err = ask(ctx, &out);
	buf_done(&out);
	return err;
}

/* The courier closes the socket when it wants no more of this. */
static int host_is_stopping(struct ps_ctx *ctx)
{
	struct pollfd p = {.fd = ctx->fd, .events = POLLRDHUP};

	return host_stopping || ctx->broken || (poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static int host_found(struct ps_ctx *ctx, const struct ps_found *found)
{
	struct buf out;
	size_t start;
	int err;

	buf_init(&out);
	start = frame_begin(&out, FRAME_FOUND);
	found_put(&out, found);
	frame_end(&out, start);
	err = ask(ctx, &out);
	buf_done(&out);
	return err;
}

const struct ps_host host_table = {
    .abi = PS_PLUGIN_ABI,
    .size = sizeof(struct ps_host),
    .text = host_text,
    .number = host_number,
    .log = host_log,
    .why = host_why,
    .show = text_show,
    .set_aside = host_set_aside,
    .rotate = host_rotate,
    .stopping = host_is_stopping,
    .found = host_found,
};
