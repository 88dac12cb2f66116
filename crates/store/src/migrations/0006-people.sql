CREATE TABLE subscription (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    -- What webhooks are signed with; it is needed as it is.
    secret TEXT NOT NULL,
    -- The last entry of the audit log that it was told of, or that was not for it.
    told BIGINT NOT NULL
);

CREATE TABLE person (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    -- Of the password: Argon2id, as a PHC string.
    hash TEXT NOT NULL
);
