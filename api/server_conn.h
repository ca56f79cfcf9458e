/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of the server, for what the HTTP library cannot bound: the time a caller takes to
 * send one whole request (its own timeout starts again with every octet). Owns its lock. */
#ifndef API_SERVER_CONN_H
#define API_SERVER_CONN_H

#include "base/err.h"

#include <stdint.h>

struct conn;
struct conn_list;

enum err_code conn_list_start(int64_t request_timeout_us, int64_t idle_timeout_us,
			      struct conn_list **out, struct err *e) MUST_CHECK;
void conn_list_stop(struct conn_list *l);

/* A new connection on this socket; NULL when there is no memory. Its first request is awaited. */
struct conn *conn_add(struct conn_list *l, int fd);
void conn_remove(struct conn_list *l, struct conn *c); /* before the socket is closed */

/* A whole request has come: the clock stops until the next is awaited. */
void conn_request_read(struct conn_list *l, struct conn *c);
void conn_request_awaited(struct conn_list *l, struct conn *c);

#endif
