/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be asked of the file of an executable: which one it is, its path, whether it is still the same. */
#ifndef PS_IDENTIFY_FILE_H
#define PS_IDENTIFY_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bpf/wire.h"

/* Two changes within one tick of the kernel's clock can leave the same change time. */
#define FILE_TICK_NS (20 * NS_PER_MS)

/* fstat(), and the number of the mount through which the file was opened (0: not known). 0 or -errno. */
int file_stat(int fd, struct stat *, uint32_t *mount);

/* What fstat() would have said of the file when it was executed, as far as content goes. */
struct stat file_executed(const struct wire_file *);

/* Whether two looks at one file saw the same content. Deleting it changes its change time, and
 * leaves the content: then that does not count, and *excused is set (it may be NULL). */
bool file_is_same(const struct stat *, const struct stat *, bool *excused);

/* When the content was last changed, at the latest (wall clock): any change of a file tells, but not that it
 * was deleted. */
int64_t file_changed_ns(const struct stat *);

/* statfs()'s f_type, which is the super block's s_magic; 0: not known. */
uint32_t file_magic(int fd);

/* Whether a file system of that magic number is a program's (FUSE): it says what it likes, takes as long
 * as it likes, and root may not even look. */
bool file_is_foreign(uint32_t magic);

/* Whether stat() gives another device number there than the super block has. */
bool file_has_own_devices(uint32_t magic);

/* Whether an open file can be changed without a change of its times: through a mapping, where pages
 * are in memory alone. Asks for the place of its first block, which executing it has read. */
bool file_is_timeless(int fd, uint32_t magic);

/* Whether anybody has it open for writing now. False when the file system cannot say. */
bool file_has_writers(int fd);

/* The path of an open file, as the kernel tells it, without its note that the file was deleted. To
 * be freed; NULL: it has none that fits into PATH_MAX. */
char *file_path(int fd);
/* The same without asking the file system, for a file that was executed. */
char *file_path_of(int fd, const struct wire_file *);

/* The mount and inode (0: this kernel does not say) of an open file, without asking its file system. 0 or -errno. */
int file_where(int fd, uint32_t *mount, uint64_t *ino);

/* Whether process pid executes that file now. */
bool file_is_run_by(const struct wire_file *, int pid);

#endif
