CREATE TABLE exception (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    -- What the body says, for indexes.
    standing TEXT NOT NULL
);
CREATE INDEX exception_by_standing ON exception (standing, id);
INSERT INTO numbers (name, last) VALUES ('exception', 0);

-- The findings that exceptions are about.
CREATE TABLE exception_finding (
    exception BIGINT NOT NULL REFERENCES exception (id),
    finding BIGINT NOT NULL REFERENCES finding (id),
    PRIMARY KEY (exception, finding)
);
CREATE INDEX exception_by_finding ON exception_finding (finding, exception);
