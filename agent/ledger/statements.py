"""Every statement the ledger sends, as constants in standard SQL, so that PostgreSQL can have a twin."""

from __future__ import annotations

SUBMISSION = "SELECT * FROM submission WHERE id = :id"
SUBMISSIONS_OLDEST = """
SELECT * FROM submission ORDER BY received_at, id LIMIT :limit
"""
SUBMISSIONS_NEWEST = """
SELECT * FROM submission ORDER BY received_at DESC, id DESC LIMIT :limit
"""
SUBMISSIONS_OLDEST_OF = """
SELECT * FROM submission WHERE feed = :feed ORDER BY received_at, id LIMIT :limit
"""
SUBMISSIONS_NEWEST_OF = """
SELECT * FROM submission WHERE feed = :feed ORDER BY received_at DESC, id DESC LIMIT :limit
"""
SUBMISSIONS_DROPPED = """
SELECT * FROM submission WHERE feed = :feed AND archive = '' ORDER BY received_at DESC, id DESC LIMIT :limit
"""
SUBMISSIONS_INSIDE = "SELECT * FROM submission WHERE archive = :archive AND archive <> '' ORDER BY id"
SUBMISSIONS_OLDEST_IN = """
SELECT * FROM submission WHERE state = :state AND (:feed IS NULL OR feed = :feed)
ORDER BY received_at, id LIMIT :limit
"""
SUBMISSIONS_NEWEST_IN = """
SELECT * FROM submission WHERE state = :state AND (:feed IS NULL OR feed = :feed)
ORDER BY received_at DESC, id DESC LIMIT :limit
"""
NEXT_OF_EACH_FEED = """
WITH RECURSIVE waiting (feed) AS (
    SELECT min(feed) FROM submission WHERE state = 'RECEIVED'
    UNION ALL
    SELECT (SELECT min(feed) FROM submission WHERE state = 'RECEIVED' AND feed > waiting.feed)
    FROM waiting WHERE waiting.feed IS NOT NULL
)
SELECT submission.* FROM waiting JOIN submission ON submission.id = (
    SELECT id FROM submission WHERE state = 'RECEIVED' AND feed = waiting.feed ORDER BY received_at, id LIMIT 1
) WHERE waiting.feed IS NOT NULL ORDER BY waiting.feed
"""
SUBMISSIONS_OWED = """
SELECT * FROM submission WHERE state = :state AND told_at < updated_at ORDER BY received_at, id LIMIT :limit
"""
SUBMISSIONS_TO_TELL = """
SELECT * FROM submission WHERE state = 'PREPARED' AND (unended = 0 OR concern_at > told_at)
ORDER BY received_at, id LIMIT :limit
"""
SAME_BYTES = """
SELECT * FROM submission
WHERE feed = :feed AND sha256 = :sha256 AND state IN ('RECEIVED', 'PREPARED', 'CLOSED')
ORDER BY received_at, id LIMIT 1
"""
BY_FINGERPRINT = """
SELECT * FROM submission WHERE feed = :feed AND sha256 = :sha256 AND fingerprint = :fingerprint
ORDER BY received_at DESC, id DESC LIMIT 1
"""
BATCH = "SELECT * FROM batch WHERE id = :id"
BATCHES_OF = "SELECT * FROM batch WHERE submission = :submission ORDER BY created_at, number, id"
BATCHES_IN = """
SELECT * FROM batch
WHERE state = :state AND (:destination IS NULL OR destination = :destination)
    AND (:due_by IS NULL OR due_at <= :due_by)
ORDER BY created_at, submission, number LIMIT :limit
"""
STATE_OF_SUBMISSION = "SELECT state FROM submission WHERE id = :id"
STATE_OF_BATCH = "SELECT state, submission, awaited FROM batch WHERE id = :id"
STATE_OF_ACKNOWLEDGEMENT = "SELECT state FROM acknowledgement WHERE id = :id"
STATES_OF_BATCHES = "SELECT DISTINCT state, awaited FROM batch WHERE submission = :submission"
BATCHES_NAMED = "SELECT * FROM batch WHERE name = :name ORDER BY created_at, id LIMIT :limit"
BATCHES_AWAITED = """
SELECT * FROM batch WHERE awaited = 1 AND state IN ('SENT', 'TAKEN') ORDER BY sent_at, id LIMIT :limit
"""
BATCHES_OVERDUE = """
SELECT * FROM batch WHERE awaited = 1 AND overdue_at > 0 AND state IN ('SENT', 'TAKEN')
ORDER BY sent_at, id LIMIT :limit
"""
ACKNOWLEDGEMENT = "SELECT * FROM acknowledgement WHERE id = :id"
ACKNOWLEDGEMENTS_IN = """
SELECT * FROM acknowledgement WHERE state = :state ORDER BY fetched_at, id LIMIT :limit
"""
ACKNOWLEDGED_KEY = "SELECT 1 FROM acknowledgement WHERE source = :source AND key = :key"
ANSWERS = """
SELECT answer.*, acknowledgement.name FROM answer
JOIN acknowledgement ON acknowledgement.id = answer.acknowledgement
WHERE batch = :batch ORDER BY at, acknowledgement.id, stage
"""
IS_TO_TELL = """
SELECT 1 FROM submission WHERE id = :id AND state = 'PREPARED' AND (unended = 0 OR concern_at > told_at)
"""
ATTEMPT = "SELECT * FROM attempt WHERE batch = :batch AND number = :number"
ATTEMPTS = "SELECT * FROM attempt WHERE batch = :batch ORDER BY number"
PAPERS = "SELECT kind, path, sha256, size FROM paper WHERE submission = :submission ORDER BY kind, path"
GROUPS = """
SELECT code, severity, field, records, words, mend FROM finding_group
WHERE submission = :submission ORDER BY position
"""
COUNTS = """
SELECT 'submission', state, COUNT(*) FROM submission GROUP BY state
UNION ALL SELECT 'batch', state, COUNT(*) FROM batch GROUP BY state
UNION ALL SELECT 'acknowledgement', state, COUNT(*) FROM acknowledgement GROUP BY state
"""
KNOWN_PATHS = """
SELECT path FROM batch UNION SELECT path FROM paper UNION SELECT path FROM acknowledgement
"""
OVERDUE_BY_DESTINATION = """
SELECT destination, COUNT(*) FROM batch WHERE awaited = 1 AND state IN ('SENT', 'TAKEN') AND overdue_at > 0
GROUP BY destination
"""
BATCHES_BY_DESTINATION = "SELECT destination, COUNT(*) FROM batch WHERE state = :state GROUP BY destination"
# What is inside an archive begins with the id of that: it is meant only by more of its own.
WITH_PREFIX = """
SELECT id FROM submission WHERE id >= :first AND id < :beyond
    AND (archive = '' OR LENGTH(:first) > LENGTH(archive))
UNION SELECT id FROM batch WHERE id >= :first AND id < :beyond
ORDER BY id LIMIT :limit
"""
AUDIT_NEWEST = """
SELECT seq, at, actor, subject, event, state_before, state_after, note FROM audit
ORDER BY seq DESC LIMIT :limit
"""
AUDIT_NEWEST_OF = """
SELECT seq, at, actor, subject, event, state_before, state_after, note FROM audit
WHERE subject = :subject ORDER BY seq DESC LIMIT :limit
"""
AUDIT_ALL = """
SELECT seq, at, actor, subject, event, state_before, state_after, note, hash FROM audit ORDER BY seq
"""
AUDIT_LAST = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"
AUDIT_HASH = "SELECT hash FROM audit WHERE seq = :seq"
AUDIT_SINCE = """
SELECT seq, at, actor, subject, event, state_before, state_after, note FROM audit
WHERE seq > :seq ORDER BY seq LIMIT :limit
"""
NOTICE = "SELECT * FROM notice WHERE way = :way AND about = :about"
NOTICES_OWED = "SELECT * FROM notice WHERE way = :way AND owed_at > 0 ORDER BY owed_at, about LIMIT :limit"
# Two ranges of the primary key: there are many files, and few other things.
NOTICES_LASTING = """
SELECT * FROM notice WHERE way = :way AND about < 'file:' AND over_at = 0
UNION ALL SELECT * FROM notice WHERE way = :way AND about >= 'file;' AND over_at = 0
ORDER BY about
"""
NOTICE_MARK = "SELECT seq FROM notice_mark WHERE way = :way"
STATES_NOW = """
SELECT id, state FROM submission UNION ALL SELECT id, state FROM batch
UNION ALL SELECT id, state FROM acknowledgement
"""

INSERT_SUBMISSION = """
INSERT INTO submission VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?)
"""
INSERT_BATCH = """
INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT_ACKNOWLEDGEMENT = "INSERT INTO acknowledgement VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_ANSWER = "INSERT INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
UPSERT_NOTICE = """
INSERT INTO notice VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (way, about) DO UPDATE SET words = excluded.words, sign = excluded.sign, since = excluded.since,
    owed_at = excluded.owed_at, told_at = excluded.told_at, told = excluded.told, over_at = excluded.over_at
"""
DELETE_NOTICE = "DELETE FROM notice WHERE way = :way AND about = :about"
UPSERT_NOTICE_MARK = """
INSERT INTO notice_mark VALUES (:way, :seq) ON CONFLICT (way) DO UPDATE SET seq = excluded.seq
"""
INSERT_AUDIT = "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_GROUP = "INSERT INTO finding_group VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
DELETE_GROUPS = "DELETE FROM finding_group WHERE submission = :submission"
UPSERT_PAPER = """
INSERT INTO paper VALUES (?, ?, ?, ?, ?)
ON CONFLICT (submission, path) DO UPDATE SET kind = excluded.kind, sha256 = excluded.sha256,
    size = excluded.size
"""
UPSERT_ATTEMPT = """
INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (batch, number) DO UPDATE SET started_at = excluded.started_at, phase = excluded.phase,
    ended_at = excluded.ended_at, outcome = excluded.outcome, evidence = excluded.evidence
"""
# Both compare and set: the state read before must still be the one found. NULL keeps what is there.
# What happens after the folder was told is later than that, also where the clock was set back: else nobody
# would hear of it.
UPDATE_SUBMISSION = """
UPDATE submission SET state = :state, reason = COALESCE(:reason, reason),
    updated_at = CASE WHEN :updated_at < told_at THEN told_at + 0.001
        ELSE COALESCE(:updated_at, updated_at) END,
    tries = COALESCE(:tries, tries), generation = COALESCE(:generation, generation),
    told_at = COALESCE(:told_at, told_at),
    counts = COALESCE(:counts, counts)
WHERE id = :id AND state = :before
"""
COUNT_BATCH = """
UPDATE submission SET unended = unended + :more,
    concern_at = CASE WHEN :concern_at < told_at THEN told_at + 0.001
        ELSE COALESCE(:concern_at, concern_at) END
WHERE id = :id
"""
UPDATE_BATCH = """
UPDATE batch SET state = :state, reason = COALESCE(:reason, reason),
    updated_at = COALESCE(:updated_at, updated_at), tries = COALESCE(:tries, tries), due_at = COALESCE(:due_at, due_at),
    sent_at = COALESCE(:sent_at, sent_at), taken_at = COALESCE(:taken_at, taken_at),
    processed_at = COALESCE(:processed_at, processed_at),
    awaited = COALESCE(:awaited, awaited), overdue_at = COALESCE(:overdue_at, overdue_at),
    refused = COALESCE(:refused, refused)
WHERE id = :id AND state = :before
"""
UPDATE_ACKNOWLEDGEMENT = """
UPDATE acknowledgement SET state = :state, updated_at = :updated_at, remark = COALESCE(:remark, remark)
WHERE id = :id AND state = :before
"""
INSERT_CONTENT = "INSERT INTO content (path, level) VALUES (:path, :level) ON CONFLICT (path) DO NOTHING"
CONTENTS_AT = """
SELECT content.path, content.number FROM json_each(:paths) AS asked JOIN content ON content.path = asked.value
"""
INSERT_MEMORY = "INSERT INTO memory (mark, content, said) VALUES (?, ?, ?)"
ANY_MEMORY = "SELECT 1 FROM memory LIMIT 1"
MEMORY_OF = """
SELECT memory.said, content.path, content.level FROM memory JOIN content ON content.number = memory.content
WHERE memory.mark = :mark ORDER BY memory.content
"""
FORGET_CONTENTS = """
DELETE FROM memory WHERE content IN (
    SELECT content.number FROM json_each(:paths) AS asked JOIN content ON content.path = asked.value
    WHERE NOT EXISTS (SELECT 1 FROM batch WHERE batch.path = content.path)
)
"""
BATCHES_AT = """
SELECT batch.*, submission.received_at FROM batch JOIN submission ON submission.id = batch.submission
WHERE batch.path = :path AND batch.destination = :destination
"""
