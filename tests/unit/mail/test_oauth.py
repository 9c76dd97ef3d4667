"""Tokens for XOAUTH2: from a reference that others keep fresh, or from a server that gives them out."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from agent.channels.smtp import Channel
from agent.errors import Permanent, Transient
from tests.scripted_relay import GOOD, options_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "canary-client-secret"
TOKEN = "canary-token-" + "t" * 1200


class Giver:
    """A server that gives out tokens, over TLS; `asked` holds the forms it got."""

    def __init__(self, context: Any) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.answer: tuple[int, dict[str, Any]] = (200, {"access_token": TOKEN, "expires_in": 3600})
        giver = self

        class Answers(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                top = f"https://127.0.0.1:{giver.port}/tenant"
                found = {"issuer": top, "authorization_endpoint": f"{top}/a", "token_endpoint": f"{top}/t"}
                self._answer(200, found)

            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                giver.asked.append(parse_qs(form))
                self._answer(*giver.answer)

            def _answer(self, code: int, found: dict[str, Any]) -> None:
                content = json.dumps(found).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def giver(authority: Any) -> Iterator[Giver]:
    """A server that gives out tokens."""
    made = Giver(authority.context())
    yield made
    made.close()


@pytest.fixture
def relay(scripted_relay: Any) -> Any:
    """A relay that takes XOAUTH2 only."""
    return scripted_relay(ehlo=GOOD["ehlo"].replace(b"PLAIN LOGIN", b"XOAUTH2"))


@pytest.fixture
def channel(relay: Any, giver: Giver, authority: Any) -> Iterator[Callable[..., Channel]]:
    """Make channels that ask for tokens."""
    made: list[Channel] = []

    def make(reveal: Any = lambda _: SECRET.encode(), **oauth: Any) -> Channel:
        client = {
            "client_id": "agent",
            "client_secret": {"env": "S"},
            "authority": f"https://127.0.0.1:{giver.port}/tenant",
            "ca_file": str(authority.ca_file),
        }
        options = options_to(relay.port, authority, password=None, oauth=oauth or client)
        made.append(Channel(options, reveal))
        return made[-1]

    yield make
    for one in made:
        one.close()


def said(relay: Any) -> list[bytes]:
    """Return the logins a relay heard."""
    return [line for line in relay.heard if line.startswith(b"AUTH")]


BEARER = (
    b"AUTH XOAUTH2 " + base64.b64encode(f"user=agent@example.net\1auth=Bearer {TOKEN}\1\1".encode()) + b"\r\n"
)


def test_a_token_is_asked_for_and_kept(relay: Any, giver: Giver, channel: Any, make_parcel: Any) -> None:
    """The client's secret is shown to the giver only; a second login uses the token again."""
    sender = channel()
    for _ in range(2):
        sender.send(make_parcel(), lambda: None)
        sender.close()
    assert said(relay) == [BEARER, BEARER]
    (asked,) = giver.asked
    assert (asked["client_secret"], asked["grant_type"]) == ([SECRET], ["client_credentials"])
    assert asked["scope"] == ["https://outlook.office365.com/.default"]


def test_a_token_kept_fresh_by_others(relay: Any, giver: Giver, channel: Any, make_parcel: Any) -> None:
    """It is read at each login, so a new one is used without a restart."""
    tokens = [TOKEN.encode(), b"another\n"]
    sender = channel(lambda _: tokens.pop(0), token={"file": "/run/token"})
    for _ in range(2):
        sender.send(make_parcel(), lambda: None)
        sender.close()
    assert said(relay)[0] == BEARER
    assert len(set(said(relay))) == 2
    assert giver.asked == []


@pytest.mark.parametrize(
    ("error", "verdict"), [("invalid_client", Permanent), ("temporarily_unavailable", Transient)]
)
def test_no_token_is_given(
    relay: Any, giver: Giver, channel: Any, make_parcel: Any, error: str, verdict: type
) -> None:
    """A refusal needs a person, a passing fault does not; the secret is in none of the words."""
    giver.answer = (400, {"error": error, "error_description": f"not with {SECRET}"})
    with pytest.raises(verdict, match=error) as caught:
        channel().send(make_parcel(), pytest.fail)
    assert SECRET not in f"{caught.value} {caught.value.evidence}"
    assert relay.connections == 0


def test_the_giver_cannot_be_reached(relay: Any, giver: Giver, channel: Any, make_parcel: Any) -> None:
    """It may come back."""
    giver.close()
    with pytest.raises(Transient, match="no token could be asked for"):
        channel().send(make_parcel(), pytest.fail)
    assert relay.connections == 0


def test_the_relay_refuses_the_token(relay: Any, channel: Any, make_parcel: Any) -> None:
    """It explains itself in a challenge, gets the empty line it waits for, and says no; no token is told."""
    relay.answers["auth"] = b"334 eyJzdGF0dXMiOiI0MDAifQ==\r\n"
    relay.answers[""] = lambda _: b"535 5.7.3 not with " + TOKEN.encode() + b"\r\n"
    with pytest.raises(Permanent, match=r"535 5\.7\.3 not with \*\*\*") as caught:
        channel().send(make_parcel(), pytest.fail)
    assert TOKEN[:20] not in f"{caught.value} {caught.value.evidence}"
