CREATE TABLE token (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    -- Of the secret: SHA-256, in hexadecimal.
    hash TEXT NOT NULL
);

-- What was answered to calls that may come again.
CREATE TABLE answer (
    token TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    request TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (token, idempotency_key)
);
CREATE INDEX answer_by_time ON answer (time_ms);
