-- SPDX-License-Identifier: Apache-2.0
-- One file for SQLite and PostgreSQL. Three words are replaced by db/db.c when it runs:
--   @ID@     a number that the store gives out and never again
--            SQLite INTEGER PRIMARY KEY AUTOINCREMENT, PostgreSQL BIGINT … AS IDENTITY PRIMARY KEY
--   @KEY@    a number that we give: SQLite INTEGER PRIMARY KEY (the row's own address), else BIGINT
--   @BYTES@  BLOB or BYTEA
-- Integers are BIGINT, times are seconds since 1970, 0 means "none". Text that is absent is ''.

-- Every table has a retention category; a period is one row, and the cleansing job reads it there.
-- Days 0: as long as the deployment lives.
CREATE TABLE retention (
	category TEXT NOT NULL PRIMARY KEY,
	default_days BIGINT NOT NULL,
	min_days BIGINT NOT NULL,
	max_days BIGINT NOT NULL,
	legal_hold BIGINT NOT NULL DEFAULT 0,
	about TEXT NOT NULL
);
INSERT INTO retention (category, default_days, min_days, max_days, about) VALUES
	('deployment', 0, 0, 0, 'facts about the deployment and its schema'),
	('participant', 3650, 30, 7300, 'participants and credentials, after they are deleted'),
	('certificate', 3650, 30, 7300, 'certificates, after notAfter; a tombstone stays for the CRL'),
	('pool', 30, 0, 3650, 'pool entries, after they expire'),
	('root', 0, 0, 0, 'roots, until an administrator deletes them'),
	('audit', 3650, 365, 7300, 'audit rows: pseudonyms and sealed fields only'),
	('subject-key', 3650, 0, 7300, 'keys of sealed fields: erasing one erases its values'),
	('event', 30, 1, 365, 'events of the outbox, after delivery'),
	('transient', 1, 0, 7, 'leases of single jobs');
CREATE TABLE retention_of (
	table_name TEXT NOT NULL PRIMARY KEY,
	category TEXT NOT NULL REFERENCES retention (category)
);
INSERT INTO retention_of (table_name, category) VALUES
	('retention', 'deployment'), ('retention_of', 'deployment'),
	('schema_version', 'deployment'), ('meta', 'deployment'), ('counters', 'deployment'),
	('leases', 'transient'), ('cas', 'deployment'),
	('cert_status', 'certificate'), ('cert_info', 'certificate'), ('cert_der', 'certificate'),
	('blocked_keys', 'certificate'),
	('parties', 'participant'), ('credentials', 'participant'),
	('roots', 'root'), ('vehicles', 'pool'), ('emaids', 'pool'), ('contracts', 'pool'),
	('variants', 'pool'),
	('audit', 'audit'), ('subject_keys', 'subject-key'), ('outbox', 'event');

CREATE TABLE meta (
	key TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL,
	changed BIGINT NOT NULL
);

-- Counts for status and metrics: changed once a commit, so that nobody scans.
CREATE TABLE counters (
	name TEXT NOT NULL PRIMARY KEY,
	n BIGINT NOT NULL
);
INSERT INTO counters (name, n) VALUES ('intents', 0), ('issued', 0), ('orphans', 0),
	('revoked', 0), ('roots', 0), ('vehicles', 0), ('contracts', 0), ('outbox', 0);

-- A single job (a CRL, a cleansing run) runs where its lease is.
CREATE TABLE leases (
	name TEXT NOT NULL PRIMARY KEY,
	holder TEXT NOT NULL,
	expires BIGINT NOT NULL
);

-- CAs and signing leaves with keys in a token.
CREATE TABLE cas (
	id @ID@,
	name TEXT NOT NULL UNIQUE,
	profile TEXT NOT NULL,
	issuer TEXT NOT NULL,
	token TEXT NOT NULL,
	algo TEXT NOT NULL,
	key_id @BYTES@ NOT NULL,
	cert @BYTES@ NOT NULL,
	created BIGINT NOT NULL,
	UNIQUE (token, key_id)
);

-- Certificates in three tables: what changes and is read for every status answer is narrow.
-- state: 0 intent, 1 issued, 2 orphan. status: 0 good, 1 revoked.
CREATE TABLE cert_status (
	id @ID@,
	ca_id BIGINT NOT NULL REFERENCES cas (id),
	serial @BYTES@ NOT NULL CHECK (length(serial) BETWEEN 1 AND 20),
	state BIGINT NOT NULL CHECK (state BETWEEN 0 AND 2),
	status BIGINT NOT NULL CHECK (status BETWEEN 0 AND 1),
	reason BIGINT NOT NULL,
	not_after BIGINT NOT NULL,
	created BIGINT NOT NULL,
	issued_at BIGINT NOT NULL,
	revoked_at BIGINT NOT NULL,
	claimed BIGINT NOT NULL,
	UNIQUE (ca_id, serial)
);
CREATE INDEX cert_status_ca ON cert_status (ca_id, id);
CREATE INDEX cert_status_revoked ON cert_status (ca_id, not_after) WHERE status = 1;
CREATE INDEX cert_status_open ON cert_status (created) WHERE state = 0;
CREATE INDEX cert_status_unclaimed ON cert_status (issued_at)
	WHERE state = 1 AND claimed = 0 AND status = 0;

-- attempt: 0 while the request id leads to this row; the row's own id once it is an orphan, so that
-- the request can be tried again under a new serial.
CREATE TABLE cert_info (
	cert_id @KEY@ REFERENCES cert_status (id),
	request_id TEXT NOT NULL,
	attempt BIGINT NOT NULL DEFAULT 0,
	request_hash @BYTES@ NOT NULL,
	tbs_hash @BYTES@ NOT NULL,
	profile_hash @BYTES@ NOT NULL,
	profile TEXT NOT NULL,
	participant TEXT NOT NULL,
	subject_cn TEXT NOT NULL,
	spki_hash @BYTES@ NOT NULL,
	not_before BIGINT NOT NULL,
	UNIQUE (request_id, attempt)
);
CREATE INDEX cert_info_spki ON cert_info (spki_hash);
CREATE INDEX cert_info_participant ON cert_info (participant, cert_id);

CREATE TABLE cert_der (
	cert_id @KEY@ REFERENCES cert_status (id),
	fingerprint @BYTES@ NOT NULL UNIQUE,
	der @BYTES@ NOT NULL
);

CREATE TABLE blocked_keys (
	spki_hash @BYTES@ NOT NULL PRIMARY KEY,
	created BIGINT NOT NULL
);

-- Prefixes are lists of words: they are read and written only with their participant.
CREATE TABLE parties (
	id TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	roles BIGINT NOT NULL,
	wmis TEXT NOT NULL,
	providers TEXT NOT NULL,
	operators TEXT NOT NULL,
	disabled BIGINT NOT NULL,
	created BIGINT NOT NULL,
	changed BIGINT NOT NULL
);
CREATE TABLE credentials (
	kind BIGINT NOT NULL,
	key TEXT NOT NULL,
	party TEXT NOT NULL REFERENCES parties (id),
	salt @BYTES@ NOT NULL,
	hash @BYTES@ NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (kind, key)
);
CREATE INDEX credentials_party ON credentials (party, kind, key);

CREATE TABLE roots (
	seq @ID@,
	id TEXT NOT NULL UNIQUE,
	types BIGINT NOT NULL,
	fingerprint @BYTES@ NOT NULL UNIQUE,
	der @BYTES@ NOT NULL,
	not_before BIGINT NOT NULL,
	not_after BIGINT NOT NULL,
	created BIGINT NOT NULL
);

CREATE TABLE vehicles (
	pcid TEXT NOT NULL,
	edition BIGINT NOT NULL,
	given TEXT NOT NULL,
	participant TEXT NOT NULL,
	leaf @BYTES@ NOT NULL,
	sub2 @BYTES@ NOT NULL,
	sub1 @BYTES@ NOT NULL,
	point @BYTES@ NOT NULL,
	root_fingerprint @BYTES@ NOT NULL,
	previous_pcid TEXT NOT NULL,
	v2g_akis TEXT NOT NULL,
	not_after BIGINT NOT NULL,
	created BIGINT NOT NULL,
	changed BIGINT NOT NULL,
	PRIMARY KEY (pcid, edition)
);

-- One EMAID belongs to one PCID, whatever the edition (OPCP, contract rule 1): contracts refer to
-- the pair, so the database itself refuses a second PCID.
CREATE TABLE emaids (
	emaid_key TEXT NOT NULL PRIMARY KEY,
	pcid TEXT NOT NULL,
	UNIQUE (emaid_key, pcid)
);
CREATE TABLE contracts (
	id @ID@,
	emaid_key TEXT NOT NULL,
	pcid TEXT NOT NULL,
	edition BIGINT NOT NULL,
	emaid TEXT NOT NULL,
	participant TEXT NOT NULL,
	is_default BIGINT NOT NULL,
	ours BIGINT NOT NULL,
	cert_id BIGINT NOT NULL,
	cert @BYTES@ NOT NULL,
	not_before BIGINT NOT NULL,
	not_after BIGINT NOT NULL,
	created BIGINT NOT NULL,
	changed BIGINT NOT NULL,
	request_id TEXT NOT NULL,
	metadata TEXT NOT NULL,
	subscription_url TEXT NOT NULL,
	UNIQUE (emaid_key, edition),
	FOREIGN KEY (emaid_key, pcid) REFERENCES emaids (emaid_key, pcid),
	FOREIGN KEY (pcid, edition) REFERENCES vehicles (pcid, edition)
);
CREATE INDEX contracts_pcid ON contracts (pcid, edition, id);
CREATE UNIQUE INDEX contracts_default ON contracts (pcid, edition) WHERE is_default = 1;

CREATE TABLE variants (
	contract_id BIGINT NOT NULL REFERENCES contracts (id),
	cps_root TEXT NOT NULL,
	exi @BYTES@ NOT NULL,
	cps_not_after BIGINT NOT NULL,
	created BIGINT NOT NULL,
	PRIMARY KEY (contract_id, cps_root)
);

-- hash = SHA-256 over the previous hash and every other column (db/audit.c); subject is a
-- pseudonym, sealed opens under its key in subject_keys.
CREATE TABLE audit (
	seq @KEY@,
	at BIGINT NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT NOT NULL,
	request_id TEXT NOT NULL,
	subject_kind TEXT NOT NULL,
	subject TEXT NOT NULL,
	sealed @BYTES@ NOT NULL,
	detail TEXT NOT NULL,
	prev @BYTES@ NOT NULL,
	hash @BYTES@ NOT NULL
);
CREATE TABLE subject_keys (
	pseudonym TEXT NOT NULL PRIMARY KEY,
	wrapped @BYTES@ NOT NULL,
	created BIGINT NOT NULL
);

CREATE TABLE outbox (
	id @ID@,
	at BIGINT NOT NULL,
	type TEXT NOT NULL,
	recipient TEXT NOT NULL,
	pcid TEXT NOT NULL,
	pcid_sealed @BYTES@ NOT NULL,
	emaid TEXT NOT NULL,
	emaid_sealed @BYTES@ NOT NULL,
	ref TEXT NOT NULL
);
