-- The columns beside `body` are what it says, for indexes.
CREATE TABLE event (
    ingress TEXT NOT NULL,
    reference TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    application TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (ingress, reference)
);
CREATE INDEX event_by_time ON event (time_ms, ingress, reference);
CREATE INDEX event_by_application ON event (application, time_ms, ingress, reference);

-- Which patches matched in an event.
CREATE TABLE hit (
    patch TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    ingress TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (patch, time_ms, ingress, reference)
);
CREATE INDEX hit_by_time ON hit (time_ms);
