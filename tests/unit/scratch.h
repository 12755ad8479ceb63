/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder of a test's own, and files in it. */
#ifndef PS_TESTS_SCRATCH_H
#define PS_TESTS_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

static char scratch[64];

static inline void scratch_make(void)
{
	umask(022);
	snprintf(scratch, sizeof(scratch), "/tmp/ps-test-XXXXXX");
	if (!mkdtemp(scratch) || chmod(scratch, 0755))
		abort();
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void scratch_remove(void)
{
	nftw(scratch, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* mem_alloc()ed. */
static inline char *scratch_path(const char *name)
{
	return mem_printf("%s/%s", scratch, name);
}

static inline void scratch_write(const char *path, const void *data, size_t len, mode_t mode)
{
	FILE *out = fopen(path, "wb");

	if (!out || fwrite(data, 1, len, out) != len || fclose(out) || chmod(path, mode))
		abort();
}

/* All of a file, NUL-terminated; "" if there is none. mem_alloc()ed. */
static inline char *scratch_read(const char *path, size_t *len)
{
	FILE *in = fopen(path, "rb");
	char *data = mem_alloc(1);
	size_t n, at = 0;
	char block[4096];

	while (in && (n = fread(block, 1, sizeof(block), in)) > 0) {
		data = mem_resize(data, at + n + 1);
		memcpy(data + at, block, n);
		at += n;
		data[at] = 0;
	}
	if (in)
		fclose(in);
	if (len)
		*len = at;
	return data;
}

/* What was built as top_builddir/from, as a file of the scratch folder. */
static inline void scratch_copy(const char *from, const char *name, mode_t mode)
{
	const char *top = getenv("top_builddir");
	char *source = mem_printf("%s/%s", top ? top : ".", from), *to = scratch_path(name);
	size_t len;
	char *data = scratch_read(source, &len);

	if (!len) {
		fprintf(stderr, "%s is not there\n", source);
		abort();
	}
	scratch_write(to, data, len, mode);
	free(data);
	free(source);
	free(to);
}

/* How many files of the folder match. */
static inline int count_files(const char *pattern)
{
	char *text = scratch_path(pattern);
	glob_t found;
	int n = glob(text, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;

	globfree(&found);
	free(text);
	return n;
}

#endif
