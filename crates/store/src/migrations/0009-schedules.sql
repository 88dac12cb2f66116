-- What the body says of a finding whose fix is planned, for the index. By whom is a text that may be longer
-- than an index of PostgreSQL takes, so it is beside the index.
ALTER TABLE finding ADD COLUMN scheduled_ms BIGINT;
ALTER TABLE finding ADD COLUMN scheduled_by TEXT;
CREATE INDEX finding_by_schedule ON finding (scheduled_ms, advisory, id) WHERE scheduled_ms IS NOT NULL;
