/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/identify/dns_message.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "core/identify/domain_name.h"

enum {
	HEADER = 12,
	RECORDS_MAX = 128, /* that are looked at */
	CHAIN_MAX = 12,    /* names from the question to the addresses */
	HOPS_MAX = 16,     /* pointers within one name */
	STEPS_MAX = 4096,  /* labels that are looked at in one message */
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_AAAA = 28,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	HINT_4 = 4,
	HINT_6 = 6,
	CLASS_IN = 1,
};

struct message {
	const uint8_t *data;
	size_t len;
	unsigned steps;
};

struct record {
	size_t owner, rdata, rdlen; /* places in the message */
	uint32_t ttl;
	uint16_t type;
};

/* The names that lead from the question to addresses: places in the message. */
struct chain {
	size_t at[CHAIN_MAX];
	uint32_t ttl[CHAIN_MAX]; /* the least on the way there */
	size_t n;
};

static uint16_t u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- names ---- */

/* A way through a name, label by label. */
struct walk {
	size_t at, lowest; /* pointers lead backwards only, so the way ends */
	size_t total;
	unsigned hops;
};

static struct walk walk_from(size_t at)
{
	return (struct walk){at, at, 0, 0};
}

/* 1 with the next label, 0 at the end, or -EINVAL. */
static int walk_next(struct message *m, struct walk *w, struct ps_text *label)
{
	uint8_t n;

	for (;;) {
		if (w->at >= m->len || ++m->steps > STEPS_MAX)
			return -EINVAL;
		n = m->data[w->at];
		if (n < 0xc0)
			break;
		if (w->at + 2 > m->len || ++w->hops > HOPS_MAX)
			return -EINVAL;
		w->at = u16(m->data + w->at) & 0x3fff;
		if (w->at >= w->lowest)
			return -EINVAL;
		w->lowest = w->at;
	}
	if (!n)
		return 0;
	w->total += n + 1u;
	if (n > 63 || w->at + 1 + n > m->len || w->total > DOMAIN_NAME_MAX + 1)
		return -EINVAL;
	*label = (struct ps_text){(const char *)m->data + w->at + 1, n};
	w->at += 1u + n;
	return 1;
}

/* Where what follows a name begins, or 0. */
static size_t name_end(const struct message *m, size_t at)
{
	while (at < m->len) {
		uint8_t n = m->data[at];

		if (n >= 0xc0)
			return at + 2 <= m->len ? at + 2 : 0;
		if (n > 63)
			return 0;
		at += 1u + n;
		if (!n)
			return at <= m->len ? at : 0;
	}
	return 0;
}

static bool label_is(struct ps_text a, struct ps_text b)
{
	if (a.len != b.len)
		return false;
	for (uint32_t i = 0; i < a.len; i++) {
		char x = a.data[i], y = b.data[i];

		x = x >= 'A' && x <= 'Z' ? (char)(x - 'A' + 'a') : x;
		y = y >= 'A' && y <= 'Z' ? (char)(y - 'A' + 'a') : y;
		if (x != y)
			return false;
	}
	return true;
}

static bool name_is(struct message *m, size_t a, size_t b)
{
	struct walk x = walk_from(a), y = walk_from(b);
	struct ps_text one = {"", 0}, other = {"", 0};
	int more, too;

	do {
		/* What is compressed ends in the same place. */
		if (x.at == y.at)
			return true;
		more = walk_next(m, &x, &one);
		too = walk_next(m, &y, &other);
		if (more == 1 && too == 1 && one.data == other.data)
			return true;
		if (more != too || more < 0 || (more && !label_is(one, other)))
			return false;
	} while (more);
	return true;
}

/* The name in reverse notation; its length, or 0. n_labels: how many labels it has, the last in *last. */
static size_t name_text(struct message *m, size_t at, char out[DOMAIN_NAME_SIZE], size_t *n_labels,
                        struct ps_text *last)
{
	struct ps_text labels[DOMAIN_LABELS];
	struct walk w = walk_from(at);
	size_t n = 0;
	int more;

	while ((more = walk_next(m, &w, &labels[n])) == 1)
		if (++n == DOMAIN_LABELS)
			break;
	if (more < 0 || !n)
		return 0;
	*n_labels = n;
	*last = labels[n - 1];
	return domain_name_join(out, labels, n);
}

/* ---- records ---- */

/* The record at *at, which moves on. False when there is none, or not the whole of it. */
static bool next_record(const struct message *m, size_t *at, uint16_t class_mask, struct record *r)
{
	size_t fixed = name_end(m, *at);
	const uint8_t *p = m->data + fixed;

	if (!fixed || fixed + 10 > m->len)
		return false;
	*r = (struct record){.owner = *at, .type = u16(p), .rdata = fixed + 10, .rdlen = u16(p + 8)};
	r->ttl = (uint32_t)u16(p + 4) << 16 | u16(p + 6);
	if (r->ttl > INT32_MAX)
		r->ttl = 0;
	if (r->rdata + r->rdlen > m->len)
		return false;
	if ((u16(p + 2) & class_mask) != CLASS_IN)
		r->type = 0;
	*at = r->rdata + r->rdlen;
	return true;
}

/* Which name of the chain owns the record, or the length of the chain. */
static size_t chain_find(struct message *m, const struct chain *chain, size_t name)
{
	size_t i = 0;

	while (i < chain->n && !name_is(m, chain->at[i], name))
		i++;
	return i;
}

static bool is_service(const struct record *r)
{
	return (r->type == TYPE_SVCB || r->type == TYPE_HTTPS) && r->rdlen >= 3;
}

/* Follows aliases as far as they go. They stand in their order, nearly always. */
static void chain_follow(struct message *m, struct chain *chain, const struct record *records, size_t n)
{
	bool grew = true;

	while (grew) {
		grew = false;
		for (size_t i = 0; i < n && chain->n < CHAIN_MAX; i++) {
			const struct record *r = &records[i];
			size_t target = r->rdata, owner;

			if (is_service(r) && !u16(m->data + r->rdata)) /* priority 0: an alias, too */
				target = r->rdata + 2;
			else if (r->type != TYPE_CNAME)
				continue;
			owner = chain_find(m, chain, r->owner);
			if (owner == chain->n || chain_find(m, chain, target) != chain->n)
				continue;
			chain->at[chain->n] = target;
			chain->ttl[chain->n++] = least(chain->ttl[owner], r->ttl);
			grew = true;
		}
		if (m->steps > STEPS_MAX)
			return;
	}
}

/* ---- telling ---- */

struct teller {
	dns_each each;
	void *arg;
	struct dns_found found;
	int told;
};

static void tell(struct teller *t, const uint8_t *bytes, size_t len, uint32_t ttl)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, zeros[16];
	struct ps_addr addr = {.family = len == 4 ? AF_INET : AF_INET6};

	if (len == 16 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		addr.family = AF_INET;
		bytes += 12;
		len = 4;
	}
	/* Blocklists answer so: nobody is there. */
	if (memcmp(bytes, zeros, len) == 0)
		return;
	memcpy(addr.bytes, bytes, len);
	t->found.addr = addr;
	t->found.ttl = ttl;
	t->each(t->arg, &t->found);
	t->told++;
}

/* The addresses that a service's record hints at. */
static void tell_hints(struct teller *t, const struct message *m, const struct record *r, uint32_t ttl)
{
	size_t end = r->rdata + r->rdlen, at = name_end(m, r->rdata + 2);

	if (!at || at > end)
		return;
	while (at + 4 <= end) {
		uint16_t key = u16(m->data + at), len = u16(m->data + at + 2);
		size_t size = key == HINT_4 ? 4 : key == HINT_6 ? 16 : 0;

		at += 4;
		if (at + len > end)
			return;
		for (size_t i = 0; size && i + size <= len; i += size)
			tell(t, m->data + at + i, size, ttl);
		at += len;
	}
}

static void tell_record(struct teller *t, const struct message *m, const struct record *r, uint32_t ttl)
{
	if ((r->type == TYPE_A && r->rdlen == 4) || (r->type == TYPE_AAAA && r->rdlen == 16))
		tell(t, m->data + r->rdata, r->rdlen, ttl);
	else if (is_service(r) && u16(m->data + r->rdata))
		tell_hints(t, m, r, ttl);
}

/* What anybody on the link may say is taken for names that belong there. */
static bool is_believed(enum dns_kind kind, size_t n_labels, struct ps_text last)
{
	if (kind == DNS_MULTICAST)
		return n_labels > 1 && label_is(last, (struct ps_text){"local", 5});
	return kind == DNS_PLAIN || n_labels == 1;
}

static int read_answer(struct message *m, enum dns_kind kind, const struct record *records, size_t n, struct teller *t)
{
	struct chain chain = {.at = {HEADER}, .ttl = {UINT32_MAX}, .n = 1};
	char name[DOMAIN_NAME_SIZE];
	struct ps_text last;
	size_t len, n_labels;

	len = name_text(m, HEADER, name, &n_labels, &last);
	if (!len || !is_believed(kind, n_labels, last))
		return -EINVAL;
	t->found.name = (struct ps_text){name, (uint32_t)len};
	chain_follow(m, &chain, records, n);
	for (size_t i = 0; i < n; i++) {
		size_t owner = chain_find(m, &chain, records[i].owner);

		if (owner < chain.n)
			tell_record(t, m, &records[i], least(chain.ttl[owner], records[i].ttl));
	}
	return t->told;
}

/* Without a question: each record is about its owner. */
static int read_announcement(struct message *m, enum dns_kind kind, const struct record *records, size_t n,
                             struct teller *t)
{
	for (size_t i = 0; i < n; i++) {
		char name[DOMAIN_NAME_SIZE];
		struct ps_text last;
		size_t len, n_labels;

		if (records[i].type != TYPE_A && records[i].type != TYPE_AAAA)
			continue;
		len = name_text(m, records[i].owner, name, &n_labels, &last);
		if (!len || !is_believed(kind, n_labels, last))
			continue;
		t->found.name = (struct ps_text){name, (uint32_t)len};
		tell_record(t, m, &records[i], records[i].ttl);
	}
	return t->told;
}

int dns_message_read(const void *data, size_t len, enum dns_kind kind, dns_each each, void *arg)
{
	struct message m = {data, len, 0};
	struct teller t = {.each = each, .arg = arg};
	struct record records[RECORDS_MAX];
	size_t n = 0, at = HEADER, wanted;
	unsigned questions;

	/* An answer to a query, without an error. */
	if (len < HEADER || (m.data[2] & 0xf8) != 0x80 || m.data[3] & 0xf)
		return -EINVAL;
	questions = u16(m.data + 4);
	wanted = u16(m.data + 6);
	if (kind == DNS_MULTICAST)
		wanted += (size_t)u16(m.data + 8) + u16(m.data + 10);
	if (questions > 1 || (!questions && kind != DNS_MULTICAST))
		return -EINVAL;
	if (questions) {
		at = name_end(&m, at);
		if (!at || at + 4 > len)
			return -EINVAL;
		at += 4;
	}
	while (n < wanted && n < RECORDS_MAX && next_record(&m, &at, kind == DNS_MULTICAST ? 0x7fff : 0xffff, &records[n]))
		n++;
	return kind == DNS_MULTICAST ? read_announcement(&m, kind, records, n, &t) : read_answer(&m, kind, records, n, &t);
}
