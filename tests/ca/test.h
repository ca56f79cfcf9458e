/* SPDX-License-Identifier: Apache-2.0 */
/* What every test of ca starts with: cmocka and one open deployment for the whole program. */
#ifndef TESTS_CA_TEST_H
#define TESTS_CA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/privacy.h"
#include "base/str.h"
#include "fixture.h"

static struct fixture fx;

static inline int
setup(void **state)
{
	(void)state;
	fixture_make(&fx);
	fixture_open(&fx);
	fixture_create_all(&fx);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	fixture_remove(&fx);
	privacy_done();
	return 0;
}

#endif
