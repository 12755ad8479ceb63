/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/guard.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"

void guard_add(struct guard *g, const char *name)
{
	size_t len = strlen(name);
	char *copy;

	if (len >= 2 && name[0] == '[' && name[len - 1] == ']') {
		name++;
		len -= 2;
	}
	copy = mem_alloc(len + 1);
	for (size_t i = 0; i < len; i++)
		copy[i] = (char)tolower((unsigned char)name[i]);
	g->names = mem_resize(g->names, (g->n_names + 1) * sizeof(*g->names));
	g->names[g->n_names++] = copy;
}

void guard_init(struct guard *g, const char *names, const char *token, unsigned port)
{
	char *copy = mem_strdup(names ? names : ""), *state = NULL;

	*g = (struct guard){.cookie = mem_printf("picosnitch-%u", port)};
	if (token && *token)
		g->token = mem_strdup(token);
	guard_add(g, "localhost");
	guard_add(g, "127.0.0.1");
	guard_add(g, "::1");
	for (char *word = strtok_r(copy, ", \t", &state); word; word = strtok_r(NULL, ", \t", &state))
		guard_add(g, word);
	free(copy);
}

void guard_done(struct guard *g)
{
	for (size_t i = 0; i < g->n_names; i++)
		free(g->names[i]);
	free(g->names);
	free(g->token);
	free(g->cookie);
	*g = (struct guard){0};
}

static bool is_same(const char *name, const char *at, size_t len)
{
	return strlen(name) == len && strncasecmp(name, at, len) == 0;
}

/* ":80" or nothing. */
static bool is_port(const char *at)
{
	size_t n;

	if (!*at)
		return true;
	n = strspn(at + 1, "0123456789");
	return *at == ':' && n && n <= 5 && !at[1 + n];
}

bool guard_host(const struct guard *g, const char *host, const char *local)
{
	bool bracket = *host == '[';
	size_t len = strcspn(host + bracket, bracket ? "]" : ":");
	const char *rest = host + bracket + len;

	if (bracket && *rest++ != ']')
		return false;
	if (!len || !is_port(rest) || bracket != !!memchr(host + bracket, ':', len))
		return false;
	host += bracket;
	if (*local && is_same(local, host, len))
		return true;
	for (size_t i = 0; i < g->n_names; i++)
		if (is_same(g->names[i], host, len))
			return true;
	return false;
}

bool guard_token(const struct guard *g, const char *token)
{
	char given[GUARD_TOKEN_MAX + 1] = "", wanted[GUARD_TOKEN_MAX + 1] = "";
	volatile unsigned char differ = 0;

	if (strlen(token) > GUARD_TOKEN_MAX)
		return false;
	strncpy(given, token, GUARD_TOKEN_MAX);
	strncpy(wanted, g->token, GUARD_TOKEN_MAX);
	for (size_t i = 0; i < sizeof(given); i++)
		differ |= (unsigned char)(given[i] ^ wanted[i]);
	return !differ;
}

static bool cookie_has(const struct guard *g, const char *cookie)
{
	size_t name = strlen(g->cookie);

	for (const char *at = cookie; *at; at += strspn(at, "; ")) {
		size_t len = strcspn(at, ";");

		if (len > name && len <= name + 1 + GUARD_TOKEN_MAX && at[name] == '=' && memcmp(at, g->cookie, name) == 0) {
			char token[GUARD_TOKEN_MAX + 1] = "";

			memcpy(token, at + name + 1, len - name - 1);
			if (guard_token(g, token))
				return true;
		}
		at += len;
	}
	return false;
}

bool guard_admits(const struct guard *g, const char *authorization, const char *cookie)
{
	static const char bearer[] = "Bearer ";

	if (!g->token)
		return true;
	if (authorization && strncasecmp(authorization, bearer, sizeof(bearer) - 1) == 0 &&
	    guard_token(g, authorization + sizeof(bearer) - 1))
		return true;
	return cookie && cookie_has(g, cookie);
}
