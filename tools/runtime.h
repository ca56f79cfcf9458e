/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind the daemon and behind init: store, tokens, CAs and pools, opened from one
 * configuration in one order and closed in the reverse one. */
#ifndef TOOLS_RUNTIME_H
#define TOOLS_RUNTIME_H

#include "base/conf.h"
#include "ca/ca.h"
#include "pool/pool.h"

#define TOKENS_MAX CONF_INSTANCES_MAX

struct runtime {
	const struct conf *conf; /* lent */
	int lock;                /* descriptor of the store's lock file plus 1; 0: none */
	struct db *db;
	struct hsm *hsm;
	struct ca_set *ca;
	struct pool *pool;
	unsigned proofs; /* signatures that proved keys at the start */
};

/* create: the store may be made. One process at a time: E_DB_BUSY while another has the store open
 * (the chain of audit hashes has one writer). The struct must be zeroed; runtime_close frees what
 * is there, also after a failure. */
enum err_code
runtime_open(struct runtime *rt, const struct conf *conf, bool create, struct err *e) MUST_CHECK;
void runtime_close(struct runtime *rt);

/* The parts, for commands that need only one. */
enum err_code runtime_privacy(const struct conf *conf, struct err *e) MUST_CHECK;

/* Tokens of the configuration; strings are lent by it. Sets SOFTHSM2_CONF where an item asks for
 * it: call before threads. E_CONFIG when a token lacks module or slots, or there is none. */
enum err_code runtime_tokens(const struct conf *conf, struct hsm_token_conf tokens[TOKENS_MAX],
			     size_t *count, struct err *e) MUST_CHECK;

/* Parameters of all certificates of this deployment, lent by conf; empty ones become NULL. */
struct profile_params runtime_params(const struct conf *conf);

enum check_policy runtime_check_policy(const struct conf *conf);

#endif
