/* SPDX-License-Identifier: Apache-2.0 */
/* TLS as real clients speak it (libcurl on OpenSSL): versions, client certificates, new files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <openssl/ssl.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"
#include "db/party_store.h"
#include "tests/api/world.h"

static struct err e;

/* One call over TLS. Strings may be NULL. */
struct tls_call {
	const char *cert;   /* HOME/cert.pem and .key as client certificate */
	const char *header; /* one header line without CRLF */
	const char *path;
	long version; /* CURL_SSLVERSION_… */
	CURL *curl;   /* kept for a second call, NULL: of its own */
	CURLcode rc;
	long status;
	char issuer_of_peer[64];
};

static size_t
drop(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static long
call(struct world *w, struct tls_call *c)
{
	char url[256], ca[128], cert[128], key[128];
	CURL *curl = c->curl != NULL ? c->curl : curl_easy_init();
	struct curl_slist *headers = c->header == NULL ? NULL : curl_slist_append(NULL, c->header);

	snprintf(url, sizeof(url), "https://127.0.0.1:%u%s", (unsigned)w->tls_port,
		 c->path == NULL ? "/v1/root/rootCerts" : c->path);
	snprintf(ca, sizeof(ca), "%s/service-root.pem", w->f.home);
	snprintf(cert, sizeof(cert), "%s/%s.pem", w->f.home, c->cert == NULL ? "" : c->cert);
	snprintf(key, sizeof(key), "%s/%s.key", w->f.home, c->cert == NULL ? "" : c->cert);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, c->version);
	if (c->version == CURL_SSLVERSION_TLSv1_1)
		curl_easy_setopt(curl, CURLOPT_SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0");
	if (c->cert != NULL) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, cert);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, key);
	}
	c->status = 0;
	c->rc = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &c->status);
	curl_slist_free_all(headers);
	if (c->curl == NULL)
		curl_easy_cleanup(curl);
	return c->status;
}

#define TLS12 (CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2)

static void
versions_1_2_and_1_3_are_spoken_and_no_older_one(void **state)
{
	struct world *w = *state;
	struct tls_call c = {.version = TLS12};

	assert_int_equal(call(w, &c), 401);
	c.version = CURL_SSLVERSION_TLSv1_3;
	assert_int_equal(call(w, &c), 401);
	c.version = CURL_SSLVERSION_TLSv1_1 | CURL_SSLVERSION_MAX_TLSv1_1;
	assert_int_equal(call(w, &c), 0);
	assert_int_not_equal(c.rc, CURLE_OK);
}

static void
a_certificate_of_the_service_root_names_its_participant(void **state)
{
	struct world *w = *state;
	struct tls_call c = {.cert = "client-cpo", .version = TLS12};

	world_service_cert(w, PROFILE_SERVICE_TLS_CLIENT, "cpo-1", "client-cpo", NULL);
	assert_int_equal(call(w, &c), 200);
	c.version = CURL_SSLVERSION_TLSv1_3;
	assert_int_equal(call(w, &c), 200);
	assert_int_equal(call(w, &c), 200); /* from memory */
	c.path = "/v1/ccp/lookupContract/" WORLD_EMAID;
	assert_int_equal(call(w, &c), 403);
}

static void
a_bearer_token_works_without_a_certificate_and_beside_its_own(void **state)
{
	struct world *w = *state;
	char own[2048], other[2048];
	struct tls_call c = {.header = own};

	snprintf(own, sizeof(own), "%.*s", (int)strcspn(w->bearer[CPO], "\r"), w->bearer[CPO]);
	snprintf(other, sizeof(other), "%.*s", (int)strcspn(w->bearer[OEM], "\r"), w->bearer[OEM]);
	world_service_cert(w, PROFILE_SERVICE_TLS_CLIENT, "cpo-1", "client-both", NULL);
	assert_int_equal(call(w, &c), 200);
	c.cert = "client-both";
	assert_int_equal(call(w, &c), 200);
	c.header = other;
	assert_int_equal(call(w, &c), 401);
	c.header = "Authorization: Bearer nonsense";
	assert_int_equal(call(w, &c), 401);
}

static void
certificates_that_do_not_count_are_401_and_never_an_alert(void **state)
{
	struct world *w = *state;
	struct tls_call c = {0};
	struct buf der = {0};

	/* of the service root, but not for clients */
	world_service_cert(w, PROFILE_SERVICE_TLS_SERVER, "cpo-1", "not-for-clients", NULL);
	c.cert = "not-for-clients";
	assert_int_equal(call(w, &c), 401);
	assert_int_equal(c.rc, CURLE_OK);
	/* of a participant that does not exist */
	world_service_cert(w, PROFILE_SERVICE_TLS_CLIENT, "nobody", "client-nobody", NULL);
	c.cert = "client-nobody";
	assert_int_equal(call(w, &c), 401);
	/* of a station: its chain is ours, but it is nobody's login */
	world_service_cert(w, PROFILE_SECC_LEAF, WORLD_STATION, "station", NULL);
	c.cert = "station";
	assert_int_equal(call(w, &c), 401);
	assert_int_equal(c.rc, CURLE_OK);
	/* revoked before anyone saw it */
	world_service_cert(w, PROFILE_SERVICE_TLS_CLIENT, "cpo-1", "client-revoked", &der);
	assert_int_equal(ca_revoke(w->f.set, "revoke-1", buf_span(&der), 1, "test", &e), E_OK);
	c.cert = "client-revoked";
	assert_int_equal(call(w, &c), 401);
	assert_int_equal(c.rc, CURLE_OK);
	buf_free(&der);
}

static void
write_file(struct world *w, const char *name, struct span text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", w->f.home, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	fclose(f);
}

/* A client certificate that names the service root as its issuer and is signed by someone else. */
static void
forge_client(struct world *w, const char *cn, int64_t not_after, struct buf *der)
{
	const struct algo *a = algo_get(ALGO_P256);
	struct secret scalar = {0}, key = {0};
	struct buf point = {0}, tbs = {0}, sig = {0}, pem = {0}, root_der = {0};
	struct cert root;
	struct tbs_request rq = {
		.profile = &profiles[PROFILE_SERVICE_TLS_CLIENT],
		.issuer_algo = a,
		.serial = SPAN_LIT(
			"\x11\x22\x33\x44\x55\x66\x77\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x01"),
		.not_before = clock_now() - DAY,
		.not_after = not_after,
		.algo = a,
		.o = "Stranger",
		.cn = cn};

	assert_int_equal(ca_cert(w->f.set, "service-root", &root_der, &e), E_OK);
	assert_int_equal(cert_parse(buf_span(&root_der), &root, &e), E_OK);
	rq.issuer_name = root.subject;
	rq.issuer_ski = root.ski;
	rq.params = (struct profile_params){.ocsp_url = "", .crl_url = ""};
	assert_int_equal(ec_generate(a, &scalar, &point, &e), E_OK);
	rq.point = buf_span(&point);
	if (tbs_build(&rq, &tbs, &e) != E_OK)
		fail_msg("%s", e.text);
	assert_int_equal(ec_sign(a, &scalar, buf_span(&tbs), &sig, &e), E_OK);
	assert_int_equal(tbs_finish(buf_span(&tbs), a, buf_span(&sig), der, &e), E_OK);
	cert_to_pem(buf_span(der), &pem);
	assert_int_equal(ec_private_to_pem(a, &scalar, &key, &e), E_OK);
	write_file(w, "forged.pem", buf_span(&pem));
	write_file(w, "forged.key", secret_span(&key));
	secret_free(&scalar);
	secret_free(&key);
	buf_free(&root_der);
	buf_free(&point);
	buf_free(&tbs);
	buf_free(&sig);
	buf_free(&pem);
}

static void
a_forged_issuer_is_401_until_the_certificate_is_registered(void **state)
{
	struct world *w = *state;
	struct tls_call c = {.cert = "forged"};
	struct credential reg = {.kind = CREDENTIAL_CERT, .party = "cpo-1"};
	const struct audit_record audit = {.actor = "test", .action = "credential.put"};
	struct buf der = {0};
	uint8_t hash[SHA256_LEN];

	forge_client(w, "cpo-1", clock_now() + DAY, &der);
	assert_int_equal(call(w, &c), 401);
	assert_int_equal(c.rc, CURLE_OK);
	assert_int_equal(sha256(buf_span(&der), hash, &e), E_OK);
	hex_encode((struct span){hash, sizeof(hash)}, reg.key, sizeof(reg.key));
	reg.expires = clock_now() - 1;
	assert_int_equal(credential_store_put(w->f.db, &reg, &audit, &e), E_OK);
	assert_int_equal(call(w, &c), 401);
	reg.expires = 0;
	assert_int_equal(credential_store_put(w->f.db, &reg, &audit, &e), E_OK);
	assert_int_equal(call(w, &c), 200);
	/* one whose time is over, whatever its registration says */
	buf_clear(&der);
	forge_client(w, "cpo-1", clock_now() - 60, &der);
	assert_int_equal(sha256(buf_span(&der), hash, &e), E_OK);
	hex_encode((struct span){hash, sizeof(hash)}, reg.key, sizeof(reg.key));
	assert_int_equal(credential_store_put(w->f.db, &reg, &audit, &e), E_OK);
	assert_int_equal(call(w, &c), 401);
	assert_int_equal(c.rc, CURLE_OK);
	buf_free(&der);
}

/* One request on a connection of its own, which resumes *session when there is one and leaves the
 * newest in it; the status. libcurl does not show whether it resumes. */
static int
call_with_session(struct world *w, SSL_CTX *ctx, SSL_SESSION **session, bool *resumed)
{
	static const char request[] = "GET /v1/root/rootCerts HTTP/1.0\r\n\r\n";
	char answer[4096] = "";
	int fd = client_dial(w->tls_port), n, got = 0;
	SSL *ssl = SSL_new(ctx);

	assert_non_null(ssl);
	assert_int_equal(SSL_set_fd(ssl, fd), 1);
	if (*session != NULL)
		assert_int_equal(SSL_set_session(ssl, *session), 1);
	assert_int_equal(SSL_connect(ssl), 1);
	*resumed = SSL_session_reused(ssl) == 1;
	assert_int_equal(SSL_write(ssl, request, sizeof(request) - 1), sizeof(request) - 1);
	while (got < 12 && (n = SSL_read(ssl, answer + got, (int)sizeof(answer) - 1 - got)) > 0)
		got += n; /* not to the end: a connection cut off spoils its session */
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(ssl);
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
	close(fd);
	return got >= 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

/* A resumed session has the certificate of its first handshake; it is looked at anew each time. */
static void
revoke_between_resumed_sessions(struct world *w, int version)
{
	char cert[128], key[128];
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *session = NULL;
	struct buf der = {0};
	bool resumed = false;
	int k;

	world_service_cert(w, PROFILE_SERVICE_TLS_CLIENT, "cpo-1", "client-resumed", &der);
	snprintf(cert, sizeof(cert), "%s/client-resumed.pem", w->f.home);
	snprintf(key, sizeof(key), "%s/client-resumed.key", w->f.home);
	assert_non_null(ctx);
	assert_int_equal(SSL_CTX_set_min_proto_version(ctx, version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version), 1);
	assert_int_equal(SSL_CTX_use_certificate_file(ctx, cert, SSL_FILETYPE_PEM), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM), 1);
	assert_int_equal(call_with_session(w, ctx, &session, &resumed), 200);
	assert_false(resumed);
	assert_int_equal(call_with_session(w, ctx, &session, &resumed), 200);
	assert_true(resumed);
	assert_int_equal(ca_revoke(w->f.set, cert, buf_span(&der), 1, "test", &e), E_OK);
	for (k = 0; k < 50 && call_with_session(w, ctx, &session, &resumed) != 401; k++)
		usleep(100000);
	assert_true(resumed);
	assert_in_range(k, 0, 49);
	SSL_SESSION_free(session);
	SSL_CTX_free(ctx);
	buf_free(&der);
}

static void
a_certificate_revoked_between_two_resumed_sessions_is_out(void **state)
{
	revoke_between_resumed_sessions(*state, TLS1_2_VERSION);
	revoke_between_resumed_sessions(*state, TLS1_3_VERSION);
}

static void
a_certificate_revoked_in_use_is_out_within_five_seconds(void **state)
{
	struct world *w = *state;
	struct tls_call c = {.cert = "client-short"};
	struct buf der = {0};
	int i;

	world_service_cert(w, PROFILE_SERVICE_TLS_CLIENT, "cpo-1", "client-short", &der);
	c.curl = curl_easy_init();
	assert_int_equal(call(w, &c), 200);
	assert_int_equal(ca_revoke(w->f.set, "revoke-2", buf_span(&der), 1, "test", &e), E_OK);
	for (i = 0; i < 50 && call(w, &c) != 401; i++) /* on one connection */
		usleep(100000);
	assert_int_equal(c.status, 401);
	curl_easy_cleanup(c.curl);
	buf_free(&der);
}

/* The serial number of the certificate that the server shows. */
static void
shown_serial(struct world *w, char out[128])
{
	char url[64], ca[128];
	CURL *curl = curl_easy_init();
	struct curl_certinfo *info = NULL;
	struct curl_slist *line;

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/x", (unsigned)w->tls_port);
	snprintf(ca, sizeof(ca), "%s/service-root.pem", w->f.home);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info);
	out[0] = '\0';
	assert_non_null(info);
	for (line = info->certinfo[0]; line != NULL; line = line->next)
		if (strncmp(line->data, "Serial Number:", 14) == 0)
			snprintf(out, 128, "%s", line->data);
	curl_easy_cleanup(curl);
}

static void
new_files_are_read_and_broken_ones_change_nothing(void **state)
{
	struct world *w = *state;
	char before[128], after[128], path[128];
	FILE *f;

	shown_serial(w, before);
	world_service_cert(w, PROFILE_SERVICE_TLS_SERVER, "localhost", "tls", NULL);
	shown_serial(w, after);
	assert_string_equal(before, after);
	assert_int_equal(server_reload_tls(w->tls_server, &e), E_OK);
	shown_serial(w, after);
	assert_string_not_equal(before, after);
	/* a key that does not fit */
	world_service_cert(w, PROFILE_SERVICE_TLS_SERVER, "localhost", "other", NULL);
	snprintf(path, sizeof(path), "%s/tls.key", w->f.home);
	snprintf(before, sizeof(before), "%s/other.key", w->f.home);
	assert_int_equal(rename(before, path), 0);
	assert_int_equal(server_reload_tls(w->tls_server, &e), E_CONFIG);
	err_clear(&e);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("nonsense\n", f);
	fclose(f);
	assert_int_equal(server_reload_tls(w->tls_server, &e), E_CONFIG);
	err_clear(&e);
	shown_serial(w, before);
	assert_string_equal(before, after);
}

/* Runs strongSwan's pki with these arguments; its output goes to HOME/pki.out. */
static int
run_pki(struct world *w, const char *const args[])
{
	char out[128];
	int status = -1;
	pid_t pid;

	snprintf(out, sizeof(out), "%s/pki.out", w->f.home);
	pid = fork();
	if (pid == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0 || dup2(fd, 1) < 0 ||
		    (getenv("V2GPKI_TEST_LOG") == NULL && dup2(null, 2) < 0))
			_exit(126);
		execvp("pki", (char *const *)(uintptr_t)args);
		_exit(127);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
strongswan_fetches_the_chain_and_enrols_unwrapped(void **state)
{
	struct world *w = *state;
	char url[128], ca[128], in[128], out[128], user[256];
	struct buf csr = {0}, der = {0};
	struct cert c;
	FILE *f;
	int byte;

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/unwrapped/cpo", (unsigned)w->tls_port);
	snprintf(ca, sizeof(ca), "%s/service-root.pem", w->f.home);
	snprintf(in, sizeof(in), "%s/csr.der", w->f.home);
	snprintf(out, sizeof(out), "%s/chain", w->f.home);
	snprintf(user, sizeof(user), "%s:%s", WORLD_BASIC_USER, WORLD_SECRET);
	const char *const chain[] = {"pki", "--estca", "--url", url,       "--cacert",
				     ca,    "--caout", out,     "--force", NULL};
	const char *const enrol[] = {"pki",  "--est", "--url",      url,  "--cacert", ca,
				     "--in", in,      "--userpass", user, NULL};
	int rc = run_pki(w, chain);

	if (rc == 127) {
		print_message("strongswan-pki is not installed\n");
		skip();
	}
	assert_int_equal(rc, 0);
	world_csr(WORLD_STATION, ALGO_P256, &csr);
	write_file(w, "csr.der", buf_span(&csr));
	assert_int_equal(run_pki(w, enrol), 0);
	snprintf(out, sizeof(out), "%s/pki.out", w->f.home);
	f = fopen(out, "re");
	assert_non_null(f);
	while ((byte = fgetc(f)) != EOF)
		buf_put_u8(&der, (uint8_t)byte);
	fclose(f);
	assert_int_equal(cert_parse(buf_span(&der), &c, &e), E_OK);
	assert_true(span_equal(name_attr(c.subject, OID_CN), SPAN_LIT(WORLD_STATION)));
	buf_free(&csr);
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_1_2_and_1_3_are_spoken_and_no_older_one),
		cmocka_unit_test(a_certificate_of_the_service_root_names_its_participant),
		cmocka_unit_test(a_bearer_token_works_without_a_certificate_and_beside_its_own),
		cmocka_unit_test(certificates_that_do_not_count_are_401_and_never_an_alert),
		cmocka_unit_test(a_forged_issuer_is_401_until_the_certificate_is_registered),
		cmocka_unit_test(a_certificate_revoked_in_use_is_out_within_five_seconds),
		cmocka_unit_test(a_certificate_revoked_between_two_resumed_sessions_is_out),
		cmocka_unit_test(strongswan_fetches_the_chain_and_enrols_unwrapped),
		cmocka_unit_test(new_files_are_read_and_broken_ones_change_nothing),
	};

	curl_global_init(CURL_GLOBAL_ALL);
	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
