/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config.h"
#include "core/delivery/forbid.h"

static int check_ids(const char *uid_text, const char *gid_text, char why[TRUST_WHY])
{
	uid_t uid = (uid_t)strtoul(uid_text, NULL, 10), r, e, s;
	gid_t gid = (gid_t)strtoul(gid_text, NULL, 10), rg, eg, sg;

	if (getresuid(&r, &e, &s) || getresgid(&rg, &eg, &sg))
		return -errno;
	if (!uid || !gid || r != uid || e != uid || s != uid || rg != gid || eg != gid || sg != gid ||
	    getgroups(0, NULL) != 0) {
		snprintf(why, TRUST_WHY,
		         "refusing to run: wanted user %u and group %u alone, and not root; this is user %u/%u/%u, group "
		         "%u/%u/%u, with %d more groups",
		         uid, gid, r, e, s, rg, eg, sg, getgroups(0, NULL));
		return -EPERM;
	}
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	/* The bounding set only where that is permitted: without new privileges it is void anyway. */
	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			break;
	/* Kernels before 4.3 know no ambient set. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL)
		return -errno;
	return syscall(SYS_capset, &head, none) ? -errno : 0;
}

static void reset_signals(void)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &usual, NULL); /* refused for KILL, STOP and those of the C library */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_above(int last)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)last + 1, ~0u, 0) == 0)
		return;
#endif
	/* Before 5.9. */
	for (int fd = last + 1, max = (int)sysconf(_SC_OPEN_MAX); fd < max; fd++)
		close(fd);
}

int confine(const char *uid, const char *gid, int last_fd, char why[TRUST_WHY])
{
	const struct rlimit no_core = {0, 0};
	int err;

	if (uid && (err = check_ids(uid, gid, why)))
		return err;
	err = drop_capabilities();
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (!err && setrlimit(RLIMIT_CORE, &no_core))
		err = -errno;
	if (!err)
		err = forbid_syscalls();
	if (err == -EINVAL || err == -ENOSYS)
		err = 0;     /* a kernel without it */
#ifndef PS_SANITIZED /* the leak checker looks at its own process from outside */
	if (!err && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		err = -errno;
#endif
	if (err) {
		snprintf(why, TRUST_WHY, "privileges cannot be given up: %s", strerror(-err));
		return err;
	}
	close_above(last_fd);
	reset_signals();
	return 0;
}

int confine_to_parent(long parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	/* It may have ended before that was set. */
	return getppid() == parent ? 0 : -ESRCH;
}
