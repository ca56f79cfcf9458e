/* SPDX-License-Identifier: Apache-2.0 */
/* The table of module differences, walked without a module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "hsm/p11.h"

static const struct quirks *
row_for(const char *manufacturer)
{
	CK_INFO info = {0};

	memset(info.manufacturerID, ' ', sizeof(info.manufacturerID));
	memcpy(info.manufacturerID, manufacturer, strlen(manufacturer));
	return quirks_for(&info);
}

static void
module_is_known_by_its_manufacturer(void **state)
{
	(void)state;
	assert_string_equal(row_for("SoftHSM")->name, "SoftHSM");
	assert_string_equal(row_for("Mozilla Foundation")->name, "NSS softokn");
	assert_string_equal(row_for("Acme HSM")->name, "default");
	assert_string_equal(row_for("")->name, "default");
}

static void
stale_handle_is_a_matter_of_the_module(void **state)
{
	(void)state;
	assert_int_equal(rv_classify(row_for("SoftHSM"), 0x82), RV_KEY_LOST);
	assert_int_equal(rv_classify(row_for("SoftHSM"), 0x02), RV_FAILED);
	assert_int_equal(rv_classify(row_for("Mozilla Foundation"), 0x02), RV_KEY_LOST);
	assert_int_equal(rv_classify(row_for("Acme"), CKR_DEVICE_REMOVED), RV_TOKEN_LOST);
	assert_int_equal(rv_classify(row_for("Acme"), CKR_SESSION_CLOSED), RV_SESSION_LOST);
	assert_int_equal(rv_classify(row_for("Acme"), CKR_OK), RV_GOOD);
	assert_int_equal(rv_classify(row_for("Acme"), 0x80000001UL), RV_FAILED);
}

static void
every_row_has_a_time_between_initialisations(void **state)
{
	(void)state;
	assert_int_equal(row_for("SoftHSM")->reinit_us, 2000000);
	assert_int_equal(row_for("Mozilla Foundation")->reinit_us, 30000000);
	assert_int_equal(row_for("Acme")->reinit_us, 30000000);
}

static void
point_is_taken_out_of_its_octet_string(void **state)
{
	enum algo_id id;

	(void)state;
	for (id = ALGO_P256; id < ALGO_COUNT; id++) {
		const struct algo *a = algo_get(id);
		uint8_t raw[200] = {0x04};
		size_t head = a->point_len < 0x80 ? 2 : 3;
		struct span got;

		raw[1] = 0x81;
		raw[head - 1] = (uint8_t)a->point_len;
		got = point_unwrap(row_for("SoftHSM"), a, (struct span){raw, a->point_len + head});
		assert_ptr_equal(got.p, raw + head);
		assert_int_equal(got.n, a->point_len);
		got = point_unwrap(row_for("SoftHSM"), a, (struct span){raw, a->point_len});
		assert_int_equal(got.n, 0);
		got = point_unwrap(row_for("Acme"), a, (struct span){raw, a->point_len});
		assert_int_equal(got.n, a->point_len);
		raw[head - 1]--;
		got = point_unwrap(row_for("Acme"), a, (struct span){raw, a->point_len + head});
		assert_int_equal(got.n, 0);
	}
}

static void
curve_is_known_by_its_parameters(void **state)
{
	enum algo_id id;

	(void)state;
	for (id = ALGO_P256; id < ALGO_COUNT; id++)
		assert_ptr_equal(algo_by_params(algo_get(id)->curve_params), algo_get(id));
	assert_ptr_equal(algo_by_params(SPAN_LIT("\x13\x0a"
						 "edwards448")),
			 algo_get(ALGO_ED448));
	assert_null(algo_by_params(SPAN_LIT("\x06\x05\x2b\x81\x04\x00\x22"))); /* P-384 */
	assert_null(algo_by_params(SPAN_LIT("")));
}

/* I-34: what a key of ours may do is sign, and nothing else. */
static void
template_makes_keys_that_only_sign(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < attr_row_count; i++) {
		bool yes = attr_rows[i].bit == ATTR_TOKEN || attr_rows[i].bit == ATTR_PRIVATE ||
			   attr_rows[i].bit == ATTR_SENSITIVE || attr_rows[i].bit == ATTR_SIGN ||
			   attr_rows[i].bit == ATTR_ALWAYS_SENSITIVE ||
			   attr_rows[i].bit == ATTR_NEVER_EXTRACTABLE;

		assert_int_equal(attr_rows[i].want, yes);
	}
}

static void
slot_names_have_three_forms(void **state)
{
	(void)state;
	assert_int_equal(slot_spec_check("label:x", NULL), E_OK);
	assert_int_equal(slot_spec_check("serial:0123", NULL), E_OK);
	assert_int_equal(slot_spec_check("id:5", NULL), E_OK);
	assert_int_equal(slot_spec_check("label:", NULL), E_CONFIG);
	assert_int_equal(slot_spec_check("serial:", NULL), E_CONFIG);
	assert_int_not_equal(slot_spec_check("id:", NULL), E_OK);
	assert_int_not_equal(slot_spec_check("id:0x5", NULL), E_OK);
	assert_int_equal(slot_spec_check("5", NULL), E_CONFIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(module_is_known_by_its_manufacturer),
		cmocka_unit_test(stale_handle_is_a_matter_of_the_module),
		cmocka_unit_test(every_row_has_a_time_between_initialisations),
		cmocka_unit_test(point_is_taken_out_of_its_octet_string),
		cmocka_unit_test(curve_is_known_by_its_parameters),
		cmocka_unit_test(template_makes_keys_that_only_sign),
		cmocka_unit_test(slot_names_have_three_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
