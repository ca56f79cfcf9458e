/* SPDX-License-Identifier: Apache-2.0 */
/* load --mode enrol|order|mixed [--connections N] [--seconds S] [--log FILE] */
#include "tests/bench/load.h"

#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/str.h"

static bool
act(struct connection *c, char *ack, size_t cap)
{
	const struct load *l = c->load;

	if (strcmp(l->mode, "order") == 0 || (strcmp(l->mode, "mixed") == 0 && c->index % 2 == 1))
		return load_order(c, ack, cap);
	return load_enrol(c, ack, cap);
}

/* One write per acknowledged act: O_APPEND keeps the lines of all connections whole. */
static void
acknowledge(const struct load *l, const char *ack)
{
	if (l->log_fd >= 0 && ack[0] != '\0' && write(l->log_fd, ack, strlen(ack)) < 0)
		perror("load: log");
}

static void *
run(void *arg)
{
	struct connection *c = arg;
	struct load *l = c->load;
	char ack[256];
	int64_t t0, t1;

	while (!atomic_load(&l->stop)) {
		ack[0] = '\0';
		t0 = clock_mono_us();
		if (act(c, ack, sizeof(ack))) {
			acknowledge(l, ack);
			t1 = clock_mono_us();
			c->ok++;
			if (c->samples < LOAD_SAMPLES_MAX)
				c->us[c->samples++] = (uint32_t)(t1 - t0);
		} else if (c->last_status == 0) {
			c->broken++;
			if (c->broken > 3)
				break; /* the server is gone: so are we */
			usleep(20000);
		} else if (c->refused++ == 0) {
			fprintf(stderr, "load: status %ld: %.200s\n", c->last_status,
				c->answer.n > 0 ? buf_cstr(&c->answer) : "");
		}
	}
	return NULL;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int
summary(const struct load *l, const struct connection *c, double seconds)
{
	uint64_t ok = 0, refused = 0, broken = 0;
	size_t n = 0, i;
	uint32_t *all;

	for (i = 0; i < l->connections; i++) {
		ok += c[i].ok;
		refused += c[i].refused;
		broken += c[i].broken;
		n += c[i].samples;
	}
	all = calloc(n + 1, sizeof(*all));
	if (all == NULL)
		return 1;
	for (n = 0, i = 0; i < l->connections; n += c[i].samples, i++)
		memcpy(all + n, c[i].us, c[i].samples * sizeof(*all));
	qsort(all, n, sizeof(*all), by_value);
	printf("mode=%s connections=%u seconds=%.2f ok=%llu refused=%llu broken=%llu rate=%.1f "
	       "p50_ms=%.2f p99_ms=%.2f\n",
	       l->mode, l->connections, seconds, (unsigned long long)ok,
	       (unsigned long long)refused, (unsigned long long)broken, (double)ok / seconds,
	       n > 0 ? all[n / 2] / 1000.0 : 0.0, n > 0 ? all[n - 1 - n / 100] / 1000.0 : 0.0);
	free(all);
	return ok > 0 && refused == 0 ? 0 : 1;
}

static bool
start(struct load *l, struct connection *c, pthread_t *threads)
{
	unsigned i;

	for (i = 0; i < l->connections; i++) {
		c[i].load = l;
		c[i].index = i;
		c[i].us = calloc(LOAD_SAMPLES_MAX, sizeof(*c[i].us));
		if (c[i].us == NULL ||
		    ec_generate(algo_get(ALGO_P256), &c[i].key, &c[i].point, NULL) != E_OK)
			return false;
	}
	for (i = 0; i < l->connections; i++)
		if (pthread_create(&threads[i], NULL, run, &c[i]) != 0)
			return false;
	return true;
}

static int
load_for(struct load *l)
{
	static struct connection c[LOAD_CONNECTIONS_MAX];
	pthread_t threads[LOAD_CONNECTIONS_MAX];
	int64_t t0 = clock_mono_us();
	unsigned i;

	if (!start(l, c, threads))
		return 1;
	usleep((useconds_t)(l->seconds * 1e6));
	atomic_store(&l->stop, true);
	for (i = 0; i < l->connections; i++)
		(void)pthread_join(threads[i], NULL); /* only fails for a thread that is not ours */
	return summary(l, c, (double)(clock_mono_us() - t0) / 1e6);
}

static bool
prepare(struct load *l)
{
	char uuid[UUID_LEN];

	l->url = getenv("V2GPKI_URL");
	l->ca = getenv("V2GPKI_CA");
	if (l->url == NULL || l->ca == NULL || random_uuid(uuid, NULL) != E_OK) {
		fprintf(stderr, "load: source the env file of quickstart.sh first\n");
		return false;
	}
	(void)snprintf(l->run, sizeof(l->run), "%.5s", uuid);
	str_upper(l->run);
	l->log_fd =
		l->log == NULL ? -1 : open(l->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	l->cpo_token = load_token(l, "CPO");
	l->mo_token = load_token(l, "MO");
	l->oem_token = load_token(l, "OEM");
	if (l->cpo_token == NULL || l->mo_token == NULL || l->oem_token == NULL)
		return false;
	return strcmp(l->mode, "order") != 0 && strcmp(l->mode, "mixed") != 0 ? true
									      : load_publish(l);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"mode", required_argument, NULL, 'm'},
		{"connections", required_argument, NULL, 'c'},
		{"seconds", required_argument, NULL, 's'},
		{"log", required_argument, NULL, 'l'},
		{0},
	};
	struct load l = {.mode = "enrol", .connections = 1, .seconds = 5, .vehicles = 16};
	struct err e = {0};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'm': l.mode = optarg; break;
		case 'c': l.connections = (unsigned)strtoul(optarg, NULL, 10); break;
		case 's': l.seconds = strtod(optarg, NULL); break;
		case 'l': l.log = optarg; break;
		default: return 2;
		}
	}
	if (l.connections < 1 || l.connections > LOAD_CONNECTIONS_MAX || l.seconds > 120)
		return 2;
	if (secret_init(&e) != E_OK) {
		fprintf(stderr, "load: %s\n", e.text);
		return 1;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return prepare(&l) ? load_for(&l) : 1;
}
