/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"

static const char *
subject_in_path(const struct request *rq)
{
	switch (rq->route->subject) {
	case SUBJECT_ARG0: return rq->args[0];
	case SUBJECT_ARG1: return rq->args[1];
	case SUBJECT_NONE:
	case SUBJECT_BODY: break;
	}
	return NULL;
}

enum err_code
access_check(struct request *rq)
{
	const char *subject = subject_in_path(rq);
	enum err_code rc;

	if (rq->route->who == WHO_ANYONE)
		return E_OK;
	if ((rc = access_role(rq->route->call, &rq->who, &rq->err)) != E_OK)
		return rc;
	return subject == NULL ? E_OK : request_scope(rq, subject);
}

enum err_code
request_scope(struct request *rq, const char *subject)
{
	rq->scope_checked = true;
	return access_scope(rq->route->call, &rq->who, subject, &rq->err);
}

enum err_code
access_after(struct request *rq)
{
	if (rq->route->who == WHO_CALLER && rq->route->subject == SUBJECT_BODY &&
	    !rq->scope_checked && rq->status >= 200 && rq->status < 300)
		return err_set(&rq->err, E_INTERNAL, "%s %s succeeded without a scope check",
			       rq->route->method, rq->route->path);
	return E_OK;
}
