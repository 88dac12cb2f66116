CREATE TABLE asset (id TEXT NOT NULL PRIMARY KEY, version BIGINT NOT NULL, body TEXT NOT NULL);
CREATE TABLE application (id TEXT NOT NULL PRIMARY KEY, version BIGINT NOT NULL, body TEXT NOT NULL);
CREATE TABLE ingress_point (id TEXT NOT NULL PRIMARY KEY, version BIGINT NOT NULL, body TEXT NOT NULL);
CREATE TABLE advisory (id TEXT NOT NULL PRIMARY KEY, version BIGINT NOT NULL, body TEXT NOT NULL);
CREATE TABLE patch (id TEXT NOT NULL PRIMARY KEY, version BIGINT NOT NULL, body TEXT NOT NULL);

-- The columns beside `body` are what it says, for indexes.
CREATE TABLE finding (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    advisory TEXT NOT NULL REFERENCES advisory (id),
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    -- 0 is the worst.
    urgency BIGINT NOT NULL
);
CREATE UNIQUE INDEX finding_is_one ON finding (advisory, subject);
CREATE INDEX finding_by_urgency ON finding (urgency, id);
CREATE INDEX finding_by_state ON finding (state, urgency, id);
CREATE INDEX finding_by_advisory ON finding (advisory, urgency, id);
CREATE INDEX finding_by_advisory_and_state ON finding (advisory, state, urgency, id);
CREATE INDEX finding_by_subject ON finding (subject, urgency, id);
CREATE INDEX finding_by_subject_and_state ON finding (subject, state, urgency, id);

CREATE TABLE rollout (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    patch TEXT NOT NULL REFERENCES patch (id),
    digest TEXT NOT NULL,
    environment TEXT NOT NULL,
    stage TEXT NOT NULL
);
CREATE INDEX rollout_by_patch ON rollout (patch, id);
CREATE INDEX rollout_by_stage ON rollout (stage, id);
CREATE INDEX rollout_by_patch_and_stage ON rollout (patch, stage, id);
-- One document is deployed to one environment once at a time.
CREATE UNIQUE INDEX rollout_is_one ON rollout (patch, digest, environment) WHERE stage <> 'retired';

-- The last number given to a finding, a rollout.
CREATE TABLE numbers (name TEXT NOT NULL PRIMARY KEY, last BIGINT NOT NULL);
INSERT INTO numbers (name, last) VALUES ('finding', 0), ('rollout', 0);

CREATE TABLE audit (
    sequence BIGINT NOT NULL PRIMARY KEY,
    time_ms BIGINT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    why TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_by_subject ON audit (subject, sequence);

-- The log's end. Whoever changes anything holds this row, so that changes come one after the other.
CREATE TABLE audit_head (one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1), sequence BIGINT NOT NULL, hash TEXT NOT NULL);
INSERT INTO audit_head (one, sequence, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');
