/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of verdicts, and that what a sink says is judged. */
#include "core/ledger/finding.h"

#include <string.h>

#include "core/base/clock.h"
#include "core/delivery/found.h"
#include "tests/tap.h"

#define NOW (1700000000 * NS_PER_S)

static struct finding made(enum ps_finding_state state)
{
	struct finding f = {.service = "virustotal",
	                    .what = {.sha256 = {0xab}, .state = state, .reason = "", .link = ""},
	                    .path = {"/usr/bin/x\n", 11},
	                    .at_ns = NOW};

	if (state == PS_FINDING_SUSPICIOUS) {
		f.what.malicious = 2;
		f.what.suspicious = 1;
	}
	if (state == PS_FINDING_SUSPICIOUS || state == PS_FINDING_CLEAN)
		f.what.undetected = 69;
	if (state == PS_FINDING_FAILED)
		f.what.reason = "it timed out";
	return f;
}

static void test_words(void)
{
	static const char *const verdicts[] = {
	    "no key (virustotal)",
	    "pending (virustotal)",
	    "unknown (virustotal)",
	    "clean (virustotal)",
	    "suspicious, 3 of 72 (virustotal)",
	    "failed: it timed out (virustotal)",
	};
	static const char *const texts[] = {
	    "virustotal is not asked, as it has no key: /usr/bin/x\\x0a",
	    "virustotal is being asked: /usr/bin/x\\x0a",
	    "virustotal does not know it: /usr/bin/x\\x0a",
	    "clean: 0 of 69 engines of virustotal object: /usr/bin/x\\x0a",
	    "suspicious: 3 of 72 engines of virustotal object: /usr/bin/x\\x0a",
	    "virustotal has not said what it is (it timed out): /usr/bin/x\\x0a",
	};

	for (int i = 0; i < 6; i++) {
		struct finding f = made((enum ps_finding_state)(i + 1));
		char verdict[MEMORY_VERDICT_MAX];
		struct buf text;

		buf_init(&text);
		finding_verdict(&f, verdict);
		is_str(verdict, verdicts[i], "the memory's words");
		is_int(finding_state(verdict), i + 1, "and what they mean");
		finding_text(&f, &text);
		buf_put_u8(&text, 0);
		is_str((char *)text.data, texts[i], "people's words");
		buf_done(&text);
	}
	is_int(finding_state("") + finding_state("cleaner") + finding_state("(clean)"), 0, "other words mean nothing");
}

static void test_line(void)
{
	struct finding f = made(PS_FINDING_SUSPICIOUS);
	struct buf text;

	f.before = PS_FINDING_CLEAN;
	f.what.link = "https://example.com/a";
	buf_init(&text);
	finding_text(&f, &text);
	buf_put_u8(&text, 0);
	ok(strstr((char *)text.data, "; before it was clean"), "that it was clean before is said");
	text.len = 0;
	finding_line(&f, &text);
	buf_put_u8(&text, 0);
	is_str(
	    (char *)text.data,
	    "2023-11-14T22:13:20Z\tverdict\tsuspicious\tx\\x0a\t/usr/bin/x\\x0a\tab00000000000000000000000000000000000000"
	    "000000000000000000000000\tclean\tvirustotal\t3/72\thttps://example.com/a",
	    "a line of exe.log");
	buf_done(&text);
}

static int judge(const struct ps_found *f)
{
	struct found_texts texts;
	struct ps_found got;
	struct cursor c;
	struct buf b;
	int err;

	buf_init(&b);
	found_put(&b, f);
	cursor_init(&c, b.data, b.len);
	err = found_get(&c, &got, &texts, NOW);
	if (!err && memcmp(got.sha256, f->sha256, 32) != 0)
		err = 1;
	for (size_t len = 0; len < b.len && !err; len++) {
		cursor_init(&c, b.data, len);
		if (!found_get(&c, &got, &texts, NOW))
			err = 2;
	}
	buf_done(&b);
	return err;
}

#define REFUSED(of, name, ...)                                                                                         \
	do {                                                                                                               \
		struct ps_found f = made(of).what;                                                                             \
		__VA_ARGS__;                                                                                                   \
		ok(judge(&f) < 0, "refused: %s", name);                                                                        \
	} while (0)

static void test_judgement(void)
{
	char longer[PS_FOUND_LINK_MAX + 2];

	for (int i = PS_FINDING_NO_KEY; i <= PS_FINDING_FAILED; i++) {
		struct ps_found f = made((enum ps_finding_state)i).what;

		is_int(judge(&f), 0, "state %d is taken, and not when it is cut anywhere", i);
	}
	REFUSED(PS_FINDING_CLEAN, "no state", f.state = 0);
	REFUSED(PS_FINDING_CLEAN, "a state beyond the last", f.state = 7);
	REFUSED(PS_FINDING_CLEAN, "clean with an engine that objects", f.malicious = 1);
	REFUSED(PS_FINDING_CLEAN, "clean without any engine", f.undetected = 0);
	REFUSED(PS_FINDING_SUSPICIOUS, "suspicious to nobody", f.malicious = f.suspicious = 0);
	REFUSED(PS_FINDING_SUSPICIOUS, "more engines than there can be", f.malicious = PS_FOUND_ENGINES_MAX + 1);
	REFUSED(PS_FINDING_SUSPICIOUS, "counts that overflow", f.malicious = f.suspicious = 0x80000000u);
	REFUSED(PS_FINDING_UNKNOWN, "unknown with engines", f.harmless = 1);
	REFUSED(PS_FINDING_FAILED, "failed without a reason", f.reason = "");
	REFUSED(PS_FINDING_CLEAN, "a reason for nothing", f.reason = "x");
	REFUSED(PS_FINDING_CLEAN, "a time after tomorrow", f.asked_ns = NOW + 2 * 86400 * NS_PER_S);
	REFUSED(PS_FINDING_CLEAN, "a time before all time", f.analysed_ns = -1);
	REFUSED(PS_FINDING_CLEAN, "another scheme", f.link = "javascript:alert(1)");
	REFUSED(PS_FINDING_CLEAN, "a link with a quote", f.link = "https://a/\"");
	REFUSED(PS_FINDING_CLEAN, "a link with a line's end", f.link = "https://a/\n");
	memset(longer, 'a', sizeof(longer));
	memcpy(longer, "https://", 8);
	longer[sizeof(longer) - 1] = 0;
	REFUSED(PS_FINDING_CLEAN, "a link that is too long", f.link = longer);
}

static void test_memory(void)
{
	struct memory *m = memory_open();
	const uint8_t one[32] = {1}, two[32] = {2};
	const struct memory_hash *hash;
	const struct memory_exe *e;
	struct memory_news news;

	memory_see(m, &(struct memory_sighting){{"/a", 2}, {"a", 1}, PS_ROLE_SELF, one, 10}, &news);
	memory_see(m, &(struct memory_sighting){{"/b", 2}, {"b", 1}, PS_ROLE_SELF, one, 30}, &news);
	memory_see(m, &(struct memory_sighting){{"/c", 2}, {"c", 1}, PS_ROLE_SELF, two, 40}, &news);
	memory_see(m, &(struct memory_sighting){{"/a", 2}, {"a", 1}, PS_ROLE_SELF, two, 50}, &news);
	e = memory_find_hash(m, one, &hash);
	ok(e && e->path.data[1] == 'b' && hash->sha256[0] == 1, "of those with a hash, the one that was last seen with it");
	ok(!memory_find_hash(m, (const uint8_t[32]){3}, &hash) && !hash, "nobody has another");
	memory_close(m);
}

int main(void)
{
	test_words();
	test_line();
	test_judgement();
	test_memory();
	return tap_done();
}
