-- What was sent of each order, in digests: no contents of rows. A batch that is sent again has the same path. A batch
-- may tell of an order in several parts, and after a crash tell them again: they count together.

CREATE TABLE content (
    number        INTEGER PRIMARY KEY,
    path          TEXT NOT NULL UNIQUE CHECK (path <> ''),
    level         TEXT NOT NULL CHECK (level <> '')
);
CREATE TABLE memory (
    mark          BLOB NOT NULL CHECK (length(mark) = 16),  -- of the order
    content       INTEGER NOT NULL REFERENCES content (number),
    said          BLOB NOT NULL   -- of each of its rows: the item's mark, the mark of what is said of it
);
CREATE INDEX memory_order ON memory (mark);
CREATE INDEX batch_path ON batch (path);

-- The file of each feed that is next to be prepared is found without looking at those behind it.
CREATE INDEX submission_next ON submission (feed, received_at, id) WHERE state = 'RECEIVED';
