/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/reply.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/dash/json.h"

void reply_init(struct reply *r)
{
	*r = (struct reply){
	    .status = MHD_HTTP_OK, .type = "application/json; charset=utf-8", .cache = "no-store", .file = -1};
}

void reply_done(struct reply *r)
{
	buf_done(&r->body);
	if (r->file >= 0)
		close(r->file);
	r->file = -1;
}

void reply_error(struct reply *r, unsigned status, const char *why)
{
	char *text = mem_strdup(why);

	reply_done(r);
	reply_init(r);
	r->status = status;
	text_clean(text, strlen(text));
	json_put_new(&r->body, json_pack("{s:s}", "error", text));
	free(text);
}

void reply_put_headers(struct MHD_Response *response)
{
	static const char *const headers[][2] = {
	    {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	                                "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	    {"X-Content-Type-Options", "nosniff"},
	    {"X-Frame-Options", "DENY"},
	    {"Referrer-Policy", "no-referrer"},
	    {"Cross-Origin-Opener-Policy", "same-origin"},
	    {"Cross-Origin-Resource-Policy", "same-origin"},
	    {"Cross-Origin-Embedder-Policy", "require-corp"},
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
}

static void put(struct MHD_Response *response, const char *name, const char *value)
{
	if (value && *value)
		MHD_add_response_header(response, name, value);
}

static struct MHD_Response *make(struct reply *r)
{
	struct MHD_Response *response;

	if (r->file >= 0) {
		response = MHD_create_response_from_fd64(r->file_len, r->file);
		if (response)
			r->file = -1;
	} else if (r->fixed) {
		response = MHD_create_response_from_buffer(r->fixed_len, (void *)(uintptr_t)r->fixed, MHD_RESPMEM_PERSISTENT);
	} else {
		response = MHD_create_response_from_buffer_with_free_callback(r->body.len, r->body.data, free);
		if (response)
			r->body = (struct buf){0};
	}
	return response;
}

enum MHD_Result reply_send(struct reply *r, struct MHD_Connection *connection)
{
	struct MHD_Response *response = make(r);
	enum MHD_Result sent;

	if (!response)
		return MHD_NO;
	reply_put_headers(response);
	put(response, "Content-Type", r->type);
	put(response, "Content-Encoding", r->encoding);
	put(response, "Cache-Control", r->cache);
	put(response, "Content-Disposition", r->attachment);
	put(response, "Location", r->location);
	put(response, "Set-Cookie", r->cookie);
	put(response, "ETag", r->tag);
	if (r->page)
		put(response, "Vary", "Accept-Encoding");
	if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		put(response, "Allow", "GET, HEAD");
	if (r->status == MHD_HTTP_UNAUTHORIZED)
		put(response, "WWW-Authenticate", "Bearer realm=\"picosnitch\"");
	if (r->status == MHD_HTTP_SERVICE_UNAVAILABLE)
		put(response, "Retry-After", "2");
	sent = MHD_queue_response(connection, r->status, response);
	MHD_destroy_response(response);
	return sent;
}
