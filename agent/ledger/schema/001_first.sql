-- The first shape of the ledger. Portable: a twin for PostgreSQL differs in nothing but the type of audit.seq.
-- Times are UTC epoch seconds. Paths are relative to the state folder. No contents of rows anywhere.

CREATE TABLE submission (
    id            TEXT PRIMARY KEY CHECK (id <> ''),
    feed          TEXT NOT NULL CHECK (feed <> ''),
    name          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state <> ''),
    reason        TEXT NOT NULL,
    received_at   DOUBLE PRECISION NOT NULL,
    updated_at    DOUBLE PRECISION NOT NULL,
    sha256        TEXT NOT NULL CHECK (sha256 = '' OR length(sha256) = 64),
    size          BIGINT NOT NULL CHECK (size >= 0),
    fingerprint   TEXT NOT NULL,
    tries         INTEGER NOT NULL CHECK (tries >= 0),
    generation    INTEGER NOT NULL CHECK (generation >= 0),
    duplicate_of  TEXT NOT NULL,
    told_at       DOUBLE PRECISION NOT NULL,
    counts        TEXT NOT NULL,  -- JSON object
    -- Kept by the ledger itself, so that what is to be told or closed is found without looking at every batch:
    unended       INTEGER NOT NULL DEFAULT 0 CHECK (unended >= 0),  -- batches that have not ended
    concern_at    DOUBLE PRECISION NOT NULL DEFAULT 0  -- when a batch last came to wait for a person
);
CREATE INDEX submission_order ON submission (received_at, id);
CREATE INDEX submission_feed ON submission (feed, received_at, id);
CREATE INDEX submission_state ON submission (state, received_at, id);
CREATE INDEX submission_bytes ON submission (feed, sha256, received_at, id);
CREATE INDEX submission_owed ON submission (state, received_at, id) WHERE told_at < updated_at;
CREATE INDEX submission_to_tell ON submission (state, received_at, id)
    WHERE state = 'PREPARED' AND (unended = 0 OR concern_at > told_at);

CREATE TABLE batch (
    id            TEXT PRIMARY KEY CHECK (id <> ''),
    submission    TEXT NOT NULL REFERENCES submission (id),
    destination   TEXT NOT NULL CHECK (destination <> ''),
    number        INTEGER NOT NULL CHECK (number >= 1),
    name          TEXT NOT NULL CHECK (name <> ''),
    path          TEXT NOT NULL CHECK (path <> ''),
    sha256        TEXT NOT NULL CHECK (length(sha256) = 64),
    size          BIGINT NOT NULL CHECK (size >= 0),
    rows_in_it    BIGINT NOT NULL CHECK (rows_in_it >= 0),
    totals        TEXT NOT NULL,  -- JSON list; amounts are text, exact
    state         TEXT NOT NULL CHECK (state <> ''),
    reason        TEXT NOT NULL,
    due_at        DOUBLE PRECISION NOT NULL,
    tries         INTEGER NOT NULL CHECK (tries >= 0),
    created_at    DOUBLE PRECISION NOT NULL,
    updated_at    DOUBLE PRECISION NOT NULL
);
CREATE INDEX batch_of ON batch (submission, number);
CREATE INDEX batch_state ON batch (state, created_at, submission, number, due_at, destination);

CREATE TABLE attempt (
    batch         TEXT NOT NULL REFERENCES batch (id),
    number        INTEGER NOT NULL CHECK (number >= 1),
    started_at    DOUBLE PRECISION NOT NULL,
    phase         TEXT NOT NULL CHECK (phase <> ''),
    ended_at      DOUBLE PRECISION,
    outcome       TEXT NOT NULL,
    evidence      TEXT NOT NULL,
    PRIMARY KEY (batch, number)
);

CREATE TABLE finding_group (
    submission    TEXT NOT NULL REFERENCES submission (id),
    position      INTEGER NOT NULL,
    code          TEXT NOT NULL,
    severity      TEXT NOT NULL,
    field         TEXT NOT NULL,
    records       BIGINT NOT NULL,
    words         TEXT NOT NULL,
    mend          TEXT NOT NULL,
    PRIMARY KEY (submission, position)
);

CREATE TABLE paper (
    submission    TEXT NOT NULL REFERENCES submission (id),
    path          TEXT NOT NULL CHECK (path <> ''),
    kind          TEXT NOT NULL CHECK (kind <> ''),
    sha256        TEXT NOT NULL CHECK (length(sha256) = 64),
    size          BIGINT NOT NULL CHECK (size >= 0),
    PRIMARY KEY (submission, path)
);

CREATE TABLE audit (
    seq           INTEGER PRIMARY KEY,
    at            DOUBLE PRECISION NOT NULL,
    actor         TEXT NOT NULL CHECK (actor <> ''),
    subject       TEXT NOT NULL CHECK (subject <> ''),
    event         TEXT NOT NULL CHECK (event <> ''),
    state_before  TEXT NOT NULL,
    state_after   TEXT NOT NULL,
    note          TEXT NOT NULL,
    hash          TEXT NOT NULL CHECK (length(hash) = 64)
);
CREATE INDEX audit_subject ON audit (subject, seq);
