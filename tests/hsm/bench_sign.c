/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures per second through hsm_sign beside a bare loop of C_SignInit and C_Sign, own session
 * per thread, on the same key of the same SoftHSM; the two alternate, medians are printed.
 * usage: bench_sign [ROUNDS [MS_PER_RUN]] */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

#define THREADS_MAX 4
#define ROUNDS_MAX  25

struct result {
	double rate; /* signatures per second */
	double cpu;  /* microseconds of CPU per signature */
};

static struct fixture fx;
static CK_FUNCTION_LIST *f;
static CK_OBJECT_HANDLE raw_key;
static CK_SLOT_ID slot;
static struct hsm_key *key;
static atomic_bool stop;
static _Atomic uint64_t done;

static void
must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench_sign: %s fails\n", what);
		exit(1);
	}
}

static CK_SESSION_HANDLE
session(void)
{
	CK_SESSION_HANDLE s;

	must(f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) == CKR_OK,
	     "C_OpenSession");
	return s;
}

static void *
raw_loop(void *arg)
{
	CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
	CK_SESSION_HANDLE s = session();
	unsigned char digest[32] = {1}, sig[128];

	(void)arg; /* pthread's interface */
	while (!atomic_load(&stop)) {
		CK_ULONG n = sizeof(sig);

		must(f->C_SignInit(s, &m, raw_key) == CKR_OK, "C_SignInit");
		must(f->C_Sign(s, digest, sizeof(digest), sig, &n) == CKR_OK, "C_Sign");
		atomic_fetch_add(&done, 1);
	}
	must(f->C_CloseSession(s) == CKR_OK, "C_CloseSession");
	return NULL;
}

static void *
hsm_loop(void *arg)
{
	unsigned char digest[32] = {1};
	struct buf sig = {0};

	(void)arg; /* pthread's interface */
	while (!atomic_load(&stop)) {
		buf_clear(&sig);
		must(hsm_sign(key, (struct span){digest, 32}, &sig, NULL) == E_OK, "hsm_sign");
		atomic_fetch_add(&done, 1);
	}
	buf_free(&sig);
	return NULL;
}

static double
cpu_us(void)
{
	struct rusage u;

	must(getrusage(RUSAGE_SELF, &u) == 0, "getrusage");
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static struct result
run(void *(*loop)(void *), unsigned threads, unsigned ms)
{
	pthread_t t[THREADS_MAX];
	double cpu = cpu_us();
	int64_t start = clock_mono_us(), us;
	unsigned i;

	atomic_store(&stop, false);
	atomic_store(&done, 0);
	for (i = 0; i < threads; i++)
		must(pthread_create(&t[i], NULL, loop, NULL) == 0, "pthread_create");
	usleep(ms * 1000);
	atomic_store(&stop, true);
	for (i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	us = clock_mono_us() - start;
	return (struct result){(double)atomic_load(&done) * 1e6 / (double)us,
			       (cpu_us() - cpu) / (double)atomic_load(&done)};
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static void
compare(unsigned threads, unsigned rounds, unsigned ms)
{
	double raw[ROUNDS_MAX], raw_cpu[ROUNDS_MAX], ours[ROUNDS_MAX], cpu[ROUNDS_MAX];
	double ratio[ROUNDS_MAX];
	unsigned i;

	for (i = 0; i < rounds; i++) {
		struct result a = run(raw_loop, threads, ms), b = run(hsm_loop, threads, ms);

		raw[i] = a.rate;
		raw_cpu[i] = a.cpu;
		ours[i] = b.rate;
		cpu[i] = b.cpu;
		ratio[i] = b.rate / a.rate;
	}
	printf("%u threads: C_Sign %.0f/s %.0f us CPU, hsm_sign %.0f/s %.0f us CPU, ratio %.2f\n",
	       threads, median(raw, rounds), median(raw_cpu, rounds), median(ours, rounds),
	       median(cpu, rounds), median(ratio, rounds));
}

static void
open_all(void)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE t = {CKA_CLASS, &class, sizeof(class)};
	struct buf point = {0};
	struct hsm *h;
	CK_SESSION_HANDLE s;
	CK_ULONG n = 0;

	fx.conf.sessions = THREADS_MAX;
	must(hsm_open(&fx.conf, 1, &h, NULL) == E_OK, "hsm_open");
	must(hsm_key_generate(h, "main", algo_get(ALGO_P256), fixture_id(1), "k", &point, NULL) ==
		     E_OK,
	     "hsm_key_generate");
	must(hsm_key_find(h, "main", fixture_id(1), &key, NULL) == E_OK, "hsm_key_find");
	buf_free(&point);
	f = fixture_functions(&fx);
	slot = fixture_slot(&fx);
	s = session();
	must(f->C_FindObjectsInit(s, &t, 1) == CKR_OK &&
		     f->C_FindObjects(s, &raw_key, 1, &n) == CKR_OK && n == 1 &&
		     f->C_FindObjectsFinal(s) == CKR_OK,
	     "C_FindObjects");
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5;
	unsigned ms = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 500;
	unsigned threads;

	if (rounds < 1 || rounds > ROUNDS_MAX || ms < 1)
		return 2;
	if (!fixture_softhsm(&fx, "bench"))
		return 77;
	open_all();
	for (threads = 1; threads <= THREADS_MAX; threads *= 2)
		compare(threads, rounds, ms);
	fixture_free(&fx);
	return 0;
}
