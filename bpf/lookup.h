/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What getaddrinfo() of a C library says to who called it: on the way in, where the name is and where the
 * answer will be; on the way out, both. It may have been answered by anybody, a daemon or a cache: no DNS need
 * be seen.
 */
#ifndef PS_BPF_LOOKUP_H
#define PS_BPF_LOOKUP_H

#include "evidence.h"

struct lookup {
	__u64 name, answer;
};

/* By thread. Of calls that never return, the oldest are pushed out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct lookup);
} lookups SEC(".maps");

/* As programs of 64 bits have it, and those of 32. */
struct user_addrinfo {
	__s32 flags, family, socktype, protocol;
	__u64 addrlen; /* or 32 bits, and 32 of nothing */
	__u64 addr, canonname, next;
};

struct user_addrinfo32 {
	__s32 flags, family, socktype, protocol;
	__u32 addrlen, addr, canonname, next;
};

/* Whether who calls is a program of 32 bits. Those of Arm have no probes: the kernel refuses them. */
static __always_inline bool is_narrow(struct pt_regs *ctx)
{
#if defined(__TARGET_ARCH_arm64)
	return false;
#else
	return (ctx->cs & 0xffff) == USER32_CS;
#endif
}

SEC("uprobe")
int on_getaddrinfo(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
#if defined(__TARGET_ARCH_arm64)
	struct lookup lookup = {ctx->regs[0], ctx->regs[3]};
#else
	struct lookup lookup = {ctx->di, ctx->cx};
	__u32 args[4];

	if (is_narrow(ctx)) {
		/* On the stack, behind where it returns to. */
		if (bpf_probe_read_user(args, sizeof(args), (void *)((ctx->sp & 0xffffffff) + sizeof(args[0]))))
			return 0;
		lookup.name = args[0];
		lookup.answer = args[3];
	}
#endif
	if (lookup.name && lookup.answer)
		bpf_map_update_elem(&lookups, &thread, &lookup, BPF_ANY);
	return 0;
}

/* One of the addresses in an answer; the place of the next. 0: there is none. */
static __always_inline __u64 read_info(__u64 *addr, __u64 at, struct pt_regs *ctx)
{
	struct user_addrinfo wide;
	struct user_addrinfo32 small;

	*addr = 0;
	/* Asked anew each time: else verifiers would follow two ways through all that comes next. */
	barrier_var(ctx);
	if (is_narrow(ctx)) {
		if (!at || bpf_probe_read_user(&small, sizeof(small), (void *)at))
			return 0;
		*addr = small.addr;
		return small.next;
	}
	if (!at || bpf_probe_read_user(&wide, sizeof(wide), (void *)at))
		return 0;
	*addr = wide.addr;
	return wide.next;
}

static __always_inline void read_found(struct wire_found *found, __u64 sockaddr)
{
	struct {
		__u16 family, port;
		__u8 data[24];
	} name;

	found->family = 0;
	__builtin_memset(found->addr, 0, sizeof(found->addr));
	if (!sockaddr || bpf_probe_read_user(&name, 8, (void *)sockaddr))
		return;
	if (name.family == AF_INET) {
		__builtin_memcpy(found->addr, name.data, 4);
		found->family = AF_INET;
	} else if (name.family == AF_INET6 && !bpf_probe_read_user(found->addr, 16, (void *)(sockaddr + 8))) {
		found->family = AF_INET6;
	}
}

SEC("uretprobe")
int on_getaddrinfo_ends(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid(), at = 0, addr;
	struct task_struct *task = (struct task_struct *)bpf_get_current_task(), *leader;
#if defined(__TARGET_ARCH_arm64)
	int result = (int)ctx->regs[0];
#else
	int result = (int)ctx->ax;
#endif
	struct lookup *found = bpf_map_lookup_elem(&lookups, &thread), lookup;
	struct wire_lookup *out;
	long len;

	if (!found)
		return 0;
	lookup = *found;
	bpf_map_delete_elem(&lookups, &thread);
	if (result || bpf_probe_read_user(&at, is_narrow(ctx) ? 4 : 8, (void *)lookup.answer) || !at)
		return 0;
	out = bpf_ringbuf_reserve(&evidence, sizeof(*out), 0);
	if (!out) {
		count(WIRE_LOST_NAMES, 1);
		return 0;
	}
	leader = BPF_CORE_READ(task, group_leader);
	out->kind = WIRE_LOOKUP;
	out->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	out->time = bpf_ktime_get_boot_ns();
	out->image.start = BPF_CORE_READ(leader, start_boottime);
	out->image.tgid = thread >> 32;
	out->image.exec_id = (__u32)BPF_CORE_READ(leader, self_exec_id);
	for (__u32 i = 0; i < WIRE_LOOKUP_FOUND; i++) {
		at = read_info(&addr, at, ctx);
		read_found(&out->found[i], addr);
	}
	len = bpf_probe_read_user_str(out->name, sizeof(out->name), (void *)lookup.name);
	out->len = len > 1 ? len - 1 : 0;
	out->pad = 0;
	bpf_ringbuf_submit(out, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
