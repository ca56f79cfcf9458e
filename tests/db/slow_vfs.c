/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/slow_vfs.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

struct slow_file { /* the real file follows in the same allocation */
	sqlite3_file base;
};

static sqlite3_vfs slow, *below;
static _Atomic unsigned delay_us;
static _Atomic unsigned long syncs;
static _Atomic int failing_syncs, failing_writes;

static sqlite3_file *
real(sqlite3_file *f)
{
	return (sqlite3_file *)((struct slow_file *)f + 1);
}

/* Takes one failure from the budget. */
static int
fails(_Atomic int *budget)
{
	int left = atomic_load(budget);

	while (left > 0)
		if (atomic_compare_exchange_weak(budget, &left, left - 1))
			return 1;
	return 0;
}

static int
on_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int
on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return real(f)->pMethods->xRead(real(f), p, n, at);
}

static int
on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (fails(&failing_writes))
		return SQLITE_FULL;
	return real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int
on_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return real(f)->pMethods->xTruncate(real(f), n);
}

static int
on_sync(sqlite3_file *f, int flags)
{
	unsigned us = atomic_load(&delay_us);
	struct timespec ts = {us / 1000000, (long)(us % 1000000) * 1000};

	if (us > 0)
		(void)nanosleep(&ts, NULL); /* a shorter delay only weakens the figure */
	atomic_fetch_add(&syncs, 1);
	if (fails(&failing_syncs))
		return SQLITE_IOERR_FSYNC;
	return real(f)->pMethods->xSync(real(f), flags);
}

static int
on_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return real(f)->pMethods->xFileSize(real(f), n);
}

static int
on_lock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xLock(real(f), level);
}

static int
on_unlock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xUnlock(real(f), level);
}

static int
on_check(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int
on_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int
on_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int
on_device(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int
on_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}

static int
on_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void
on_shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int
on_shm_unmap(sqlite3_file *f, int delete_it)
{
	return real(f)->pMethods->xShmUnmap(real(f), delete_it);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* no memory mapping */
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check,
	.xFileControl = on_control,
	.xSectorSize = on_sector,
	.xDeviceCharacteristics = on_device,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

static int
on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	int rc;

	(void)vfs; /* there is one */
	rc = below->xOpen(below, name, real(f), flags, out);
	f->pMethods = real(f)->pMethods != NULL ? &methods : NULL;
	return rc;
}

int
slow_vfs_register(int make_default)
{
	const char *us = getenv("V2GPKI_VFS_DELAY_US");

	if (us != NULL)
		atomic_store(&delay_us, (unsigned)strtoul(us, NULL, 10));
	if (below != NULL)
		return 0;
	below = sqlite3_vfs_find(NULL);
	if (below == NULL)
		return 1;
	slow = *below;
	slow.zName = "slow";
	slow.szOsFile = (int)sizeof(struct slow_file) + below->szOsFile;
	slow.xOpen = on_open;
	slow.pNext = NULL;
	return sqlite3_vfs_register(&slow, make_default);
}

void
slow_vfs_set_delay(unsigned us)
{
	atomic_store(&delay_us, us);
}

unsigned long
slow_vfs_syncs(void)
{
	return atomic_load(&syncs);
}

void
slow_vfs_fail_syncs(int n)
{
	atomic_store(&failing_syncs, n);
}

void
slow_vfs_fail_writes(int n)
{
	atomic_store(&failing_writes, n);
}
