/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>

#include "ca/flight.h"
#include "test.h"

static struct flights all;
static atomic_int inside, most;

static void *
fly(void *arg)
{
	struct flight f;
	int i, now;

	for (i = 0; i < 200; i++) {
		flight_begin(&all, &f, arg);
		now = atomic_fetch_add(&inside, 1) + 1;
		if (now > atomic_load(&most))
			atomic_store(&most, now);
		(void)sched_yield(); /* cannot fail on Linux */
		atomic_fetch_sub(&inside, 1);
		flight_end(&all, &f);
	}
	return NULL;
}

static void
run(char ids[8][2])
{
	pthread_t threads[8];
	size_t i;

	atomic_store(&inside, 0);
	atomic_store(&most, 0);
	flights_init(&all);
	for (i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fly, ids[i]), 0);
	for (i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_null(all.first);
	flights_destroy(&all);
}

static void
one_id_is_worked_on_by_one_thread(void **state)
{
	char same[8][2] = {"a", "a", "a", "a", "a", "a", "a", "a"};

	(void)state;
	run(same);
	assert_int_equal(atomic_load(&most), 1);
}

static void
other_ids_do_not_wait(void **state)
{
	struct flight a, b;

	(void)state;
	flights_init(&all);
	flight_begin(&all, &a, "a");
	flight_begin(&all, &b, "b");
	flight_end(&all, &a);
	flight_end(&all, &b);
	assert_null(all.first);
	flights_destroy(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_id_is_worked_on_by_one_thread),
		cmocka_unit_test(other_ids_do_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
