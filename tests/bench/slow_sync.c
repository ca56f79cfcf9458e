/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into the daemon by the benchmark: counts fdatasync and fsync in the file of
 * $V2GPKI_SYNC_COUNT and adds $V2GPKI_SYNC_DELAY_US microseconds to each, as a slower disk would. The
 * real call is made all the same. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static _Atomic uint64_t *count;
static long delay_us;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
start(void)
{
	const char *path = getenv("V2GPKI_SYNC_COUNT"), *us = getenv("V2GPKI_SYNC_DELAY_US");
	void *at;
	int fd;

	*(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	*(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
	delay_us = us != NULL ? strtol(us, NULL, 10) : 0;
	fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		count = at;
	close(fd);
}

static void
before(void)
{
	struct timespec ts = {delay_us / 1000000, delay_us % 1000000 * 1000};

	pthread_once(&once, start);
	if (count != NULL)
		atomic_fetch_add(count, 1);
	if (delay_us > 0)
		nanosleep(&ts, NULL);
}

int
fdatasync(int fd)
{
	before();
	return real_fdatasync(fd);
}

int
fsync(int fd)
{
	before();
	return real_fsync(fd);
}
