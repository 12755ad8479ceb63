/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of hosts files. */
#include "core/identify/hosts_file.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "tests/tap.h"

static void add(void *arg, const struct ps_addr *addr, struct ps_text name)
{
	char text[TEXT_ADDR_SIZE];

	buf_printf(arg, "%s=%.*s ", text_addr(text, addr), (int)name.len, name.data);
}

static void check(const char *file, const char *want, const char *what)
{
	size_t len = strlen(file);
	struct buf got = {0};
	char *exact = malloc(len ? len : 1);

	memcpy(exact, file, len);
	hosts_file_read(exact, len, add, &got);
	buf_put_u8(&got, 0);
	is_str((char *)got.data, want, "%s", what);
	buf_done(&got);
	free(exact);
}

static void count(void *arg, const struct ps_addr *addr, struct ps_text name)
{
	(void)addr;
	(void)name;
	++*(size_t *)arg;
}

int main(void)
{
	struct buf many = {0};
	size_t n = 0;

	check("127.0.0.1 localhost\n", "127.0.0.1=localhost ", "a name");
	check("192.0.2.1\twww.Example.com  www\t\r\n", "192.0.2.1=com.example.www 192.0.2.1=www ", "a name and another");
	check("::1 localhost\nfe80::1%eth0 router.lan", "::1=localhost fe80::1=lan.router ",
	      "IPv6, with a scope, and no newline");
	check("::ffff:192.0.2.1 a.b\n", "192.0.2.1=b.a ", "mapped addresses are those of IPv4");
	check("# 192.0.2.1 a\n  192.0.2.2 b # c\n192.0.2.3#d\n\n \n", "192.0.2.2=b ", "comments, blanks and empty lines");
	check("0.0.0.0 ads.example\n:: ads.example\n::ffff:0.0.0.0 ads.example\n", "", "what blocks names says nothing");
	check("192.0.2 a\n1.2.3.4.5 b\nname 192.0.2.1\n192.0.2.1\n127.1 c\n", "", "what is no address");
	check("192.0.2.1 192.0.2.2 a..b . x.\n", "192.0.2.1=x ", "what is no name");
	check("", "", "nothing");
	for (unsigned i = 0; i < 3000; i++)
		buf_printf(&many, "192.0.2.1 a%u b%u c%u\n", i, i, i);
	is_int(hosts_file_read((char *)many.data, many.len, count, &n), HOSTS_FILE_NAMES, "no more than there may be");
	is_int(n, HOSTS_FILE_NAMES, "are told");
	buf_done(&many);
	return tap_done();
}
