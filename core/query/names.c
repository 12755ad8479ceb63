/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/query/names.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const dimensions[PS_DIMENSIONS] = {
    [PS_BY_EXE] = "exe",
    [PS_BY_NAME] = "name",
    [PS_BY_CMDLINE] = "cmdline",
    [PS_BY_SHA256] = "sha256",
    [PS_BY_PEXE] = "pexe",
    [PS_BY_PNAME] = "pname",
    [PS_BY_PCMDLINE] = "pcmdline",
    [PS_BY_PSHA256] = "psha256",
    [PS_BY_GPEXE] = "gpexe",
    [PS_BY_GPNAME] = "gpname",
    [PS_BY_GPCMDLINE] = "gpcmdline",
    [PS_BY_GPSHA256] = "gpsha256",
    [PS_BY_UID] = "uid",
    [PS_BY_LPORT] = "lport",
    [PS_BY_RPORT] = "rport",
    [PS_BY_LADDR] = "laddr",
    [PS_BY_RADDR] = "raddr",
    [PS_BY_DOMAIN] = "domain",
    [PS_BY_NETNS] = "netns",
    [PS_BY_FAMILY] = "family",
    [PS_BY_PROTOCOL] = "protocol",
    [PS_BY_DIRECTION] = "direction",
    [PS_BY_DOMAIN_SOURCE] = "domain_source",
    [PS_BY_SCRIPT] = "script",
    [PS_BY_SCRIPT_SHA256] = "script_sha256",
    [PS_BY_CGROUP] = "cgroup",
    [PS_BY_UNIT] = "unit",
    [PS_BY_SLICE] = "slice",
    [PS_BY_SESSION] = "session",
    [PS_BY_ENGINE] = "engine",
    [PS_BY_CONTAINER] = "container",
    [PS_BY_POD] = "pod",
    [PS_BY_TIME] = "time",
    [PS_BY_HOST] = "host",
    [PS_BY_COUNTRY] = "country",
};

static const char *const hash_states[] = {
    [PS_HASH_ABSENT] = "absent",
    [PS_HASH_OK] = "",
    [PS_HASH_GONE] = "gone",
    [PS_HASH_MISMATCH] = "mismatch",
    [PS_HASH_UNREADABLE] = "unreadable",
    [PS_HASH_CHANGED] = "changed",
    [PS_HASH_LATE] = "late",
};

static const char *const stages[] = {
    [PS_STAGE_RING] = "ring",         [PS_STAGE_FLOWS] = "flows",     [PS_STAGE_PROGRAMS] = "programs",
    [PS_STAGE_FANOTIFY] = "fanotify", [PS_STAGE_HASH] = "hash",       [PS_STAGE_PROCESS] = "process",
    [PS_STAGE_HANDOFF] = "handoff",   [PS_STAGE_JOURNAL] = "journal", [PS_STAGE_SINK] = "sink",
    [PS_STAGE_RESTART] = "restart",   [PS_STAGE_CAPTURE] = "capture", [PS_STAGE_CONFIG] = "config",
    [PS_STAGE_SELFTEST] = "selftest", [PS_STAGE_AUDIT] = "audit",     [PS_STAGE_CHANNEL] = "channel",
    [PS_STAGE_TAMPER] = "tamper",     [PS_STAGE_MEMORY] = "memory",   [PS_STAGE_NAMES] = "names",
};

static const char *const layers[] = {
    [PS_LAYER_LINK] = "link", [PS_LAYER_IP] = "ip",           [PS_LAYER_TCP] = "tcp",
    [PS_LAYER_UDP] = "udp",   [PS_LAYER_UDPLITE] = "udplite", [PS_LAYER_ICMP] = "icmp",
};

static const char *const domain_sources[] = {
    [PS_DOMAIN_NONE] = "",   [PS_DOMAIN_SNI] = "sni",     [PS_DOMAIN_GETADDRINFO] = "getaddrinfo",
    [PS_DOMAIN_DNS] = "dns", [PS_DOMAIN_HOSTS] = "hosts", [PS_DOMAIN_PTR] = "ptr",
};

static const char *const program_events[] = {
    [PS_PROGRAM_NEW_EXE] = "new_exe",
    [PS_PROGRAM_NEW_NAME] = "new_name",
    [PS_PROGRAM_NEW_HASH] = "new_hash",
    [PS_PROGRAM_CHANGED] = "changed",
};

static const char *const program_roles[] = {
    [PS_ROLE_SELF] = "self",
    [PS_ROLE_PARENT] = "parent",
    [PS_ROLE_GRANDPARENT] = "grandparent",
};

static const char *const findings[] = {
    [0] = "",
    [PS_FINDING_NO_KEY] = "no_key",
    [PS_FINDING_PENDING] = "pending",
    [PS_FINDING_UNKNOWN] = "unknown",
    [PS_FINDING_CLEAN] = "clean",
    [PS_FINDING_SUSPICIOUS] = "suspicious",
    [PS_FINDING_FAILED] = "failed",
};

struct word {
	int number;
	const char *word;
};

static const struct word protocols[] = {
    {IPPROTO_ICMP, "icmp"},   {IPPROTO_IGMP, "igmp"},       {IPPROTO_TCP, "tcp"},       {IPPROTO_UDP, "udp"},
    {IPPROTO_DCCP, "dccp"},   {IPPROTO_GRE, "gre"},         {IPPROTO_ESP, "esp"},       {IPPROTO_AH, "ah"},
    {IPPROTO_SCTP, "sctp"},   {IPPROTO_UDPLITE, "udplite"}, {IPPROTO_ICMPV6, "icmpv6"}, {IPPROTO_RAW, "raw"},
    {IPPROTO_MPTCP, "mptcp"},
};

static const struct word families[] = {
    {AF_UNSPEC, "none"},   {AF_INET, "ipv4"},   {AF_INET6, "ipv6"},
    {AF_PACKET, "packet"}, {AF_VSOCK, "vsock"}, {PS_FAMILY_TUN, "tun"},
};

static const char *word_of(const struct word *words, size_t n, unsigned number)
{
	for (size_t i = 0; i < n; i++)
		if (words[i].number == (int)number)
			return words[i].word;
	return NULL;
}

static int number_of(const struct word *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].number;
	return -1;
}

const char *names_dimension(enum ps_dimension dimension)
{
	return dimensions[dimension];
}

enum ps_dimension names_dimension_find(const char *word)
{
	for (unsigned i = 0; i < PS_DIMENSIONS; i++)
		if (strcmp(dimensions[i], word) == 0)
			return (enum ps_dimension)i;
	return PS_DIMENSIONS;
}

int names_is_number(enum ps_dimension dimension)
{
	return dimension == PS_BY_UID || dimension == PS_BY_LPORT || dimension == PS_BY_RPORT || dimension == PS_BY_NETNS ||
	       dimension == PS_BY_FAMILY || dimension == PS_BY_PROTOCOL || dimension == PS_BY_TIME;
}

/* An address, a port, a domain. */
static int is_end(enum ps_dimension dimension)
{
	switch (dimension) {
	case PS_BY_LPORT:
	case PS_BY_RPORT:
	case PS_BY_LADDR:
	case PS_BY_RADDR:
	case PS_BY_DOMAIN:
	case PS_BY_DOMAIN_SOURCE:
	case PS_BY_COUNTRY:
		return 1;
	default:
		return 0;
	}
}

int names_asks_for_ends(const struct ps_question *q)
{
	for (uint32_t i = 0; i < q->n_by; i++)
		if (is_end(q->by[i]))
			return 1;
	for (uint32_t i = 0; i < q->n_filters; i++)
		if (is_end(q->filters[i].dimension))
			return 1;
	return 0;
}

const char *names_hash_state(unsigned state)
{
	return state < COUNT(hash_states) ? hash_states[state] : "other";
}

const char *names_stage(unsigned stage)
{
	return stage < COUNT(stages) && stages[stage] ? stages[stage] : "other";
}

const char *names_layer(unsigned layer)
{
	return layer < COUNT(layers) && layers[layer] ? layers[layer] : "other";
}

const char *names_domain_source(unsigned source)
{
	return source < COUNT(domain_sources) ? domain_sources[source] : "other";
}

int names_domain_source_find(const char *word)
{
	for (unsigned i = 0; i < COUNT(domain_sources); i++)
		if (strcmp(domain_sources[i], word) == 0)
			return (int)i;
	return -1;
}

const char *names_program_event(unsigned event)
{
	return event < COUNT(program_events) && program_events[event] ? program_events[event] : "other";
}

const char *names_program_role(unsigned role)
{
	return role < COUNT(program_roles) ? program_roles[role] : "other";
}

const char *names_finding(unsigned state)
{
	return state < COUNT(findings) ? findings[state] : "other";
}

const char *names_event_kind(enum ps_kind kind)
{
	return kind == PS_PROGRAM ? "program" : kind == PS_ALERT ? "loss" : "verdict";
}

enum ps_kind names_event_kind_find(const char *word)
{
	static const enum ps_kind kinds[] = {PS_PROGRAM, PS_ALERT, PS_VERDICT};

	for (unsigned i = 0; i < COUNT(kinds); i++)
		if (strcmp(word, names_event_kind(kinds[i])) == 0)
			return kinds[i];
	return (enum ps_kind)0;
}

const char *names_direction(unsigned direction)
{
	return direction == PS_DIRECTION_OUT ? "out" : direction == PS_DIRECTION_IN ? "in" : "";
}

const char *names_protocol(unsigned protocol)
{
	return word_of(protocols, COUNT(protocols), protocol);
}

int names_protocol_find(const char *word)
{
	return number_of(protocols, COUNT(protocols), word);
}

const char *names_family(unsigned family)
{
	return word_of(families, COUNT(families), family);
}

int names_family_find(const char *word)
{
	return number_of(families, COUNT(families), word);
}
