/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "policy/ident.h"
#include "sample.h"

static json_t *vectors;

static const char *
member(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static void
emaid_refused(const char *s, const char *part)
{
	struct emaid m;
	struct err e = {0};

	assert_int_equal(emaid_parse(s, CHECK_WARN, &m, &e), E_EMAID);
	if (strstr(e.text, part) == NULL)
		fail_msg("\"%s\": \"%s\" does not say \"%s\"", s, e.text, part);
}

static void
check_digits_equal_the_vectors(void **state)
{
	json_t *row;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "emaid_check_digit"), i, row)
	{
		assert_int_equal(emaid_check_digit(member(row, "emaid14")),
				 member(row, "check")[0]);
	}
	assert_true(i >= 15);
}

static void
wrong_check_digits_warn_and_are_refused_only_when_enforced(void **state)
{
	json_t *row;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "emaid_published_with_wrong_check_digit"), i,
			   row)
	{
		struct emaid m;
		struct err e = {0};

		assert_int_equal(emaid_parse(member(row, "as_published"), CHECK_WARN, &m, &e),
				 E_OK);
		assert_int_equal(m.check, CHECK_WRONG);
		assert_string_equal(m.normal, member(row, "emaid15"));
		assert_int_equal(emaid_parse(member(row, "as_published"), CHECK_OFF, &m, &e), E_OK);
		assert_int_equal(m.check, CHECK_ABSENT);
		assert_int_equal(emaid_parse(member(row, "as_published"), CHECK_ENFORCE, &m, &e),
				 E_EMAID);
		assert_non_null(strstr(e.text, member(row, "computed")));
	}
	assert_int_equal(i, 5);
}

static void
emaid_normal_form_and_key_equal_the_vectors(void **state)
{
	json_t *row;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "emaid_normalise"), i, row)
	{
		struct emaid m;
		enum err_code rc = emaid_parse(member(row, "in"), CHECK_WARN, &m, NULL);

		if (json_is_true(json_object_get(row, "reject"))) {
			assert_int_equal(rc, E_EMAID);
			continue;
		}
		assert_int_equal(rc, E_OK);
		assert_string_equal(m.key, member(row, "key14"));
		if (member(row, "canonical15") != NULL)
			assert_string_equal(m.normal, member(row, "canonical15"));
		assert_memory_equal(m.provider, m.normal, 5);
		assert_int_equal(strlen(m.provider), 5);
	}
	assert_int_equal(i, 4);
}

static void
fourteen_and_fifteen_characters_are_one_contract_and_longer_ones_are_their_own_key(void **state)
{
	struct emaid a, b;

	(void)state;
	assert_int_equal(emaid_parse("DE-83D-UIEN83QGZ-D", CHECK_ENFORCE, &a, NULL), E_OK);
	assert_int_equal(emaid_parse("DE83DUIEN83QGZ", CHECK_ENFORCE, &b, NULL), E_OK);
	assert_string_equal(a.key, b.key);
	assert_int_equal(a.check, CHECK_RIGHT);
	assert_int_equal(b.check, CHECK_ABSENT);
	assert_int_equal(emaid_parse("DE83DUIEN83QGZ12", CHECK_ENFORCE, &a, NULL), E_OK);
	assert_string_equal(a.key, "DE83DUIEN83QGZ12");
	assert_int_equal(a.check, CHECK_ABSENT);
}

static void
malformed_emaids_are_refused_with_the_reason(void **state)
{
	(void)state;
	emaid_refused("", "0 characters");
	emaid_refused("DE83DUIEN83QG", "13 characters");
	emaid_refused("DE83DUIEN83QGZ1234567890123456789012", "36 characters");
	emaid_refused("DE83DUIEN83QGZ123456789012345678901234567890", "more than");
	emaid_refused("DE83DUIEN83_GZ", "character 12");
	emaid_refused("DE83D UIEN83GZ", "character 6");
	emaid_refused("D183DUIEN83QGZ", "country");
	emaid_refused("DE83DUIEN83QG\xc3\xa4", "character 14");
}

static void
the_explanation_names_the_right_digit(void **state)
{
	struct emaid m;
	struct buf b = {0};
	static const char *const cases[][2] = {
		{"DE83DUIEN83QGZ", "it would be 'D'"},
		{"DE83DUIEN83QGZD", "is right"},
		{"DE83DUIEN83QGZX", "gives 'D'"},
		{"DE83DUIEN83QGZX1", "cannot be told"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&b);
		assert_int_equal(emaid_parse(cases[i][0], CHECK_WARN, &m, NULL), E_OK);
		emaid_explain(&m, &b);
		assert_non_null(strstr(buf_cstr(&b), cases[i][1]));
	}
	buf_free(&b);
}

static void
every_substitution_and_adjacent_swap_changes_the_check_digit(void **state)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char id[] = "DE83DUIEN83QGZ";
	char right = emaid_check_digit(id);
	size_t i, j;

	(void)state;
	for (i = 0; i < 14; i++) {
		char old = id[i];

		for (j = 0; j < 36; j++) {
			id[i] = alphabet[j];
			assert_true((alphabet[j] == old) == (emaid_check_digit(id) == right));
		}
		id[i] = old;
		if (i == 13 || id[i] == id[i + 1])
			continue;
		id[i] = id[i + 1];
		id[i + 1] = old;
		assert_int_not_equal(emaid_check_digit(id), right);
		id[i + 1] = id[i];
		id[i] = old;
	}
}

static void
din_ids_become_emi3_ids(void **state)
{
	char out[EMAID_MAX];
	json_t *row;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "emaid_din91286_to_emi3"), i, row)
	{
		assert_int_equal(emaid_from_din(member(row, "din"), out, NULL), E_OK);
		assert_string_equal(out, member(row, "emi3"));
	}
	json_array_foreach(json_object_get(vectors, "din91286_check_digit"), i, row)
	{
		char whole[16] = "";

		strncat(whole, member(row, "id"), 11);
		strncat(whole, member(row, "check"), 1);
		assert_int_equal(emaid_from_din(whole, out, NULL), E_OK);
		whole[11] = whole[11] == '3' ? '4' : '3';
		assert_int_equal(emaid_from_din(whole, out, NULL), E_EMAID);
		assert_string_equal(out, "");
	}
	assert_int_equal(emaid_from_din("NL-TNM-01220-5", out, NULL), E_EMAID);
	assert_int_equal(emaid_from_din("NL-TNM-0122A4-5", out, NULL), E_EMAID);
	assert_int_equal(emaid_from_din("N1-TNM-012204-5", out, NULL), E_EMAID);
	assert_int_equal(emaid_from_din("NL-TNM-012204-55", out, NULL), E_EMAID);
}

static void
pcids_equal_the_vectors(void **state)
{
	json_t *row;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "pcid"), i, row)
	{
		struct pcid p;
		enum err_code rc = pcid_parse(member(row, "in"), &p, NULL);

		if (json_is_true(json_object_get(row, "reject"))) {
			assert_int_equal(rc, E_PCID);
			assert_string_equal(p.normal, "");
			continue;
		}
		assert_int_equal(rc, E_OK);
		assert_string_equal(p.normal, member(row, "key"));
		assert_string_equal(p.wmi, member(row, "wmi"));
	}
	assert_int_equal(pcid_parse("WP012345678901234_", &(struct pcid){0}, NULL), E_PCID);
	assert_int_equal(pcid_parse("WP01234567890123456", &(struct pcid){0}, NULL), E_PCID);
}

static void
station_names_equal_the_vectors(void **state)
{
	static const char *const lists[] = {"evseid", "seccid"};
	json_t *row;
	size_t i, k;

	(void)state;
	for (k = 0; k < 2; k++) {
		json_array_foreach(json_object_get(vectors, lists[k]), i, row)
		{
			struct station_id id;
			struct err e = {0};
			enum err_code rc = station_parse(member(row, "in"), &id, &e);

			if (json_is_true(json_object_get(row, "reject"))) {
				assert_int_not_equal(rc, E_OK);
				assert_string_equal(id.given, "");
				continue;
			}
			if (rc != E_OK)
				fail_msg("%s: %s", member(row, "in"), e.text);
			assert_int_equal(id.is_seccid, k == 1);
			assert_string_equal(id.given, member(row, "in"));
			if (member(row, "operator") != NULL)
				assert_string_equal(id.operator_id, member(row, "operator"));
		}
	}
}

static void
malformed_station_names_are_refused_with_the_reason(void **state)
{
	static const struct {
		const char *in;
		enum err_code code;
		const char *part;
	} cases[] = {
		{"DE*ABC*E", E_EVSEID, "0 characters"},
		{"DE*ABC*E***", E_EVSEID, "expected 1 to"},
		{"DE*ABC*E12345678901234567890123456789012", E_EVSEID, "32 characters"},
		{"DE*ABC*E12-34", E_EVSEID, "character 3"},
		{"DE*ABC*X1234", E_EVSEID, "not an EVSEID"},
		{"", E_EVSEID, "not an EVSEID"},
		{"DE-ABC-S-1234", E_SECCID, "at least 32"},
		{"DE-ABC-S-0123456789012345678901234567890*", E_SECCID, "neither letter"},
		{"DE-ABC-S-01234567890123456789012345678901-22", E_SECCID, "one check"},
		{"DEABCS0123456789012345678901234567890123456789012345678901234567890", E_EVSEID,
		 "at most 64"},
	};
	struct station_id id;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};

		assert_int_equal(station_parse(cases[i].in, &id, &e), cases[i].code);
		if (strstr(e.text, cases[i].part) == NULL)
			fail_msg("%s: %s", cases[i].in, e.text);
	}
	assert_int_equal(station_parse("de*abc*e1*2", &id, NULL), E_OK);
	assert_string_equal(id.given, "de*abc*e1*2");
	assert_string_equal(id.normal, "DEABCE12");
	assert_int_equal(station_parse("de-abc-s-0123456789abcdef0123456789abcdef-1", &id, NULL),
			 E_OK);
	assert_string_equal(id.normal, "DEABCS0123456789ABCDEF0123456789ABCDEF1");
}

static void
prefixes_are_upper_cased_or_refused(void **state)
{
	char out[PREFIX_MAX];

	(void)state;
	assert_int_equal(wmi_parse("wva", out, NULL), E_OK);
	assert_string_equal(out, "WVA");
	assert_int_equal(wmi_parse("wv", out, NULL), E_PREFIX);
	assert_int_equal(wmi_parse("wvaa", out, NULL), E_PREFIX);
	assert_int_equal(wmi_parse("w-a", out, NULL), E_PREFIX);
	assert_int_equal(party_id_parse("deabc", out, NULL), E_OK);
	assert_string_equal(out, "DEABC");
	assert_int_equal(party_id_parse("DE*8aa", out, NULL), E_OK);
	assert_string_equal(out, "DE8AA");
	assert_int_equal(party_id_parse("DE-8aa", out, NULL), E_OK);
	assert_int_equal(party_id_parse("D1abc", out, NULL), E_PREFIX);
	assert_int_equal(party_id_parse("DEABCD", out, NULL), E_PREFIX);
	assert_int_equal(party_id_parse("DEAB", out, NULL), E_PREFIX);
	assert_int_equal(party_id_parse("DEA_C", out, NULL), E_PREFIX);
}

static void
namespaces_name_their_edition(void **state)
{
	(void)state;
	assert_int_equal(edition_from_namespace(NAMESPACE_2), EDITION_2);
	assert_int_equal(edition_from_namespace("urn:iso:15118:20:2022:MsgDef"), EDITION_20);
	assert_int_equal(edition_from_namespace("urn:iso:15118:20:2020:MsgDef"), EDITION_20);
	assert_int_equal(edition_from_namespace("urn:iso:std:iso:15118:-20:CommonMessages"),
			 EDITION_20);
	assert_int_equal(edition_from_namespace("urn:iso:15118:2:2010:MsgDef"), EDITION_NONE);
	assert_int_equal(edition_from_namespace(""), EDITION_NONE);
}

static int
load(void **state)
{
	struct buf text = {0};
	enum err_code rc = E_IO;

	(void)state;
	if (sample_read("VECTORS", "protocol/ids.json", &text))
		rc = json_parse(buf_span(&text), &vectors, NULL);
	buf_free(&text);
	return rc == E_OK ? 0 : -1;
}

static int
unload(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_digits_equal_the_vectors),
		cmocka_unit_test(wrong_check_digits_warn_and_are_refused_only_when_enforced),
		cmocka_unit_test(emaid_normal_form_and_key_equal_the_vectors),
		cmocka_unit_test(
			fourteen_and_fifteen_characters_are_one_contract_and_longer_ones_are_their_own_key),
		cmocka_unit_test(malformed_emaids_are_refused_with_the_reason),
		cmocka_unit_test(the_explanation_names_the_right_digit),
		cmocka_unit_test(every_substitution_and_adjacent_swap_changes_the_check_digit),
		cmocka_unit_test(din_ids_become_emi3_ids),
		cmocka_unit_test(pcids_equal_the_vectors),
		cmocka_unit_test(station_names_equal_the_vectors),
		cmocka_unit_test(malformed_station_names_are_refused_with_the_reason),
		cmocka_unit_test(prefixes_are_upper_cased_or_refused),
		cmocka_unit_test(namespaces_name_their_edition),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
