/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/geoip/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "config.h"
#include "core/base/text.h"

/* zlib: the largest window, and a header of gzip's. */
#define GZIP_ONLY (15 + 16)

struct incoming {
	int fd;
	enum { BEGIN, PLAIN, PACKED, ENDED } state;
	z_stream unpack;
	long comes, unpacked;
	char said[CURL_ERROR_SIZE]; /* by libcurl: which certificate, which protocol */
	unsigned char first[2];     /* the first bytes, until there are two */
	int error;
	const char *what; /* is wrong */
};

static int stop(struct incoming *in, int error, const char *what)
{
	in->error = error;
	in->what = what;
	return -1;
}

static int store(struct incoming *in, const unsigned char *data, size_t n)
{
	in->unpacked += (long)n;
	if (in->unpacked > FETCH_UNPACKED_MAX)
		return stop(in, -EFBIG, "it unpacks to more than 256 MiB");
	while (n) {
		ssize_t done = write(in->fd, data, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return stop(in, -errno, strerror(errno));
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

static int unpack(struct incoming *in, unsigned char *data, size_t n)
{
	unsigned char out[65536];

	in->unpack.next_in = data;
	in->unpack.avail_in = (unsigned)n;
	while (in->unpack.avail_in || in->unpack.avail_out == 0) {
		int r;

		if (in->state == ENDED)
			return stop(in, -EBADMSG, "there is something behind the end of what is packed");
		in->unpack.next_out = out;
		in->unpack.avail_out = sizeof(out);
		r = inflate(&in->unpack, Z_NO_FLUSH);
		if (r == Z_BUF_ERROR)
			break;
		if (r != Z_OK && r != Z_STREAM_END)
			return stop(in, -EBADMSG, "it is not packed by gzip, or is damaged");
		if (store(in, out, sizeof(out) - in->unpack.avail_out))
			return -1;
		if (r == Z_STREAM_END) {
			in->state = ENDED;
			if (!in->unpack.avail_in)
				break;
		}
	}
	in->unpack.avail_out = 1;
	return 0;
}

static int take(struct incoming *in, unsigned char *data, size_t n)
{
	return in->state == PLAIN ? store(in, data, n) : n ? unpack(in, data, n) : 0;
}

/* What it is, once two bytes are there. */
static int begin(struct incoming *in)
{
	in->state = in->first[0] == 0x1f && in->first[1] == 0x8b ? PACKED : PLAIN;
	if (in->state == PACKED && inflateInit2(&in->unpack, GZIP_ONLY) != Z_OK)
		return stop(in, -ENOMEM, "zlib cannot be used");
	in->unpack.avail_out = 1;
	return take(in, in->first, 2);
}

static size_t on_data(char *data, size_t one, size_t n, void *arg)
{
	struct incoming *in = arg;
	unsigned char *at = (unsigned char *)data;
	size_t left = n *= one;

	for (; in->state == BEGIN && left; left--) {
		in->first[in->comes++] = *at++;
		if (in->comes == 2 && begin(in))
			return 0;
	}
	in->comes += (long)left;
	if (in->comes > FETCH_COMES_MAX) {
		stop(in, -EFBIG, "it is larger than 64 MiB");
		return 0;
	}
	return take(in, at, left) ? 0 : n;
}

static CURLcode set_up(CURL *c, const char *url, struct incoming *in)
{
	const char *schemes = strncmp(url, "http:", 5) == 0 ? "http,https" : "https";
	CURLcode rc = CURLE_OK;

#define SET(option, value) rc = rc ? rc : curl_easy_setopt(c, option, value)
	SET(CURLOPT_ERRORBUFFER, in->said);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_USERAGENT, "picosnitch/" PACKAGE_VERSION);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, schemes);
	SET(CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	SET(CURLOPT_FOLLOWLOCATION, 1L);
	SET(CURLOPT_MAXREDIRS, 5L);
	SET(CURLOPT_FAILONERROR, 1L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CONNECTTIMEOUT, 20L);
	SET(CURLOPT_TIMEOUT, FETCH_TIME_MAX);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1024L);
	SET(CURLOPT_LOW_SPEED_TIME, FETCH_IDLE_MAX);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)FETCH_COMES_MAX);
	SET(CURLOPT_WRITEFUNCTION, on_data);
	SET(CURLOPT_WRITEDATA, in);
#undef SET
	return rc;
}

static int judge(CURL *c, CURLcode rc, const struct incoming *in, const char *url, char why[FETCH_WHY])
{
	long status = 0;
	int err = -EIO;

	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (in->error) {
		err = in->error;
		snprintf(why, FETCH_WHY, "%s: %s", url, in->what);
	} else if (rc == CURLE_HTTP_RETURNED_ERROR) {
		err = status == 404 ? -ENOENT : -EIO;
		snprintf(why, FETCH_WHY, "%s: the server says %ld", url, status);
	} else if (rc == CURLE_FILESIZE_EXCEEDED) {
		err = -EFBIG;
		snprintf(why, FETCH_WHY, "%s: it is larger than 64 MiB", url);
	} else if (rc) {
		snprintf(why, FETCH_WHY, "%s: %s", url, *in->said ? in->said : curl_easy_strerror(rc));
	} else if (in->state != PLAIN && in->state != ENDED) {
		err = -EBADMSG;
		snprintf(why, FETCH_WHY, "%s: %s", url, in->comes ? "it has been cut" : "it is empty");
	} else {
		return 0;
	}
	text_clean(why, strlen(why));
	return err;
}

int fetch(const char *url, int fd, char why[FETCH_WHY])
{
	struct incoming in = {.fd = fd};
	CURL *c = NULL;
	int err = -ENOMEM;

	snprintf(why, FETCH_WHY, "libcurl cannot be used");
	if (!curl_global_init(CURL_GLOBAL_DEFAULT) && (c = curl_easy_init()) && !set_up(c, url, &in))
		err = judge(c, curl_easy_perform(c), &in, url, why);
	curl_easy_cleanup(c);
	if (in.state == PACKED || in.state == ENDED)
		inflateEnd(&in.unpack);
	return err;
}
