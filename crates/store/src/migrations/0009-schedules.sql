-- What the body says of a finding whose fix is planned, for the index.
ALTER TABLE finding ADD COLUMN scheduled_ms BIGINT;
ALTER TABLE finding ADD COLUMN scheduled_by TEXT;
CREATE INDEX finding_by_schedule ON finding (scheduled_ms, advisory, scheduled_by, id)
    WHERE scheduled_ms IS NOT NULL;
