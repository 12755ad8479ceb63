/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/delivery/sink_files.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"

void sink_files_init(struct sink_files *files, const struct settings *settings, const struct sink_settings *sink,
                     uid_t uid, gid_t gid)
{
	*files = (struct sink_files){.settings = settings, .list = mem_alloc(sink->n_values * sizeof(*files->list))};
	for (size_t i = 0; i < sink->n_values; i++) {
		const struct setting *v = &sink->values[i];
		struct sink_file *file = &files->list[files->n];
		const char *folder = v->option->type == PS_OPTION_LOG_FILE ? settings->paths.log : settings->paths.state;

		if ((v->option->type != PS_OPTION_STATE_FILE && v->option->type != PS_OPTION_LOG_FILE) || !v->text[0])
			continue;
		file->key = v->option->key;
		file->path = v->text[0] == '/' ? mem_strdup(v->text) : mem_printf("%s/%s", folder, v->text);
		file->set = (struct files_set){
		    .path = file->path,
		    .companions = v->option->companions,
		    .uid = uid,
		    .gid = gid,
		    .mode = settings->data.mode,
		};
		files->n++;
	}
}

void sink_files_done(struct sink_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->list[i].path);
	free(files->list);
}

const struct sink_file *sink_files_find(const struct sink_files *files, const char *key)
{
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(files->list[i].key, key) == 0)
			return &files->list[i];
	return NULL;
}

static int group_id(const char *name, gid_t *gid)
{
	size_t size = 16 * 1024;
	struct group group, *found = NULL;
	char *space = mem_alloc(size);
	int err = getgrnam_r(name, &group, space, size, &found);

	if (found)
		*gid = found->gr_gid;
	free(space);
	return found ? 0 : err ? -err : -ENOENT;
}

int sink_files_prepare(struct sink_files *files, char why[TRUST_WHY])
{
	const char *group = files->settings->data.group;
	gid_t gid = 0;
	int err = 0;

	/* Only root can give a file to a group that it is not in. */
	if (geteuid() == 0 && files->n && group && (err = group_id(group, &gid))) {
		snprintf(why, TRUST_WHY, "[data] group: there is no group %.64s", group);
		return err;
	}
	for (size_t i = 0; i < files->n && !err; i++) {
		if (geteuid() == 0 && group)
			files->list[i].set.gid = gid;
		err = files_prepare(&files->list[i].set, why);
	}
	return err;
}
