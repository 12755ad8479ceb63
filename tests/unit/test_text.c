/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes shown and read back: by text_unshow(), and by bash itself. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "tests/tap.h"

static char *show(const void *data, size_t len, enum ps_show how, size_t *out_len)
{
	struct ps_text text = {data, (uint32_t)len};
	size_t n = text_show(NULL, 0, text, how);
	char *out = mem_alloc(n + 1);

	ok(text_show(out, n + 1, text, how) == n && strlen(out) == n, "the length that is told is the length");
	*out_len = n;
	return out;
}

static int clean(const char *s, size_t len)
{
	for (size_t n; len; s += n, len -= n) {
		n = text_utf8(s, len);
		if (!n || (unsigned char)*s < 0x20 || *s == 0x7f)
			return 0;
	}
	return 1;
}

/* The same bytes each time: all values, joined to characters of two to four bytes. */
static void fill(unsigned char *out, size_t n)
{
	static const char *const pieces[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\\",
	                                     "'",        "\\x41b",       "\xe2\x80\xae",     "\xed\xa0\x80",
	                                     "\xc0\xaf", "$(id)",        "\xc2\x85"};
	uint32_t r = 12345;

	for (size_t i = 0; i < n;) {
		const char *p;

		r = r * 1664525 + 1013904223;
		p = pieces[(r >> 16) % (sizeof(pieces) / sizeof(*pieces))];
		if ((r >> 28) < 8 && i + strlen(p) <= n) {
			memcpy(out + i, p, strlen(p));
			i += strlen(p);
		} else {
			out[i++] = (unsigned char)(r >> 20);
		}
	}
}

static void test_path(void)
{
	unsigned char data[4096];
	char back[4096], *shown, small[64];
	size_t n;
	int good = 1;

	is_str((shown = show("a\\b\n\xff", 5, PS_SHOW_PATH, &n)), "a\\\\b\\x0a\\xff",
	       "a backslash, a newline, a stray byte");
	free(shown);
	for (unsigned i = 0; i < 65536; i++) {
		unsigned char pair[2] = {(unsigned char)(i >> 8), (unsigned char)i};
		size_t len = text_show(small, sizeof(small), (struct ps_text){(char *)pair, 2}, PS_SHOW_PATH);

		good &= clean(small, len) && text_unshow(back, sizeof(back), small, len) == 2 && memcmp(back, pair, 2) == 0;
	}
	ok(good, "every pair of bytes comes back");
	fill(data, sizeof(data));
	shown = show(data, sizeof(data), PS_SHOW_PATH, &n);
	ok(clean(shown, n), "what is shown is UTF-8 without control characters");
	ok(text_unshow(back, sizeof(back), shown, n) == sizeof(data) && memcmp(back, data, sizeof(data)) == 0,
	   "4096 bytes come back");
	is_int(text_unshow(back, 10, shown, n), -EINVAL, "too little room is an error");
	free(shown);
	is_int(text_unshow(back, sizeof(back), "a\\", 2), -EINVAL, "a lone backslash is an error");
	is_int(text_unshow(back, sizeof(back), "\\x4", 3), -EINVAL, "a short escape is an error");
}

static void test_cut(void)
{
	unsigned char data[64];
	char out[512];
	int good = 1;

	fill(data, sizeof(data));
	for (int how = PS_SHOW_PATH; how <= PS_SHOW_ARGV; how++)
		for (size_t size = 1; size < sizeof(out); size++) {
			memset(out, '#', sizeof(out));
			text_show(out, size, (struct ps_text){(char *)data, sizeof(data)}, (enum ps_show)how);
			good &= strlen(out) < size && clean(out, strlen(out)) && (size == sizeof(out) || out[size] == '#');
		}
	ok(good, "cut at any length, it is valid UTF-8");
	text_show(out, 4,
	          (struct ps_text){"ab\xe2\x82\xac"
	                           "c",
	                           6},
	          PS_SHOW_PATH);
	is_str(out, "ab", "a character that does not fit is left out, and what is behind it");
}

/* What bash makes of `line` in the way of `script`, where %s stands for it. */
static size_t ask_bash(const char *locale, const char *script, const char *line, char *out, size_t size)
{
	char *full = mem_printf("%s%s", script, line);
	int fds[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	if (pipe(fds) != 0)
		return 0;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		setenv("LC_ALL", locale, 1);
		execlp("bash", "bash", "--norc", "-c", full, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	while (n < size && (got = read(fds[0], out + n, size - n)) > 0)
		n += (size_t)got;
	close(fds[0]);
	waitpid(pid, &status, 0);
	free(full);
	return n;
}

static void test_argv(void)
{
	static const struct {
		const char *data;
		size_t len;
	} lines[] = {
#define LINE(s) {s, sizeof(s) - 1}
	    LINE("curl\0-s\0https://example.com/?a=b&c=d\0"),
	    LINE("a\0\0b\0"),
	    LINE("it's\0\\x41b\0\"$HOME\"\0"),
	    LINE("\x41"
	         "b\n\0"),
	    LINE("\x01"
	         "b\0\x7f"
	         "1\0\xff"
	         "f\0"),
	    LINE("caf\xc3\xa9\0caf\xc3\xa9\n\0\xe2\x80\xaex\0"),
	    LINE("~\0{a,b}\0*\0!!\0#\0a;b\0`id`\0"),
	    LINE("\xc3\0\xa9\0'\n'\0"),
	    LINE("\\\n\0\\'\n\0"),
	};
	static const char *const first[] = {"A=b", "if", "time", "function", "select"};
	unsigned char data[1200];
	char got[8192], *shown;
	size_t n, len;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		for (int utf8 = 0; utf8 < 2; utf8++) {
			shown = show(lines[i].data, lines[i].len, PS_SHOW_ARGV, &n);
			ok(clean(shown, n), "one clean line: %s", shown);
			len = ask_bash(utf8 ? "C.UTF-8" : "C", "printf '%s\\0' ", shown, got, sizeof(got));
			ok(len == lines[i].len && memcmp(got, lines[i].data, len) == 0, "bash reads it back, %s locale",
			   utf8 ? "UTF-8" : "C");
			free(shown);
		}
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			for (size_t i = 0; i < 1024; i++) /* each byte before a digit, before a hexadecimal letter */
				data[i] = (unsigned char)(i % 4 == 0 ? i / 4 : i % 4 == 1 ? 'b' : i % 4 == 2 ? i / 4 : '7');
		else
			fill(data, 1024);
		data[1024] = 0;
		shown = show(data, 1025, PS_SHOW_ARGV, &n);
		len = ask_bash("C.UTF-8", "printf '%s\\0' ", shown, got, sizeof(got));
		ok(len == 1025 && memcmp(got, data, len) == 0, "bash reads back all bytes, round %d", round);
		free(shown);
	}
	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++) {
		char *want = mem_printf("%s#x#", first[i]), *argv = mem_printf("%s#x#", first[i]);

		for (char *c = argv; *c; c++)
			if (*c == '#')
				*c = 0;
		shown = show(argv, strlen(want), PS_SHOW_ARGV, &n);
		len = ask_bash("C", "PATH=/nowhere; command_not_found_handle() { printf '%s#' \"$@\"; }; ", shown, got,
		               sizeof(got) - 1);
		got[len] = 0;
		is_str(got, want, "%s is the name of a command", shown);
		free(shown);
		free(want);
		free(argv);
	}
}

static void test_rest(void)
{
	struct ps_addr v4 = {.family = AF_INET, .bytes = {203, 0, 113, 7}}, none = {0};
	struct ps_addr guest = {.family = AF_VSOCK, .bytes = {0, 1, 0, 3}},
	               any = {.family = AF_VSOCK, .bytes = {255, 255, 255, 255}};
	uint8_t back[4];
	char addr[TEXT_ADDR_SIZE], hex[9], dirty[] = "a\x1b[2J\xe2\x80\xae\xc2\x9b\xff\tz\xc3\xa9";

	is_str(text_addr(addr, &v4), "203.0.113.7", "an IPv4 address");
	is_str(text_addr(addr, &none), "", "no address");
	is_str(text_addr(addr, &guest), "65539", "a context id of vsock");
	is_str(text_addr(addr, &any), "4294967295", "the largest one");
	is_str(text_hex(hex, (const uint8_t *)"\x00\x9f\xa0\xff", 4), "009fa0ff", "hexadecimal");
	ok(text_unhex(back, 4, "009FA0ff", 8) && memcmp(back, "\x00\x9f\xa0\xff", 4) == 0, "and back, in either case");
	ok(!text_unhex(back, 4, "009fa0f", 7) && !text_unhex(back, 3, "009fa0ff", 8) && !text_unhex(back, 4, "009fa0fg", 8),
	   "but not with other digits, or more or less of them");
	text_clean(dirty, strlen(dirty));
	is_str(dirty,
	       "a?[2J???"
	       "??"
	       "??z\xc3\xa9",
	       "text_clean() leaves one harmless line");
	is_int(text_distance("kitten", "sitting"), 3, "kitten to sitting");
	is_int(text_distance("", "abc"), 3, "from nothing");
	is_int(text_distance("coer", "core"), 1, "two letters swapped");
	is_int(text_utf8("\xed\xa0\x80", 3), 0, "a surrogate is not a character");
	is_int(text_utf8("\xf4\x90\x80\x80", 4), 0, "nor is one past U+10FFFF");
	is_int(text_utf8("\xe2\x82", 2), 0, "nor a half one");
}

int main(void)
{
	test_path();
	test_cut();
	test_argv();
	test_rest();
	return tap_done();
}
