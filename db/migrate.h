/* SPDX-License-Identifier: Apache-2.0 */
/* The schema as numbered migrations, one text for every database (db/schema). Each runs in one
 * transaction with its row in schema_version, so that a stop in between leaves none of it. */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "base/buf.h"

struct migration {
	int version;
	const char *name;
	const char *const *lines; /* with the words @ID@, @KEY@, @BYTES@; ends with NULL */
};
extern const struct migration migrations[];
extern const size_t migration_count;

enum dialect { DIALECT_SQLITE, DIALECT_POSTGRES };

/* Appends its text with the words replaced as the dialect wants them. */
void migrate_render(const struct migration *m, enum dialect d, struct buf *out);

#endif
