-- What people were told, and what they are owed: one line for each thing by each way. No contents of rows.

CREATE TABLE notice (
    way           TEXT NOT NULL CHECK (way <> ''),
    about         TEXT NOT NULL CHECK (about <> ''),
    words         TEXT NOT NULL,
    sign          TEXT NOT NULL,              -- what of it is news when it changes
    since         DOUBLE PRECISION NOT NULL,
    owed_at       DOUBLE PRECISION NOT NULL,  -- from when on it is to be told; 0: it is not
    told_at       DOUBLE PRECISION NOT NULL,  -- when it was last told; 0: never
    told          TEXT NOT NULL,              -- the sign that was told
    over_at       DOUBLE PRECISION NOT NULL,  -- when it was found to be over; 0: it lasts
    PRIMARY KEY (way, about)
);
CREATE INDEX notice_owed ON notice (way, owed_at, about) WHERE owed_at > 0;

CREATE TABLE notice_mark (
    way           TEXT PRIMARY KEY CHECK (way <> ''),
    seq           BIGINT NOT NULL CHECK (seq >= 0)  -- up to this line of the audit files were looked at
);
