/* SPDX-License-Identifier: Apache-2.0 */
#include "api/health.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* The process runs. */
static enum err_code
get_health(struct request *rq)
{
	return reply_json(rq, 200, json_pack("{s:s}", "status", "ok"));
}

/* The store answers and every key has been proven; who is not ready is named, as CAs are public. */
static enum err_code
get_ready(struct request *rq)
{
	struct ca_info *cas = NULL;
	json_t *away = json_array();
	size_t n = 0, i;
	bool store = db_ping(rq->app->db, NULL) == E_OK;
	bool ready = store && ca_list(rq->app->ca, &cas, &n, NULL) == E_OK;

	for (i = 0; i < n; i++)
		if (!cas[i].key_ready) {
			ready = false;
			if (json_array_append_new(away, json_string(cas[i].name)) != 0)
				break;
		}
	free(cas);
	if (!ready)
		reply_header(rq, "Retry-After", "5");
	return reply_json(
		rq, ready ? 200 : 503,
		json_pack("{s:b, s:b, s:o}", "ready", ready, "store", store, "keysMissing", away));
}

/* RFC 5280 4.2.2.1: the certificate as DER, for who builds a chain. */
static enum err_code
get_ca(struct request *rq)
{
	static const char suffix[] = ".cer";
	char name[CA_NAME_MAX] = "";
	struct buf der = {0};
	size_t n = strlen(rq->args[0]), s = sizeof(suffix) - 1;
	enum err_code rc;

	if (n <= s || strcmp(rq->args[0] + n - s, suffix) != 0 ||
	    !str_copy_span(name, sizeof(name), (struct span){(const uint8_t *)rq->args[0], n - s}))
		return err_set(&rq->err, E_CA_UNKNOWN, "expected /ca/{name}.cer");
	if ((rc = ca_cert(rq->app->ca, name, &der, &rq->err)) == E_OK)
		rc = reply_bytes(rq, 200, "application/pkix-cert", buf_span(&der));
	buf_free(&der);
	return rc;
}

/* clang-format off */
const struct route routes_health[] = {
	/* listeners, method, path, handler, who, call, subject, speed, writes, body_max */
	{LISTEN_PLAIN, "GET", "/healthz", get_health, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, FAST, false, 0},
	{LISTEN_PLAIN, "GET", "/readyz", get_ready, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, FAST, false, 0},
	{LISTEN_PLAIN, "GET", "/ca/{file}", get_ca, WHO_ANYONE, CALL_COUNT, SUBJECT_NONE, FAST, false, 0},
	{0},
};
/* clang-format on */
