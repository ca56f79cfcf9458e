/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what postgres.sh feeds to psql: every migration as PostgreSQL reads it, then a PREPARE of
 * every statement. */
#include <stdio.h>

#include "db/conn.h"
#include "db/migrate.h"

int
main(void)
{
	struct buf sql = {0};
	size_t i;
	int id;

	buf_put_str(&sql, "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, "
			  "name TEXT NOT NULL, applied BIGINT NOT NULL);\n");
	for (i = 0; i < migration_count; i++) {
		buf_put_str(&sql, "BEGIN;\n");
		migrate_render(&migrations[i], DIALECT_POSTGRES, &sql);
		buf_put_str(&sql, "COMMIT;\n");
	}
	for (id = 0; id < STMT_COUNT; id++)
		buf_printf(&sql, "PREPARE s_%s AS %s;\n", stmt_name((enum stmt_id)id),
			   stmt_text((enum stmt_id)id));
	buf_printf(&sql, "\\echo prepared %d statements\n", (int)STMT_COUNT);
	if (buf_ok(&sql, NULL) != E_OK || fwrite(sql.p, 1, sql.n, stdout) != sql.n)
		return 1;
	buf_free(&sql);
	return 0;
}
