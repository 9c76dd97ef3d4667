"""The `webhook` way: a bulletin is posted as one JSON object to an address that is a secret.

The server is verified, redirects are not followed, what it answers is not read beyond its status, and all of
it has a deadline. Nothing secret and no address of the hook is in what goes wrong.
"""

from __future__ import annotations

import json
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from agent.errors import AgentError
from agent.mail.relay import WholePath  # noqa: TC001 - pydantic reads annotations at run time
from agent.net.dialing import unreachable
from agent.net.tls import refusal, verifying
from agent.net.watchdog import Watchdog
from agent.settings.models import Seconds, Secret, WayOptions
from agent.ways.base import WayError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import httpx2

    from agent.ways.base import Bulletin, Item

_FORM = 1  # of the JSON; goes up when a key changes its meaning
_OK = range(200, 300)


class Options(WayOptions):
    """Notices as JSON to a web address, such as a chat's or an alarm system's."""

    type: Literal["webhook"] = "webhook"
    url: Secret  # where to: whoever knows such an address can write there, so it is kept like a password
    token: Secret | None = None  # sent as `Authorization: Bearer`
    timeout: Seconds = Field(
        default=10.0, gt=0, le=20
    )  # for all of one notice; a stop may have to wait for it
    ca_file: WholePath | None = None  # PEM certificates trusted instead of the machine's own
    allow_plain_http: bool = False  # true: anybody on the way may read notices and token, and change them


class Way:
    """One web address; a connection lasts for one bulletin.

    Args:
        options: where and how.
        reveal: reads a secret; asked each time.
    """

    def __init__(self, options: Options, reveal: Callable[[Secret], bytes]) -> None:
        self._options, self._reveal = options, reveal
        self._watch: Watchdog | None = None
        self._watched: socket.socket | None = None

    def send(self, bulletin: Bulletin) -> None:
        """Send a bulletin; see `base.Way`."""
        import httpx2  # noqa: PLC0415 - loading it takes longer than all else at the start

        self._watch = None
        url = self._address()
        headers = {"Content-Type": "application/json", "User-Agent": "impact-agent"}
        if self._options.token is not None:
            headers["Authorization"] = f"Bearer {self._text(self._options.token)}"
        content = json.dumps(as_json(bulletin), ensure_ascii=False).encode()
        try:
            with httpx2.Client(
                verify=self._context(), timeout=self._options.timeout, trust_env=False
            ) as client:
                status = self._post(client, url, headers, content)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, ValueError) as error:
            raise WayError(self._words(error)) from None  # their texts may hold the address
        if status not in _OK:
            hint = "; it sends us elsewhere, which is not followed" if status // 100 == 3 else ""  # noqa: PLR2004
            raise WayError(f"the webhook answered with status {status}{hint}")

    def close(self) -> None:
        """Cut short what is under way; never raises, safe to call twice."""
        watched = self._watched
        if watched is not None:
            with suppress(OSError):
                watched.shutdown(2)

    def _post(self, client: httpx2.Client, url: str, headers: dict[str, str], content: bytes) -> int:
        """Post and return the status; the body of the answer is not read."""
        try:
            with client.stream(
                "POST", url, headers=headers, content=content, extensions={"trace": self._watch_over}
            ) as response:
                return response.status_code
        finally:
            self._let_go()

    def _watch_over(self, event: str, facts: dict[str, Any]) -> None:
        """Put the socket under a deadline as soon as there is one: the client's own hold for each read only."""
        if event == "connection.connect_tcp.complete":
            self._watched = facts["return_value"].get_extra_info("socket").dup()
            self._watch = Watchdog(self._watched)
            self._watch.begin(self._options.timeout, self._options.timeout)

    def _let_go(self) -> None:
        if self._watch is not None and self._watched is not None:
            self._watch.close()
            self._watched.close()
            self._watched = None

    def _address(self) -> str:
        url = self._text(self._options.url)
        allowed = ("https://", "http://") if self._options.allow_plain_http else ("https://",)
        if not url.lower().startswith(allowed) or not url.isprintable() or " " in url:
            raise WayError(
                "the webhook's url is none that begins with https://; http:// needs allow_plain_http: true"
            )
        return url

    def _text(self, secret: Secret) -> str:
        try:
            text = self._reveal(secret).decode()
        except (AgentError, OSError) as error:
            raise WayError(f"a secret of the webhook cannot be read: {error}") from error
        except UnicodeDecodeError:
            raise WayError("a secret of the webhook is not UTF-8 text") from None
        if not text.isprintable():
            raise WayError("a secret of the webhook is not one line of text")
        return text

    def _context(self) -> ssl.SSLContext:
        try:
            return verifying(self._options.ca_file)
        except OSError as error:
            raise WayError(f"the webhook's ca_file cannot be used: {error.strerror or error}") from error

    def _words(self, error: Exception) -> str:
        if self._watch is not None and self._watch.expired:
            return f"the webhook did not answer: {self._watch.expired}"
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLError):
                return refusal(cause)
            if isinstance(cause, OSError):
                return unreachable(cause)
            cause = cause.__cause__ or cause.__context__
        return f"the webhook could not be told ({type(error).__name__})"


def as_json(bulletin: Bulletin) -> dict[str, object]:
    """Return what is posted; `text` is what chats show."""
    return {
        "version": _FORM,
        "id": bulletin.id,
        "at": _time(bulletin.made_at),
        "text": bulletin.subject,
        "notices": [_item(item) for item in bulletin.items],
        "more": bulletin.more,
    }


def _item(item: Item) -> dict[str, object]:
    return {
        "about": item.about,
        "state": item.state,
        "title": item.title,
        "headline": item.headline,
        "since": _time(item.since),
        "details": list(item.details),
        "todo": item.todo,
        "commands": [{"line": line, "effect": effect} for line, effect in item.commands],
        "feed": item.feed,
        "submission": item.submission,
        "folder": item.folder,
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
