/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the running kernel has, as far as it decides which programs are loaded, or they have to know of it. */
#ifndef PS_CAPTURE_KERNEL_H
#define PS_CAPTURE_KERNEL_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/config/settings.h"

/* Whether the kernel of that BTF, or that module of it (NULL: none), has a function. */
bool kernel_has_function(struct btf *, const char *name, const char *module);

/* Whether programs can be attached to functions of the kernel, which depends on the processor too: 0 or -errno. */
int kernel_traces_functions(struct btf *);

bool kernel_has_module(const char *name); /* loaded, or built in */

/* Whether a task may be preempted inside of a program of that door; true if that is not known. */
bool kernel_preempts(enum hooks door);

/* The numbers of the mount namespaces of process 1 and of this process, which stay; 0: not known. */
void kernel_mount_namespaces(uint32_t out[2]);

#endif
