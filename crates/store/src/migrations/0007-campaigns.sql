CREATE TABLE campaign (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    -- All of it but the plan's assets.
    body TEXT NOT NULL,
    -- The controller that works on it, and until when nobody else may.
    holder TEXT NOT NULL,
    held_until_ms BIGINT NOT NULL
);
INSERT INTO numbers (name, last) VALUES ('campaign', 0);

-- The assets of campaigns' plans, by their places in them.
CREATE TABLE campaign_asset (
    campaign BIGINT NOT NULL REFERENCES campaign (id),
    place BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (campaign, place)
);

-- What was begun in campaigns, and how it ended.
CREATE TABLE campaign_task (
    campaign BIGINT NOT NULL REFERENCES campaign (id),
    task TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (campaign, task)
);
