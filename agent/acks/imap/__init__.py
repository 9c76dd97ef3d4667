"""What the mailbox source is made of: an IMAP client with deadlines, a session in one mailbox.

`session` and what it imports load the IMAP libraries; the source does that at the first connection.
"""
