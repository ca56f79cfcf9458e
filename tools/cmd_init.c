/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "tools/commands.h"
#include "tools/init.h"

static const struct usage usage = {
	.command = "v2gpki init",
	.args = "",
	.about = "Makes a complete PKI in one folder, or completes one after a crash.",
	.end = "Prints the size of a bundle (six certificates) and refuses names and URLs with which a\n"
	       "charging station could not carry it, unless --allow-large is given.",
};

static enum err_code
make_home(struct init *in, bool *made, struct err *e)
{
	char given[PATH_MAX];
	enum err_code rc;

	*made = !path_exists(in->home);
	if ((rc = folder_make(in->home, 0755, e)) != E_OK)
		return rc;
	memcpy(given, in->home, sizeof(given));
	if (realpath(given, in->home) == NULL)
		return err_set(e, E_IO, "%s: %s", given, strerror(errno));
	return in->common.config != NULL ? E_OK
					 : path_join(in->conf_path, in->home, "v2gpkid.conf", e);
}

static enum err_code
open_store(struct init *in, bool *made, struct err *e)
{
	const char *url = conf_str(in->conf, "store.url");
	const char *path = strchr(url, ':');

	*made = path != NULL && !path_exists(path + 1);
	return runtime_open(&in->rt, in->conf, true, e);
}

static const struct {
	const char *what;
	init_step *run;
} steps[] = {
	{"home folder", make_home},
	{"configuration", init_conf_write},
	{"PIN files", init_pins},
	{"deployment key", init_deployment_key},
	{"SoftHSM configuration", init_softhsm},
	{"token", init_token},
	{"store", open_store},
	{"keys and CAs", init_hierarchies},
	{"published roots", init_roots},
	{"TLS server certificate", init_tls},
	{"administrator", init_admin},
	{"certificate files", init_exports},
	{"deployment record", init_meta},
};

static enum err_code
run_steps(struct init *in, struct err *e)
{
	enum err_code rc;
	bool made;
	size_t i;

	for (i = 0; i < ARRAY_LEN(steps); i++) {
		made = false;
		if ((rc = steps[i].run(in, &made, e)) != E_OK) {
			err_context(e, "%s", steps[i].what);
			return rc;
		}
		fault_point("init.step");
		printf("%-24s %s\n", steps[i].what, made ? "made" : "is there already");
		fflush(stdout);
	}
	return E_OK;
}

/* What is over budget was refused before anything was made, or allowed when it was. */
static enum err_code
check_budget(const struct init *in, struct err *e)
{
	struct budget b = {0};
	struct err over = {0};
	enum err_code rc = init_budget(in, &b, &over);

	if (rc != E_OK && rc != E_SIZE_BUDGET)
		return err_set(e, rc, "%s", over.text);
	printf("%-24s %zu of %d bytes: contract %zu, MO Sub 2 %zu, MO Sub 1 %zu, CPS %zu, "
	       "CPS Sub 2 %zu, CPS Sub 1 %zu\n",
	       "bundle certificates", b.sum, BUDGET_CERTS_MAX, b.contract, b.mo_sub2, b.mo_sub1,
	       b.cps_leaf, b.cps_sub2, b.cps_sub1);
	if (rc == E_OK)
		return E_OK;
	if (!in->opt.allow_large && !in->conf_exists) {
		err_context(&over,
			    "nothing was made; shorten names or URLs, or give --allow-large");
		return err_set(e, rc, "%s", over.text);
	}
	fprintf(stderr, "v2gpki: warning: %s; stations on OCPP 2.0.1 cannot carry such bundles\n",
		over.text);
	return E_OK;
}

static enum err_code
find_places(struct init *in, struct err *e)
{
	const char *home = in->opt.home != NULL ? in->opt.home : getenv("V2GPKI_HOME");
	int n;

	n = snprintf(in->home, sizeof(in->home), "%s",
		     home == NULL || home[0] == '\0' ? "run" : home);
	if (n < 0 || n >= (int)sizeof(in->home))
		return err_set(e, E_USAGE, "%s: the path is too long", home);
	if (in->common.config == NULL)
		return path_join(in->conf_path, in->home, "v2gpkid.conf", e);
	n = snprintf(in->conf_path, sizeof(in->conf_path), "%s", in->common.config);
	if (n < 0 || n >= (int)sizeof(in->conf_path))
		return err_set(e, E_USAGE, "%s: the path is too long", in->common.config);
	return E_OK;
}

static enum err_code
run(struct init *in, struct err *e)
{
	enum err_code rc;

	if ((rc = find_places(in, e)) != E_OK || (rc = init_conf_prepare(in, e)) != E_OK ||
	    (rc = check_budget(in, e)) != E_OK)
		return rc;
	if (in->common.dry_run)
		return E_OK;
	return run_steps(in, e);
}

static void
print_next(const struct init *in)
{
	printf("\nv2gpkid -c %s\n"
	       "export V2GPKI_ADMIN_URL=https://localhost:%lld V2GPKI_CA=%s/ca.pem "
	       "V2GPKI_CERT=%s/admin.pem V2GPKI_KEY=%s/admin.key\n",
	       in->conf_path, (long long)conf_int(in->conf, "server.admin_port"), in->home,
	       in->home, in->home);
}

int
cmd_init(int argc, char **argv)
{
	struct init in = {0};
	const struct opt own[] = {
		{"home", "DIR", &in.opt.home, NULL,
		 "folder of the deployment (V2GPKI_HOME, ./run)"},
		{"name", "N", &in.opt.name, NULL, "organisation in the names of our CAs"},
		{"public-url", "U", &in.opt.public_url, NULL,
		 "where participants reach the service"},
		{"ocsp-url", "U", &in.opt.ocsp_url, NULL, "OCSP URL that certificates carry"},
		{"crl-base", "U", &in.opt.crl_base, NULL, "beginning of CRL URLs"},
		{"policy-oid", "OID", &in.opt.policy_oid, NULL, "certificate policy; '': none"},
		{"country", "CC", &in.opt.country, NULL, "country in the names of our CAs"},
		{"module", "FILE", &in.opt.module, NULL, "SoftHSM's PKCS#11 library"},
		{"address", "A", &in.opt.address, NULL, "address of the participants' listeners"},
		{"port", "N", &in.opt.port, NULL, "participants' HTTPS port (8443)"},
		{"admin-port", "N", &in.opt.admin_port, NULL, "operators' HTTPS port (8444)"},
		{"plain-port", "N", &in.opt.plain_port, NULL, "HTTP port (8080)"},
		{"allow-large", NULL, NULL, &in.opt.allow_large,
		 "make bundles over the size budget"},
	};
	struct arguments args = {argv, argc};
	struct err e = {0};
	enum err_code rc;
	int status;

	if (!options_parse(&usage, own, ARRAY_LEN(own), &in.common, &args, &status))
		return status;
	rc = run(&in, &e);
	if (rc == E_OK && !in.common.dry_run)
		print_next(&in);
	runtime_close(&in.rt);
	conf_free(in.conf);
	buf_free(&in.conf_text);
	return report(rc, &e);
}
