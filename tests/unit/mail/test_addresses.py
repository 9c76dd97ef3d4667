"""Addresses, and the identity by which a batch's mail is known again."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from agent.ledger.ids import BatchOrigin, batch_id
from agent.mail.addresses import Address, batch_of, message_id

BATCH = batch_id(BatchOrigin("shop", "impact-mail", "raw", "template", "mapping", 0, 1))
FORM = TypeAdapter(Address)


@pytest.mark.parametrize(
    "text", ["a@b", "first.last+tag@sub.example.net", "0c1d-2e@batch.impact.com", "o'neil@example.net"]
)
def test_plain_addresses_are_taken(text):
    """What relays and impact.com use."""
    assert FORM.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@b",
        "a@",
        "a@b@c",
        "A Person <a@b>",
        "<a@b>",
        "a@b\n",
        "a@b\r\nRCPT TO:<c@d>",
        "a b@c",
        ".a@b",
        "a.@b",
        "a..b@c",
        "a@-b",
        "a@b-",
        "a@b..c",
        "ü@b",
        "a@ü",
        'a"@b',
        "a@[127.0.0.1]",
        "a" * 65 + "@b",
        "a@" + "b." * 130 + "c",
    ],
)
def test_everything_else_is_refused(text):
    """What could end a command or a header, or needs an extension of SMTP."""
    with pytest.raises(ValidationError, match="is not a mail address"):
        FORM.validate_python(text)


def test_a_batch_is_found_by_the_message_id():
    """What `message_id` makes, `batch_of` reads, with or without what stands around it."""
    made = message_id(BATCH, "agent@Example.net")
    assert made == f"<{BATCH}@example.net>"
    assert [batch_of(text) for text in (made, made[1:-1], f" {made}\r\n")] == [BATCH] * 3


@pytest.mark.parametrize(
    "text", ["", "<>", "<x@example.net>", f"<{BATCH}1@example.net>", f"<{BATCH.upper()}@example.net>", BATCH]
)
def test_other_message_ids_speak_of_no_batch(text):
    """What others made."""
    assert batch_of(text) is None
