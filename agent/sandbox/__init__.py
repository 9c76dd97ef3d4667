"""A stand-in for impact.com's side on loopback: for the demo, for tests, for rehearsals.

It takes batches over SFTP and by mail, and answers them into a folder or a mailbox. Nothing of the agent may
depend on it; it shares no code with the channels and sources, so that an error in one of them is not made twice.
"""

from agent.sandbox.answers import Office, into_folder, into_mailbox
from agent.sandbox.certificates import Authority
from agent.sandbox.imap import SandboxImap
from agent.sandbox.sftp import SandboxSftp
from agent.sandbox.smtp import SandboxSmtp

__all__ = [
    "Authority",
    "Office",
    "SandboxImap",
    "SandboxSftp",
    "SandboxSmtp",
    "into_folder",
    "into_mailbox",
]
