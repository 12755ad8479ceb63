/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls that no sink has a use for, and an intruder in one does: seccomp(2). */
#ifndef PS_DELIVERY_FORBID_H
#define PS_DELIVERY_FORBID_H

/* From then on they fail with EPERM, for this process and its children, for good. Wants no_new_privs. 0, or -errno:
 * where the kernel has no seccomp, -EINVAL or -ENOSYS. */
int forbid_syscalls(void);

#endif
