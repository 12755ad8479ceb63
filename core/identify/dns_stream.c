/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/dns_stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

enum { PREFIX = 2, HEADER = 12 };

struct stream {
	uint64_t id;
	uint64_t used; /* when, in pieces */
	uint32_t next; /* the place of the byte that should come next */
	uint32_t skip; /* bytes that belong to a message that has been told */
	size_t len;    /* of what is kept, the length before it included */
	uint8_t *kept; /* PREFIX + DNS_STREAM_KEPT bytes, or NULL */
	bool lost;     /* where messages begin is not known */
};

struct dns_streams {
	struct stream streams[DNS_STREAMS];
	uint64_t pieces;
};

struct dns_streams *dns_streams_open(void)
{
	return mem_alloc(sizeof(struct dns_streams));
}

void dns_streams_close(struct dns_streams *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < DNS_STREAMS; i++)
		free(s->streams[i].kept);
	free(s);
}

static struct stream *stream_of(struct dns_streams *s, const struct dns_piece *piece)
{
	struct stream *stream = &s->streams[0];

	for (size_t i = 0; i < DNS_STREAMS; i++) {
		if (s->streams[i].used && s->streams[i].id == piece->stream) {
			stream = &s->streams[i];
			break;
		}
		if (s->streams[i].used < stream->used)
			stream = &s->streams[i];
	}
	if (!stream->used || stream->id != piece->stream || stream->next != piece->seq) {
		stream->id = piece->stream;
		stream->len = stream->skip = 0;
		stream->lost = false;
	}
	stream->used = ++s->pieces;
	stream->next = piece->seq + piece->total;
	return stream;
}

/* The length of the message that is being kept; its first two bytes are there. */
static uint32_t wanted(const struct stream *stream)
{
	return (uint32_t)stream->kept[0] << 8 | stream->kept[1];
}

/* Keeps what is missing of the first `upto` bytes, as far as it is there. */
static void keep(struct stream *stream, const uint8_t **data, size_t *len, size_t upto)
{
	size_t n = stream->len < upto ? upto - stream->len : 0;

	n = n < *len ? n : *len;
	if (!stream->kept)
		stream->kept = mem_alloc(PREFIX + DNS_STREAM_KEPT);
	memcpy(stream->kept + stream->len, *data, n);
	stream->len += n;
	*data += n;
	*len -= n;
}

static void tell(struct stream *stream, dns_stream_each each, void *arg)
{
	if (stream->len > PREFIX)
		each(arg, stream->kept + PREFIX, stream->len - PREFIX);
	stream->skip = PREFIX + wanted(stream) - (uint32_t)stream->len;
	stream->len = 0;
}

static void skip(struct stream *stream, const uint8_t **data, size_t *len)
{
	size_t n = stream->skip < *len ? stream->skip : *len;

	stream->skip -= (uint32_t)n;
	*data += n;
	*len -= n;
}

/* n bytes were read that are not here. */
static void skip_missing(struct stream *stream, uint32_t n, dns_stream_each each, void *arg)
{
	if (n && stream->len >= PREFIX)
		tell(stream, each, arg);
	/* Behind the message that is missing, the length of the next is, too. */
	if (n > stream->skip || (n && stream->len))
		stream->lost = true;
	else
		stream->skip -= n;
}

void dns_streams_take(struct dns_streams *s, const struct dns_piece *piece, dns_stream_each each, void *arg)
{
	struct stream *stream = stream_of(s, piece);
	const uint8_t *data = piece->data;
	size_t len = piece->len;

	skip(stream, &data, &len);
	while (len && !stream->lost) {
		keep(stream, &data, &len, PREFIX);
		if (stream->len < PREFIX)
			break;
		if (wanted(stream) < HEADER) {
			stream->lost = true;
			break;
		}
		keep(stream, &data, &len, PREFIX + (wanted(stream) < DNS_STREAM_KEPT ? wanted(stream) : DNS_STREAM_KEPT));
		if (stream->len < PREFIX + wanted(stream) && stream->len < PREFIX + DNS_STREAM_KEPT)
			break;
		tell(stream, each, arg);
		skip(stream, &data, &len);
	}
	if (!stream->lost)
		skip_missing(stream, piece->total - (uint32_t)piece->len, each, arg);
}
