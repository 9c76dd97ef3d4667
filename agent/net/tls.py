"""TLS as the agent uses it: always verified, never below 1.2."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def verifying(ca_file: Path | None = None) -> ssl.SSLContext:
    """Make a context that verifies certificate and host name.

    Args:
        ca_file: PEM certificates that are trusted instead of the machine's own; for a private authority.

    Raises:
        OSError: the file cannot be read, or holds no certificate (ssl.SSLError).

    """
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def refusal(error: ssl.SSLError) -> str:
    """Say in plain words why a TLS connection was not made; without the library's own file and line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate was not accepted: {error.verify_message}"
    return f"TLS failed: {(error.reason or str(error)).lower().replace('_', ' ')}"
