-- A submission may be a file out of an archive: which submission that is, and what the file is called inside it.

ALTER TABLE submission ADD COLUMN archive TEXT NOT NULL DEFAULT '';
ALTER TABLE submission ADD COLUMN member TEXT NOT NULL DEFAULT '';
CREATE INDEX submission_archive ON submission (archive, id) WHERE archive <> '';
CREATE INDEX submission_dropped ON submission (feed, received_at, id) WHERE archive = '';
