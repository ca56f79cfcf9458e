/* SPDX-License-Identifier: Apache-2.0 */
#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/internal.h"
#include "db/pool_store.h"

struct db {
	struct writer *writer;
	struct readers *readers;
	_Atomic uint64_t roots_version;
};

static const char *
sqlite_path(const char *url) /* NULL when it is another kind of store */
{
	static const char scheme[] = "sqlite:";
	size_t n = strlen(scheme);

	return strncmp(url, scheme, n) == 0 && url[n] != '\0' ? url + n : NULL;
}

static enum err_code
check_conf(const struct db_conf *conf, struct err *e)
{
	if (conf->queue_max < 1)
		return err_set(e, E_CONFIG, "a queue of 0 writes: expected at least 1");
	if (conf->batch_delay_us > 1000000)
		return err_set(e, E_CONFIG, "a batch delay of %u us: expected at most 1000000",
			       conf->batch_delay_us);
	return E_OK;
}

/* SQLite would make the file with the umask's mode; the store holds personal data. Its log and
 * index take the mode of the file. */
static enum err_code
create_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(e, E_IO, "store %s: %s", path, strerrordesc_np(errno));
	(void)close(fd); /* nothing was written */
	return E_OK;
}

static enum err_code
open_writer(struct db *db, const struct conn_conf *cc, const struct db_conf *conf, struct err *e)
{
	struct writer_conf wc = {conf->queue_max, conf->batch_delay_us, &db->roots_version};
	struct conn *c = NULL;
	enum err_code rc;

	if ((rc = conn_open(cc, &c, e)) == E_OK && (rc = migrate(c, e)) == E_OK)
		rc = writer_start(&wc, c, &db->writer, e);
	if (rc != E_OK)
		conn_close(c);
	return rc;
}

enum err_code
db_open(const struct db_conf *conf, struct db **out, struct err *e)
{
	struct conn_conf cc = {.vfs = conf->vfs, .create = conf->create};
	struct db *db = NULL;
	enum err_code rc;

	*out = NULL;
	if ((cc.path = sqlite_path(conf->url)) == NULL)
		return err_set(e, E_CONFIG, "store \"%s\": expected sqlite:PATH", conf->url);
	if ((rc = check_conf(conf, e)) != E_OK)
		return rc;
	if (conf->create && (rc = create_file(cc.path, e)) != E_OK)
		return rc;
	if ((db = calloc(1, sizeof(*db))) == NULL)
		return err_set(e, E_NO_MEMORY, "no memory for the store");
	atomic_store(&db->roots_version, 1);
	if ((rc = open_writer(db, &cc, conf, e)) == E_OK) {
		cc.reader = true;
		rc = readers_open(&cc, conf->readers, &db->readers, e);
	}
	if (rc != E_OK) {
		db_close(db);
		return rc;
	}
	*out = db;
	return E_OK;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	readers_close(db->readers); /* first, so that the last checkpoint can empty the log */
	writer_stop(db->writer);
	free(db);
}

enum err_code
db_write(struct db *db, job_fn *fn, void *arg, const struct audit_record *a, struct err *e)
{
	return writer_submit(db->writer, fn, arg, a, e);
}

enum err_code
db_read(struct db *db, enum stmt_id id, struct args a, struct sink s, size_t *count, struct err *e)
{
	struct conn *c = readers_take(db->readers);
	enum err_code rc = conn_read(c, id, a, s, count, e);

	readers_give(db->readers, c);
	return rc;
}

enum err_code
db_flush(struct db *db, struct err *e)
{
	struct conn *c = readers_take(db->readers);
	enum err_code rc = conn_checkpoint(c, e);

	readers_give(db->readers, c);
	return rc;
}

enum err_code
db_figures(struct db *db, struct db_figures *out, struct err *e)
{
	(void)e; /* another driver may have to ask */
	memset(out, 0, sizeof(*out));
	writer_figures(db->writer, out);
	return E_OK;
}

uint64_t
root_store_version(struct db *db)
{
	return atomic_load(&db->roots_version);
}

enum err_code
db_ping(struct db *db, struct err *e)
{
	int64_t n;

	return db_read(db, STMT_PING, NO_ARGS, (struct sink){sink_int, &n}, NULL, e);
}

/* --- meta --- */
static void
read_buf(struct row *r, void *out)
{
	take_buf(r, out);
}

enum err_code
db_meta_get(struct db *db, const char *key, struct buf *value, struct err *e)
{
	size_t n = 0;
	enum err_code rc;

	rc = db_read(db, STMT_META_GET, ARGS(arg_text(key)), (struct sink){read_buf, value}, &n, e);
	if (rc == E_OK && n == 0)
		rc = err_set(e, E_NOT_FOUND, "the store has no \"%s\"", key);
	return rc;
}

struct meta {
	const char *key, *value;
};

static enum err_code
set_meta(struct txn *t, void *arg, struct err *e)
{
	const struct meta *m = arg;

	return conn_run(t->c, STMT_META_SET,
			ARGS(arg_text(m->key), arg_text(m->value), arg_int(t->now)), NULL, e);
}

enum err_code
db_meta_set(struct db *db, const char *key, const char *value, struct err *e)
{
	struct meta m = {key, value};

	return db_write(db, set_meta, &m, NULL, e);
}

/* --- leases --- */
struct lease {
	const char *name, *holder;
	int64_t seconds, changed;
};

static enum err_code
take_lease(struct txn *t, void *arg, struct err *e)
{
	struct lease *l = arg;

	return conn_run(t->c, STMT_LEASE_TAKE,
			ARGS(arg_text(l->name), arg_text(l->holder), arg_int(t->now + l->seconds),
			     arg_int(t->now)),
			&l->changed, e);
}

enum err_code
db_lease_take(struct db *db, const char *name, const char *holder, int64_t seconds, bool *got,
	      struct err *e)
{
	struct lease l = {name, holder, seconds, 0};
	enum err_code rc = db_write(db, take_lease, &l, NULL, e);

	*got = rc == E_OK && l.changed == 1;
	return rc;
}

static enum err_code
drop_lease(struct txn *t, void *arg, struct err *e)
{
	const struct lease *l = arg;

	return conn_run(t->c, STMT_LEASE_DROP, ARGS(arg_text(l->name), arg_text(l->holder)), NULL,
			e);
}

enum err_code
db_lease_drop(struct db *db, const char *name, const char *holder, struct err *e)
{
	struct lease l = {name, holder, 0, 0};

	return db_write(db, drop_lease, &l, NULL, e);
}

/* --- lists --- */
static bool
list_grow(struct list *l)
{
	size_t cap = l->cap == 0 ? 4 : l->cap * 2;
	void *p = l->fixed ? NULL : realloc(l->rows, cap * l->type->size);

	if (p == NULL)
		return false;
	l->rows = p;
	l->cap = cap;
	return true;
}

void
list_sink(struct row *r, void *out)
{
	struct list *l = out;
	void *element;

	if (l->n == l->cap && !list_grow(l)) {
		row_fail(r, E_NO_MEMORY);
		return;
	}
	element = (char *)l->rows + l->n++ * l->type->size;
	memset(element, 0, l->type->size);
	l->type->read(r, element);
}

static void
list_free(struct list *l)
{
	for (; l->n > 0 && l->type->free != NULL; l->n--)
		l->type->free((char *)l->rows + (l->n - 1) * l->type->size);
	l->n = 0;
	if (!l->fixed) {
		free(l->rows);
		l->rows = NULL;
	}
}

enum err_code
db_read_page(struct db *db, enum stmt_id id, struct args a, const struct row_type *type,
	     struct page page, struct err *e)
{
	struct list l = {.type = type, .rows = page.rows, .cap = page.cap, .fixed = true};
	enum err_code rc = db_read(db, id, a, (struct sink){list_sink, &l}, NULL, e);

	if (rc != E_OK)
		list_free(&l);
	*page.count = l.n;
	return rc;
}

enum err_code
db_read_all(struct db *db, enum stmt_id id, struct args a, const struct row_type *type,
	    struct list *out, struct err *e)
{
	enum err_code rc;

	*out = (struct list){.type = type};
	rc = db_read(db, id, a, (struct sink){list_sink, out}, NULL, e);
	if (rc != E_OK)
		list_free(out);
	return rc;
}

enum err_code
db_read_row(struct db *db, enum stmt_id id, struct args a, const struct row_type *type, void *out,
	    struct err *e)
{
	struct list l = {.type = type, .rows = out, .cap = 1, .fixed = true};
	enum err_code rc;

	memset(out, 0, type->size);
	rc = db_read(db, id, a, (struct sink){list_sink, &l}, NULL, e);
	if (rc != E_OK)
		list_free(&l);
	return rc == E_OK && l.n == 0 ? E_NOT_FOUND : rc;
}

/* --- counts of the pools --- */

static void
read_count(struct row *r, void *out)
{
	struct pool_counts *c = out;
	char name[33];
	int64_t n;

	take_text(r, name, sizeof(name));
	n = take_int(r);
	if (strcmp(name, "roots") == 0)
		c->roots = n;
	else if (strcmp(name, "vehicles") == 0)
		c->vehicles = n;
	else if (strcmp(name, "contracts") == 0)
		c->contracts = n;
	else if (strcmp(name, "outbox") == 0)
		c->outbox = n;
}

enum err_code
pool_store_counts(struct db *db, struct pool_counts *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	return db_read(db, STMT_COUNTERS, NO_ARGS, (struct sink){read_count, out}, NULL, e);
}
