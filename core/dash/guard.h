/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whom the page is shown to. A page of another origin can send a browser here under a name of its own (DNS
 * rebinding): so the Host header has to be a name of ours. Whoever comes from another machine has to know the token.
 * No I/O; immutable once it is made.
 */
#ifndef PS_DASH_GUARD_H
#define PS_DASH_GUARD_H

#include <stdbool.h>
#include <stddef.h>

enum { GUARD_TOKEN_MAX = 256 };

struct guard {
	char **names; /* in lower case, without ports and brackets */
	size_t n_names;
	char *token;  /* NULL: none is wanted */
	char *cookie; /* its name: cookies do not know ports, so the port is in it */
};

/* names: separated by commas or spaces, or NULL; token may be "" or NULL. */
void guard_init(struct guard *, const char *names, const char *token, unsigned port);
void guard_done(struct guard *);
void guard_add(struct guard *, const char *name);

/* local: the address that the connection has come to, as text, or "". */
bool guard_host(const struct guard *, const char *host, const char *local);

/* Takes as long for a wrong token as for the right one. */
bool guard_token(const struct guard *, const char *token);

/* The values of the headers Authorization and Cookie, or NULL. True, too, where no token is wanted. */
bool guard_admits(const struct guard *, const char *authorization, const char *cookie);

#endif
