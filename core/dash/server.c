/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What libmicrohttpd lets pass is judged here: it takes two Host headers, targets with a scheme, a body behind GET,
 * and cuts a path at %00. So it decodes nothing, and each request's target is read as it was sent.
 */
#include "core/dash/server.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/dash/live.h"
#include "core/dash/page.h"
#include "core/dash/visits.h"
#include "core/dash/workers.h"

enum {
	CONNECTIONS_MAX = 128, /* to each socket */
	CONNECTIONS_OF_ONE = 64,
	MEMORY_OF_ONE = 1 << 20, /* a request's target and headers */
	QUIET_S = 30,
	HEADERS_MAX = 64,
};

struct server {
	struct dash *dash;
	struct MHD_Daemon *daemons[DASH_LISTENERS_MAX];
	unsigned n;
};

struct request {
	struct task task;
	struct dash *dash;
	struct MHD_Connection *connection;
	struct visit *visit;
	struct target target;
	unsigned wrong; /* a status: the target could not be read; 0: it could */
	const char *why;
	enum { REQUEST_NEW, REQUEST_READ, REQUEST_ASKED, REQUEST_ANSWERED } state;
};

static const struct {
	const char *path;
	answer_function *answer;
} endpoints[] = {
    {"/api/v1/info", answer_info},     {"/api/v1/traffic", answer_traffic}, {"/api/v1/tops", answer_tops},
    {"/api/v1/series", answer_series}, {"/api/v1/events", answer_events},   {"/api/v1/audit", answer_audit},
    {"/api/v1/export", answer_export}, {"/metrics", answer_metrics},
};

static answer_function *endpoint(const char *path)
{
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++)
		if (strcmp(endpoints[i].path, path) == 0)
			return endpoints[i].answer;
	return NULL;
}

static const char *header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

struct count {
	const char *name;
	unsigned of_name, all;
};

static enum MHD_Result count_one(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct count *c = arg;

	(void)kind, (void)value;
	c->all++;
	c->of_name += strcasecmp(key, c->name) == 0;
	return MHD_YES;
}

static struct count count(const struct request *r, const char *name)
{
	struct count c = {.name = name};

	MHD_get_connection_values(r->connection, MHD_HEADER_KIND, count_one, &c);
	return c;
}

/* ---- who is let in ---- */

/* The page shows what it was not asked for by a page of another origin. */
static bool is_foreign(const struct request *r)
{
	const char *site = header(r, "Sec-Fetch-Site");

	return site && (strcasecmp(site, "cross-site") == 0 || strcasecmp(site, "same-site") == 0);
}

/* A status with *why, or 0. */
static unsigned judge_host(const struct request *r, const char **why)
{
	struct count hosts = count(r, "Host");
	const char *host = header(r, "Host");
	char local[64];

	*why = "the request has too many headers";
	if (hosts.all > HEADERS_MAX)
		return MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE;
	*why = "this server has no such name; [dash] names in the configuration adds one";
	if (hosts.of_name != 1 || !host || !guard_host(&r->dash->guard, host, listen_name(local, r->task.fd)))
		return MHD_HTTP_MISDIRECTED_REQUEST;
	return 0;
}

static unsigned judge(const struct request *r, const char *method, const char **why)
{
	unsigned status = judge_host(r, why);
	const char *length = header(r, "Content-Length");

	if (status)
		return status;
	*why = "only GET and HEAD are understood";
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return MHD_HTTP_METHOD_NOT_ALLOWED;
	*why = "a request has no body here";
	if (header(r, "Transfer-Encoding") || count(r, "Content-Length").of_name > 1 ||
	    (length && strcmp(length, "0") != 0))
		return MHD_HTTP_BAD_REQUEST;
	*why = r->why;
	return r->wrong;
}

/* Takes the token in the address of the page for a cookie, so that it does not stay in the history. */
static bool begin_session(struct request *r)
{
	const char *token = target_value(&r->target, "token");
	const struct guard *g = &r->dash->guard;
	struct reply *reply = &r->task.reply;

	if (!g->token || !token || strcmp(r->target.path, "/") != 0 || !guard_token(g, token))
		return false;
	reply->status = MHD_HTTP_SEE_OTHER;
	snprintf(reply->location, sizeof(reply->location), "/");
	snprintf(reply->cookie, sizeof(reply->cookie), "%s=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000",
	         g->cookie, g->token);
	return true;
}

/* ---- answers ---- */

static enum MHD_Result send_now(struct request *r, int seconds)
{
	r->state = REQUEST_ANSWERED;
	visits_allow(r->dash->visits, r->visit, seconds);
	return reply_send(&r->task.reply, r->connection);
}

static enum MHD_Result refuse(struct request *r, unsigned status, const char *why)
{
	reply_error(&r->task.reply, status, why);
	return send_now(r, VISIT_ANSWER_S);
}

/* With the queue's lock: nobody resumes it before. */
static void on_begin(struct task *task)
{
	struct request *r = (struct request *)task;

	r->state = REQUEST_ASKED;
	visits_allow(r->dash->visits, r->visit, VISIT_NO_END);
	MHD_suspend_connection(r->connection);
}

static void on_done(struct task *task)
{
	struct request *r = (struct request *)task;

	MHD_resume_connection(r->connection);
}

/* Prometheus says how long it waits. Half of it is the store's, as a server takes a while to give up. */
static int64_t scrape_until(const struct request *r)
{
	const char *text = header(r, "X-Prometheus-Scrape-Timeout-Seconds");
	double seconds = text ? strtod(text, NULL) : 0;

	return seconds > 0 && seconds < 3600 ? clock_monotonic_ns() + (int64_t)(seconds / 2 * NS_PER_S) : 0;
}

static enum MHD_Result route(struct request *r)
{
	const char *path = r->target.path;

	r->task.answer = endpoint(path);
	if (begin_session(r))
		return send_now(r, VISIT_ANSWER_S);
	if (!guard_admits(&r->dash->guard, header(r, "Authorization"), header(r, "Cookie")))
		return refuse(
		    r, MHD_HTTP_UNAUTHORIZED,
		    "a token is wanted: open the address that `picosnitch dash` printed, or send Authorization: Bearer");
	if ((r->task.answer || strcmp(path, "/api/v1/live") == 0) && is_foreign(r))
		return refuse(r, MHD_HTTP_FORBIDDEN, "another site may not ask");
	if (strcmp(path, "/api/v1/live") == 0) {
		r->state = REQUEST_ANSWERED;
		visits_allow(r->dash->visits, r->visit, VISIT_NO_END);
		if (live_answer(r->dash->live, r->connection) == MHD_YES)
			return MHD_YES;
		return refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, "too many look at the live feed");
	}
	if (r->task.answer) {
		r->task.until_ns = scrape_until(r);
		if (workers_ask(r->dash->workers, &r->task) == 0)
			return MHD_YES;
		return refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, "too much is asked at once");
	}
	if (page_answer(&r->task.reply, path, header(r, "Accept-Encoding"), header(r, "If-None-Match")))
		return send_now(r, VISIT_ANSWER_S);
	return refuse(r, MHD_HTTP_NOT_FOUND, "there is nothing here");
}

/* ---- libmicrohttpd ---- */

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **own)
{
	struct request *r = *own;
	const char *why = "";
	unsigned status;

	(void)arg, (void)url, (void)version, (void)data;
	if (!r)
		return MHD_NO;
	r->connection = connection;
	if (r->state == REQUEST_NEW) {
		r->state = REQUEST_READ;
		status = judge(r, method, &why);
		return status ? refuse(r, status, why) : MHD_YES;
	}
	if (*size) {
		*size = 0;
		return MHD_YES;
	}
	if (r->state == REQUEST_READ)
		return route(r);
	if (r->state == REQUEST_ASKED)
		return send_now(r, r->task.reply.file >= 0 ? VISIT_EXPORT_S : VISIT_ANSWER_S);
	return MHD_YES;
}

/* A request begins: its target, whole. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *own = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *r = mem_alloc(sizeof(*r));

	r->dash = arg;
	r->connection = connection;
	r->visit = own->socket_context;
	r->wrong = target_read(&r->target, target, &r->why);
	r->task = (struct task){.target = &r->target, .fd = fd->connect_fd, .begin = on_begin, .done = on_done};
	reply_init(&r->task.reply);
	return r;
}

static void on_end(void *arg, struct MHD_Connection *connection, void **own, enum MHD_RequestTerminationCode code)
{
	struct request *r = *own;

	(void)arg, (void)connection, (void)code;
	if (!r)
		return;
	visits_allow(r->dash->visits, r->visit, VISIT_IDLE_S);
	target_done(&r->target);
	reply_done(&r->task.reply);
	free(r);
	*own = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **own,
                          enum MHD_ConnectionNotificationCode code)
{
	struct dash *dash = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*own = visits_begin(dash->visits,
		                    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	else
		visits_end(dash->visits, *own);
}

static size_t decode_nothing(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg, (void)connection;
	return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *arg, const char *format, va_list args)
{
	char text[512];
	int n = vsnprintf(text, sizeof(text), format, args);

	(void)arg;
	while (n > 0 && n < (int)sizeof(text) && text[n - 1] == '\n')
		text[--n] = 0;
	log_debug("libmicrohttpd: %s", text);
}

struct server *server_start(struct dash *dash, const struct listeners *l)
{
	struct server *s = mem_alloc(sizeof(*s));

	s->dash = dash;
	for (unsigned i = 0; i < l->n; i++) {
		s->daemons[i] =
		    MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL,
		                     NULL, on_request, dash, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET,
		                     l->fds[i], MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		                     MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_OF_ONE,
		                     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)QUIET_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		                     (size_t)MEMORY_OF_ONE, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
		                     on_target, dash, MHD_OPTION_NOTIFY_COMPLETED, on_end, dash, MHD_OPTION_NOTIFY_CONNECTION,
		                     on_connection, dash, MHD_OPTION_UNESCAPE_CALLBACK, decode_nothing, NULL, MHD_OPTION_END);
		if (!s->daemons[i]) {
			log_error("the web server cannot be started");
			while (s->n)
				MHD_stop_daemon(s->daemons[--s->n]);
			free(s);
			return NULL;
		}
		s->n++;
	}
	return s;
}

void server_quiesce(struct server *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		int fd = MHD_quiesce_daemon(s->daemons[i]);

		if (fd >= 0)
			close(fd);
	}
}

void server_stop(struct server *s)
{
	for (unsigned i = 0; i < s->n; i++)
		MHD_stop_daemon(s->daemons[i]);
	free(s);
}
