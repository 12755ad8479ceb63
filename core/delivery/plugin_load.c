/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/plugin_load.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/delivery/trust.h"

#define NAME_LONGEST 64

static _Thread_local char reason[TRUST_WHY];

static int name_good(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n && n <= NAME_LONGEST && !name[n];
}

/* The plugin's file, open and judged, or -errno with the reason. */
static int open_file(const char *dir, const char *name)
{
	char file[NAME_LONGEST + 4];
	struct stat st;
	int folder, fd, err;

	if (!name_good(name)) {
		snprintf(reason, sizeof(reason), "a plugin's name is 1 to %d of a-z, 0-9, '_' and '-'", NAME_LONGEST);
		return -EINVAL;
	}
	folder = trust_folder(dir, reason);
	if (folder < 0)
		return folder;
	snprintf(file, sizeof(file), "%s.so", name);
	fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	err = fd < 0 ? -errno : 0;
	close(folder);
	if (err == -ENOENT)
		snprintf(reason, sizeof(reason), "there is no %s in %.300s: it was not built or not installed", file, dir);
	else if (err == -ELOOP)
		snprintf(reason, sizeof(reason), "%.300s/%s is a symbolic link, which is not followed", dir, file);
	else if (err)
		snprintf(reason, sizeof(reason), "%.300s/%s: %s", dir, file, strerror(-err));
	if (err)
		return err;
	if (fstat(fd, &st)) {
		err = -errno;
		snprintf(reason, sizeof(reason), "%.300s/%s: %s", dir, file, strerror(-err));
	} else if (!S_ISREG(st.st_mode)) {
		err = -EINVAL;
		snprintf(reason, sizeof(reason), "%.300s/%s is not a regular file", dir, file);
	} else {
		err = trust_owner(&st, file, reason);
	}
	if (!err)
		return fd;
	close(fd);
	return err;
}

int plugin_check_file(const char *dir, const char *name, const char **why)
{
	int fd = open_file(dir, name);

	*why = reason;
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Is it one of ours? Only the first two members are looked at before they are known to be right. */
static int judge(const struct ps_plugin *p, const char *name)
{
	if (p->abi != PS_PLUGIN_ABI)
		snprintf(reason, sizeof(reason), "plugin %s has ABI %u and this program %u: build it for this version", name,
		         p->abi, PS_PLUGIN_ABI);
	else if (p->size != sizeof(*p))
		snprintf(reason, sizeof(reason), "plugin %s describes itself in %u bytes, not %zu: build it for this version",
		         name, p->size, sizeof(*p));
	else if (!p->name || strcmp(p->name, name) != 0)
		snprintf(reason, sizeof(reason), "plugin %s calls itself %.64s", name, p->name ? p->name : "nothing");
	else if (!p->options)
		snprintf(reason, sizeof(reason), "plugin %s declares no list of options", name);
	else if (p->sink && (!p->sink->open || !p->sink->write || !p->sink->close))
		snprintf(reason, sizeof(reason), "plugin %s is a sink without open, write or close", name);
	else if (p->reader && (!p->reader->open || !p->reader->ask || !p->reader->close))
		snprintf(reason, sizeof(reason), "plugin %s is a reader without open, ask or close", name);
	else
		return 0;
	return -1;
}

const struct ps_plugin *plugin_load(const char *dir, const char *name, const char **why)
{
	const struct ps_plugin *plugin;
	char path[32];
	void *handle;
	int fd;

	*why = reason;
	fd = open_file(dir, name);
	if (fd < 0)
		return NULL;
	/* What was judged is what is loaded. The descriptor stays open: the dynamic linker knows
	 * objects by this name too, so no second plugin may get the same number. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!handle) {
		snprintf(reason, sizeof(reason), "%.200s/%s.so cannot be loaded: %.200s", dir, name, dlerror());
		close(fd);
		return NULL;
	}
	plugin = dlsym(handle, "ps_plugin");
	if (!plugin) {
		snprintf(reason, sizeof(reason), "%.300s/%s.so is not a plugin: it has no symbol ps_plugin", dir, name);
		return NULL;
	}
	return judge(plugin, name) ? NULL : plugin;
}
