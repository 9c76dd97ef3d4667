"""The webhook way against a real web server: what it posts, whom it trusts, and how it fails."""

from __future__ import annotations

import threading
import time

import pytest

from agent.errors import SettingsError
from agent.ways.base import WayError
from agent.ways.webhook import Options, Way
from tests.certificates import Authority
from tests.servers import free_port, wait_until
from tests.web_hooks import WebHook

TOKEN = "SECRET-TOKEN"
SECRETS = ("SECRET-PATH", TOKEN)


@pytest.fixture
def hook(authority):
    """A web server with a good certificate."""
    with WebHook(authority.context()) as server:
        yield server


@pytest.fixture
def way_to(authority):
    """Make the way to a server; options are given by name."""
    made = []

    def make(url, **options):
        secrets = {"url": url.encode(), "token": TOKEN.encode()}
        options = {"type": "webhook", "url": {"env": "url"}, "ca_file": str(authority.ca_file), **options}
        made.append(Way(Options.model_validate(options), lambda secret: secrets[secret.env]))
        return made[-1]

    yield make
    for way in made:
        way.close()


def words_of(way, bulletin):
    """Return why a bulletin could not be sent; no secret is in it."""
    with pytest.raises(WayError) as caught:
        way.send(bulletin)
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return str(caught.value)


def test_a_bulletin_is_posted_as_json(hook, way_to, bulletin):
    """All that is told, but not the report."""
    way_to(hook.url).send(bulletin(b"<p>CANARY</p>"))
    ((path, headers, posted),) = hook.posts
    assert path == "/hook/SECRET-PATH"
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers
    assert posted["text"] == "Nothing was sent — refunds.csv"
    assert posted["at"] == "2027-01-15T08:00:00Z"
    (told,) = posted["notices"]
    assert told == {
        "about": "file:20270115-a",
        "state": "new",
        "title": "refunds.csv",
        "headline": "Nothing was sent",
        "since": "2027-01-15T08:00:00Z",
        "details": [],
        "todo": "Mend it.",
        "commands": [{"line": "impact-agent release 20270115-a", "effect": "prepares it anew"}],
        "feed": "shop",
        "submission": "20270115-a",
        "folder": "attention/20270115-a--refunds.csv",
    }
    assert "CANARY" not in str(posted)


def test_a_token_is_sent_where_there_is_one(hook, way_to, bulletin):
    """As `Authorization: Bearer`."""
    way_to(hook.url, token={"env": "token"}).send(bulletin())
    assert [headers["Authorization"] for _, headers, _ in hook.posts] == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_any_status_but_success_is_a_failure(status, hook, way_to, bulletin):
    """It is said, and tried again by whoever asked."""
    hook.status = status
    assert words_of(way_to(hook.url), bulletin()) == f"the webhook answered with status {status}"


def test_a_redirect_is_not_followed(hook, way_to, bulletin):
    """Who took the address over gets nothing more by sending us elsewhere."""
    hook.status, hook.location = 307, hook.url.replace("SECRET-PATH", "elsewhere")
    assert words_of(way_to(hook.url), bulletin()).endswith("it sends us elsewhere, which is not followed")
    assert hook.asked == ["POST /hook/SECRET-PATH"]


@pytest.mark.parametrize("fault", [{"name": "other.example.net"}, {"days": -1}, {"self_signed": True}])
def test_a_server_that_does_not_prove_itself_gets_nothing(fault, authority, way_to, bulletin):
    """Another's certificate, an old one, one nobody vouches for: refused before anything is sent."""
    with WebHook(authority.context(**fault)) as server:
        told = words_of(way_to(server.url), bulletin())
        assert told.startswith("the server's certificate was not accepted")
        assert server.asked == []


def test_an_authority_of_somebody_else_is_not_trusted(tmp_path, way_to, bulletin):
    """Only what `ca_file` names is."""
    with WebHook(Authority(tmp_path / "other", "Other").context()) as server:
        assert "certificate was not accepted" in words_of(way_to(server.url), bulletin())
        assert server.posts == []


@pytest.mark.parametrize("way_of_hanging", ["silent", "dripping"])
def test_a_server_that_hangs_costs_no_more_than_the_deadline(way_of_hanging, hook, way_to, bulletin):
    """Silent after the request, or answering a header at a time for ever: the deadline is for all of it."""
    if way_of_hanging == "silent":
        hook.hangs.clear()
    else:
        hook.drips = True
    way, begun = way_to(hook.url, timeout="500ms"), time.monotonic()
    words = words_of(way, bulletin())
    assert time.monotonic() - begun < 5
    assert "did not answer" in words or "could not be told" in words


def test_each_failure_has_its_own_words(authority, way_to, bulletin):
    """What went wrong last time is not told again of another fault."""
    with WebHook(authority.context()) as server:
        server.hangs.clear()
        way = way_to(server.url, timeout="300ms")
        words_of(way, bulletin())
    assert "there is no way to the server" in words_of(way, bulletin())


def test_a_stop_cuts_short_what_is_under_way(hook, way_to, bulletin):
    """`close` from another thread ends a post that waits."""
    hook.hangs.clear()
    way, failures = way_to(hook.url, timeout="20s"), []

    def send():
        try:
            way.send(bulletin())
        except WayError as error:
            failures.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    wait_until(lambda: hook.posts, "the post to arrive")
    way.close()
    thread.join(5)
    assert not thread.is_alive()
    assert len(failures) == 1


def test_nobody_there_is_said_plainly(way_to, bulletin):
    """No server at the port, no such host."""
    assert "there is no way to the server" in words_of(
        way_to(f"https://127.0.0.1:{free_port()}/SECRET-PATH"), bulletin()
    )


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/SECRET-PATH", "ftp://x/SECRET-PATH", "SECRET-PATH", "https://", "https://a b/"],
)
def test_only_https_is_an_address(url, way_to, bulletin):
    """Anything else is refused before anything is sent, in words without it."""
    assert words_of(way_to(url), bulletin())


def test_plain_http_needs_its_own_setting(way_to, bulletin):
    """Ugly, and named so."""
    with WebHook(None) as server:
        words_of(way_to(server.url), bulletin())
        assert server.asked == []
        way_to(server.url, allow_plain_http="true").send(bulletin())
        assert len(server.posts) == 1


def test_the_environment_names_no_proxy(hook, way_to, bulletin, monkeypatch):
    """What the settings say is done, whatever the surroundings say."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    way_to(hook.url).send(bulletin())
    assert len(hook.posts) == 1


@pytest.mark.parametrize("secret", [b"\xff\xfe", b"https://a/\nX-Injected: 1"])
def test_a_secret_that_is_no_text_is_said_plainly(secret, bulletin):
    """It is not shown, and nothing is sent."""
    way = Way(Options.model_validate({"type": "webhook", "url": {"env": "url"}}), lambda _: secret)
    assert "is not" in words_of(way, bulletin())


def test_a_secret_that_cannot_be_read_is_tried_again_later(bulletin):
    """A credential that is gone is a failure of this bulletin only."""

    def gone(_secret):
        raise SettingsError(("the credential is not there",))

    way = Way(Options.model_validate({"type": "webhook", "url": {"env": "url"}}), gone)
    assert words_of(way, bulletin()) == "a secret of the webhook cannot be read: the credential is not there"
