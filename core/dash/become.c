/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/dash/become.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/delivery/confine.h"

static int change_user(const char *name, const char *group_name)
{
	const struct passwd *user = getpwnam(name);
	const struct group *group = getgrnam(group_name);
	gid_t groups[2], gid;
	uid_t uid;

	if (!user || !user->pw_uid || !user->pw_gid) {
		log_error("the web page is not served by root, and there is no user \"%s\" to become ([core] user): "
		          "`useradd --system %s` makes it",
		          name, name);
		return -ENOENT;
	}
	uid = user->pw_uid;
	gid = user->pw_gid;
	groups[0] = gid;
	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			break;
	/* Root's group opens more than the store. */
	groups[1] = group && group->gr_gid ? group->gr_gid : gid;
	if (setgroups(2, groups) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid)) {
		log_error("becoming the user %s: %s", name, strerror(errno));
		return -errno;
	}
	if (setuid(0) == 0 || getuid() != uid || geteuid() != uid) {
		log_error("becoming the user %s has not held", name);
		return -EPERM;
	}
	return 0;
}

int become(const char *user, const char *group)
{
	char why[TRUST_WHY] = "";
	int r = getuid() == 0 || geteuid() == 0 ? change_user(user, group) : 0;

	if (r < 0)
		return r;
	r = confine(NULL, NULL, STDERR_FILENO, why);
	if (r < 0)
		log_error("%s", why);
	return r;
}
