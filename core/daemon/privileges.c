/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/daemon/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/log.h"

void privileges_raise_nofile(int64_t wanted)
{
	struct rlimit limit;
	rlim_t aim;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	aim = wanted ? (rlim_t)wanted : limit.rlim_max;
	if (aim > limit.rlim_max)
		limit.rlim_max = aim;
	limit.rlim_cur = aim;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_warning("the limit of open files cannot be set to %llu ([core] rlimit_nofile): %s", (unsigned long long)aim,
		            strerror(errno));
}

/* What is still done after attaching. */
static const int needed[] = {
    CAP_SYS_ADMIN,       /* fanotify: marks on file systems that are mounted later */
    CAP_BPF,             /* swapping and reading maps */
    CAP_PERFMON,         /* iterating over tasks */
    CAP_SYS_PTRACE,      /* /proc/PID/exe of other users */
    CAP_DAC_READ_SEARCH, /* programs that only their owner may read */
    CAP_LEASE,           /* asking whether anybody has one open for writing */
    CAP_DAC_OVERRIDE,    /* files made for sinks, in folders of root */
    CAP_CHOWN,           /* and given to their user */
    CAP_FOWNER,
    CAP_SETUID,
    CAP_SETGID,
    CAP_SETPCAP, /* becoming that user, without any of these */
    CAP_KILL,    /* a sink's host that hangs */
};

int privileges_cut(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	uint64_t keep = 0, have;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		keep |= 1ULL << needed[i];
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_READ, cap) == 1 && prctl(PR_CAPBSET_DROP, cap))
			return -errno;
	if (syscall(SYS_capget, &header, data))
		return -errno;
	have = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	have &= keep;
	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){(uint32_t)(have >> (32 * i)), (uint32_t)(have >> (32 * i)), 0};
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}
