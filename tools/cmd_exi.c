/* SPDX-License-Identifier: Apache-2.0 */
/* v2gpki exi: messages as JSON and back, and why a signature does not fit. Works without the
 * daemon. */
#include "tools/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "iso15118/exi_json.h"
#include "iso15118/install.h"
#include "tools/file.h"
#include "tools/options.h"

#define JSON_INPUT_MAX 1048576 /* bytes */

struct exi_options {
	struct common common;
	const char *set;
	bool hex, base64;
	struct arguments args;
};

static bool
parse(const struct usage *u, struct exi_options *o, int argc, char **argv, int *status)
{
	const struct opt own[] = {
		{"set", "SET", &o->set, NULL,
		 "iso2-doc (default), iso2-frag, xmldsig-frag, iso20-doc, iso20-frag"},
		{"hex", NULL, NULL, &o->hex, "the EXI is hex text"},
		{"base64", NULL, NULL, &o->base64, "the EXI is base64 text"},
	};

	o->args = (struct arguments){argv, argc};
	if (!options_parse(u, own, ARRAY_LEN(own), &o->common, &o->args, status))
		return false;
	if (o->hex && o->base64) {
		fprintf(stderr, "%s: --hex or --base64, not both\n", u->command);
		*status = EXIT_USAGE;
		return false;
	}
	return true;
}

static enum err_code
set_of(const struct exi_options *o, enum exi_set *set, struct err *e)
{
	*set = exi_set_by_name(o->set != NULL ? o->set : "iso2-doc");
	if (*set == EXI_SET_COUNT)
		return err_set(e, E_USAGE,
			       "--set %s: expected iso2-doc, iso2-frag, xmldsig-frag, iso20-doc or "
			       "iso20-frag",
			       o->set);
	return E_OK;
}

/* Hex text may have white space between digits, as dumps have. */
static enum err_code
from_hex(const struct buf *text, struct buf *out, struct err *e)
{
	struct buf digits = {0};
	enum err_code rc;
	size_t i;

	for (i = 0; i < text->n; i++)
		if (strchr(" \t\r\n", text->p[i]) == NULL || text->p[i] == '\0')
			buf_put_u8(&digits, text->p[i]);
	if ((rc = buf_ok(&digits, e)) == E_OK)
		rc = hex_decode(buf_span(&digits), out, e);
	buf_free(&digits);
	return rc;
}

static enum err_code
read_exi(const struct exi_options *o, struct buf *exi, struct err *e)
{
	struct buf file = {0};
	enum err_code rc;

	if ((rc = file_read(o->args.v[0], (size_t)2 * EXI_INPUT_MAX, &file, e)) != E_OK)
		goto out;
	if (o->hex)
		rc = from_hex(&file, exi, e);
	else if (o->base64)
		rc = base64_decode(buf_span(&file), exi, e);
	else
		buf_put_span(exi, buf_span(&file));
	if (rc == E_OK)
		rc = buf_ok(exi, e);
out:
	buf_free(&file);
	return rc;
}

/* To the file of -o, or to stdout. */
static enum err_code
write_out(const struct exi_options *o, const struct buf *b, struct err *e)
{
	if (o->common.out != NULL)
		return file_write(o->common.out, 0644, buf_span(b), e);
	if (fwrite(b->p, 1, b->n, stdout) != b->n || fflush(stdout) != 0)
		return err_set(e, E_IO, "standard output cannot be written");
	return E_OK;
}

static enum err_code
decode(const struct exi_options *o, struct err *e)
{
	struct buf exi = {0}, text = {0};
	struct exi_tree tree = {0};
	enum exi_set set = EXI_ISO2_DOC;
	enum err_code rc;

	if ((rc = set_of(o, &set, e)) != E_OK)
		goto out;
	if ((rc = read_exi(o, &exi, e)) != E_OK)
		goto out;
	if ((rc = exi_decode(set, buf_span(&exi), &tree, e)) != E_OK)
		goto out;
	if ((rc = exi_json_dump(&tree, &text, e)) != E_OK)
		goto out;
	buf_put_u8(&text, '\n');
	if ((rc = buf_ok(&text, e)) == E_OK)
		rc = write_out(o, &text, e);
out:
	exi_tree_free(&tree);
	buf_free(&text);
	buf_free(&exi);
	return rc;
}

static enum err_code
encode(const struct exi_options *o, struct err *e)
{
	struct buf text = {0}, exi = {0}, shown = {0};
	struct exi_tree tree = {0};
	enum exi_set set = EXI_ISO2_DOC;
	json_t *json = NULL;
	enum err_code rc;

	if ((rc = set_of(o, &set, e)) != E_OK)
		goto out;
	if ((rc = file_read(o->args.v[0], JSON_INPUT_MAX, &text, e)) != E_OK)
		goto out;
	if ((rc = exi_json_parse(buf_span(&text), &json, e)) != E_OK)
		goto out;
	if ((rc = exi_json_to_tree(set, json, &tree, e)) != E_OK)
		goto out;
	if ((rc = exi_encode(set, &tree, 0, &exi, e)) != E_OK)
		goto out;
	if (o->hex)
		buf_put_hex(&shown, buf_span(&exi));
	else if (o->base64)
		base64_encode(buf_span(&exi), 0, &shown);
	else
		buf_put_span(&shown, buf_span(&exi));
	if (o->hex || o->base64)
		buf_put_u8(&shown, '\n');
	if ((rc = buf_ok(&shown, e)) == E_OK)
		rc = write_out(o, &shown, e);
out:
	exi_tree_free(&tree);
	json_decref(json);
	buf_free(&shown);
	buf_free(&exi);
	buf_free(&text);
	return rc;
}

static void
print_reference(const struct iso2_msg *m, const struct sign_report_ref *r, size_t digest_len)
{
	char hex[HEX_LEN(DIGEST_MAX)];

	printf("reference %.*s: %s: %s\n", (int)r->uri.n, (const char *)r->uri.p,
	       r->node != 0 ? exi_item_names[m->tree.node[r->node].item] : "no such element",
	       r->ok ? "digest fits" : "digest does not fit");
	if (r->ok)
		return;
	hex_encode((struct span){r->found, digest_len}, hex, sizeof(hex));
	printf("  in the message %s\n", hex);
	hex_encode((struct span){r->computed, digest_len}, hex, sizeof(hex));
	printf("  computed       %s\n", hex);
	if (r->hint != NULL)
		printf("  %s\n", r->hint);
}

/* True when everything fits. */
static bool
print_report(const struct iso2_msg *m, const struct sign_report *r)
{
	bool good = r->signature_ok && r->n_missing == 0;
	unsigned i;

	for (i = 0; i < r->n; i++) {
		print_reference(m, &r->ref[i], r->algo->digest_len);
		good = good && r->ref[i].ok;
	}
	for (i = 0; i < r->n_missing; i++)
		printf("reference missing: %s must be signed (ISO 15118-2 7.9.2.4)\n",
		       exi_item_names[m->tree.node[r->missing[i]].item]);
	printf("signature over SignedInfo: %s\n",
	       r->signature_ok ? "verifies with the certificate in the message"
			       : "does not verify with the certificate in the message");
	if (!r->signature_ok && r->hint != NULL)
		printf("  %s\n", r->hint);
	printf("%s\n", good ? "good" : "bad");
	return good;
}

static enum err_code
explain(const struct exi_options *o, struct err *e)
{
	struct sign_report report = {0};
	struct buf exi = {0};
	struct iso2_msg m = {0};
	enum err_code rc;

	if ((rc = read_exi(o, &exi, e)) != E_OK)
		goto out;
	if ((rc = iso2_decode(buf_span(&exi), &m, e)) != E_OK)
		goto out;
	if (m.signature == 0) {
		rc = err_set(e, E_MSG_SIGNATURE, "the message has no Signature in its header");
		goto out;
	}
	if ((rc = install_explain(&m, &report, e)) != E_OK)
		goto out;
	if (!print_report(&m, &report))
		rc = err_set(e, E_MSG_SIGNATURE, "the message is not signed as it says");
out:
	iso2_msg_free(&m);
	buf_free(&exi);
	return rc;
}

static int
run(const struct usage *u, enum err_code (*act)(const struct exi_options *, struct err *), int argc,
    char **argv)
{
	struct exi_options o = {0};
	struct err e = {0};
	int status = EXIT_OK;

	if (!parse(u, &o, argc, argv, &status))
		return status;
	return report(act(&o, &e), &e);
}

static int
exi_decode_cmd(int argc, char **argv)
{
	const struct usage u = {"v2gpki exi decode",
				"FILE|-",
				"Prints an EXI message as JSON.",
				1,
				1,
				false,
				"Status 3 and the offset when it is refused."};

	return run(&u, decode, argc, argv);
}

static int
exi_encode_cmd(int argc, char **argv)
{
	const struct usage u = {"v2gpki exi encode",
				"FILE|-",
				"Turns the JSON that decode prints back into the same bytes.",
				1,
				1,
				false,
				"Writes to standard output, or to the file of -o."};

	return run(&u, encode, argc, argv);
}

static int
exi_explain_cmd(int argc, char **argv)
{
	const struct usage u = {"v2gpki exi explain",
				"FILE|-",
				"Checks digests and signature of an ISO 15118-2 message and says "
				"which part fails and how it would pass.",
				1,
				1,
				false,
				"Status 3 when something does not fit. Chains are not looked at."};

	return run(&u, explain, argc, argv);
}

int
cmd_exi(int argc, char **argv)
{
	static const struct command table[] = {
		{"decode", exi_decode_cmd, "an EXI message as JSON"},
		{"encode", exi_encode_cmd, "JSON as an EXI message"},
		{"explain", exi_explain_cmd, "check digests and signature, part by part"},
	};

	return commands_run("v2gpki exi", table, ARRAY_LEN(table), argc, argv);
}
