/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/drain.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/mem.h"

#define BATCH 2048

struct drain {
	struct drain_maps maps;
	struct pair {
		int outer, inner[2];
		uint32_t id[2];    /* the kernel's names for them */
		unsigned in_use;   /* which of them the kernel writes to */
		const __u64 *made; /* the kernel's count of flows made ... */
		uint64_t seen;     /* ... and what it was at the last turn */
		bool unread[2];    /* reading it failed: it holds flows of before */
	} flows, coarse;
	size_t slots_size;
	uint64_t displaced;
	struct wire_flow_key keys[BATCH];
	struct wire_flow values[BATCH];
};

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

static struct pair pair_of(int outer, const int inner[2], const __u64 *made)
{
	return (struct pair){
	    .outer = outer,
	    .inner = {inner[0], inner[1]},
	    .id = {map_id(inner[0]), map_id(inner[1])},
	    .made = made,
	};
}

struct drain *drain_open(const struct drain_maps *maps)
{
	struct drain *d = mem_alloc(sizeof(*d));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	d->maps = *maps;
	d->flows = pair_of(maps->flows, maps->flows_inner, maps->flows_made);
	d->coarse = pair_of(maps->coarse, maps->coarse_inner, maps->coarse_made);
	d->slots_size = (maps->n_slots * sizeof(struct wire_slots) + page - 1) / page * page;
	return d;
}

void drain_close(struct drain *d)
{
	free(d);
}

static void put(struct buf *out, const struct wire_flow_key *key, const struct wire_flow *flow)
{
	buf_put(out, key, sizeof(*key));
	buf_put(out, flow, sizeof(*flow));
}

/* Reads and empties a map that no program uses any more. */
static int empty_map(struct drain *d, int map, struct buf *out)
{
	uint64_t position[2];
	void *in = NULL;
	int total = 0, err;

	do {
		uint32_t n = BATCH;

		err = bpf_map_lookup_and_delete_batch(map, in, position, d->keys, d->values, &n, NULL);
		if (err && err != -ENOENT)
			return err;
		for (uint32_t i = 0; i < n; i++)
			put(out, &d->keys[i], &d->values[i]);
		total += (int)n;
		in = position;
	} while (!err);
	return total;
}

/* Reads and empties the half of the slots that no program uses any more. They are mapped only for as
 * long as that takes: so they are not part of the daemon's memory. */
static int empty_slots(struct drain *d, unsigned half, struct buf *out)
{
	struct wire_slots *slots = mmap(NULL, d->slots_size, PROT_READ | PROT_WRITE, MAP_SHARED, d->maps.slots, 0);
	int total = 0;

	if (slots == MAP_FAILED)
		return -errno;
	for (uint32_t i = 0; i < d->maps.n_slots; i++) {
		struct wire_slot *slot = &slots[i].half[half];

		if (!slot->claims)
			continue;
		put(out, &slot->key, &slot->flow);
		memset(slot, 0, sizeof(*slot));
		total++;
	}
	munmap(slots, d->slots_size);
	return total;
}

/* Turns the programs to the other map of a pair, and with `slots` to that half of them; reads what was in use. */
static int turn(struct drain *d, struct pair *pair, bool slots, struct buf *out)
{
	uint64_t made = __atomic_load_n(pair->made, __ATOMIC_ACQUIRE);
	unsigned other = !pair->in_use;
	int err, n, in_slots = 0;
	uint32_t zero = 0, id;
	bool displaced;

	/* To us the kernel tells a map in a map by its id. */
	err = bpf_map_lookup_elem(pair->outer, &zero, &id);
	displaced = err == -ENOENT || (!err && id != pair->id[pair->in_use]);
	if (displaced)
		__atomic_fetch_add(&d->displaced, 1, __ATOMIC_RELAXED);
	else if (made == pair->seen && !pair->unread[0] && !pair->unread[1])
		return 0;
	if (slots)
		__atomic_store_n(d->maps.generation, other, __ATOMIC_RELEASE);
	/* Returns only after every program has ended that may still use the old map, or the old half. */
	err = bpf_map_update_elem(pair->outer, &zero, &pair->inner[other], BPF_ANY);
	if (err)
		return err;
	pair->seen = made;
	pair->in_use = other;
	pair->unread[!other] = true;
	n = empty_map(d, pair->inner[!other], out);
	if (slots)
		in_slots = empty_slots(d, !other, out);
	if (n < 0 || in_slots < 0)
		return n < 0 ? n : in_slots;
	pair->unread[!other] = false;
	return n + in_slots;
}

int drain_all(struct drain *d, struct buf *out)
{
	int n = turn(d, &d->flows, true, out), coarse = turn(d, &d->coarse, false, out);

	return n < 0 ? n : coarse < 0 ? coarse : n + coarse;
}

uint64_t drain_displaced(const struct drain *d)
{
	return __atomic_load_n(&d->displaced, __ATOMIC_RELAXED);
}
