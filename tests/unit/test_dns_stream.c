/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of DNS over TCP, out of the pieces in which they were read. */
#include <stdlib.h>

#include "core/identify/dns_stream.h"
#include "tests/tap.h"

static char told[4096];

/* Each message as its length and its first byte. */
static void tell(void *arg, const void *message, size_t len)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "%s%zu%c", n ? " " : "", len, len ? *(const char *)message : '-');
}

static uint8_t data[200000];

/* Messages of those lengths one after the other, each of one letter. Returns how many bytes. */
static size_t make(const unsigned *lengths, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		data[at++] = (uint8_t)(lengths[i] >> 8);
		data[at++] = (uint8_t)lengths[i];
		memset(data + at, 'a' + (int)i, lengths[i]);
		at += lengths[i];
	}
	return at;
}

/* Takes bytes from..to of a stream; of what is beyond `most`, only the length. */
static void take(struct dns_streams *s, uint64_t stream, size_t from, size_t to, size_t most)
{
	size_t len = to - from < most ? to - from : most;
	uint8_t *exact = malloc(len ? len : 1);
	struct dns_piece piece = {stream, (uint32_t)from + 4294967000u, (uint32_t)(to - from), len, exact};

	memcpy(exact, data + from, len);
	dns_streams_take(s, &piece, tell, NULL);
	free(exact);
}

static const char *in_steps(struct dns_streams *s, uint64_t stream, size_t total, size_t step, size_t most)
{
	told[0] = 0;
	for (size_t at = 0; at < total; at += step)
		take(s, stream, at, at + step < total ? at + step : total, most);
	return told;
}

int main(void)
{
	static const unsigned three[] = {40, 12, 300}, large[] = {40, 20000, 30}, broken[] = {40, 5, 30};
	struct dns_streams *s = dns_streams_open();
	size_t total = make(three, 3), at;

	is_str(in_steps(s, 1, total, total, total), "40a 12b 300c", "several messages in one piece");
	for (size_t step = 1; step < 60; step++)
		if (strcmp(in_steps(s, step + 100, total, step, step), "40a 12b 300c") != 0)
			break;
	is_str(told, "40a 12b 300c", "in pieces of any size");

	told[0] = 0;
	take(s, 2, 0, 20, 20);
	take(s, 3, 0, 42, 42);
	take(s, 2, 20, 42, 22);
	is_str(told, "40a 40a", "connections are kept apart");
	take(s, 2, 56, total, total);
	is_str(told, "40a 40a 300c", "behind a gap, a message begins");
	told[0] = 0;
	for (uint64_t i = 10; i < 10 + 2 * DNS_STREAMS; i++)
		take(s, i, 0, 20, 20);
	take(s, 10 + 2 * DNS_STREAMS - 1, 20, 42, 22);
	is_str(told, "40a", "of more than there is room for, the last are known");

	total = make(large, 3);
	is_str(in_steps(s, 4, total, total, total), "40a 8192b 30c", "of a large message the beginning is kept");
	is_str(in_steps(s, 5, total, 4000, 4000), "40a 8192b 30c", "in pieces, too");
	is_str(in_steps(s, 6, total, 10000, 4096), "40a 4052b 30c", "when pieces are cut, what there was of it");
	at = 42 + 2 + 20000;
	told[0] = 0;
	take(s, 7, 0, at + 10, 4096);
	take(s, 7, at + 10, total, total);
	is_str(told, "40a 4052b", "when the length of the next is missing, nothing more");

	total = make(broken, 3);
	is_str(in_steps(s, 8, total, total, total), "40a", "what is too short to be a message ends it");
	told[0] = 0;
	take(s, 9, 2, 42, 40); /* 'aa' is no length of this */
	take(s, 9, 42, total, total);
	is_str(told, "", "what is no such stream says nothing");
	dns_streams_close(s);
	return tap_done();
}
