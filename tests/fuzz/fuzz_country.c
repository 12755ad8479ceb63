/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a database of countries: it is refused with a reason, or a country is two letters, a word, or not known.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "core/query/country.h"
#include "core/query/special.h"
#include "tests/fuzz/target.h"

/* libmaxminddb 1.7 forgets some of the description of a database that is damaged there. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb.so\n";
}

static const char *const addresses[] = {"8.8.8.8",      "1.1.1.1",         "193.0.6.139",     "9.9.9.9",
                                        "0.0.0.1",      "223.255.255.255", "::ffff:8.8.8.8",  "2a00:1450::5",
                                        "2606:4700::1", "10.0.0.1",        "2002:808:808::1", "x"};

static void look_up(const struct country *db)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		char out[COUNTRY_SIZE];

		country_of(db, (struct ps_text){addresses[i], (uint32_t)strlen(addresses[i])}, out);
		must(!*out || special_is_word(out) ||
		     (strlen(out) == 2 && out[0] >= 'A' && out[0] <= 'Z' && out[1] >= 'A' && out[1] <= 'Z'));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("country", MFD_CLOEXEC);
	char path[32], why[COUNTRY_WHY] = "";
	struct country *db;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (country_open(&db, path, why) == 0) {
		for (const char *c = country_type(db); *c; c++)
			must((unsigned char)*c >= ' ' && *c != 127);
		country_attribution(db);
		country_built(db);
		look_up(db);
	} else {
		must(strstr(why, path));
	}
	country_close(db);
	close(fd);
	return 0;
}
