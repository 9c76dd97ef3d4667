"""Proving to a server who we are, with the one password or key that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paramiko

from agent.channels.ssh import keys
from agent.errors import AgentError
from agent.net.failures import LoginBrokenError, LoginError, LostError, SecretError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.channels.sftp import Options
    from agent.net.watchdog import Watchdog
    from agent.settings.models import Secret

    Reveal = Callable[[Secret], bytes]
    Proof = str | paramiko.PKey


def proof(options: Options, reveal: Reveal) -> Proof:
    """Read the password or the private key.

    Raises:
        SecretError: it cannot be read or used.
    """
    try:
        if options.private_key is None:
            return _password(reveal(options.password) if options.password else b"")
        passphrase = reveal(options.passphrase) if options.passphrase else None
        return keys.load(reveal(options.private_key), passphrase and _password(passphrase).encode())
    except (AgentError, OSError) as error:
        raise SecretError(f"the login's secret cannot be read: {error}") from error


def login(transport: paramiko.Transport, username: str, given: Proof, watch: Watchdog) -> None:
    """Log in over a transport whose host key has been checked.

    Raises:
        LoginError: the server said no, or wants more than one proof.
        LoginBrokenError: it hung up instead of an answer.
        LostError: the connection broke or time ran out.
    """
    try:
        if isinstance(given, str):
            further = transport.auth_password(username, given)
        else:
            further = transport.auth_publickey(username, given)
    except paramiko.BadAuthenticationType as error:
        raise LoginError(f"the server takes no such login, only: {', '.join(error.allowed_types)}") from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _why(error, transport, username, watch) from error
    if further:
        raise LoginError(f"the server wants a further proof: {', '.join(further)}")


def _why(
    error: Exception, transport: paramiko.Transport, username: str, watch: Watchdog
) -> LoginError | LostError:
    if watch.expired:
        return LostError(f"{watch.expired} when the server was asked to check the login")
    if not isinstance(error, paramiko.AuthenticationException):
        return LostError("the connection broke when the server was asked to check the login")
    if transport.is_active():
        return LoginError(f"the server refused the login of {username!r}")
    return LoginBrokenError(f"the server hung up instead of answering the login of {username!r}")


def _password(secret: bytes) -> str:
    try:
        return secret.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError("the password is not UTF-8 text") from None
