/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin routes share: pages, times, and their handlers. */
#ifndef API_ADMIN_JSON_H
#define API_ADMIN_JSON_H

#include "api/request.h"
#include "base/json.h"

#define ADMIN_PAGE     100 /* rows of a page unless ?limit= says otherwise */
#define ADMIN_PAGE_MAX 500
#define ADMIN_BODY_MAX 32768 /* bytes */
#define ADMIN_CERT_MAX 8192  /* bytes DER of a certificate or CSR in a body */

/* ?limit= (1 to ADMIN_PAGE_MAX) and ?after= as text ("" when absent) or as a number (0). */
struct admin_page {
	size_t limit;
	const char *after;
	int64_t after_number;
};
enum err_code
admin_page(const struct request *rq, bool number, struct admin_page *out, struct err *e) MUST_CHECK;

/* {"member": rows, "next": after}: next (stolen) is left out when it is NULL, at the last page. */
enum err_code
admin_reply_list(struct request *rq, const char *member, json_t *rows, json_t *next) MUST_CHECK;

json_t *admin_time(int64_t t); /* RFC 3339; null for 0 */
json_t *admin_hex(struct span s);
json_t *admin_text(struct span s); /* null when it is empty or not UTF-8 */
json_t *admin_edition(int edition);

/* The body as a JSON object, owned by the caller. An empty body is an empty object. */
enum err_code admin_body(struct request *rq, json_t **out) MUST_CHECK;

/* An audit record of this request. */
struct audit_record admin_audit(const struct request *rq, const char *action, const char *object);

/* Handlers, one file per area. */
enum err_code admin_get_cas(struct request *rq);
enum err_code admin_get_ca(struct request *rq);
enum err_code admin_get_certs(struct request *rq);
enum err_code admin_get_cert(struct request *rq);
enum err_code admin_post_revoke(struct request *rq);
enum err_code admin_get_clients(struct request *rq);
enum err_code admin_get_client(struct request *rq);
enum err_code admin_post_client(struct request *rq);
enum err_code admin_delete_client(struct request *rq);
enum err_code admin_post_disable(struct request *rq);
enum err_code admin_post_enable(struct request *rq);
enum err_code admin_post_secret(struct request *rq);
enum err_code admin_post_cert(struct request *rq);
enum err_code admin_delete_credential(struct request *rq);
enum err_code admin_get_roots(struct request *rq);
enum err_code admin_get_root(struct request *rq);
enum err_code admin_post_root(struct request *rq);
enum err_code admin_delete_root(struct request *rq);
enum err_code admin_get_vehicles(struct request *rq);
enum err_code admin_get_vehicle(struct request *rq);
enum err_code admin_get_contracts(struct request *rq);
enum err_code admin_get_contract(struct request *rq);
enum err_code admin_delete_contract(struct request *rq);
enum err_code admin_get_status(struct request *rq);
enum err_code admin_get_audit(struct request *rq);

#endif
