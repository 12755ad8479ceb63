/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/value_word.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/query/names.h"

#define USERS 64
#define FRESH_NS (10 * NS_PER_S)

/* Answers have thousands of rows and few users. */
static _Thread_local struct {
	int64_t until_ns;
	long long number;
	char name[VALUE_WORD_SIZE]; /* "": there is none */
} users[USERS];

static const char *user(char out[VALUE_WORD_SIZE], long long number)
{
	unsigned at = (unsigned)number % USERS;
	int64_t now = clock_monotonic_ns();

	if (users[at].until_ns < now || users[at].number != number) {
		struct passwd entry, *found = NULL;
		char space[4096];

		users[at].until_ns = now + FRESH_NS;
		users[at].number = number;
		users[at].name[0] = 0;
		/* A name that would be cut is none. */
		if (getpwuid_r((uid_t)number, &entry, space, sizeof(space), &found) == 0 && found &&
		    strlen(found->pw_name) < VALUE_WORD_SIZE)
			snprintf(users[at].name, VALUE_WORD_SIZE, "%s", found->pw_name);
	}
	memcpy(out, users[at].name, VALUE_WORD_SIZE);
	return *out ? out : NULL;
}

const char *value_word(char out[VALUE_WORD_SIZE], enum ps_dimension dimension, long long number)
{
	if (dimension == PS_BY_UID)
		return user(out, number);
	if (dimension == PS_BY_PROTOCOL)
		return names_protocol((unsigned)number);
	return dimension == PS_BY_FAMILY ? names_family((unsigned)number) : NULL;
}
