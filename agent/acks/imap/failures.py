"""What can go wrong on the way to a mailbox only: what does at any server is in `net/failures.py`."""

from __future__ import annotations

from agent.net.failures import FarError


class RefusedError(FarError):
    """The server answered a command with a definite no."""

    lasting = True
