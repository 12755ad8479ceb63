/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The maps that the programs share, and the small things that all of them use. */
#ifndef PS_BPF_MAPS_H
#define PS_BPF_MAPS_H

#include "kernel_types.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "wire.h"

/* Flows are counted in the map that `flows` holds. The core has another like it, and swaps that in: the swap
 * returns when no program uses the old one any more, so reading that one misses nothing. */
struct flow_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct wire_flow_key);
	__type(value, struct wire_flow);
} flows_first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct flow_map);
} flows SEC(".maps") = {.values = {&flows_first}};

/* What found no room there is counted per process: the same, small, and with keys that have
 * neither addresses nor ports. */
struct coarse_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct wire_flow_key);
	__type(value, struct wire_flow);
} coarse_first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct coarse_map);
} coarse SEC(".maps") = {.values = {&coarse_first}};

/* In front of both: flows.h says how. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct wire_slots);
} slots SEC(".maps");

/* The half of the slots that is in use: its lowest bit. Set by the core. */
__u32 generation;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WIRE_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* Flows that were made since loading, flows_made with those in slots: as long as it stands still, what is
 * in use is empty. */
__u64 flows_made, coarse_made;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* What is known of a TCP connection; it goes with the socket. */
struct connection {
	struct wire_flow_key key; /* of the flow that was last made for it */
	__u64 opened;             /* ns since boot */
	__u32 direction;          /* enum wire_direction */
	__u32 seq;                /* how far it had been read when we last looked ... */
	__u32 counted;            /* ... and what was counted of the receive call under way, while `late` */
	__u32 late;               /* its first position is not known: the socket is older than the daemon */
	__u8 owned;               /* key is set */
	__u8 born;                /* its beginning was seen */
	__u8 placed;              /* seq is set */
	__u8 told;                /* that it is key.image's */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connection);
} connections SEC(".maps");

/* The same before 5.11, where sockets have no storage: by the socket's address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct connection);
} old_connections SEC(".maps");

/* Keys and addresses in pieces of eight bytes: an IPv4 address is the first four, as a number that
 * is below 2^32. */
typedef __u64 __attribute__((may_alias)) word;
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "an IPv4 address alone in a word");

static __always_inline void address4(void *addr, __u32 ip)
{
	((word *)addr)[0] = ip;
	((word *)addr)[1] = 0;
}

/* ip: a field of a kernel structure. */
#define address6(addr, ip)                                                                                             \
	do {                                                                                                               \
		struct in6_addr copy = ip;                                                                                     \
                                                                                                                       \
		__builtin_memcpy(addr, &copy, 16);                                                                             \
	} while (0)

/* Half of an address of the kernel, as a number to choose places by: verifiers refuse to reckon with all of it. */
static __always_inline __u32 half_of(const void *p)
{
	__u32 half;

	asm volatile("%0 = %1" : "=w"(half) : "w"((__u32)(__u64)p));
	return half;
}

/* 2^32 divided by the golden ratio: its multiples spread over the upper bits. */
#define SPREAD 0x9e3779b1u

/* True for one caller at most, until the claim is given up: of two at once, neither may get it. Needs no
 * more than the addition that kernels before 5.12 have. */
static __always_inline bool claim(__u32 *claims)
{
	if (READ_ONCE(*claims))
		return false;
	__sync_fetch_and_add(claims, 1);
	if (READ_ONCE(*claims) == 1)
		return true;
	__sync_fetch_and_add(claims, -1);
	return false;
}

/* Fills copy, of the same size, with what is at original, without the verifier knowing what that is: so the
 * ways that lead here are one to it, and what follows is looked at once. For what is rare. */
#define forget(copy, original) bpf_probe_read_kernel(copy, sizeof(*(copy)), original)

static __noinline int count(__u32 which, __u64 n)
{
	__u64 *counter = bpf_map_lookup_elem(&counters, &which);

	/* The task may be preempted here, and another come. */
	if (counter)
		__sync_fetch_and_add(counter, n);
	return 0;
}

/* n, at most `most`, in a way that older verifiers can follow: they forget a bound that was found
 * out about a copy. */
static __always_inline __u32 at_most(__u32 n, __u32 most)
{
	barrier_var(n);
	return n > most ? most : n;
}

/* Before 5.11, tracing programs have neither the current task with its type nor storage of sockets. */
#define since_5_11() bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

/* Read as bytes, like all that is not frequent. It takes longer, but where pointers of the kernel are followed by
 * their types, verifiers since 6.2 search all types for what is known of each, at every place. */
static __always_inline void image_of(struct wire_image *image, const struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	image->start = BPF_CORE_READ(leader, start_boottime);
	image->tgid = BPF_CORE_READ(leader, tgid);
	image->exec_id = (__u32)BPF_CORE_READ(leader, self_exec_id);
}

/* Who runs. Its fields can be read directly since 5.11. */
static __always_inline struct task_struct *current_task(void)
{
	return since_5_11() ? bpf_get_current_task_btf() : (struct task_struct *)bpf_get_current_task();
}

/* The image and the user of who runs. */
static __always_inline void current_image(struct wire_image *image, __u32 *uid)
{
	image_of(image, (struct task_struct *)bpf_get_current_task());
	*uid = (__u32)bpf_get_current_uid_gid();
}

/* The same for what is frequent. task: the current one. */
static __always_inline void image_of_current(struct wire_image *image, __u32 *uid, struct task_struct *task)
{
	struct task_struct *leader;

	if (since_5_11()) {
		leader = task->group_leader;
		image->start = leader->start_boottime;
		image->tgid = leader->tgid;
		image->exec_id = (__u32)leader->self_exec_id;
		*uid = task->cred->uid.val;
	} else {
		current_image(image, uid);
	}
}

static __always_inline struct connection *old_connection_of(struct sock *sk, bool create)
{
	struct connection *c, fresh = {0};
	__u64 key = (__u64)sk;

	c = bpf_map_lookup_elem(&old_connections, &key);
	if (c || !create)
		return c;
	bpf_map_update_elem(&old_connections, &key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&old_connections, &key);
}

/* What is known of a connection. flags: 0, or BPF_SK_STORAGE_GET_F_CREATE. NULL: nothing, or no room. */
static __always_inline struct connection *connection_of(struct sock *sk, __u64 flags)
{
	struct connection *c;

	if (since_5_11())
		c = bpf_sk_storage_get(&connections, sk, 0, flags);
	else
		c = old_connection_of(sk, flags);
	if (!c && flags)
		count(WIRE_NO_STORAGE, 1);
	return c;
}

/* The socket is closed. */
static __always_inline void connection_forget(struct sock *sk)
{
	__u64 key = (__u64)sk;

	if (!since_5_11())
		bpf_map_delete_elem(&old_connections, &key);
}

/* sk as a TCP socket whose data goes to the program, or NULL: what a layer above TCP (kTLS,
 * MPTCP) takes from a socket is not what the program gets. */
static __always_inline struct tcp_sock *plain_tcp(struct sock *sk)
{
	struct tcp_sock *tp;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	return tp && !tp->inet_conn.icsk_ulp_ops ? tp : 0;
}

/* Whether sk is a connection of its own, and not a path of MPTCP's. */
static __always_inline bool is_plain(struct sock *sk)
{
	return sk->sk_protocol == IPPROTO_MPTCP || plain_tcp(sk);
}

#endif
