/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads an INI file into a list of (section, key, value, line), by inih, and refuses what
 * inih would silently cut, merge or misread. No meaning is given to anything here.
 *
 * The file: `[section]`, `key = value` and comment lines that begin with # or ; in UTF-8 or any
 * other superset of ASCII. A value is what stands behind the first =, without the blanks around
 * it, to the end of the line: there is no continuation, indentation means nothing, and nothing is
 * a comment behind a value. A value within "double quotes" is what stands between the first and
 * the last of them: for one that begins with a quote, # or ;, holds " #" or " ;" (which are refused
 * otherwise, as both readings are plausible), or has blanks around it.
 */
#ifndef PS_CONFIG_INI_H
#define PS_CONFIG_INI_H

#include <stddef.h>
#include <stdio.h>

#include "core/base/mem.h"

/* What a line, a file, and the name of a section or key may have, in bytes; longer is a mistake. */
enum ini_limit { INI_LINE_LIMIT = 65536, INI_FILE_LIMIT = 1 << 20, INI_NAME_LIMIT = 49 };

struct ini_entry {
	const char *section;     /* runs of blanks in it are one space */
	const char *key, *value; /* key NULL: the line of the section itself; value may be "" */
	unsigned line;
};

/* A mistake, as a person sees it: "FILE:LINE: [section] key: message". */
struct mistake {
	unsigned line; /* 0: the file as a whole */
	char *text;    /* with the section and key, without file and line */
};

struct mistakes {
	struct mistake *list;
	size_t n;
};

/* Adds one; past 200 of them, only that there are more. */
void mistakes_add(struct mistakes *, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
void mistakes_sort(struct mistakes *); /* by line, those of one line in their order */
void mistakes_done(struct mistakes *);

struct ini {
	struct ini_entry *entries;
	size_t n;
	struct arena memory; /* what the entries point into */
};

/* Reads all of `in`. Entries that are fine are there even if others are not: what is wrong is
 * added to `mistakes`, without the text of a line that could not be read, for it may hold a
 * secret. What follows a section line that is wrong is left out up to the next section.
 * 0, or -errno when reading failed. */
int ini_read(struct ini *, FILE *in, struct mistakes *);
void ini_done(struct ini *);

#endif
