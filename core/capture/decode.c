/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/capture/decode.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t zeros[16];
static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static struct ps_addr address(uint16_t family, const uint8_t bytes[16])
{
	struct ps_addr a = {0};

	if (memcmp(bytes, zeros, 16) == 0)
		return a;
	a.family = (uint8_t)family;
	if (family == AF_INET6 && memcmp(bytes, mapped, 12) == 0) {
		if (memcmp(bytes + 12, zeros, 4) == 0)
			return (struct ps_addr){0};
		a.family = AF_INET;
		memcpy(a.bytes, bytes + 12, 4);
	} else {
		memcpy(a.bytes, bytes, family == AF_INET ? 4 : 16);
	}
	return a;
}

/* The ends of a vsock connection: context ids and ports of 32 bits, in the machine's order. */
static void vsock_end(const uint8_t bytes[16], struct ps_addr *addr, int64_t *port)
{
	uint32_t cid, number;

	memcpy(&cid, bytes, 4);
	memcpy(&number, bytes + 4, 4);
	*port = number == UINT32_MAX ? 0 : (int64_t)number; /* VMADDR_PORT_ANY */
	if (cid == UINT32_MAX || (!number && !cid))         /* VMADDR_CID_ANY */
		return;
	cid = htobe32(cid);
	addr->family = AF_VSOCK;
	memcpy(addr->bytes, &cid, 4);
}

/* Protocols whose sockets have ports; a ping socket's is the identifier of its echoes. */
static bool has_ports(uint16_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP || protocol == IPPROTO_MPTCP;
}

int decode_flow(struct observation *o, const void *data, size_t len)
{
	struct wire_flow_key key;
	struct wire_flow flow;

	if (len != DECODE_FLOW_SIZE)
		return -EINVAL;
	memcpy(&key, data, sizeof(key));
	memcpy(&flow, (const uint8_t *)data + sizeof(key), sizeof(flow));
	if (flow.direction > PS_DIRECTION_IN)
		return -EINVAL;
	*o = (struct observation){
	    .image = key.image,
	    .uid = key.uid,
	    .netns = key.netns,
	    .family = key.family,
	    .direction = (uint8_t)flow.direction,
	    .protocol = key.protocol,
	    .lport = -1,
	    .rport = -1,
	    .opened_ns = (int64_t)flow.opened,
	    .closed_ns = (int64_t)flow.closed,
	    .sent = flow.sent,
	    .received = flow.received,
	    .calls = flow.calls,
	    .began = flow.began,
	};
	switch (key.family) {
	case AF_INET:
	case AF_INET6:
		o->laddr = address(key.family, key.laddr);
		o->raddr = address(key.family, key.raddr);
		if (o->raddr.family || o->laddr.family)
			o->family = o->raddr.family ? o->raddr.family : o->laddr.family;
		if (!key.portless && has_ports(key.protocol)) {
			o->lport = key.lport;
			o->rport = key.rport;
		}
		return 0;
	case AF_VSOCK:
		vsock_end(key.laddr, &o->laddr, &o->lport);
		vsock_end(key.raddr, &o->raddr, &o->rport);
		return 0;
	case AF_PACKET:
	case PS_FAMILY_TUN:
		return 0;
	default:
		return -EINVAL;
	}
}

_Static_assert(WIRE_FAMILY_TUN == PS_FAMILY_TUN && (int)WIRE_OUT == PS_DIRECTION_OUT && (int)WIRE_IN == PS_DIRECTION_IN,
               "what the kernel side says means the same in a record");

/* Names from below upwards, each with its NUL, to a path. */
static void path_of_way(char path[WIRE_WAY + 1], const char *way, size_t len)
{
	char *at = path;

	while (len) {
		const char *name = len > 1 ? memrchr(way, 0, len - 1) : NULL;

		name = name ? name + 1 : way;
		*at++ = '/';
		memcpy(at, name, (size_t)(way + len - 1 - name));
		at += way + len - 1 - name;
		len = (size_t)(name - way);
	}
	*at = 0;
}

static int decode_exec(struct process_event *e, const uint8_t *data, size_t len)
{
	const struct wire_exec *exec = (const void *)data;

	if (len < sizeof(*exec) || exec->args_len > WIRE_ARGS_FIRST || !memchr(exec->comm, 0, WIRE_COMM) ||
	    !memchr(exec->filename, 0, WIRE_FILENAME))
		return -EINVAL;
	e->parent = exec->parent;
	e->file = exec->file;
	e->cgroup = exec->cgroup;
	e->root = exec->root;
	e->cwd = exec->cwd;
	/* One that could not be read in whole is no way. */
	if (exec->way_len && exec->way_len <= WIRE_WAY && !exec->way[exec->way_len - 1])
		path_of_way(e->way, exec->way, exec->way_len);
	e->way_of_file = exec->way_of_file;
	e->time_ns = exec->time;
	e->interpreted = exec->interpreted;
	e->comm = exec->comm;
	e->filename = exec->filename;
	e->uid = exec->uid;
	e->gid = exec->gid;
	e->netns = exec->netns;
	e->args_total = exec->args_total;
	e->args = (struct ps_text){exec->args, exec->args_len};
	return 0;
}

int decode_event(struct process_event *e, const void *data, size_t len)
{
	const struct wire_event *event = data;

	/* The ring buffer aligns every event to eight bytes. */
	if (len < sizeof(*event) || (uintptr_t)data % 8)
		return -EINVAL;
	*e = (struct process_event){.kind = event->kind, .image = event->image};
	switch (event->kind) {
	case WIRE_FORK: {
		const struct wire_fork *fork = data;

		if (len < sizeof(*fork))
			return -EINVAL;
		e->forker = fork->forker;
		e->parent = fork->parent;
		e->cgroup = fork->cgroup;
		return 0;
	}
	case WIRE_EXEC:
		return decode_exec(e, data, len);
	case WIRE_ARGS: {
		const struct wire_args *args = data;

		if (len < sizeof(*args) || args->len > WIRE_ARGS_CHUNK ||
		    args->offset > WIRE_ARGS_FIRST + WIRE_ARGS_CHUNKS * WIRE_ARGS_CHUNK)
			return -EINVAL;
		e->offset = args->offset;
		e->args = (struct ps_text){args->data, args->len};
		return 0;
	}
	case WIRE_CGROUP: {
		const struct wire_cgroup *cgroup = data;
		size_t n = len < sizeof(*cgroup) ? WIRE_CGROUP_PATH : strnlen(cgroup->path, WIRE_CGROUP_PATH);

		if (n == WIRE_CGROUP_PATH)
			return -EINVAL;
		e->cgroup = cgroup->id;
		/* One that fills its place may have been cut. */
		e->path = (struct ps_text){cgroup->path, n == WIRE_CGROUP_PATH - 1 ? 0 : (uint32_t)n};
		return 0;
	}
	case WIRE_MOVE: {
		const struct wire_move *move = data;

		if (len < sizeof(*move))
			return -EINVAL;
		e->cgroup = move->cgroup;
		return 0;
	}
	case WIRE_EXIT:
		return 0;
	default:
		return -EINVAL;
	}
}

static int decode_lookup(struct evidence_event *e, const struct wire_lookup *lookup, size_t len)
{
	if (len < sizeof(*lookup) || lookup->len >= sizeof(lookup->name))
		return -EINVAL;
	*e = (struct evidence_event){
	    .kind = lookup->kind,
	    .image = lookup->image,
	    .netns = lookup->netns,
	    .time_ns = (int64_t)lookup->time,
	    .text = {lookup->name, lookup->len},
	};
	for (size_t i = 0; i < WIRE_LOOKUP_FOUND; i++)
		if (lookup->found[i].family == AF_INET || lookup->found[i].family == AF_INET6)
			e->found[i] = address((uint16_t)lookup->found[i].family, lookup->found[i].addr);
	return 0;
}

int decode_evidence(struct evidence_event *e, const void *data, size_t len)
{
	const struct wire_said *said = data;
	struct {
		struct wire_flow_key key;
		struct wire_flow flow;
	} pair = {.flow = {.direction = WIRE_OUT}};

	if (len < sizeof(*said) || (uintptr_t)data % 8)
		return -EINVAL;
	if (said->kind == WIRE_LOOKUP)
		return decode_lookup(e, data, len);
	if ((said->kind != WIRE_DNS && said->kind != WIRE_TLS) || said->len > len - sizeof(*said) ||
	    said->len > said->total)
		return -EINVAL;
	*e = (struct evidence_event){
	    .kind = said->kind,
	    .image = said->flow.image,
	    .netns = said->flow.netns,
	    .rport = said->flow.rport,
	    .stream = said->stream,
	    .seq = said->seq,
	    .total = said->total,
	    .time_ns = (int64_t)said->time,
	    .text = {(const char *)(said + 1), said->len},
	};
	if (said->kind == WIRE_DNS)
		return 0;
	pair.key = said->flow;
	return decode_flow(&e->flow, &pair, sizeof(pair));
}
