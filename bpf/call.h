/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the data of the system call under way is, in the memory of who makes it: the call's own
 * arguments say so. Needs no hook, and no copy of what is not wanted.
 */
#ifndef PS_BPF_CALL_H
#define PS_BPF_CALL_H

#include "maps.h"

/* The first two parts of the buffer. What is behind them is of no interest here. */
struct spans {
	__u64 at[2], len[2];
};

struct call {
	__u64 number;
	__u64 args[3]; /* behind the file descriptor: buffer and length, say */
	bool narrow;   /* pointers and lengths have 32 bits */
};

enum shape { NO_DATA, IN_BUFFER, IN_VECTOR, IN_MESSAGE, IN_MESSAGES };

#if defined(__TARGET_ARCH_arm64)

static __always_inline bool call_of(struct call *call)
{
	struct pt_regs *regs;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return false;
	regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	call->number = (__u32)regs->syscallno;
	call->args[0] = regs->regs[1];
	call->args[1] = regs->regs[2];
	call->narrow = false;
	return true;
}

static __always_inline enum shape shape_of(struct call *call)
{
	switch (call->number) {
	case 63:  /* read */
	case 64:  /* write */
	case 206: /* sendto */
	case 207: /* recvfrom */
		return IN_BUFFER;
	case 65: /* readv */
	case 66: /* writev */
		return IN_VECTOR;
	case 211: /* sendmsg */
	case 212: /* recvmsg */
		return IN_MESSAGE;
	case 243: /* recvmmsg */
	case 269: /* sendmmsg */
		return IN_MESSAGES;
	default:
		return NO_DATA;
	}
}

#else /* x86-64 */

static __always_inline bool call_of(struct call *call)
{
	unsigned long wide[2], cs;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

		call->number = regs->orig_ax;
		call->args[0] = regs->cx;
		call->args[1] = regs->dx;
		call->args[2] = regs->bx;
		wide[0] = regs->si;
		wide[1] = regs->dx;
		cs = regs->cs;
	} else {
		/* Before 5.15: they are at the top of the thread's stack, which has 16 KiB. */
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
		struct pt_regs *regs = BPF_CORE_READ(task, stack) + 16384 - bpf_core_type_size(struct pt_regs);

		call->number = BPF_CORE_READ(regs, orig_ax);
		call->args[0] = BPF_CORE_READ(regs, cx);
		call->args[1] = BPF_CORE_READ(regs, dx);
		call->args[2] = BPF_CORE_READ(regs, bx);
		wide[0] = BPF_CORE_READ(regs, si);
		wide[1] = BPF_CORE_READ(regs, dx);
		cs = BPF_CORE_READ(regs, cs);
	}
	call->narrow = (cs & 0xffff) == USER32_CS;
	if (!call->narrow) {
		call->args[0] = wide[0];
		call->args[1] = wide[1];
	}
	return true;
}

/* The one call for all of sockets that 32-bit programs may make: its own number comes first, and its
 * arguments are in memory. */
static __always_inline enum shape shape_of_socketcall(struct call *call)
{
	__u64 which = call->args[2];
	__u32 args[3];

	if (bpf_probe_read_user(args, sizeof(args), (void *)call->args[0]))
		return NO_DATA;
	call->args[0] = args[1];
	call->args[1] = args[2];
	switch (which) {
	case 9:  /* send */
	case 10: /* recv */
	case 11: /* sendto */
	case 12: /* recvfrom */
		return IN_BUFFER;
	case 16: /* sendmsg */
	case 17: /* recvmsg */
		return IN_MESSAGE;
	case 19: /* recvmmsg */
	case 20: /* sendmmsg */
		return IN_MESSAGES;
	default:
		return NO_DATA;
	}
}

static __always_inline enum shape shape_of(struct call *call)
{
	if (call->narrow) {
		switch (call->number) {
		case 102:
			return shape_of_socketcall(call);
		case 3:   /* read */
		case 4:   /* write */
		case 369: /* sendto */
		case 371: /* recvfrom */
			return IN_BUFFER;
		case 145: /* readv */
		case 146: /* writev */
			return IN_VECTOR;
		case 370: /* sendmsg */
		case 372: /* recvmsg */
			return IN_MESSAGE;
		case 337: /* recvmmsg */
		case 345: /* sendmmsg */
		case 417: /* recvmmsg with times of 64 bits */
			return IN_MESSAGES;
		default:
			return NO_DATA;
		}
	}
	switch (call->number) {
	case 0:  /* read */
	case 1:  /* write */
	case 44: /* sendto */
	case 45: /* recvfrom */
		return IN_BUFFER;
	case 19: /* readv */
	case 20: /* writev */
		return IN_VECTOR;
	case 46: /* sendmsg */
	case 47: /* recvmsg */
		return IN_MESSAGE;
	case 299: /* recvmmsg */
	case 307: /* sendmmsg */
		return IN_MESSAGES;
	default:
		return NO_DATA;
	}
}

#endif

static __always_inline bool vector_spans(struct spans *s, __u64 iov, __u64 n, bool narrow)
{
	__u64 wide[2];
	__u32 small[2];

	for (__u32 i = 0; i < 2 && i < n; i++) {
		if (narrow) {
			if (bpf_probe_read_user(small, sizeof(small), (void *)(iov + i * sizeof(small))))
				return i;
			s->at[i] = small[0];
			s->len[i] = small[1];
		} else {
			if (bpf_probe_read_user(wide, sizeof(wide), (void *)(iov + i * sizeof(wide))))
				return i;
			s->at[i] = wide[0];
			s->len[i] = wide[1];
		}
	}
	return n > 0;
}

static __always_inline bool message_spans(struct spans *s, __u64 message, bool narrow)
{
	__u64 wide[4];
	__u32 small[4];

	if (narrow)
		return !bpf_probe_read_user(small, sizeof(small), (void *)message) && vector_spans(s, small[2], small[3], true);
	return !bpf_probe_read_user(wide, sizeof(wide), (void *)message) && vector_spans(s, wide[2], wide[3], false);
}

/* The buffer of the call that the current task is in. `nth`: which message, of calls with several.
 * False when it is none that moves bytes from or to memory: io_uring's work is done in others. */
static __noinline int spans_of(struct spans *out, __u32 nth)
{
	struct spans s = {0};
	struct call call;
	bool found = false;

	if (!call_of(&call))
		return 0;
	switch (shape_of(&call)) {
	case IN_BUFFER:
		s.at[0] = call.args[0];
		s.len[0] = call.args[1];
		found = nth == 0;
		break;
	case IN_VECTOR:
		found = nth == 0 && vector_spans(&s, call.args[0], call.args[1], call.narrow);
		break;
	case IN_MESSAGE:
		found = nth == 0 && message_spans(&s, call.args[0], call.narrow);
		break;
	case IN_MESSAGES:
		found = nth < call.args[1] && message_spans(&s, call.args[0] + nth * (call.narrow ? 32 : 64), call.narrow);
		break;
	default:
		break;
	}
	return found && !forget(out, &s);
}

#endif
