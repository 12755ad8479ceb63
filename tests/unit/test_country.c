/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Countries of addresses: by databases of several makers, damaged ones, and of what is in no country. */
#include <errno.h>

#include "config.h"
#include "core/geoip/wanted.h"
#include "core/query/country.h"
#include "core/query/special.h"
#include "tests/tap.h"
#include "tests/unit/scratch.h"

static const char *of(const struct country *db, const char *addr)
{
	static char out[COUNTRY_SIZE];

	return country_of(db, (struct ps_text){addr, (uint32_t)strlen(addr)}, out);
}

static void test_special(void)
{
	static const struct {
		const char *addr, *word;
	} cases[] = {
	    {"10.0.0.1", "private"},
	    {"172.15.255.255", ""},
	    {"172.16.0.0", "private"},
	    {"172.31.255.255", "private"},
	    {"172.32.0.0", ""},
	    {"192.168.1.1", "private"},
	    {"127.0.0.1", "loopback"},
	    {"127.255.255.255", "loopback"},
	    {"169.254.169.254", "link-local"},
	    {"100.63.255.255", ""},
	    {"100.64.0.0", "shared"},
	    {"100.127.255.255", "shared"},
	    {"100.128.0.0", ""},
	    {"0.0.0.0", "reserved"},
	    {"192.0.0.8", "reserved"},
	    {"192.0.0.9", ""},
	    {"192.0.2.1", "documentation"},
	    {"198.51.100.7", "documentation"},
	    {"203.0.113.7", "documentation"},
	    {"198.18.0.0", "benchmark"},
	    {"198.19.255.255", "benchmark"},
	    {"198.20.0.0", ""},
	    {"223.255.255.255", ""},
	    {"224.0.0.1", "multicast"},
	    {"239.255.255.250", "multicast"},
	    {"240.0.0.0", "reserved"},
	    {"255.255.255.254", "reserved"},
	    {"255.255.255.255", "broadcast"},
	    {"8.8.8.8", ""},
	    {"::", "reserved"},
	    {"::1", "loopback"},
	    {"::2", "reserved"},
	    {"::ffff:10.1.2.3", "private"},
	    {"::ffff:127.0.0.1", "loopback"},
	    {"::ffff:8.8.8.8", ""},
	    {"64:ff9b::a00:1", "private"},
	    {"64:ff9b::808:808", ""},
	    {"64:ff9b:1::1", "private"},
	    {"100::1", "reserved"},
	    {"2001:0:1::1", ""},
	    {"2001:2::1", "benchmark"},
	    {"2001:3::1", ""},
	    {"2001:10::1", "reserved"},
	    {"2001:1ff::1", "reserved"},
	    {"2001:200::1", ""},
	    {"2001:db8::1", "documentation"},
	    {"2001:db9::1", ""},
	    {"2002:c0a8:101::1", "private"},
	    {"2002:808:808::1", ""},
	    {"3fff::1", "documentation"},
	    {"3fff:1000::1", ""},
	    {"5f00::1", "reserved"},
	    {"fbff::1", "reserved"},
	    {"fc00::1", "private"},
	    {"fdff::1", "private"},
	    {"fe80::1", "link-local"},
	    {"febf::1", "link-local"},
	    {"fec0::1", "private"},
	    {"ff02::fb", "multicast"},
	    /* No addresses: nothing is known. */
	    {"", ""},
	    {"3", ""},
	    {"1.2.3", ""},
	    {"10.0.0.1 ", ""},
	    {"10.0.0.01", ""},
	    {"::1%lo", ""},
	    {"localhost", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		is_str(of(NULL, cases[i].addr), cases[i].word, "\"%s\" is \"%s\"", cases[i].addr, cases[i].word);
		ok(!*cases[i].word || special_is_word(cases[i].word), "which is a word");
	}
	is_str(country_of(NULL, (struct ps_text){"10.0.0.1\0x", 10}, (char[COUNTRY_SIZE]){0}), "",
	       "no more than an address");
	ok(!special_is_word("") && !special_is_word("DE"), "others are none");
}

#ifdef PS_GEOIP
static char why[COUNTRY_WHY];

/* libmaxminddb 1.7 forgets some of the description of a database that is damaged there. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb.so\n";
}

static char *fixture(const char *name)
{
	const char *top = getenv("top_srcdir");

	return mem_printf("%s/tests/fixtures/countries/%s.mmdb", top ? top : ".", name);
}

static void test_database(const char *name, int ipv6, const char *attribution)
{
	static const struct {
		const char *addr, *code;
		int ipv6;
	} cases[] = {
	    {"1.0.0.77", "AU", 0},
	    {"1.0.1.77", "", 0},
	    {"1.1.1.1", "US", 0}, /* which the database has as "us" */
	    {"8.8.8.8", "US", 0},
	    {"::ffff:8.8.8.8", "US", 0},
	    {"64:ff9b::808:808", "US", 0},
	    {"2002:808:808::1", "US", 0},
	    {"193.0.6.139", "NL", 0},
	    {"9.9.9.9", "", 0}, /* "XYZ" */
	    {"9.9.8.9", "", 0}, /* "ESC [" */
	    {"9.9.7.9", "", 0}, /* "" */
	    {"10.0.0.1", "private", 0},
	    {"127.0.0.1", "loopback", 0},
	    {"2a00:1450::5", "IE", 1},
	    {"2606:4700:4700::1111", "US", 1},
	    {"2a01::1", "", 1},
	    {"2001:db8::1", "documentation", 0},
	};
	char *path = fixture(name);
	struct country *db;

	if (!is_int(country_open(&db, path, why), 0, "%s can be opened", name))
		printf("# %s\n", why);
	for (size_t i = 0; db && i < sizeof(cases) / sizeof(*cases); i++)
		is_str(of(db, cases[i].addr), cases[i].ipv6 && !ipv6 ? "" : cases[i].code, "%s: %s", name, cases[i].addr);
	is_str(country_attribution(db) ? country_attribution(db) : "", attribution, "what has to be said of it");
	is_int(country_built(db), 1764547200, "when it was built");
	country_close(db);
	free(path);
}

/* Whatever a file holds, it can be opened and answers, or there is a reason. */
static void test_damage(void)
{
	char *path = fixture("nested"), *data, *copy = scratch_path("damaged.mmdb");
	size_t len;
	int opened = 0, refused = 0, silent = 0;

	data = scratch_read(path, &len);
	for (size_t cut = 0; cut < len; cut += cut < 16 || cut + 300 > len ? 1 : 7) {
		struct country *db;

		scratch_write(copy, data, cut, 0644);
		why[0] = 0;
		if (country_open(&db, copy, why) == 0) {
			opened++;
			of(db, "8.8.8.8");
			of(db, "2a00:1450::5");
		} else {
			refused++;
			silent += !strstr(why, copy);
		}
		country_close(db);
	}
	ok(opened + refused > 100 && opened < refused, "of cut files %d are refused, %d are not", refused, opened);
	is_int(silent, 0, "each with a reason");
	for (size_t at = 0; at < len; at++) {
		struct country *db;

		data[at] ^= (char)0xa5;
		scratch_write(copy, data, len, 0644);
		data[at] ^= (char)0xa5;
		if (country_open(&db, copy, why) == 0) {
			const char *code = of(db, "8.8.8.8");

			if (*code && (strlen(code) != 2 || code[0] < 'A' || code[1] > 'Z'))
				ok(0, "byte %zu: \"%s\" is no country", at, code);
		}
		country_close(db);
	}
	ok(1, "whichever byte is changed");
	free(data);
	free(path);
	free(copy);
}

static void test_refused(void)
{
	char *text = scratch_path("text"), *none = scratch_path("none");
	struct country *db;

	scratch_write(text, "no database\n", 12, 0644);
	is_int(country_open(&db, text, why), -EINVAL, "a text is none");
	ok(!db && strstr(why, "is no database of addresses"), "%s", why);
	is_int(country_open(&db, none, why), -ENOENT, "nor is what is not there");
	ok(strstr(why, "No such file"), "%s", why);
	is_int(country_open(&db, scratch, why) < 0, 1, "nor a folder: %s", why);
	free(text);
	free(none);
}

static void test_wanted(void)
{
	struct settings s = {.geoip = {.enabled = true, .database = (char[]){""}}, .paths = {.cache = scratch}};
	char *path = scratch_path("geoip"), *from = fixture("flat"), *data;
	struct country *db;
	size_t len;

	db = country_open_wanted(&s, why);
	ok(!db && strstr(why, "picosnitch geoip --update"), "before it is fetched: %s", why);
	mkdir(path, 0755);
	free(path);
	path = scratch_path("geoip/" COUNTRY_FETCHED);
	data = scratch_read(from, &len);
	scratch_write(path, data, len, 0644);
	db = country_open_wanted(&s, why);
	ok(db && !*why, "the one that was fetched");
	is_str(of(db, "8.8.8.8"), "US", "is asked");
	country_close(db);
	s.geoip.database = (char[]){"/nowhere/x.mmdb"};
	db = country_open_wanted(&s, why);
	ok(!db && strcmp(why, "/nowhere/x.mmdb: No such file or directory") == 0, "one that is named: %s", why);
	s.geoip.enabled = false;
	ok(!country_open_wanted(&s, why) && !*why, "none is wanted");
	free(path);
	free(from);
	free(data);
}

#endif

int main(void)
{
	test_special();
#ifdef PS_GEOIP
	scratch_make();
	test_database("flat", 1, "IP Geolocation by DB-IP (https://db-ip.com)");
	test_database("nested", 1, "");
	test_database("plain", 1, "");
	test_database("ipv4", 0, "");
	test_damage();
	test_refused();
	test_wanted();
	scratch_remove();
#endif
	return tap_done();
}
