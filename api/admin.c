/* SPDX-License-Identifier: Apache-2.0 */
#include "api/admin.h"

#include "api/admin_json.h"

#define READ(path, handler)                                                                    \
	{                                                                                      \
		LISTEN_ADMIN, "GET", path, handler, WHO_CALLER, CALL_ADMIN_READ, SUBJECT_NONE, \
			SLOW, false, 0                                                         \
	}
#define WRITE(method, path, handler, body)                                                       \
	{                                                                                        \
		LISTEN_ADMIN, method, path, handler, WHO_CALLER, CALL_ADMIN_WRITE, SUBJECT_NONE, \
			SLOW, true, body                                                         \
	}

/* clang-format off */
const struct route routes_admin[] = {
	READ("/admin/v1/status", admin_get_status),
	READ("/admin/v1/audit", admin_get_audit),

	READ("/admin/v1/cas", admin_get_cas),
	READ("/admin/v1/cas/{ca}", admin_get_ca),

	READ("/admin/v1/certs", admin_get_certs),
	READ("/admin/v1/certs/{cert}", admin_get_cert),
	WRITE("POST", "/admin/v1/certs/{cert}/revoke", admin_post_revoke, ADMIN_BODY_MAX),

	READ("/admin/v1/clients", admin_get_clients),
	READ("/admin/v1/clients/{client}", admin_get_client),
	WRITE("POST", "/admin/v1/clients", admin_post_client, ADMIN_BODY_MAX),
	WRITE("DELETE", "/admin/v1/clients/{client}", admin_delete_client, 0),
	WRITE("POST", "/admin/v1/clients/{client}/disable", admin_post_disable, ADMIN_BODY_MAX),
	WRITE("POST", "/admin/v1/clients/{client}/enable", admin_post_enable, ADMIN_BODY_MAX),
	WRITE("POST", "/admin/v1/clients/{client}/secret", admin_post_secret, ADMIN_BODY_MAX),
	WRITE("POST", "/admin/v1/clients/{client}/cert", admin_post_cert, ADMIN_BODY_MAX),
	WRITE("DELETE", "/admin/v1/clients/{client}/credentials/{kind}/{key}", admin_delete_credential, 0),

	READ("/admin/v1/roots", admin_get_roots),
	READ("/admin/v1/roots/{root}", admin_get_root),
	WRITE("POST", "/admin/v1/roots", admin_post_root, ADMIN_BODY_MAX),
	WRITE("DELETE", "/admin/v1/roots/{root}", admin_delete_root, 0),

	READ("/admin/v1/vehicles", admin_get_vehicles),
	READ("/admin/v1/vehicles/{pcid}", admin_get_vehicle),

	READ("/admin/v1/contracts", admin_get_contracts),
	READ("/admin/v1/contracts/{emaid}", admin_get_contract),
	WRITE("DELETE", "/admin/v1/contracts/{emaid}", admin_delete_contract, 0),
	{0},
};
/* clang-format on */
