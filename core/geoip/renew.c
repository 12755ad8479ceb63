/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/geoip/renew.h"
#include "core/geoip/wanted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/geoip/fetch.h"

#define NEW COUNTRY_FETCHED ".new"
#define FUTURE (2 * INT64_C(86400)) /* clocks may differ by so much */

/* Of all five registries; every database of the world knows most of them. */
static const char *const known[] = {"8.8.8.8", "1.1.1.1", "193.0.6.139", "200.160.2.3", "196.216.2.6"};
enum { KNOWN_LEAST = 3 };

static int say(char said[RENEW_SAID], int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int say(char said[RENEW_SAID], int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, RENEW_SAID, format, args);
	va_end(args);
	return err;
}

static const char *day(int64_t seconds, char out[16])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
		snprintf(out, 16, "?");
	return out;
}

/* Months since the year 0. */
static int month_of(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	return (tm.tm_year + 1900) * 12 + tm.tm_mon;
}

/* The url of a month: `back` months before `now`. A string for free(). */
static char *url_of(const char *url, int64_t now, int back)
{
	int month = month_of(now) - back;
	struct buf out;

	buf_init(&out);
	for (; *url; url++)
		if (url[0] == '%' && url[1] == 'Y')
			buf_printf(&out, "%04d", (++url, month / 12));
		else if (url[0] == '%' && url[1] == 'm')
			buf_printf(&out, "%02d", (++url, month % 12 + 1));
		else
			buf_put_u8(&out, (uint8_t)*url);
	buf_put_u8(&out, 0);
	return (char *)out.data;
}

/* When the database there was built; INT64_MIN: there is none that can be read. */
static int64_t built_of(const char *path)
{
	int64_t built = INT64_MIN;
	char why[COUNTRY_WHY];
	struct country *db;

	if (country_open(&db, path, why) == 0) {
		built = country_built(db);
		country_close(db);
	}
	return built;
}

/* Whether what has come may take the place of one that was built `have`. 1: it is the same. */
static int judge(const struct renew_order *o, const char *path, int64_t have, char said[RENEW_SAID])
{
	char why[COUNTRY_WHY], code[COUNTRY_SIZE], a[16], b[16];
	struct country *db;
	unsigned n = 0;
	int64_t built;
	int err = country_open(&db, path, why);

	if (err)
		return say(said, err, "what was fetched cannot be used: %s", why);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		n += *country_of(db, (struct ps_text){known[i], (uint32_t)strlen(known[i])}, code) != 0;
	built = country_built(db);
	country_close(db);
	if (n < KNOWN_LEAST)
		return say(said, -EBADMSG, "what was fetched cannot be used: it knows no countries");
	if (built > o->now + FUTURE)
		return say(said, -EBADMSG, "what was fetched says that it is of %s, which is to come: is the clock right?",
		           day(built, a));
	if (built < have)
		return say(said, -EBADMSG, "what was fetched is of %s, which is older than what is there, of %s", day(built, a),
		           day(have, b));
	return built == have;
}

/* Gets it as a new file in the folder. */
static int get(int folder, const char *url, char why[FETCH_WHY])
{
	int fd, err;

	unlinkat(folder, NEW, 0);
	fd = openat(folder, NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0) {
		snprintf(why, FETCH_WHY, NEW ": %s", strerror(errno));
		return errno == ENOENT ? -ENOTDIR : -errno;
	}
	err = fetch(url, fd, why);
	if (!err && (fchmod(fd, 0644) || fsync(fd))) {
		err = -errno;
		snprintf(why, FETCH_WHY, NEW ": %s", strerror(errno));
	}
	close(fd);
	return err;
}

static int put(const struct renew_order *o, int folder, const char *url, int64_t have, char said[RENEW_SAID])
{
	char *path = mem_printf("%s/" NEW, o->folder), a[16];
	int64_t built = built_of(path);
	int r = judge(o, path, have, said);

	free(path);
	if (r == 1)
		return say(said, 0, "%s is what is there already, of %s", url, day(built, a));
	if (r < 0)
		return r;
	if (renameat(folder, NEW, folder, COUNTRY_FETCHED) || fsync(folder))
		return say(said, -errno, "%s/" COUNTRY_FETCHED ": %s", o->folder, strerror(errno));
	return say(said, 0, "fetched %s, of %s", url, day(built, a));
}

/* This month's, or that of the one before; of those that are newer than what is there. */
static int try_months(const struct renew_order *o, int folder, int64_t have, char said[RENEW_SAID])
{
	int dated = strstr(o->url, "%m") != NULL, r = -ENOENT;
	char why[FETCH_WHY], a[16];

	say(said, 0, "there can be none that is newer than what is there, of %s", day(have, a));
	for (int back = 0; back <= dated; back++) {
		char *url;

		if (dated && have != INT64_MIN && month_of(o->now) - back <= month_of(have))
			return back ? say(said, 0, "none is newer yet than what is there, of %s: %s", day(have, a), why) : 0;
		url = url_of(o->url, o->now, back);
		r = get(folder, url, why);
		if (r)
			say(said, r, "%s", why);
		else
			r = put(o, folder, url, have, said);
		free(url);
		if (r != -ENOENT)
			break;
	}
	return r;
}

int renew(const struct renew_order *o, char said[RENEW_SAID])
{
	char *path = mem_printf("%s/" COUNTRY_FETCHED, o->folder), a[16];
	int folder = open(o->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
	int64_t have = built_of(path);

	free(path);
	if (folder < 0)
		return say(said, -errno, "%s: %s", o->folder, strerror(errno));
	if (have > o->now + FUTURE)
		have = INT64_MIN; /* it must not stand in the way for ever */
	if (o->if_due && have != INT64_MIN && o->now - have < RENEW_AGE) {
		r = say(said, 0, "what is there is of %s", day(have, a));
	} else if (flock(folder, LOCK_EX | LOCK_NB)) {
		r = say(said, -EBUSY, "%s: it is being fetched already", o->folder);
	} else {
		r = try_months(o, folder, have, said);
		unlinkat(folder, NEW, 0);
	}
	close(folder);
	return r;
}
