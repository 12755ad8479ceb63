/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plugins/virustotal/api.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/base/mem.h"
#include "core/base/text.h"

#define BODY_MAX (4u << 20)
#define CONNECT_MS 10000L

struct api {
	const struct ps_host *host;
	struct ps_ctx *ctx;
	CURL *curl;
	struct curl_slist *headers;
};

static int is_here(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "[::1]") == 0;
}

int api_url_good(const struct ps_host *host, struct ps_ctx *ctx, const char *url)
{
	char *scheme = NULL, *name = NULL, *user = NULL;
	CURLU *parts = curl_url();
	int good = 0;

	if (!parts || curl_url_set(parts, CURLUPART_URL, url, 0) || curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) ||
	    curl_url_get(parts, CURLUPART_HOST, &name, 0))
		host->why(ctx, "api_url is no address of the web");
	else if (curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK || strpbrk(url, "?#"))
		host->why(ctx, "api_url must have neither a user nor a query");
	else if (strcmp(scheme, "https") != 0 && !(strcmp(scheme, "http") == 0 && is_here(name)))
		host->why(ctx, "api_url must begin with https://, so that the key is sent to nobody else");
	else
		good = 1;
	curl_free(scheme);
	curl_free(name);
	curl_free(user);
	curl_url_cleanup(parts);
	return good;
}

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
	struct api_reply *reply = arg;

	n *= one;
	if (reply->body.len + n > BODY_MAX)
		return 0;
	buf_put(&reply->body, data, n);
	return n;
}

/* Called about once a second, too. */
static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct api *api = arg;

	(void)a, (void)b, (void)c, (void)d;
	return api->host->stopping(api->ctx);
}

static int set_up(struct api *a)
{
	const char *key = a->host->text(a->ctx, "api_key"), *ca = a->host->text(a->ctx, "ca_file");
	const char *url = a->host->text(a->ctx, "api_url");
	char *header = mem_printf("x-apikey: %s", key);
	CURLcode rc = CURLE_OK;
	CURL *c = a->curl;

	a->headers = curl_slist_append(NULL, header);
	explicit_bzero(header, strlen(header));
	free(header);
	if (!a->headers || !curl_slist_append(a->headers, "Accept: application/json"))
		return -ENOMEM;
#define SET(option, value) rc = rc ? rc : curl_easy_setopt(c, option, value)
	SET(CURLOPT_HTTPHEADER, a->headers);
	SET(CURLOPT_USERAGENT, "picosnitch/" PACKAGE_VERSION);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, strncmp(url, "https:", 6) == 0 ? "https" : "http");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, a->host->text(a->ctx, "proxy"));
	if (*ca)
		SET(CURLOPT_CAINFO, ca);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	SET(CURLOPT_TIMEOUT_MS, (long)a->host->number(a->ctx, "answer_timeout"));
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, a);
#undef SET
	return rc ? -EINVAL : 0;
}

struct api *api_open(const struct ps_host *host, struct ps_ctx *ctx)
{
	struct api *a = mem_alloc(sizeof(*a));

	a->host = host;
	a->ctx = ctx;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	a->curl = curl_easy_init();
	if (a->curl && !set_up(a))
		return a;
	host->why(ctx, "libcurl cannot be used");
	api_close(a);
	return NULL;
}

void api_close(struct api *a)
{
	if (!a)
		return;
	curl_easy_cleanup(a->curl);
	for (struct curl_slist *h = a->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(a->headers);
	free(a);
}

static void take_head(struct api *a, struct api_reply *reply)
{
	curl_off_t wait = 0;
	char *type = NULL;
	long status = 0;

	curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(a->curl, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(a->curl, CURLINFO_RETRY_AFTER, &wait);
	reply->status = (int)status;
	reply->is_json = type && strncasecmp(type, "application/json", 16) == 0 && (!type[16] || strchr("; ", type[16]));
	reply->retry_after_s = wait > 0 ? (int64_t)wait : 0;
}

int api_ask(struct api *a, const uint8_t sha256[32], struct api_reply *reply)
{
	const char *url = a->host->text(a->ctx, "api_url");
	size_t len = strlen(url);
	char hex[65], *full;
	CURLcode rc;

	*reply = (struct api_reply){0};
	while (len && url[len - 1] == '/')
		len--;
	full = mem_printf("%.*s/files/%s", (int)len, url, text_hex(hex, sha256, 32));
	curl_easy_setopt(a->curl, CURLOPT_URL, full);
	curl_easy_setopt(a->curl, CURLOPT_WRITEDATA, reply);
	rc = curl_easy_perform(a->curl);
	free(full);
	if (rc == CURLE_ABORTED_BY_CALLBACK) {
		buf_done(&reply->body);
		return -ECANCELED;
	}
	take_head(a, reply);
	reply->failed = rc != CURLE_OK;
	if (rc == CURLE_WRITE_ERROR)
		snprintf(reply->why, sizeof(reply->why), "its answer was longer than %u MiB", BODY_MAX >> 20);
	else if (rc)
		snprintf(reply->why, sizeof(reply->why), "%s", curl_easy_strerror(rc));
	text_clean(reply->why, strlen(reply->why));
	return 0;
}
