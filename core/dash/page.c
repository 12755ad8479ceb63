/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/page.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct asset {
	const char *path, *type, *tag;
	const unsigned char *plain, *plain_end, *gzip, *gzip_end;
};

/* Each file between two symbols. */
#define PAGE_EMBED(symbol, file)                                                                                       \
	__asm__(".pushsection .rodata\n.balign 16\n.hidden " symbol "\n.global " symbol "\n" symbol ":\n.incbin \"" file   \
	        "\"\n.hidden " symbol "_end\n.global " symbol "_end\n" symbol "_end:\n.byte 0\n.popsection\n");
#define PAGE_ASSET(name, path, file, type, tag)                                                                        \
	PAGE_EMBED("page_" #name, file)                                                                                    \
	PAGE_EMBED("page_" #name "_gzip", file ".gz")                                                                      \
	extern const unsigned char page_##name[], page_##name##_end[], page_##name##_gzip[], page_##name##_gzip_end[];
#include "core/dash/assets/manifest.h"
#undef PAGE_ASSET

static const struct asset assets[] = {
#define PAGE_ASSET(name, path, file, type, tag)                                                                        \
	{path, type, "\"" tag "\"", page_##name, page_##name##_end, page_##name##_gzip, page_##name##_gzip_end},
#include "core/dash/assets/manifest.h"
#undef PAGE_ASSET
    {0},
};

/* The next of a list's words between commas, or NULL. */
static const char *next_word(const char **at, size_t *len)
{
	const char *word;

	*at += strspn(*at, ", \t");
	if (!**at)
		return NULL;
	word = *at;
	*len = strcspn(word, ",");
	*at += *len;
	while (*len && strchr(" \t", word[*len - 1]))
		--*len;
	return word;
}

/* Of an Accept-Encoding. */
static bool accepts_gzip(const char *list)
{
	const char *word;
	size_t len;

	while (list && (word = next_word(&list, &len))) {
		size_t name = strcspn(word, "; \t,");
		const char *q = memchr(word, '=', len);

		if ((name == 4 && strncasecmp(word, "gzip", 4) == 0) || (name == 1 && *word == '*'))
			/* "gzip;q=0" says that it is not. */
			return !q || strspn(q + 1, "0.") < (size_t)(word + len - q - 1);
	}
	return false;
}

/* Of an If-None-Match; the tag is quoted. */
static bool has_tag(const char *list, const char *tag)
{
	size_t want = strlen(tag), len;
	const char *word;

	while (list && (word = next_word(&list, &len))) {
		if (len > 2 && memcmp(word, "W/", 2) == 0) {
			word += 2;
			len -= 2;
		}
		if ((len == want && memcmp(word, tag, len) == 0) || (len == 1 && *word == '*'))
			return true;
	}
	return false;
}

static const struct asset *find(const char *path)
{
	static const char *const views[] = {"/program", "/explore", "/alerts", "/live"};

	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++)
		if (strcmp(path, views[i]) == 0)
			path = "/";
	for (const struct asset *a = assets; a->path; a++)
		if (strcmp(a->path, path) == 0)
			return a;
	return NULL;
}

bool page_answer(struct reply *r, const char *path, const char *accept_encoding, const char *if_none_match)
{
	const struct asset *a = find(path);
	bool gzip = accepts_gzip(accept_encoding);

	if (!a)
		return false;
	r->type = a->type;
	r->cache = strncmp(a->path, "/assets/", 8) == 0 ? "public, max-age=31536000, immutable" : "no-cache";
	r->page = true;
	/* Two contents, two tags. */
	snprintf(r->tag, sizeof(r->tag), "%.*s%s\"", (int)strlen(a->tag) - 1, a->tag, gzip ? "-gz" : "");
	if (has_tag(if_none_match, r->tag)) {
		r->status = MHD_HTTP_NOT_MODIFIED;
		r->type = NULL;
		return true;
	}
	r->fixed = gzip ? a->gzip : a->plain;
	r->fixed_len = (size_t)(gzip ? a->gzip_end - a->gzip : a->plain_end - a->plain);
	r->encoding = gzip ? "gzip" : NULL;
	return true;
}
