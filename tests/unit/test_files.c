/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done with files on a sink's behalf, and where it is refused. */
#include "core/delivery/files.h"

#include <errno.h>
#include <glob.h>

#include "tests/tap.h"
#include "tests/unit/scratch.h"

static char why[TRUST_WHY];

static struct files_set set_of(const char *path)
{
	/* As root, for somebody else. */
	return (struct files_set){.path = path,
	                          .companions = "-wal -shm",
	                          .uid = geteuid() ? geteuid() : 65534,
	                          .gid = geteuid() ? getegid() : 65534,
	                          .mode = 04640};
}

static int exists(const char *format, const char *path)
{
	char *name = mem_printf("%s%s", path, format);
	int there = access(name, F_OK) == 0;

	free(name);
	return there;
}

static int count(const char *pattern)
{
	char *text = scratch_path(pattern);
	glob_t found;
	int n = glob(text, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;

	globfree(&found);
	free(text);
	return n;
}

static void test_prepare(void)
{
	char *path = scratch_path("a.db"), *link_path = scratch_path("link"), *fifo = scratch_path("fifo"),
	     *second = scratch_path("second"), *open_folder = scratch_path("open"), *in_open = scratch_path("open/x");
	struct files_set set = set_of(path);
	struct stat st;

	is_int(files_prepare(&set, why), 0, "a file is made");
	ok(exists("-wal", path) && exists("-shm", path), "and its companions");
	ok(stat(path, &st) == 0 && st.st_uid == set.uid && st.st_gid == set.gid, "for its user and group");
	is_int(st.st_mode & 07777, 0640, "with its mode, and no more than permissions");
	scratch_write(path, "kept", 4, 0600);
	is_int(files_prepare(&set, why), 0, "one that is there is kept");
	ok(stat(path, &st) == 0 && st.st_size == 4 && (st.st_mode & 0777) == 0640, "with its content and the right mode");

	if (symlink("a.db", link_path) || mkfifo(fifo, 0600) || link(path, second) || mkdir(open_folder, 0777) ||
	    chmod(open_folder, 0777))
		abort();
	set.path = link_path;
	ok(files_prepare(&set, why) == -ELOOP && strstr(why, "symbolic link"), "a link is not followed: %s", why);
	set.path = fifo;
	ok(files_prepare(&set, why) == -EINVAL && strstr(why, "not a regular file"), "a FIFO is refused: %s", why);
	set.path = second;
	ok(files_prepare(&set, why) == -EMLINK && strstr(why, "more than one link"), "a second link is refused: %s", why);
	unlink(second);
	set.path = in_open;
	ok(files_prepare(&set, why) == -EPERM && strstr(why, "chmod go-w"), "a folder that all can write is refused: %s",
	   why);
	set.path = scratch;
	ok(files_prepare(&set, why) != 0, "a folder is no file: %s", why);
	set.path = "relative";
	is_int(files_prepare(&set, why), -EINVAL, "a relative path is refused");
	if (geteuid() == 0) {
		if (chmod(open_folder, 0755) || chown(open_folder, 65534, 65534))
			abort();
		set.path = in_open;
		ok(files_prepare(&set, why) == -EPERM && strstr(why, "must belong to root"), "another's folder is refused: %s",
		   why);
	} else {
		skip("only root can give a folder away");
	}
	is_int(files_append(link_path, 0600), -ELOOP, "appending does not follow links either");
	free(path);
	free(link_path);
	free(fifo);
	free(second);
	free(open_folder);
	free(in_open);
}

static void test_set_aside(void)
{
	char *path = scratch_path("b.db"), *data;
	struct files_set set = set_of(path);
	struct stat st;

	files_prepare(&set, why);
	scratch_write(path, "old", 3, 0600);
	is_int(files_set_aside(&set, "damaged", why), 0, "a file is set aside");
	is_int(count("b.db.damaged-????????T??????Z"), 1, "under a name with the reason and the time");
	is_int(count("b.db.damaged-*Z-wal"), 1, "with its companions");
	ok(stat(path, &st) == 0 && st.st_size == 0 && st.st_uid == set.uid, "and a new one is there, for the same user");
	for (int i = 0; i < 5; i++)
		files_set_aside(&set, "damaged", why);
	is_int(count("b.db.damaged-*") - count("b.db.damaged-*-wal") - count("b.db.damaged-*-shm"), 6,
	       "none replaces another of the same second");
	is_int(files_set_aside(&set, "../x", why), -EINVAL, "a reason that is a path is refused");
	is_int(files_set_aside(&set, "", why), -EINVAL, "an empty reason is refused");
	data = scratch_read(path, NULL);
	is_str(data, "", "and does nothing");
	free(data);
	free(path);
}

static char *numbered(const char *path)
{
	char *all = mem_alloc(64), *name, *data;

	for (int i = 0; i < 6; i++) {
		name = i ? mem_printf("%s.%d", path, i) : mem_strdup(path);
		data = scratch_read(name, NULL);
		all[i] = data[0] ? data[0] : access(name, F_OK) ? '-' : '0';
		free(data);
		free(name);
	}
	return all;
}

static void rotated(struct files_set *set, unsigned keep, const char *content, const char *want)
{
	char *all;

	scratch_write(set->path, content, 1, 0600);
	is_int(files_rotate(set, keep, why), 0, "rotated, %u kept", keep);
	all = numbered(set->path);
	is_str(all, want, "what the files hold then");
	free(all);
}

static void test_rotate(void)
{
	char *path = scratch_path("c.log"), *second = scratch_path("c.log.2");
	struct files_set set = set_of(path);

	set.companions = NULL;
	rotated(&set, 3, "a", "0a----");
	rotated(&set, 3, "b", "0ba---");
	rotated(&set, 3, "c", "0cba--");
	rotated(&set, 3, "d", "0dcb--");
	unlink(second);
	rotated(&set, 3, "e", "0edb--");
	rotated(&set, 1, "f", "0f----");
	rotated(&set, 0, "g", "0-----");
	free(path);
	free(second);
}

static void test_replace(void)
{
	char *path = scratch_path("whole"), *left = scratch_path("whole.new"), *link_path = scratch_path("whole-link");
	struct files_set set = {.path = path, .uid = getuid(), .gid = getgid(), .mode = 0640};
	struct stat before, after;
	struct buf text;
	char *found;
	int fd;

	buf_init(&text);
	is_int(files_read(path, &text, 100), -ENOENT, "there is no file to read");
	is_int(files_replace(&set, "one", 3, why), 0, "a file is made");
	is_int(files_read(path, &text, 100), 0, "and read");
	ok(text.len == 3 && memcmp(text.data, "one", 3) == 0, "it has what was written");
	fd = open(path, O_RDONLY);
	scratch_write(left, "left by a crash", 15, 0600);
	is_int(files_replace(&set, "two", 3, why), 0, "it is replaced");
	ok(fstat(fd, &before) == 0 && stat(path, &after) == 0 && before.st_ino != after.st_ino &&
	       (after.st_mode & 0777) == 0640,
	   "by another, with its mode: whoever has the old one open keeps it");
	close(fd);
	found = scratch_read(path, NULL);
	is_str(found, "two", "the new one is whole");
	ok(access(left, F_OK) != 0, "and nothing is left beside it");
	is_int(files_read(path, &text, 2), -EFBIG, "one that is too large is not read");
	if (symlink("whole", link_path))
		abort();
	is_int(files_read(link_path, &text, 100), -ELOOP, "nor through a link");
	if (unlink(path) || unlink(link_path) || symlink("victim", path))
		abort();
	is_int(files_replace(&set, "three", 5, why), 0, "a link in its place is replaced");
	free(left);
	left = scratch_path("victim");
	ok(access(left, F_OK) != 0 && lstat(path, &after) == 0 && S_ISREG(after.st_mode), "and not followed");
	buf_done(&text);
	free(found);
	free(path);
	free(left);
	free(link_path);
}

static void test_trust(void)
{
	char *plain = scratch_path("plain"), *way = scratch_path("way");
	int fd;

	if (mkdir(plain, 0755) || symlink("plain", way))
		abort();
	fd = trust_folder(way, why);
	ok(fd >= 0, "a link in the path is resolved before");
	close(fd);
	is_int(trust_folder("/tmp", why), -EPERM, "a sticky folder that all can write is good for passing, not for files");
	is_int(trust_folder("/nowhere/at/all", why), -ENOENT, "no folder: %s", why);
	free(plain);
	free(way);
}

int main(void)
{
	scratch_make();
	test_prepare();
	test_set_aside();
	test_rotate();
	test_replace();
	test_trust();
	scratch_remove();
	return tap_done();
}
