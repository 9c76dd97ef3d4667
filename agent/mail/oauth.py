"""Access tokens for XOAUTH2: read where something else keeps them fresh, or asked for with the client's secret.

Tokens are kept in memory only, by msal, until shortly before they end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from agent.mail.failures import printable
from agent.net.failures import LoginError, LostError, SecretError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.mail.relay import OAuth
    from agent.settings.models import Secret

_TIMEOUT = 30.0  # seconds for each answer of the server that gives out tokens
_PASSING = frozenset({"temporarily_unavailable", "server_error"})  # RFC 6749, 4.1.2.1


class Tokens:
    """Gives the access token of one relay.

    Args:
        options: where tokens come from.
        text_of: reads a secret as text; asked each time, so a changed secret is used without a restart.
    """

    def __init__(self, options: OAuth, text_of: Callable[[Secret], str]) -> None:
        self._options = options
        self._text_of = text_of
        self._client: Any = None
        self._proof = ""

    def token(self) -> str:
        """Return a token that is valid now, as far as anybody knows.

        Raises:
            SecretError: the token or the client's secret cannot be read.
            LoginError: no token is given to us.
            LostError: the server that gives out tokens cannot be reached.
        """
        if self._options.token is not None:
            return self._text_of(self._options.token)
        secret = self._options.client_secret
        proof = self._text_of(secret) if secret else ""
        try:
            answer = self._client_with(proof).acquire_token_for_client(scopes=[self._options.scope])
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; the address is no authority
            raise LostError(f"no token could be asked for: {type(error).__name__}") from error
        if "access_token" in answer:
            return str(answer["access_token"])
        words = printable(f"{answer.get('error')}: {answer.get('error_description', '')}".encode())
        words = words.replace(proof, "…")
        if answer.get("error") in _PASSING:
            raise LostError(f"no token was given: {words}")
        raise LoginError(f"no token was given: {words}")

    def _client_with(self, proof: str) -> Any:
        if self._client is None or proof != self._proof:
            self._client = _client(self._options, proof)
            self._proof = proof
        return self._client


def _client(options: OAuth, proof: str) -> Any:
    try:
        # An extra, slow to load, without types of its own; it brings requests along.
        from msal import ConfidentialClientApplication  # type: ignore[import-untyped]  # noqa: PLC0415
        from requests import Session  # noqa: PLC0415
    except ImportError as error:
        raise SecretError("oauth needs what is not installed: impact-batch-agent[oauth]") from error
    http = Session()
    trusted = str(options.ca_file) if options.ca_file else True
    # Said with each request: else REQUESTS_CA_BUNDLE in the environment has the last word.
    bound = partial(http.request, timeout=_TIMEOUT, verify=trusted)
    http.request = bound  # type: ignore[method-assign]  # as msal itself does for its timeout
    return ConfidentialClientApplication(
        options.client_id,
        client_credential=proof,
        authority=options.authority,
        instance_discovery=False,  # else it asks Microsoft about every authority it does not know
        http_client=http,
    )
