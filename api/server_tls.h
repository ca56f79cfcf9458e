/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of a listener with GnuTLS: versions 1.2 and 1.3, the server's certificate from PEM files that
 * can be read again, and an optional client certificate: any certificate arrives and api/auth.c
 * judges it, so that an unknown or revoked one is a 401 and never an alert (traps). */
#ifndef API_SERVER_TLS_H
#define API_SERVER_TLS_H

#include "base/buf.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

struct tls;

#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%SERVER_PRECEDENCE"

enum err_code
tls_open(const char *cert_file, const char *key_file, struct tls **out, struct err *e) MUST_CHECK;
void tls_close(struct tls *t);

/* Reads the files again; what was there stays for sessions that use it. On failure nothing
 * changes. */
enum err_code tls_reload(struct tls *t, struct err *e) MUST_CHECK;

/* A new session, before its handshake: asks for a client certificate and offers tickets. */
void tls_session_begin(struct tls *t, gnutls_session_t session);

/* The client's certificate, DER, lent by the session; empty: none was sent. */
struct span tls_session_peer(gnutls_session_t session);

/* For GnuTLS: the certificate to show. */
int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *ca_names, int ca_count,
		 const gnutls_pk_algorithm_t *algos, int algo_count, gnutls_pcert_st **certs,
		 unsigned *cert_count, gnutls_privkey_t *key);

#endif
