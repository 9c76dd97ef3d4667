"""Subject and body: Jinja texts, tried when the settings are read."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from agent.mail.failures import LetterError
from agent.mail.texts import Body, Subject, batch_facts, body_of, subject_of

FACTS = batch_facts("refunds.csv", "abc", 1234, "f" * 64, 1_785_000_000.0)


def test_templates_see_what_never_changes():
    """Name, batch, size, digest and the time the batch was made; nothing about the attempt."""
    assert set(FACTS) == {"name", "batch", "size", "sha256", "made"}
    text = "{{ name }} {{ batch }} {{ size }} {{ sha256[:4] }} {{ made.strftime('%Y-%m-%d') }}"
    assert subject_of(text, FACTS) == "refunds.csv abc 1234 ffff 2026-07-25"
    assert body_of("{% if size > 5 %}\nlarge\n{% endif %}\n", FACTS) == "large\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ nmae }}", "'nmae' is undefined; it may name name, batch, size, sha256, made"),
        ("{{ name", "cannot be read: line 1"),
        ("{{ size + name }}", "does not work"),
        ("{{ 1 // 0 }}", "does not work"),
        ("{{ name.__class__.__mro__ }}", "does not work: access to attribute '__class__'"),
        ("{% include 'x' %}", "does not work"),
    ],
)
@pytest.mark.parametrize("form", [Subject, Body])
def test_a_template_that_cannot_work_is_a_mistake_in_the_settings(form, text, words):
    """Found with the settings, in words that say what may be named."""
    with pytest.raises(ValidationError, match="cannot work: ") as caught:
        TypeAdapter(form).validate_python(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\tb", "x{{ '\\r\\n' }}Bcc: x", "x" * 201])
def test_a_subject_is_one_line(text):
    """An empty one, one with line ends, a very long one: refused with the settings as when rendered."""
    with pytest.raises(ValidationError):
        TypeAdapter(Subject).validate_python(text)
    with pytest.raises(LetterError):
        subject_of(text, FACTS)


def test_a_body_has_an_end():
    """Twenty thousand characters are enough for people."""
    with pytest.raises(LetterError, match="more than 20000"):
        body_of("{{ 'x' * 20001 }}", FACTS)
