/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/import/old_vfs.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"

#define NAME "picosnitch-import"

struct old_vfs {
	sqlite3_vfs vfs;
	const struct old_file *file;
	int64_t size; /* that the database says it has */
};

struct open_file {
	sqlite3_file base;
	int fd;       /* -1: an empty file */
	int64_t size; /* at least; what is not there is read as zeros */
};

static int fd_of(sqlite3_file *f)
{
	return ((struct open_file *)f)->fd;
}

static int file_close(sqlite3_file *f)
{
	(void)f;
	return SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *out, int want, sqlite3_int64 at)
{
	size_t got = 0;

	while (fd_of(f) >= 0 && got < (size_t)want) {
		ssize_t n = pread(fd_of(f), (char *)out + got, (size_t)want - got, (off_t)at + (off_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return SQLITE_IOERR_READ;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	if (got == (size_t)want)
		return SQLITE_OK;
	memset((char *)out + got, 0, (size_t)want - got);
	return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at)
{
	(void)f, (void)data, (void)n, (void)at;
	return SQLITE_READONLY;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	(void)f, (void)size;
	return SQLITE_READONLY;
}

static int file_sync(sqlite3_file *f, int flags)
{
	(void)f, (void)flags;
	return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct stat st = {0};

	if (fd_of(f) >= 0 && fstat(fd_of(f), &st))
		return SQLITE_IOERR_FSTAT;
	*size = st.st_size > ((struct open_file *)f)->size ? st.st_size : ((struct open_file *)f)->size;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *f, int level)
{
	(void)f, (void)level;
	return SQLITE_OK;
}

static int file_reserved(sqlite3_file *f, int *out)
{
	(void)f;
	*out = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	(void)f, (void)op, (void)arg;
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *f)
{
	(void)f;
	return 4096;
}

static int file_characteristics(sqlite3_file *f)
{
	(void)f;
	return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	const struct old_file *file = ((struct old_vfs *)vfs)->file;
	struct open_file *open = (struct open_file *)f;

	(void)name;
	f->pMethods = NULL;
	if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
		return SQLITE_CANTOPEN; /* a journal, a temporary file, another database */
	open->fd = flags & SQLITE_OPEN_MAIN_DB ? file->fd : file->wal;
	open->size = flags & SQLITE_OPEN_MAIN_DB ? ((struct old_vfs *)vfs)->size : 0;
	f->pMethods = &methods;
	if (out_flags)
		*out_flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs, (void)name, (void)sync;
	return SQLITE_READONLY;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	size_t len = strlen(name);

	(void)flags;
	*out = len > 4 && strcmp(name + len - 4, "-wal") == 0 && ((struct old_vfs *)vfs)->file->wal >= 0;
	return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* SQLite refuses a file that is shorter than its head says. So that the rest of one that was cut can be read, it gets
 * zeros for what is missing, and finds damaged pages there. */
static int64_t size_in_head(int fd)
{
	uint8_t head[100];
	uint32_t page, pages;

	/* The number of pages is good if the two counts of changes are equal. */
	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) || memcmp(head + 24, head + 92, 4) != 0)
		return 0;
	page = (uint32_t)head[16] << 8 | head[17];
	memcpy(&pages, head + 28, sizeof(pages));
	return (int64_t)be32toh(pages) * (page == 1 ? 65536 : page);
}

struct old_vfs *old_vfs_new(const struct old_file *file)
{
	struct old_vfs *v = mem_alloc(sizeof(*v));
	const sqlite3_vfs *usual = sqlite3_vfs_find(NULL);

	if (!usual)
		abort(); /* an SQLite without the system that it was built for */
	v->file = file;
	v->size = size_in_head(file->fd);
	v->vfs = (sqlite3_vfs){
	    .iVersion = 1,
	    .szOsFile = (int)sizeof(struct open_file),
	    .mxPathname = 64,
	    .zName = NAME,
	    .xOpen = vfs_open,
	    .xDelete = vfs_delete,
	    .xAccess = vfs_access,
	    .xFullPathname = vfs_full_name,
	    .xRandomness = usual->xRandomness,
	    .xSleep = usual->xSleep,
	    .xCurrentTime = usual->xCurrentTime,
	    .xGetLastError = usual->xGetLastError,
	};
	sqlite3_vfs_register(&v->vfs, 0);
	return v;
}

void old_vfs_free(struct old_vfs *v)
{
	if (!v)
		return;
	sqlite3_vfs_unregister(&v->vfs);
	free(v);
}

int old_vfs_open(struct old_vfs *v, sqlite3 **db)
{
	int rc =
	    sqlite3_open_v2("old.db", db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, v->vfs.zName);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	/* Exclusive: so the index of the log is kept in memory. */
	return sqlite3_exec(*db,
	                    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;"
	                    "PRAGMA mmap_size = 0; PRAGMA cache_size = -8192",
	                    NULL, NULL, NULL);
}
