/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths of control groups: texts lie in the room that is said to be enough, and end in a NUL. */
#include <string.h>

#include "core/identify/place.h"
#include "tests/fuzz/target.h"

static void check(struct ps_text t, const char *room, size_t size)
{
	must(t.data && t.data[t.len] == 0);
	must(!t.len || (t.data >= room && t.data + t.len < room + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t room_size = PLACE_ROOM(size);
	char *room = malloc(room_size);
	struct ps_place p;

	must(room);
	place_parse(&p, room, (const char *)data, size);
	must(p.cgroup.len == size && memcmp(p.cgroup.data, data, size) == 0);
	check(p.cgroup, room, room_size);
	check(p.unit, room, room_size);
	check(p.slice, room, room_size);
	check(p.session, room, room_size);
	check(p.container, room, room_size);
	check(p.pod, room, room_size);
	must(p.engine.data && strlen(p.engine.data) == p.engine.len && p.engine.len < 16);
	must(p.owner >= -1 && p.owner < UINT32_MAX);
	free(room);
	return 0;
}
