"""The ledger: where every submission and batch stands, and how it came there.

The only code that touches the database.

`ledger.py` is the door; the other modules are its rooms: `opening` (the start gate and migrations), `writing`
(one transition applied), `reading` (rows to values), `chain` (the audit's hashes), `head` (how far it had
come), `ids`.
"""
