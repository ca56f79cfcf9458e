-- SPDX-License-Identifier: Apache-2.0
-- Certificates of ours that an order has put out of the contract pool. A car may still hold one until
-- it installs the next, so they stay good; when the contract goes, they are revoked with the newest.
CREATE TABLE superseded (
	emaid_key TEXT NOT NULL,
	cert_id BIGINT NOT NULL REFERENCES cert_status (id),
	PRIMARY KEY (emaid_key, cert_id)
);
INSERT INTO retention_of (table_name, category) VALUES ('superseded', 'pool');
