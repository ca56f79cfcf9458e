/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#define PORT_MAX 65535

/* clang-format off */
const struct conf_item conf_items[] = {
	/* section, key, type, min, max, default, reload, choices, doc */
	{"pki", "name", CONF_STRING, 1, 64, "v2g pki", false, NULL,
	 "The organisation (O) in the names of our CAs."},
	{"pki", "public_url", CONF_STRING, 8, 200, "https://localhost:8443", false, NULL,
	 "The URL under which participants reach the service; issuer and audience of access tokens."},
	{"pki", "ocsp_url", CONF_STRING, 0, 200, "http://127.0.0.1:8080/ocsp", false, NULL,
	 "The OCSP URL that certificates carry (AIA); it counts in the size of every bundle."},
	{"pki", "crl_base", CONF_STRING, 8, 200, "http://127.0.0.1:8080/crl/", false, NULL,
	 "CRL distribution points are this text, the name of the CA and .crl."},
	{"pki", "policy_oid", CONF_STRING, 0, 64, "2.999.15118.2.2026.1.1", false, NULL,
	 "The certificate policy of every certificate below the roots; empty: none; the default is an "
	 "example arc (X.660)."},
	{"pki", "country", CONF_STRING, 0, 2, "", false, NULL,
	 "The country (C) in the names of our CAs, two capital letters; empty: none."},

	{"server", "participant_address", CONF_STRING, 2, 45, "0.0.0.0", false, NULL,
	 "Address of the HTTPS listener for participants."},
	{"server", "participant_port", CONF_INT, 0, PORT_MAX, "8443", false, NULL,
	 "Its port; 0: the kernel chooses."},
	{"server", "admin_address", CONF_STRING, 2, 45, "127.0.0.1", false, NULL,
	 "Address of the HTTPS listener for operators; /admin exists only there."},
	{"server", "admin_port", CONF_INT, 0, PORT_MAX, "8444", false, NULL, "Its port."},
	{"server", "plain_address", CONF_STRING, 2, 45, "0.0.0.0", false, NULL,
	 "Address of the HTTP listener for OCSP, CRLs, CA certificates and health."},
	{"server", "plain_port", CONF_INT, 0, PORT_MAX, "8080", false, NULL, "Its port."},
	{"server", "network_threads", CONF_INT, 1, 64, "2", false, NULL,
	 "Threads that read requests and answer fast ones."},
	{"server", "workers", CONF_INT, 1, 256, "32", false, NULL,
	 "Threads that run requests which sign or commit; writes of as many requests share one commit."},
	{"server", "queue_max", CONF_INT, 1, 100000, "512", false, NULL,
	 "Requests that may wait for a worker; beyond, 503 with Retry-After."},
	{"server", "connections_max", CONF_INT, 16, 100000, "2000", false, NULL,
	 "Open connections of one listener."},
	{"server", "connections_per_ip", CONF_INT, 0, 100000, "0", false, NULL,
	 "Open connections from one address; 0: no limit of its own."},
	{"server", "idle_timeout_s", CONF_INT, 1, 3600, "60", false, NULL,
	 "Seconds after which a silent connection is closed."},
	{"server", "request_timeout_s", CONF_INT, 1, 600, "30", false, NULL,
	 "Seconds that a request may take, waiting included."},

	{"tls", "cert", CONF_PATH, 1, 4096, "tls.pem", false, NULL,
	 "The TLS server certificate and its chain, PEM; the file is read again on SIGHUP."},
	{"tls", "key", CONF_PATH, 1, 4096, "tls.key", false, NULL,
	 "Its private key, PEM, readable by the daemon only; read again on SIGHUP."},

	{"store", "url", CONF_PATH, 8, 4096, "sqlite:store.db", false, NULL,
	 "The store; sqlite:PATH, a relative path is taken from the folder of this file."},
	{"store", "readers", CONF_INT, 1, 64, "4", false, NULL, "Connections for reading."},
	{"store", "queue_max", CONF_INT, 1, 100000, "1024", false, NULL,
	 "Writes that may wait for a commit; beyond, 503."},
	{"store", "batch_delay_us", CONF_INT, 0, 100000, "3000", false, NULL,
	 "Microseconds that a commit waits at most for writes it expects, and never longer than half a "
	 "commit takes; a single writer never waits."},

	{"token.*", "module", CONF_PATH, 1, 4096, NULL, false, NULL,
	 "The PKCS#11 library of this token."},
	{"token.*", "init_args", CONF_STRING, 0, 1024, NULL, false, NULL,
	 "String for C_Initialize, for modules that want one (NSS)."},
	{"token.*", "softhsm_conf", CONF_PATH, 1, 4096, NULL, false, NULL,
	 "SoftHSM's own configuration file; sets SOFTHSM2_CONF for the process."},
	{"token.*", "slots", CONF_LIST, 1, 4, NULL, false, NULL,
	 "Slots that hold the same keys, in the order of use: label:NAME, serial:NUMBER or id:NUMBER."},
	{"token.*", "pin_file", CONF_PATH, 1, 4096, NULL, false, NULL,
	 "File whose first line is the PIN, or credential:NAME for a systemd credential; absent: no login."},
	{"token.*", "sessions", CONF_INT, 1, 64, "4", false, NULL,
	 "Most signatures in flight on this token."},
	{"token.*", "timeout_ms", CONF_INT, 1, 600000, "5000", false, NULL,
	 "Milliseconds that a signature may take, waiting included."},

	{"est", "default_label", CONF_STRING, 2, 4, "cpo", false, "cpo|mo|oem|cps|veh",
	 "The label that /.well-known/est/{operation} without a label stands for."},
	{"est", "line_length", CONF_INT, 0, 76, "76", false, NULL,
	 "Characters in a line of base64 answers; 0: one line."},

	{"auth", "token_seconds", CONF_INT, 60, 604800, "86400", false, NULL,
	 "Life of an access token in seconds."},

	{"pool", "emaid_check_digit", CONF_STRING, 3, 7, "warn", false, "off|warn|enforce",
	 "What happens to an EMAID whose check digit is wrong."},
	{"pool", "allow_skip_revocation", CONF_BOOL, 0, 0, "false", false, NULL,
	 "Honours the header X-Skip-Revocation, with which a contract is deleted and its certificate stays "
	 "good; for test systems only."},

	{"privacy", "key_file", CONF_PATH, 1, 4096, "deployment.key", false, NULL,
	 "The deployment key of pseudonyms and sealed fields, hex on the first line."},

	{"reconcile", "seconds", CONF_INT, 1, 3600, "60", true, NULL,
	 "Seconds between two runs of the reconciler."},
	{"reconcile", "older_than_s", CONF_INT, 1, 86400, "60", true, NULL,
	 "Age from which an intent without certificate, or a certificate that nobody took, is its case."},

	{"log", "level", CONF_STRING, 4, 5, "info", true, "debug|info|warn|error",
	 "The least important events that are logged."},
};
/* clang-format on */

const size_t conf_item_count = ARRAY_LEN(conf_items);
