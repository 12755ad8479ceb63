/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What inih would cut, merge or misread: each is read right or refused with its line. */
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/config/ini.h"
#include "tests/tap.h"

/* Entries as "LINE section|key|value", mistakes as "LINE! text", each ended by a newline. */
static char *read_all(const char *data, size_t len)
{
	struct mistakes m = {0};
	struct ini ini;
	struct buf out;
	FILE *in = tmpfile();

	if (fwrite(data, 1, len, in) != len)
		ok(0, "a temporary file");
	rewind(in);
	buf_init(&out);
	if (ini_read(&ini, in, &m) != 0)
		buf_put_str(&out, "failed\n");
	for (size_t i = 0; i < ini.n; i++) {
		const struct ini_entry *e = &ini.entries[i];

		if (e->key)
			buf_printf(&out, "%u %s|%s|%s\n", e->line, e->section, e->key, e->value);
		else
			buf_printf(&out, "%u %s\n", e->line, e->section);
	}
	mistakes_sort(&m);
	for (size_t i = 0; i < m.n; i++)
		buf_printf(&out, "%u! %s\n", m.list[i].line, m.list[i].text);
	buf_put_u8(&out, 0);
	mistakes_done(&m);
	ini_done(&ini);
	fclose(in);
	return (char *)out.data;
}

#define NONE "; it has no effect\n"
#define REST "; all up to the next section is left out\n"
#define COMMENT                                                                                                        \
	"has a # or ; in its value that may be meant as a comment: put a comment on a line of its own, or the whole "      \
	"value in double quotes" NONE

static const struct {
	const char *what, *data;
	size_t len;
	const char *want;
} cases[] = {
#define CASE(what, data, want)                                                                                         \
	{                                                                                                                  \
		what, data, sizeof(data) - 1, want                                                                             \
	}
    CASE("nothing", "", ""),
    CASE("a key", "[core]\ndebug = yes\n", "1 core\n2 core|debug|yes\n"),
    CASE("blanks and comments", "; x\n# y\n\n  [ sink \t a ]  \n\t key\t=\tv w \t\n  # z = 1\n",
         "4 sink a\n5 sink a|key|v w\n"),
    CASE("an indented line is a key, not more of the value before", "[a]\nb = c\n  d = e\n", "1 a\n2 a|b|c\n3 a|d|e\n"),
    CASE("no newline at the end", "[a]\nb=c", "1 a\n2 a|b|c\n"),
    CASE("CRLF", "[a]\r\nb = c\r\nd = e\r", "1 a\n2 a|b|c\n3 a|d|e\n"),
    CASE("a BOM", "\xef\xbb\xbf[a]\nb=c\n", "1 a\n2 a|b|c\n"),
    CASE("an empty value", "[a]\nb =\nc=\"\"\n", "1 a\n2 a|b|\n3 a|c|\n"),
    CASE("a value with = and : and bytes", "[a]\nb = x=y: \xff\n", "1 a\n2 a|b|x=y: \xff\n"),
    CASE("quotes", "[a]\nb = \" x ;y #\"\nc = \"\"\"\nd = x \"y\"\n", "1 a\n2 a|b| x ;y #\n3 a|c|\"\n4 a|d|x \"y\"\n"),
    CASE("a section twice", "[a]\nb=1\n[c]\n[a]\nd=2\n", "1 a\n2 a|b|1\n3 c\n4 a\n5 a|d|2\n"),
    CASE("a comment behind a section", "[a] ; b\n[c]\t#d\n", "1 a\n2 c\n"),
    CASE("a colon", "[a]\nb: c\n", "1 a\n2! the line is not of the form: key = value" NONE),
    CASE("a colon and more", "[a]\nb: c=\n",
         "1 a\n2! the line is not of the form: key = value, where the key is one word" NONE),
    CASE("no key", "[a]\n= c\n", "1 a\n2! the line is not of the form: key = value, where the key is one word" NONE),
    CASE("a comment behind a value", "[a]\nb = 1 ; c\nd = 1 # e\nf = ;\ng = x;y#z\n",
         "1 a\n5 a|g|x;y#z\n2! the line " COMMENT "3! the line " COMMENT "4! the line " COMMENT),
    CASE("an open quote", "[a]\nb = \"c\nd = \"\n",
         "1 a\n2! the line has a value that begins with a double quote but does not end with one" NONE
         "3! the line has a value that begins with a double quote but does not end with one" NONE),
    CASE("a key before a section", "b = c\n[a]\n", "2 a\n1! b: stands before any [section]; it has no effect\n"),
    CASE("a section without an end", "[a]\nb=1\n[c\nd=2\n[e]\nf=3\n",
         "1 a\n2 a|b|1\n5 e\n6 e|f|3\n3! the line begins a section, but has no ] at its end" REST),
    CASE("a key behind a section", "[a] b=1\nc=2\n", "1! the line has something behind the ] of its section" REST),
    CASE("a section without a name", "[ ]\nc=2\n", "1! the line has a section without a name" REST),
    CASE("a section with odd bytes", "[a/b]\nc=2\n",
         "1! the line names a section with something other than letters, digits, . _ - and blanks" REST),
    CASE("a NUL", "[a]\nb = c\0d\n[e\0]\nf=1\n",
         "1 a\n2! the line holds a NUL byte: is this a text file, in UTF-8?" NONE
         "3! the line holds a NUL byte: is this a text file, in UTF-8?" REST),
    CASE("control characters", "[a]\nb = \x1b[2J\n# old\rMac\nc = \x7f\n",
         "1 a\n2! the line holds a control character" NONE "3! the line holds a control character" NONE
         "4! the line holds a control character" NONE),
};

static void test_long(void)
{
	enum { LONG = INI_LINE_LIMIT + 100 };
	struct buf b;
	char *got, *big = malloc(LONG + 1);

	memset(big, 'x', LONG);
	big[LONG] = 0;
	for (int over = 0; over < 2; over++) {
		int n = INI_LINE_LIMIT - 4 + over;

		buf_init(&b);
		buf_printf(&b, "[a]\nb = %.*s\nc = %.*s\nd = 1\n", 300, big, n, big);
		got = read_all((char *)b.data, b.len);
		b.len = 0;
		buf_printf(&b, "1 a\n2 a|b|%.*s\n", 300, big);
		if (over)
			buf_put_str(&b, "4 a|d|1\n3! the line is longer than 65536 bytes" NONE);
		else
			buf_printf(&b, "3 a|c|%.*s\n4 a|d|1\n", n, big);
		buf_put_u8(&b, 0);
		ok(strcmp(got, (char *)b.data) == 0, "a value of %d bytes is %s", n, over ? "refused, whole" : "read, whole");
		free(got);
		buf_done(&b);

		buf_init(&b);
		buf_printf(&b, "[%.*s]\n[b]\n%.*s=1\n", INI_NAME_LIMIT + over, big, INI_NAME_LIMIT + over, big);
		got = read_all((char *)b.data, b.len);
		b.len = 0;
		if (over)
			buf_put_str(&b, "2 b\n1! the line has a section name of more than 49 bytes" REST
			                "3! the line has a key of more than 49 bytes" NONE);
		else
			buf_printf(&b, "1 %.49s\n2 b\n3 b|%.49s|1\n", big, big);
		buf_put_u8(&b, 0);
		is_str(got, (char *)b.data, "names of %d bytes", INI_NAME_LIMIT + over);
		free(got);
		buf_done(&b);
	}
	free(big);

	buf_init(&b);
	buf_put_str(&b, "[a]\n");
	while (b.len < INI_FILE_LIMIT)
		buf_put_str(&b, "# 45678901234567890123456789012\n");
	buf_put_str(&b, "b = 1\n");
	got = read_all((char *)b.data, b.len);
	ok(strstr(got, "! the file has more than 1048576 bytes: it is read up to here\n") && !strstr(got, "|b|"),
	   "a file of more than 1 MiB is refused from there on");
	free(got);
	b.len = 0;
	for (int i = 0; i < 1000; i++)
		buf_put_str(&b, "x\n");
	got = read_all((char *)b.data, b.len);
	ok(strncmp(got, "0! more than 200 mistakes: not all are listed\n1! ", 49) == 0 && strstr(got, "\n200! ") &&
	       !strstr(got, "\n201! "),
	   "200 mistakes are listed, and that there are more");
	free(got);
	buf_done(&b);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *got = read_all(cases[i].data, cases[i].len);

		is_str(got, cases[i].want, "%s", cases[i].what);
		free(got);
	}
	test_long();
	return tap_done();
}
