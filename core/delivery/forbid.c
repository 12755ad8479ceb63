/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/forbid.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "config.h"

#define N(list) (sizeof(list) / sizeof(*(list)))

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

/* Other programs; other processes; the kernel; other views of the file system; ways around this very filter. */
static const uint32_t forbidden[] = {
    SYS_execve,
    SYS_execveat,
#ifndef PS_SANITIZED /* the leak checker looks at its own process from outside */
    SYS_ptrace,
    SYS_process_vm_readv,
#endif
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_kexec_file_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_syslog,
    SYS_acct,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_open_by_handle_at,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_userfaultfd,
    SYS_personality,
    SYS_quotactl,
#ifdef SYS_open_tree
    SYS_open_tree,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
#endif
#ifdef SYS_pidfd_getfd
    SYS_pidfd_getfd,
#endif
#ifdef SYS_io_uring_setup
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
#endif
};

int forbid_syscalls(void)
{
#ifdef NATIVE
	enum { HEAD = 5, REFUSE = HEAD + N(forbidden) };
	const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
	struct sock_filter filter[REFUSE + 2] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	    /* The numbers of another architecture, or of x32, are others. */
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0),
	    BPF_STMT(BPF_RET | BPF_K, refuse),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, REFUSE + 1 - HEAD, 0),
	};
	const struct sock_fprog program = {.len = N(filter), .filter = filter};

	for (unsigned i = 0; i < N(forbidden); i++)
		filter[HEAD + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, forbidden[i], REFUSE - HEAD - i, 0);
	filter[REFUSE] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	filter[REFUSE + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, refuse);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
#else
	return -ENOSYS;
#endif
}
