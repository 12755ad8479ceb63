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
		uint32_t id[2];    /* the kernel's names for these */
		unsigned in_use;   /* which of them the kernel writes to */
		const __u64 *made; /* the kernel's count of flows made ... */
		uint64_t seen;     /* ... and what it was at the last turn */
		bool unread[2];    /* reading it failed: it holds flows of before */
		uint32_t n, room;  /* flows that the map held at the last turn, and that it may hold */
	} flows, coarse;
	size_t slots_size;
	uint64_t displaced;
	struct wire_flow_key keys[BATCH];
	struct wire_flow values[BATCH];
};

static int map_info(int fd, struct bpf_map_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

/* first, and another map like it, in the description of its types too: the kernel turns to no other. */
static int pair_open(struct pair *pair, int outer, int first, const __u64 *made)
{
	struct bpf_map_info info;
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int err = map_info(first, &info), types;

	if (err)
		return err;
	*pair =
	    (struct pair){.outer = outer, .inner = {first, -1}, .id = {info.id}, .made = made, .room = info.max_entries};
	types = bpf_btf_get_fd_by_id(info.btf_id);
	if (types < 0)
		return types;
	opts.map_flags = info.map_flags;
	opts.btf_fd = (uint32_t)types;
	opts.btf_key_type_id = info.btf_key_type_id;
	opts.btf_value_type_id = info.btf_value_type_id;
	pair->inner[1] = bpf_map_create(info.type, info.name, info.key_size, info.value_size, info.max_entries, &opts);
	close(types);
	if (pair->inner[1] < 0)
		return pair->inner[1];
	err = map_info(pair->inner[1], &info);
	pair->id[1] = info.id;
	return err;
}

static void pair_close(struct pair *pair)
{
	if (pair->made && pair->inner[1] >= 0)
		close(pair->inner[1]);
}

struct drain *drain_open(const struct drain_maps *maps)
{
	struct drain *d = mem_alloc(sizeof(*d));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int err;

	d->maps = *maps;
	d->slots_size = (maps->n_slots * sizeof(struct wire_slots) + page - 1) / page * page;
	err = pair_open(&d->flows, maps->flows, maps->flows_first, maps->flows_made);
	if (!err)
		err = pair_open(&d->coarse, maps->coarse, maps->coarse_first, maps->coarse_made);
	if (!err)
		return d;
	drain_close(d);
	errno = -err;
	return NULL;
}

void drain_close(struct drain *d)
{
	if (!d)
		return;
	pair_close(&d->flows);
	pair_close(&d->coarse);
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

	pair->n = 0;
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
	pair->n = n > 0 ? (uint32_t)n : 0;
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

void drain_fill(const struct drain *d, uint32_t *n, uint32_t *room)
{
	*n = d->flows.n;
	*room = d->flows.room;
}

uint64_t drain_displaced(const struct drain *d)
{
	return __atomic_load_n(&d->displaced, __ATOMIC_RELAXED);
}
