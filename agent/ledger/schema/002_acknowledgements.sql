-- What comes back from impact.com, and what a batch knows of it. Batches delivered before had nobody who was asked.

ALTER TABLE batch ADD COLUMN sent_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN taken_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN processed_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0 CHECK (awaited IN (0, 1));
ALTER TABLE batch ADD COLUMN overdue_at DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN refused BIGINT CHECK (refused IS NULL OR refused >= 0);
UPDATE batch SET sent_at = updated_at WHERE state = 'SENT';
CREATE INDEX batch_awaited ON batch (sent_at, id) WHERE awaited = 1;
CREATE INDEX batch_name ON batch (name);

CREATE TABLE acknowledgement (
    id            TEXT PRIMARY KEY CHECK (id <> ''),
    source        TEXT NOT NULL CHECK (source <> ''),
    key           TEXT NOT NULL CHECK (key <> ''),
    name          TEXT NOT NULL,
    path          TEXT NOT NULL CHECK (path <> ''),
    sha256        TEXT NOT NULL CHECK (length(sha256) = 64),
    size          BIGINT NOT NULL CHECK (size >= 0),
    fetched_at    DOUBLE PRECISION NOT NULL,
    updated_at    DOUBLE PRECISION NOT NULL,
    state         TEXT NOT NULL CHECK (state <> ''),
    remark        TEXT NOT NULL,
    UNIQUE (source, key)
);
CREATE INDEX acknowledgement_state ON acknowledgement (state, fetched_at, id);

CREATE TABLE answer (
    acknowledgement TEXT NOT NULL REFERENCES acknowledgement (id),
    batch         TEXT NOT NULL REFERENCES batch (id),
    stage         TEXT NOT NULL CHECK (stage <> ''),
    at            DOUBLE PRECISION NOT NULL,
    event         TEXT NOT NULL CHECK (event <> ''),
    records       BIGINT,
    refused       BIGINT,
    remark        TEXT NOT NULL,
    paper         TEXT NOT NULL,
    PRIMARY KEY (batch, acknowledgement, stage)
);
