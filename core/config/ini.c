/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * inih takes lines of 199 bytes as distributions build it, cuts names at 49, and ends a value at
 * " ;", all without a word. So each line is read and judged here, and inih is handed only what no
 * build of it can misread: "[section]" and "key =". The value is taken from the line itself.
 */
#include "core/config/ini.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MISTAKE_LIMIT = 200 };

void mistakes_add(struct mistakes *m, unsigned line, const char *format, ...)
{
	va_list args;
	char *text = NULL;

	if (m->n > MISTAKE_LIMIT)
		return;
	if ((m->n & (m->n - 1)) == 0) /* none, or a power of two: the list is full */
		m->list = mem_resize(m->list, (m->n ? 2 * m->n : 1) * sizeof(*m->list));
	if (m->n == MISTAKE_LIMIT) {
		m->list[m->n++] = (struct mistake){0, mem_printf("more than %d mistakes: not all are listed", MISTAKE_LIMIT)};
		return;
	}
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	m->list[m->n++] = (struct mistake){line, text};
}

void mistakes_sort(struct mistakes *m)
{
	for (size_t i = 1; i < m->n; i++) {
		struct mistake moved = m->list[i];
		size_t j = i;

		for (; j > 0 && m->list[j - 1].line > moved.line; j--)
			m->list[j] = m->list[j - 1];
		m->list[j] = moved;
	}
}

void mistakes_done(struct mistakes *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->list[i].text);
	free(m->list);
	*m = (struct mistakes){0};
}

struct feed {
	FILE *in;
	struct ini *ini;
	struct mistakes *mistakes;
	char *line; /* without its end; INI_LINE_LIMIT + 1 bytes */
	size_t len;
	unsigned number;
	size_t total;
	bool skipping; /* the section is not known: its line was wrong */
	const char *value;
	int err;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
	       c == '.';
}

static void add_entry(struct feed *f, const char *section, const char *key, const char *value)
{
	struct ini *ini = f->ini;
	struct arena *a = &ini->memory;

	if ((ini->n & (ini->n - 1)) == 0)
		ini->entries = mem_resize(ini->entries, (ini->n ? 2 * ini->n : 1) * sizeof(*ini->entries));
	ini->entries[ini->n++] = (struct ini_entry){
	    .section = arena_copy(a, section, strlen(section)),
	    .key = key ? arena_copy(a, key, strlen(key)) : NULL,
	    .value = value ? arena_copy(a, value, strlen(value)) : NULL,
	    .line = f->number,
	};
}

/* Reads the next line into f->line, with a NUL behind it and without blanks around it. What is
 * wrong with its bytes is put into *wrong. False: there is none. */
static bool next_line(struct feed *f, const char **wrong)
{
	bool nul = false, control = false;
	size_t start = 0, stored;
	int c;

	f->len = 0;
	while ((c = getc(f->in)) != EOF && c != '\n' && f->total < INI_FILE_LIMIT) {
		f->total++;
		if (f->len < INI_LINE_LIMIT)
			f->line[f->len] = (char)c;
		f->len++;
	}
	f->total++;
	if (c == EOF && ferror(f->in))
		f->err = errno ? -errno : -EIO;
	if (f->err || (c == EOF && f->len == 0))
		return false;
	f->number++;
	if (f->total > INI_FILE_LIMIT) {
		mistakes_add(f->mistakes, f->number, "the file has more than %d bytes: it is read up to here", INI_FILE_LIMIT);
		return false;
	}
	stored = f->len < INI_LINE_LIMIT ? f->len : INI_LINE_LIMIT;
	if (f->number == 1 && stored >= 3 && memcmp(f->line, "\xef\xbb\xbf", 3) == 0)
		start = 3;
	if (f->len == stored && stored > start && f->line[stored - 1] == '\r')
		stored--;
	for (size_t i = start; i < stored; i++) {
		nul |= f->line[i] == 0;
		control |= ((unsigned char)f->line[i] < 0x20 && f->line[i] != '\t') || f->line[i] == 0x7f;
	}
	*wrong = f->len > INI_LINE_LIMIT ? "is longer than 65536 bytes"
	         : nul                   ? "holds a NUL byte: is this a text file, in UTF-8?"
	         : control               ? "holds a control character"
	                                 : NULL;
	while (start < stored && is_blank(f->line[start]))
		start++;
	while (stored > start && is_blank(f->line[stored - 1]))
		stored--;
	f->len = stored - start;
	memmove(f->line, f->line + start, f->len);
	f->line[f->len] = 0;
	return true;
}

/* "[name]", and nothing but a comment behind it: writes it to out as "[name]\n". */
static const char *take_section(const char *line, char *out)
{
	const char *end = strchr(line, ']'), *rest;
	size_t n = 0;

	if (!end)
		return "begins a section, but has no ] at its end";
	for (rest = end + 1; is_blank(*rest); rest++)
		;
	if (*rest && ((*rest != ';' && *rest != '#') || rest == end + 1))
		return "has something behind the ] of its section";
	out[n++] = '[';
	for (const char *p = line + 1; p < end; p++) {
		bool blank = is_blank(*p);

		if (!blank && !is_name(*p))
			return "names a section with something other than letters, digits, . _ - and blanks";
		if (blank && (n == 1 || is_blank(p[1]) || p + 1 == end))
			continue;
		if (n > INI_NAME_LIMIT)
			return "has a section name of more than 49 bytes";
		out[n++] = blank ? ' ' : *p;
	}
	if (n == 1)
		return "has a section without a name";
	memcpy(out + n, "]\n", 3);
	return NULL;
}

/* "key = value": writes "key =\n" to out and points *value to what is behind. The line is changed. */
static const char *take_key(char *line, size_t len, char *out, const char **value)
{
	char *equals = strchr(line, '='), *v;
	size_t n = 0;

	if (!equals)
		return "is not of the form: key = value";
	while (is_name(line[n]))
		n++;
	for (v = line + n; is_blank(*v); v++)
		;
	if (n == 0 || v != equals)
		return "is not of the form: key = value, where the key is one word";
	if (n > INI_NAME_LIMIT)
		return "has a key of more than 49 bytes";
	memcpy(out, line, n);
	memcpy(out + n, " =\n", 4);

	for (v = equals + 1; is_blank(*v); v++)
		;
	*value = v;
	if (*v == '"') {
		if (line + len - 1 == v || line[len - 1] != '"')
			return "has a value that begins with a double quote but does not end with one";
		line[len - 1] = 0;
		*value = v + 1;
		return NULL;
	}
	for (const char *p = v; *p; p++)
		if ((*p == ';' || *p == '#') && (p == v || is_blank(p[-1])))
			return "has a # or ; in its value that may be meant as a comment: put a comment on a line of its own, "
			       "or the whole value in double quotes";
	return NULL;
}

/* An ini_reader: hands over the next section or key that is fine. */
static char *feed_line(char *out, int size, void *user)
{
	struct feed *f = user;
	const char *wrong = NULL;

	if (size < INI_NAME_LIMIT + 4) {
		f->err = -ENOBUFS; /* an inih built for shorter lines than any name has */
		return NULL;
	}
	while (next_line(f, &wrong)) {
		bool section = f->line[0] == '[';

		if (section)
			f->skipping = false;
		if (!wrong && (f->line[0] == 0 || f->line[0] == '#' || f->line[0] == ';'))
			continue;
		if (!wrong)
			wrong = section ? take_section(f->line, out) : take_key(f->line, f->len, out, &f->value);
		if (wrong) {
			mistakes_add(f->mistakes, f->number, "the line %s; %s", wrong,
			             section ? "all up to the next section is left out" : "it has no effect");
			f->skipping |= section;
			continue;
		}
		if (f->skipping)
			continue;
		if (section) {
			char *end = strchr(out, ']');

			*end = 0;
			add_entry(f, out + 1, NULL, NULL);
			*end = ']';
		}
		return out;
	}
	return NULL;
}

/* An ini_handler; `empty` is the value that inih saw. */
static int take_entry(void *user, const char *section, const char *key, const char *empty)
{
	struct feed *f = user;

	(void)empty;
	if (*section)
		add_entry(f, section, key, f->value);
	else
		mistakes_add(f->mistakes, f->number, "%s: stands before any [section]; it has no effect", key);
	return 1;
}

int ini_read(struct ini *ini, FILE *in, struct mistakes *mistakes)
{
	struct feed f = {.in = in, .ini = ini, .mistakes = mistakes};
	int rc;

	*ini = (struct ini){0};
	arena_init(&ini->memory);
	f.line = mem_alloc(INI_LINE_LIMIT + 1);
	errno = 0;
	rc = ini_parse_stream(feed_line, &f, take_entry, &f);
	free(f.line);
	if (f.err)
		return f.err;
	return rc ? -EINVAL : 0; /* inih refused what is fine here: no build of it should */
}

void ini_done(struct ini *ini)
{
	free(ini->entries);
	arena_done(&ini->memory);
	*ini = (struct ini){0};
}
