"""Subjects and bodies as Jinja text templates, written in the settings and tried when those are read.

A template sees facts that never change between attempts, so that every attempt sends the same bytes. It runs
in a sandbox and may name nothing unknown. Its text is an administrator's; no template is made from a file.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import AfterValidator

from agent.mail.failures import LetterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2 import Template

__all__ = ["Body", "Subject", "batch_facts", "body_of", "subject_of"]

_FAILURES = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)
_LONGEST_SUBJECT = 200  # characters
_LONGEST_BODY = 20_000  # characters


def batch_facts(name: str, batch: str, size: int, sha256: str, made_at: float) -> dict[str, object]:
    """Return what the templates of a batch's mail may name; `made` is a datetime in UTC."""
    made = datetime.fromtimestamp(made_at, UTC)
    return {"name": name, "batch": batch, "size": size, "sha256": sha256, "made": made}


def _rendered(text: str, facts: Mapping[str, object]) -> str:
    """Return a template's text with its facts.

    Raises:
        LetterError: it cannot be read, or does not work with these facts.
    """
    try:
        return _template(text).render(facts)
    except TemplateSyntaxError as error:
        raise LetterError(f"the template cannot be read: line {error.lineno}: {error.message}") from error
    except _FAILURES as error:
        raise LetterError(f"the template does not work: {error}") from error


@cache
def _template(text: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(text)


def subject_of(text: str, facts: Mapping[str, object]) -> str:
    """Return a subject: one line that can be printed.

    Raises:
        LetterError: the template makes none.
    """
    subject = _rendered(text, facts).strip()
    if not subject or not subject.isprintable():
        raise LetterError("the template makes a subject that is empty or not one line of printable signs")
    if len(subject) > _LONGEST_SUBJECT:
        raise LetterError(f"the template makes a subject of more than {_LONGEST_SUBJECT} characters")
    return subject


def body_of(text: str, facts: Mapping[str, object]) -> str:
    """Return a body, "" where there is none.

    Raises:
        LetterError: the template makes none.
    """
    body = _rendered(text, facts)
    if len(body) > _LONGEST_BODY:
        raise LetterError(f"the template makes a body of more than {_LONGEST_BODY} characters")
    return body


_SAMPLE = batch_facts("refunds_20260731_abcdefghijklmnopqrst.csv", "abcdefghijklmnopqrst", 1, "0" * 64, 0.0)


def _tried(make: Callable[[str, Mapping[str, object]], str]) -> Callable[[str], str]:
    """Return a validator that tries a template with facts like those it will get."""

    def tried(text: str) -> str:
        try:
            make(text, _SAMPLE)
        except LetterError as error:
            raise ValueError(f"cannot work: {error}; it may name {', '.join(_SAMPLE)}") from error
        return text

    return tried


Subject = Annotated[str, AfterValidator(_tried(subject_of))]
Body = Annotated[str, AfterValidator(_tried(body_of))]
