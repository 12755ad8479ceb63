/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as an answer of DNS: what is told has a name and an address. The first byte is the kind, or
 * 3: pieces of TCP follow, each a byte (which connection; 64: behind a gap; 128: more was read than is
 * here) and its length.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/identify/dns_message.h"
#include "core/identify/dns_stream.h"
#include "core/identify/domain_name.h"
#include "tests/fuzz/target.h"

static void found(void *arg, const struct dns_found *f)
{
	++*(int *)arg;
	must(f->name.len && f->name.len < DOMAIN_NAME_SIZE && !f->name.data[f->name.len]);
	must(f->addr.family == AF_INET || f->addr.family == AF_INET6);
	must(f->ttl <= INT32_MAX);
}

static void message(void *arg, const void *data, size_t len)
{
	int n = 0, result = dns_message_read(data, len, DNS_PLAIN, found, &n);

	(void)arg;
	must(len && len <= DNS_STREAM_KEPT);
	must(result < 0 ? n == 0 : result == n);
}

static void pieces(const uint8_t *data, size_t size)
{
	struct dns_streams *streams = dns_streams_open();
	uint32_t at[64] = {0};

	while (size >= 2) {
		unsigned which = data[0] & 63;
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		struct dns_piece piece = {which, at[which] + (data[0] & 64), (uint32_t)len + (data[0] & 128) * 9u, len,
		                          data + 2};

		dns_streams_take(streams, &piece, message, NULL);
		at[which] = piece.seq + piece.total;
		data += 2 + len;
		size -= 2 + len;
	}
	dns_streams_close(streams);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *memory = malloc(size ? size : 1);
	int n = 0, result;

	if (size && data[0] == 3) {
		pieces(data + 1, size - 1);
	} else if (size) {
		memcpy(memory, data + 1, size - 1);
		result = dns_message_read(memory, size - 1, data[0] % 3, found, &n);
		must(result < 0 ? n == 0 : result == n);
	}
	free(memory);
	return 0;
}
