/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/country.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef PS_GEOIP
#include <maxminddb.h>
#endif

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/query/special.h"

#ifdef PS_GEOIP

struct country {
	MMDB_s db;
	char *type;
};

int country_open(struct country **out, const char *path, char why[COUNTRY_WHY])
{
	struct country *c;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), r, err;
	char opened[32];
	struct stat st;

	*out = NULL;
	/* Whoever it belongs to may have put a pipe there. */
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		err = fd < 0 ? errno : EINVAL;
		snprintf(why, COUNTRY_WHY, "%s: %s", path, fd < 0 ? strerror(err) : "is no file");
		if (fd >= 0)
			close(fd);
		return -err;
	}
	snprintf(opened, sizeof(opened), "/proc/self/fd/%d", fd);
	c = mem_alloc(sizeof(*c));
	r = MMDB_open(opened, MMDB_MODE_MMAP, &c->db);
	err = errno;
	close(fd);
	if (r != MMDB_SUCCESS) {
		/* libmaxminddb has closed what it had. */
		free(c);
		if (r == MMDB_FILE_OPEN_ERROR || r == MMDB_IO_ERROR) {
			snprintf(why, COUNTRY_WHY, "%s: %s", path, strerror(err ? err : EIO));
			return err ? -err : -EIO;
		}
		snprintf(why, COUNTRY_WHY, "%s is no database of addresses, or is damaged: %s", path, MMDB_strerror(r));
		return -EINVAL;
	}
	c->type = mem_strdup(c->db.metadata.database_type ? c->db.metadata.database_type : "");
	text_clean(c->type, strlen(c->type));
	*out = c;
	return 0;
}

void country_close(struct country *c)
{
	if (!c)
		return;
	MMDB_close(&c->db);
	free(c->type);
	free(c);
}

/* Takes two letters, upper case. */
static int take(const MMDB_entry_data_s *value, char out[COUNTRY_SIZE])
{
	char code[2];

	if (!value->has_data || value->type != MMDB_DATA_TYPE_UTF8_STRING || value->data_size != 2)
		return 0;
	for (int i = 0; i < 2; i++) {
		code[i] = value->utf8_string[i];
		if (code[i] >= 'a' && code[i] <= 'z')
			code[i] = (char)(code[i] - 'a' + 'A');
		if (code[i] < 'A' || code[i] > 'Z')
			return 0;
	}
	snprintf(out, COUNTRY_SIZE, "%.2s", code);
	return 1;
}

static void look_up(const struct country *c, const struct ps_addr *addr, char out[COUNTRY_SIZE])
{
	/* MaxMind's own, DB-IP as ip-location-db has it, IPinfo. */
	static const char *const paths[][3] = {{"country", "iso_code", NULL}, {"country_code", NULL}, {"country", NULL}};
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to = {.any = {.sa_family = addr->family}};
	MMDB_lookup_result_s found;
	int err = 0;

	if (addr->family == AF_INET)
		memcpy(&to.v4.sin_addr, addr->bytes, 4);
	else
		memcpy(&to.v6.sin6_addr, addr->bytes, 16);
	found = MMDB_lookup_sockaddr(&c->db, &to.any, &err);
	if (err != MMDB_SUCCESS || !found.found_entry)
		return;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		MMDB_entry_data_s value = {0};

		if (MMDB_aget_value(&found.entry, &value, paths[i]) == MMDB_SUCCESS && take(&value, out))
			return;
	}
}

const char *country_attribution(const struct country *c)
{
	return c && strncmp(c->type, "DBIP", 4) == 0 ? "IP Geolocation by DB-IP (https://db-ip.com)" : NULL;
}

const char *country_type(const struct country *c)
{
	return c->type;
}

int64_t country_built(const struct country *c)
{
	return c->db.metadata.build_epoch > INT64_MAX ? INT64_MAX : (int64_t)c->db.metadata.build_epoch;
}

#else /* Without libmaxminddb there is none to be opened. */

int country_open(struct country **out, const char *path, char why[COUNTRY_WHY])
{
	*out = NULL;
	snprintf(why, COUNTRY_WHY, "%s: this picosnitch was built without libmaxminddb (--enable-geoip)", path);
	return -ENOSYS;
}

void country_close(struct country *c)
{
	(void)c;
}

static void look_up(const struct country *c, const struct ps_addr *addr, char out[COUNTRY_SIZE])
{
	(void)c, (void)addr, (void)out;
}

const char *country_attribution(const struct country *c)
{
	(void)c;
	return NULL;
}

const char *country_type(const struct country *c)
{
	(void)c;
	return "";
}

int64_t country_built(const struct country *c)
{
	(void)c;
	return 0;
}

#endif

char *country_of(const struct country *c, struct ps_text text, char out[COUNTRY_SIZE])
{
	struct ps_addr addr;
	const char *word;

	*out = 0;
	if (!special_parse(&addr, text))
		return out;
	word = special_word(&addr);
	if (word)
		snprintf(out, COUNTRY_SIZE, "%s", word);
	else if (c)
		look_up(c, &addr, out);
	return out;
}
