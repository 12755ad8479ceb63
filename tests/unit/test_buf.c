/* SPDX-License-Identifier: GPL-3.0-or-later */
/* buf, its cursor, arena, clock, log and SHA-256. */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "tests/tap.h"

static void test_numbers(void)
{
	struct buf b;
	struct cursor c;

	buf_init(&b);
	ok(buf_add(&b, 0) && b.len == 0, "no bytes of an empty buffer are a place too");
	buf_put_u8(&b, 0xab);
	buf_put_u16(&b, 0x1234);
	buf_put_u32(&b, 0xdeadbeef);
	buf_put_u64(&b, UINT64_C(0x0123456789abcdef));
	buf_printf(&b, "%s-%d", "x", 7);
	ok(b.len == 18 && memcmp(b.data, "\xab\x34\x12\xef\xbe\xad\xde", 7) == 0, "numbers are little-endian");
	cursor_init(&c, b.data, b.len);
	ok(cursor_u8(&c) == 0xab && cursor_u16(&c) == 0x1234 && cursor_u32(&c) == 0xdeadbeef &&
	       cursor_u64(&c) == UINT64_C(0x0123456789abcdef),
	   "and come back");
	is_int(cursor_left(&c), 3, "three bytes are left");
	ok(!cursor_take(&c, SIZE_MAX) && c.bad && !cursor_left(&c), "more than there is is refused");
	ok(cursor_u8(&c) == 0 && !cursor_take(&c, 0), "and so is everything after it");
	cursor_init(&c, NULL, 0);
	ok(cursor_take(&c, 0) && !c.bad && cursor_u8(&c) == 0 && c.bad, "nothing has no bytes, and zero of them");
	buf_done(&b);
}

/* A length that a hostile file claims must end the process, not wrap or spin. */
static void test_overflow(void)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct buf b;

		buf_init(&b);
		buf_put_u8(&b, 1);
		signal(SIGABRT, SIG_DFL);
		close(2);
		alarm(20);
		buf_add(&b, SIZE_MAX - 16);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "a buffer of nearly SIZE_MAX bytes aborts");
}

static void test_arena(void)
{
	struct arena a;
	int good = 1;

	arena_init(&a);
	for (size_t i = 0; i < 3000; i++) {
		size_t n = i * 37 % 9000;
		unsigned char *p = arena_alloc(&a, n);

		good &= (uintptr_t)p % _Alignof(max_align_t) == 0;
		for (size_t j = 0; j < n; j++)
			good &= p[j] == 0;
		memset(p, 0xff, n);
	}
	ok(good, "an arena gives zeroed, aligned memory that does not overlap");
	is_str(arena_copy(&a, "abc", 2), "ab", "a copy ends with a NUL");
	arena_done(&a);
#ifdef PS_SANITIZED
	skip("the sanitizers' malloc tells no sizes");
#else
	size_t before = mallinfo2().uordblks, after;

	for (size_t i = 0; i < 256; i++)
		arena_alloc(&a, 5000);
	after = mallinfo2().uordblks;
	ok(after - before < 256 * 5000 * 3 / 2, "blocks of 5000 bytes take %zu bytes each", (after - before) / 256);
	arena_done(&a);
#endif
}

static char heard[5000];

static void hear(enum log_level level, const char *line)
{
	(void)level;
	snprintf(heard, sizeof(heard), "%s", line);
}

static void test_log(void)
{
	FILE *file = tmpfile();
	int saved = dup(2);
	char *program = mem_alloc(1001), line[6000];
	ssize_t n;

	memset(program, 'p', 1000);
	fflush(stderr);
	dup2(fileno(file), 2);
	log_setup("test", LOG_LEVEL_INFO, 1);
	log_hook(hear);
	errno = EAGAIN;
	log_error("a\nb\x1b[2J\xe2\x80\xae\xff caf\xc3\xa9");
	is_int(errno, EAGAIN, "errno stays");
	log_debug("not this");
	n = pread(2, line, sizeof(line), 0);
	line[n > 0 ? n : 0] = 0;
	is_str(line, "<3>error: a?b?[2J???? caf\xc3\xa9\n", "one line, for the journal, with nothing to forge it");
	is_str(heard, "a?b?[2J???? caf\xc3\xa9", "the hook hears it");
	if (ftruncate(2, 0) != 0 || lseek(2, 0, SEEK_SET) != 0)
		ok(0, "a temporary file");
	log_setup(program, LOG_LEVEL_INFO, 0);
	log_error("%5000d", 1);
	n = pread(2, line, sizeof(line), 0);
	ok(n > 4000 && line[n - 1] == '\n', "a line that was cut still ends as one");
	log_hook(NULL);
	log_setup("test", LOG_LEVEL_INFO, 0);
	dup2(saved, 2);
	close(saved);
	fclose(file);
	free(program);
}

static void test_rest(void)
{
	char text[CLOCK_TEXT_SIZE], hex[2 * SHA256_SIZE + 1];
	uint8_t digest[SHA256_SIZE], other[SHA256_SIZE];
	atomic_bool cancel = true;
	FILE *file = tmpfile();

	is_str(clock_text(text, INT64_C(1795425589) * NS_PER_S), "2026-11-23T09:19:49Z", "a time");
	is_str(clock_text(text, -1), "1969-12-31T23:59:59Z", "a nanosecond before the epoch");
	ok(clock_boot_ns() >= clock_monotonic_ns() - NS_PER_S && clock_wall_ns() > 0, "clocks go");
	sha256_bytes("abc", 3, digest);
	is_str(text_hex(hex, digest, SHA256_SIZE), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	       "SHA-256 of abc");
	fputs("abc", file);
	fflush(file);
	ok(sha256_file(fileno(file), other, NULL) == 0 && memcmp(digest, other, SHA256_SIZE) == 0, "and of a file");
	is_int(sha256_file(fileno(file), other, &cancel), -ECANCELED, "which can be cancelled");
	is_int(sha256_file(-1, other, NULL), -EBADF, "or fail");
	fclose(file);
}

int main(void)
{
	test_numbers();
	test_overflow();
	test_arena();
	test_log();
	test_rest();
	return tap_done();
}
