/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words by which people and stores know the numbers of record.h and question.h. They are
 * written into stores: append only. All strings are static.
 */
#ifndef PS_QUERY_NAMES_H
#define PS_QUERY_NAMES_H

#include <stdint.h>

#include "core/question.h"

/* "exe", "gpsha256", "uid", ... and back: PS_DIMENSIONS when there is no such dimension. */
const char *names_dimension(enum ps_dimension);
enum ps_dimension names_dimension_find(const char *word);

/* True if the values of that dimension are numbers. */
int names_is_number(enum ps_dimension);

/* Whether a question groups by, or filters, what is of an end of a connection: an address, a port, a domain. Sums
 * without those are far fewer. */
int names_asks_for_ends(const struct ps_question *);

/* Why an executable has no SHA-256: "" when it has one, else "absent", "gone", ... */
const char *names_hash_state(unsigned state);

/* "ring", "flows", "journal", ...; "other" for a stage of a newer core. */
const char *names_stage(unsigned stage);

/* "link", "ip", "tcp", ...; "other" for a layer of a newer core. */
const char *names_layer(unsigned layer);

/* "out", "in", or "" when it is not known. */
const char *names_direction(unsigned direction);

/* "dns", "sni", ..., or "" when there is no domain; and back, -1 when it is no such word. */
const char *names_domain_source(unsigned source);
int names_domain_source_find(const char *word);

/* "new_exe", "new_name", ...; "self", "parent", ...; "other" of a newer core. */
const char *names_program_event(unsigned event);
const char *names_program_role(unsigned role);

/* "no_key", "pending", "clean", ..., or "" for 0; "other" of a newer core. */
const char *names_finding(unsigned state);

/* "program", "loss", "verdict" and back; 0 when it is no such word. */
const char *names_event_kind(enum ps_kind);
enum ps_kind names_event_kind_find(const char *word);

/* "tcp", "udp", "ipv4", ... and back. NULL or -1 when there is no word for it. */
const char *names_protocol(unsigned protocol);
int names_protocol_find(const char *word);
const char *names_family(unsigned family);
int names_family_find(const char *word);

#endif
