/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"

/* Parses text, expects a refusal at this place whose text holds word. */
static void
refused(const char *text, const char *place, const char *word)
{
	struct conf *c = NULL;
	struct err e = {0};

	assert_int_equal(conf_parse(span_str(text), "dir/x.conf", &c, &e), E_CONFIG);
	assert_null(c);
	if (strstr(e.text, place) == NULL || strstr(e.text, word) == NULL)
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", e.text, place, word);
}

static struct conf *
parsed(const char *text, const char *name)
{
	struct conf *c = NULL;
	struct err e = {0};

	if (conf_parse(span_str(text), name, &c, &e) != E_OK)
		fail_msg("%s", e.text);
	return c;
}

static void
an_empty_file_gives_the_defaults(void **state)
{
	struct conf *c = parsed("", "x.conf");

	(void)state;
	assert_int_equal(conf_int(c, "server.participant_port"), 8443);
	assert_string_equal(conf_str(c, "tls.cert"), "tls.pem");
	assert_string_equal(conf_str(c, "pki.country"), "");
	assert_null(conf_instance(c, "token", 0));
	assert_null(conf_str(c, "token.main.module"));
	assert_int_equal(conf_list_len(c, "token.main.slots"), 0);
	conf_free(c);
	conf_free(NULL);
}

static void
values_of_all_types_are_read(void **state)
{
	struct conf *c = parsed("# a comment\n"
				"server:\n"
				"  admin_port: 9444 # where operators come in\n"
				"pki:\n"
				"  name: 'it''s us'\n"
				"  country: NO\n"
				"tls:\n"
				"  cert: a/b.pem\n"
				"  key: \"/k.pem\"\n"
				"token:\n"
				"  main:\n"
				"    module: /usr/lib/p11.so\n"
				"    slots: [\"label:one\", 'serial:0123']\n"
				"    pin_file: credential:pin\n"
				"  spare:\n"
				"    sessions: 2\n"
				"    slots:\n"
				"      - id:5\n",
				"/etc/v2gpki/x.conf");

	(void)state;
	assert_int_equal(conf_int(c, "server.admin_port"), 9444);
	assert_string_equal(conf_str(c, "pki.name"), "it's us");
	assert_string_equal(conf_str(c, "pki.country"), "NO");
	assert_string_equal(conf_str(c, "tls.cert"), "/etc/v2gpki/a/b.pem");
	assert_string_equal(conf_str(c, "tls.key"), "/k.pem");
	assert_string_equal(conf_str(c, "store.url"), "sqlite:/etc/v2gpki/store.db");
	assert_string_equal(conf_instance(c, "token", 0), "main");
	assert_string_equal(conf_instance(c, "token", 1), "spare");
	assert_null(conf_instance(c, "token", 2));
	assert_string_equal(conf_str(c, "token.main.pin_file"), "credential:pin");
	assert_int_equal(conf_int(c, "token.main.sessions"), 4);
	assert_int_equal(conf_int(c, "token.spare.sessions"), 2);
	assert_null(conf_str(c, "token.spare.module"));
	assert_int_equal(conf_list_len(c, "token.main.slots"), 2);
	assert_string_equal(conf_list_at(c, "token.main.slots", 1), "serial:0123");
	assert_null(conf_list_at(c, "token.main.slots", 2));
	assert_string_equal(conf_list_at(c, "token.spare.slots", 0), "id:5");
	conf_free(c);
}

static void
unknown_and_repeated_names_are_refused(void **state)
{
	(void)state;
	refused("servers:\n  admin_port: 1\n", "line 1 column 1", "unknown section");
	refused("pki:\n  name: x\n  nmae: x\n", "line 3 column 3", "unknown key");
	refused("pki:\n  name: x\n  name: y\n", "line 3 column 3", "repeated");
	refused("pki:\n  name: x\npki:\n  country: DE\n", "line 3 column 1", "repeated section");
	refused("token:\n  a:\n    sessions: 1\n  a:\n    sessions: 1\n", "line 4 column 3",
		"repeated");
	refused("token:\n  A:\n    sessions: 1\n", "line 2 column 3", "expected a name");
	refused("token:\n  main:\n    colour: red\n", "line 3 column 5", "unknown key");
	refused("dir/x.conf: 1\n", "dir/x.conf: line 1", "unknown section");
}

static void
numbers_are_read_strictly(void **state)
{
	static const char *const bad[] = {
		"84x3", "010", "0x10", "1_000", "+1", "-1", "1.0", "65536", "99999999999999999999",
		"1e3",  "1 2"};
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(text, sizeof(text), "server:\n  admin_port: %s\n", bad[i]);
		refused(text, "line 2 column 15", "expected a decimal number");
	}
	refused("server:\n  admin_port: '8444'\n", "line 2 column 15", "quoted");
	refused("server:\n  workers: 0\n", "line 2 column 12", "from 1 to 256");
}

static void
values_out_of_shape_are_refused(void **state)
{
	(void)state;
	refused("pki:\n  country: DEU\n", "line 2 column 12", "expected 0 to 2");
	refused("log:\n  level: info|warn\n", "line 2 column 10", "expected one of");
	refused("log:\n  level: inf\n", "line 2 column 10", "expected one of");
	refused("log:\n  level: \"\"\n", "line 2 column 10", "expected one of");
	refused("log:\n  level:\n", "line 2", "has no value");
	refused("pki:\n  name: ~\n", "line 2 column 9", "has no value");
	refused("pki:\n  name: null\n", "line 2 column 9", "has no value");
	refused("pki:\n  name: [a]\n", "line 2 column 9", "expected one value");
	refused("token:\n  m:\n    slots: label:x\n", "line 3 column 12", "expected a list");
	refused("token:\n  m:\n    slots: []\n", "line 3", "at least 1");
	refused("token:\n  m:\n    slots: [a, b, c, d, e]\n", "line 3", "more than 4");
	refused("token:\n  m:\n    slots: [[a]]\n", "line 3", "list of texts");
	refused("token:\n  m:\n    slots: [~]\n", "line 3", "has no value");
	refused("server: 1\n", "line 1", "keys below the section");
	refused("token: 1\n", "line 1", "names below the section");
	refused("- a\n", "line 1", "sections");
}

static void
yaml_beyond_the_subset_is_refused(void **state)
{
	(void)state;
	refused("pki: &a\n  name: x\n", "line 1", "anchors");
	refused("pki:\n  name: &a x\n", "line 2", "anchors");
	refused("pki:\n  name: *a\n", "line 2", "alias");
	refused("pki:\n  name: !!str x\n", "line 2", "tags");
	refused("pki: {name: x}\n", "line 1", "one key a line");
	refused("pki:\n  name: |\n    x\n", "line 2", "one line");
	refused("pki:\n  name: a\n    b\n", "line 2", "one line");
	refused("pki:\n  name: \"a\\0b\"\n", "line 2", "NUL");
	refused("%YAML 1.1\n---\npki:\n  name: x\n", "line", "directives");
	refused("pki:\n  name: x\n---\npki:\n  name: x\n", "line 3", "one document");
	refused("pki:\n  ? [a]\n  : b\n", "line 2", "expected a key");
	refused("pki:\n  name: 'x\n", "line", "");
	refused("token:\n  m:\n    slots: &a [x]\n", "line 3", "anchors");
}

static void
tabs_and_control_characters_are_refused(void **state)
{
	(void)state;
	refused("pki:\n\tname: x\n", "line 2 column 1", "tab");
	refused("pki:\n  name:\tx\n", "line 2 column 8", "tab");
	refused("pki:\r\n  name: x\r\n", "line 1 column 5", "control");
	refused("pki:\n  name: \"x\x01\"\n", "line 2", "control");
	refused("pki:\n  name: \xff\n", "line", "");
}

static void
too_many_instances_are_refused(void **state)
{
	struct buf text = {0};
	int i;

	(void)state;
	buf_put_str(&text, "token:\n");
	for (i = 0; i < CONF_INSTANCES_MAX + 1; i++)
		buf_printf(&text, "  t%d:\n    sessions: 1\n", i);
	refused(buf_cstr(&text), "line 34", "more than 16");
	buf_free(&text);
}

static void
a_file_is_loaded_and_a_missing_one_named(void **state)
{
	char path[] = "/tmp/test-conf-XXXXXX";
	struct conf *c = NULL;
	struct err e = {0};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "auth:\n  token_seconds: 61\n", 26), 26);
	close(fd);
	assert_int_equal(conf_load(path, &c, &e), E_OK);
	assert_int_equal(conf_int(c, "auth.token_seconds"), 61);
	assert_string_equal(conf_str(c, "tls.key"), "/tmp/tls.key");
	conf_free(c);
	unlink(path);
	assert_int_equal(conf_load(path, &c, &e), E_CONFIG);
	assert_non_null(strstr(e.text, path));
	err_clear(&e);
	assert_int_equal(conf_load("/tmp", &c, &e), E_CONFIG);
}

static void
every_item_has_a_sentence_and_a_default_that_it_accepts(void **state)
{
	struct conf *c = parsed("token:\n  m:\n    sessions: 1\n", "x.conf");
	size_t i;

	(void)state;
	for (i = 0; i < conf_item_count; i++) {
		const char *doc = conf_items[i].doc;

		assert_true(doc[strlen(doc) - 1] == '.');
		assert_true(conf_items[i].min <= conf_items[i].max);
		if (conf_items[i].type == CONF_INT || conf_items[i].type == CONF_BOOL)
			assert_non_null(conf_items[i].def);
	}
	conf_free(c);
}

static void
an_item_is_overridden_as_strictly_as_it_is_read(void **state)
{
	static const char *const bad[] = {"server.admin_port",
					  "server=1",
					  "server.admin_port=x",
					  "token.m.sessions=1",
					  "server.colour=red",
					  "log.level=loud",
					  "=",
					  "server.admin_port=0x1"};
	struct conf *c = parsed("server:\n  admin_port: 1\n", "/etc/x.conf");
	struct err e = {0};
	size_t i;

	(void)state;
	assert_int_equal(conf_override(c, "server.admin_port=2", &e), E_OK);
	assert_int_equal(conf_override(c, "tls.cert=a.pem", &e), E_OK);
	assert_int_equal(conf_int(c, "server.admin_port"), 2);
	assert_string_equal(conf_str(c, "tls.cert"), "a.pem");
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		err_clear(&e);
		assert_int_equal(conf_override(c, bad[i], &e), E_CONFIG);
	}
	conf_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(values_of_all_types_are_read),
		cmocka_unit_test(unknown_and_repeated_names_are_refused),
		cmocka_unit_test(numbers_are_read_strictly),
		cmocka_unit_test(values_out_of_shape_are_refused),
		cmocka_unit_test(yaml_beyond_the_subset_is_refused),
		cmocka_unit_test(tabs_and_control_characters_are_refused),
		cmocka_unit_test(an_item_is_overridden_as_strictly_as_it_is_read),
		cmocka_unit_test(too_many_instances_are_refused),
		cmocka_unit_test(a_file_is_loaded_and_a_missing_one_named),
		cmocka_unit_test(every_item_has_a_sentence_and_a_default_that_it_accepts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
