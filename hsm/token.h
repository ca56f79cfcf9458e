/* SPDX-License-Identifier: Apache-2.0 */
/* A token at work: a queue of jobs, one thread per PKCS#11 session that takes them, and a keeper
 * thread that opens the token and opens it again after a loss. Callers only ever wait for a job
 * with a deadline, so a call that hangs inside the module costs its thread and not its caller.
 * Everything here is under token->lock unless it says otherwise; no lock is held across a call
 * into the module. */
#ifndef HSM_TOKEN_H
#define HSM_TOKEN_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "hsm/hsm.h"
#include "hsm/p11.h"

#define SLOTS_PER_TOKEN 4
#define SESSIONS_MAX    64
#define LABEL_MAX       64       /* bytes of a CKA_LABEL */
#define RETRY_US        2000000  /* between two attempts to open a lost token */
#define OP_LIMIT_US     10000000 /* generating or finding a key may take this long */

struct token;
struct worker;
struct job;

/* How a job left the module. The error stands in the job. */
enum outcome {
	OUT_DONE,         /* with or without success: give the result to the caller */
	OUT_SESSION_LOST, /* the session is gone: once more on a new one */
	OUT_TOKEN_LOST,   /* the token is gone: once more after it, or the next slot, is open */
};

/* Work for a session. It owns copies of its arguments and results, because its caller may have
 * left by the time the module answers. */
struct job {
	struct job *next;
	enum outcome (*run)(struct worker *w, struct job *j); /* in a worker, without the lock */
	struct hsm_key *key;                                  /* sign, attributes, find */
	const struct algo *algo;
	uint8_t id[HSM_KEY_ID_MAX];
	size_t id_len;
	char label[LABEL_MAX];
	struct buf in, out;
	unsigned attrs_set, attrs_known; /* enum key_attr bits */
	int64_t limit_us;   /* longest time in the module before its thread is given up */
	int64_t started_us; /* of the run in progress */
	enum { JOB_QUEUED, JOB_RUNNING, JOB_DONE } state;
	bool left;    /* the caller does not wait any more: whoever ends the job frees it */
	bool retried; /* after a lost token */
	enum err_code rc;
	struct err err;
	atomic_bool ended; /* set last, before done is posted: whoever reads it true owns the job */
	sem_t done;
};

/* One thread and its session; freed by its own thread. */
struct worker {
	struct worker *next;
	struct token *token;
	struct job *job;           /* running now, or NULL */
	bool abandoned;            /* its call hangs; another worker may have its place */
	CK_SESSION_HANDLE session; /* the thread's own, 0: none open */
	uint64_t session_epoch;    /* the thread's own: epoch in which session was opened */
	uint64_t epoch;            /* the thread's own: the token's epoch when the job was taken */
	CK_SLOT_ID slot;           /* the thread's own: likewise */
	uint64_t generation;       /* the thread's own: likewise, of the module */
	uint64_t session_generation; /* the thread's own: in which session was opened */
};

enum token_state {
	TOKEN_OPENING, /* an attempt is under way: jobs wait for it */
	TOKEN_UP,
	TOKEN_DOWN, /* breaker open: jobs are refused at once, the keeper tries every RETRY_US */
};

struct token {
	struct token *next;
	/* immutable after token_open */
	char *name;
	char *slots[SLOTS_PER_TOKEN];
	size_t slot_count;
	char *pin_file;
	unsigned sessions;
	int64_t timeout_us;
	struct module *module;

	pthread_mutex_t lock;
	pthread_cond_t work;    /* workers wait here */
	pthread_cond_t keeper;  /* the keeper waits here */
	pthread_cond_t changed; /* state changed, or a thread ended */
	pthread_mutex_t
		make_lock; /* one key is made at a time; taken by workers only, before lock */
	enum token_state state;
	struct err why;      /* why it is not up */
	uint64_t epoch;      /* counts openings: object handles and sessions belong to one */
	uint64_t generation; /* of the module, when it was opened */
	CK_SLOT_ID slot;
	size_t slot_index;                 /* of slots[]: where the next attempt begins */
	bool pin_refused[SLOTS_PER_TOKEN]; /* never tried again in this process (I-35) */
	int64_t last_open_us;              /* end of the last attempt */
	int64_t last_lost_us;              /* 0: never */
	int64_t last_look_us;              /* 0: never */
	bool suspect; /* a known key is missing: the keeper looks whether all are */
	struct job *head, **tail;
	size_t waiting;
	struct worker *workers;
	unsigned live, hung,
		threads; /* workers at work, given up; threads in all, keeper included */
	unsigned want;   /* workers that there should be */
	bool stop;
	bool orphan; /* closed while a call hung: the last thread frees it */
	struct hsm_key *keys;
	/* the keeper's own */
	CK_SESSION_HANDLE main_session; /* holds the login */
};

#define OPENING_IDS 8 /* known keys that are looked for at most */

/* An attempt to open a token, copied from it and back, because the lock is given up meanwhile. */
struct opening {
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session; /* in: the one before, or 0 */
	uint64_t generation;       /* of the module, of session */
	size_t index;              /* of token->slots: where to begin, and where it succeeded */
	bool refused[SLOTS_PER_TOKEN];
	struct {
		uint8_t id[HSM_KEY_ID_MAX];
		size_t n;
	} ids[OPENING_IDS]; /* keys of which the token must have one */
	size_t id_count;
};

struct hsm_key {
	struct hsm_key *next;
	struct token *token;
	uint8_t id[HSM_KEY_ID_MAX];
	size_t id_len;
	const struct algo *algo; /* NULL until the key was seen */
	CK_OBJECT_HANDLE handle;
	uint64_t epoch; /* of handle; 0: none */
	_Atomic uint64_t signatures;
};

/* open.c: without the lock. Tries the slots in their order from o->index on: session, login, and
 * whether any of the known keys is there. open_has_keys does the last in o->session. */
enum err_code open_token(struct token *t, struct opening *o, struct err *e) MUST_CHECK;
enum err_code open_has_keys(struct token *t, const struct opening *o, struct err *e) MUST_CHECK;

/* token.c: the keeper */
enum err_code
token_open(const struct hsm_token_conf *conf, struct token **out, struct err *e) MUST_CHECK;
void token_close(struct token *t);      /* accepts NULL */
void token_wait_first(struct token *t); /* until the first attempt to open it is over */

/* A worker met a loss in this epoch. Under t->lock. */
void token_lost(struct token *t, uint64_t epoch, const struct err *why);

/* A key that was there is missing. Under t->lock. */
void token_suspect(struct token *t);

/* Gives up workers whose call has run over its limit. Under t->lock. */
void token_find_hung(struct token *t, int64_t now);

bool token_start_thread(struct token *t, void *(*main)(void *), void *arg, const char *name);
void token_thread_ends(struct token *t); /* takes t->lock over and gives it up; last use of t */

/* pool.c: jobs and workers */
struct job *job_new(enum outcome (*run)(struct worker *w, struct job *j), int64_t limit_us);
void job_free(struct job *j);

/* Puts the job in the queue and waits, at most limit_us. The job belongs to the caller again, and
 * then *keep is true, or to the worker that still runs it. */
enum err_code job_run(struct token *t, struct job *j, bool *keep, struct err *e) MUST_CHECK;

void pool_fail_queue(struct token *t); /* every queued job gets t->why. Under t->lock */
void pool_fill(struct token *t);       /* starts missing workers. Under t->lock */

/* key.c: objects of a class with this CKA_ID: the first handle, and how many there are (2 stands
 * for more). */
CK_RV key_objects(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, struct span id,
		  CK_OBJECT_HANDLE *first, CK_ULONG *count);

/* key.c: what jobs do */
enum outcome key_run_sign(struct worker *w, struct job *j);
enum outcome key_run_find(struct worker *w, struct job *j);
enum outcome key_run_generate(struct worker *w, struct job *j);
enum outcome key_run_point(struct worker *w, struct job *j);
enum outcome key_run_attributes(struct worker *w, struct job *j);

#endif
