/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives every file of a corpus to a fuzz target, once, and prints TAP: `fuzz_NAME` reads
 * tests/fuzz/corpus/NAME of the sources, or the folders and files that it is given. For builds
 * without libFuzzer, which has a main() of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tests/fuzz/target.h"
#include "tests/tap.h"

static void replay_file(const char *path)
{
	struct buf input;
	FILE *in = fopen(path, "rb");
	char block[4096];
	size_t n;

	buf_init(&input);
	while (in && (n = fread(block, 1, sizeof(block), in)) > 0)
		buf_put(&input, block, n);
	if (!in || ferror(in)) {
		ok(0, "%s: %s", path, strerror(errno));
	} else {
		/* A copy of its very size, so that a sanitizer sees any read past its end. */
		uint8_t *exact = mem_copy(input.data, input.len);

		printf("# %s\n", path);
		fflush(stdout);
		ok(LLVMFuzzerTestOneInput(exact, input.len) == 0, "%s", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
		free(exact);
	}
	if (in)
		fclose(in);
	buf_done(&input);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void replay(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int n;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	n = scandir(path, &entries, visible, alphasort);
	ok(n > 0, "%s has files", path);
	for (int i = 0; i < n; i++) {
		char *file = mem_printf("%s/%s", path, entries[i]->d_name);

		replay_file(file);
		free(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir"), *name = strrchr(argv[0], '/');
	char *folder;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			replay(argv[i]);
		return tap_done();
	}
	name = name ? name + 1 : argv[0];
	if (strncmp(name, "lt-", 3) == 0)
		name += 3;
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	folder = mem_printf("%s/tests/fuzz/corpus/%s", top ? top : ".", name);
	replay(folder);
	free(folder);
	return tap_done();
}
