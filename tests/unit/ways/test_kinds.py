"""The ways there are: found by their names, their settings whole or refused, nothing loaded before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from agent.acks import every_kind
from agent.settings.models import Feed, WayOptions
from agent.ways import kinds, open_way
from agent.ways.mail import Options as Mail
from agent.ways.mail import Way as MailWay
from agent.ways.webhook import Options as Webhook
from agent.ways.webhook import Way as WebhookWay

SENDER, OPERATORS = "agent@example.net", ["ops@example.net"]
RELAY = {"type": "mail", "host": "smtp.example.net", "sender": SENDER}
SHOP = {"level": "order", "template": "t.j2", "destination": "there"}


def test_each_way_has_its_options():
    """A kind is a module with `Options` and `Way`; settings may name each."""
    assert kinds() == {"mail": Mail, "webhook": Webhook}
    assert all(issubclass(options, WayOptions) for options in kinds().values())
    assert every_kind().notices == kinds()


def test_opened_by_its_type():
    """Nothing is connected, and no secret is read, before the first bulletin."""
    never = None
    mail = Mail.model_validate({**RELAY, "operators": OPERATORS})
    hook = Webhook.model_validate({"type": "webhook", "url": {"env": "HOOK"}})
    assert isinstance(open_way(mail, never), MailWay)
    assert isinstance(open_way(hook, never), WebhookWay)


def test_faults_need_somebody_to_hear_of_them():
    """Mail without operators is for files only."""
    with pytest.raises(ValidationError, match="needs operators"):
        Mail.model_validate(RELAY)
    assert Mail.model_validate({**RELAY, "tells": "files"}).addressees(None) is None


def test_a_feeds_people_are_told_else_the_operators():
    """Who is named by the feed; nobody named: the operators; faults: always these."""
    options = Mail.model_validate({**RELAY, "operators": OPERATORS})
    named = Feed(name="shop", notify=("ann@example.net",), **SHOP)
    assert options.addressees(named) == ("ann@example.net",)
    assert options.addressees(Feed(name="shop", **SHOP)) == ("ops@example.net",)
    assert options.addressees(None) == ("ops@example.net",)


def test_a_way_is_known_by_its_name_else_its_type():
    """What the ledger keeps of it stays when anything but that changes."""
    plain = {"type": "webhook", "url": {"env": "HOOK"}}
    assert Webhook.model_validate(plain).place == "webhook"
    assert Webhook.model_validate({**plain, "name": "alarm"}).place == "alarm"


@pytest.mark.parametrize("timeout", ["0s", "21s"])
def test_a_webhook_has_a_deadline_that_a_stop_can_wait_for(timeout):
    """Longer than the agent may take to stop is refused."""
    with pytest.raises(ValidationError):
        Webhook.model_validate({"type": "webhook", "url": {"env": "HOOK"}, "timeout": timeout})


def test_knowing_the_ways_loads_neither_mail_nor_web():
    """The start is not slower for it."""
    program = (
        "import sys, agent.ways; agent.ways.kinds(); sys.exit(bool({'httpx2', 'smtplib'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
