/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/own_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failed(const char *parent, const char *name, char why[TRUST_WHY])
{
	int err = -errno;

	snprintf(why, TRUST_WHY, "%s/%s: %s", parent, name, strerror(-err));
	return err;
}

int own_folder_make(const char *parent, const char *name, uid_t uid, gid_t gid, char why[TRUST_WHY])
{
	int within, folder, err = 0;

	if (mkdir(parent, 0755) && errno != EEXIST)
		return failed(parent, "", why);
	within = trust_folder(parent, why);
	if (within < 0)
		return within;
	if (mkdirat(within, name, 0755) && errno != EEXIST) {
		err = failed(parent, name, why);
		close(within);
		return err;
	}
	folder = openat(within, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || (!geteuid() && fchown(folder, uid, gid)))
		err = failed(parent, name, why);
	if (folder >= 0)
		close(folder);
	close(within);
	return err;
}
