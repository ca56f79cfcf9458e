/* SPDX-License-Identifier: Apache-2.0 */
/* Kill -9 between any two steps of issuing and of a ceremony (F-1): after a restart nothing that
 * was acknowledged is missing, nothing was signed that the store does not know, orphans are listed
 * and can be revoked. argv: the child program, the PKCS#11 shim that counts signatures. */
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "test.h"

extern char **environ;

static const char *child, *shim;
static char counts[96];
static int objects;

static pid_t
start(const char *fault, const char *what, const char *name, const char *count)
{
	const char *argv[] = {child, fx.home, what, name, count, NULL};
	pid_t pid;

	if (fault != NULL)
		assert_int_equal(setenv("V2GPKI_FAULT", fault, 1), 0);
	assert_int_equal(posix_spawn(&pid, child, NULL, NULL, (char **)(uintptr_t)argv, environ),
			 0);
	assert_int_equal(unsetenv("V2GPKI_FAULT"), 0);
	return pid;
}

static int
finish(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool
was_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static size_t
lines_of(const char *path)
{
	char line[256];
	size_t n = 0;
	FILE *in = fopen(path, "r");

	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		n++;
	if (in != NULL)
		(void)fclose(in); /* read only */
	return n;
}

/* Every acknowledged certificate is there, the same, and good. */
static size_t
check_acks(void)
{
	char path[96], line[256], id[128], hex[80], stored[HEX_LEN(SHA256_LEN)];
	size_t n = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/acks", fx.home);
	in = fopen(path, "r");
	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		struct cert_row row = {0};
		struct err e = {0};

		if (sscanf(line, "%127s %79s", id, hex) != 2 || strlen(hex) != 64)
			continue; /* a line that was cut was not a reply */
		assert_int_equal(cert_store_by_request(fx.db, id, &row, &e), E_OK);
		assert_int_equal(row.state, CERT_ISSUED);
		assert_int_equal(row.status, CERT_GOOD);
		hex_encode((struct span){row.fingerprint, SHA256_LEN}, stored, sizeof(stored));
		assert_string_equal(stored, hex);
		cert_row_free(&row);
		n++;
	}
	if (in != NULL)
		(void)fclose(in); /* read only */
	return n;
}

/* Lists the orphans of cpo-sub2 and revokes each by its serial. */
static size_t
revoke_orphans(void)
{
	static struct cert_row rows[64];
	size_t n, i, found = 0;
	int64_t after = 0;
	struct err e = {0};

	do {
		memset(rows, 0, sizeof(rows));
		assert_int_equal(cert_store_list(fx.db, "cpo-sub2", NULL, after, rows,
						 ARRAY_LEN(rows), &n, &e),
				 E_OK);
		for (i = 0; i < n; i++) {
			struct span serial = {rows[i].serial, rows[i].serial_len};

			after = rows[i].id;
			assert_int_not_equal(rows[i].state, CERT_INTENT);
			if (rows[i].state == CERT_ORPHAN && rows[i].status == CERT_GOOD) {
				found++;
				assert_int_equal(ca_revoke_serial(fx.set, "cpo-sub2", serial, 4,
								  "admin", &e),
						 E_OK);
			}
			cert_row_free(&rows[i]);
		}
	} while (n > 0);
	return found;
}

/* What a restart does, and what must hold after it. */
static void
recover(struct reconcile_report *report, size_t *orphans)
{
	struct cert_counts c;
	struct err e = {0};
	int64_t rows = 0;

	fixture_open(&fx);
	assert_int_equal(fx.proofs > 0, 1);
	(void)check_acks();
	assert_int_equal(setenv("V2GPKI_TEST_CLOCK", "+120", 1), 0);
	assert_int_equal(ca_reconcile(fx.set, 60, report, &e), E_OK);
	assert_int_equal(unsetenv("V2GPKI_TEST_CLOCK"), 0);
	(void)check_acks(); /* and the reconciler took none of them */
	assert_int_equal(cert_store_counts(fx.db, &c, &e), E_OK);
	assert_int_equal(c.intents, 0);
	*orphans = revoke_orphans();
	assert_int_equal(audit_verify(fx.db, &rows, &e), E_OK);
	/* I-1, I-2: each signature of the token has its record. */
	assert_true(lines_of(counts) <= fixture_audit_count(&fx, "certificate.intent") +
						fixture_audit_count(&fx, "key.proof"));
	fixture_close(&fx);
}

static void
kill_at(const char *point, int nth, char name[64])
{
	char fault[64];

	(void)snprintf(fault, sizeof(fault), "%s:kill:%d", point, nth);
	(void)snprintf(name, 64, "%s-%d", point, nth);
	assert_true(was_killed(finish(start(fault, "issue", name, "20"))));
}

/* Nobody comes back: the reconciler finds what was begun. */
static void
kill_and_forget(const char *point, bool orphan)
{
	struct reconcile_report report;
	char name[64];
	size_t orphans = 0;
	int nth;

	for (nth = 1; nth <= 21; nth += 20) {
		kill_at(point, nth, name);
		recover(&report, &orphans);
		assert_int_equal(orphans, report.orphaned);
		assert_true(orphan ? report.orphaned >= 1 : report.revoked >= 1);
	}
}

/* The clients ask again at once, with the same ids: all get their certificates, the unfinished ones
 * under a new serial (I-4). */
static void
kill_and_ask_again(const char *point, bool orphan)
{
	struct reconcile_report report;
	char name[64];
	size_t orphans = 0;

	kill_at(point, 11, name);
	assert_int_equal(finish(start(NULL, "issue", name, "20")), 0);
	recover(&report, &orphans);
	assert_int_equal(report.revoked, 0);
	assert_int_equal(report.orphaned, 0);
	assert_true(!orphan || orphans >= 1);
}

/* I-1, I-4 */
static void
i01_i04_killed_after_the_intent(void **state)
{
	(void)state;
	kill_and_forget("issue-after-intent", true);
	kill_and_ask_again("issue-after-intent", true);
}

static void
killed_after_the_signature(void **state)
{
	(void)state;
	kill_and_forget("issue-after-sign", true);
	kill_and_ask_again("issue-after-sign", true);
}

static void
killed_after_the_commit(void **state)
{
	(void)state;
	kill_and_forget("issue-after-commit", false);
	kill_and_ask_again("issue-after-commit", false);
}

static void
killed_at_any_moment(void **state)
{
	struct reconcile_report report;
	size_t orphans = 0, hit_orphan = 0, hit_unclaimed = 0;
	char name[32];
	int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		pid_t pid;

		(void)snprintf(name, sizeof(name), "any-%d", i);
		pid = start(NULL, "issue", name, "10000");
		usleep((useconds_t)(120000 + i * 7919 % 60 * 1000));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_true(was_killed(finish(pid)));
		recover(&report, &orphans);
		hit_orphan += report.orphaned > 0;
		hit_unclaimed += report.revoked > 0;
	}
	print_message("12 kills: %zu hit an intent without certificate, %zu a certificate without "
		      "reply\n",
		      hit_orphan, hit_unclaimed);
	assert_true(hit_orphan + hit_unclaimed > 0);
}

static int
count_object(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *dot = strrchr(path, '.');

	(void)st;
	(void)ftw;
	objects += type == FTW_F && dot != NULL && strcmp(dot, ".object") == 0;
	return 0;
}

static int
count_objects(void)
{
	char path[96];

	objects = 0;
	(void)snprintf(path, sizeof(path), "%s/tokens", fx.home);
	assert_int_equal(nftw(path, count_object, 8, FTW_PHYS), 0);
	return objects;
}

static void
a_ceremony_goes_on_where_it_was_killed(void **state)
{
	const char *points[] = {"ceremony-after-row",  "ceremony-after-key",
				"issue-after-intent",  "issue-after-sign",
				"issue-after-commit",  "ceremony-after-certificate",
				"ceremony-after-store"};
	struct reconcile_report report;
	char fault[64], name[32];
	size_t i, orphans = 0;
	int nth, before;

	(void)state;
	for (i = 0; i < ARRAY_LEN(points); i++) {
		for (nth = 1; nth <= 2; nth++) { /* in the root, in its sub-CA */
			before = count_objects();
			(void)snprintf(fault, sizeof(fault), "%s:kill:%d", points[i], nth);
			(void)snprintf(name, sizeof(name), "kill-%zu-%d", i, nth);
			assert_true(was_killed(finish(start(fault, "ca", name, NULL))));
			recover(&report, &orphans); /* does not revoke a CA's certificate */
			assert_int_equal(finish(start(NULL, "ca", name, NULL)), 0);
			assert_int_equal(finish(start(NULL, "ca", name, NULL)), 0);
			/* Two keys of two objects: never a second one for a CA. */
			assert_int_equal(count_objects(), before + 4);
		}
	}
}

static int
setup_all(void **state)
{
	(void)setup(state);
	fixture_close(&fx);
	(void)snprintf(counts, sizeof(counts), "%s/counts", fx.home);
	if (setenv("V2GPKI_TEST_MODULE", shim, 1) != 0 ||
	    setenv("V2GPKI_SHIM_MODULE", SOFTHSM_MODULE, 1) != 0 ||
	    setenv("V2GPKI_SHIM_COUNT", counts, 1) != 0)
		return 1;
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(i01_i04_killed_after_the_intent),
		cmocka_unit_test(killed_after_the_signature),
		cmocka_unit_test(killed_after_the_commit),
		cmocka_unit_test(killed_at_any_moment),
		cmocka_unit_test(a_ceremony_goes_on_where_it_was_killed),
	};

	if (argc != 3)
		return 2;
	child = argv[1];
	shim = argv[2];
	return cmocka_run_group_tests(tests, setup_all, teardown);
}
