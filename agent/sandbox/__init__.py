"""A stand-in for impact.com's side on loopback: for the demo, for tests, for rehearsals.

Nothing of the agent may depend on it; it shares no code with the channels, so that an error in one of them
is not made twice.
"""

from agent.sandbox.sftp import SandboxSftp

__all__ = ["SandboxSftp"]
