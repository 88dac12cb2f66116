-- What the last probe of each patch at each ingress point has shown.
CREATE TABLE probe (
    ingress TEXT NOT NULL,
    patch TEXT NOT NULL,
    mark TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (ingress, patch)
);
CREATE INDEX probe_by_mark ON probe (mark);
