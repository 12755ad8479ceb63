/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a program leaves for another that comes after it in the same thread: the other end of a
 * datagram for the one that counts the call, and whose turn it was for stand-ins (stand_in.h).
 * One note a thread, kept until the thread ends. Most threads have theirs in an array, at a place that
 * follows from their address. Those that find it taken have it in a hash map.
 */
#ifndef PS_BPF_NOTES_H
#define PS_BPF_NOTES_H

#include "maps.h"

/* The other end of one datagram, in addresses of the socket's family. */
struct peer {
	word addr[2];
	__u16 port; /* host order */
};

/* An IPv4 peer of a socket of that family: one of IPv6 has it as ::ffff:a.b.c.d. */
static __always_inline void peer_set4(struct peer *peer, __u32 family, __u32 addr, __u16 port)
{
	peer->port = port;
	peer->addr[0] = family == AF_INET6 ? 0 : addr;
	peer->addr[1] = family == AF_INET6 ? (__u64)addr << 32 | 0xffff0000 : 0;
}

struct note {
	__u64 sk; /* the socket that peer is for, by its address; 0: for none */
	struct peer peer;
	__u64 turn; /* of the programs that stand in for each other, the number of the one that ran last */
};

struct thread {
	__u64 task; /* whose it is: the address of its task_struct */
	struct note note;
	__u32 claims;
	__u32 others; /* threads of this place that are in the hash map */
} __attribute__((aligned(64)));

#define THREAD_BITS 10

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << THREAD_BITS);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64); /* the thread's task_struct */
	__type(value, struct note);
} more_threads SEC(".maps");

static __always_inline struct thread *thread_at(struct task_struct *task)
{
	__u32 place = half_of(task) * SPREAD >> (32 - THREAD_BITS);

	return bpf_map_lookup_elem(&threads, &place);
}

/* The note of a thread whose place is not its own, or NULL. */
static __noinline struct note *other_note(struct thread *thread, __u64 task)
{
	return READ_ONCE(thread->others) ? bpf_map_lookup_elem(&more_threads, &task) : 0;
}

/* The same, made if need be. */
static __noinline struct note *note_begin(struct thread *thread, __u64 task)
{
	struct note fresh = {0}, *note = other_note(thread, task);

	if (note)
		return note;
	if (claim(&thread->claims)) {
		thread->task = task;
		return &thread->note;
	}
	if (bpf_map_update_elem(&more_threads, &task, &fresh, BPF_NOEXIST))
		return 0;
	__sync_fetch_and_add(&thread->others, 1);
	return bpf_map_lookup_elem(&more_threads, &task);
}

/* The note of the current thread, made if need be. NULL: there is no room. */
static __always_inline struct note *note_here(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct thread *thread = thread_at(task);

	if (likely(thread && thread->task == (__u64)task))
		return &thread->note;
	return thread ? note_begin(thread, (__u64)task) : 0;
}

/* Where to write the peer of this thread's call on sk. NULL: there is no room, which is counted. */
static __always_inline struct peer *peer_leave(const void *sk)
{
	struct note *note = note_here();

	if (!note) {
		count(WIRE_NO_PEER, 1);
		return 0;
	}
	note->sk = (__u64)sk;
	return &note->peer;
}

/* What was left for this call of task's on sk, or NULL; to be emptied by peer_forget(). */
static __always_inline struct note *peer_find(const struct sock *sk, struct task_struct *task)
{
	struct thread *thread = thread_at(task);
	struct note *note;

	if (!thread)
		return 0;
	if (likely(thread->task == (__u64)task))
		note = &thread->note;
	else
		note = other_note(thread, (__u64)task);
	return note && note->sk == (__u64)sk ? note : 0;
}

static __always_inline void peer_forget(struct note *note)
{
	note->sk = 0;
}

/* The thread ends. */
static __always_inline void thread_end(struct task_struct *task)
{
	struct thread *thread = thread_at(task);
	__u64 address = (__u64)task;

	if (!thread)
		return;
	if (thread->task == address) {
		thread->note.sk = thread->note.turn = 0;
		thread->task = 0;
		__sync_fetch_and_add(&thread->claims, -1);
	} else if (thread->others && !bpf_map_delete_elem(&more_threads, &address)) {
		__sync_fetch_and_add(&thread->others, -1);
	}
}

#endif
