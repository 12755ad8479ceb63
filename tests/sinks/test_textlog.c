/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is special to the textlog plugin: its lines, rotation, and what was not whole. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/fake_host.h"
#include "tests/tap.h"

static const struct ps_plugin *plugin;

static void instance(struct ps_ctx *ctx, const char *file, const char *format)
{
	fake_init(ctx, plugin, fake_dir(), 0);
	fake_set(ctx, "file", file);
	fake_set(ctx, "format", format);
	fake_files(ctx);
}

static void *must_open(struct ps_ctx *ctx)
{
	void *self = NULL;

	if (!ok(plugin->sink->open(&fake_host, ctx, &self) == PS_STORED, "it opens"))
		exit(1);
	return self;
}

static void put_usual(void *self, uint64_t seq, uint32_t n)
{
	struct made m;

	made_usual(&m, seq, n, 1000);
	is_int(plugin->sink->write(self, &m.batch), PS_STORED, "batch %d is stored", (int)seq);
	made_done(&m);
}

/* All of a file; a NUL behind it. */
static char *content(struct ps_ctx *ctx, const char *suffix)
{
	char *path = mem_printf("%s%s", fake_host.text(ctx, "file"), suffix);
	FILE *in = fopen(path, "re");
	struct buf b;
	int c;

	buf_init(&b);
	while (in && (c = getc(in)) != EOF)
		buf_put_u8(&b, (uint8_t)c);
	buf_put_u8(&b, 0);
	if (in)
		fclose(in);
	free(path);
	return (char *)b.data;
}

static int lines(struct ps_ctx *ctx, const char *suffix)
{
	char *text = content(ctx, suffix);
	int n = 0;

	for (const char *c = text; *c; c++)
		n += *c == '\n';
	free(text);
	return n;
}

static void append(struct ps_ctx *ctx, const char *text)
{
	int fd = open(fake_host.text(ctx, "file"), O_WRONLY | O_APPEND | O_CLOEXEC);

	ok(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "somebody appends");
	close(fd);
}

static void test_csv(void)
{
	static const char sha[] = "0101010101010101010101010101010101010101010101010101010101010101";
	struct ps_traffic *t;
	struct ps_ctx ctx;
	struct made m;
	void *self;
	char *want, *got;

	instance(&ctx, "lines.csv", "csv");
	self = must_open(&ctx);
	made_init(&m, 1);
	made_exe(&m, made_text(&m, "/bin/a,b\n\xff", 10), made_text(&m, "a\rb", 3), made_text(&m, "a\0-x, y\0", 8));
	t = &made_traffic(&m, 1700000000)->traffic;
	t->domain = made_domain(&m, made_text(&m, "org.example", 11));
	t->raddr = (struct ps_addr){AF_INET6, {0x20, 1, 0x0d, 0xb8, [15] = 1}};
	made_alert(&m, 1700000000, "an alert has no line");
	is_int(plugin->sink->write(self, &m.batch), PS_STORED, "stored");
	want =
	    mem_printf("2023-11-14T22:13:20Z,1000,2000,/bin/ab\\xff,ab,a -x y,%s,,,,,1000,40000,443,192.0.2.1,2001:db8::1,"
	               "org.example\n",
	               sha);
	got = content(&ctx, "");
	is_str(got, want, "a line of CSV");
	free(want);
	free(got);
	made_done(&m);
	plugin->sink->close(self);
	fake_done(&ctx);
}

static void test_json(void)
{
	struct ps_traffic *t;
	struct ps_ctx ctx;
	struct made m;
	void *self;
	char *got;

	instance(&ctx, "lines.json", "json");
	self = must_open(&ctx);
	made_init(&m, 1);
	made_alert(&m, 1, "no \"room\"\n");
	is_int(plugin->sink->write(self, &m.batch), PS_STORED, "stored");
	got = content(&ctx, "");
	is_str(got,
	       "{\"kind\":\"alert\",\"start_ns\":1000000000,\"end_ns\":11000000000,\"stage\":\"flows\","
	       "\"text\":\"no \\\"room\\\"\\\\x0a\",\"count\":4,\"sent\":500,\"received\":600}\n",
	       "an alert in JSON");
	free(got);
	made_done(&m);
	made_init(&m, 2);
	t = &made_traffic(&m, 1)->traffic;
	t->family = AF_VSOCK;
	t->raddr = (struct ps_addr){AF_VSOCK, {[3] = 2}};
	t->rport = UINT32_MAX - 1;
	t->direction = PS_DIRECTION_OUT;
	t->opened_ns = 7;
	t->domain_source = PS_DOMAIN_SNI;
	t->domain_rivals = 2;
	t->place = made_place(&m, "a");
	is_int(plugin->sink->write(self, &m.batch), PS_STORED, "stored");
	made_done(&m);
	made_init(&m, 3);
	made_audit(&m, 1);
	made_program(&m, 1, "new");
	is_int(plugin->sink->write(self, &m.batch), PS_STORED, "stored");
	made_done(&m);
	got = content(&ctx, "");
	ok(strstr(got, "{\"kind\":\"audit\",\"start_ns\":1000000000,\"end_ns\":11000000000,\"netns\":4026531840,"
	               "\"layer\":\"ip\",\"sent\":10000,\"received\":20000,\"packets_sent\":10,\"packets_received\":20,"
	               "\"errors\":1,\"retransmitted\":2,\"forwarded\":3,\"own_sent\":9000,\"own_received\":19000,"
	               "\"own_calls\":30,\"rest_sent\":-5,\"rest_received\":6,\"rest_packets\":-7}\n"),
	   "an audit in JSON");
	ok(strstr(got, "\"rport\":4294967294,\"laddr\":\"192.0.2.1\",\"raddr\":\"2\","), "a peer of vsock");
	ok(strstr(got, "\"direction\":\"out\",\"opened_ns\":7,\"closed_ns\":null,"), "a connection's beginning");
	ok(strstr(got, "\"domain_source\":\"sni\",\"domain_rivals\":2,\"cgroup\":\"/machine.slice/libpod-a.scope\","
	               "\"unit\":\"libpod-a.scope\",\"slice\":\"machine.slice\",\"session\":\"\",\"engine\":\"podman\","
	               "\"container\":\"a\",\"pod\":\"\",\"owner\":null}\n"),
	   "where it ran, and how the domain is known");
	ok(strstr(got, "{\"kind\":\"program\",\"start_ns\":1000000000,\"end_ns\":11000000000,\"event\":\"new_hash\","
	               "\"role\":\"parent\",\"text\":\"new\",\"exe\":\"\","),
	   "what is new about a program");
	ok(strstr(got, "\"uid\":1000,\"expected\":true,\"previous_sha256\":\"ab00000"), "and the rest of it");
	free(got);
	plugin->sink->close(self);
	fake_done(&ctx);
}

static void test_rotation(void)
{
	struct ps_ctx ctx;
	void *self;

	instance(&ctx, "rotated.log", "csv");
	fake_set(&ctx, "rotate_size", "1 KiB");
	fake_set(&ctx, "rotate_keep", "2");
	self = must_open(&ctx);
	for (uint64_t seq = 1; seq <= 4; seq++)
		put_usual(self, seq, 10 * (uint32_t)seq);
	is_int(ctx.rotated, 3, "a file that is large enough is shifted");
	is_int(lines(&ctx, ""), 40, "the newest batch");
	is_int(lines(&ctx, ".1"), 30, "the one before");
	is_int(lines(&ctx, ".2"), 20, "and the one before that");
	is_int(lines(&ctx, ".3"), 0, "are kept, no more");
	put_usual(self, 4, 40);
	is_int(lines(&ctx, "") + lines(&ctx, ".1"), 40, "the newest batch again, across a rotation: not doubled");
	plugin->sink->close(self);
	self = must_open(&ctx);
	put_usual(self, 4, 40);
	is_int(lines(&ctx, "") + lines(&ctx, ".1"), 40, "nor after a restart");
	plugin->sink->close(self);

	/* Killed after the core has rotated: the new mark is empty, the old one is NAME.1-mark. */
	fake_set(&ctx, "rotate_size", "0");
	is_int(fake_host.rotate(&ctx, "file", 2), 0, "rotated");
	self = must_open(&ctx);
	put_usual(self, 4, 40);
	is_int(lines(&ctx, ""), 0, "the last batch is known from the mark that went along");
	put_usual(self, 5, 50);
	unlink(fake_host.text(&ctx, "file"));
	put_usual(self, 5, 50);
	is_int(lines(&ctx, ""), 0, "a file that was removed is made anew, and the batch not written twice");
	put_usual(self, 6, 60);
	is_int(lines(&ctx, ""), 60, "the next one is written");
	plugin->sink->close(self);
	fake_done(&ctx);
}

static void test_not_whole(void)
{
	struct ps_ctx ctx;
	char *text;
	void *self;
	int cut;

	instance(&ctx, "cut.log", "csv");
	append(&ctx, "half a line of before");
	self = must_open(&ctx);
	put_usual(self, 1, 10);
	plugin->sink->close(self);
	is_int(lines(&ctx, ""), 11, "what was there stays, on a line of its own");
	append(&ctx, "2026-01-01T00:00:00Z,half a ba");
	self = must_open(&ctx);
	is_int(lines(&ctx, ""), 11, "the beginning of a batch is cut off");
	put_usual(self, 1, 10);
	put_usual(self, 2, 10);
	text = content(&ctx, "");
	ok(!strstr(text, "half a ba"), "for good");
	free(text);
	is_int(lines(&ctx, ""), 21, "whole batches, once");
	append(&ctx, "while it is open\n");
	put_usual(self, 3, 10);
	is_int(lines(&ctx, ""), 31, "what others append is not left between");
	cut = truncate(fake_host.text(&ctx, "file"), 0);
	is_int(cut, 0, "somebody empties it");
	put_usual(self, 4, 10);
	is_int(lines(&ctx, ""), 10, "it goes on from there");
	plugin->sink->close(self);

	/* Opening writes a mark too: then both slots say the same. One of them torn, then both. */
	for (int slots = 1; slots <= 2; slots++) {
		char *mark = mem_printf("%s-mark", fake_host.text(&ctx, "file"));
		int fd = open(mark, O_WRONLY | O_CLOEXEC);

		plugin->sink->close(must_open(&ctx));
		for (int i = 0; i < slots; i++)
			ok(pwrite(fd, "torn", 4, 4096 * i + 20) == 4, "slot %d is torn", i);
		close(fd);
		free(mark);
		self = must_open(&ctx);
		is_int(lines(&ctx, ""), 10, "nothing is lost");
		plugin->sink->close(self);
	}
	fake_done(&ctx);
}

static void test_links(void)
{
	struct ps_ctx ctx;
	char *other;
	void *self;

	instance(&ctx, "linked.log", "csv");
	other = mem_printf("%s.other", fake_host.text(&ctx, "file"));
	ok(link(fake_host.text(&ctx, "file"), other) == 0, "a second name");
	is_int(plugin->sink->open(&fake_host, &ctx, &self), PS_AWAY, "a file with two names is not written");
	unlink(fake_host.text(&ctx, "file"));
	ok(symlink(other, fake_host.text(&ctx, "file")) == 0, "a link");
	is_int(plugin->sink->open(&fake_host, &ctx, &self), PS_AWAY, "nor is a link followed");
	free(other);
	fake_done(&ctx);
}

int main(void)
{
	const char *build = getenv("top_builddir");
	char *path = mem_printf("%s/plugins/.libs/textlog.so", build ? build : ".");

	plugin = fake_load(path);
	free(path);
	test_csv();
	test_json();
	test_rotation();
	test_not_whole();
	test_links();
	return tap_done();
}
