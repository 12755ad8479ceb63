/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/ledger/ignore.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/mem.h"
#include "core/base/table.h"

enum { DOMAIN_MAX = 253 };

/* An address that can be compared as bytes: its family, and 16 bytes. */
#define ADDR_SIZE sizeof(struct ps_addr)
_Static_assert(ADDR_SIZE == 17, "an address has no holes");

struct range {
	struct ps_addr first, last;
};

struct ignore {
	uint8_t *ports; /* a bit for each; NULL: none */
	struct range *ranges;
	size_t n_ranges; /* in order, none touches another */
	struct table domains, hashes;
	char **names;
	size_t n_names;
	struct hash_value *values;
	bool local;
	struct own_address *own; /* what the table's keys are in */
	struct table addresses;
};

static int compare_addr(const struct ps_addr *a, const struct ps_addr *b)
{
	return memcmp(a, b, ADDR_SIZE);
}

static int compare_ranges(const void *a, const void *b)
{
	return compare_addr(&((const struct range *)a)->first, &((const struct range *)b)->first);
}

static void add_subnets(struct ignore *ig, const struct subnet *list, size_t n)
{
	size_t kept = 0;

	if (!n)
		return;
	ig->ranges = mem_alloc(n * sizeof(*ig->ranges));
	for (size_t i = 0; i < n; i++) {
		struct range *r = &ig->ranges[i];
		size_t size = list[i].addr.family == AF_INET ? 4 : 16;

		r->first = r->last = list[i].addr;
		for (size_t bit = list[i].bits; bit < 8 * size; bit++)
			r->last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	qsort(ig->ranges, n, sizeof(*ig->ranges), compare_ranges);
	/* Networks contain each other or have nothing in common. */
	for (size_t i = 1; i < n; i++)
		if (compare_addr(&ig->ranges[i].first, &ig->ranges[kept].last) > 0)
			ig->ranges[++kept] = ig->ranges[i];
		else if (compare_addr(&ig->ranges[i].last, &ig->ranges[kept].last) > 0)
			ig->ranges[kept].last = ig->ranges[i].last;
	ig->n_ranges = kept + 1;
}

struct ignore *ignore_open(const struct log_settings *log)
{
	const struct ignore_lists *l = &log->ignore;
	struct ignore *ig;

	if (!log->ignore_local && !l->n_ports && !l->n_subnets && !l->n_domains && !l->n_hashes)
		return NULL;
	ig = mem_alloc(sizeof(*ig));
	ig->local = log->ignore_local;
	if (l->n_ports)
		ig->ports = mem_alloc((UINT16_MAX + 1) / 8);
	for (size_t i = 0; i < l->n_ports; i++)
		for (unsigned port = l->ports[i].first; port <= l->ports[i].last; port++)
			ig->ports[port / 8] |= (uint8_t)(1 << port % 8);
	add_subnets(ig, l->subnets, l->n_subnets);
	ig->names = mem_alloc(l->n_domains * sizeof(*ig->names));
	for (size_t i = 0; i < l->n_domains; i++) {
		size_t len = strlen(l->domains[i]);

		if (table_get(&ig->domains, l->domains[i], len))
			continue;
		ig->names[ig->n_names] = mem_strdup(l->domains[i]);
		table_add(&ig->domains, ig->names[ig->n_names], len, ig);
		ig->n_names++;
	}
	ig->values = mem_alloc(l->n_hashes * sizeof(*ig->values));
	for (size_t i = 0; i < l->n_hashes; i++) {
		ig->values[i] = l->hashes[i];
		if (!table_get(&ig->hashes, ig->values[i].sha256, 32))
			table_add(&ig->hashes, ig->values[i].sha256, 32, ig);
	}
	return ig;
}

void ignore_close(struct ignore *ig)
{
	if (!ig)
		return;
	for (size_t i = 0; i < ig->n_names; i++)
		free(ig->names[i]);
	free(ig->names);
	free(ig->values);
	free(ig->ports);
	free(ig->ranges);
	free(ig->own);
	table_done(&ig->domains);
	table_done(&ig->hashes);
	table_done(&ig->addresses);
	free(ig);
}

static bool has_port(const struct ignore *ig, int64_t port)
{
	return ig->ports && port > 0 && port <= UINT16_MAX && ig->ports[port / 8] >> port % 8 & 1;
}

static bool in_subnet(const struct ignore *ig, const struct ps_addr *addr)
{
	size_t low = 0, high = ig->n_ranges;

	/* The last range that begins at or before the address. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_addr(&ig->ranges[middle].first, addr) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && compare_addr(addr, &ig->ranges[low - 1].last) <= 0;
}

/* Whether the other end is on this machine too. */
static bool is_local(const struct ignore *ig, const struct ignore_flow *f)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	const struct ps_addr *r = &f->raddr;
	struct own_address key = {f->netns, *r};

	switch (r->family) {
	case AF_INET:
		if (r->bytes[0] == 127)
			return true;
		break;
	case AF_INET6:
		if (memcmp(r->bytes, loopback6, 16) == 0)
			return true;
		break;
	case AF_VSOCK:
		return r->bytes[0] == 0 && r->bytes[1] == 0 && r->bytes[2] == 0 && r->bytes[3] == 1; /* VMADDR_CID_LOCAL */
	default:
		return false;
	}
	return compare_addr(r, &f->laddr) == 0 ||
	       table_get(&ig->addresses, &key, offsetof(struct own_address, addr) + ADDR_SIZE);
}

bool ignore_flow(const struct ignore *ig, const struct ignore_flow *f)
{
	if (!ig)
		return false;
	return has_port(ig, f->rport) || has_port(ig, f->lport) ||
	       ((f->raddr.family == AF_INET || f->raddr.family == AF_INET6) && in_subnet(ig, &f->raddr)) ||
	       (ig->local && is_local(ig, f));
}

bool ignore_domain(const struct ignore *ig, struct ps_text domain)
{
	char name[DOMAIN_MAX];

	if (!ig || !ig->domains.n || !domain.len || domain.len > DOMAIN_MAX)
		return false;
	for (uint32_t i = 0; i < domain.len; i++) {
		char c = domain.data[i];

		name[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	for (uint32_t i = 1; i <= domain.len; i++)
		if ((i == domain.len || name[i] == '.') && table_get(&ig->domains, name, i))
			return true;
	return false;
}

bool ignore_hash(const struct ignore *ig, const uint8_t sha256[32])
{
	return ig && ig->hashes.n && table_get(&ig->hashes, sha256, 32);
}

bool ignore_wants_addresses(const struct ignore *ig)
{
	return ig && ig->local;
}

void ignore_set_addresses(struct ignore *ig, const struct own_address *list, size_t n)
{
	if (!ignore_wants_addresses(ig))
		return;
	table_done(&ig->addresses);
	table_init(&ig->addresses);
	free(ig->own);
	ig->own = mem_alloc(n * sizeof(*ig->own));
	for (size_t i = 0; i < n; i++) {
		const size_t size = offsetof(struct own_address, addr) + ADDR_SIZE;

		ig->own[i] = list[i];
		if (!table_get(&ig->addresses, &ig->own[i], size))
			table_add(&ig->addresses, &ig->own[i], size, ig);
	}
}
