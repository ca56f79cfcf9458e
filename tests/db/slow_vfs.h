/* SPDX-License-Identifier: Apache-2.0 */
/* An SQLite VFS named "slow": the default one with a delay of $V2GPKI_VFS_DELAY_US before each
 * sync, a count of syncs, and failures on demand. Linked into tests and benchmarks of the store;
 * tests/bench/slow_sync.c does it to a whole daemon. */
#ifndef TESTS_DB_SLOW_VFS_H
#define TESTS_DB_SLOW_VFS_H

/* Registers "slow" (again: nothing happens) and reads the delay from the environment. Zero when it
 * worked. */
int slow_vfs_register(int make_default);

void slow_vfs_set_delay(unsigned us);
unsigned long slow_vfs_syncs(void); /* since the start of the process */

/* The next n syncs, or writes, fail: SQLITE_IOERR_FSYNC, or SQLITE_FULL. */
void slow_vfs_fail_syncs(int n);
void slow_vfs_fail_writes(int n);

#endif
