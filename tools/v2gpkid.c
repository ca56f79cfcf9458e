/* SPDX-License-Identifier: Apache-2.0 */
/* v2gpkid(8): the daemon. It stays in the foreground; signals are waited for in the main thread:
 * SIGTERM and SIGINT end it in order, SIGHUP reads configuration and TLS files again. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/server.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "tools/commands.h"
#include "tools/notify.h"
#include "tools/privilege.h"
#include "tools/reconciler.h"
#include "tools/runtime.h"

#define CONFIG_DEFAULT "/etc/v2gpki/v2gpkid.conf"
#define SETS_MAX       32

struct options {
	const char *config, *user;
	const char *sets[SETS_MAX]; /* section.key=value */
	size_t set_count;
	bool test;
};

struct daemon {
	struct options opt;
	struct conf *conf;   /* as it is in force; reloaded values are taken over one by one */
	struct conf *loaded; /* as the file was at the last reload; NULL: none yet */
	struct runtime rt;
	struct app app;
	char public_url[256];
	struct server *server;
	struct reconciler *reconciler;
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"user", required_argument, NULL, 'u'},
	{"set", required_argument, NULL, 's'},
	{"test", no_argument, NULL, 't'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"usage: v2gpkid [options]\n"
	"The V2G PKI daemon, in the foreground.\n\n"
	"  -c, --config FILE    configuration file (" CONFIG_DEFAULT ")\n"
	"  -s, --set ITEM=VALUE overrides one item of the file, as section.key=value\n"
	"  -t, --test           checks the configuration and exits\n"
	"  -u, --user NAME      becomes this user; without it, root is refused\n"
	"  -V, --version        prints the version\n"
	"  -h, --help           this text\n";

/* False: leave with *status. */
static bool
read_options(struct options *o, int argc, char **argv, int *status)
{
	int c;

	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "c:u:s:tVh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c': o->config = optarg; break;
		case 'u': o->user = optarg; break;
		case 't': o->test = true; break;
		case 's':
			if (o->set_count == SETS_MAX)
				return false;
			o->sets[o->set_count++] = optarg;
			break;
		case 'V':
		case 'h':
			fputs(c == 'h' ? help : "v2gpkid " V2GPKI_VERSION "\n", stdout);
			*status = EXIT_OK;
			return false;
		default: return false;
		}
	}
	if (optind != argc)
		fprintf(stderr, "v2gpkid: %s: no arguments are expected\n", argv[optind]);
	return optind == argc;
}

static enum err_code
load_conf(const struct options *o, struct conf **out, struct err *e)
{
	enum err_code rc;
	size_t i;

	if ((rc = conf_load(o->config, out, e)) != E_OK)
		return rc;
	for (i = 0; i < o->set_count; i++) {
		if ((rc = conf_override(*out, o->sets[i], e)) != E_OK) {
			conf_free(*out);
			*out = NULL;
			return rc;
		}
	}
	return E_OK;
}

static void
apply_log_level(const struct conf *conf)
{
	static const char *const words[] = {
		[LOG_LEVEL_DEBUG] = "debug",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_WARN] = "warn",
		[LOG_LEVEL_ERROR] = "error",
	};
	const char *level = conf_str(conf, "log.level");
	unsigned i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(level, words[i]) == 0)
			log_set_level((enum log_level)i);
}

/* --- start --- */

static enum err_code
open_app(struct daemon *d, struct err *e)
{
	struct auth_conf ac;
	size_t n;

	(void)snprintf(d->public_url, sizeof(d->public_url), "%s",
		       conf_str(d->conf, "pki.public_url")); /* at most 200 bytes */
	for (n = strlen(d->public_url); n > 0 && d->public_url[n - 1] == '/'; n--)
		d->public_url[n - 1] = '\0';
	d->app = (struct app){
		.conf = d->conf,
		.db = d->rt.db,
		.hsm = d->rt.hsm,
		.ca = d->rt.ca,
		.pool = d->rt.pool,
		.public_url = d->public_url,
		.started = clock_now(),
	};
	ac = (struct auth_conf){
		.db = d->rt.db,
		.ca = d->rt.ca,
		.public_url = d->public_url,
		.token_signer = "token-signer",
		.token_seconds = conf_int(d->conf, "auth.token_seconds"),
	};
	return auth_open(&ac, &d->app.auth, e);
}

static enum err_code
start_server(struct daemon *d, struct err *e)
{
	const struct conf *c = d->conf;
	struct server_conf sc = {
		.app = &d->app,
		.listeners = {{LISTEN_PARTICIPANT, conf_str(c, "server.participant_address"),
			       (uint16_t)conf_int(c, "server.participant_port"),
			       conf_str(c, "tls.cert"), conf_str(c, "tls.key")},
			      {LISTEN_ADMIN, conf_str(c, "server.admin_address"),
			       (uint16_t)conf_int(c, "server.admin_port"), conf_str(c, "tls.cert"),
			       conf_str(c, "tls.key")},
			      {LISTEN_PLAIN, conf_str(c, "server.plain_address"),
			       (uint16_t)conf_int(c, "server.plain_port"), NULL, NULL}},
		.listener_count = 3,
		.network_threads = (unsigned)conf_int(c, "server.network_threads"),
		.workers = (unsigned)conf_int(c, "server.workers"),
		.queue_max = (unsigned)conf_int(c, "server.queue_max"),
		.connections_max = (unsigned)conf_int(c, "server.connections_max"),
		.connections_per_ip = (unsigned)conf_int(c, "server.connections_per_ip"),
		.idle_timeout_s = (unsigned)conf_int(c, "server.idle_timeout_s"),
		.request_timeout_s = (unsigned)conf_int(c, "server.request_timeout_s"),
	};

	return server_start(&sc, &d->server, e);
}

static enum err_code
start(struct daemon *d, struct err *e)
{
	enum err_code rc;

	if ((rc = runtime_open(&d->rt, d->conf, false, e)) != E_OK ||
	    (rc = open_app(d, e)) != E_OK ||
	    (rc = reconciler_start(d->rt.ca, conf_int(d->conf, "reconcile.seconds"),
				   conf_int(d->conf, "reconcile.older_than_s"), &d->reconciler,
				   e)) != E_OK)
		return rc;
	return start_server(d, e);
}

static void
stop(struct daemon *d)
{
	if (d->server != NULL)
		server_stop(d->server);
	reconciler_stop(d->reconciler);
	if (d->app.auth != NULL)
		auth_close(d->app.auth);
	runtime_close(&d->rt);
	conf_free(d->loaded);
	conf_free(d->conf);
}

/* --- reload --- */

/* Items that changed in the file but are read at the start only are named in the log. */
static void
tell_unreloadable(const struct conf *was, const struct conf *is)
{
	char name[80];
	const char *a, *b;
	size_t i;

	for (i = 0; i < conf_item_count; i++) {
		const struct conf_item *item = &conf_items[i];

		if (item->reload || strchr(item->section, '.') != NULL)
			continue;
		(void)snprintf(name, sizeof(name), "%s.%s", item->section, item->key); /* short */
		a = conf_str(was, name);
		b = conf_str(is, name);
		if (a != b && (a == NULL || b == NULL || strcmp(a, b) != 0))
			log_event(LOG_LEVEL_WARN, "reload.needs-restart", "item=%s", name);
	}
}

static void
reload(struct daemon *d)
{
	struct conf *fresh = NULL;
	struct err e = {0};
	char text[LOG_VALUE_MAX];

	notify_reloading();
	if (load_conf(&d->opt, &fresh, &e) == E_OK) {
		tell_unreloadable(d->conf, fresh);
		apply_log_level(fresh);
		reconciler_set(d->reconciler, conf_int(fresh, "reconcile.seconds"),
			       conf_int(fresh, "reconcile.older_than_s"));
		conf_free(d->loaded);
		d->loaded = fresh;
	}
	if (e.code == E_OK && server_reload_tls(d->server, &e) == E_OK)
		log_event(LOG_LEVEL_INFO, "reload.done", "config=%s", d->opt.config);
	if (e.code != E_OK)
		log_event(LOG_LEVEL_ERROR, "reload.failed", "error=%s code=%s",
			  log_quote(e.text, text), err_name(e.code));
	notify_manager("READY=1");
}

/* --- main --- */

static void
block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* a peer that leaves is an error of its write */
}

static void
serve(struct daemon *d, const sigset_t *set)
{
	int sig = 0;

	log_event(LOG_LEVEL_INFO, "daemon.ready",
		  "version=%s participant=%" PRId64 " admin=%" PRId64 " plain=%" PRId64
		  " proofs=%u",
		  V2GPKI_VERSION, conf_int(d->conf, "server.participant_port"),
		  conf_int(d->conf, "server.admin_port"), conf_int(d->conf, "server.plain_port"),
		  d->rt.proofs);
	notify_manager("READY=1");
	while (sigwait(set, &sig) == 0 && sig == SIGHUP)
		reload(d);
	log_event(LOG_LEVEL_INFO, "daemon.stopping", "signal=%d", sig);
	notify_manager("STOPPING=1");
}

/* Memory is locked before anything secret is read; giving up root resets what prctl(2) had set, so
 * that is done once more. */
static enum err_code
prepare(struct daemon *d, struct err *e)
{
	enum err_code rc;

	if ((rc = secret_init(e)) != E_OK || (rc = privilege_drop(d->opt.user, e)) != E_OK ||
	    (rc = secret_init(e)) != E_OK)
		return rc;
	return load_conf(&d->opt, &d->conf, e);
}

int
main(int argc, char **argv)
{
	struct daemon d = {.opt = {.config = CONFIG_DEFAULT}};
	struct err e = {0};
	sigset_t set;
	enum err_code rc;
	int status;

	if (!read_options(&d.opt, argc, argv, &status))
		return status;
	if ((rc = prepare(&d, &e)) == E_OK && !d.opt.test) {
		apply_log_level(d.conf);
		block_signals(&set);
		rc = start(&d, &e);
		if (rc == E_OK)
			serve(&d, &set);
	}
	stop(&d);
	if (rc == E_OK)
		return EXIT_OK;
	fprintf(stderr, "v2gpkid: %s (%s)\n", e.text, err_name(rc));
	return (int)exit_status_of(rc);
}
