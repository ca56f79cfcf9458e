/* SPDX-License-Identifier: Apache-2.0 */
/* Rates of the store on a real file: durable writes (intent + certificate, each with its audit row)
 * and indexed reads. bench_store [DIR [ROWS]]: DIR holds the file (default: $TMPDIR or /tmp), ROWS
 * are written before measuring. Prints INVALID when commits are not synchronous. */
#include "db/db.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/privacy.h"
#include "db/cert_store.h"
#include "tests/db/slow_vfs.h"

#define THREADS_MAX 64

struct bench {
	struct db *db;
	_Atomic unsigned next;
	_Atomic bool stop;
	_Atomic uint64_t done, failed;
	unsigned rows; /* for readers */
};

static struct cert_row
row_of(unsigned n)
{
	struct cert_row r = {.ca = "cpo-sub2", .serial_len = 16, .profile = "secc-2"};
	char text[32];
	uint8_t h[SHA256_LEN];

	(void)snprintf(text, sizeof(text), "row %u", n);
	if (sha256(span_str(text), h, NULL) != E_OK) /* random places in every index */
		abort();
	memcpy(r.serial, h, 16);
	memcpy(r.spki_hash, h, sizeof(h));
	(void)snprintf(r.request_id, sizeof(r.request_id), "%02x%02x%02x%02x-%u", h[0], h[1], h[2],
		       h[3], n);
	(void)snprintf(r.participant, sizeof(r.participant), "cpo%u", n % 50);
	(void)snprintf(r.subject_cn, sizeof(r.subject_cn), "DEABCE%u", n);
	return r;
}

static enum err_code
issue(struct db *db, unsigned n)
{
	struct audit_record a = {.actor = "cpo1", .action = "certificate.intent", .object = "00ff"};
	struct cert_row r = row_of(n);
	uint8_t der[700];
	int64_t id = 0;
	enum err_code rc;

	memset(der, (int)(n & 0xff), sizeof(der));
	memcpy(der, r.spki_hash, sizeof(r.spki_hash));
	if ((rc = cert_store_intent(db, &r, &a, &id, NULL)) != E_OK)
		return rc;
	a.action = "certificate.issued";
	return cert_store_issued(db, id, (struct span){der, sizeof(der)}, &a, NULL);
}

static void *
writer(void *arg)
{
	struct bench *b = arg;

	while (!atomic_load(&b->stop)) {
		if (issue(b->db, atomic_fetch_add(&b->next, 1)) == E_OK)
			atomic_fetch_add(&b->done, 1);
		else
			atomic_fetch_add(&b->failed, 1);
	}
	return NULL;
}

static void *
reader(void *arg)
{
	struct bench *b = arg;
	unsigned n = (unsigned)(uintptr_t)&n;
	struct cert_row r, out;

	while (!atomic_load(&b->stop)) {
		n = n * 1664525u + 1013904223u;
		r = row_of(n % b->rows);
		if (cert_store_by_serial(b->db, r.ca, (struct span){r.serial, 16}, &out, NULL) ==
		    E_OK)
			atomic_fetch_add(&b->done, 1);
		else
			atomic_fetch_add(&b->failed, 1);
		cert_row_free(&out);
	}
	return NULL;
}

static double
cpu_seconds(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) != 0)
		return 0;
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Runs fn on so many threads for so long; operations per second. */
static double
run(struct bench *b, const char *what, void *(*fn)(void *), unsigned threads, unsigned seconds)
{
	pthread_t t[THREADS_MAX];
	struct db_figures from, to;
	struct err e = {0};
	int64_t start;
	double s, cpu = cpu_seconds();
	uint64_t done;
	unsigned i;

	atomic_store(&b->stop, false);
	atomic_store(&b->done, 0);
	if (db_figures(b->db, &from, &e) != E_OK)
		return 0;
	start = clock_mono_us();
	for (i = 0; i < threads; i++)
		if (pthread_create(&t[i], NULL, fn, b) != 0)
			abort();
	(void)sleep(seconds);
	atomic_store(&b->stop, true);
	for (i = 0; i < threads; i++)
		(void)pthread_join(t[i], NULL); /* ours */
	s = (double)(clock_mono_us() - start) / 1e6;
	done = atomic_load(&b->done);
	if (done == 0 || db_figures(b->db, &to, &e) != E_OK)
		return 0;
	printf("%-22s %2u threads: %8.0f/s, %4.0f us CPU each", what, threads, (double)done / s,
	       (cpu_seconds() - cpu) * 1e6 / (double)done);
	if (to.commits > from.commits)
		printf(", %.0f writes/s in %.0f commits/s, mean batch %.1f",
		       (double)(to.writes - from.writes) / s,
		       (double)(to.commits - from.commits) / s,
		       (double)(to.writes - from.writes) / (double)(to.commits - from.commits));
	printf("\n");
	return (double)done / s;
}

/* Writers with readers beside them, and how big the log grows. */
static void
run_mixed(struct bench *b, const char *dir)
{
	struct bench readers = {.db = b->db, .rows = b->rows};
	pthread_t t[4];
	char path[300];
	struct stat st = {0};
	unsigned i;

	for (i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, reader, &readers) != 0)
			abort();
	(void)run(b, "issue beside readers", writer, 32, 4);
	atomic_store(&readers.stop, true);
	for (i = 0; i < 4; i++)
		(void)pthread_join(t[i], NULL); /* ours */
	(void)snprintf(path, sizeof(path), "%s/store-wal", dir);
	if (stat(path, &st) == 0)
		printf("%llu reads beside it, log of %lld MB\n",
		       (unsigned long long)atomic_load(&readers.done),
		       (long long)st.st_size / 1000000);
}

static void
measure(struct bench *b, unsigned rows, const char *dir)
{
	unsigned long before;
	double one, many;

	while (atomic_load(&b->next) < rows)
		(void)run(b, "filling", writer, 32, 2);
	b->rows = atomic_load(&b->next);
	printf("%u certificates before measuring\n", b->rows);
	before = slow_vfs_syncs();
	one = run(b, "issue", writer, 1, 3);
	many = run(b, "issue", writer, 32, 3);
	printf("ratio %.2f; %lu syncs\n", many / one, slow_vfs_syncs() - before);
	run_mixed(b, dir);
	slow_vfs_set_delay(5000);
	one = run(b, "issue, 5 ms a sync", writer, 1, 3);
	many = run(b, "issue, 5 ms a sync", writer, 32, 3);
	printf("ratio %.2f\n", many / one);
	slow_vfs_set_delay(0);
	(void)run(b, "lookup by serial", reader, 1, 3);
	(void)run(b, "lookup by serial", reader, 2, 3);
	(void)run(b, "lookup by serial", reader, 8, 3);
}

int
main(int argc, char **argv)
{
	static const uint8_t key[32] = {1};
	const char *tmp = argc > 1 ? argv[1] : getenv("TMPDIR");
	unsigned rows = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2000;
	char dir[256], url[300];
	struct db_conf conf = {
		.url = url, .vfs = "slow", .create = true, .readers = 8, .queue_max = 1000};
	struct ca_row ca = {.name = "cpo-sub2", .token = "t", .algo = "secp256r1", .key_id_len = 1};
	struct bench b = {0};
	struct db_figures fig = {0};
	struct err e = {0};

	(void)snprintf(dir, sizeof(dir), "%.200s/v2gbenchXXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL || slow_vfs_register(0) != 0)
		return 1;
	(void)snprintf(url, sizeof(url), "sqlite:%s/store", dir);
	if (secret_init(&e) != E_OK || privacy_init((struct span){key, sizeof(key)}, &e) != E_OK ||
	    db_open(&conf, &b.db, &e) != E_OK || ca_store_put(b.db, &ca, NULL, &e) != E_OK ||
	    db_figures(b.db, &fig, &e) != E_OK) {
		(void)fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	measure(&b, rows, dir);
	printf("synchronous=%d, %lu syncs in all, %llu operations failed, file %s\n",
	       fig.synchronous, slow_vfs_syncs(), (unsigned long long)atomic_load(&b.failed), url);
	if (fig.synchronous != 2 || slow_vfs_syncs() == 0)
		printf("INVALID: commits were not durable\n");
	db_close(b.db);
	return atomic_load(&b.failed) != 0;
}
