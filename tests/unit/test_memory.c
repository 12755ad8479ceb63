/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first-seen memory: what is new, what is forgotten, its file's text, and what people ask of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/ledger/memory_json.h"
#include "core/ledger/memory_order.h"
#include "tests/tap.h"

static struct ps_text text(const char *s)
{
	return (struct ps_text){s, (uint32_t)strlen(s)};
}

/* Sees it; what was new as letters: E, N, H, in lower case if it was expected. */
static const char *see(struct memory *m, const char *path, const char *name, enum ps_program_role role, int hash,
                       int64_t at)
{
	static char out[4];
	uint8_t sha256[32] = {(uint8_t)hash};
	struct memory_sighting s = {text(path), text(name), role, hash ? sha256 : NULL, at};
	struct memory_news news;
	bool any = memory_see(m, &s, &news);
	size_t n = 0;

	if (news.exe)
		out[n++] = news.exe_expected ? 'e' : 'E';
	if (news.name)
		out[n++] = news.name_expected ? 'n' : 'N';
	if (news.hash)
		out[n++] = news.hash_expected ? 'h' : 'H';
	out[n] = 0;
	if (any != (n > 0))
		abort();
	return out;
}

static void test_news(void)
{
	uint8_t sha256[32] = {3};
	struct memory_sighting back = {text("/bin/a"), text("a"), PS_ROLE_SELF, sha256, 9};
	struct memory *m = memory_open();
	const struct memory_exe *e;
	struct memory_news news;

	is_str(see(m, "/bin/a", "a", PS_ROLE_SELF, 1, 1), "E", "a new executable: nothing more is said of it");
	is_str(see(m, "/bin/a", "a", PS_ROLE_SELF, 1, 2), "", "once");
	is_str(see(m, "/bin/a", "b", PS_ROLE_SELF, 1, 3), "N", "a new name");
	is_str(see(m, "/bin/a", "b", PS_ROLE_SELF, 2, 4), "H", "a new hash");
	is_str(see(m, "/bin/a", "a", PS_ROLE_SELF, 1, 5), "", "name and hash that came before are known");
	is_str(see(m, "/bin/a", "c", PS_ROLE_SELF, 0, 6), "N", "a hash that is not known is none");
	is_str(see(m, "/bin/a", "d", PS_ROLE_SELF, 4, 7), "NH", "both at once");
	ok(memory_see(m, &back, &news) && news.hash && news.previous[0] == 4, "previous is the one that was seen last");
	e = memory_find(m, text("/bin/a"));
	ok(e && e->first_s == 1 && e->last_s == 9 && e->n_names == 4 && e->n_hashes == 4, "it is all remembered");
	ok(e->hashes[3].sha256[0] == 3 && e->hashes[2].sha256[0] == 4, "in the order of the last sighting");

	is_str(see(m, "/bin/late", "late", PS_ROLE_SELF, 0, 1), "E", "an executable whose hash comes later");
	is_str(see(m, "/bin/late", "late", PS_ROLE_SELF, 7, 2), "", "has not changed");
	is_str(see(m, "/bin/late", "late", PS_ROLE_SELF, 8, 3), "H", "until another comes");

	is_str(see(m, "/bin/sh", "sh", PS_ROLE_PARENT, 1, 1), "E", "a new parent");
	is_str(see(m, "/bin/sh", "sh", PS_ROLE_GRANDPARENT, 1, 1), "", "who is a grandparent too: known");
	is_str(see(m, "/bin/sh", "sh", PS_ROLE_SELF, 1, 1), "E", "who talks itself: that is new");
	is_str(see(m, "/bin/a", "a", PS_ROLE_PARENT, 1, 1), "", "who talks is known as parent");
	is_str(see(m, "/bin/a", "x", PS_ROLE_PARENT, 1, 1), "N", "but not by any name");
	is_str(see(m, "/bin/a", "x", PS_ROLE_SELF, 1, 1), "N", "and that not as one who talks");
	is_str(see(m, "", "kworker", PS_ROLE_SELF, 0, 1), "E", "a kernel thread has no path");
	is_str(see(m, "", "nfsd", PS_ROLE_SELF, 0, 1), "N", "but a name");
	memory_close(m);
}

static void test_bounds(void)
{
	struct memory *m = memory_open();
	struct memory_stats stats;
	char path[64], name[64];
	int wrong = 0;

	for (int i = 0; i < 100000; i++) {
		snprintf(path, sizeof(path), "/build/%d/conftest", i);
		wrong += strcmp(see(m, path, "conftest", PS_ROLE_SELF, 1 + i % 200, i + 1), "E") != 0;
		if (i == 0)
			memory_find(m, text(path))->expected = true, memory_settle(m, memory_find(m, text(path)));
		if (i % 1000 == 0)
			wrong += strcmp(see(m, "/bin/old", "old", PS_ROLE_SELF, 1, i + 1), i ? "" : "E") != 0;
	}
	memory_get_stats(m, &stats);
	is_int(wrong, 0, "100,000 executables are all new");
	is_int(stats.exes, MEMORY_EXES_MAX, "so many are remembered");
	is_int(stats.exes + stats.forgot_exes, 100001, "the others are forgotten, and counted");
	ok(stats.bytes < MEMORY_BYTES_MAX, "%zu bytes", stats.bytes);
	is_str(see(m, "/build/0/conftest", "conftest", PS_ROLE_SELF, 1, 1), "", "what is expected is not forgotten");
	is_str(see(m, "/bin/old", "old", PS_ROLE_SELF, 1, 100000), "", "nor what is seen again and again");
	is_str(see(m, "/build/1/conftest", "conftest", PS_ROLE_SELF, 1, 1), "E", "the oldest is");

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "name-%d", i);
		wrong += strcmp(see(m, "/bin/names", name, PS_ROLE_SELF, 1, i + 1), i ? "N" : "E") != 0;
	}
	for (int i = 1; i < 256; i++)
		wrong += strcmp(see(m, "/bin/hashes", "h", PS_ROLE_SELF, i, i), i > 1 ? "H" : "E") != 0;
	is_int(wrong, 0, "100,000 names of one are all new, and 255 hashes");
	memory_get_stats(m, &stats);
	ok(memory_find(m, text("/bin/names"))->n_names == MEMORY_NAMES_MAX &&
	       memory_find(m, text("/bin/hashes"))->n_hashes == MEMORY_HASHES_MAX,
	   "the newest are remembered");
	ok(stats.forgot_names == 100000 - MEMORY_NAMES_MAX && stats.forgot_hashes == 255 - MEMORY_HASHES_MAX,
	   "and counted");
	memory_close(m);
}

/* Paths as long as they can be: not the number of them counts, but their bytes. */
static void test_bytes(void)
{
	struct memory *m = memory_open();
	struct memory_stats stats;
	char path[6000];

	memset(path, 'x', sizeof(path));
	for (int i = 0; i < 20000; i++) {
		snprintf(path, 20, "/%010d", i);
		path[11] = 'x';
		path[sizeof(path) - 1] = 0;
		see(m, path, "x", PS_ROLE_SELF, 1, i + 1);
	}
	memory_get_stats(m, &stats);
	ok(stats.bytes <= MEMORY_BYTES_MAX && stats.exes < 8192 && stats.exes > 7000, "%zu long paths, %zu bytes",
	   stats.exes, stats.bytes);
	memory_close(m);
}

/* Everything about two memories, by their text. */
static bool equal(const struct memory *a, const struct memory *b)
{
	struct buf x, y;
	bool same;

	buf_init(&x);
	buf_init(&y);
	memory_write(a, &x);
	memory_write(b, &y);
	same = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	buf_done(&x);
	buf_done(&y);
	return same;
}

static void test_file(void)
{
	static const char hostile[] = "/tmp/\xff\n\x1b[2J\"\\x41\\/\xe2\x80\xae";
	struct memory *m = memory_open(), *again, *copy;
	char why[MEMORY_WHY] = "";
	struct memory_exe *e;
	struct buf out;

	see(m, "/bin/a", "a", PS_ROLE_SELF, 1, 10);
	see(m, "/bin/a", "a\xfe", PS_ROLE_SELF, 2, 11);
	see(m, "/bin/b", "a", PS_ROLE_PARENT, 3, 12);
	see(m, "/bin/b", "b", PS_ROLE_GRANDPARENT, 0, 13);
	see(m, hostile, "h\r\n", PS_ROLE_SELF, 4, 14);
	see(m, "", "kworker", PS_ROLE_SELF, 0, 15);
	memory_find(m, text("/bin/b"))->expected = true;
	memory_settle(m, memory_find(m, text("/bin/b")));
	e = memory_add(m, text("/opt/later"));
	e->expected = true;
	memory_settle(m, e);
	ok(memory_verdict(m, (const uint8_t[32]){2}, "clean \\ \"quoted\""), "a hash has a verdict");
	ok(!memory_verdict(m, (const uint8_t[32]){99}, "x"), "one that nobody has has none");
	buf_init(&out);
	memory_write(m, &out);
	buf_put_u8(&out, 0);
	ok(strstr((char *)out.data, "\"Executables\": {\n\"/bin/a\": [\"a\", \"a\\\\xfe\"]"), "names by executable");
	ok(strstr((char *)out.data, "\"Parent Names\": {\n\"a\": [\"/bin/b\"]}"), "executables by name, of parents");
	ok(strstr((char *)out.data, "\"Grandparent Executables\": {\n\"/bin/b\": [\"b\"]}"), "and of grandparents");
	ok(!strpbrk((char *)out.data, "\x1b\r\xff"), "no byte of a name leaves its place");
	is_int(memory_read(&again, out.data, out.len - 1, why), 0, "it is read back %s", why);
	if (again) {
		ok(equal(m, again), "and is the same");
		is_str(see(again, hostile, "h\r\n", PS_ROLE_SELF, 4, 20), "", "names that want to harm are known again");
		is_str(see(again, "/bin/a", "a\xfe", PS_ROLE_SELF, 2, 20), "", "and hashes");
		is_str(see(again, "/opt/later", "later", PS_ROLE_SELF, 1, 20), "e", "what is expected is, when it comes");
		is_str(memory_find(again, text("/bin/a"))->hashes[1].verdict, "clean \\ \"quoted\"", "verdicts are kept");
		memory_close(again);
	}
	copy = memory_clone(m);
	ok(equal(m, copy), "a copy is the same");
	see(copy, "/bin/a", "other", PS_ROLE_SELF, 9, 30);
	ok(!equal(m, copy), "and another");
	memory_close(copy);
	buf_done(&out);
	memory_close(m);
}

static void test_damaged(void)
{
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	static const struct {
		int err;
		const char *text, *what;
	} cases[] = {
	    {-EUCLEAN, "", "an empty file"},
	    {-EUCLEAN, "{\"version\": 1, \"Executables\": {\"/bin/a\": [\"a\"", "one that was cut"},
	    {-EUCLEAN, "[1]", "a list"},
	    {-EUCLEAN, "{\"version\": 1, \"Executables\": []}", "a map that is none"},
	    {-EUCLEAN, "{\"version\": 1, \"Executables\": {\"/bin/a\": \"a\"}}", "names that are no list"},
	    {-EUCLEAN, "{\"version\": 1, \"Executables\": {\"/bin/a\": [1]}}", "a name that is a number"},
	    {-EUCLEAN, "{\"version\": 1, \"Executables\": {\"/bin/\\\\q\": []}}", "an escape that does not exist"},
	    {-EUCLEAN, "{\"version\": 1, \"Executables\": {}, \"Executables\": {}}", "a map twice"},
	    {-EUCLEAN, "{\"version\": 1, \"Seen\": {\"/bin/a\": {\"seen\": [1]}}}", "a time that is missing"},
	    {-EUCLEAN, "{\"version\": 1, \"Seen\": {\"/bin/a\": {\"seen\": [-1, 1]}}}", "a time before all"},
	    {-EUCLEAN, "{\"version\": 1, \"Seen\": {\"/bin/a\": {\"seen\": [1, 1, \"what\"]}}}", "a mark that is none"},
	    {-EUCLEAN, "{\"version\": 1, \"SHA256\": {\"/bin/a\": {\"!!! FD Read Error\": \"\"}}}", "an error as a hash"},
	    {-EUCLEAN, "{\"version\": 1, \"SHA256\": {\"/bin/a\": {\"" HASH "\": 3}}}", "a verdict that is no text"},
	    {-ENOTSUP, "{\"version\": 2}", "a later version"},
	    {-ENOTSUP, "{\"Executables\": {\"/bin/a\": [\"a\"]}}", "no version"},
	    {0, "{\"version\": 1}", "nothing"},
	    {0, "{\"version\": 1, \"SHA256\": {\"/bin/a\": {\"" HASH "\": \"\"}}, \"Executables\": {\"/bin/a\": [\"a\"]}}",
	     "times that are not known"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char why[MEMORY_WHY] = "";
		struct memory *m;
		int err = memory_read(&m, cases[i].text, strlen(cases[i].text), why);

		ok(err == cases[i].err && !m == !!err && !*why == !err, "%s: %d %s", cases[i].what, err, why);
		if (m && strstr(cases[i].text, HASH))
			is_str(see(m, "/bin/a", "a", PS_ROLE_SELF, 5, 100), "H", "what was there is known");
		memory_close(m);
	}
}

static long obey(struct memory *m, enum memory_action action, const char *exe, const char *name, const char *hash)
{
	struct memory_order o = {.action = action}, back;
	struct arena arena;
	const char *why;
	char *line;
	long n;

	arena_init(&arena);
	if (exe)
		o.exes[o.n_exes++] = memory_pattern(&arena, exe);
	if (name)
		o.names[o.n_names++] = memory_pattern(&arena, name);
	if (hash)
		o.hashes[o.n_hashes++] = hash;
	line = memory_order_write(&o);
	n = memory_order_read(&back, &arena, line);
	free(line);
	if (!n)
		n = memory_obey(m, &back, &why);
	arena_done(&arena);
	return n;
}

static size_t count(const struct memory *m)
{
	struct memory_stats stats;

	memory_get_stats(m, &stats);
	return stats.exes;
}

static void test_orders(void)
{
	static const char full[] = "0900000000000000000000000000000000000000000000000000000000000000";
	struct memory *m = memory_open();

	see(m, "/bin/a", "a", PS_ROLE_SELF, 1, 1);
	see(m, "/bin/ab", "ab", PS_ROLE_SELF, 2, 2);
	see(m, "/opt/x/one", "one", PS_ROLE_SELF, 3, 3);
	see(m, "/opt/x/two", "two", PS_ROLE_SELF, 4, 4);
	see(m, "/opt/x\xff", "bad", PS_ROLE_SELF, 5, 5);
	see(m, "/bin/[", "[", PS_ROLE_SELF, 6, 6);
	is_int(obey(m, MEMORY_FORGET, NULL, NULL, NULL), -EINVAL, "to forget nothing is an error");
	is_int(obey(m, MEMORY_FORGET, NULL, NULL, "xyz"), -EINVAL, "and a hash that is none");
	is_int(obey(m, MEMORY_FORGET, "/bin/a", NULL, NULL), 1, "a path is that path");
	ok(!memory_find(m, text("/bin/a")) && memory_find(m, text("/bin/ab")), "and no other that begins like it");
	is_int(obey(m, MEMORY_FORGET, "/opt/x\xff", NULL, NULL), 1, "in the bytes that it has");
	see(m, "/opt/x\xff", "bad", PS_ROLE_SELF, 5, 5);
	is_int(obey(m, MEMORY_FORGET, "/opt/x\\xff", NULL, NULL), 1, "or as it is shown");
	is_int(obey(m, MEMORY_FORGET, "/bin/[", NULL, NULL), 1, "brackets are brackets");
	is_int(obey(m, MEMORY_FORGET, "/opt/x", NULL, NULL), 2, "a folder is what is in it");
	is_int(count(m), 1, "the rest stays");
	see(m, "/bin/a", "a", PS_ROLE_SELF, 1, 1);
	see(m, "/bin/a", "alias", PS_ROLE_SELF, 2, 2);
	is_int(obey(m, MEMORY_FORGET, NULL, "al?as", NULL), 1, "a name alone is forgotten");
	is_str(see(m, "/bin/a", "alias", PS_ROLE_SELF, 2, 3), "N", "and new again");
	is_int(obey(m, MEMORY_FORGET, "/bin/a", NULL, "02"), 1, "a hash by its beginning");
	is_str(see(m, "/bin/a", "a", PS_ROLE_SELF, 2, 3), "H", "is new again too");
	is_int(obey(m, MEMORY_FORGET, "*b", NULL, NULL), 1, "a star is anything");

	is_int(obey(m, MEMORY_EXPECT, "/bin/a", NULL, NULL), 1, "an executable is expected");
	is_str(see(m, "/bin/a", "other", PS_ROLE_SELF, 3, 4), "nh", "its new names and hashes are");
	is_int(obey(m, MEMORY_UNEXPECT, "/bin/a", NULL, NULL), 1, "no longer");
	is_str(see(m, "/bin/a", "third", PS_ROLE_SELF, 4, 5), "NH", "and so they are not");
	is_int(obey(m, MEMORY_EXPECT, "/opt/new", NULL, NULL), 1, "one that is not known can be expected");
	is_str(see(m, "/opt/new", "new", PS_ROLE_SELF, 1, 6), "e", "and comes as such");
	is_int(obey(m, MEMORY_EXPECT, "/opt/*", NULL, "09"), 0, "what does not fit anything is nothing");
	is_int(obey(m, MEMORY_EXPECT, "/bin/a", "later", full), 0 + 2, "a name and a hash that are to come");
	is_str(see(m, "/bin/a", "later", PS_ROLE_SELF, 9, 7), "nh", "come as such");
	is_str(see(m, "/bin/a", "never", PS_ROLE_SELF, 8, 8), "NH", "others do not");
	is_int(obey(m, MEMORY_EXPECT, "relative", NULL, NULL), 0, "a path that is none is not foreseen");
	memory_close(m);
}

/* Half of the room is for what comes by itself. */
static void test_expect_all(void)
{
	struct memory_order o = {.action = MEMORY_EXPECT, .all = true};
	struct memory *m = memory_open();
	struct memory_stats stats;
	const char *why;
	char path[32];

	for (int i = 0; i < MEMORY_EXES_MAX; i++) {
		snprintf(path, sizeof(path), "/bin/%d", i);
		see(m, path, "x", PS_ROLE_SELF, 1, i + 1);
	}
	is_int(memory_obey(m, &o, &why), -ENOSPC, "not everything can be expected: %s", why);
	memory_get_stats(m, &stats);
	is_int(stats.expected, MEMORY_EXES_MAX / 2, "half of it is");
	is_str(see(m, "/bin/new", "x", PS_ROLE_SELF, 1, 1), "E", "and there is room for what is new");
	is_int(count(m), MEMORY_EXES_MAX, "in its bounds");
	o = (struct memory_order){.action = MEMORY_FORGET, .all = true};
	is_int(memory_obey(m, &o, &why), MEMORY_EXES_MAX, "all can be forgotten");
	is_int(count(m), 0, "then nothing is left");
	memory_close(m);
}

static double ms(clock_t t)
{
	return (double)t * 1000 / CLOCKS_PER_SEC;
}

/* No figure is judged: it is printed for whoever changes it. */
static void test_time(void)
{
	struct memory *m = memory_open(), *again, *copy;
	char why[MEMORY_WHY], path[64];
	struct memory_stats stats;
	clock_t at[4];
	struct buf out;

	for (int i = 0; i < 10000; i++) {
		snprintf(path, sizeof(path), "/usr/lib/some-package/bin/program-%d", i);
		see(m, path, path + 26, PS_ROLE_SELF, 1 + i % 255, i + 1);
	}
	buf_init(&out);
	at[0] = clock();
	copy = memory_clone(m);
	at[1] = clock();
	memory_write(m, &out);
	at[2] = clock();
	is_int(memory_read(&again, out.data, out.len, why), 0, "10,000 executables are written and read");
	at[3] = clock();
	memory_get_stats(m, &stats);
	printf("# %zu bytes in memory, %zu in the file; CPU time: copy %.1f ms, write %.1f ms, read %.1f ms\n", stats.bytes,
	       out.len, ms(at[1] - at[0]), ms(at[2] - at[1]), ms(at[3] - at[2]));
	memory_close(m);
	memory_close(copy);
	memory_close(again);
	buf_done(&out);
}

int main(void)
{
	test_news();
	test_bounds();
	test_bytes();
	test_file();
	test_damaged();
	test_orders();
	test_expect_all();
	test_time();
	return tap_done();
}
