/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "db/party_store.h"
#include "policy/csr.h"

const char *const world_ids[WORLD_PARTIES] = {
	[CPO] = "cpo-1", [OEM] = "oem-1",     [MO_V2G] = "mo-1",       [MO_OWN] = "mo-own-1",
	[CPS] = "cps-1", [ADMIN] = "admin-1", [AUDITOR] = "auditor-1",
};
static const uint32_t world_roles[WORLD_PARTIES] = {
	[CPO] = ROLE_CPO, [OEM] = ROLE_OEM,     [MO_V2G] = ROLE_MO_V2G,   [MO_OWN] = ROLE_MO_OWN,
	[CPS] = ROLE_CPS, [ADMIN] = ROLE_ADMIN, [AUDITOR] = ROLE_AUDITOR,
};

static void
must(enum err_code rc, const struct err *e, const char *what)
{
	if (rc == E_OK)
		return;
	(void)fprintf(stderr, "%s: %s (%s)\n", what, e->text, err_name(rc));
	abort();
}

void
world_put_party(struct world *w, const char *id, uint32_t roles, bool disabled)
{
	struct party *p = calloc(1, sizeof(*p));
	const struct audit_record audit = {
		.actor = "test", .action = "participant.put", .object = id};
	struct err e = {0};

	if (p == NULL)
		abort();
	(void)snprintf(p->id, sizeof(p->id), "%s", id);
	(void)snprintf(p->name, sizeof(p->name), "Participant %s", id);
	p->roles = roles;
	p->disabled = disabled;
	memcpy(p->wmi[0], "WVA", 4);
	memcpy(p->provider[0], "DEXYZ", 6);
	memcpy(p->operator_id[0], "DEABC", 6);
	p->wmis = p->providers = p->operators = 1;
	must(party_store_put(w->f.db, p, &audit, &e), &e, "participant");
	free(p);
}

static void
put_secret(struct world *w, const char *party, enum credential_kind kind, const char *key)
{
	struct credential c = {.kind = kind};
	const struct audit_record audit = {
		.actor = "test", .action = "credential.put", .object = key};
	struct err e = {0};

	(void)snprintf(c.party, sizeof(c.party), "%s", party);
	(void)snprintf(c.key, sizeof(c.key), "%s", key);
	memset(c.salt, 7, sizeof(c.salt));
	must(auth_hash_secret(WORLD_SECRET, c.salt, c.hash, &e), &e, "scrypt");
	must(credential_store_put(w->f.db, &c, &audit, &e), &e, "credential");
}

static void
put_parties(struct world *w)
{
	size_t i;

	for (i = 0; i < WORLD_PARTIES; i++) {
		world_put_party(w, world_ids[i], world_roles[i], false);
		put_secret(w, world_ids[i], CREDENTIAL_SECRET, world_ids[i]);
	}
	put_secret(w, world_ids[CPO], CREDENTIAL_BASIC, WORLD_BASIC_USER);
}

static void
put_root(struct world *w, const char *ca, unsigned types)
{
	struct root_row row = {0};
	struct buf der = {0};
	struct err e = {0};

	must(ca_cert(w->f.set, ca, &der, &e), &e, ca);
	must(pool_root_put(w->pool, "test", buf_span(&der), types, &row, &e), &e, ca);
	root_row_free(&row);
	buf_free(&der);
}

static void
open_parts(struct world *w)
{
	struct err e = {0};
	const struct pool_conf pool = {.db = w->f.db,
				       .issuer = ca_issuer(w->f.set),
				       .signer = ca_signer(w->f.set),
				       .emaid_check = CHECK_WARN};
	const struct auth_conf auth = {.db = w->f.db,
				       .ca = w->f.set,
				       .public_url = WORLD_URL,
				       .token_signer = "token-signer",
				       .token_seconds = 3600};

	must(pool_open(&pool, &w->pool, &e), &e, "pool");
	must(auth_open(&auth, &w->auth, &e), &e, "auth");
	w->app = (struct app){.db = w->f.db,
			      .hsm = w->f.hsm,
			      .ca = w->f.set,
			      .pool = w->pool,
			      .auth = w->auth,
			      .public_url = WORLD_URL};
}

static void
start(struct world *w)
{
	char cert[128], key[128];
	struct err e = {0};
	struct server_conf conf = {
		.app = &w->app,
		.listeners = {{LISTEN_PARTICIPANT, "127.0.0.1", 0, NULL, NULL},
			      {LISTEN_ADMIN, "127.0.0.1", 0, NULL, NULL},
			      {LISTEN_PLAIN, "127.0.0.1", 0, NULL, NULL}},
		.listener_count = 3,
		.network_threads = 2,
		.workers = 32,
		.queue_max = 64,
		.connections_max = 200,
		.idle_timeout_s = 30,
		.request_timeout_s = 30,
	};

	must(server_start(&conf, &w->server, &e), &e, "server");
	w->port = server_port(w->server, LISTEN_PARTICIPANT);
	w->admin_port = server_port(w->server, LISTEN_ADMIN);
	w->plain_port = server_port(w->server, LISTEN_PLAIN);
	world_service_cert(w, PROFILE_SERVICE_TLS_SERVER, "localhost", "tls", NULL);
	(void)snprintf(cert, sizeof(cert), "%s/tls.pem", w->f.home);
	(void)snprintf(key, sizeof(key), "%s/tls.key", w->f.home);
	conf.listeners[0].tls_cert = cert;
	conf.listeners[0].tls_key = key;
	conf.listener_count = 1;
	must(server_start(&conf, &w->tls_server, &e), &e, "TLS server");
	w->tls_port = server_port(w->tls_server, LISTEN_PARTICIPANT);
}

static void
fetch_tokens(struct world *w)
{
	struct buf jwt = {0};
	struct err e = {0};
	int64_t seconds = 0;
	size_t i;

	for (i = 0; i < WORLD_PARTIES; i++) {
		buf_clear(&jwt);
		must(auth_issue_token(w->auth, world_ids[i], &jwt, &seconds, &e), &e, "token");
		(void)snprintf(w->bearer[i], sizeof(w->bearer[i]), "Authorization: Bearer %.*s\r\n",
			       (int)jwt.n, (char *)jwt.p);
	}
	buf_free(&jwt);
}

int
world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -1;
	log_set_level(getenv("V2GPKI_TEST_LOG") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	fixture_make(&w->f);
	fixture_open(&w->f);
	fixture_create_all(&w->f);
	open_parts(w);
	put_parties(w);
	put_root(w, "v2g-root", ROOT_V2G);
	put_root(w, "mo-root", ROOT_MO);
	put_root(w, "oem-root", ROOT_OEM);
	start(w);
	fetch_tokens(w);
	*state = w;
	return 0;
}

int
world_teardown(void **state)
{
	struct world *w = *state;

	server_stop(w->tls_server);
	server_stop(w->server);
	auth_close(w->auth);
	pool_close(w->pool);
	fixture_remove(&w->f);
	free(w);
	/* libcrypto's generator of this thread hangs on the locked heap, where leak checkers do not
	 * look */
	OPENSSL_thread_stop();
	return 0;
}

void
world_call(struct world *w, int who, const char *method, const char *path, const char *body,
	   struct answer *a)
{
	char headers[2200];

	(void)snprintf(headers, sizeof(headers), "%s%s", who < 0 ? "" : w->bearer[who],
		       body == NULL ? "" : "Content-Type: application/json\r\n");
	client_call(w->port, method, path, headers,
		    body == NULL ? (struct span){0} : span_str(body), a);
}

static void
write_file(const struct world *w, const char *name, struct span text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", w->f.home, name);
	file = fopen(path, "we");
	if (file == NULL || fwrite(text.p, 1, text.n, file) != text.n || fclose(file) != 0)
		abort();
}

void
world_service_cert(struct world *w, enum profile_id profile, const char *cn, const char *name,
		   struct buf *der)
{
	static unsigned count;
	char id[32], file[64];
	struct secret scalar = {0}, pem_key = {0};
	struct buf point = {0}, pem = {0}, root = {0};
	struct issued issued = {0};
	struct err e = {0};
	struct issue_request rq = {.request_id = id,
				   .profile = profile,
				   .algo = algo_get(ALGO_P256),
				   .o = "TestOrg",
				   .cn = cn,
				   .participant = "test"};

	(void)snprintf(id, sizeof(id), "service-%u", count++);
	must(ec_generate(rq.algo, &scalar, &point, &e), &e, "key");
	rq.point = buf_span(&point);
	if (profile == PROFILE_SERVICE_TLS_SERVER)
		rq.san_dns[0] = "127.0.0.1";
	must(ca_issue(w->f.set, &rq, &issued, &e), &e, cn);
	must(ca_claim(w->f.set, issued.cert_id, &e), &e, cn);
	cert_to_pem(buf_span(&issued.leaf), &pem);
	must(ec_private_to_pem(rq.algo, &scalar, &pem_key, &e), &e, "key");
	(void)snprintf(file, sizeof(file), "%s.pem", name);
	write_file(w, file, buf_span(&pem));
	(void)snprintf(file, sizeof(file), "%s.key", name);
	write_file(w, file, secret_span(&pem_key));
	must(ca_cert(w->f.set, "service-root", &root, &e), &e, "service-root");
	buf_clear(&pem);
	cert_to_pem(buf_span(&root), &pem);
	write_file(w, "service-root.pem", buf_span(&pem));
	if (der != NULL)
		buf_put_span(der, buf_span(&issued.leaf));
	issued_free(&issued);
	secret_free(&pem_key);
	secret_free(&scalar);
	buf_free(&root);
	buf_free(&pem);
	buf_free(&point);
}

void
world_csr(const char *cn, enum algo_id id, struct buf *der)
{
	struct secret scalar = {0};
	struct buf point = {0};
	struct err e = {0};

	must(ec_generate(algo_get(id), &scalar, &point, &e), &e, "key");
	must(csr_make(algo_get(id), &scalar, "TestOrg", cn, "CPO", der, &e), &e, "CSR");
	secret_free(&scalar);
	buf_free(&point);
}

void
world_put_vehicle(struct world *w, const char *pcid, struct secret *scalar, struct buf *leaf)
{
	char id[80];
	struct buf point = {0}, body = {0};
	struct issued issued = {0};
	struct answer a;
	struct err e = {0};
	struct issue_request rq = {.request_id = id,
				   .profile = PROFILE_PROVISIONING_LEAF,
				   .algo = algo_get(ALGO_P256),
				   .o = "TestOrg",
				   .cn = pcid,
				   .participant = "oem-1"};

	(void)snprintf(id, sizeof(id), "vehicle-%s", pcid);
	must(ec_generate(rq.algo, scalar, &point, &e), &e, "key");
	rq.point = buf_span(&point);
	must(ca_issue(w->f.set, &rq, &issued, &e), &e, pcid);
	must(ca_claim(w->f.set, issued.cert_id, &e), &e, pcid);
	buf_put_str(&body, "{\"vehicleCertificate\":\"");
	base64_encode(buf_span(&issued.leaf), 0, &body);
	buf_put_str(&body, "\",\"subCA1Certificate\":\"");
	base64_encode(buf_span(&issued.sub1), 0, &body);
	buf_put_str(&body, "\",\"subCA2Certificate\":\"");
	base64_encode(buf_span(&issued.sub2), 0, &body);
	buf_put_str(&body, "\"}");
	world_call(w, OEM, "PUT", "/v1/oem/provCerts", buf_cstr(&body), &a);
	if (a.status != 200) {
		(void)fprintf(stderr, "%s: %d %s\n", pcid, a.status, (char *)a.body.p);
		abort();
	}
	buf_put_span(leaf, buf_span(&issued.leaf));
	answer_free(&a);
	issued_free(&issued);
	buf_free(&body);
	buf_free(&point);
}

/* The first member of this name anywhere in the value. */
static const char *
find_text(json_t *v, const char *name)
{
	const char *key, *found;
	json_t *child;
	size_t i;

	if (json_is_string(json_object_get(v, name)))
		return json_string_value(json_object_get(v, name));
	json_object_foreach(v, key,
			    child) if ((found = find_text(child, name)) != NULL) return found;
	json_array_foreach(v, i, child) if ((found = find_text(child, name)) != NULL) return found;
	return NULL;
}

const char *
world_member(const struct answer *a, const char *name)
{
	static char text[16384];
	json_t *o = NULL;
	const char *found = NULL;

	if (json_parse(buf_span(&a->body), &o, NULL) == E_OK)
		found = find_text(o, name);
	(void)snprintf(text, sizeof(text), "%s", found == NULL ? "" : found);
	json_decref(o);
	return text;
}
