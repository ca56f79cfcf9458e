/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server_tls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 4

/* One certificate chain and its key as loaded; immutable. */
struct material {
	gnutls_pcert_st certs[CHAIN_MAX];
	unsigned count;
	gnutls_privkey_t key;
	struct material *older;
};

struct tls {
	char *cert_file, *key_file;
	gnutls_datum_t ticket_key;
	pthread_mutex_t lock;
	struct material *now; /* older ones are kept: GnuTLS borrows them */
};

static void
material_free(struct material *m)
{
	unsigned i;

	if (m == NULL)
		return;
	for (i = 0; i < m->count; i++)
		gnutls_pcert_deinit(&m->certs[i]);
	if (m->key != NULL)
		gnutls_privkey_deinit(m->key);
	free(m);
}

static enum err_code
load_certs(struct material *m, const char *file, struct err *e)
{
	gnutls_datum_t pem = {0};
	int rc;

	if ((rc = gnutls_load_file(file, &pem)) < 0)
		return err_set(e, E_CONFIG, "%s: %s", file, gnutls_strerror(rc));
	m->count = CHAIN_MAX;
	rc = gnutls_pcert_list_import_x509_raw(m->certs, &m->count, &pem, GNUTLS_X509_FMT_PEM,
					       GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	gnutls_free(pem.data);
	if (rc < 0) {
		m->count = 0;
		return err_set(e, E_CONFIG, "%s: expected 1 to %d certificates in PEM: %s", file,
			       CHAIN_MAX, gnutls_strerror(rc));
	}
	return E_OK;
}

static enum err_code
load_key(struct material *m, const char *file, struct err *e)
{
	gnutls_datum_t pem = {0};
	int rc;

	if ((rc = gnutls_load_file(file, &pem)) < 0)
		return err_set(e, E_CONFIG, "%s: %s", file, gnutls_strerror(rc));
	rc = gnutls_privkey_init(&m->key);
	if (rc == 0)
		rc = gnutls_privkey_import_x509_raw(m->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	return rc == 0 ? E_OK
		       : err_set(e, E_CONFIG, "%s: expected a private key in PEM: %s", file,
				 gnutls_strerror(rc));
}

/* A signature with the key that its certificate verifies. */
static enum err_code
check_pair(const struct material *m, const char *file, struct err *e)
{
	static unsigned char text[] = "v2gpki";
	const gnutls_datum_t data = {text, sizeof(text)};
	gnutls_datum_t sig = {0};
	int rc;

	rc = gnutls_privkey_sign_data(m->key, GNUTLS_DIG_SHA256, 0, &data, &sig);
	if (rc == 0)
		rc = gnutls_pubkey_verify_data2(
			m->certs[0].pubkey,
			gnutls_pk_to_sign((gnutls_pk_algorithm_t)gnutls_privkey_get_pk_algorithm(
						  m->key, NULL),
					  GNUTLS_DIG_SHA256),
			0, &data, &sig);
	gnutls_free(sig.data);
	return rc >= 0 ? E_OK
		       : err_set(e, E_CONFIG, "%s: the key does not fit the certificate: %s", file,
				 gnutls_strerror(rc));
}

enum err_code
tls_reload(struct tls *t, struct err *e)
{
	struct material *m = calloc(1, sizeof(*m));
	enum err_code rc;

	if (m == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for TLS files");
	if ((rc = load_certs(m, t->cert_file, e)) != E_OK ||
	    (rc = load_key(m, t->key_file, e)) != E_OK ||
	    (rc = check_pair(m, t->key_file, e)) != E_OK) {
		material_free(m);
		return rc;
	}
	pthread_mutex_lock(&t->lock);
	m->older = t->now;
	t->now = m;
	pthread_mutex_unlock(&t->lock);
	return E_OK;
}

enum err_code
tls_open(const char *cert_file, const char *key_file, struct tls **out, struct err *e)
{
	struct tls *t = calloc(1, sizeof(*t));
	enum err_code rc = E_OK;

	if (t == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for TLS");
	pthread_mutex_init(&t->lock, NULL);
	t->cert_file = strdup(cert_file);
	t->key_file = strdup(key_file);
	if (t->cert_file == NULL || t->key_file == NULL ||
	    gnutls_session_ticket_key_generate(&t->ticket_key) != 0)
		rc = err_set(e, E_NO_MEMORY, "no memory for TLS");
	if (rc == E_OK)
		rc = tls_reload(t, e);
	if (rc != E_OK) {
		tls_close(t);
		return rc;
	}
	*out = t;
	return E_OK;
}

void
tls_close(struct tls *t)
{
	struct material *m, *older;

	if (t == NULL)
		return;
	for (m = t->now; m != NULL; m = older) {
		older = m->older;
		material_free(m);
	}
	if (t->ticket_key.data != NULL)
		gnutls_memset(t->ticket_key.data, 0, t->ticket_key.size);
	gnutls_free(t->ticket_key.data);
	pthread_mutex_destroy(&t->lock);
	free(t->cert_file);
	free(t->key_file);
	free(t);
}

void
tls_session_begin(struct tls *t, gnutls_session_t session)
{
	gnutls_session_set_ptr(session, t);
	gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	gnutls_certificate_send_x509_rdn_sequence(session, 1); /* 1: send no names of CAs */
	if (gnutls_session_ticket_enable_server(session, &t->ticket_key) != 0)
		return; /* without tickets, clients just shake hands again */
}

struct span
tls_session_peer(gnutls_session_t session)
{
	unsigned n = 0;
	const gnutls_datum_t *certs = gnutls_certificate_get_peers(session, &n);

	if (certs == NULL || n == 0)
		return (struct span){0};
	return (struct span){certs[0].data, certs[0].size};
}

int /* NOLINTNEXTLINE(readability-function-size): GnuTLS's signature */
tls_retrieve(gnutls_session_t session, const gnutls_datum_t *ca_names, int ca_count,
	     const gnutls_pk_algorithm_t *algos, int algo_count, gnutls_pcert_st **certs,
	     unsigned *cert_count, gnutls_privkey_t *key)
{
	struct tls *t = gnutls_session_get_ptr(session);
	struct material *m;

	(void)ca_names; /* there is one certificate to show, whatever the client names */
	(void)ca_count;
	(void)algos;
	(void)algo_count;
	pthread_mutex_lock(&t->lock);
	m = t->now;
	pthread_mutex_unlock(&t->lock);
	*certs = m->certs;
	*cert_count = m->count;
	*key = m->key;
	return 0;
}
