-- Documents that rollouts deploy, also when their patch has another by now.
CREATE TABLE document (digest TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL);

-- What was signed, the newest of each environment and some before it, each with another content.
CREATE TABLE bundle (
    environment TEXT NOT NULL,
    number BIGINT NOT NULL,
    made_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    -- The keys that it names, by their identifiers; the first has signed it.
    keys TEXT NOT NULL,
    content TEXT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (environment, number)
);
INSERT INTO numbers (name, last) VALUES ('bundle-test', 0), ('bundle-production', 0);

CREATE TABLE signing_key (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL);

CREATE TABLE enrolment (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    -- Of the secret: SHA-256, in hexadecimal.
    hash TEXT NOT NULL
);

CREATE TABLE gateway (
    id TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    environment TEXT NOT NULL,
    revoked BIGINT NOT NULL,
    -- What it attested last: when, which bundle, and all of it; 0 and empty before the first time.
    seen_ms BIGINT NOT NULL,
    bundle BIGINT NOT NULL,
    report TEXT NOT NULL
);

-- What all ingress points of an environment answered, minute by minute.
CREATE TABLE traffic (
    environment TEXT NOT NULL,
    slot_ms BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    latency_us BIGINT NOT NULL,
    PRIMARY KEY (environment, slot_ms)
);
