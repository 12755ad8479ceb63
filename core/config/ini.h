/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads an INI file into a list of (section, key, value, line), by inih, and refuses what
 * inih would silently cut, merge or misread: lines that are too long, NUL and other control
 * bytes, sections that do not end, keys before a section. No meaning is given to anything here.
 */
#ifndef PS_CONFIG_INI_H
#define PS_CONFIG_INI_H

#include <stddef.h>
#include <stdio.h>

struct ini_entry {
	const char *section, *key, *value; /* value may be "" */
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

void mistakes_add(struct mistakes *, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
void mistakes_sort(struct mistakes *); /* by line, those of one line in their order */
void mistakes_done(struct mistakes *);

struct ini {
	struct ini_entry *entries;
	size_t n;
	void *memory; /* what the entries point into */
};

/* Reads all of `in`. Entries that are fine are there even if others are not: what is wrong is
 * added to `mistakes`. 0, or -errno when reading failed. */
int ini_read(struct ini *, FILE *in, struct mistakes *);
void ini_done(struct ini *);

#endif
