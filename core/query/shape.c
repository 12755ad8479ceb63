/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/shape.h"

#define NUMBER(column)                                                                                                 \
	{                                                                                                                  \
		.name = column, .type = ROW_NUMBER                                                                             \
	}
#define OPTIONAL(column)                                                                                               \
	{                                                                                                                  \
		.name = column, .type = ROW_NUMBER, .optional = true                                                           \
	}
#define TEXT(column)                                                                                                   \
	{                                                                                                                  \
		.name = column, .type = ROW_TEXT                                                                               \
	}
#define ENTRY(column, of)                                                                                              \
	{                                                                                                                  \
		.name = column, .type = ROW_ENTRY, .dictionary = of                                                            \
	}
#define SHAPE(what, list)                                                                                              \
	{                                                                                                                  \
		.name = what, .columns = list, .n = sizeof(list) / sizeof(*(list))                                             \
	}

static const struct row_column connections[] = {
    NUMBER("contime"),
    NUMBER("send"),
    NUMBER("recv"),
    NUMBER("events"),
    ENTRY("exe_id", ROW_EXECUTABLES),
    ENTRY("pexe_id", ROW_EXECUTABLES),
    ENTRY("gpexe_id", ROW_EXECUTABLES),
    NUMBER("uid"),
    NUMBER("family"),
    NUMBER("protocol"),
    NUMBER("lport"),
    NUMBER("rport"),
    ENTRY("laddr_id", ROW_ADDRESSES),
    ENTRY("raddr_id", ROW_ADDRESSES),
    ENTRY("domain_id", ROW_DOMAINS),
    NUMBER("netns"),
    NUMBER("endtime"),
    ENTRY("place_id", ROW_PLACES),
    NUMBER("domain_rivals"),
    TEXT("domain_source"),
    TEXT("direction"),
    OPTIONAL("opened"),
    OPTIONAL("closed"),
};

static const struct row_column programs[] = {
    NUMBER("time"),
    ENTRY("exe_id", ROW_EXECUTABLES),
    ENTRY("pexe_id", ROW_EXECUTABLES),
    ENTRY("gpexe_id", ROW_EXECUTABLES),
    ENTRY("place_id", ROW_PLACES),
    NUMBER("uid"),
    NUMBER("expected"),
    TEXT("event"),
    TEXT("role"),
    TEXT("previous_sha256"),
    TEXT("text"),
};

static const struct row_column losses[] = {
    NUMBER("starttime"), NUMBER("endtime"), TEXT("stage"), NUMBER("count"),
    NUMBER("send"),      NUMBER("recv"),    TEXT("text"),
};

static const struct row_column audit[] = {
    NUMBER("starttime"), NUMBER("endtime"),      NUMBER("netns"),        TEXT("layer"),        NUMBER("send"),
    NUMBER("recv"),      NUMBER("packets_send"), NUMBER("packets_recv"), NUMBER("errors"),     NUMBER("retransmitted"),
    NUMBER("forwarded"), NUMBER("own_send"),     NUMBER("own_recv"),     NUMBER("own_events"), NUMBER("rest_send"),
    NUMBER("rest_recv"), NUMBER("rest_packets"),
};

static const struct row_column verdicts[] = {
    NUMBER("time"),       TEXT("sha256"),       TEXT("state"),      TEXT("previous"),     TEXT("service"),
    NUMBER("malicious"),  NUMBER("suspicious"), NUMBER("harmless"), NUMBER("undetected"), OPTIONAL("asked"),
    OPTIONAL("analysed"), TEXT("exe"),          TEXT("text"),       TEXT("link"),
};

static const struct row_column executables[] = {
    TEXT("exe"),     TEXT("name"),   TEXT("cmdline"),       TEXT("sha256"),       TEXT("hash_state"),
    NUMBER("flags"), TEXT("script"), TEXT("script_sha256"), TEXT("script_state"),
};

static const struct row_column domains[] = {TEXT("domain")};
static const struct row_column addresses[] = {TEXT("addr")};

static const struct row_column places[] = {
    TEXT("cgroup"), TEXT("unit"),      TEXT("slice"), TEXT("session"),
    TEXT("engine"), TEXT("container"), TEXT("pod"),   OPTIONAL("owner"),
};

const struct row_shape row_tables[ROW_TABLES] = {
    [ROW_CONNECTIONS] = SHAPE("connections", connections),
    [ROW_PROGRAMS] = SHAPE("programs", programs),
    [ROW_LOSSES] = SHAPE("losses", losses),
    [ROW_AUDIT] = SHAPE("audit", audit),
    [ROW_VERDICTS] = SHAPE("verdicts", verdicts),
};

const struct row_shape row_dictionaries[ROW_DICTIONARIES] = {
    [ROW_EXECUTABLES] = SHAPE("executables", executables),
    [ROW_DOMAINS] = SHAPE("domains", domains),
    [ROW_ADDRESSES] = SHAPE("addresses", addresses),
    [ROW_PLACES] = SHAPE("places", places),
};

_Static_assert(sizeof(connections) / sizeof(*connections) <= ROW_COLUMNS_MAX, "connections");
_Static_assert(sizeof(audit) / sizeof(*audit) <= ROW_COLUMNS_MAX, "audit");
_Static_assert(sizeof(executables) / sizeof(*executables) <= ROW_ENTRY_COLUMNS_MAX, "executables");
_Static_assert(sizeof(places) / sizeof(*places) <= ROW_ENTRY_COLUMNS_MAX, "places");

enum ps_kind row_kind(enum row_table table)
{
	static const enum ps_kind kinds[ROW_TABLES] = {
	    [ROW_CONNECTIONS] = PS_TRAFFIC, [ROW_PROGRAMS] = PS_PROGRAM, [ROW_LOSSES] = PS_ALERT,
	    [ROW_AUDIT] = PS_AUDIT,         [ROW_VERDICTS] = PS_VERDICT,
	};

	return kinds[table];
}
