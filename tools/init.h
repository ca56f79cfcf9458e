/* SPDX-License-Identifier: Apache-2.0 */
/* `v2gpki init`: the steps that make a deployment. Each step looks first whether its result is
 * there and makes it durable in one act, so that init can be run again after a crash at any point
 * and then completes what is missing. */
#ifndef TOOLS_INIT_H
#define TOOLS_INIT_H

#include "policy/budget.h"
#include "tools/file.h"
#include "tools/options.h"
#include "tools/runtime.h"

#define INIT_TOKEN       "main"   /* name of the token that init makes */
#define INIT_TOKEN_LABEL "v2gpki" /* its label */

struct init_options { /* lent from argv; NULL: not given */
	const char *name, *public_url, *ocsp_url, *crl_base, *policy_oid, *country;
	const char *home, *module, *address, *port, *admin_port, *plain_port;
	bool allow_large;
};

struct init {
	struct common common;
	struct init_options opt;
	char home[PATH_MAX];      /* absolute once it exists */
	char conf_path[PATH_MAX]; /* of v2gpkid.conf */
	char so_pin[PATH_MAX];    /* file of the SO PIN */
	bool conf_exists;
	struct conf *conf; /* as it is, or as it will be written */
	struct buf conf_text;
	struct runtime rt;
};

/* One step: *made tells whether there was anything to do. */
typedef enum err_code init_step(struct init *in, bool *made, struct err *e);

/* --- init_conf.c --- */
/* Reads the configuration that is there, refusing options that contradict it, or composes one. */
enum err_code init_conf_prepare(struct init *in, struct err *e) MUST_CHECK;
init_step init_conf_write;

/* --- init_token.c --- */
init_step init_pins;
init_step init_deployment_key;
init_step init_softhsm;
init_step init_token;

/* --- init_pki.c --- */
struct init_ca {
	const char *name;
	enum profile_id profile;
	const char *issuer;  /* NULL: self-signed */
	const char *cn;      /* at most 10 characters: the size budget */
	unsigned root_types; /* published in the RCP as these; 0: not a V2G root */
};
extern const struct init_ca init_cas[];
extern const size_t init_ca_count;

enum err_code init_budget(const struct init *in, struct budget *out, struct err *e) MUST_CHECK;
init_step init_hierarchies;
init_step init_roots;
init_step init_meta;

/* --- init_certs.c --- */
init_step init_tls;
init_step init_admin;
init_step init_exports;

#endif
