/* SPDX-License-Identifier: Apache-2.0 */
/* The pools are shared by all threads: caches, anchors and the one owner of an EMAID. */
#include "tests/pool/fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define ROUNDS  12

struct worker {
	pthread_t thread;
	struct fixture *f;
	struct buf exi;
	char pcid[PCID_MAX];
	unsigned index;
	atomic_uint ok, refused, other;
};

/* Asks without the fixture's error, which is for one thread. */
static void *
ask(void *arg)
{
	struct worker *w = arg;
	struct install_query q = {"t", "cpo-1", buf_span(&w->exi), NAMESPACE_2};

	for (int i = 0; i < ROUNDS; i++) {
		struct install_answer out;
		struct err e = {0};

		if (pool_install(w->f->pool, &q, &out, &e) != E_OK)
			w->other++;
		else if (out.positive)
			w->ok++;
		else
			w->refused++;
		install_answer_free(&out);
	}
	return NULL;
}

static void *
order_same_emaid(void *arg)
{
	struct worker *w = arg;
	struct contract_order o = {.actor = MO,
				   .emaid = EMAID_A,
				   .pcid = w->pcid,
				   .xmlns = NAMESPACE_2,
				   .begins = clock_now() - 60,
				   .ends = clock_now() + DAY};

	for (int i = 0; i < ROUNDS; i++) {
		struct err e = {0};
		enum err_code rc;
		char id[32];

		(void)snprintf(id, sizeof(id), "t-%u-%d", w->index, i);
		o.request_id = id;
		rc = pool_contract_generate(w->f->pool, &o, &e);
		if (rc == E_OK)
			w->ok++;
		else if (rc == E_EMAID_TAKEN)
			w->refused++;
		else
			w->other++;
	}
	return NULL;
}

static void
run_all(struct worker *w, void *(*run)(void *))
{
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, run, &w[i]), 0);
}

static void
join_all(struct worker *w)
{
	for (unsigned i = 0; i < THREADS; i++)
		(void)pthread_join(w[i].thread, NULL);
}

static void
roots_may_come_and_go_while_cars_ask(void **state)
{
	struct fixture *f = *state;
	struct worker w[THREADS] = {0};
	struct root_row row;

	put_vehicle(f, &f->car);
	put_contract(f, EMAID_A, PCID_A);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i].f = f;
		make_request(f, &f->car, NULL, 0, &w[i].exi);
	}
	run_all(w, ask);
	for (int i = 0; i < ROUNDS; i++) {
		expect(f, pool_root_delete(f->pool, "admin", f->root[ROW_MO].id, &f->e), E_OK);
		expect(f,
		       pool_root_put(f->pool, "admin", buf_span(&f->root[ROW_MO].der), ROOT_MO,
				     &row, &f->e),
		       E_OK);
		(void)str_copy(f->root[ROW_MO].id, sizeof(f->root[ROW_MO].id), row.id);
		root_row_free(&row);
	}
	join_all(w);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(w[i].other, 0);
		assert_int_equal(w[i].ok + w[i].refused, ROUNDS);
		buf_free(&w[i].exi);
	}
	install_gives(f, &f->car, "OK");
}

static void
emaid_ordered_for_four_cars_at_once_has_one_owner(void **state)
{
	struct fixture *f = *state;
	struct worker w[THREADS] = {0};
	unsigned winners = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		struct soft_key car;

		w[i].f = f;
		w[i].index = i;
		(void)snprintf(w[i].pcid, sizeof(w[i].pcid), "WVA%014u", i);
		expect(f, soft_car(&f->pki, w[i].pcid, &car, &f->e), E_OK);
		put_vehicle(f, &car);
		soft_key_free(&car);
	}
	run_all(w, order_same_emaid);
	join_all(w);
	for (unsigned i = 0; i < THREADS; i++) {
		winners += w[i].ok > 0;
		assert_int_equal(w[i].other, 0);
		assert_int_equal(w[i].ok > 0 ? w[i].ok : w[i].refused, ROUNDS);
	}
	assert_int_equal(winners, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(roots_may_come_and_go_while_cars_ask),
		T(emaid_ordered_for_four_cars_at_once_has_one_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
