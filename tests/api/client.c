/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

void
answer_free(struct answer *a)
{
	buf_free(&a->head);
	buf_free(&a->body);
	*a = (struct answer){0};
}

int
client_dial(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct timeval limit = {.tv_sec = 20};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
client_send(int fd, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n > 0) {
		ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		at += sent;
		n -= (size_t)sent;
	}
	return true;
}

bool
client_text(int fd, const char *s)
{
	return client_send(fd, s, strlen(s));
}

/* Header fields octet by octet, so that nothing of a second answer is taken. */
static bool
read_head(int fd, struct buf *head)
{
	char c;

	while (recv(fd, &c, 1, 0) == 1) {
		buf_put_u8(head, (uint8_t)c);
		if (head->n >= 4 && memcmp(head->p + head->n - 4, "\r\n\r\n", 4) == 0)
			return buf_cstr(head) != NULL;
	}
	return false;
}

const char *
answer_header(const struct answer *a, const char *name)
{
	static _Thread_local char value[512];
	const char *line = (const char *)a->head.p;
	size_t n = strlen(name);

	while (line != NULL && (line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
			size_t len = strcspn(line + n + 2, "\r");

			snprintf(value, sizeof(value), "%.*s", (int)len, line + n + 2);
			return value;
		}
	}
	return NULL;
}

int
client_read(int fd, bool bodiless, struct answer *a)
{
	const char *length;
	size_t want, i;
	int continues = -1;
	char c;

	do {
		answer_free(a);
		continues++;
		if (!read_head(fd, &a->head))
			return continues;
		a->status = (int)strtol((const char *)a->head.p + 9, NULL, 10);
	} while (a->status == 100);
	length = answer_header(a, "Content-Length");
	want = bodiless || length == NULL ? 0 : strtoul(length, NULL, 10);
	for (i = 0; i < want && recv(fd, &c, 1, 0) == 1; i++)
		buf_put_u8(&a->body, (uint8_t)c);
	if (i < want || buf_cstr(&a->body) == NULL)
		a->status = 0;
	return continues;
}

bool
client_closed(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

void
client_call(uint16_t port, const char *method, const char *path, const char *headers,
	    struct span body, struct answer *a)
{
	struct buf out = {0};
	int fd = client_dial(port);

	*a = (struct answer){0};
	if (fd < 0)
		return;
	buf_printf(&out, "%s %s HTTP/1.1\r\nHost: test\r\n%s", method, path, headers);
	if (body.p != NULL)
		buf_printf(&out, "Content-Length: %zu\r\n", body.n);
	buf_put_str(&out, "Connection: close\r\n\r\n");
	buf_put_span(&out, body);
	client_send(fd, out.p, out.n);
	client_read(fd, strcmp(method, "HEAD") == 0, a);
	buf_free(&out);
	close(fd);
}

bool
answer_has(const struct answer *a, const char *text)
{
	return a->body.p != NULL && strstr((const char *)a->body.p, text) != NULL;
}
