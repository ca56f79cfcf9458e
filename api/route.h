/* SPDX-License-Identifier: Apache-2.0 */
/* The route table: what exists on which listener, who may call it and how it runs. Lookup tells
 * "no such path" from "no such method", so that 404 and 405 differ. Admin paths do not exist on the
 * other listeners. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/request.h"

enum listener { LISTEN_PARTICIPANT = 1, LISTEN_ADMIN = 2, LISTEN_PLAIN = 4 };
enum speed { FAST, SLOW }; /* on the network thread, or on a worker (it signs or commits) */
enum scope_from { SUBJECT_NONE, SUBJECT_ARG0, SUBJECT_ARG1, SUBJECT_BODY };
enum who { WHO_ANYONE, WHO_CALLER }; /* without login, or authenticated with the call's roles */

typedef enum err_code route_handler(struct request *rq);

struct route {
	unsigned listeners;
	const char *method;
	/* "/v1/oem/provCerts/{pcid}": {x} is one segment, never empty; {x?} may be absent (only at
	 * the end); ~cpo also takes one word and a hyphen in front ("eu-cpo"); a final / is
	 * optional. */
	const char *path;
	route_handler *handler;
	enum who who;
	enum call call; /* policy/role.h; unused with WHO_ANYONE */
	enum scope_from subject;
	enum speed speed;
	bool writes;
	uint32_t body_max; /* bytes; 0: no body is accepted */
};

/* All tables, one per area: "routes_rcp", …; NULL ends. */
extern const struct route *const route_tables[];

#define ROUTE_ALLOWED_MAX 64

struct route_match {
	const struct route *route;
	char *args[REQUEST_ARGS_MAX];    /* NULL where an optional one is absent */
	char allowed[ROUTE_ALLOWED_MAX]; /* methods of this path, "GET, HEAD" */
};

/* Finds the route for a method and raw path; args are percent-decoded, in the caller's scratch of
 * at least strlen(path) + 1 bytes. The path whose first segments are spelled out wins over one with
 * parameters. HEAD finds GET routes. E_NO_ROUTE, or E_METHOD with allowed filled. */
enum err_code route_find(unsigned listener, const char *method, const char *path, char *scratch,
			 struct route_match *out, struct err *e) MUST_CHECK;

#endif
