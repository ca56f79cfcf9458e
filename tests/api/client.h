/* SPDX-License-Identifier: Apache-2.0 */
/* A client that sends exactly the octets it is told, for requests that no library would send. */
#ifndef TESTS_API_CLIENT_H
#define TESTS_API_CLIENT_H

#include "base/buf.h"

struct answer {          /* answer_free */
	int status;      /* 0: the connection ended without one */
	struct buf head; /* NUL-terminated */
	struct buf body; /* NUL-terminated */
};
void answer_free(struct answer *a);

int client_dial(uint16_t port); /* a connected socket with a timeout of 20 seconds; -1 */
bool client_send(int fd, const void *p, size_t n); /* false when the peer has gone */
bool client_text(int fd, const char *s);
/* The next answer on this connection; bodiless: of a HEAD. Reads any 100 Continue first and counts
 * it. */
int client_read(int fd, bool bodiless, struct answer *a);
bool client_closed(int fd); /* the peer closes within the timeout, without more octets */

/* A whole exchange on a connection of its own. headers: lines with CRLF, or "". */
void client_call(uint16_t port, const char *method, const char *path, const char *headers,
		 struct span body, struct answer *a);
/* The value of a header, lent; NULL. Valid until the next call. */
const char *answer_header(const struct answer *a, const char *name);
/* Whether the body has this member with this text ("\"code\":\"x\""). */
bool answer_has(const struct answer *a, const char *text);

#endif
