/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/counters.h"

#include <string.h>

struct span {
	const char *at;
	size_t len;
};

static const struct name {
	enum counters_file file;
	const char *group, *name; /* group: "Tcp"; snmp6 has none */
	enum counter counter;
	bool instead; /* a kernel that has it means something else by the one before */
} names[] = {
    {COUNTERS_SNMP, "Ip", "InReceives", IP4_IN_PACKETS, false},
    {COUNTERS_SNMP, "Ip", "OutRequests", IP4_OUT_PACKETS, false},
    {COUNTERS_SNMP, "Ip", "OutTransmits", IP4_OUT_PACKETS, true},
    {COUNTERS_SNMP, "Ip", "ForwDatagrams", IP_FORWARDED, false},
    {COUNTERS_SNMP, "Ip", "InHdrErrors", IP_ERRORS, false},
    {COUNTERS_SNMP, "Ip", "InAddrErrors", IP_ERRORS, false},
    {COUNTERS_SNMP, "Ip", "InDiscards", IP_ERRORS, false},
    {COUNTERS_SNMP, "Ip", "OutDiscards", IP_ERRORS, false},
    {COUNTERS_SNMP, "Icmp", "InMsgs", ICMP_IN, false},
    {COUNTERS_SNMP, "Icmp", "OutMsgs", ICMP_OUT, false},
    {COUNTERS_SNMP, "Icmp", "InErrors", ICMP_ERRORS, false},
    {COUNTERS_SNMP, "Icmp", "OutErrors", ICMP_ERRORS, false},
    {COUNTERS_SNMP, "Tcp", "InSegs", TCP_IN, false},
    {COUNTERS_SNMP, "Tcp", "OutSegs", TCP_OUT, false},
    {COUNTERS_SNMP, "Tcp", "RetransSegs", TCP_AGAIN, false},
    {COUNTERS_SNMP, "Tcp", "InErrs", TCP_ERRORS, false},
    {COUNTERS_SNMP, "Udp", "InDatagrams", UDP_IN, false},
    {COUNTERS_SNMP, "Udp", "OutDatagrams", UDP_OUT, false},
    {COUNTERS_SNMP, "Udp", "NoPorts", UDP_ERRORS, false},
    {COUNTERS_SNMP, "Udp", "InErrors", UDP_ERRORS, false},
    {COUNTERS_SNMP, "UdpLite", "InDatagrams", UDPLITE_IN, false},
    {COUNTERS_SNMP, "UdpLite", "OutDatagrams", UDPLITE_OUT, false},
    {COUNTERS_SNMP, "UdpLite", "NoPorts", UDPLITE_ERRORS, false},
    {COUNTERS_SNMP, "UdpLite", "InErrors", UDPLITE_ERRORS, false},
    {COUNTERS_NETSTAT, "IpExt", "InOctets", IP_IN_BYTES, false},
    {COUNTERS_NETSTAT, "IpExt", "OutOctets", IP_OUT_BYTES, false},
    {COUNTERS_NETSTAT, "IpExt", "InMcastPkts", IP4_CAST_PACKETS, false},
    {COUNTERS_NETSTAT, "IpExt", "InBcastPkts", IP4_CAST_PACKETS, false},
    {COUNTERS_NETSTAT, "IpExt", "InMcastOctets", IP_CAST_BYTES, false},
    {COUNTERS_NETSTAT, "IpExt", "InBcastOctets", IP_CAST_BYTES, false},
    {COUNTERS_SNMP6, "", "Ip6InReceives", IP6_IN_PACKETS, false},
    {COUNTERS_SNMP6, "", "Ip6OutRequests", IP6_OUT_PACKETS, false},
    {COUNTERS_SNMP6, "", "Ip6OutTransmits", IP6_OUT_PACKETS, true},
    {COUNTERS_SNMP6, "", "Ip6OutForwDatagrams", IP_FORWARDED, false},
    {COUNTERS_SNMP6, "", "Ip6InHdrErrors", IP_ERRORS, false},
    {COUNTERS_SNMP6, "", "Ip6InAddrErrors", IP_ERRORS, false},
    {COUNTERS_SNMP6, "", "Ip6InDiscards", IP_ERRORS, false},
    {COUNTERS_SNMP6, "", "Ip6OutDiscards", IP_ERRORS, false},
    {COUNTERS_SNMP6, "", "Ip6InOctets", IP_IN_BYTES, false},
    {COUNTERS_SNMP6, "", "Ip6OutOctets", IP_OUT_BYTES, false},
    {COUNTERS_SNMP6, "", "Ip6InMcastPkts", IP6_CAST_PACKETS, false},
    {COUNTERS_SNMP6, "", "Ip6InMcastOctets", IP_CAST_BYTES, false},
    {COUNTERS_SNMP6, "", "Icmp6InMsgs", ICMP_IN, false},
    {COUNTERS_SNMP6, "", "Icmp6OutMsgs", ICMP_OUT, false},
    {COUNTERS_SNMP6, "", "Icmp6InErrors", ICMP_ERRORS, false},
    {COUNTERS_SNMP6, "", "Icmp6OutErrors", ICMP_ERRORS, false},
    {COUNTERS_SNMP6, "", "Udp6InDatagrams", UDP_IN, false},
    {COUNTERS_SNMP6, "", "Udp6OutDatagrams", UDP_OUT, false},
    {COUNTERS_SNMP6, "", "Udp6NoPorts", UDP_ERRORS, false},
    {COUNTERS_SNMP6, "", "Udp6InErrors", UDP_ERRORS, false},
    {COUNTERS_SNMP6, "", "UdpLite6InDatagrams", UDPLITE_IN, false},
    {COUNTERS_SNMP6, "", "UdpLite6OutDatagrams", UDPLITE_OUT, false},
    {COUNTERS_SNMP6, "", "UdpLite6NoPorts", UDPLITE_ERRORS, false},
    {COUNTERS_SNMP6, "", "UdpLite6InErrors", UDPLITE_ERRORS, false},
};

const char *counters_file_name(enum counters_file file)
{
	static const char *const files[COUNTERS_FILES] = {"dev", "snmp", "netstat", "snmp6"};

	return files[file];
}

static bool is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

/* Takes the next line off the front; false when there is none. */
static bool next_line(struct span *text, struct span *line)
{
	const char *end;

	if (!text->len)
		return false;
	end = memchr(text->at, '\n', text->len);
	*line = (struct span){text->at, end ? (size_t)(end - text->at) : text->len};
	text->at += line->len + (end != NULL);
	text->len -= line->len + (end != NULL);
	return true;
}

static bool next_word(struct span *line, struct span *word)
{
	while (line->len && (*line->at == ' ' || *line->at == '\t')) {
		line->at++;
		line->len--;
	}
	*word = (struct span){line->at, 0};
	while (line->len && *line->at != ' ' && *line->at != '\t') {
		line->at++;
		line->len--;
		word->len++;
	}
	return word->len;
}

/* "-1" and other things that count nothing are 0. */
static uint64_t number(struct span word)
{
	uint64_t n = 0;

	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] < '0' || word.at[i] > '9' || __builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (unsigned)(word.at[i] - '0'), &n))
			return 0;
	}
	return n;
}

static void take(struct counters *c, enum counters_file file, struct span group, struct span name, struct span value)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint64_t *counter = &c->value[names[i].counter];

		if (names[i].file == file && is(group, names[i].group) && is(name, names[i].name))
			*counter = (names[i].instead ? 0 : *counter) + number(value);
	}
}

static bool is_known(enum counters_file file, struct span group)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].file == file && is(group, names[i].group))
			return true;
	return false;
}

/* A line of names, and below it one of values; both begin with the group and a colon. */
static void parse_table(struct counters *c, enum counters_file file, struct span text)
{
	struct span heads, values, group, group_again, name, value;

	while (next_line(&text, &heads) && next_line(&text, &values)) {
		if (!next_word(&heads, &group) || !next_word(&values, &group_again) || group.at[group.len - 1] != ':')
			continue;
		group.len--;
		if (!is_known(file, group)) /* most of netstat: worth a look */
			continue;
		while (next_word(&heads, &name) && next_word(&values, &value))
			take(c, file, group, name, value);
	}
}

static void parse_list(struct counters *c, struct span text)
{
	struct span line, name, value;

	while (next_line(&text, &line))
		if (next_word(&line, &name) && next_word(&line, &value))
			take(c, COUNTERS_SNMP6, (struct span){"", 0}, name, value);
}

/* "eth0: bytes packets errs drop fifo frame compressed multicast", and eight more of what was sent. */
static void parse_dev(struct counters *c, struct span text, counters_is_tunnel is_tunnel, void *arg)
{
	struct span line, name, word;
	uint64_t v[16];

	while (next_line(&text, &line)) {
		const char *colon = memchr(line.at, ':', line.len);
		unsigned n = 0;

		if (!colon)
			continue;
		name = (struct span){line.at, (size_t)(colon - line.at)};
		line.len -= name.len + 1;
		line.at = colon + 1;
		while (name.len && *name.at == ' ') {
			name.at++;
			name.len--;
		}
		while (n < 16 && next_word(&line, &word))
			v[n++] = number(word);
		if (n < 16 || !name.len)
			continue;
		if (is(name, "lo")) {
			c->value[LOOPBACK_BYTES] += v[8];
			continue;
		}
		c->value[LINK_IN_BYTES] += v[0];
		c->value[LINK_IN_PACKETS] += v[1];
		c->value[LINK_OUT_BYTES] += v[8];
		c->value[LINK_OUT_PACKETS] += v[9];
		c->value[LINK_ERRORS] += v[2] + v[3] + v[10] + v[11];
		if (is_tunnel && is_tunnel(arg, name.at, name.len)) {
			c->value[TUNNEL_IN_BYTES] += v[0];
			c->value[TUNNEL_OUT_BYTES] += v[8];
		}
	}
}

void counters_parse(struct counters *c, enum counters_file file, const char *text, size_t len,
                    counters_is_tunnel is_tunnel, void *arg)
{
	struct span all = {text, len};

	if (file == COUNTERS_DEV)
		parse_dev(c, all, is_tunnel, arg);
	else if (file == COUNTERS_SNMP6)
		parse_list(c, all);
	else
		parse_table(c, file, all);
}

static uint64_t since(uint64_t before, uint64_t now)
{
	if (now >= before)
		return now - before;
	/* It wrapped at 32 bits if it was in the upper half, and is in the lower one now. */
	if (before <= UINT32_MAX && before > INT32_MAX && now <= INT32_MAX)
		return now + (UINT64_C(1) << 32) - before;
	return 0;
}

void counters_since(struct counters *out, const struct counters *before, const struct counters *now)
{
	for (int i = 0; i < COUNTERS; i++)
		out->value[i] = since(before->value[i], now->value[i]);
}
