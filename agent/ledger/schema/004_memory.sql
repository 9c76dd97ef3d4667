-- What was sent of each order, in digests: no contents of rows. A batch that is sent again has the same path.
-- WITHOUT ROWID is SQLite's way to keep a table as its primary key; a twin for PostgreSQL leaves it out.

CREATE TABLE content (
    number        INTEGER PRIMARY KEY,
    path          TEXT NOT NULL UNIQUE CHECK (path <> ''),
    level         TEXT NOT NULL CHECK (level <> '')
);
CREATE TABLE memory (
    mark          BLOB NOT NULL CHECK (length(mark) = 16),  -- of the order
    content       INTEGER NOT NULL REFERENCES content (number),
    said          BLOB NOT NULL,  -- of each of its items: the item's mark, the mark of what is said of it
    PRIMARY KEY (mark, content)
) WITHOUT ROWID;
CREATE INDEX batch_path ON batch (path);
