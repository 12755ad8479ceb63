/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The name that a program says in its first message of TLS (server_name, RFC 6066), which is in the
 * clear. Any bytes are allowed: what is no such message says nothing. Pure.
 */
#ifndef PS_IDENTIFY_TLS_HELLO_H
#define PS_IDENTIFY_TLS_HELLO_H

#include "core/identify/domain_name.h"

/* From the beginning of the message, which may be cut behind the name. Returns the length of the name in
 * reverse notation, without the NUL, or 0: there is none. */
size_t tls_hello_name(char out[DOMAIN_NAME_SIZE], const void *data, size_t len);

#endif
