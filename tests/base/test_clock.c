/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

static void
times_are_written_and_read_alike(void **state)
{
	static const int64_t at[] = {0, 951782400, 1709164800, 4102444799, 253402300799};
	char text[RFC3339_LEN];
	int64_t back;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		clock_format(at[i], text);
		assert_int_equal(clock_parse(text, &back, NULL), E_OK);
		assert_true(back == at[i]);
	}
	clock_format(1709164800, text);
	assert_string_equal(text, "2024-02-29T00:00:00Z");
}

static void
offsets_and_fractions_are_read(void **state)
{
	int64_t t;

	(void)state;
	assert_int_equal(clock_parse("1970-01-01T01:00:00.123+01:00", &t, NULL), E_OK);
	assert_true(t == 0);
	assert_int_equal(clock_parse("1970-01-01T00:00:00-00:30", &t, NULL), E_OK);
	assert_true(t == 1800);
}

static void
bad_times_are_refused(void **state)
{
	static const char *const bad[] = {"",
					  "2026-01-01",
					  "2026-02-30T00:00:00Z",
					  "2026-01-01T00:00:00",
					  "2026-01-01T00:00:60Z",
					  "2026-01-01T00:00:00.Z",
					  "2026-01-01T00:00:00+1",
					  "2026-01-01T00:00:00+24:00",
					  "2026-1-01T00:00:00Z",
					  "2026-01-01T00:00:00Zx"};
	int64_t t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(clock_parse(bad[i], &t, NULL), E_TIME);
}

static void
every_day_of_400_years_survives(void **state)
{
	int64_t day, back;

	(void)state;
	for (day = -20000; day < 146097; day++) {
		struct civil c = clock_to_civil(day * DAY + 3661);

		assert_true(clock_from_civil(c.year, c.month, c.day, c.hour, c.minute, c.second,
					     &back));
		assert_true(back == day * DAY + 3661);
	}
}

#ifdef TEST_HOOKS
static void
the_test_clock_moves_time(void **state)
{
	(void)state;
	assert_int_equal(setenv("V2GPKI_TEST_CLOCK", "1000", 1), 0);
	assert_true(clock_now() == 1000);
	assert_int_equal(setenv("V2GPKI_TEST_CLOCK", "+86400", 1), 0);
	assert_true(clock_now() > 1700000000 + DAY);
	assert_int_equal(unsetenv("V2GPKI_TEST_CLOCK"), 0);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_written_and_read_alike),
		cmocka_unit_test(offsets_and_fractions_are_read),
		cmocka_unit_test(bad_times_are_refused),
		cmocka_unit_test(every_day_of_400_years_survives),
#ifdef TEST_HOOKS
		cmocka_unit_test(the_test_clock_moves_time),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
